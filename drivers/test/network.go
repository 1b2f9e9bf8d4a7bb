package test

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// net is one network. live is what an active one runs with if that differs.
type net struct {
	def                           *xml.Network
	active, persistent, autostart bool
}

// networks are the networks of a node.
type networks struct{ *node }

func (n *net) ref() drivers.Ref {
	return drivers.Ref{Kind: drivers.Network, Name: n.def.Name, UUID: n.def.UUID, ID: -1}
}

// parseNetwork reads a definition and adds what the peer adds.
func parseNetwork(src xml.Source) (*xml.Network, error) {
	def := &xml.Network{}
	if err := xml.Unmarshal(src, def); err != nil {
		return nil, err
	}
	if def.UUID == "" {
		def.UUID = newUUID()
	}
	for _, ip := range def.IPs {
		if _, err := netip.ParseAddr(ip.Address); ip.Address != "" && err != nil {
			return nil, xml.Errorf(xml.CodeXML, "Invalid address '%s' in network '%s'", ip.Address, def.Name)
		}
	}
	if f := def.Forward; f != nil && f.Mode == "" {
		f.Mode = "nat"
	}
	if b := def.Bridge; b != nil && (def.Forward == nil || ownBridge(def.Forward.Mode)) {
		if b.STP == "" {
			b.STP = "on"
		}
		if b.Delay == "" {
			b.Delay = "0"
		}
	}
	return def, nil
}

// ownBridge tells whether a network of that mode has a bridge of its own.
func ownBridge(mode string) bool {
	return mode == "nat" || mode == "route" || mode == "open" || mode == "none"
}

func (n networks) find(r drivers.Ref) (*net, error) {
	for _, x := range n.nets {
		if x.def.UUID == r.UUID {
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
	slices.SortFunc(out, func(a, b drivers.Entry) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Lookup finds a network.
func (n networks) Lookup(_ context.Context, by drivers.By, word string) (drivers.Ref, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range n.nets {
		if by == drivers.ByName && x.def.Name == word || by == drivers.ByUUID && x.def.UUID == word {
			return x.ref(), nil
		}
	}
	return drivers.Ref{}, xml.Errorf(xml.CodeNoNetwork, "no network with matching %s '%s'", byNames[by], word)
}

// XML prints a definition.
func (n networks) XML(_ context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	if err := refuse(f, "testNetworkGetXMLDesc", bit{drivers.Inactive, 1}); err != nil {
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
func (n networks) Define(_ context.Context, src xml.Source, _ drivers.Flags) (drivers.Ref, error) {
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
func (n networks) Create(_ context.Context, src xml.Source, _ drivers.Flags) (drivers.Ref, error) {
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
