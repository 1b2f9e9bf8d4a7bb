package commands

import (
	"context"
	"strings"

	"virgo/drivers"
)

// deviceCaps are the capabilities that nodedev-list --cap knows, in virsh's order.
const deviceCaps = "system pci usb_device usb net scsi_host scsi_target scsi storage fc_host vports scsi_generic drm mdev_types mdev " +
	"ccw css vdpa ap_card ap_queue ap_matrix vpd ccwgroup ccwgroup_member"

// nodedevRows are the commands about node devices.
func nodedevRows() []Command {
	k := deviceKind
	destroy := k.destroy()
	destroy.Options = append([]Option{alias("name", "device")}, destroy.Options...)
	start := verbOf(k, "start", "start a device that is defined", "Create", k.inactive,
		func(d drivers.Starter, ctx context.Context, _ *Call, ref drivers.Ref) error {
			return d.Start(ctx, ref, 0)
		})
	return []Command{
		k.create(nil, nil, validate), k.define(validate), destroy, k.undefine(), start, k.autostart(), k.dumpxml(inactiveXML),
		k.event("nodedev-event", "lifecycle update", false),
		{Name: "nodedev-list", Summary: "list the host's devices", Run: nodedevList, Options: opts(flag("tree", "as a tree"),
			str("cap", Loose|Empty, "those with any of these capabilities").of(deviceCaps).list(),
			flag("inactive", "those that are defined and not there"), flag("all", "the active and the inactive ones"),
			flag("persistent", "those that are kept"), flag("transient", "those that are not kept"))},
		{Name: "nodedev-info", Summary: "show a device's main values", Run: nodedevInfo, Options: opts(k.object(k.any))},
		{Name: "nodedev-update", Summary: "change a device that is defined", Run: nodedevUpdate, Options: opts(k.object(k.any), fileOption(), impactOptions())},
		{Name: "nodedev-detach", Summary: "take a device from the host's driver", Run: nodedevDetach, Options: opts(k.object(k.any),
			str("driver", Loose, "the driver to bind it to").of("default kvm vfio xen"))},
		{Name: "nodedev-dettach", Alias: "nodedev-detach"},
		{Name: "nodedev-reattach", Summary: "give a device back to the host's driver", Run: func(ctx context.Context, c *Call) error {
			return deviceAct(ctx, c, "reattach", "ReAttach", drivers.DeviceDetacher.ReattachDevice)
		}, Options: opts(k.object(k.any))},
		{Name: "nodedev-reset", Summary: "reset a device", Run: func(ctx context.Context, c *Call) error {
			return deviceAct(ctx, c, "reset", "Reset", drivers.DeviceResetter.ResetDevice)
		}, Options: opts(k.object(k.any))},
	}
}

// deviceAct does one thing to a device.
func deviceAct[T any](ctx context.Context, c *Call, verb, api string, run func(T, context.Context, drivers.Ref) error) error {
	objects, ref, err := deviceKind.find(ctx, c, byName)
	if err != nil {
		return err
	}
	d, err := change[T](c, objects, "virNodeDevice"+api)
	if err == nil {
		err = run(d, ctx, ref)
	}
	if err != nil {
		return deviceKind.fail(verb, err, ref.Name, "")
	}
	deviceKind.succeed(c, verb, ref, ref.Name, "")
	return nil
}

func nodedevDetach(ctx context.Context, c *Call) error {
	api := "Dettach"
	if c.Has("driver") {
		api = "DetachFlags"
	}
	return deviceAct(ctx, c, "detach", api, func(d drivers.DeviceDetacher, ctx context.Context, ref drivers.Ref) error {
		return d.DetachDevice(ctx, ref, c.Str("driver"))
	})
}

