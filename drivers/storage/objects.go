package storage

import (
	"bytes"
	"context"

	"virgo/drivers"
	"virgo/xml"
)

// Pools are the storage pools that a root keeps. They are definitions: nothing
// starts them.
type Pools struct{ *drivers.Shelf }

// New gives the pools of a root.
func New(root drivers.Root, j func(path string) drivers.Journal) *Pools {
	p := &Pools{drivers.Shelf{Kind: drivers.Pool, Noun: "storage pool", Short: "pool", Miss: xml.CodeNoPool}.At(root, "storage", j)}
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
	return p.Entries(f, func(e *drivers.Entry, doc []byte) {
		if def, err := ParsePool(xml.Source{Name: e.Name, Data: doc}, traits); err == nil {
			e.Type = def.Type
		}
	})
}

// XML prints a definition.
func (p *Pools) XML(_ context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	return p.Read(r)
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
	err := p.Drop(ctx, r)
	if err == nil {
		p.Tell(r, "lifecycle", "Undefined", "")
	}
	return err
}

// PoolInfo tells that a pool does not run.
func (p *Pools) PoolInfo(_ context.Context, r drivers.Ref) (drivers.PoolInfo, error) {
	_, err := p.Read(r)
	return drivers.PoolInfo{State: drivers.PoolInactive}, err
}
