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
	if len(r.Disks) == 0 && r.Memory == "" {
		return g.blocks.Snapshot(ctx, r.Overlays, nil)
	}
	if r.Memory != "" {
		return xml.Errorf(xml.CodeUnsupported, "external snapshots of the memory are not supported")
	}
	return g.blocks.Stopped(ctx, !r.Halt, func() error { return g.blocks.SaveWithin(ctx, r.Tag, r.Disks) })
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
