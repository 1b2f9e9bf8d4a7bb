package block

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"virgo/drivers"
	"virgo/xml"
)

// Describe tells of the job of a disk, nil if it has none.
func (m *Manager) Describe(ctx context.Context, disk string) (*drivers.BlockJob, error) {
	m.mu.Lock()
	d, err := m.disk(disk)
	var j *Job
	if err == nil {
		for _, o := range m.state.Jobs {
			if o.Disk == d.Target.Dev {
				j = o
			}
		}
	}
	m.mu.Unlock()
	if err != nil || j == nil {
		return nil, err
	}
	var list []struct {
		Device             string
		Len, Offset, Speed uint64
		Ready              bool
	}
	if err := m.guest.Execute(ctx, "query-block-jobs", nil, &list); err != nil {
		return nil, err
	}
	info := &drivers.BlockJob{Kind: j.Kind, Bandwidth: j.Speed}
	for _, q := range list {
		if q.Device != j.ID {
			continue
		}
		info.Cur, info.End, info.Bandwidth = q.Offset, q.Len, q.Speed
		if info.Cur == 0 && info.End == 0 && q.Ready { // nothing had to be done
			info.Cur, info.End = 1, 1
		}
		if info.End == info.Cur && !q.Ready && (j.Kind == drivers.CopyJob || j.Kind == drivers.ActiveCommitJob) {
			info.End++ // it has not caught up yet
		}
	}
	if info.End == 0 {
		info.End = 1
	}
	return info, nil
}

