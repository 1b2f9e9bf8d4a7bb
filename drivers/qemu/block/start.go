package block

import (
	"context"
	"errors"
	"io/fs"
	"math/bits"
	"os"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// speed adds a limit of bytes a second, if there is one.
func speed(args map[string]any, o drivers.BlockJobOptions) map[string]any {
	if o.Bandwidth > 0 {
		args["speed"] = o.Bandwidth
	}
	return args
}

// Pull copies what lies below the top image into it, down to base ("": all).
func (m *Manager) Pull(ctx context.Context, disk, base string, o drivers.BlockJobOptions) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if base == "" && o.KeepRelative {
		return invalid("flag VIR_DOMAIN_BLOCK_REBASE_RELATIVE is valid only with non-null base")
	}
	d, err := m.disk(disk)
	if err != nil {
		return err
	}
	if err := m.free(d); err != nil {
		return err
	}
	dev, c := d.Target.Dev, ChainOf(d)
	if len(c.Layers) == 0 {
		return invalid("disk '%s' has no source file to be rebased", dev)
	}
	top := c.Layers[0].Node()
	j := &Job{ID: jobName("pull", dev, top), Disk: dev, Kind: drivers.PullJob, Speed: o.Bandwidth}
	args := speed(map[string]any{"device": top, "job-id": j.ID, "auto-finalize": true, "auto-dismiss": false, "backing-mask-protocol": true}, o)
	if base != "" {
		at, err := c.Find(dev, base, 0)
		if err != nil {
			return err
		}
		name := c.Layers[at].header()
		if o.KeepRelative {
			if name, err = c.RelativeName(1, at); err != nil {
				return err
			}
		}
		j.Base = c.Layers[at].Index
		args["base-node"], args["backing-file"] = c.Layers[at].Node(), name
	}
	return m.begin(ctx, j, qmp.NewStep("block-stream", args))
}

// Commit writes the images from top ("": the topmost) down to base ("": the
// lowest) into base.
func (m *Manager) Commit(ctx context.Context, disk, base, top string, o drivers.BlockJobOptions) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.disk(disk)
	if err != nil {
		return err
	}
	if err := suits(d); err != nil {
		return err
	}
	dev, c := d.Target.Dev, ChainOf(d)
	at, to, err := c.Between(dev, base, top, o.Shallow)
	if err != nil {
		return err
	}
	if to == at {
		return invalid("top '%s' in chain for '%s' has no backing file", c.Layers[at].Name(), c.Layers[0].Name())
	}
	if o.Shallow && to != at+1 {
		return invalid("base '%s' is not immediately below '%s' in chain for '%s'", base, c.Layers[at].Name(), c.Layers[0].Name())
	}
	switch {
	case at == 0 && !o.Active:
		return invalid("commit of '%s' active layer requires active flag", dev)
	case at > 0 && o.Active:
		return invalid("active commit requested but '%s' is not active", c.Layers[at].Name())
	}
	return m.commit(ctx, d, c, at, to, o, false)
}

// commit begins a commit of the images from one to another. owned: it is part of
// something whose command has locked the domain.
func (m *Manager) commit(ctx context.Context, d *xml.Disk, c Chain, at, to int, o drivers.BlockJobOptions, owned bool) error {
	if err := m.free(d); err != nil {
		return err
	}
	dev, upper, lower := d.Target.Dev, c.Layers[at], c.Layers[to]
	j := &Job{ID: jobName("commit", dev, upper.Node()), Disk: dev, Kind: drivers.CommitJob, Top: upper.Index, Base: lower.Index, Speed: o.Bandwidth, Erase: o.Delete, Owned: owned}
	root, err := m.root(ctx, c)
	if err != nil {
		return err
	}
	args := speed(map[string]any{"device": root, "job-id": j.ID, "top-node": upper.Node(), "base-node": lower.Node(),
		"auto-finalize": true, "auto-dismiss": false, "backing-mask-protocol": true}, o)
	if at > 0 {
		name := lower.header()
		if o.KeepRelative {
			if name, err = c.RelativeName(at, to); err != nil {
				return err
			}
		}
		args["backing-file"] = name
		return m.begin(ctx, j, qmp.NewStep("block-commit", args))
	}
	j.Kind = drivers.ActiveCommitJob
	if err := m.begin(ctx, j, qmp.NewStep("block-commit", args)); err != nil {
		return err
	}
	return m.mirror(j)
}

// indexed is the source of an image with the number of its nodes.
func indexed(l Layer) *xml.DiskSource {
	s := *l.Source
	s.Index = l.Index
	return &s
}

// mirror puts what a job writes to into the live document.
func (m *Manager) mirror(j *Job) error {
	return m.guest.EditLive(func(dom *xml.Domain) error {
		d, err := DiskOf(dom, j.Disk)
		if err == nil {
			d.Mirror = j.mirror(ChainOf(d))
		}
		return err
	})
}

// mirror is what a job writes to in the disk of its images, nil for jobs that
// have nothing there.
func (j *Job) mirror(c Chain) *xml.Mirror {
	next := j.next(c)
	if next == nil {
		return nil
	}
	x := &xml.Mirror{Type: next.Type, Job: "active-commit", Format: &xml.DiskFormat{Type: next.Format}, Source: indexed(*next)}
	if j.Kind != drivers.CopyJob {
		return x
	}
	x.Job, x.File, x.BackingStore = "copy", next.Source.File, &xml.BackingStore{}
	if x.File != "" {
		x.FormatName = next.Format
	}
	if j.Share {
		x.BackingStore = c.store(1)
	}
	return x
}

