package qemu

import (
	"context"
	"slices"
	"time"

	"virgo/drivers"
	"virgo/drivers/qemu/block"
	"virgo/xml"
)

var (
	_ drivers.BlockJobber      = (*domains)(nil)
	_ drivers.BlockResizer     = (*domains)(nil)
	_ drivers.BlockThresholder = (*domains)(nil)
)

// blockRequest is what a command asks of the watcher about block nodes.
type blockRequest struct {
	Op      string                  `json:"op"`
	Disk    string                  `json:"disk,omitempty"`
	Base    string                  `json:"base,omitempty"`
	Top     string                  `json:"top,omitempty"`
	Dest    string                  `json:"dest,omitempty"` // a <disk> document
	Bytes   uint64                  `json:"bytes,omitempty"`
	Pivot   bool                    `json:"pivot,omitempty"`
	Async   bool                    `json:"async,omitempty"`
	Options drivers.BlockJobOptions `json:"options"`
	// Of a snapshot: new images, or disks whose images hold it.
	Overlays []block.Overlay `json:"overlays,omitempty"`
	Disks    []string        `json:"disks,omitempty"`
	Tag      string          `json:"tag,omitempty"`
	Memory   *saveRequest    `json:"memory,omitempty"` // where the memory goes
	Live     bool            `json:"live,omitempty"`   // the guest runs while that is written
	Halt     bool            `json:"halt,omitempty"`   // it does not go on
	Merge    []block.Merging `json:"merge,omitempty"`
	// Of a checkpoint or a backup.
	Marks  []block.Mark         `json:"marks,omitempty"`
	Backup *block.BackupRequest `json:"backup,omitempty"`
}

// The operations.
const (
	opInfo      = "info"
	opAbort     = "abort"
	opSpeed     = "speed"
	opPull      = "pull"
	opCommit    = "commit"
	opCopy      = "copy"
	opResize    = "resize"
	opThreshold = "threshold"
	opSnapshot  = "snapshot"
	opDelete    = "delete"
	opMerge     = "merge"
	opMark      = "mark"
	opUnmark    = "unmark"
	opSizes     = "sizes"
	opBackup    = "backup"
	opBackupDoc = "backup-xml"
)

// changes tells whether what is asked for waits for a job of the guest's, as of its
// being saved. What is a job of its own, and what only asks, does not.
func (r blockRequest) changes() bool {
	return slices.Contains([]string{opPull, opCommit, opCopy, opResize, opDelete, opMerge, opMark, opUnmark}, r.Op)
}

// block does what a command asks about block nodes.
func (g *guest) block(ctx context.Context, r blockRequest) (any, error) {
	whole := context.WithoutCancel(ctx) // what has begun is done to its end
	m := g.blocks
	switch r.Op {
	case opInfo:
		return m.Describe(ctx, r.Disk)
	case opAbort:
		return nil, m.Finish(ctx, r.Disk, r.Pivot, r.Async)
	case opSpeed:
		return nil, m.SetSpeed(whole, r.Disk, r.Bytes)
	case opPull:
		return nil, m.Pull(whole, r.Disk, r.Base, r.Options)
	case opCommit:
		return nil, m.Commit(whole, r.Disk, r.Base, r.Top, r.Options)
	case opCopy:
		dest, err := readDestination([]byte(r.Dest))
		if err != nil {
			return nil, err
		}
		return nil, m.Copy(whole, r.Disk, *dest, r.Options)
	case opResize:
		return nil, m.Resize(whole, r.Disk, r.Bytes, r.Async)
	case opThreshold:
		return nil, m.SetThreshold(whole, r.Disk, r.Bytes)
	case opSnapshot:
		return nil, g.snapshot(whole, r)
	case opMerge:
		return nil, m.Merge(whole, r.Merge)
	case opDelete:
		return nil, m.DeleteWithin(whole, r.Tag, r.Disks)
	}
	return g.mark(ctx, whole, r)
}

// mark is block for checkpoints and backups.
func (g *guest) mark(ctx, whole context.Context, r blockRequest) (any, error) {
	m := g.blocks
	switch r.Op {
	case opMark:
		return nil, m.Checkpoint(whole, r.Marks)
	case opUnmark:
		return nil, m.Unmark(whole, r.Marks)
	case opSizes:
		return m.Size(whole, r.Marks)
	case opBackup:
		return nil, g.backingUp(ctx, time.Now(), func(ctx context.Context) error { return m.Backup(ctx, *r.Backup) })
	case opBackupDoc:
		return m.BackupDoc(), nil
	}
	return nil, xml.Errorf(xml.CodeInternal, "unknown operation '%s'", r.Op)
}

