package block

import (
	"context"
	"slices"

	"virgo/drivers"
	"virgo/xml"
)

// Bitmap is a note of which blocks of a node have changed.
type Bitmap struct {
	Name                                      string
	Recording, Persistent, Busy, Inconsistent bool
	Granularity, Count                        uint64
}

// Mark names a bitmap of a disk.
type Mark struct {
	Disk   string `json:"disk"`
	Bitmap string `json:"bitmap"`
}

// written collects what is written between the moment at which a copy is gone
// over to and the one at which bitmaps follow.
const written = "libvirt-tmp-activewrite"

// kept are a node's bitmaps that belong to checkpoints.
func (n node) kept() []Bitmap {
	return slices.DeleteFunc(slices.Clone(n.Bitmaps), func(b Bitmap) bool { return !b.Persistent || b.Inconsistent })
}

func (n node) bitmap(name string) *Bitmap {
	for i := range n.Bitmaps {
		if n.Bitmaps[i].Name == name {
			return &n.Bitmaps[i]
		}
	}
	return nil
}

func addBitmap(nodeName, name string, granularity uint64, persistent, disabled bool) Action {
	data := map[string]any{"node": nodeName, "name": name, "persistent": persistent, "disabled": disabled}
	if granularity > 0 {
		data["granularity"] = granularity
	}
	return Action{"block-dirty-bitmap-add", data}
}

func removeBitmap(nodeName, name string) Action {
	return Action{"block-dirty-bitmap-remove", map[string]any{"node": nodeName, "name": name}}
}

// place is where a bitmap is.
type place struct {
	Node string `json:"node"`
	Name string `json:"name"`
}

func mergeBitmap(nodeName, target string, from []place) Action {
	return Action{"block-dirty-bitmap-merge", map[string]any{"node": nodeName, "target": target, "bitmaps": from}}
}

func (m *Manager) transaction(ctx context.Context, actions []Action) error {
	if len(actions) == 0 {
		return nil
	}
	return m.guest.Execute(ctx, "transaction", map[string]any{"actions": actions}, nil)
}

// Checkpoint begins bitmaps on the top images of disks.
func (m *Manager) Checkpoint(ctx context.Context, list []Mark) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	actions, err := m.marking(list)
	if err != nil {
		return err
	}
	return m.transaction(ctx, actions)
}

// marking are the actions that begin bitmaps.
func (m *Manager) marking(list []Mark) ([]Action, error) {
	var actions []Action
	for _, k := range list {
		d, err := m.disk(k.Disk)
		if err != nil {
			return nil, err
		}
		c := ChainOf(d)
		if len(c.Layers) == 0 {
			return nil, invalid("disk '%s' has no image", k.Disk)
		}
		actions = append(actions, addBitmap(c.Layers[0].Node(), k.Bitmap, 0, true, false))
	}
	return actions, nil
}

