package qemu

import (
	"context"
	"reflect"
	"strconv"
	"time"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// UpdateDevice changes a device: a drive's medium, an interface's link, a
// display's password, how much of a memory device is used.
func (d *domains) UpdateDevice(ctx context.Context, r drivers.Ref, src xml.Source, f drivers.Flags) error {
	c, err := d.change(ctx, r, f)
	if err != nil {
		return err
	}
	defer c.end()
	if c.config != nil {
		if err := c.updateConfig(ctx, src); err != nil {
			return err
		}
	}
	if c.live != nil {
		v, err := readDevice(c.live, src, true)
		if err != nil {
			return err
		}
		if err := c.updateLive(ctx, v, f.Has(drivers.Force)); err != nil {
			return err
		}
	}
	return c.keep(ctx)
}

// without is the domain without a device that a new one replaces.
func without(d *xml.Domain, old *domain.Device) (*xml.Domain, error) {
	c, err := domain.Clone(d)
	if err != nil {
		return nil, err
	}
	for i, v := range domain.All(d, old.Kind) {
		if v.Value == old.Value {
			domain.Remove(c, domain.All(c, old.Kind)[i])
			break
		}
	}
	return c, nil
}

// updateConfig puts the device into the place of the one that it means.
func (c *change) updateConfig(ctx context.Context, src xml.Source) error {
	v, err := readDevice(c.config, src, true)
	if err != nil {
		return err
	}
	var old *domain.Device
	switch k := v.Value.(type) {
	case *xml.Disk:
		if k.Target == nil || k.Target.Dev == "" {
			return xml.Errorf(xml.CodePlain, "missing target information for device")
		}
		if old = diskAt(c.config, k.Target.Dev); old == nil {
			return xml.Errorf(xml.CodeInvalidArg, "target %s doesn't exist.", k.Target.Dev)
		}
		o := old.Value.(*xml.Disk)
		if k.Target.Bus == "" && k.Device == o.Device {
			k.Target.Bus = o.Target.Bus
		}
		if k.Address == nil && k.Target.Bus == o.Target.Bus {
			k.Address = o.Address
		}
	case *xml.Interface:
		if old, err = matchInterface(c.config, k); err != nil {
			return err
		}
		o := old.Value.(*xml.Interface)
		if k.MAC == nil {
			k.MAC = o.MAC
		}
		if k.Address == nil {
			k.Address = o.Address
		}
	case *xml.Graphics:
		if err := c.checked(ctx, c.config, v); err != nil {
			return err
		}
		for _, g := range domain.All(c.config, "graphics") {
			if g.Value.(*xml.Graphics).Type == k.Type {
				old = g
			}
		}
		if old == nil {
			return xml.Errorf(xml.CodeInvalidArg, "cannot find existing graphics type '%s' device to modify", k.Type)
		}
	case *xml.MemoryDevice:
		if err := c.checked(ctx, c.config, v); err != nil {
			return err
		}
		for _, m := range domain.All(c.config, "memory") { // by its place alone
			if k.Address != nil && reflect.DeepEqual(m.Address(), k.Address) {
				old = m
			}
		}
		if old == nil {
			return xml.Errorf(xml.CodeInvalidArg, "memory not found")
		}
	default:
		if err := c.checked(ctx, c.config, v); err != nil {
			return err
		}
		return xml.Errorf(xml.CodeUnsupported, "persistent update of device '%s' is not supported", kindWord(v.Kind))
	}
	rest, err := without(c.config, old)
	if err != nil {
		return err
	}
	if _, v, err = domain.Join(rest, v, c.d.traitsOf(ctx, c.config)); err != nil {
		return err
	}
	if m, ok := v.Value.(*xml.MemoryDevice); ok { // which does not change how much there is in all
		total := uint64(m.Target.Size)
		for i := range rest.Devices.Memories {
			total += uint64(rest.Devices.Memories[i].Target.Size)
		}
		if total > c.config.Memory.KiB {
			return xml.Errorf(xml.CodeXML, "Total size of memory devices exceeds the total memory size")
		}
	}
	domain.Replace(old, v)
	return nil
}

// updateLive changes the running guest's device.
func (c *change) updateLive(ctx context.Context, v *domain.Device, force bool) error {
	switch k := v.Value.(type) {
	case *xml.Disk:
		return c.updateDisk(ctx, v, force)
	case *xml.Interface:
		return c.updateInterface(ctx, k)
	case *xml.Graphics:
		if err := c.checked(ctx, c.live, v); err != nil {
			return err
		}
		return c.updateGraphics(ctx, k)
	case *xml.MemoryDevice:
		rest := c.live
		if old := c.memoryOf(c.live, v); old != nil {
			var err error
			if rest, err = without(c.live, old); err != nil {
				return err
			}
		}
		if err := c.checked(ctx, rest, v); err != nil {
			return err
		}
		return c.updateMemory(ctx, v, c.live)
	}
	if err := c.checked(ctx, c.live, v); err != nil {
		return err
	}
	return xml.Errorf(xml.CodeConfigUnsupported, "live update of device '%s' is not supported", kindWord(v.Kind))
}

// checked is what is wrong with a device by itself.
func (c *change) checked(ctx context.Context, dom *xml.Domain, v *domain.Device) error {
	if err := domain.Compatible(dom, v); err != nil {
		return err
	}
	return domain.CheckDevice(dom, v, c.d.traitsOf(ctx, dom))
}

// updateDisk exchanges the medium of a drive. force: also if the guest has
// locked it.
func (c *change) updateDisk(ctx context.Context, v *domain.Device, force bool) error {
	k := v.Value.(*xml.Disk)
	if k.Target == nil || k.Target.Dev == "" {
		return xml.Errorf(xml.CodePlain, "missing target information for device")
	}
	old := diskAt(c.live, k.Target.Dev)
	if old == nil {
		return xml.Errorf(xml.CodeInternal, "disk '%s' not found", k.Target.Dev)
	}
	o := old.Value.(*xml.Disk)
	if k.Target.Bus == "" {
		k.Target.Bus = o.Target.Bus
	}
	said := *k // what the document itself says
	k.Address, k.Alias = o.Address, nil
	rest, err := without(c.live, old)
	if err != nil {
		return err
	}
	_, v, err = domain.Join(rest, v, c.d.traitsOf(ctx, c.live))
	if err != nil {
		return err
	}
	k = v.Value.(*xml.Disk)
	said.Device = k.Device
	if err := fixedDisk(o, &said); err != nil {
		return err
	}
	switch same := sameMedium(o, k); {
	case !same && !ejectable(o):
		return xml.Errorf(xml.CodeConfigUnsupported, "disk source can be changed only in removable drives")
	case same:
		return nil
	}
	k.Boot = o.Boot
	var numbers plugRequest
	if err := c.prepareMedium(ctx, v, &numbers); err != nil {
		return err
	}
	v.SetAlias(old.Alias())
	b, err := c.build()
	if err != nil {
		return err
	}
	r, err := mediumRequest(c.live, old, v, b, force)
	if err != nil {
		return err
	}
	r.Nodes, r.Probed = numbers.Nodes, numbers.Probed
	return c.d.ask(ctx, c.ref, cmdPlug, r, nil)
}

// prepareMedium is prepareDevice for the medium of a drive. One that is empty has a
// number too, as if it had a medium.
func (c *change) prepareMedium(ctx context.Context, v *domain.Device, r *plugRequest) error {
	k := v.Value.(*xml.Disk)
	if !emptySource(k.Source) {
		return c.prepareDevice(ctx, v, r)
	}
	s, err := readStatus(c.d.layout.guest(c.ref.Name))
	if err != nil {
		return err
	}
	r.Nodes = max(s.Nodes, highestNode(c.live)) + 1
	k.Source, k.BackingStore = &xml.DiskSource{Index: itoa(r.Nodes)}, nil
	if k.Driver != nil && k.Driver.Type == "" {
		k.Driver.Type = "raw"
	}
	return nil
}

// mediumRequest has the steps that exchange a medium: the new one is opened
// before the old one is taken out.
func mediumRequest(live *xml.Domain, old, v *domain.Device, b Build, force bool) (plugRequest, error) {
	var r plugRequest
	now, err := plugged(live, v, b)
	if err != nil {
		return r, err
	}
	before, err := plugged(live, old, b)
	if err != nil {
		return r, err
	}
	node := ""
	for _, s := range now {
		if s.Execute == "device_add" {
			node = member(s.Arguments, "drive")
			continue
		}
		r.Steps = append(r.Steps, s)
	}
	id := map[string]any{"id": old.Alias()}
	r.Steps = append(r.Steps, qmp.NewStep("blockdev-open-tray", map[string]any{"id": old.Alias(), "force": force}), qmp.NewStep("blockdev-remove-medium", id))
	if node != "" {
		r.Steps = append(r.Steps, qmp.NewStep("blockdev-insert-medium", map[string]any{"id": old.Alias(), "node-name": node}))
	}
	r.Steps = append(r.Steps, qmp.NewStep("blockdev-close-tray", id))
	_, r.After = unplugged(before)
	r.Put = []liveDevice{liveForm(v)}
	return r, nil
}

// updateInterface sets the link. All else stays as it is.
func (c *change) updateInterface(ctx context.Context, k *xml.Interface) error {
	old, err := matchInterface(c.live, k)
	if err != nil {
		return err
	}
	o := old.Value.(*xml.Interface)
	model := func(i *xml.Interface) string {
		if i.Model == nil {
			return ""
		}
		return i.Model.Type
	}
	switch {
	case k.Type != o.Type:
		return xml.Errorf(xml.CodeUnsupported, "unable to change config on '%s' network type", k.Type)
	case model(k) != model(o) && k.Model != nil:
		return xml.Errorf(xml.CodeUnsupported, "cannot modify network device model from %s to %s", orNull(model(o)), orNull(model(k)))
	case k.Source != nil && o.Source != nil && k.Source.Bridge != o.Source.Bridge:
		return xml.Errorf(xml.CodeUnsupported, "cannot change the bridge of an interface that is in use")
	}
	if err := c.checked(ctx, c.live, &domain.Device{Kind: "interface", Value: k}); err != nil {
		return err
	}
	if k.MAC != nil && o.MAC != nil && k.MAC.Address != o.MAC.Address {
		return xml.Errorf(xml.CodeUnsupported, "cannot change network interface mac address from %s to %s", o.MAC.Address, k.MAC.Address)
	}
	if err := fixedInterface(c.live, o, k); err != nil {
		return err
	}
	if k.Type == "vhostuser" || k.Type == "vdpa" {
		return xml.Errorf(xml.CodeUnsupported, "unable to change config on '%s' network type", k.Type)
	}
	changed := *o
	changed.Link, changed.Bandwidth = k.Link, k.Bandwidth
	up := k.Link == nil || k.Link.State != "down"
	r := plugRequest{Put: []liveDevice{liveForm(&domain.Device{Kind: "interface", Value: &changed})}}
	if was := o.Link == nil || o.Link.State != "down"; was != up {
		r.Steps = []Step{qmp.NewStep("set_link", map[string]any{"name": aliasOf(o.Alias), "up": up})}
	}
	return c.d.ask(ctx, c.ref, cmdPlug, r, nil)
}

func orNull(s string) string {
	if s == "" {
		return "(null)"
	}
	return s
}

// updateGraphics sets a display's password.
func (c *change) updateGraphics(ctx context.Context, k *xml.Graphics) error {
	for i := range c.live.Devices.Graphics {
		o := &c.live.Devices.Graphics[i]
		if o.Type != k.Type {
			continue
		}
		if k.Autoport != "" && o.Autoport != "" && k.Autoport != o.Autoport || k.Autoport != "yes" && k.Port != nil && o.Port != nil && *k.Port != *o.Port {
			return xml.Errorf(xml.CodeUnsupported, "cannot change port settings on %s graphics", k.Type)
		}
		if k.Listen != "" && k.Listen != o.Listen {
			return xml.Errorf(xml.CodeUnsupported, "cannot change listen address setting on '%s' graphics", k.Type)
		}
		if err := fixedGraphics(o, k); err != nil {
			return err
		}
		if o.Type != "vnc" && o.Type != "spice" {
			return xml.Errorf(xml.CodeInternal, "unable to change config on '%s' graphics type", o.Type)
		}
		if k.Passwd != o.Passwd || k.PasswdValidTo != o.PasswdValidTo || k.Connected != o.Connected {
			for _, s := range passwordSteps(k) {
				if err := c.d.ask(ctx, c.ref, s.Execute, s.Arguments, nil); err != nil {
					return err
				}
			}
		}
		return editLive(c.d.layout.guest(c.ref.Name), func(dom *xml.Domain) error {
			g := &dom.Devices.Graphics[i]
			g.Passwd, g.PasswdValidTo, g.Connected = k.Passwd, k.PasswdValidTo, k.Connected
			return nil
		})
	}
	return noDevice("cannot find existing graphics device to modify of type '%s'", k.Type)
}

// passwordSteps give a display its password, and the time until which it counts.
func passwordSteps(g *xml.Graphics) []Step {
	set := map[string]any{"protocol": g.Type, "password": xml.Plain(g.Passwd)}
	if g.Connected != "" {
		set["connected"] = g.Connected
	}
	until := "never"
	if at, err := time.Parse("2006-01-02T15:04:05", string(g.PasswdValidTo)); err == nil {
		until = strconv.FormatInt(at.Unix(), 10)
	}
	return []Step{qmp.NewStep("set_password", set), qmp.NewStep("expire_password", map[string]any{"protocol": g.Type, "time": until})}
}

// updateMemory sets how much of a virtio-mem device the guest is to use, in
// the running guest or in the definition.
func (c *change) updateMemory(ctx context.Context, v *domain.Device, dom *xml.Domain) error {
	k := v.Value.(*xml.MemoryDevice)
	old := c.memoryOf(dom, v)
	if old == nil {
		return xml.Errorf(xml.CodeConfigUnsupported, "memory '%s' not found", orNull(v.Alias()))
	}
	o := old.Value.(*xml.MemoryDevice)
	if was, now := memoryBase(o), memoryBase(k); dom == c.live && was != now {
		return xml.Errorf(xml.CodeConfigUnsupported, "cannot modify memory address from '0x%x' to '0x%x'", was, now)
	}
	if o.Model != "virtio-mem" || k.Target == nil || k.Target.Requested == nil {
		return xml.Errorf(xml.CodeConfigUnsupported, "only the requested size of a virtio-mem device can be changed")
	}
	if uint64(*k.Target.Requested) > uint64(o.Target.Size) {
		return xml.Errorf(xml.CodeXML, "requested size must be smaller than or equal to @size")
	}
	changed, target := *o, *o.Target
	target.Requested, changed.Target = k.Target.Requested, &target
	if dom == c.config {
		domain.Replace(old, &domain.Device{Kind: "memory", Value: &changed})
		return nil
	}
	r := plugRequest{Put: []liveDevice{liveForm(&domain.Device{Kind: "memory", Value: &changed})},
		Steps: []Step{qmp.NewStep("qom-set", map[string]any{"path": "/machine/peripheral/" + old.Alias(), "property": "requested-size",
			"value": uint64(*target.Requested) * 1024})}}
	return c.d.ask(ctx, c.ref, cmdPlug, r, nil)
}

// memoryBase is where a device of virtio begins in the guest's memory, 0 if that is
// not said.
func memoryBase(m *xml.MemoryDevice) uint64 {
	if m.Target == nil || m.Target.Address == nil {
		return 0
	}
	return m.Target.Address.Base
}

// memoryOf finds the memory device of a place, or with an alias besides.
func (c *change) memoryOf(dom *xml.Domain, v *domain.Device) *domain.Device {
	for _, m := range domain.All(dom, "memory") {
		if a := v.Address(); a == nil || m.Address() == nil || !reflect.DeepEqual(a, m.Address()) {
			continue
		}
		if a := v.Alias(); a == "" || a == m.Alias() {
			return m
		}
	}
	return nil
}
