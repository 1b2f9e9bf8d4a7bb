package commands

import (
	"context"
	"fmt"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// deviceRows are the commands that give, change and take away devices.
func deviceRows() []Command {
	k := domainKind
	file := str("file", RP, "file with the device's XML").with(completion.Files)
	printXML := flag("print-xml", "print the XML and do nothing")
	gone := waitFlag("the guest has let go of it")
	target := func(name, help string) Option { return str(name, RP, help).with(completion.Disks) }
	return []Command{
		{Name: "attach-device", Summary: "give a domain a device", Run: attachDevice, Options: opts(k.object(k.any), file, attachOptions())},
		attachDiskRow(), attachInterfaceRow(),
		{Name: "detach-device", Summary: "take a device away", Run: detachDevice, Options: opts(k.object(k.any), file, attachOptions(), gone)},
		{Name: "detach-device-alias", Summary: "take away the device of an alias", Run: detachAlias, Options: opts(k.object(k.any),
			str("alias", RP, "the device's name").with(completion.Aliases), impactOptions(), gone)},
		{Name: "detach-disk", Summary: "take a disk away", Run: detachDisk, Options: opts(k.object(k.any),
			target("target", "target or source of the disk"), attachOptions(), printXML, gone)},
		{Name: "detach-interface", Summary: "take a network interface away", Run: detachInterface, Options: opts(k.object(k.any),
			str("type", RP, "kind of interface").of("network bridge direct hostdev vhostuser user ethernet"),
			str("mac", Loose, "its address").with(completion.Interfaces), attachOptions(), printXML, gone)},
		{Name: "update-device", Summary: "change a device", Run: updateDevice, Options: opts(k.object(k.any), file, attachOptions(),
			flag("force", "even if the guest holds it"))},
		{Name: "change-media", Summary: "change the medium of a drive", Run: changeMedia, Options: opts(k.object(k.any),
			target("path", "target or source of the drive"), str("source", Positional, "the new medium").with(completion.Files),
			flag("eject", "take the medium out"), flag("insert", "put a medium into an empty drive"), flag("update", "exchange the medium"),
			flag("current", "whichever counts now"), flag("live", "the running domain"), flag("config", "the definition, from the next start on"),
			flag("force", "even if the guest holds it"), printXML, flag("block", "the medium is a block device"))},
		{Name: "domif-setlink", Summary: "set whether an interface's link is up", Run: setLink, Options: opts(k.object(k.any),
			str("interface", RP, "name or address of the interface").with(completion.Interfaces), str("state", RP, "state of the link").of("up down"),
			alias("persistent", "config"), flag("config", "of the definition"), printXML)},
		{Name: "update-memory-device", Summary: "change a memory device", Run: updateMemory, Options: opts(k.object(k.any), impactOptions(), printXML,
			str("alias", Loose, "the device's name").with(completion.Aliases), num("node", Loose, "its node in the guest").with(completion.Free),
			num("requested-size", Loose, "how much the guest is to use, in KiB if no unit is given").with(completion.Free))},
	}
}

// attachOptions say which of a domain's definitions a device is for.
func attachOptions() []Option {
	return opts(flag("persistent", "the definition, and the domain if it runs"), impactOptions())
}

// impactOf is what was asked for: flags, and whether there were any at all.
type impactOf struct {
	drivers.Flags
	asked, persistent bool
}

// deviceImpact reads attachOptions.
func (c *Call) deviceImpact() (impactOf, error) {
	if err := c.Exclusive("persistent", "current"); err != nil {
		return impactOf{}, err
	}
	f, err := c.impact()
	i := impactOf{f, f != 0 || c.Has("current"), c.Has("persistent")}
	if i.persistent {
		i.Flags |= drivers.Config
		i.asked = true
	}
	return i, err
}

// of completes the flags for a domain: --persistent means the running one, too.
func (i impactOf) of(ref drivers.Ref) drivers.Flags {
	f := i.Flags
	if i.persistent && ref.ID >= 0 {
		f |= drivers.Live
	}
	if i.asked {
		f |= drivers.Current
	}
	return f
}

// api is the peer's function: it has one more for calls with flags.
func (i impactOf) api(name string) string {
	if i.asked {
		return name + "Flags"
	}
	return name
}

// deviceDone says what was done to a device.
func deviceDone(ref drivers.Ref, action, text string) Message {
	m := msgf(Data{{"domain", ref.Name}, {"action", action}}, "%s", text)
	m.Extra = true
	return m
}

func (c *Call) attach(ctx context.Context, objects drivers.Objects, ref drivers.Ref, src xml.Source, i impactOf) error {
	d, err := change[drivers.Attacher](c, objects, i.api("virDomainAttachDevice"))
	if err != nil {
		return err
	}
	return d.Attach(ctx, ref, src, i.of(ref))
}

func (c *Call) detach(ctx context.Context, objects drivers.Objects, ref drivers.Ref, src xml.Source, i impactOf) error {
	d, err := change[drivers.Detacher](c, objects, i.api("virDomainDetachDevice"))
	if err != nil {
		return err
	}
	return c.detaching(ctx, objects, ref, func() error { return d.Detach(ctx, ref, src, i.of(ref)) })
}

func (c *Call) update(ctx context.Context, objects drivers.Objects, ref drivers.Ref, src xml.Source, f drivers.Flags) error {
	d, err := change[drivers.Updater](c, objects, "virDomainUpdateDeviceFlags")
	if err != nil {
		return err
	}
	return d.UpdateDevice(ctx, ref, src, f)
}

// attachBuilt attaches a device made of options, or prints it.
func (c *Call) attachBuilt(ctx context.Context, device *xml.Node, i impactOf, noun, title string) error {
	if c.Has("print-xml") {
		c.Emit(Document{Text: device.String()})
		return nil
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	if err := c.attach(ctx, objects, ref, xml.Source{Name: "(device)", Data: device.Print()}, i); err != nil {
		return failed(err, "Failed to attach %s", noun)
	}
	c.Emit(deviceDone(ref, "attached", title+" attached successfully"))
	return nil
}

// withDeviceFile does something with the device of a file.
func (c *Call) withDeviceFile(ctx context.Context, verb, past string, do func(drivers.Objects, drivers.Ref, xml.Source) error) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	src, err := c.File("file")
	if err != nil {
		return err
	}
	if err := do(objects, ref, src); err != nil {
		return failed(err, "Failed to %s device from %s", verb, c.Str("file"))
	}
	c.Emit(deviceDone(ref, past, "Device "+past+" successfully"))
	return nil
}

func attachDevice(ctx context.Context, c *Call) error {
	i, err := c.deviceImpact()
	if err != nil {
		return err
	}
	return c.withDeviceFile(ctx, "attach", "attached", func(o drivers.Objects, r drivers.Ref, src xml.Source) error { return c.attach(ctx, o, r, src, i) })
}

func detachDevice(ctx context.Context, c *Call) error {
	i, err := c.deviceImpact()
	if err != nil {
		return err
	}
	return c.withDeviceFile(ctx, "detach", "detached", func(o drivers.Objects, r drivers.Ref, src xml.Source) error { return c.detach(ctx, o, r, src, i) })
}

func updateDevice(ctx context.Context, c *Call) error {
	i, err := c.deviceImpact()
	if err != nil {
		return err
	}
	return c.withDeviceFile(ctx, "update", "updated", func(o drivers.Objects, r drivers.Ref, src xml.Source) error {
		return c.update(ctx, o, r, src, i.of(r)|c.Flags("force", drivers.Force))
	})
}

func detachAlias(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.AliasDetacher](c, objects, "virDomainDetachDeviceAlias")
	if err == nil {
		err = c.detaching(ctx, objects, ref, func() error { return d.DetachAlias(ctx, ref, c.Str("alias"), f) })
	}
	if err != nil {
		return failed(err, "Failed to detach device with alias %s", c.Str("alias"))
	}
	c.Emit(deviceDone(ref, "detached", "Device detach request sent successfully"))
	return nil
}

