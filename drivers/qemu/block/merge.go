package block

import (
	"context"

	"virgo/drivers"
)

// Merging is an image of a disk, by its path, that is to be written into the one
// below it, and to be no more.
type Merging struct {
	Disk string `json:"disk"`
	Top  string `json:"top"`
	Base string `json:"base"`
}

// Merge writes images into those below them, all of them or, if one fails, as far
// as it went. The caller's command has locked the domain.
func (m *Manager) Merge(ctx context.Context, list []Merging) error {
	var ends []<-chan error
	var jobs []*Job
	for _, g := range list {
		j, end, err := m.mergeOne(ctx, g)
		if err != nil {
			return err
		}
		if j != nil {
			jobs, ends = append(jobs, j), append(ends, end)
		}
	}
	for i, j := range jobs {
		for j.Kind == drivers.ActiveCommitJob {
			done, err := m.goOver(ctx, j)
			if err != nil {
				return err
			}
			if done {
				break
			}
			if err := pause(ctx); err != nil {
				return err
			}
		}
		select {
		case err := <-ends[i]:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// mergeOne begins to merge one image; nil: it is gone already.
func (m *Manager) mergeOne(ctx context.Context, g Merging) (*Job, <-chan error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.disk(g.Disk)
	if err != nil {
		return nil, nil, err
	}
	if err := m.free(d); err != nil {
		return nil, nil, err
	}
	dev, c := d.Target.Dev, ChainOf(d)
	at, err := c.Find(dev, g.Top, -1)
	if err != nil {
		return nil, nil, err
	}
	to, err := c.Find(dev, g.Base, at)
	if err != nil {
		return nil, nil, err
	}
	id := jobName("commit", dev, c.Layers[at].Node())
	end := m.await(id)
	if err := m.commit(ctx, d, c, at, to, drivers.BlockJobOptions{}, true); err != nil {
		return nil, nil, err
	}
	return m.byID(id), end, nil
}

// goOver has a job that has caught up go over; done: it has, or has ended.
func (m *Manager) goOver(ctx context.Context, j *Job) (done bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byID(j.ID) != j {
		return true, nil
	}
	if !j.Ready {
		return false, nil
	}
	m.collect(ctx, j)
	j.Pivot = true
	if err := m.save(); err != nil {
		return false, err
	}
	return true, m.guest.Execute(ctx, "job-complete", map[string]string{"id": j.ID}, nil)
}