// Finish ends the job of a disk; pivot goes over to the copy. It waits until the
// job has ended unless async is set.
func (m *Manager) Finish(ctx context.Context, disk string, pivot, async bool) error {
	end, err := m.abort(context.WithoutCancel(ctx), disk, pivot) // only the wait can be given up
	if err != nil || async && !pivot {
		return err
	}
	select {
	case err := <-end:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *Manager) abort(ctx context.Context, disk string, pivot bool) (<-chan error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.disk(disk)
	if err != nil {
		return nil, err
	}
	dev := d.Target.Dev
	j := m.ofDisk(dev)
	if j == nil {
		return nil, invalid("disk %s does not have an active block job", dev)
	}
	if pivot {
		if j.Kind != drivers.CopyJob && j.Kind != drivers.ActiveCommitJob {
			return nil, xml.Errorf(xml.CodeOperationInvalid, "job type '%s' does not support pivot", kindWord(j.Kind))
		}
		if !j.Ready {
			return nil, xml.Errorf(xml.CodeBlockCopyActive, "block job '%s' not ready for pivot yet", j.ID)
		}
	}
	before := *j
	end := m.await(j.ID)
	j.Pivot, j.Abort = j.Pivot || pivot, true
	if err := m.save(); err != nil {
		return nil, err
	}
	if pivot {
		m.collect(ctx, j)
		err = m.guest.Execute(ctx, "job-complete", map[string]string{"id": j.ID}, nil)
	} else {
		err = m.cancel(ctx, j)
	}
	if err != nil {
		*j = before
		_ = m.save()
		return nil, err
	}
	return end, nil
}

// kindWord is a kind of jobs as errors name it.
func kindWord(k drivers.BlockJobKind) string {
	return [...]string{"none", "pull", "copy", "commit", "active-commit", "backup"}[k]
}

// SetSpeed limits the job of a disk to bytes a second.
func (m *Manager) SetSpeed(ctx context.Context, disk string, bytes uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.disk(disk)
	if err != nil {
		return err
	}
	j := m.ofDisk(d.Target.Dev)
	if j == nil {
		return invalid("disk %s does not have an active block job", d.Target.Dev)
	}
	return m.guest.Execute(ctx, "block-job-set-speed", map[string]any{"device": j.ID, "speed": bytes}, nil)
}

// Resize sets a disk's size in bytes, 0 being that of the device below. extend:
// never make it smaller.
func (m *Manager) Resize(ctx context.Context, disk string, bytes uint64, extend bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	live, err := m.guest.Live()
	if err != nil {
		return err
	}
	d, err := DiskOf(live, disk)
	if err != nil {
		return invalid("disk '%s' was not found in the domain config", disk)
	}
	c := ChainOf(d)
	if len(c.Layers) == 0 || d.Readonly || d.Device == "cdrom" {
		return xml.Errorf(xml.CodeUnsupported, "can't resize empty or readonly disk '%s'", d.Target.Dev)
	}
	top := c.Layers[0]
	if s := top.Source.Slice; s != nil && s.Offset > 0 {
		return xml.Errorf(xml.CodeUnsupported, "resize of a disk with storage slice with non-zero 'offset' is not supported")
	}
	if bytes == 0 {
		if top.Type != "block" || top.Format != "raw" {
			return xml.Errorf(xml.CodeUnsupported, "block resize to full capacity supported only with 'raw' local block-based disks")
		}
		if bytes, err = deviceSize(top.Path()); err != nil {
			return err
		}
	}
	if extend {
		nodes, err := m.nodes(ctx)
		if err != nil {
			return err
		}
		if now := nodes[top.Node()].Image.Size; bytes < now {
			return invalid("the size of disk '%s' is %d bytes already", d.Target.Dev, now)
		}
	}
	return m.guest.Execute(ctx, "block_resize", map[string]any{"node-name": top.Node(), "size": bytes}, nil)
}

// deviceSize is the size of a block device: where it ends.
func deviceSize(path string) (uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, drivers.SystemError("cannot open", path, err)
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	return uint64(max(end, 0)), err
}

// SetThreshold asks for an event once an image has grown to a size. disk is a
// target, with [N] behind it for one of its images.
func (m *Manager) SetThreshold(ctx context.Context, disk string, bytes uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, l, err := m.layer(disk)
	if err != nil {
		return err
	}
	return m.guest.Execute(ctx, "block-set-write-threshold", map[string]any{"node-name": l.Storage(), "write-threshold": bytes}, nil)
}

// layer finds an image by its disk's target and number, or the top one.
func (m *Manager) layer(word string) (*xml.Disk, *Layer, error) {
	live, err := m.guest.Live()
	if err != nil {
		return nil, nil, err
	}
	for i := range live.Devices.Disks {
		d := &live.Devices.Disks[i]
		c := ChainOf(d)
		if d.Target == nil {
			continue
		}
		if d.Target.Dev == word && len(c.Layers) == 0 {
			return nil, nil, xml.Errorf(xml.CodeInternal, "argument key 'node-name' must not have null value")
		}
		for k := range c.Layers {
			if l := &c.Layers[k]; k == 0 && d.Target.Dev == word || d.Target.Dev+"["+l.Index+"]" == word {
				return d, l, nil
			}
		}
	}
	return nil, nil, invalid("failed to find disk '%s'", word)
}

// threshold tells that an image has grown.
func (m *Manager) threshold(data map[string]any) {
	name, _ := data["node-name"].(string)
	live, err := m.guest.Live()
	if err != nil {
		return
	}
	for i := range live.Devices.Disks {
		d := &live.Devices.Disks[i]
		c := ChainOf(d)
		for k := range c.Layers {
			l := &c.Layers[k]
			if l.Storage() != name || d.Target == nil {
				continue
			}
			dev, path := d.Target.Dev, l.Path()
			if path == "" {
				path = "(null)"
			}
			numbers := fmt.Sprintf("%s %s", integer(data["write-threshold"]), integer(data["amount-exceeded"]))
			if k == 0 { // once by the target alone, which older programs know
				m.guest.Tell("block-threshold", fmt.Sprintf("dev: %s(%s) %s", dev, path, numbers), "")
			}
			m.guest.Tell("block-threshold", fmt.Sprintf("dev: %s[%s](%s) %s", dev, l.Index, path, numbers), "")
		}
	}
}

// integer is a number of JSON without a fraction.
func integer(v any) string {
	switch n := v.(type) {
	case json.Number:
		return n.String()
	case float64:
		return fmt.Sprintf("%.0f", n)
	}
	return "0"
}

// Reconcile takes over from a manager that is gone: what it was in the middle of
// is brought to its end, or undone. The domain is locked.
func (m *Manager) Reconcile(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.finishPending(ctx); err != nil {
		return // it stays on disk for the next one
	}
	if m.state.Stopped {
		m.waitInternal(ctx)
		m.guest.Continue(ctx)
		m.state.Stopped = false
		_ = m.save()
	}
	defer m.finishBackup(ctx)
	for _, j := range append([]*Job(nil), m.state.Jobs...) {
		state, err := m.job(ctx, j.ID)
		if err != nil {
			return
		}
		switch {
		case j.Done:
			m.clear(ctx, j)
		case state == nil:
			m.lost(ctx, j)
		case state.Status == "concluded":
			m.over(ctx, j, state)
		default:
			m.resume(ctx, j, state)
		}
	}
}

// resume takes over a job that goes on. QEMU may not have heard what it was told
// to do last; the document may not have been told of it.
func (m *Manager) resume(ctx context.Context, j *Job, state *jobState) {
	_ = m.guest.EditLive(func(dom *xml.Domain) error {
		d, err := DiskOf(dom, j.Disk)
		if err != nil {
			return err
		}
		if d.Mirror == nil {
			d.Mirror = j.mirror(ChainOf(d))
		}
		if d.Mirror != nil && state.Status == "ready" {
			d.Mirror.Ready = "yes"
		}
		return nil
	})
	if state.Status == "ready" && !j.Ready {
		j.Ready = true
		_ = m.save()
	}
	if j.Kind == drivers.BackupJob {
		return
	}
	switch {
	case j.Pivot && j.Ready:
		_ = m.guest.Execute(ctx, "job-complete", map[string]string{"id": j.ID}, nil)
	case j.Abort:
		_ = m.cancel(ctx, j)
	}
}

// cancel has QEMU end a job. One that has caught up leaves a whole copy.
func (m *Manager) cancel(ctx context.Context, j *Job) error {
	return m.guest.Execute(ctx, "block-job-cancel", map[string]any{"device": j.ID, "force": !j.Ready}, nil)
}

// lost is a job that QEMU does not know: it never began.
func (m *Manager) lost(ctx context.Context, j *Job) {
	if j.Kind == drivers.BackupJob {
		m.over(ctx, j, nil)
		return
	}
	j.Abort, j.Pivot = true, false
	if d, err := m.disk(j.Disk); err == nil && d.Mirror != nil || j.Kind == drivers.CopyJob {
		m.end(ctx, j, "")
		return
	}
	m.forget(j)
	m.ended(j.ID, nil)
}