func nodedevList(ctx context.Context, c *Call) error {
	if err := c.Exclusive("all", "inactive"); err != nil {
		return shellError("Option --all is incompatible with --inactive")
	}
	if c.Has("tree") {
		for _, o := range []string{"cap", "inactive", "persistent", "transient"} {
			if c.Has(o) {
				return shellError("Option --tree is incompatible with --cap, --inactive, --persistent and --transient")
			}
		}
	}
	f := drivers.Filter{Active: drivers.Yes}
	if c.Str("cap") != "" {
		for _, name := range strings.Split(c.Str("cap"), ",") {
			if !hasWord(deviceCaps, name) {
				return shellError("Invalid capability type")
			}
			f.Caps = append(f.Caps, name)
		}
	}
	if c.Has("tree") {
		for _, o := range []string{"cap", "inactive", "persistent", "transient"} {
			if c.Has(o) {
				return shellError("Option --tree is incompatible with --cap, --inactive, --persistent and --transient")
			}
		}
	}
	if c.Has("transient") && (c.Has("persistent") || c.Has("inactive")) {
		return shellError("Option --transient is incompatible with --persistent and --inactive")
	}
	switch {
	case c.Has("all"):
		f.Active = drivers.Any
	case c.Has("inactive"):
		f.Active = drivers.No
	}
	switch {
	case c.Has("persistent"):
		f.Persistent = drivers.Yes
	case c.Has("transient"):
		f.Persistent = drivers.No
	}
	f.Parents = c.Has("tree")
	_, entries, err := deviceKind.list(ctx, c, f)
	if err != nil {
		return err
	}
	if c.Has("tree") {
		c.Emit(deviceTree(entries))
		return nil
	}
	l := Listing{Plain: true, Columns: []Column{{Key: "name"}}}
	for _, e := range entries {
		l.Rows = append(l.Rows, []any{e.Name})
	}
	c.Emit(l)
	return nil
}

// deviceTree draws devices below their parents. One whose parent is not there
// is not drawn.
func deviceTree(entries []drivers.Entry) Message {
	below := map[string][]string{}
	for _, e := range entries {
		parent := ""
		if e.Parent != nil {
			parent = e.Parent.Name
		}
		if parent != e.Name {
			below[parent] = append(below[parent], e.Name)
		}
	}
	var b strings.Builder
	rows := []Data{}
	for _, root := range below[""] {
		drawTree(&b, root, "", true, true, func(name string) []string { return below[name] })
	}
	for _, e := range entries {
		parent := ""
		if e.Parent != nil {
			parent = e.Parent.Name
		}
		rows = append(rows, Data{{"name", e.Name}, {"parent", parent}})
	}
	return Message{Text: b.String(), Data: rows}
}

func nodedevInfo(ctx context.Context, c *Call) error {
	objects, ref, err := deviceKind.find(ctx, c, byName)
	if err != nil {
		return err
	}
	e, err := entryOf(ctx, objects, drivers.Ref{Name: ref.Name})
	if err != nil {
		return err
	}
	parent := ""
	if e.Parent != nil {
		parent = e.Parent.Name
	}
	autostart := "no"
	switch {
	case e.NoAutostart:
		autostart = "no autostart"
	case e.Autostart:
		autostart = "yes"
	}
	c.Emit(Fields{Width: 15, Items: []Field{{Label: "Name", Value: e.Name}, {Label: "Parent", Value: parent}, {Label: "Active", Value: e.Active},
		{Label: "Persistent", Value: e.Persistent}, {Label: "Autostart", Value: e.Autostart, Text: autostart}}})
	return nil
}

func nodedevUpdate(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	objects, ref, err := deviceKind.find(ctx, c, byName)
	if err != nil {
		return err
	}
	src, err := c.File("file")
	if err != nil {
		return err
	}
	d, err := change[drivers.DeviceUpdater](c, objects, "virNodeDeviceUpdate")
	if err == nil {
		err = d.UpdateNodeDevice(ctx, ref, src, f)
	}
	if err != nil {
		return failed(err, "Failed to update node device %s from '%s'", ref.Name, src.Name)
	}
	what := "live state"
	switch {
	case f.Has(drivers.Live | drivers.Config):
		what = "persistent config and live state"
	case f.Has(drivers.Config):
		what = "persistent config"
	case f == 0:
		if e, err := entryOf(ctx, objects, drivers.Ref{Name: ref.Name}); err == nil && !e.Active {
			what = "persistent config"
		}
	}
	c.Emit(deviceKind.done(ref, "updated", "Updated node device %s %s", ref.Name, what))
	return nil
}
