package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// ifaceRows are the commands about the host's interfaces.
func ifaceRows() []Command {
	k := interfaceKind
	mac := k.name(byKey)
	mac.Options = opts(str(k.option, RP, "MAC address of the interface").with(completion.InterfaceMACs))
	name := k.object(k.any)
	return []Command{
		k.define(validate), k.undefine(), k.start(), k.destroy(), k.dumpxml(inactiveXML), k.editRow(drivers.Inactive), mac,
		{Name: "iface-list", Summary: "list the host's interfaces", Description: "Lists interfaces of the host: the active ones, or as the options say.",
			Run: ifaceList, Options: opts(flag("inactive", "those that are inactive"), flag("all", "the active and the inactive ones"))},
		{Name: "iface-mac", Summary: "find the MAC address of an interface", Run: ifaceMAC, Options: opts(name)},
		ifaceChange("begin", "take note of the interfaces, so that changes can be undone", "begin network config change transaction", "Begin",
			"Network config change transaction started", drivers.InterfaceChanger.BeginInterfaces),
		ifaceChange("commit", "keep the changes since iface-begin", "commit network config change transaction", "Commit",
			"Network config change transaction committed", drivers.InterfaceChanger.CommitInterfaces),
		ifaceChange("rollback", "undo the changes since iface-begin", "rollback network config change transaction", "Rollback",
			"Network config change transaction rolled back", drivers.InterfaceChanger.RollbackInterfaces),
		{Name: "iface-bridge", Summary: "put an interface into a new bridge", Run: ifaceBridge, Options: opts(name,
			str("bridge", RP, "name of the bridge").with(completion.Free), flag("no-stp", "without the spanning tree protocol"),
			num("delay", Loose, "seconds before the bridge forwards").with(completion.Free), flag("no-start", "do not start the bridge"))},
		{Name: "iface-unbridge", Summary: "take an interface out of its bridge, and undefine the bridge", Run: ifaceUnbridge, Options: opts(
			str("bridge", RP, "name of the bridge").with(completion.HostInterfaces), flag("no-start", "do not start the interface"))},
	}
}

func ifaceList(ctx context.Context, c *Call) error {
	if err := c.Exclusive("all", "inactive"); err != nil {
		return err
	}
	_, entries, err := interfaceKind.list(ctx, c, c.filter(nil))
	if err != nil {
		return err
	}
	l := Listing{Columns: []Column{{Title: "Name"}, {Title: "State"}, {Title: "MAC Address"}}}
	for _, e := range entries {
		l.Rows = append(l.Rows, []any{e.Name, activeWord(e.Active), e.MAC})
	}
	c.Emit(l)
	return nil
}

func ifaceMAC(ctx context.Context, c *Call) error {
	objects, ref, err := interfaceKind.find(ctx, c, byName)
	if err != nil {
		return err
	}
	e, err := entryOf(ctx, objects, ref)
	if err != nil {
		return err
	}
	c.Emit(msgf(Data{{"mac", e.MAC}}, "%s", e.MAC))
	return nil
}

// ifaceChange is a row of those about changes that can be undone.
func ifaceChange(verb, summary, fail, api, done string, run func(drivers.InterfaceChanger, context.Context) error) Command {
	return Command{Name: "iface-" + verb, Summary: summary, Run: func(ctx context.Context, c *Call) error {
		objects, err := interfaceKind.objects(ctx, c)
		if err != nil {
			objects = nil
		}
		d, err := change[drivers.InterfaceChanger](c, objects, "virInterfaceChange"+api)
		if err == nil {
			err = run(d, ctx)
		}
		if err != nil {
			return failed(err, "Failed to %s", fail)
		}
		m := msgf(Data{{"action", verb}}, "%s", done)
		m.Extra = true
		c.Emit(m)
		return nil
	}}
}