// locked asks the watcher for something while the domain is locked.
func (d *domains) locked(ctx context.Context, r drivers.Ref, q blockRequest) error {
	lock, err := d.lockObject(ctx, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if _, running := d.mend(ctx, r.Name, lock); !running {
		return notRunning()
	}
	return d.ask(ctx, r, cmdBlock, q, nil)
}

// BlockJob is the job of a disk, nil if it has none.
func (d *domains) BlockJob(ctx context.Context, r drivers.Ref, disk string) (*drivers.BlockJob, error) {
	var job *drivers.BlockJob
	err := d.ask(ctx, r, cmdBlock, blockRequest{Op: opInfo, Disk: disk}, &job)
	return job, err
}

// AbortBlockJob ends a job; pivot goes over to the copy. The domain is not
// locked: its end locks it.
func (d *domains) AbortBlockJob(ctx context.Context, r drivers.Ref, disk string, pivot, async bool) error {
	return d.ask(ctx, r, cmdBlock, blockRequest{Op: opAbort, Disk: disk, Pivot: pivot, Async: async}, nil)
}

// SetBlockJobSpeed limits a job.
func (d *domains) SetBlockJobSpeed(ctx context.Context, r drivers.Ref, disk string, bytes uint64) error {
	return d.ask(ctx, r, cmdBlock, blockRequest{Op: opSpeed, Disk: disk, Bytes: bytes}, nil)
}

// BlockPull copies what lies below the top image into it.
func (d *domains) BlockPull(ctx context.Context, r drivers.Ref, disk, base string, o drivers.BlockJobOptions) error {
	return d.locked(ctx, r, blockRequest{Op: opPull, Disk: disk, Base: base, Options: o})
}

// BlockCommit writes images into one below them.
func (d *domains) BlockCommit(ctx context.Context, r drivers.Ref, disk, base, top string, o drivers.BlockJobOptions) error {
	if _, running := d.touch(ctx, r.Name); !running { // the peer looks at the chain first, which it does not know
		if def, _, err := d.definition(r); err == nil {
			k, err := block.DiskOf(def, disk)
			if err == nil {
				_, _, err = block.ChainOf(k).Between(k.Target.Dev, base, top, o.Shallow)
			}
			if err != nil {
				return err
			}
		}
	}
	return d.locked(ctx, r, blockRequest{Op: opCommit, Disk: disk, Base: base, Top: top, Options: o})
}

// readDestination reads where a copy goes, a <disk> document.
func readDestination(data []byte) (*xml.Disk, error) {
	n, err := xml.Parse(xml.Source{Name: "destination", Data: data})
	if err != nil {
		return nil, err
	}
	if n.Name != "disk" {
		return nil, xml.Errorf(xml.CodeXML, "expecting root element of 'disk', not '%s'", n.Name)
	}
	d := &xml.Disk{}
	if err := xml.Decode(n, d); err != nil {
		return nil, err
	}
	if d.Source == nil {
		return nil, xml.Errorf(xml.CodePlain, "missing source information for device")
	}
	return d, nil
}

// BlockCopy copies a disk to a destination, a <disk> document.
func (d *domains) BlockCopy(ctx context.Context, r drivers.Ref, disk string, dest []byte, o drivers.BlockJobOptions) error {
	doc, err := readDestination(dest)
	if err != nil {
		return err
	}
	if s := doc.Source; s != nil {
		if path := s.File + s.Dev; path != "" && path[0] != '/' {
			return xml.Errorf(xml.CodeInvalidArg, "absolute path must be used as block copy target")
		}
	}
	if o.Granularity > 0 && o.Granularity&(o.Granularity-1) != 0 {
		return xml.Errorf(xml.CodeInvalidArg, "granularity must be power of 2")
	}
	return d.locked(ctx, r, blockRequest{Op: opCopy, Disk: disk, Dest: string(dest), Options: o})
}

// BlockResize sets a disk's size in bytes.
func (d *domains) BlockResize(ctx context.Context, r drivers.Ref, disk string, bytes uint64, extend bool) error {
	return d.locked(ctx, r, blockRequest{Op: opResize, Disk: disk, Bytes: bytes, Async: extend})
}

// SetBlockThreshold asks for an event once a disk's image has grown to a size.
func (d *domains) SetBlockThreshold(ctx context.Context, r drivers.Ref, disk string, bytes uint64) error {
	return d.ask(ctx, r, cmdBlock, blockRequest{Op: opThreshold, Disk: disk, Bytes: bytes}, nil)
}