// Unmark drops bitmaps from all images of disks that have them.
func (m *Manager) Unmark(ctx context.Context, list []Mark) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	nodes, err := m.nodes(ctx)
	if err != nil {
		return err
	}
	for _, k := range list {
		d, err := m.disk(k.Disk)
		if err != nil {
			continue // the disk is there no more
		}
		c := ChainOf(d)
		for i := range c.Layers {
			name := c.Layers[i].Node()
			if nodes[name].bitmap(k.Bitmap) == nil {
				continue
			}
			err := m.writable(ctx, d, c, i, func() error {
				return m.transaction(ctx, []Action{removeBitmap(name, k.Bitmap)})
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// writable lets an image below the top one be written to while fn runs.
func (m *Manager) writable(ctx context.Context, d *xml.Disk, c Chain, i int, fn func() error) error {
	if i == 0 {
		return fn()
	}
	backing := "null"
	if i+1 < len(c.Layers) {
		backing = c.Layers[i+1].Node()
	}
	reopen := func(writable bool) error {
		storage, format, err := m.guest.Nodes(d, c.Layers[i], writable, backing)
		if err != nil {
			return err
		}
		all := append(storage, format...)
		return m.guest.Execute(ctx, "blockdev-reopen", map[string]any{"options": []any{all[len(all)-1].Arguments}}, nil)
	}
	if err := reopen(true); err != nil {
		return err
	}
	err := fn()
	if e := reopen(false); err == nil {
		err = e
	}
	return err
}

// Size is how many bytes have changed since bitmaps began.
func (m *Manager) Size(ctx context.Context, list []Mark) (map[string]uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	nodes, err := m.nodes(ctx)
	if err != nil {
		return nil, err
	}
	const sum = "libvirt-tmp-size-xml"
	sizes := make(map[string]uint64)
	for _, k := range list {
		d, err := m.disk(k.Disk)
		if err != nil {
			return nil, err
		}
		top, from, granularity, err := since(d, nodes, k.Bitmap)
		if err != nil {
			return nil, err
		}
		if err := m.transaction(ctx, []Action{addBitmap(top, sum, granularity, false, true), mergeBitmap(top, sum, from)}); err != nil {
			return nil, err
		}
		now, err := m.nodes(ctx)
		if err == nil {
			if b := now[top].bitmap(sum); b != nil {
				sizes[k.Disk] = b.Count
			}
			err = m.transaction(ctx, []Action{removeBitmap(top, sum)})
		}
		if err != nil {
			return nil, err
		}
	}
	return sizes, nil
}

// since are the bitmaps that together tell what has changed since a checkpoint:
// images that were put above later have one of the same name.
func since(d *xml.Disk, nodes map[string]node, name string) (top string, from []place, granularity uint64, err error) {
	c := ChainOf(d)
	for i := range c.Layers {
		b := nodes[c.Layers[i].Node()].bitmap(name)
		if b == nil {
			break
		}
		if b.Inconsistent || !b.Recording && i == 0 {
			return "", nil, 0, invalid("bitmap '%s' of disk '%s' is broken", name, d.Target.Dev)
		}
		from = append(from, place{c.Layers[i].Node(), name})
		granularity = b.Granularity
	}
	if len(from) == 0 {
		return "", nil, 0, invalid("missing or broken bitmap '%s' for disk '%s'", name, d.Target.Dev)
	}
	return c.Layers[0].Node(), from, granularity, nil
}

// inherit are the actions that let an image that is put above another one go on
// with its bitmaps.
func inherit(below node, above string) []Action {
	var actions []Action
	for _, b := range below.kept() {
		if b.Recording {
			actions = append(actions, addBitmap(above, b.Name, b.Granularity, true, false))
		}
	}
	return actions
}

// collect begins to note what is written to the image that a job goes over to.
func (m *Manager) collect(ctx context.Context, j *Job) {
	if name := m.target(j); name != "" {
		_ = m.transaction(ctx, []Action{addBitmap(name, written, 0, false, false)}) // raw images have none
	}
}

// target is the node that has what a job has joined or copied.
func (m *Manager) target(j *Job) string {
	if j.Kind == drivers.CopyJob && j.Dest != nil {
		return j.Dest.Node()
	}
	d, err := m.disk(j.Disk)
	if err != nil {
		return ""
	}
	c := ChainOf(d)
	for i := range c.Layers {
		if j.Kind == drivers.PullJob || c.Layers[i].Index == j.Base {
			return c.Layers[i].Node()
		}
	}
	return ""
}

// carry merges the bitmaps of images that are no more into those of the image
// that has their data now.
func (m *Manager) carry(ctx context.Context, d *xml.Disk, j *Job) {
	nodes, err := m.nodes(ctx)
	target := m.target(j)
	if err != nil || target == "" {
		return
	}
	now := nodes[target]
	var actions []Action
	seen := map[string]bool{}
	for i := range j.Gone {
		for _, b := range nodes[j.Gone[i].Node()].kept() {
			if seen[b.Name] {
				continue
			}
			seen[b.Name] = true
			var from []place
			for k := range j.Gone {
				if n := j.Gone[k].Node(); nodes[n].bitmap(b.Name) != nil {
					from = append(from, place{n, b.Name})
				}
			}
			if now.bitmap(written) != nil {
				from = append(from, place{target, written})
			}
			if now.bitmap(b.Name) == nil {
				actions = append(actions, addBitmap(target, b.Name, b.Granularity, true, false))
			}
			actions = append(actions, mergeBitmap(target, b.Name, from))
		}
	}
	if now.bitmap(written) != nil {
		actions = append(actions, removeBitmap(target, written))
	}
	if len(actions) == 0 {
		return
	}
	c := ChainOf(d)
	for i := range c.Layers {
		if c.Layers[i].Node() == target {
			_ = m.writable(ctx, d, c, i, func() error { return m.transaction(ctx, actions) }) // raw images have none
			return
		}
	}
}
