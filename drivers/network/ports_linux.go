package network

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// Ports are the connections to networks that run: a file each, in the network's
// folder below run/.
type Ports struct{ *Networks }

// portFile is where a port is written.
func (a *active) portFile(uuid string) string { return filepath.Join(a.dir, "ports", uuid+".xml") }

// ports are a network's, by UUID.
func (a *active) ports() ([]*xml.NetworkPort, error) {
	files, err := filepath.Glob(filepath.Join(a.dir, "ports", "*.xml"))
	if err != nil {
		return nil, err
	}
	var all []*xml.NetworkPort
	for _, f := range files {
		data, err := os.ReadFile(f)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went meanwhile
		}
		if err != nil {
			return nil, err
		}
		p := &xml.NetworkPort{}
		if err := xml.Unmarshal(xml.Source{Name: f, Data: data}, p); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// count writes into a live definition how many are connected.
func (a *active) count(def *xml.Network) {
	all, err := a.ports()
	if err != nil {
		return
	}
	def.Connections = xml.LiveCount(len(all))
	if def.Forward == nil {
		return
	}
	for i := range def.Forward.Interfaces {
		d := &def.Forward.Interfaces[i]
		d.Connections = xml.LiveCount(connections(all, d.Dev))
	}
}

func connections(all []*xml.NetworkPort, dev string) (n int) {
	for _, p := range all {
		if p.Plug != nil && p.Plug.Dev == dev {
			n++
		}
	}
	return n
}

// Plug connects a guest to the network of that name: p says whose the port is,
// and gets its UUID and what it is plugged into.
func (n *Networks) Plug(ctx context.Context, network string, p *xml.NetworkPort) error {
	if _, err := n.Lookup(ctx, drivers.ByName, network); err != nil {
		return err
	}
	lock, err := n.Store.LockObject(ctx, network)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	a := n.running(network)
	if a == nil {
		return xml.Errorf(xml.CodeOperationInvalid, "network '%s' is not active", network)
	}
	return a.plug(ctx, p)
}

// fill says what a port gets from the network.
func (a *active) fill(def *xml.Network, p *xml.NetworkPort) error {
	group := portGroup(def, p.Group)
	if group == nil {
		group = &xml.PortGroup{}
	}
	p.Bandwidth = cmp.Or(p.Bandwidth, group.Bandwidth)
	p.VLAN = cmp.Or(p.VLAN, group.VLAN, def.VLAN)
	p.VirtualPort = cmp.Or(p.VirtualPort, group.VirtualPort, def.VirtualPort)
	p.Port = cmp.Or(p.Port, def.Port)
	return a.choose(def, p)
}

func (a *active) plug(ctx context.Context, p *xml.NetworkPort) error {
	def, err := a.definition()
	if err == nil {
		err = a.fill(def, p)
	}
	if err != nil {
		return err
	}
	if served(def) { // a dnsmasq that somebody ended
		if m := a.dnsmasq(); a.Space == spaceID() && m.process().PID == 0 {
			if err := m.start(ctx, def); err != nil {
				return err
			}
		}
	}
	if p.UUID == "" {
		p.UUID = xml.UUID(drivers.NewUUID())
	}
	data, err := xml.Marshal(p)
	if err != nil {
		return err
	}
	return drivers.ReplaceFile(a.portFile(string(p.UUID)), data, 0o600)
}

// portGroup is the named one or, without a name, the network's default.
func portGroup(def *xml.Network, name string) *xml.PortGroup {
	for i := range def.PortGroups {
		if g := &def.PortGroups[i]; g.Name == name || name == "" && g.Default == "yes" {
			return g
		}
	}
	return nil
}

// choose says what a port is plugged into.
func (a *active) choose(def *xml.Network, p *xml.NetworkPort) error {
	switch {
	case OwnBridge(def):
		p.Plug = &xml.Plug{Type: "network", Bridge: def.Bridge.Name, MACTableManager: def.Bridge.MACTableManager}
		return nil
	case hasBridge(def):
		p.Plug = &xml.Plug{Type: "bridge", Bridge: def.Bridge.Name, MACTableManager: def.Bridge.MACTableManager}
		return nil
	case mode(def) == "hostdev":
		return xml.Errorf(xml.CodeConfigUnsupported, "network '%s' hands out devices of the host, which this driver does not", def.Name)
	}
	if len(def.Forward.Interfaces) == 0 {
		return xml.Errorf(xml.CodeInternal, "network '%s' uses a direct mode, but has no forward dev and no interface pool", def.Name)
	}
	all, err := a.ports()
	if err != nil {
		return err
	}
	best, least := "", 0
	for _, d := range def.Forward.Interfaces {
		used := connections(all, d.Dev)
		if used > 0 && mode(def) == "passthrough" {
			continue
		}
		if best == "" || used < least {
			best, least = d.Dev, used
		}
	}
	if best == "" {
		return xml.Errorf(xml.CodeInternal, "network '%s' requires exclusive access to interfaces, but none are available", def.Name)
	}
	p.Plug = &xml.Plug{Type: "direct", Dev: best, Mode: mode(def)}
	return nil
}

// PortFile is the file of a port that Plug makes or has made: who removes it
// ends the connection.
func (n *Networks) PortFile(network, uuid string) string {
	return filepath.Join(n.folder(network), "ports", uuid+".xml")
}

// Foresee fills in what Plug would, but connects nothing. Of a network that
// does not run the definition tells.
func (n *Networks) Foresee(ctx context.Context, network string, p *xml.NetworkPort) error {
	ref, err := n.Lookup(ctx, drivers.ByName, network)
	if err != nil {
		return err
	}
	if a := n.running(network); a != nil {
		def, err := a.definition()
		if err == nil {
			err = a.fill(def, p)
		}
		return err
	}
	doc, err := n.Shelf.Read(ref)
	if err != nil {
		return err
	}
	def, err := parse(ref, doc)
	if err == nil {
		err = (&active{dir: n.folder(network)}).fill(def, p)
	}
	return err
}

func portRef(network drivers.Ref, uuid string) drivers.Ref {
	return drivers.Ref{Kind: drivers.NetworkPort, Name: uuid, UUID: uuid, ID: -1, Parent: &network}
}

// List gives a network's ports; none of one that does not run.
func (p Ports) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	if f.Parent == nil {
		return nil, nil
	}
	a := p.running(f.Parent.Name)
	if a == nil {
		return nil, nil
	}
	all, err := a.ports()
	if err != nil {
		return nil, err
	}
	var out []drivers.Entry
	for _, x := range all {
		out = append(out, drivers.Entry{Ref: portRef(*f.Parent, string(x.UUID)), Active: true})
	}
	return out, nil
}

