package qemu

import (
	"context"

	"virgo/drivers"
	"virgo/drivers/qemu/block"
	"virgo/xml"
)

// loadSnapshot is a snapshot within images that a start goes on from.
type loadSnapshot struct {
	Tag   string
	Nodes []string
}

// loadSnapshot brings back the memory and the disks of a snapshot.
func (g *guest) loadSnapshot(ctx context.Context, l *loadSnapshot) error {
	return block.Internal(ctx, blockGuest{g}, "load", map[string]any{"tag": l.Tag, "vmstate": l.Nodes[0], "devices": l.Nodes})
}

// wentBack is letRun for a guest that comes from a snapshot. g.mu is held.
func (g *guest) wentBack(ctx context.Context, st *startConfig) error {
	if st.Paused {
		g.change(drivers.PausedState, drivers.PausedFromSnapshot, "Started", "Snapshot")
		g.tell("lifecycle", "Suspended", "Snapshot")
		return nil
	}
	if err := g.qmp.Execute(ctx, "cont", nil, nil); err != nil {
		return xml.Errorf(xml.CodeOperationFailed, "cannot let the guest run: %v", err)
	}
	g.change(drivers.Running, drivers.RunningFromSnapshot, "Started", "Snapshot")
	g.tell("lifecycle", "Resumed", "Snapshot")
	return nil
}

// snapshot makes a snapshot of the running guest.
func (g *guest) snapshot(ctx context.Context, r blockRequest) error {
	j, work, done, err := g.begin(ctx, snapshotOperation, "snapshot")
	if err != nil {
		return err
	}
	defer done()
	if r.Memory != nil || len(r.Disks) > 0 {
		if err := g.canWrite(work); err != nil {
			return err
		}
	}
	disks := func() error { return g.blocks.Snapshot(work, r.Overlays, nil) }
	switch {
	case r.Memory != nil:
		return g.snapshotMemory(work, j, r, disks)
	case len(r.Disks) > 0:
		// The passes over the memory are told, as those of a save are.
		caps := []map[string]any{{"capability": "events", "state": true}}
		if err := g.qmp.Execute(work, "migrate-set-capabilities", map[string]any{"capabilities": caps}, nil); err != nil {
			return lost(err)
		}
		return g.blocks.Stopped(work, !r.Halt, func() error { return g.blocks.SaveWithin(work, r.Tag, r.Disks) })
	}
	return disks()
}

// snapshotMemory writes the memory to a file, and makes the snapshot of the disks
// before the guest goes on. It runs meanwhile where that is asked for.
func (g *guest) snapshotMemory(ctx context.Context, j *job, r blockRequest, disks func() error) error {
	ran := blockGuest{g}.Running()
	g.devices.Lock()
	defer g.devices.Unlock()
	if now, err := liveStamp(g.dir); err != nil || now != r.Memory.Stamp {
		return errStale
	}
	image := newSaveImage(r.Memory.Doc, r.Memory.Cookie, ran, r.Memory.Format)
	file, record, err := g.createSave(r.Memory.Path, ran, true)
	if err != nil {
		return err
	}
	defer file.Close()
	var undo drivers.Undo
	defer undo.Run()
	undo.Add(func() { g.record(nil) })
	var fresh drivers.Undo // what goes if this fails
	defer fresh.Run()
	fresh.Add(record.drop)
	if _, err := file.Write(image.bytes(unfinished)); err != nil {
		return xml.Errorf(xml.CodeSystem, "unable to write %s: %s", record.Path, drivers.SystemText(unwrapPath(err)))
	}
	if ran && !r.Live {
		if err := g.stopFor(ctx, j, drivers.PausedSnapshot); err != nil {
			return err
		}
	}
	if ran {
		fresh.Add(func() { g.goOn(drivers.RunningUnpaused) })
	}
	last, err := g.writeState(ctx, j, file, *r.Memory)
	if err != nil {
		return err
	}
	if err := disks(); err != nil {
		return err
	}
	whole := *record
	whole.Dump = false
	if err := whole.finish(file); err != nil {
		return err
	}
	fresh.Done()
	g.completed(j, last.params())
	if ran && !r.Halt {
		g.goOn(drivers.RunningUnpaused)
	}
	return nil
}

// Running tells whether the vCPUs run.
func (g blockGuest) Running() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.status.State == drivers.Running
}

// Stop stops the vCPUs for a snapshot.
func (g blockGuest) Stop(ctx context.Context) error {
	return g.stopFor(ctx, nil, drivers.PausedSnapshot)
}

// Continue lets them go on. A guest that is ending does not, and somebody else
// tells of that.
func (g blockGuest) Continue(context.Context) { g.goOn(drivers.RunningUnpaused) }
