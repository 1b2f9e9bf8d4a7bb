package test

import (
	"context"
	"slices"

	"virgo/drivers"
	"virgo/drivers/storage"
	"virgo/xml"
)

// pool is one storage pool.
type pool struct {
	def                           *xml.Pool
	next                          *xml.Pool // the kept definition, if an active one has another
	active, persistent, autostart bool
	vols                          []*xml.Volume
}

// pools are the pools of a node.
type pools struct{ *node }

// Sizes of each pool, in bytes.
const poolCapacity = 100 << 30

func (p *pool) ref() drivers.Ref {
	return drivers.Ref{Kind: drivers.Pool, Name: p.def.Name, UUID: string(p.def.UUID), ID: -1}
}

// fill gives a pool its storage.
func (p *pool) fill(def *xml.Pool) {
	p.def = def
	def.Capacity, def.Available = poolCapacity, poolCapacity
	for _, v := range p.vols {
		p.take(v)
	}
}

// take counts a volume's storage as used.
func (p *pool) take(v *xml.Volume) {
	p.def.Allocation += xml.LiveSize(*v.Allocation)
	p.def.Available = p.def.Capacity - p.def.Allocation
}

func parsePool(src xml.Source) (*xml.Pool, error) {
	return storage.ParsePool(src, storage.Traits{})
}

// readPool takes a pool of a node's description, an active one, with its volumes.
func (n *node) readPool(e *xml.Node, dir string) error {
	e, err := follow(e, dir)
	if err != nil {
		return err
	}
	def, err := parsePool(xml.Source{Name: dir, Data: e.Print()})
	if err != nil {
		return err
	}
	p := &pool{active: true, persistent: true}
	p.fill(def)
	n.pools = append(n.pools, p)
	for _, v := range e.Elements("volume") {
		if v, err = follow(v, dir); err != nil {
			return err
		}
		if _, err := p.add(xml.Source{Name: dir, Data: v.Print()}, ""); err != nil {
			return err
		}
	}
	return nil
}

func (n pools) find(r drivers.Ref) (*pool, error) {
	for _, p := range n.pools {
		if string(p.def.UUID) == r.UUID {
			return p, nil
		}
	}
	return nil, xml.Errorf(xml.CodeNoPool, "no storage pool with matching uuid '%s' (%s)", r.UUID, r.Name)
}

// with runs f on a pool, locked. want says what state it has to be in.
func (n pools) with(r drivers.Ref, want drivers.Tri, f func(*pool) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, err := n.find(r)
	if err != nil {
		return err
	}
	switch {
	case want == drivers.Yes && !p.active:
		return xml.Errorf(xml.CodeOperationInvalid, "storage pool '%s' is not active", p.def.Name)
	case want == drivers.No && p.active:
		return xml.Errorf(xml.CodeOperationInvalid, "storage pool '%s' is active", p.def.Name)
	}
	return f(p)
}

// List gives the pools, by name.
func (n pools) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []drivers.Entry
	for _, p := range n.pools {
		e := drivers.Entry{Ref: p.ref(), Active: p.active, Persistent: p.persistent, Autostart: p.autostart, Type: p.def.Type}
		if f.Admits(e) {
			out = append(out, e)
		}
	}
	drivers.Sort(out)
	return out, nil
}

// Lookup finds a pool.
func (n pools) Lookup(_ context.Context, by drivers.By, word string) (drivers.Ref, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.pools {
		if by == drivers.ByName && p.def.Name == word || by == drivers.ByUUID && string(p.def.UUID) == word {
			return p.ref(), nil
		}
	}
	return drivers.Ref{}, xml.Errorf(xml.CodeNoPool, "no storage pool with matching %s '%s'", by, word)
}

// XML prints a definition.
func (n pools) XML(_ context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	if err := drivers.Refuse(f, "testStoragePoolGetXMLDesc", drivers.Inactive, 1); err != nil {
		return nil, err
	}
	var doc []byte
	err := n.with(r, drivers.Any, func(p *pool) (err error) {
		doc, err = xml.Marshal(p.def)
		return err
	})
	return doc, err
}

// put adds or replaces a pool.
func (n pools) put(src xml.Source, live bool) (*pool, error) {
	def, err := parsePool(src)
	if err != nil {
		return nil, err
	}
	for _, p := range n.pools {
		switch {
		case p.def.UUID == def.UUID && p.def.Name != def.Name:
			return nil, xml.Errorf(xml.CodeOperationFailed, "pool '%s' is already defined with uuid %s", p.def.Name, p.def.UUID)
		case p.def.Name == def.Name && p.def.UUID != def.UUID:
			return nil, xml.Errorf(xml.CodeOperationFailed, "pool '%s' already exists with uuid %s", p.def.Name, p.def.UUID)
		case p.def.UUID == def.UUID && live && p.active:
			return nil, xml.Errorf(xml.CodeOperationInvalid, "pool is already active as '%s'", p.def.Name)
		case p.def.UUID == def.UUID && p.active:
			p.next = def
			return p, nil
		case p.def.UUID == def.UUID:
			p.fill(def)
			return p, nil
		}
	}
	p := &pool{}
	p.fill(def)
	n.pools = append(n.pools, p)
	return p, nil
}

