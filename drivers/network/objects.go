package network

import (
	"context"

	"virgo/drivers"
	"virgo/xml"
)

// Networks are the networks that a root keeps. They are definitions: nothing
// starts them.
type Networks struct{ *drivers.Shelf }

// New gives the networks of a root.
func New(root drivers.Root, j func(path string) drivers.Journal) *Networks {
	n := &Networks{drivers.Shelf{Kind: drivers.Network, Noun: "network", Short: "network", Miss: xml.CodeNoNetwork}.At(root, "network", j)}
	n.Check = func(doc []byte) error {
		def, err := parse(drivers.Ref{}, doc)
		if err != nil {
			return err
		}
		return n.name(def)
	}
	return n
}

// traits are those of definitions that a host is to start.
var traits = Traits{Dnsmasq: true}

func parse(r drivers.Ref, doc []byte) (*xml.Network, error) {
	return Parse(xml.Source{Name: r.Name, Data: doc}, traits)
}

// List gives the networks, by name.
func (n *Networks) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	return n.Entries(f, func(e *drivers.Entry, doc []byte) {
		def, err := parse(e.Ref, doc)
		if err != nil {
			return
		}
		e.Title = def.Title
		if def.Bridge != nil {
			e.Bridge = def.Bridge.Name
		}
	})
}

// XML prints a definition.
func (n *Networks) XML(_ context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	return n.Read(r)
}

// Define keeps a definition.
func (n *Networks) Define(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	if err := drivers.CheckSchema(f, src, &xml.Network{}, "network"); err != nil {
		return drivers.Ref{}, err
	}
	def, err := Parse(src, traits)
	if err == nil {
		err = drivers.OneLine(def.Name)
	}
	if err == nil {
		err = checkHost(def)
	}
	if err != nil {
		return drivers.Ref{}, err
	}
	ref, err := n.Put(ctx, def.Name, string(def.UUID), func() ([]byte, error) {
		if err := n.name(def); err != nil {
			return nil, err
		}
		return xml.Marshal(def)
	})
	if err == nil {
		n.Tell(ref, "lifecycle", "Defined", "")
	}
	return ref, err
}

// name adds what depends on other networks.
func (n *Networks) name(def *xml.Network) error {
	all, err := n.List(context.Background(), drivers.Filter{})
	if err != nil {
		return err
	}
	var others []string
	for _, e := range all {
		if e.Name != def.Name {
			others = append(others, e.Bridge)
		}
	}
	return name(def, others)
}

// Undefine drops a definition.
func (n *Networks) Undefine(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	err := n.Drop(ctx, r)
	if err == nil {
		n.Tell(r, "lifecycle", "Undefined", "")
	}
	return err
}

// Leases are none: a network that does not run lends nothing.
func (n *Networks) Leases(_ context.Context, r drivers.Ref, _ string) ([]drivers.Lease, error) {
	_, err := n.Read(r)
	return nil, err
}

// UpdateNetwork changes a part of a definition.
func (n *Networks) UpdateNetwork(ctx context.Context, r drivers.Ref, u drivers.NetworkUpdate, f drivers.Flags) error {
	return n.change(ctx, r, f, func(def *xml.Network) (*xml.Network, error) { return Update(def, u, traits) })
}

// change replaces a definition by what f makes of it.
func (n *Networks) change(ctx context.Context, r drivers.Ref, flags drivers.Flags, f func(*xml.Network) (*xml.Network, error)) error {
	if flags.Has(drivers.Live) {
		return xml.Errorf(xml.CodeOperationInvalid, "network is not running")
	}
	return n.Change(ctx, r, func(doc []byte) ([]byte, error) {
		def, err := parse(r, doc)
		if err != nil {
			return nil, err
		}
		if def, err = f(def); err != nil {
			return nil, err
		}
		return xml.Marshal(def)
	})
}

// Metadata reads title, description or an element.
func (n *Networks) Metadata(_ context.Context, r drivers.Ref, k drivers.MetadataKind, uri string, f drivers.Flags) (string, error) {
	if f.Has(drivers.Live) {
		return "", xml.Errorf(xml.CodeOperationInvalid, "network is not running")
	}
	doc, err := n.Read(r)
	if err != nil {
		return "", err
	}
	def, err := parse(r, doc)
	if err != nil {
		return "", err
	}
	return drivers.ReadMetadata(def.Title, def.Description, def.Metadata, k, uri)
}

// SetMetadata sets or removes them.
func (n *Networks) SetMetadata(ctx context.Context, r drivers.Ref, k drivers.MetadataKind, value *string, key, uri string, f drivers.Flags) error {
	if err := drivers.CheckTitle(k, value); err != nil {
		return err
	}
	err := n.change(ctx, r, f, func(def *xml.Network) (*xml.Network, error) {
		return def, drivers.WriteMetadata(&def.Title, &def.Description, &def.Metadata, k, value, key, uri)
	})
	if err == nil {
		n.Tell(r, "metadata-change", "", "")
	}
	return err
}
