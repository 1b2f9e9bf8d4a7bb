package block

import (
	"context"
	"os"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// Overlay is an image that is to be put above those of a disk.
type Overlay struct {
	Disk  string `json:"disk"` // its target
	Layer Layer  `json:"layer"`
	Reuse bool   `json:"reuse"` // somebody has made it
}

// pending is an exchange of images that is under way: after it either all of the
// disks have theirs, or none.
type pending struct {
	Overlays []Overlay `json:"overlays"`
	Made     []string  `json:"made,omitempty"` // files that go again if it does not happen
}

// Snapshot puts images above those of disks, all at once. extra happens with
// them. The caller's command has locked the domain.
func (m *Manager) Snapshot(ctx context.Context, list []Overlay, extra []Action) error {
	if len(list) == 0 {
		return m.transaction(ctx, extra)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	live, err := m.guest.Live()
	if err != nil {
		return err
	}
	if err := m.CheckFree(live, list); err != nil {
		return err
	}
	nodes, err := m.nodes(ctx)
	if err != nil {
		return err
	}
	var undo drivers.Undo
	defer undo.Run()
	plan := &pending{Overlays: list}
	for i := range list {
		o := &list[i]
		o.Layer.Index = itoa(m.guest.Number())
		if o.Layer.Type != "file" || o.Reuse {
			continue
		}
		if _, err := os.Lstat(o.Layer.Source.File); err != nil {
			plan.Made = append(plan.Made, o.Layer.Source.File)
		}
	}
	m.state.Pending = plan
	undo.Add(func() { m.state.Pending = nil; _ = m.save() })
	if err := m.save(); err != nil {
		return err
	}
	actions, err := m.prepare(ctx, live, list, nodes, &undo)
	if err != nil {
		return err
	}
	if err := m.guest.Execute(ctx, "transaction", map[string]any{"actions": append(actions, extra...)}, nil); err != nil {
		return err
	}
	undo.Done()
	return m.settle(ctx)
}

// Action is one of several that happen together or not at all.
type Action struct {
	Type string         `json:"type"`
	Data map[string]any `json:"data"`
}

// prepare makes the images and their nodes.
func (m *Manager) prepare(ctx context.Context, live *xml.Domain, list []Overlay, nodes map[string]node, undo *drivers.Undo) ([]Action, error) {
	var actions, exchange []Action
	for _, o := range list {
		d, err := DiskOf(live, o.Disk)
		if err != nil {
			return nil, err
		}
		now := ChainOf(d).Layers[0]
		top := nodes[now.Node()]
		if o.Reuse {
			var storage, format []qmp.Step
			if storage, format, err = m.guest.Nodes(d, o.Layer, true, "null"); err == nil {
				err = m.run(ctx, append(storage, format...), undo)
			}
		} else if err = m.touch(o.Layer, undo); err == nil {
			cluster := top.Image.Cluster
			if now.Format != "qcow2" {
				cluster = 0
			}
			err = m.make(ctx, d, o.Layer, "null", top.Image.Size, cluster, &now, undo)
		}
		if err != nil {
			return nil, err
		}
		actions = append(actions, inherit(top, o.Layer.Node())...)
		exchange = append(exchange, Action{"blockdev-snapshot", map[string]any{"node": now.Node(), "overlay": o.Layer.Node()}})
	}
	return append(actions, exchange...), nil
}

// CheckFree refuses disks that a job works on.
func (m *Manager) CheckFree(live *xml.Domain, list []Overlay) error {
	for _, o := range list {
		d, err := DiskOf(live, o.Disk)
		if err != nil {
			return err
		}
		if err := m.free(d); err != nil {
			return err
		}
	}
	return nil
}

// settle notes in the documents what has happened.
func (m *Manager) settle(ctx context.Context) error {
	plan := m.state.Pending
	replaced := make(map[string]Layer) // the images that were on top, by target
	err := m.guest.EditLive(func(dom *xml.Domain) error {
		for _, o := range plan.Overlays {
			d, err := DiskOf(dom, o.Disk)
			if err != nil {
				return err
			}
			if c := ChainOf(d); c.Layers[0].Index != o.Layer.Index {
				replaced[o.Disk] = c.Layers[0]
				c.On(o.Layer).Put(d)
			} else if len(c.Layers) > 1 {
				replaced[o.Disk] = c.Layers[1]
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = m.guest.EditConfig(ctx, func(dom *xml.Domain) {
		for _, o := range plan.Overlays {
			old, ok := replaced[o.Disk]
			if d, err := DiskOf(dom, o.Disk); err == nil && ok && d.Source != nil {
				if c := ChainOf(d); same(&c.Layers[0], &old) {
					l := o.Layer
					l.Index = ""
					c.On(l).Put(d)
				}
			}
		}
	})
	if err != nil {
		return err
	}
	m.state.Pending = nil
	return m.save()
}

// finishPending brings an exchange to its end that was cut short, or undoes it.
func (m *Manager) finishPending(ctx context.Context) error {
	plan := m.state.Pending
	if plan == nil {
		return nil
	}
	tops, err := m.tops(ctx)
	if err != nil {
		return err
	}
	happened := len(plan.Overlays) > 0 && plan.Overlays[0].Layer.among(tops)
	if happened {
		return m.settle(ctx)
	}
	live, err := m.guest.Live()
	if err != nil {
		return err
	}
	for _, o := range plan.Overlays {
		if d, err := DiskOf(live, o.Disk); err == nil {
			m.drop(d, []Layer{o.Layer})
		}
	}
	for _, path := range plan.Made {
		os.Remove(path)
	}
	m.state.Pending = nil
	return m.save()
}
