package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// networkRows are the commands about networks.
func networkRows() []Command {
	k := networkKind
	return append([]Command{
		k.historyRow(), k.undoRow(), k.define(validate), k.create(nil, nil, validate), k.undefine(), k.start(), k.destroy(), k.autostart(),
		networkName(), k.uuid(byName), k.dumpxml(inactiveXML),
		netListRow(), k.editRow(drivers.Inactive), k.desc(), k.metadata(), k.event("net-event", "lifecycle metadata-change", false),
		{Name: "net-info", Summary: "show a network's main values", Run: netInfo, Options: opts(k.object(k.any))},
		{Name: "net-update", Summary: "change a part of a network", Run: netUpdate, Options: opts(k.object(k.any),
			str("command", RP, "what to do").of("add modify delete add-last add-first"),
			str("section", RP, "the part to change").of("bridge domain ip ip-dhcp-host ip-dhcp-range forward forward-interface forward-pf portgroup dns-host dns-txt dns-srv"),
			str("xml", RP, "the part's XML, or a file with it").with(completion.Files),
			num("parent-index", Loose, "which of several elements around it, from 0").with(completion.Free), impactOptions())},
		{Name: "net-dhcp-leases", Summary: "list the addresses that a network lent", Run: netLeases, Options: opts(k.object(k.active),
			str("mac", Loose, "only those of this Ethernet address").with(completion.Free))},
	}, portRows()...)
}

// inactiveXML is the option of dumpxml that asks for the definition.
var inactiveXML = more{name: "inactive", flag: drivers.Inactive, help: "the definition, also of an active object"}

func netInfo(ctx context.Context, c *Call) error {
	objects, ref, err := networkKind.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	e, err := entryOf(ctx, objects, ref)
	if err != nil {
		return err
	}
	f := Fields{Width: 15, Items: []Field{{Label: "Name", Value: e.Name}, {Label: "UUID", Value: e.UUID},
		{Label: "Active", Value: e.Active}, {Label: "Persistent", Value: e.Persistent}, {Label: "Autostart", Value: e.Autostart}}}
	if e.Bridge != "" {
		f.Items = append(f.Items, Field{Label: "Bridge", Value: e.Bridge})
	}
	c.Emit(f)
	return nil
}

// entryOf gives what a listing tells of an object.
func entryOf(ctx context.Context, objects drivers.Objects, ref drivers.Ref) (drivers.Entry, error) {
	if d, ok := objects.(drivers.Entryer); ok {
		return d.Entry(ctx, ref)
	}
	entries, err := objects.List(ctx, drivers.Filter{Parent: ref.Parent})
	for _, e := range entries {
		if e.Name == ref.Name {
			return e, nil
		}
	}
	return drivers.Entry{Ref: ref}, err
}

func netUpdate(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	objects, ref, err := networkKind.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	u := drivers.NetworkUpdate{Command: c.Str("command"), Section: c.Str("section"), ParentIndex: -1}
	if u.Command == "add" {
		u.Command = "add-last"
	}
	for _, o := range []string{"command", "section"} {
		if !c.Lists(o, c.Str(o)) {
			return shellError("unrecognized %s name '%s'", o, c.Str(o))
		}
	}
	if i, given, err := c.Int32("parent-index"); err != nil {
		return err
	} else if given {
		u.ParentIndex = i
	}
	u.Source = xml.Source{Name: "(network_update)", Data: []byte(c.Str("xml"))}
	if !strings.HasPrefix(c.Str("xml"), "<") {
		if u.Source, err = c.File("xml"); err != nil {
			return err
		}
	}
	d, err := change[drivers.NetworkUpdater](c, objects, "virNetworkUpdate")
	if err == nil {
		err = d.UpdateNetwork(ctx, ref, u, f)
	}
	if err != nil {
		return failed(err, "Failed to update network %s", ref.Name)
	}
	what := "live state"
	switch {
	case f.Has(drivers.Live | drivers.Config):
		what = "persistent config and live state"
	case f.Has(drivers.Config):
		what = "persistent config"
	case f == 0:
		if e, err := entryOf(ctx, objects, ref); err == nil && !e.Active {
			what = "persistent config"
		}
	}
	c.Emit(Message{Text: "Updated network " + ref.Name + " " + what, Extra: true,
		Data: Data{{"network", ref.Name}, {"uuid", ref.UUID}, {"action", "updated"}}})
	return nil
}