// Lookup finds none: a port is found in its network.
func (p Ports) Lookup(_ context.Context, _ drivers.By, word string) (drivers.Ref, error) {
	return drivers.Ref{}, noPort(word)
}

func noPort(uuid string) error {
	return xml.Errorf(xml.CodeNoNetworkPort, "Network port not found: no network port with matching UUID '%s'", uuid)
}

// Child finds a port of a network.
func (p Ports) Child(ctx context.Context, network drivers.Ref, uuid string) (drivers.Ref, error) {
	list, err := p.List(ctx, drivers.Filter{Parent: &network})
	if err != nil {
		return drivers.Ref{}, err
	}
	if i := slices.IndexFunc(list, func(e drivers.Entry) bool { return strings.EqualFold(e.UUID, uuid) }); i >= 0 {
		return list[i].Ref, nil
	}
	return drivers.Ref{}, noPort(uuid)
}

// XML prints a port.
func (p Ports) XML(_ context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	if a := p.running(r.Parent.Name); a != nil {
		if data, err := os.ReadFile(a.portFile(r.UUID)); err == nil {
			return data, nil
		}
	}
	return nil, noPort(r.UUID)
}

// CreateChild connects something to a network that runs.
func (p Ports) CreateChild(ctx context.Context, network drivers.Ref, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	if err := drivers.CheckSchema(f, src, &xml.NetworkPort{}, "networkport"); err != nil {
		return drivers.Ref{}, err
	}
	port := &xml.NetworkPort{}
	if err := xml.Unmarshal(src, port); err != nil {
		return drivers.Ref{}, err
	}
	lock, err := p.Store.LockObject(ctx, network.Name)
	if err != nil {
		return drivers.Ref{}, err
	}
	defer lock.Unlock()
	a := p.running(network.Name)
	if a == nil {
		return drivers.Ref{}, xml.Errorf(xml.CodeOperationInvalid, "network '%s' is not active", network.Name)
	}
	if port.UUID != "" {
		if _, err := os.Lstat(a.portFile(string(port.UUID))); err == nil {
			return drivers.Ref{}, xml.Errorf(xml.CodeOperationInvalid, "network port already exists with UUID %s", port.UUID)
		}
	}
	err = a.plug(ctx, port)
	return portRef(network, string(port.UUID)), err
}

// Destroy ends a connection.
func (p Ports) Destroy(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	lock, err := p.Store.LockObject(ctx, r.Parent.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	a := p.running(r.Parent.Name)
	if a == nil || os.Remove(a.portFile(r.UUID)) != nil {
		return noPort(r.UUID)
	}
	return nil
}
