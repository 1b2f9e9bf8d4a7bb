package storage

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"

	"virgo/drivers"
	"virgo/xml"
)

// Pools are the storage pools that a root keeps, and those that are in use. No
// program runs for a pool: that it is in use is a mark under run/, and what is in
// it is looked at when somebody asks.
type Pools struct {
	*drivers.Shelf
	run string // folder of the marks
}

// New gives the pools of a root.
func New(root drivers.Root, j func(path string) drivers.Journal) *Pools {
	p := &Pools{drivers.Shelf{Kind: drivers.Pool, Noun: "storage pool", Short: "pool", Miss: xml.CodeNoPool}.At(root, "storage", j),
		filepath.Join(root.Run, "storage", "active")}
	p.Check = func(doc []byte) error {
		def, err := ParsePool(xml.Source{Data: doc}, traits)
		if err != nil {
			return err
		}
		return p.conflict(def)
	}
	return p
}

// traits are those of definitions that a host is to start.
var traits = Traits{Options: true}

// List gives the pools, by name.
func (p *Pools) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	live, err := p.actives()
	if err != nil {
		return nil, err
	}
	kept := map[string]bool{}
	out, err := p.Entries(drivers.Filter{}, func(e *drivers.Entry, doc []byte) {
		kept[e.Name], e.Active = true, live[e.Name] != nil
		if def, err := ParsePool(xml.Source{Name: e.Name, Data: doc}, traits); err == nil {
			e.Type = def.Type
		}
	})
	if err != nil {
		return nil, err
	}
	for name, a := range live {
		if !kept[name] {
			out = append(out, drivers.Entry{Ref: p.Ref(name, string(a.UUID)), Active: true, Type: a.Type})
		}
	}
	out = slices.DeleteFunc(out, func(e drivers.Entry) bool { return !f.Admits(e) })
	drivers.Sort(out)
	return out, nil
}

// Lookup finds a pool by name or UUID.
func (p *Pools) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	ref, miss := p.Shelf.Lookup(ctx, by, word)
	if xml.CodeOf(miss) != xml.CodeNoPool {
		return ref, miss
	}
	live, err := p.actives()
	if err != nil {
		return drivers.Ref{}, err
	}
	for name, a := range live {
		if by == drivers.ByName && name == word || by == drivers.ByUUID && string(a.UUID) == word {
			return p.Ref(name, string(a.UUID)), nil
		}
	}
	return drivers.Ref{}, miss
}

// XML prints a pool as it is used or, with Inactive, as it is kept.
func (p *Pools) XML(_ context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	a, kept := p.active(r.Name), p.Store.Has(r.Name)
	if a == nil || f.Has(drivers.Inactive) && kept && !p.unchanged(r, a) {
		return p.Read(r)
	}
	if _, err := sizes(a); err != nil {
		return nil, err
	}
	return xml.Marshal(a)
}

// unchanged tells whether a pool is kept as it was when it was started.
func (p *Pools) unchanged(r drivers.Ref, a *xml.Pool) bool {
	doc, err := p.Read(r)
	if err != nil {
		return false
	}
	live, err := xml.Marshal(a)
	return err == nil && bytes.Equal(doc, live)
}

// Define keeps a definition.
func (p *Pools) Define(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	if err := drivers.CheckSchema(f, src, &xml.Pool{}, "storagepool"); err != nil {
		return drivers.Ref{}, err
	}
	def, err := ParsePool(src, traits)
	if err == nil {
		err = drivers.OneLine(def.Name)
	}
	if err != nil {
		return drivers.Ref{}, err
	}
	ref, err := p.Put(ctx, def.Name, string(def.UUID), func() ([]byte, error) {
		if err := p.conflict(def); err != nil {
			return nil, err
		}
		return xml.Marshal(def)
	})
	if err == nil {
		p.Tell(ref, "lifecycle", "Defined", "")
	}
	return ref, err
}

// conflict refuses a second pool on the same storage.
func (p *Pools) conflict(def *xml.Pool) error {
	names, err := p.Store.Names()
	if err != nil {
		return err
	}
	mine := place(def)
	for _, n := range names {
		doc, err := p.Read(drivers.Ref{Name: n})
		if err != nil || n == def.Name {
			continue
		}
		other, err := ParsePool(xml.Source{Name: n, Data: doc}, traits)
		if err == nil && mine != nil && bytes.Equal(mine, place(other)) {
			return xml.Errorf(xml.CodeOperationFailed, "Storage source conflict with pool: '%s'", n)
		}
	}
	live, err := p.actives()
	if err != nil {
		return err
	}
	for n, other := range live {
		switch {
		case n == def.Name && other.UUID != def.UUID:
			return xml.Errorf(xml.CodeOperationFailed, "pool '%s' already exists with uuid %s", n, other.UUID)
		case n != def.Name && other.UUID == def.UUID:
			return xml.Errorf(xml.CodeOperationFailed, "pool '%s' is already defined with uuid %s", n, other.UUID)
		case n != def.Name && mine != nil && bytes.Equal(mine, place(other)):
			return xml.Errorf(xml.CodeOperationFailed, "Storage source conflict with pool: '%s'", n)
		}
	}
	return nil
}

// place says where a pool's storage is: nil if only starting it tells.
func place(def *xml.Pool) []byte {
	key := &xml.PoolSource{}
	switch s := def.Source; {
	case def.Type == "dir":
		key.Dir = &xml.PoolDir{Path: def.Target.Path}
	case s == nil || len(s.Hosts)+len(s.Devices) == 0 && s.Name == "" && s.Adapter == nil:
		return nil
	default:
		key.Hosts, key.Devices, key.Dir, key.Adapter, key.Name, key.Initiator = s.Hosts, s.Devices, s.Dir, s.Adapter, s.Name, s.Initiator
	}
	doc, err := xml.Marshal(key)
	if err != nil {
		return nil
	}
	return append([]byte(def.Type+"\n"), doc...)
}

// Undefine drops a definition.
func (p *Pools) Undefine(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return p.locked(ctx, r, func(a *xml.Pool) error {
		if a != nil {
			return stillActive(r)
		}
		err := p.Drop(ctx, r)
		if err == nil {
			p.Tell(r, "lifecycle", "Undefined", "")
		}
		return err
	})
}

// SetAutostart sets or takes away the mark of a pool that is kept.
func (p *Pools) SetAutostart(ctx context.Context, r drivers.Ref, on bool) error {
	if !p.Store.Has(r.Name) && p.active(r.Name) != nil {
		return xml.Errorf(xml.CodeInternal, "pool has no config file")
	}
	return p.Shelf.SetAutostart(ctx, r, on)
}

// PoolInfo tells a pool's state and sizes.
func (p *Pools) PoolInfo(_ context.Context, r drivers.Ref) (drivers.PoolInfo, error) {
	if a := p.active(r.Name); a != nil {
		return sizes(a)
	}
	_, err := p.Read(r)
	return drivers.PoolInfo{State: drivers.PoolInactive}, err
}
