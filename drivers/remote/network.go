package remote

import (
	"context"
	"time"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// networks are the networks of a daemon.
type networks struct{ *Conn }

func netOf(r drivers.Ref) libvirt.Network { return libvirt.Network{Name: r.Name, UUID: uuidOf(r.UUID)} }

func networkRef(n libvirt.Network) drivers.Ref {
	return drivers.Ref{Kind: drivers.Network, Name: n.Name, UUID: xml.FormatUUID(n.UUID), ID: -1}
}

// List gives the networks.
func (n networks) List(ctx context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	flags := choices(f.Active, 2, 1) | choices(f.Persistent, 4, 8) | choices(f.Autostart, 16, 32)
	var list []libvirt.Network
	if err := n.call(ctx, procConnectListAllNetworks, []any{int32(1), flags}, &list); err != nil {
		return nil, err
	}
	entries := make([]drivers.Entry, len(list))
	more := make([]networkValues, len(list))
	b := n.batch()
	for i, x := range list {
		entries[i].Ref = networkRef(x)
		more[i].ask(ctx, b, x, f.Titles, false)
	}
	if err := b.wait(ctx); err != nil {
		return nil, err
	}
	for i := range entries {
		more[i].fill(&entries[i])
	}
	return entries, nil
}

// networkValues are what the daemon is asked of each network.
type networkValues struct {
	active, persistent, autostart int32
	bridge, title                 string
	autoErr, bridgeErr, titleErr  error
}

func (v *networkValues) ask(ctx context.Context, b *batch, x libvirt.Network, titles, bridge bool) {
	b.add(ctx, procNetworkIsActive, []any{x}, &v.active)
	b.add(ctx, procNetworkIsPersistent, []any{x}, &v.persistent)
	b.try(ctx, &v.autoErr, procNetworkGetAutostart, []any{x}, &v.autostart)
	if bridge {
		b.try(ctx, &v.bridgeErr, procNetworkGetBridgeName, []any{x}, &v.bridge)
	}
	if titles {
		b.try(ctx, &v.titleErr, procNetworkGetMetadata, []any{x, int32(drivers.Title), (*string)(nil), uint32(0)}, &v.title)
	}
}

func (v *networkValues) fill(e *drivers.Entry) {
	e.Active, e.Persistent, e.Autostart = v.active == 1, v.persistent == 1, v.autostart == 1
	e.Bridge, e.Title = v.bridge, v.title
	e.NoAutostart = v.autoErr != nil
}

// Entry is what net-info shows of one.
func (n networks) Entry(ctx context.Context, r drivers.Ref) (drivers.Entry, error) {
	e := drivers.Entry{Ref: r}
	var v networkValues
	b := n.batch()
	v.ask(ctx, b, netOf(r), false, true)
	err := b.wait(ctx)
	v.fill(&e)
	return e, err
}

// Lookup finds a network.
func (n networks) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	var x libvirt.Network
	var err error
	if by == drivers.ByUUID {
		err = n.call(ctx, procNetworkLookupByUUID, []any{uuidOf(word)}, &x)
	} else {
		err = n.call(ctx, procNetworkLookupByName, []any{word}, &x)
	}
	return networkRef(x), err
}

// XML is the daemon's document.
func (n networks) XML(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	return n.text(ctx, procNetworkGetXMLDesc, netOf(r), bits(f, bit{drivers.Inactive, 1}))
}

// Define keeps a definition.
func (n networks) Define(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	return n.made(ctx, procNetworkDefineXML, procNetworkDefineXMLFlags, src, f)
}

// made calls the procedure without flags, or where there are some the one with them.
func (n networks) made(ctx context.Context, plain, flagged uint32, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	var x libvirt.Network
	var err error
	if flags := bits(f, bit{drivers.Validate, 1}); flags != 0 {
		err = n.call(ctx, flagged, []any{string(src.Data), flags}, &x)
	} else {
		err = n.call(ctx, plain, []any{string(src.Data)}, &x)
	}
	return networkRef(x), err
}

// Undefine drops it.
func (n networks) Undefine(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.call(ctx, procNetworkUndefine, []any{netOf(r)})
}

// Create starts a network that is not kept.
func (n networks) Create(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	return n.made(ctx, procNetworkCreateXML, procNetworkCreateXMLFlags, src, f)
}

// Start starts a kept network.
func (n networks) Start(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.call(ctx, procNetworkCreate, []any{netOf(r)})
}

// Destroy stops one.
func (n networks) Destroy(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.call(ctx, procNetworkDestroy, []any{netOf(r)})
}

// SetAutostart marks a network to be started with the host.
func (n networks) SetAutostart(ctx context.Context, r drivers.Ref, on bool) error {
	return n.call(ctx, procNetworkSetAutostart, []any{netOf(r), number(on)})
}

