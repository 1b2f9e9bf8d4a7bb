package test

import (
	"context"
	"slices"

	"virgo/drivers"
	"virgo/drivers/network"
	"virgo/xml"
)

// net is one network.
type net struct {
	def                           *xml.Network
	next                          *xml.Network // the kept definition, if an active one has another
	active, persistent, autostart bool
}

// networks are the networks of a node.
type networks struct{ *node }

func (n *net) ref() drivers.Ref {
	return drivers.Ref{Kind: drivers.Network, Name: n.def.Name, UUID: string(n.def.UUID), ID: -1}
}

// parseNetwork reads a definition; the peer's driver knows no options for dnsmasq.
func parseNetwork(src xml.Source) (*xml.Network, error) {
	return network.Parse(src, network.Traits{})
}

// readNetwork takes a network of a node's description: an active one.
func (n *node) readNetwork(e *xml.Node, dir string) error {
	e, err := follow(e, dir)
	if err != nil {
		return err
	}
	def, err := parseNetwork(xml.Source{Name: dir, Data: e.Print()})
	if err != nil {
		return err
	}
	n.nets = append(n.nets, &net{def: def, active: true, persistent: true})
	return nil
}

func (n networks) find(r drivers.Ref) (*net, error) {
	for _, x := range n.nets {
		if string(x.def.UUID) == r.UUID {
			return x, nil
		}
	}
	return nil, xml.Errorf(xml.CodeNoNetwork, "no network with matching name '%s'", r.Name)
}

// List gives the networks, by name.
func (n networks) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []drivers.Entry
	for _, x := range n.nets {
		e := drivers.Entry{Ref: x.ref(), Active: x.active, Persistent: x.persistent, Autostart: x.autostart, Title: x.def.Title}
		if x.def.Bridge != nil {
			e.Bridge = x.def.Bridge.Name
		}
		if f.Admits(e) {
			out = append(out, e)
		}
	}
	drivers.Sort(out)
	return out, nil
}

// Lookup finds a network.
func (n networks) Lookup(_ context.Context, by drivers.By, word string) (drivers.Ref, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range n.nets {
		if by == drivers.ByName && x.def.Name == word || by == drivers.ByUUID && string(x.def.UUID) == word {
			return x.ref(), nil
		}
	}
	return drivers.Ref{}, xml.Errorf(xml.CodeNoNetwork, "no network with matching %s '%s'", by, word)
}

// XML prints a definition.
func (n networks) XML(_ context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	if err := drivers.Refuse(f, "testNetworkGetXMLDesc", drivers.Inactive, 1); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	x, err := n.find(r)
	if err != nil {
		return nil, err
	}
	return xml.Marshal(x.def)
}

// put adds or replaces a network.
func (n networks) put(src xml.Source, live bool) (*net, error) {
	def, err := parseNetwork(src)
	if err != nil {
		return nil, err
	}
	for _, x := range n.nets {
		switch {
		case x.def.UUID == def.UUID && x.def.Name != def.Name:
			return nil, xml.Errorf(xml.CodeOperationFailed, "network '%s' is already defined with uuid %s", x.def.Name, x.def.UUID)
		case x.def.Name == def.Name && x.def.UUID != def.UUID:
			return nil, xml.Errorf(xml.CodeOperationFailed, "network '%s' already exists with uuid %s", x.def.Name, x.def.UUID)
		case x.def.UUID == def.UUID && live && x.active:
			return nil, xml.Errorf(xml.CodeOperationInvalid, "network is already active as '%s'", x.def.Name)
		case x.def.UUID == def.UUID && live:
			x.next, x.def = x.def, def
			return x, nil
		case x.def.UUID == def.UUID && x.active:
			x.next = def
			return x, nil
		case x.def.UUID == def.UUID:
			x.def = def
			return x, nil
		}
	}
	x := &net{def: def}
	n.nets = append(n.nets, x)
	return x, nil
}

