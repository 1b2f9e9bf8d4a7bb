package storage

import (
	"context"
	"path/filepath"

	"virgo/drivers"
	"virgo/xml"
)

// Volumes are what is in the pools that are in use.
type Volumes struct {
	Of *Pools
	// Reveal gives the value of a secret.
	Reveal func(usageType, uuid, usage string) ([]byte, error)
}

var (
	_ drivers.Objects          = (*Volumes)(nil)
	_ drivers.ChildFinder      = (*Volumes)(nil)
	_ drivers.Entryer          = (*Volumes)(nil)
	_ drivers.VolumeCreator    = (*Volumes)(nil)
	_ drivers.VolumeInfoer     = (*Volumes)(nil)
	_ drivers.VolumePhysicaler = (*Volumes)(nil)
	_ drivers.VolumeResizer    = (*Volumes)(nil)
	_ drivers.VolumeStreamer   = (*Volumes)(nil)
	_ drivers.VolumeWiper      = (*Volumes)(nil)
)

func (v *Volumes) ref(pool *xml.Pool, one *xml.Volume) drivers.Ref {
	parent := v.Of.Ref(pool.Name, string(pool.UUID))
	return drivers.Ref{Kind: drivers.Volume, Name: one.Name, UUID: one.Key, ID: -1, Parent: &parent}
}

func (v *Volumes) entry(pool *xml.Pool, one *xml.Volume) drivers.Entry {
	return drivers.Entry{Ref: v.ref(pool, one), Active: true, Persistent: true, Path: one.Target.Path, Type: one.Type}
}

// List gives the volumes of a pool, by name.
func (v *Volumes) List(ctx context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	var pools []*xml.Pool
	if f.Parent != nil {
		a := v.Of.active(f.Parent.Name)
		if a == nil {
			return nil, notActive(*f.Parent)
		}
		pools = append(pools, a)
	} else {
		live, err := v.Of.actives()
		if err != nil {
			return nil, err
		}
		for _, a := range live {
			pools = append(pools, a)
		}
	}
	var out []drivers.Entry
	for _, a := range pools {
		list, err := volumesOf(ctx, a)
		if err != nil {
			return nil, err
		}
		for _, one := range list {
			out = append(out, v.entry(a, one))
		}
	}
	drivers.Sort(out)
	return out, nil
}

// Lookup finds a volume by its key or path, which are the same.
func (v *Volumes) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	what := "key"
	if by == drivers.ByPath {
		what = "path"
	}
	live, err := v.Of.actives()
	if err != nil {
		return drivers.Ref{}, err
	}
	path := cleanPath(word)
	for _, a := range live {
		if filepath.IsAbs(path) && filepath.Dir(path) == a.Target.Path {
			if one := find(a, filepath.Base(path)); one != nil && (by == drivers.ByPath || one.Key == path) {
				return v.ref(a, one), nil
			}
		}
		if b := backends(a.Type); by == drivers.ByKey && b != nil && b.volumes != nil {
			list, err := b.volumes(ctx, a)
			if err != nil {
				continue
			}
			for _, one := range list {
				if one.Key == word {
					return v.ref(a, one), nil
				}
			}
		}
	}
	return drivers.Ref{}, xml.Errorf(xml.CodeNoVolume, "no storage vol with matching %s '%s'", what, word)
}

// Child finds a volume of a pool by its name.
func (v *Volumes) Child(_ context.Context, parent drivers.Ref, name string) (drivers.Ref, error) {
	a := v.Of.active(parent.Name)
	if a == nil {
		return drivers.Ref{}, notActive(parent)
	}
	if one := find(a, name); one != nil {
		return v.ref(a, one), nil
	}
	return drivers.Ref{}, xml.Errorf(xml.CodeNoVolume, "no storage vol with matching name '%s'", name)
}

// find gives the volume of a name, nil if there is none.
func find(pool *xml.Pool, name string) *xml.Volume {
	if drivers.CheckName(name) != nil {
		return nil
	}
	b := backends(pool.Type)
	if b == nil || b.volumes == nil {
		return readVolume(pool, name)
	}
	list, err := b.volumes(context.Background(), pool)
	if err != nil {
		return nil
	}
	for _, one := range list {
		if one.Name == name {
			return one
		}
	}
	return nil
}

// one gives a volume and its pool.
func (v *Volumes) one(r drivers.Ref) (*xml.Pool, *xml.Volume, error) {
	a := v.Of.active(r.Parent.Name)
	if a == nil {
		return nil, nil, notActive(*r.Parent)
	}
	one := find(a, r.Name)
	if one == nil {
		return nil, nil, xml.Errorf(xml.CodeNoVolume, "no storage vol with matching name '%s'", r.Name)
	}
	return a, one, nil
}

// Entry tells of one volume what a listing does.
func (v *Volumes) Entry(_ context.Context, r drivers.Ref) (drivers.Entry, error) {
	pool, one, err := v.one(r)
	if err != nil {
		return drivers.Entry{}, err
	}
	return v.entry(pool, one), nil
}

// XML prints a volume.
func (v *Volumes) XML(_ context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	_, one, err := v.one(r)
	if err != nil {
		return nil, err
	}
	return xml.Marshal(one)
}

// VolumeInfo tells a volume's type and sizes.
func (v *Volumes) VolumeInfo(_ context.Context, r drivers.Ref) (drivers.VolumeInfo, error) {
	_, one, err := v.one(r)
	if err != nil {
		return drivers.VolumeInfo{}, err
	}
	return drivers.VolumeInfo{Type: one.Type, Capacity: uint64(*one.Capacity), Allocation: uint64(*one.Allocation)}, nil
}

// VolumePhysical tells a volume's size on its disk.
func (v *Volumes) VolumePhysical(_ context.Context, r drivers.Ref) (drivers.VolumeInfo, error) {
	_, one, err := v.one(r)
	if err != nil {
		return drivers.VolumeInfo{}, err
	}
	i := drivers.VolumeInfo{Type: one.Type, Capacity: uint64(*one.Capacity)}
	if one.Physical != nil {
		i.Allocation = uint64(*one.Physical)
	}
	return i, nil
}
