package block

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Job is a job that QEMU does on a disk.
type Job struct {
	ID    string               `json:"id"`
	Disk  string               `json:"disk"` // its target
	Kind  drivers.BlockJobKind `json:"kind"`
	Top   string               `json:"top,omitempty"`  // number of the topmost image that goes
	Base  string               `json:"base,omitempty"` // number of the image that stays; of a pull "" is none
	Dest  *Layer               `json:"dest,omitempty"` // of a copy
	Share bool                 `json:"share,omitempty"`
	Made  bool                 `json:"made,omitempty"` // the copy's file was made for it
	Erase bool                 `json:"erase,omitempty"`
	Ready bool                 `json:"ready,omitempty"`
	Pivot bool                 `json:"pivot,omitempty"` // it was told to go over
	Abort bool                 `json:"abort,omitempty"` // it was told to end
	Speed uint64               `json:"speed,omitempty"` // bytes a second
	Owned bool                 `json:"owned,omitempty"` // it is part of something whose command has locked the domain
	Done  bool                 `json:"done,omitempty"`  // its end is noted; what is left is to take Gone away
	How   string               `json:"how,omitempty"`   // how it ended, noted before the documents are changed
	Gone  []Layer              `json:"gone,omitempty"`  // images that no disk has any more
}

// The events' words for how a job goes on.
const (
	completed = "completed"
	failed    = "failed"
	cancelled = "canceled"
	ready     = "ready"
)

// pause is how long is waited for QEMU to do what is a matter of moments.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(5 * time.Millisecond):
		return nil
	}
}

// ofDisk is the job of a disk, nil if it has none.
func (m *Manager) ofDisk(dev string) *Job {
	for _, j := range m.state.Jobs {
		if j.Disk == dev && j.Kind != drivers.BackupJob {
			return j
		}
	}
	return nil
}

func (m *Manager) byID(id string) *Job {
	for _, j := range m.state.Jobs {
		if j.ID == id {
			return j
		}
	}
	return nil
}

// suits refuses a disk on whose images nothing may be done: what a transient one
// writes goes when the guest ends.
func suits(d *xml.Disk) error {
	if d.Transient != nil {
		return xml.Errorf(xml.CodeUnsupported, "block jobs are not supported on transient disk '%s'", d.Target.Dev)
	}
	return nil
}

// free refuses a disk that has a job, or cannot have one.
func (m *Manager) free(d *xml.Disk) error {
	if err := suits(d); err != nil {
		return err
	}
	for _, j := range m.state.Jobs {
		if j.Disk == d.Target.Dev && j.Kind == drivers.BackupJob {
			return xml.Errorf(xml.CodeUnsupported, "disk '%s' already in active block job", d.Target.Dev)
		}
		if j.Disk == d.Target.Dev {
			return xml.Errorf(xml.CodeBlockCopyActive, "disk '%s' already in active block job", d.Target.Dev)
		}
	}
	return nil
}

// begin notes a job and starts it.
func (m *Manager) begin(ctx context.Context, j *Job, s qmp.Step) error {
	m.state.Jobs = append(m.state.Jobs, j)
	err := m.save()
	if err == nil {
		err = m.guest.Execute(ctx, s.Execute, s.Arguments, nil)
	}
	if err != nil {
		m.forget(j)
		return err
	}
	return nil
}

func (m *Manager) forget(j *Job) {
	m.state.Jobs = slices.DeleteFunc(m.state.Jobs, func(o *Job) bool { return o == j })
	_ = m.save()
}

// Event follows QEMU's events.
func (m *Manager) Event(e qmp.Event) {
	switch e.Event {
	case "JOB_STATUS_CHANGE":
		id, _ := e.Data["id"].(string)
		status, _ := e.Data["status"].(string)
		switch status {
		case "ready":
			go m.caughtUp(id)
		case "concluded":
			go m.conclude(id)
		}
	case "BLOCK_WRITE_THRESHOLD":
		go m.threshold(e.Data)
	}
}