// ifaceBridge defines a bridge that has an interface's addresses and the
// interface in it.
func ifaceBridge(ctx context.Context, c *Call) error {
	k := interfaceKind
	objects, ref, err := k.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	bridge := c.Str("bridge")
	_, missing := objects.Lookup(ctx, drivers.ByName, bridge)
	if missing == nil {
		return shellError("Network device %s already exists", bridge)
	}
	delay, given, err := c.Uint32("delay")
	var bad *Failure
	if errors.As(err, &bad) {
		return failed(missing, "%s", bad.Text) // virsh tells the look-up's error with it
	}
	doc, err := objects.XML(ctx, ref, drivers.Inactive)
	if err != nil {
		return err
	}
	n, err := xml.Parse(xml.Source{Name: "(interface definition " + ref.Name + ")", Data: doc})
	if err != nil {
		return err
	}
	kindOf, _ := n.Attr("type")
	if kindOf == "bridge" {
		return shellError("Existing device %s is already a bridge", ref.Name)
	}
	inner := xml.Element("interface").With("type", kindOf, "name", ref.Name)
	outer := xml.Element("interface").With("type", "bridge", "name", bridge)
	for _, e := range n.Elements("") {
		switch e.Name {
		case "mac", "bond", "vlan", "link":
			inner.Add(e)
		default:
			outer.Add(e)
		}
	}
	b := xml.Element("bridge", inner).With("stp", onOff(!c.Has("no-stp")))
	if given && !c.Has("no-stp") {
		b.With("delay", fmt.Sprint(delay))
	}
	outer.Add(b)
	made, err := defineInterface(ctx, c, objects, outer)
	if err != nil {
		return failed(err, "Failed to define new bridge interface %s", bridge)
	}
	c.Emit(k.done(made, "created", "Created bridge %s with attached device %s", bridge, ref.Name))
	return startInterface(ctx, c, objects, made, "bridge interface")
}

// defineInterface keeps an interface that a command has made.
func defineInterface(ctx context.Context, c *Call, objects drivers.Objects, n *xml.Node) (drivers.Ref, error) {
	d, err := change[drivers.Definer](c, objects, "virInterfaceDefineXML")
	if err != nil {
		return drivers.Ref{}, err
	}
	return d.Define(ctx, xml.Source{Name: "(interface definition)", Data: n.Print()}, 0)
}

// startInterface starts what was just defined, unless --no-start says not to;
// noun is what messages call it.
func startInterface(ctx context.Context, c *Call, objects drivers.Objects, made drivers.Ref, noun string) error {
	if c.Has("no-start") {
		return nil
	}
	s, err := change[drivers.Starter](c, objects, "virInterfaceCreate")
	if err == nil {
		err = s.Start(ctx, made, 0)
	}
	if err != nil {
		return failed(err, "Failed to start %s %s", noun, made.Name)
	}
	c.Emit(interfaceKind.done(made, "started", "%s %s started", strings.ToUpper(noun[:1])+noun[1:], made.Name))
	return nil
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// ifaceUnbridge gives an interface its bridge's addresses back.
func ifaceUnbridge(ctx context.Context, c *Call) error {
	k := interfaceKind
	objects, ref, err := k.findWord(ctx, c, "bridge", c.Str("bridge"), byName)
	if err != nil {
		return err
	}
	doc, err := objects.XML(ctx, ref, drivers.Inactive)
	if err != nil {
		return err
	}
	n, err := xml.Parse(xml.Source{Name: "(bridge interface definition)", Data: doc})
	if err != nil {
		return err
	}
	if t, _ := n.Attr("type"); t != "bridge" || n.Child("bridge") == nil {
		return shellError("Device %s isn't a bridge", ref.Name)
	}
	list := n.Child("bridge").Elements("interface")
	switch {
	case len(list) == 0:
		return shellError("No interface attached to bridge %s", ref.Name)
	case len(list) > 1:
		return shellError("Multiple interfaces attached to bridge %s", ref.Name)
	}
	inner := *list[0]
	inner.Children = append([]*xml.Node(nil), list[0].Children...)
	for _, e := range n.Elements("") {
		if e.Name != "bridge" && e.Name != "mac" {
			inner.Add(e)
		}
	}
	name, _ := inner.Attr("name")
	if err := removeInterface(ctx, c, objects, ref); err != nil {
		return err
	}
	made, err := defineInterface(ctx, c, objects, &inner)
	if err != nil {
		return failed(err, "Failed to define new interface %s", name)
	}
	c.Emit(k.done(made, "defined", "Device %s un-attached from bridge %s", name, ref.Name))
	return startInterface(ctx, c, objects, made, "interface")
}

// removeInterface stops and undefines a bridge.
func removeInterface(ctx context.Context, c *Call, objects drivers.Objects, ref drivers.Ref) error {
	if e, err := entryOf(ctx, objects, ref); err == nil && e.Active {
		s, err := change[drivers.Destroyer](c, objects, "virInterfaceDestroy")
		if err == nil {
			err = s.Destroy(ctx, ref, 0)
		}
		if err != nil {
			return failed(err, "Failed to destroy bridge interface %s", ref.Name)
		}
	}
	d, err := change[drivers.Definer](c, objects, "virInterfaceUndefine")
	if err == nil {
		err = d.Undefine(ctx, ref, 0)
	}
	if err != nil {
		return failed(err, "Failed to undefine bridge interface %s", ref.Name)
	}
	return nil
}