// devices reads the devices of the definition that flags mean: the kept one if
// they name it alone.
func (c *Call) devices(ctx context.Context, objects drivers.Objects, ref drivers.Ref, f drivers.Flags) (*xml.Node, error) {
	var which drivers.Flags
	if f.Has(drivers.Config) && !f.Has(drivers.Live) {
		which = drivers.Inactive
	}
	doc, err := objects.XML(ctx, ref, which)
	if err != nil {
		return nil, err
	}
	root, err := xml.Parse(xml.Source{Name: ref.Name, Data: doc})
	if err != nil {
		return nil, err
	}
	layOut(root, 0)
	return root, nil
}

// layOut puts back the line ends and indents that reading drops: virsh changes
// an element in place, and prints it with the layout of the document around it.
func layOut(n *xml.Node, depth int) {
	kids := n.Elements("")
	if len(kids) == 0 {
		return
	}
	var out []*xml.Node
	for _, k := range kids {
		layOut(k, depth+1)
		out = append(out, &xml.Node{Text: "\n" + strings.Repeat("  ", depth+1)}, k)
	}
	n.Children = append(out, &xml.Node{Text: "\n" + strings.Repeat("  ", depth)})
}

// findDisk finds a disk by its target or source.
func findDisk(root *xml.Node, name string) *xml.Node {
	list, _ := root.Find("/domain/devices/disk")
	for _, n := range list {
		if attr(n.Child("target"), "dev") == name {
			return n
		}
		for _, a := range sourceAttrs {
			if v := attr(n.Child("source"), a); v != "" && v == name {
				return n
			}
		}
	}
	return nil
}