func netLeases(ctx context.Context, c *Call) error {
	objects, ref, err := networkKind.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	d, err := query[drivers.Leaser](objects, "virNetworkGetDHCPLeases")
	var leases []drivers.Lease
	if err == nil {
		leases, err = d.Leases(ctx, ref, c.Str("mac"))
	}
	if err != nil {
		return failed(err, "Failed to get leases info for %s", ref.Name)
	}
	l := Listing{Columns: []Column{{Title: "Expiry Time"}, {Title: "MAC address"}, {Title: "Protocol"}, {Title: "IP address"}, {Title: "Hostname"},
		{Title: "Client ID or DUID", Key: "client_id"}}}
	for _, v := range leases {
		expiry := Cell{"-", nil}
		if !v.Expiry.IsZero() {
			expiry = Cell{v.Expiry.Local().Format(time.DateTime), v.Expiry.Format(time.RFC3339)}
		}
		id := v.DUID
		l.Rows = append(l.Rows, []any{expiry, orDash(v.MAC), fmt.Sprintf("ipv%d", v.Family), fmt.Sprintf("%s/%d", v.Address, v.Prefix),
			orDash(v.Hostname), orDash(id)})
	}
	c.Emit(l)
	return nil
}

// orDash is a cell's text, - for none.
func orDash(s string) Cell {
	if s == "" {
		return Cell{"-", nil}
	}
	return Cell{s, s}
}

// portRows are the commands about networks' ports.
func portRows() []Command {
	object := networkKind.object(completion.Networks)
	port := str("port", RP, "UUID of the port").with(completion.NetworkPorts)
	return []Command{
		{Name: "net-port-list", Summary: "list a network's ports", Run: portList, Options: opts(object,
			flag("uuid", "only their UUIDs"), flag("table", "as a table, which is the default"))},
		{Name: "net-port-create", Summary: "add a port to a network", Run: portCreate, Options: opts(object, fileOption(), moreOptions([]more{validate}))},
		{Name: "net-port-dumpxml", Summary: "print the XML description of a network's port", Run: portXML, Options: opts(object, port, xpathOptions())},
		{Name: "net-port-delete", Summary: "take a port from a network", Run: portDelete, Options: opts(object, port)},
	}
}

func portList(ctx context.Context, c *Call) error {
	if c.Has("uuid") && c.Has("table") {
		return shellError("Only one argument from --table and --uuid may be specified.")
	}
	_, network, err := networkKind.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	objects := c.conn.Objects(drivers.NetworkPort)
	if objects == nil {
		return drivers.Unsupported("virNetworkListAllPorts")
	}
	entries, err := objects.List(ctx, drivers.Filter{Parent: &network})
	if err != nil {
		return err
	}
	l := Listing{Columns: []Column{{Title: "UUID"}}, Plain: c.Has("uuid")}
	for _, e := range entries {
		l.Rows = append(l.Rows, []any{e.UUID})
	}
	c.Emit(l)
	return nil
}

func portCreate(ctx context.Context, c *Call) error {
	_, network, err := networkKind.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	src, err := c.File("file")
	if err != nil {
		return err
	}
	d, err := change[drivers.ChildCreator](c, c.conn.Objects(drivers.NetworkPort), "virNetworkPortCreateXML")
	var ref drivers.Ref
	if err == nil {
		ref, err = d.CreateChild(ctx, network, src, moreFlags(c, []more{validate}))
	}
	if err != nil {
		return failed(err, "Failed to create network from %s", src.Name)
	}
	c.Emit(portKind.done(ref, "created", "Network port %s created from %s", ref.UUID, src.Name))
	return nil
}

func portDelete(ctx context.Context, c *Call) error {
	objects, ref, err := portKind.findChild(ctx, c, networkKind)
	if err != nil {
		return err
	}
	d, err := change[drivers.Destroyer](c, objects, "virNetworkPortDelete")
	if err == nil {
		err = d.Destroy(ctx, ref, 0)
	}
	if err != nil {
		return failed(err, "Failed to delete network port %s", ref.UUID)
	}
	c.Emit(portKind.done(ref, "deleted", "Network port %s deleted", ref.UUID))
	return nil
}

func portXML(ctx context.Context, c *Call) error {
	objects, ref, err := portKind.findChild(ctx, c, networkKind)
	if err != nil {
		return err
	}
	doc, err := objects.XML(ctx, ref, 0)
	if err != nil {
		return err
	}
	return c.document(doc)
}

// networkName is the verb that finds a name, by the UUID alone.
func networkName() Command {
	row := networkKind.name(byUUID)
	row.Options = opts(networkKind.object(completion.NetworkUUIDs))
	return row
}