// disk finds a disk of the live document.
func (m *Manager) disk(word string) (*xml.Disk, error) {
	live, err := m.guest.Live()
	if err != nil {
		return nil, err
	}
	return DiskOf(live, word)
}

// Copy copies a disk to a destination. Its source says where that is; a format
// of "" is the disk's own.
func (m *Manager) Copy(ctx context.Context, disk string, dest xml.Disk, o drivers.BlockJobOptions) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.disk(disk)
	if err != nil {
		return err
	}
	dev, c := d.Target.Dev, ChainOf(d)
	if err := m.free(d); err != nil {
		return err
	}
	if m.guest.Persistent() && !o.Transient {
		return xml.Errorf(xml.CodeOperationInvalid, "domain is not transient")
	}
	if len(c.Layers) == 0 {
		return invalid("disk '%s' has no source file to be copied", dev)
	}
	l := ChainOf(&dest).Layers[0]
	if dest.Driver == nil || dest.Driver.Type == "" {
		l.Format = c.Layers[0].Format
	}
	if err := checkCopy(dev, &l, o); err != nil {
		return err
	}
	nodes, err := m.nodes(ctx)
	if err != nil {
		return err
	}
	root, err := m.root(ctx, c)
	if err != nil {
		return err
	}
	share := o.Shallow && len(c.Layers) > 1
	l.Index = itoa(m.guest.Number())
	j := &Job{ID: jobName("copy", dev, c.Layers[0].Node()), Disk: dev, Kind: drivers.CopyJob, Dest: &l, Share: share, Speed: o.Bandwidth}
	var undo drivers.Undo
	defer undo.Run()
	if err := m.destination(ctx, writable(d), c, j, o, nodes[c.Layers[0].Node()], &undo); err != nil {
		return err
	}
	if err := m.begin(ctx, j, qmp.NewStep("blockdev-mirror", copyArgs(j, root, c.Layers[0].Node(), o))); err != nil {
		return err
	}
	undo.Done()
	return m.mirror(j)
}

func copyArgs(j *Job, root, top string, o drivers.BlockJobOptions) map[string]any {
	args := speed(map[string]any{"job-id": j.ID, "device": root, "target": j.Dest.Node(), "replaces": top, "sync": "full", "auto-finalize": true, "auto-dismiss": false}, o)
	if j.Share {
		args["sync"] = "top"
	}
	if o.Granularity > 0 {
		args["granularity"] = o.Granularity
	}
	if o.BufSize > 0 {
		args["buf-size"] = o.BufSize
	}
	if o.Synchronous {
		args["copy-mode"] = "write-blocking"
	}
	if o.DestIsZero {
		args["target-is-zero"] = true
	}
	return args
}

// checkCopy refuses destinations that cannot be.
func checkCopy(dev string, l *Layer, o drivers.BlockJobOptions) error {
	if o.Granularity > 0 && bits.OnesCount64(o.Granularity) != 1 {
		return invalid("granularity must be power of 2")
	}
	path := l.Path()
	if path == "" {
		return nil
	}
	fi, err := os.Stat(path)
	switch {
	case err != nil && (o.Reuse || l.Type == "block"):
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return xml.Errorf(xml.CodePlain, "missing destination file for disk %s: %s: %s", dev, path, drivers.SystemText(err))
	case err == nil && !o.Reuse && fi.Mode()&fs.ModeDevice == 0 && fi.Size() > 0:
		return xml.Errorf(xml.CodeConfigUnsupported, "external destination file for disk %s already exists and is not a block device: %s", dev, path)
	case err == nil && l.Type == "block" && fi.Mode()&fs.ModeDevice == 0:
		return invalid("blockdev flag requested for disk %s, but file '%s' is not a block device", dev, path)
	}
	return nil
}

// writable is a disk whose copies are written to, even if the guest cannot.
func writable(d *xml.Disk) *xml.Disk {
	w := *d
	w.Readonly, w.Device = false, "disk"
	return &w
}

// destination makes what a copy goes to, and its nodes.
func (m *Manager) destination(ctx context.Context, d *xml.Disk, c Chain, j *Job, o drivers.BlockJobOptions, top node, undo *drivers.Undo) error {
	below, backing := (*Layer)(nil), "null"
	if j.Share {
		below, backing = &c.Layers[1], c.Layers[1].Node()
	}
	if o.Reuse {
		storage, format, err := m.guest.Nodes(d, *j.Dest, true, backing)
		if err == nil {
			err = m.run(ctx, append(storage, format...), undo)
		}
		return err
	}
	if _, err := os.Lstat(j.Dest.Path()); err != nil {
		j.Made = true
	}
	if err := m.touch(*j.Dest, undo); err != nil {
		return err
	}
	cluster := top.Image.Cluster
	if c.Layers[0].Format != "qcow2" {
		cluster = 0
	}
	return m.make(ctx, d, *j.Dest, backing, top.Image.Size, cluster, below, undo)
}