// takeAway detaches an element of the domain's own document, or prints it.
func (c *Call) takeAway(ctx context.Context, noun, title string, find func(*xml.Node) (*xml.Node, error)) error {
	i, err := c.deviceImpact()
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	root, err := c.devices(ctx, objects, ref, i.of(ref))
	if err != nil {
		return err
	}
	device, err := find(root)
	if err != nil {
		return err
	}
	if c.Has("print-xml") {
		c.Emit(Document{Text: device.Dump()})
		return nil
	}
	if err := c.detach(ctx, objects, ref, xml.Source{Name: "(device)", Data: []byte(device.Dump())}, i); err != nil {
		return failed(err, "Failed to detach %s", noun)
	}
	c.Emit(deviceDone(ref, "detached", title+" detached successfully"))
	return nil
}

func detachDisk(ctx context.Context, c *Call) error {
	return c.takeAway(ctx, "disk", "Disk", func(root *xml.Node) (*xml.Node, error) {
		if n := findDisk(root, c.Str("target")); n != nil {
			return n, nil
		}
		return nil, noDisk(root, c.Str("target"))
	})
}

func noDisk(root *xml.Node, name string) error {
	if list, _ := root.Find("/domain/devices/disk"); len(list) == 0 {
		return shellError("Failed to get disk information")
	}
	return shellError("No disk found whose source path or target is %s", name)
}

func detachInterface(ctx context.Context, c *Call) error {
	return c.takeAway(ctx, "interface", "Interface", func(root *xml.Node) (*xml.Node, error) {
		list, _ := root.Find("/domain/devices/interface")
		var ofType []*xml.Node
		for _, n := range list {
			if attr(n, "type") == c.Str("type") {
				ofType = append(ofType, n)
			}
		}
		mac := c.Str("mac")
		switch {
		case len(ofType) == 0:
			return nil, c.interfaceError("No interface found whose type is %s", c.Str("type"))
		case mac == "" && len(ofType) > 1:
			return nil, c.interfaceError("Domain has %d interfaces. Please specify which one to detach using --mac", len(ofType))
		case mac == "":
			return ofType[0], nil
		}
		var found *xml.Node
		for _, n := range ofType {
			if !strings.EqualFold(attr(n.Child("mac"), "address"), mac) {
				continue
			}
			if found != nil {
				return nil, c.interfaceError("Domain has multiple interfaces matching MAC address %s. You must use detach-device and specify the device pci address to remove it.", mac)
			}
			found = n
		}
		if found == nil {
			return nil, c.interfaceError("No interface with MAC address %s was found", mac)
		}
		return found, nil
	})
}

// interfaceError is an error before which virsh says more, unless it was to
// print only.
func (c *Call) interfaceError(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if c.Has("print-xml") && !c.Has("config") && !c.Has("persistent") {
		return shellError("%s", text)
	}
	return failed(shellError("Failed to detach interface"), "%s", text)
}

func setLink(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	state := c.Str("state")
	if state != "up" && state != "down" {
		return shellError("invalid link state '%s'", state)
	}
	f := c.Flags("config", drivers.Config)
	if f == 0 && ref.ID < 0 {
		f = drivers.Config
	}
	root, err := c.devices(ctx, objects, ref, f)
	if err != nil {
		return err
	}
	n := findInterface(root, c.Str("interface"))
	if all, _ := root.Find("/domain/devices/interface"); len(all) == 0 {
		return shellError("Failed to extract interface information or no interfaces found")
	}
	if n == nil {
		return shellError("interface '%s' not found", c.Str("interface"))
	}
	if link := n.Child("link"); link != nil {
		link.Attrs = nil
		link.With("state", state)
	} else {
		n.Add(xml.Element("link").With("state", state))
	}
	if c.Has("print-xml") {
		c.Emit(Document{Text: n.Dump()})
		return nil
	}
	if err := c.update(ctx, objects, ref, xml.Source{Name: "(device)", Data: []byte(n.Dump())}, f); err != nil {
		return failed(err, "Failed to update interface link state")
	}
	c.Emit(deviceDone(ref, "updated", "Device updated successfully"))
	return nil
}