// caughtUp notes that a copy is as the disk is.
func (m *Manager) caughtUp(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.byID(id)
	if j == nil || j.Ready || j.Pivot || j.Abort {
		return
	}
	j.Ready = true
	_ = m.save()
	name := ""
	_ = m.guest.EditLive(func(dom *xml.Domain) error { // else the document says less than it could
		d, err := DiskOf(dom, j.Disk)
		if err == nil && d.Mirror != nil {
			d.Mirror.Ready = "yes"
		}
		if err == nil {
			name = diskName(d)
		}
		return err
	})
	m.tell(j, name, ready)
}

func diskName(d *xml.Disk) string {
	if c := ChainOf(d); len(c.Layers) > 0 {
		return c.Layers[0].Path()
	}
	return ""
}

// tell adds the events of a job: one names the disk's image, one its target.
func (m *Manager) tell(j *Job, path, how string) {
	if path != "" {
		m.guest.Tell("block-job", fmt.Sprintf("%s for %s %s", j.Kind, path, how), "")
	}
	m.guest.Tell("block-job-2", fmt.Sprintf("%s for %s %s", j.Kind, j.Disk, how), "")
}

// conclude brings a job to its end that QEMU has ended.
func (m *Manager) conclude(id string) {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	m.mu.Lock()
	j := m.byID(id)
	m.mu.Unlock()
	if j == nil {
		return
	}
	if !j.Owned {
		defer m.guest.Lock(ctx)() // before m.mu: who has locked the domain may wait for that
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byID(id) != j || j.Done {
		return
	}
	state, err := m.job(ctx, id)
	if err != nil {
		return // QEMU is ending
	}
	m.over(ctx, j, state)
}

// over is end for what QEMU says of a job, nil for one that it does not know.
func (m *Manager) over(ctx context.Context, j *Job, state *jobState) {
	message := ""
	if state != nil {
		message = state.Error
	}
	if j.Kind == drivers.BackupJob {
		m.backedUp(ctx, j, state, message)
		return
	}
	m.end(ctx, j, message)
}

// outcome is how a job has ended, in the events' words. Which image a disk is on
// after a copy or a commit of the top one QEMU is asked: who told it to go over, or
// to end, may have been killed before QEMU heard of it, and who came next may have
// told it otherwise.
func (m *Manager) outcome(ctx context.Context, j *Job, d *xml.Disk, message string) string {
	if next := j.next(ChainOf(d)); next != nil {
		if tops, err := m.tops(ctx); err == nil {
			switch {
			case next.among(tops):
				return completed
			case message == "" || j.Abort:
				return cancelled
			}
			return failed
		}
	}
	switch {
	case j.Abort && !j.Pivot:
		return cancelled
	case message != "":
		return failed
	}
	return completed
}

// next is the image that a job can have a disk go over to, nil for other jobs.
func (j *Job) next(c Chain) *Layer {
	switch j.Kind {
	case drivers.CopyJob:
		return j.Dest
	case drivers.ActiveCommitJob:
		if i := c.at(j.Base); i >= 0 {
			return &c.Layers[i]
		}
	}
	return nil
}

// end notes in the documents how a job has ended, and takes away what it leaves.
// What it is about to note is saved first: after a kill at any moment the whole is
// done once more.
func (m *Manager) end(ctx context.Context, j *Job, message string) {
	disk, err := m.disk(j.Disk)
	if err == nil && j.How == "" {
		j.How = m.outcome(ctx, j, disk, message)
		j.Gone = j.apply(disk)
		_ = m.save()
	}
	how := j.How
	_ = m.guest.EditLive(func(dom *xml.Domain) error { // else the document says less than it could
		d, e := DiskOf(dom, j.Disk)
		if e != nil {
			return e
		}
		j.apply(d)
		copied := *d
		disk = &copied
		return nil
	})
	if how == completed && disk != nil {
		_ = m.guest.EditConfig(ctx, func(dom *xml.Domain) {
			if d, e := DiskOf(dom, j.Disk); e == nil && d.Source != nil {
				m.applyConfig(d, disk, j)
			}
		})
	}
	j.Done = true
	j.Erase = j.Erase && how == completed
	_ = m.save()
	name := ""
	if disk != nil {
		name = diskName(disk)
	}
	m.clear(ctx, j)
	m.tell(j, name, how)
	err = nil
	if how == failed {
		err = xml.Errorf(xml.CodeOperationFailed, "job '%s' failed: %s", j.ID, message)
	}
	m.ended(j.ID, err)
}

// clear takes away what a job leaves whose end is noted. QEMU lets go of its
// images once it has forgotten it.
func (m *Manager) clear(ctx context.Context, j *Job) {
	_ = m.guest.Execute(ctx, "job-dismiss", map[string]string{"id": j.ID}, nil)
	if d, err := m.disk(j.Disk); err == nil {
		m.carry(ctx, d, j)
		m.drop(d, j.Gone)
	}
	for i := range j.Gone {
		if path := j.Gone[i].Path(); j.Erase && j.Gone[i].Type == "file" && path != "" {
			os.Remove(path)
		}
	}
	m.forget(j)
}

// apply changes a live disk as a job that has ended has, and gives the images that
// it lost. A disk that is changed already stays as it is.
func (j *Job) apply(d *xml.Disk) []Layer {
	c := ChainOf(d)
	mirror := d.Mirror
	d.Mirror = nil
	if j.How != completed {
		if j.Kind == drivers.CopyJob && j.Dest != nil {
			return []Layer{*j.Dest}
		}
		return nil
	}
	var gone []Layer
	switch j.Kind {
	case drivers.PullJob:
		from, to := 1, len(c.Layers)
		if i := c.at(j.Base); j.Base != "" && i >= 0 {
			to = i
		} else {
			c.Ended = true
		}
		gone = slices.Clone(c.Layers[from:to])
		c = c.Cut(from, to)
	case drivers.CommitJob, drivers.ActiveCommitJob:
		from, to := c.at(j.Top), c.at(j.Base)
		if from < 0 || to < from {
			return nil
		}
		gone = slices.Clone(c.Layers[from:to])
		c = c.Cut(from, to)
	case drivers.CopyJob:
		if j.Dest == nil || c.Layers[0].Index == j.Dest.Index {
			return nil
		}
		next := Chain{Layers: []Layer{*j.Dest}, Ended: true}
		if mirror != nil {
			next = Chain{Layers: []Layer{*j.Dest}}.below(mirror.BackingStore)
		}
		if j.Share {
			next.Layers, next.Ended = append([]Layer{*j.Dest}, c.Layers[1:]...), c.Ended
			gone = c.Layers[:1]
		} else {
			gone = c.Layers
		}
		c = next
	}
	c.Put(d)
	return gone
}

// applyConfig changes the definition's disk in the same way, as far as it has
// the images that the live one had.
func (m *Manager) applyConfig(d, live *xml.Disk, j *Job) {
	gone := j.Gone
	c := ChainOf(d)
	now := ChainOf(live)
	plain := func(l Layer) Layer { l.Index = ""; return l }
	lost := func(l *Layer) bool {
		return slices.ContainsFunc(gone, func(g Layer) bool { return same(&g, l) })
	}
	top := now.Layers[0]
	switch {
	case j.Kind == drivers.CopyJob:
		if len(gone) == 0 || !same(&c.Layers[0], &gone[0]) {
			return
		}
		if !j.Share {
			c = Chain{Ended: now.Ended, Layers: []Layer{{}}}
		}
		c.Layers = append([]Layer{plain(top)}, c.Layers[1:]...)
	case !same(&c.Layers[0], &top) && !lost(&c.Layers[0]):
		return
	default:
		kept := c.Layers[:0:0]
		for i := range c.Layers {
			if !lost(&c.Layers[i]) {
				kept = append(kept, c.Layers[i])
			}
		}
		if len(kept) == 0 || !same(&kept[0], &top) {
			kept = append([]Layer{plain(top)}, kept...)
		}
		c.Layers = kept
	}
	c.Put(d)
}

// await gives the channel on which a job's end will be told. m.mu is held.
func (m *Manager) await(id string) <-chan error {
	m.ends.Lock()
	defer m.ends.Unlock()
	ch := make(chan error, 1)
	m.waiter[id] = append(m.waiter[id], ch)
	return ch
}

func (m *Manager) ended(id string, err error) {
	m.ends.Lock()
	defer m.ends.Unlock()
	for _, ch := range m.waiter[id] {
		ch <- err
	}
	delete(m.waiter, id)
}