// Metadata reads title, description or an element.
func (n networks) Metadata(ctx context.Context, r drivers.Ref, k drivers.MetadataKind, uri string, f drivers.Flags) (string, error) {
	text, err := n.text(ctx, procNetworkGetMetadata, netOf(r), int32(k), optional(uri), impact(f))
	return string(text), err
}

// SetMetadata sets or removes them.
func (n networks) SetMetadata(ctx context.Context, r drivers.Ref, k drivers.MetadataKind, value *string, key, uri string, f drivers.Flags) error {
	if err := drivers.CheckTitle(k, value); err != nil {
		return err
	}
	return n.call(ctx, procNetworkSetMetadata, []any{netOf(r), int32(k), value, optional(key), optional(uri), impact(f)})
}

// The parts of networks and what can be done to them, by the daemon's numbers.
const (
	networkSections = "none bridge domain ip ip-dhcp-host ip-dhcp-range forward forward-interface forward-pf portgroup dns-host dns-txt dns-srv"
	networkCommands = "none modify delete add-last add-first"
)

// featureUpdateOrder is the daemon's feature to take an update's command before
// its section. Older ones take them the other way round.
const featureUpdateOrder = 16

// UpdateNetwork changes a part of a network.
func (n networks) UpdateNetwork(ctx context.Context, r drivers.Ref, u drivers.NetworkUpdate, f drivers.Flags) error {
	command, section := uint32(ordinal(networkCommands, u.Command)), uint32(ordinal(networkSections, u.Section))
	var has int32
	if err := n.call(ctx, procConnectSupportsFeature, []any{int32(featureUpdateOrder)}, &has); err == nil && has == 0 {
		command, section = section, command
	}
	return n.call(ctx, procNetworkUpdate, []any{netOf(r), command, section, int32(u.ParentIndex), string(u.Source.Data), impact(f)})
}

// Leases are the addresses that a network lent.
func (n networks) Leases(ctx context.Context, r drivers.Ref, mac string) ([]drivers.Lease, error) {
	var list []libvirt.NetworkDhcpLease
	err := n.call(ctx, procNetworkGetDhcpLeases, []any{netOf(r), optional(mac), int32(1), uint32(0)}, &list)
	var out []drivers.Lease
	for _, l := range list {
		x := drivers.Lease{MAC: textOf(l.Mac), IAID: textOf(l.Iaid), Address: l.Ipaddr, Prefix: int(l.Prefix), Hostname: textOf(l.Hostname),
			DUID: textOf(l.Clientid), Family: 4}
		if l.Type == 1 {
			x.Family = 6
		}
		if l.Expirytime > 0 {
			x.Expiry = time.Unix(l.Expirytime, 0)
		}
		out = append(out, x)
	}
	return out, err
}

// ports are the ports of a daemon's networks.
type ports struct{ *Conn }

func portRef(p libvirt.NetworkPort) drivers.Ref {
	parent := networkRef(p.Net)
	uuid := xml.FormatUUID(p.UUID)
	return drivers.Ref{Kind: drivers.NetworkPort, Name: uuid, UUID: uuid, ID: -1, Parent: &parent}
}

func port(r drivers.Ref) libvirt.NetworkPort {
	return libvirt.NetworkPort{Net: netOf(*r.Parent), UUID: uuidOf(r.UUID)}
}

// List gives a network's ports.
func (p ports) List(ctx context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	if f.Parent == nil {
		return nil, nil
	}
	var list []libvirt.NetworkPort
	err := p.call(ctx, procNetworkListAllPorts, []any{netOf(*f.Parent), int32(1), uint32(0)}, &list)
	var out []drivers.Entry
	for _, x := range list {
		out = append(out, drivers.Entry{Ref: portRef(x), Active: true})
	}
	return out, err
}

// Lookup finds none: a port is found in its network.
func (p ports) Lookup(context.Context, drivers.By, string) (drivers.Ref, error) {
	return drivers.Ref{}, xml.Errorf(xml.CodeNoNetworkPort, "")
}

// Child finds a network's port by its UUID.
func (p ports) Child(ctx context.Context, parent drivers.Ref, uuid string) (drivers.Ref, error) {
	var x libvirt.NetworkPort
	err := p.call(ctx, procNetworkPortLookupByUUID, []any{netOf(parent), uuidOf(uuid)}, &x)
	return portRef(x), err
}

// CreateChild makes a port.
func (p ports) CreateChild(ctx context.Context, parent drivers.Ref, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	var x libvirt.NetworkPort
	err := p.call(ctx, procNetworkPortCreateXML, []any{netOf(parent), string(src.Data), bits(f, bit{drivers.Validate, 2})}, &x)
	return portRef(x), err
}

// XML is the daemon's document.
func (p ports) XML(ctx context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	return p.text(ctx, procNetworkPortGetXMLDesc, port(r), uint32(0))
}

// Destroy takes a port away.
func (p ports) Destroy(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return p.call(ctx, procNetworkPortDelete, []any{port(r), uint32(0)})
}
