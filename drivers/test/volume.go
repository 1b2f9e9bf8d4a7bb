package test

import (
	"context"
	"slices"

	"virgo/drivers"
	"virgo/drivers/storage"
	"virgo/xml"
)

// volumes are the volumes of a node's pools.
type volumes struct{ pools }

func volumeRef(p *pool, v *xml.Volume) drivers.Ref {
	parent := p.ref()
	return drivers.Ref{Kind: drivers.Volume, Name: v.Name, UUID: v.Key, ID: -1, Parent: &parent}
}

// add makes a volume of its definition, like another of the pool if from names one.
func (p *pool) add(src xml.Source, from string) (*xml.Volume, error) {
	v, err := storage.ParseVolume(src, p.def, true)
	if err != nil {
		return nil, err
	}
	if from != "" && !slices.ContainsFunc(p.vols, func(o *xml.Volume) bool { return o.Name == from }) {
		return nil, xml.Errorf(xml.CodeNoVolume, "no storage vol with matching name '%s'", from)
	}
	if slices.ContainsFunc(p.vols, func(o *xml.Volume) bool { return o.Name == v.Name }) {
		return nil, xml.Errorf(xml.CodeOperationFailed, "storage vol already exists")
	}
	if uint64(*v.Allocation) > uint64(p.def.Available) {
		return nil, xml.Errorf(xml.CodeInternal, "Not enough free space in pool for volume '%s'", v.Name)
	}
	if p.def.Target != nil {
		v.Target.Path = p.def.Target.Path + "/" + v.Name
	}
	v.Key = v.Target.Path
	p.vols = append(p.vols, v)
	p.take(v)
	return v, nil
}

// List gives the volumes of a pool, by name.
func (n volumes) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []drivers.Entry
	for _, p := range n.node.pools {
		if f.Parent != nil && string(p.def.UUID) != f.Parent.UUID {
			continue
		}
		if !p.active {
			return nil, errPoolInactive
		}
		for _, v := range p.vols {
			out = append(out, drivers.Entry{Ref: volumeRef(p, v), Active: true, Persistent: true, Path: v.Target.Path})
		}
	}
	drivers.Sort(out)
	return out, nil
}

var errPoolInactive = xml.Errorf(xml.CodeOperationInvalid, "storage pool is not active")

// Lookup finds a volume by key or path.
func (n volumes) Lookup(_ context.Context, by drivers.By, word string) (drivers.Ref, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.node.pools {
		for _, v := range p.vols {
			if p.active && (by == drivers.ByKey && v.Key == word || by == drivers.ByPath && v.Target.Path == word) {
				return volumeRef(p, v), nil
			}
		}
	}
	return drivers.Ref{}, xml.Errorf(xml.CodeNoVolume, "no storage vol with matching %s '%s'", by, word)
}

// Child finds a volume of a pool by its name.
func (n volumes) Child(_ context.Context, parent drivers.Ref, name string) (drivers.Ref, error) {
	var r drivers.Ref
	err := n.with(parent, drivers.Yes, func(p *pool) error {
		for _, v := range p.vols {
			if v.Name == name {
				r = volumeRef(p, v)
				return nil
			}
		}
		return xml.Errorf(xml.CodeNoVolume, "no storage vol with matching name '%s'", name)
	})
	return r, err
}

// one runs f on a volume and its pool, which has to be in use.
func (n volumes) one(r drivers.Ref, f func(*pool, *xml.Volume) error) error {
	return n.with(*r.Parent, drivers.Yes, func(p *pool) error {
		for _, v := range p.vols {
			if v.Name == r.Name {
				return f(p, v)
			}
		}
		return xml.Errorf(xml.CodeNoVolume, "no storage vol with matching name '%s'", r.Name)
	})
}

// XML prints a definition.
func (n volumes) XML(_ context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	var doc []byte
	err := n.one(r, func(_ *pool, v *xml.Volume) (err error) {
		doc, err = xml.Marshal(v)
		return err
	})
	return doc, err
}

// CreateVolume makes a volume.
func (n volumes) CreateVolume(_ context.Context, pool drivers.Ref, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	return n.create(pool, src, "", f, "testStorageVolCreateXML")
}

// CreateVolumeFrom makes a volume like another of the same pool.
func (n volumes) CreateVolumeFrom(_ context.Context, pool drivers.Ref, src xml.Source, from drivers.Ref, f drivers.Flags) (drivers.Ref, error) {
	return n.create(pool, src, from.Name, f, "testStorageVolCreateXMLFrom")
}

func (n volumes) create(parent drivers.Ref, src xml.Source, from string, f drivers.Flags, function string) (drivers.Ref, error) {
	if err := drivers.Refuse(f, function, drivers.Prealloc, 1, drivers.Reflink, 2); err != nil {
		return drivers.Ref{}, err
	}
	if err := drivers.CheckSchema(f, src, &xml.Volume{}, "storagevol"); err != nil {
		return drivers.Ref{}, err
	}
	var r drivers.Ref
	err := n.with(parent, drivers.Yes, func(p *pool) error {
		v, err := p.add(src, from)
		if err != nil {
			return err
		}
		r = volumeRef(p, v)
		return nil
	})
	return r, err
}

// DeleteVolume gives a volume's storage back.
func (n volumes) DeleteVolume(_ context.Context, r drivers.Ref, f drivers.Flags) error {
	if err := drivers.Refuse(f, "testStorageVolDelete", drivers.SnapshotsToo, 2); err != nil {
		return err
	}
	return n.one(r, func(p *pool, v *xml.Volume) error {
		p.def.Allocation -= xml.LiveSize(*v.Allocation)
		p.def.Available = p.def.Capacity - p.def.Allocation
		p.vols = slices.DeleteFunc(p.vols, func(o *xml.Volume) bool { return o == v })
		return nil
	})
}

// VolumeInfo tells a volume's type and sizes.
func (n volumes) VolumeInfo(_ context.Context, r drivers.Ref) (drivers.VolumeInfo, error) {
	var i drivers.VolumeInfo
	err := n.one(r, func(p *pool, v *xml.Volume) error {
		i = drivers.VolumeInfo{Type: storage.VolumeType(p.def), Capacity: uint64(*v.Capacity), Allocation: uint64(*v.Allocation)}
		return nil
	})
	return i, err
}