// Define keeps a definition.
func (n pools) Define(_ context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	if err := drivers.CheckSchema(f, src, &xml.Pool{}, "storagepool"); err != nil {
		return drivers.Ref{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p, err := n.put(src, false)
	if err != nil {
		return drivers.Ref{}, err
	}
	p.persistent = true
	n.emit(p.ref(), "Defined", "")
	return p.ref(), nil
}

// Undefine drops a definition.
func (n pools) Undefine(_ context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.with(r, drivers.No, func(p *pool) error {
		n.emit(p.ref(), "Undefined", "")
		n.drop(p)
		return nil
	})
}

func (n pools) drop(p *pool) {
	n.pools = slices.DeleteFunc(n.pools, func(o *pool) bool { return o == p })
}

// buildBits are the flags of starting and creating, as the peer numbers them.
var buildBits = []drivers.Flags{drivers.Build, 1, drivers.Overwrite, 2, drivers.NoOverwrite, 4}

// Create starts a pool that is not kept.
func (n pools) Create(_ context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	if err := drivers.Refuse(f, "testStoragePoolCreateXML", buildBits...); err != nil {
		return drivers.Ref{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p, err := n.put(src, true)
	if err != nil {
		return drivers.Ref{}, err
	}
	p.active = true
	n.emit(p.ref(), "Started", "")
	return p.ref(), nil
}

// Start starts a kept pool.
func (n pools) Start(_ context.Context, r drivers.Ref, f drivers.Flags) error {
	if err := drivers.Refuse(f, "testStoragePoolCreate", buildBits...); err != nil {
		return err
	}
	return n.with(r, drivers.No, func(p *pool) error {
		p.active = true
		n.emit(p.ref(), "Started", "")
		return nil
	})
}

// Destroy stops a pool.
func (n pools) Destroy(_ context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.with(r, drivers.Yes, func(p *pool) error {
		p.active = false
		if p.next != nil {
			p.fill(p.next)
			p.next = nil
		}
		n.emit(p.ref(), "Stopped", "")
		if !p.persistent {
			n.drop(p)
		}
		return nil
	})
}

// SetAutostart marks a pool.
func (n pools) SetAutostart(_ context.Context, r drivers.Ref, on bool) error {
	return n.with(r, drivers.Any, func(p *pool) error {
		if !p.persistent {
			return xml.Errorf(xml.CodeInvalidArg, "pool has no config file")
		}
		p.autostart = on
		return nil
	})
}

// BuildPool has nothing to build.
func (n pools) BuildPool(_ context.Context, r drivers.Ref, f drivers.Flags) error {
	if err := drivers.Refuse(f, "testStoragePoolBuild", drivers.NoOverwrite, 4, drivers.Overwrite, 8); err != nil {
		return err
	}
	return n.with(r, drivers.No, func(p *pool) error {
		n.emit(p.ref(), "Created", "")
		return nil
	})
}

// DeletePool has nothing to delete.
func (n pools) DeletePool(_ context.Context, r drivers.Ref) error {
	return n.with(r, drivers.No, func(p *pool) error {
		n.emit(p.ref(), "Deleted", "")
		return nil
	})
}

// RefreshPool tells that a pool was looked at.
func (n pools) RefreshPool(_ context.Context, r drivers.Ref) error {
	return n.with(r, drivers.Yes, func(p *pool) error {
		n.emitEvent(p.ref(), "refresh", "", "")
		return nil
	})
}

// PoolInfo tells a pool's state and sizes.
func (n pools) PoolInfo(_ context.Context, r drivers.Ref) (drivers.PoolInfo, error) {
	var i drivers.PoolInfo
	err := n.with(r, drivers.Any, func(p *pool) error {
		i = drivers.PoolInfo{Capacity: uint64(p.def.Capacity), Allocation: uint64(p.def.Allocation), Available: uint64(p.def.Available)}
		if p.active {
			i.State = drivers.PoolRunning
		}
		return nil
	})
	return i, err
}

// Events sends the events of pools.
func (n pools) Events(ctx context.Context, r *drivers.Ref, _ []string) (<-chan drivers.Event, error) {
	return n.listen.Events(ctx, drivers.Pool, r), nil
}

// PoolSources makes storage up.
func (n pools) PoolSources(_ context.Context, kind string, spec []byte) ([]byte, error) {
	s := &xml.PoolSource{}
	if len(spec) > 0 {
		var err error
		if s, err = storage.ParseSource(xml.Source{Name: "(storage_source_specification)", Data: spec}, kind); err != nil {
			return nil, err
		}
	}
	var out xml.PoolSources
	switch kind {
	case "logical":
		for _, v := range [][2]string{{"/dev/sda20", "testvg1"}, {"/dev/sda21", "testvg2"}} {
			out.Sources = append(out.Sources, xml.PoolSource{Devices: []xml.PoolDevice{{Path: v[0]}}, Name: v[1], Format: &xml.PoolFormat{Type: "lvm2"}})
		}
	case "netfs":
		if len(s.Hosts) != 1 || s.Hosts[0].Name == "" {
			return nil, xml.Errorf(xml.CodeInvalidArg, "hostname must be specified for netfs sources")
		}
		out.Sources = []xml.PoolSource{{Hosts: []xml.PoolHost{{Name: s.Hosts[0].Name}}, Dir: &xml.PoolDir{Path: "/testshare"}, Format: &xml.PoolFormat{Type: "nfs"}}}
	case "dir":
		return nil, xml.Errorf(xml.CodeInternal, "unknown storage pool type %s", kind)
	default:
		return nil, drivers.Unsupported("pool type '" + kind + "' does not support source discovery")
	}
	return xml.Marshal(&out)
}