// Define keeps a definition.
func (n networks) Define(_ context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	if err := drivers.CheckSchema(f, src, &xml.Network{}, "network"); err != nil {
		return drivers.Ref{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	x, err := n.put(src, false)
	if err != nil {
		return drivers.Ref{}, err
	}
	x.persistent = true
	n.emit(x.ref(), "Defined", "")
	return x.ref(), nil
}

// Undefine drops a definition.
func (n networks) Undefine(_ context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.with(r, func(x *net) error {
		if x.active {
			return xml.Errorf(xml.CodeOperationInvalid, "Network '%s' is still running", x.def.Name)
		}
		n.emit(x.ref(), "Undefined", "")
		n.drop(x)
		return nil
	})
}

func (n networks) drop(x *net) {
	n.nets = slices.DeleteFunc(n.nets, func(o *net) bool { return o == x })
}

// Create starts a network that is not kept.
func (n networks) Create(_ context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	if err := drivers.CheckSchema(f, src, &xml.Network{}, "network"); err != nil {
		return drivers.Ref{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	x, err := n.put(src, true)
	if err != nil {
		return drivers.Ref{}, err
	}
	x.active = true
	n.emit(x.ref(), "Started", "")
	return x.ref(), nil
}

// Start starts a kept network.
func (n networks) Start(_ context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.with(r, func(x *net) error {
		if x.active {
			return xml.Errorf(xml.CodeOperationInvalid, "Network '%s' is already running", x.def.Name)
		}
		x.active = true
		n.emit(x.ref(), "Started", "")
		return nil
	})
}

// Destroy stops a network.
func (n networks) Destroy(_ context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.with(r, func(x *net) error {
		x.active = false
		n.emit(x.ref(), "Stopped", "")
		if x.next != nil {
			x.def, x.next = x.next, nil
		}
		if !x.persistent {
			n.drop(x)
		}
		return nil
	})
}

// SetAutostart marks a network.
func (n networks) SetAutostart(_ context.Context, r drivers.Ref, on bool) error {
	return n.with(r, func(x *net) error { x.autostart = on; return nil })
}

// with runs f on a network, locked.
func (n networks) with(r drivers.Ref, f func(*net) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	x, err := n.find(r)
	if err != nil {
		return err
	}
	return f(x)
}

// pick gives the definitions that flags mean: the active one, the kept one.
func (n *net) pick(f drivers.Flags) ([]**xml.Network, error) {
	if f.Has(drivers.Live) && !n.active {
		return nil, xml.Errorf(xml.CodeOperationInvalid, "network is not running")
	}
	if f.Has(drivers.Config) && !n.persistent {
		return nil, xml.Errorf(xml.CodeOperationInvalid, "cannot change persistent config of a transient network")
	}
	var out []**xml.Network
	if f&(drivers.Live|drivers.Config) == 0 || f.Has(drivers.Live) || !n.active {
		out = append(out, &n.def)
	}
	if f.Has(drivers.Config) && n.active {
		if n.next == nil {
			next, err := network.Clone(n.def)
			if err != nil {
				return nil, err
			}
			n.next = next
		}
		out = append(out, &n.next)
	}
	return out, nil
}

// UpdateNetwork changes a part of the definitions that flags mean.
func (n networks) UpdateNetwork(_ context.Context, r drivers.Ref, u drivers.NetworkUpdate, f drivers.Flags) error {
	return n.with(r, func(x *net) error {
		defs, err := x.pick(f)
		if err != nil {
			return err
		}
		changed := make([]*xml.Network, len(defs))
		for i, d := range defs {
			if changed[i], err = network.Update(*d, u, network.Traits{}); err != nil {
				return err
			}
		}
		for i, d := range defs {
			*d = changed[i]
		}
		return nil
	})
}

// Metadata reads title, description or an element.
func (n networks) Metadata(_ context.Context, r drivers.Ref, k drivers.MetadataKind, uri string, f drivers.Flags) (string, error) {
	if f.Has(drivers.Live | drivers.Config) {
		return "", xml.Errorf(xml.CodePlain, "Flags 'VIR_NETWORK_UPDATE_AFFECT_LIVE' and 'VIR_NETWORK_UPDATE_AFFECT_CONFIG' are mutually exclusive")
	}
	text := ""
	err := n.with(r, func(x *net) error {
		defs, err := x.pick(f)
		if err != nil {
			return err
		}
		def := *defs[0]
		text, err = drivers.ReadMetadata(def.Title, def.Description, def.Metadata, k, uri)
		return err
	})
	return text, err
}

// SetMetadata sets or removes them.
func (n networks) SetMetadata(_ context.Context, r drivers.Ref, k drivers.MetadataKind, value *string, key, uri string, f drivers.Flags) error {
	if err := drivers.CheckTitle(k, value); err != nil {
		return err
	}
	return n.with(r, func(x *net) error {
		defs, err := x.pick(f)
		if err != nil {
			return err
		}
		for _, d := range defs {
			if err := drivers.WriteMetadata(&(*d).Title, &(*d).Description, &(*d).Metadata, k, value, key, uri); err != nil {
				return err
			}
		}
		n.emitEvent(x.ref(), "metadata-change", "", "")
		return nil
	})
}
