package qemu

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

var (
	_ drivers.Attacher      = (*domains)(nil)
	_ drivers.Detacher      = (*domains)(nil)
	_ drivers.AliasDetacher = (*domains)(nil)
	_ drivers.Updater       = (*domains)(nil)
)

// change is a change of a domain under way: its object is locked, and what is
// to be changed is read.
type change struct {
	d      *domains
	ref    drivers.Ref
	lock   *drivers.Lock
	live   *xml.Domain // nil: the running domain is not meant
	config *xml.Domain // nil: the definition is not meant
	quiet  bool        // it is no event
}

// change begins a change of what flags mean; end it with end.
func (d *domains) change(ctx context.Context, r drivers.Ref, f drivers.Flags) (*change, error) {
	lock, err := d.lockObject(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	c := &change{d: d, ref: r, lock: lock}
	if err := c.read(ctx, f); err != nil {
		lock.Unlock()
		return nil, err
	}
	return c, nil
}

// running is f for the calls that are older than flags: by themselves they are for
// a domain that runs.
func running(f drivers.Flags) drivers.Flags {
	if f&(drivers.Live|drivers.Config|drivers.Current) == 0 {
		f |= drivers.Live
	}
	return f
}

func (c *change) read(ctx context.Context, f drivers.Flags) error {
	_, running := c.d.mend(ctx, c.ref.Name, c.lock)
	if f&(drivers.Live|drivers.Config) == 0 {
		f |= drivers.Config
		if running {
			f = f&^drivers.Config | drivers.Live
		}
	}
	var err error
	if f.Has(drivers.Live) {
		if !running {
			return notRunning()
		}
		if c.live, err = readLive(c.d.layout.guest(c.ref.Name)); err != nil {
			return err
		}
	}
	if f.Has(drivers.Config) {
		if running && !c.d.store.Has(c.ref.Name) {
			return xml.Errorf(xml.CodeOperationInvalid, "transient domains do not have any persistent config")
		}
		c.config, _, err = c.d.definition(c.ref)
	}
	return err
}

func (c *change) end() { c.lock.Unlock() }

// keep writes the changed definition.
func (c *change) keep(ctx context.Context) error {
	if c.config == nil {
		return nil
	}
	data, err := storedForm(c.config)
	if err != nil {
		return err
	}
	names, err := c.d.store.LockNames(ctx)
	if err != nil {
		return err
	}
	defer names.Unlock()
	if err := c.d.store.Write(c.config.Name, c.config.UUID, data); err != nil {
		return err
	}
	if !c.quiet {
		c.d.tell(c.ref, "Defined", "Updated")
	}
	return nil
}

// traitsOf are what its emulator says of a domain.
func (d *domains) traitsOf(ctx context.Context, dom *xml.Domain) *domain.Traits {
	devices := xml.Element("devices", xml.TextElement("emulator", dom.Devices.Emulator))
	if len(dom.Devices.TPMs) > 0 {
		devices.Add(xml.Element("tpm"))
	}
	return d.traits(ctx, xml.Element("domain", xml.Element("os", xml.Element("type").With("arch", dom.OS.Type.Arch)), devices).With("type", dom.Type))
}

// Attach gives a domain a device.
func (d *domains) Attach(ctx context.Context, r drivers.Ref, src xml.Source, f drivers.Flags) error {
	c, err := d.change(ctx, r, running(f))
	if err != nil {
		return err
	}
	defer c.end()
	if c.config != nil {
		if c.config, err = c.attachConfig(ctx, src); err != nil {
			return err
		}
	}
	if c.live != nil {
		if err := c.attachLive(ctx, src); err != nil {
			return err
		}
	}
	return c.keep(ctx)
}

// attachConfig is the definition with the device.
func (c *change) attachConfig(ctx context.Context, src xml.Source) (*xml.Domain, error) {
	v, err := readDevice(c.config, src, true)
	if err != nil {
		return nil, err
	}
	if err := domain.Compatible(c.config, v); err != nil {
		return nil, err
	}
	t := c.d.traitsOf(ctx, c.config)
	refused := duplicate(c.config, v)
	if refused == nil && plugKindOf(v.Kind).attach&drivers.Config == 0 {
		refused = xml.Errorf(xml.CodeUnsupported, "persistent attach of device '%s' is not supported", v.Kind)
	}
	if refused != nil {
		if err := domain.CheckDevice(c.config, v, t); err != nil {
			return nil, err
		}
		return nil, refused
	}
	size, used := deviceSize(v.Value), c.config.CurrentMem
	whole, _, err := domain.Join(c.config, v, t)
	if err == nil && size > 0 {
		whole.CurrentMem = used
		useMore(whole, size)
	}
	return whole, err
}

// attachLive plugs the device into the running guest.
func (c *change) attachLive(ctx context.Context, src xml.Source) error {
	v, err := readDevice(c.live, src, true)
	if err != nil {
		return err
	}
	if err := domain.Compatible(c.live, v); err != nil {
		return err
	}
	if k, ok := v.Value.(*xml.Disk); ok && k.Target != nil && (k.Device == "cdrom" || k.Device == "floppy") {
		if old := diskAt(c.live, k.Target.Dev); old != nil {
			return c.updateDisk(ctx, v, false) // a drive gets a medium
		}
	}
	if k, ok := v.Value.(*xml.Controller); ok && !slices.Contains(pluggedControllers, k.Type) {
		if err := domain.CheckDevice(c.live, v, c.d.traitsOf(ctx, c.live)); err != nil {
			return err
		}
		return xml.Errorf(xml.CodeUnsupported, "'%s' controller cannot be hot plugged.", k.Type)
	}
	if k, ok := v.Value.(*xml.Interface); ok && !slices.Contains(pluggedInterfaces, k.Type) {
		return xml.Errorf(xml.CodeUnsupported, "hotplug of interface type of %s is not implemented yet", k.Type)
	}
	if k, ok := v.Value.(*xml.Controller); ok && k.Index != nil {
		for _, old := range c.live.Devices.Controllers {
			if old.Type == k.Type && number(old.Index) == *k.Index {
				return xml.Errorf(xml.CodeOperationFailed, "target %s:%d already exists", k.Type, *k.Index)
			}
		}
	}
	if k, ok := v.Value.(*xml.Disk); ok && k.Target != nil && diskAt(c.live, k.Target.Dev) == nil {
		// What cannot be plugged in is told before what a definition would lack for it.
		bus := *k.Target
		bus.Bus = domain.Bus(c.live, k)
		if err := hotplug(&domain.Device{Kind: "disk", Value: &xml.Disk{Device: k.Device, Target: &bus}}); err != nil {
			return err
		}
	}
	t := c.d.traitsOf(ctx, c.live)
	refused := c.duplicateLive(v)
	if refused == nil && plugKindOf(v.Kind).attach&drivers.Live == 0 {
		refused = notPluggable("attach", v.Kind)
	}
	if _, ok := v.Value.(*xml.Watchdog); ok && refused == nil {
		refused = hotplug(v)
	}
	placed := v.Address() != nil
	if refused != nil {
		err := domain.CheckDevice(c.live, v, t)
		if err == nil && placed && v.Kind == "channel" { // a place that is taken is told first
			_, _, err = domain.Join(c.live, v, t)
		}
		if err != nil {
			return err
		}
		return refused
	}
	port := consolePort(v)
	whole, v, err := domain.Join(c.live, v, t)
	if err != nil {
		return err
	}
	if err := hotplug(v); err != nil {
		return err
	}
	if v.Kind == "console" && !placed { // QEMU finds a port
		v.DropAddress()
	}
	if port != nil { // which no other one's moves
		v.Value.(*xml.Chardev).Target.Port = port
	}
	added, err := newControllers(c.live, whole, v)
	if err != nil {
		return err
	}
	return c.plug(ctx, append(added, v))
}

// pluggedControllers are the controllers that a running guest can be given.
var pluggedControllers = []string{"scsi", "virtio-serial"}

// hotplug refuses devices that a running guest cannot be given.
func hotplug(v *domain.Device) error {
	if plugKindOf(v.Kind).attach&drivers.Live == 0 {
		return notPluggable("attach", v.Kind)
	}
	no := func(format string, args ...any) error { return xml.Errorf(xml.CodeUnsupported, format, args...) }
	switch k := v.Value.(type) {
	case *xml.Disk:
		switch bus := k.Target.Bus; {
		case k.Device == "floppy":
			return no("floppy device hotplug isn't supported")
		case k.Device == "cdrom" && bus == "virtio":
			return no("cdrom device with virtio bus isn't supported")
		case bus != "virtio" && bus != "scsi" && bus != "usb":
			return no("disk bus '%s' cannot be hotplugged.", bus)
		}
	case *xml.Controller:
		if !slices.Contains(pluggedControllers, k.Type) {
			return no("'%s' controller cannot be hot plugged.", k.Type)
		}
	case *xml.Interface:
		if usesPasst(k) {
			return noPasst()
		}
		if k.Type == "vdpa" {
			return no("hotplug of interfaces of type 'vdpa' is not supported; attach it with --config")
		}
	case *xml.Filesystem:
		if k.Driver == nil || k.Driver.Type != "virtiofs" {
			return no("only virtiofs filesystems can be hotplugged")
		}
	case *xml.Chardev:
		if k.Target != nil && v.Kind == "console" && k.Target.Type != "virtio" {
			return notPluggable("attach", v.Kind)
		}
	case *xml.Input:
		if k.Bus != "usb" && k.Bus != "virtio" && k.Type != "evdev" {
			return no("input device on bus '%s' cannot be hot plugged.", k.Bus)
		}
	case *xml.Watchdog:
		if k.Model != "i6300esb" {
			return no("hotplug of watchdog model '%s' is not supported", k.Model)
		}
	}
	return nil
}

// newControllers are those that a device needs and the running guest lacks.
func newControllers(live, whole *xml.Domain, v *domain.Device) ([]*domain.Device, error) {
	var out []*domain.Device
	for _, c := range domain.All(whole, "controller") {
		k := c.Value.(*xml.Controller)
		known := slices.ContainsFunc(live.Devices.Controllers, func(o xml.Controller) bool { return o.Type == k.Type && number(o.Index) == number(k.Index) })
		switch {
		case known || c.Value == v.Value:
		case k.Type == "pci":
			return nil, xml.Errorf(xml.CodeInternal, "No more available PCI slots")
		default:
			if err := hotplug(c); err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// plug has the watcher plug devices in, and puts them into c.live.
func (c *change) plug(ctx context.Context, list []*domain.Device) error {
	b, err := c.build()
	if err != nil {
		return err
	}
	var r plugRequest
	var undo drivers.Undo
	defer undo.Run()
	for _, v := range list {
		if k, ok := v.Value.(*xml.Disk); ok {
			tellCache(k)
			if err := c.helpReservations(ctx, k, b, &r); err != nil {
				return err
			}
		}
		if err := c.prepareDevice(ctx, v, &r); err != nil {
			return err
		}
		domain.Insert(c.live, v)
		v = last(c.live, v)
		if v.Kind == "lease" {
			r.Put = append(r.Put, liveForm(v))
			continue
		}
		domain.Name(c.live, v)
		if v.Kind == "memory" {
			if err := c.memoryPlaces(b); err != nil {
				return err
			}
		}
		n, card := v.Value.(*xml.Interface)
		if card {
			dir := c.d.layout.guest(c.ref.Name)
			undo.Add(func() { release(dir, n) })
			if err := c.d.connectOne(ctx, c.live, n, dir); err != nil {
				return err
			}
		}
		steps, err := c.stepsOf(v, b, &r)
		if err != nil {
			return err
		}
		r.Steps = append(r.Steps, steps...)
		if f, ok := v.Value.(*xml.Filesystem); ok && servedFS(f) {
			r.Companions = append(r.Companions, virtiofsd(f, fsSocket(b.Layout.libDir(b.ID, c.ref.Name), f)))
		}
		r.Put = append(r.Put, liveForm(v))
	}
	if err := c.d.ask(ctx, c.ref, cmdPlug, r, nil); err != nil {
		return err
	}
	undo.Done()
	for _, l := range r.Put {
		if v, err := domain.ReadDevice(xml.Source{Name: "device", Data: []byte(l.XML)}); err == nil {
			name := v.Alias()
			if v.Kind == "memory" { // told by what the memory is in
				name = "mem" + name
			}
			c.d.happened(c.ref, "device-added", name)
		}
	}
	for _, v := range list {
		if k, ok := v.Value.(*xml.Disk); ok && k.IOTune != nil {
			at := diskAt(c.live, k.Target.Dev)
			if at == nil {
				continue
			}
			k = at.Value.(*xml.Disk)
			if err := c.d.asked(ctx, c.ref, func(q *qmp.Conn) error { return throttle(ctx, q, k) }); err != nil {
				return err
			}
		}
		if v.Kind == "memory" {
			return c.placeMemory(ctx)
		}
	}
	return nil
}

// last finds a device that was inserted: it has its own address or alias, or
// is the last one.
func last(d *xml.Domain, v *domain.Device) *domain.Device {
	all := domain.All(d, v.Kind)
	if k, ok := v.Value.(*xml.Disk); ok {
		return diskAt(d, k.Target.Dev)
	}
	if k, ok := v.Value.(*xml.Controller); ok {
		for _, c := range all {
			if o := c.Value.(*xml.Controller); o.Type == k.Type && number(o.Index) == number(k.Index) {
				return c
			}
		}
	}
	return all[len(all)-1]
}

// liveForm is a device as a request carries it.
func liveForm(v *domain.Device) liveDevice {
	d := &xml.Domain{}
	domain.Add(d, v)
	data, err := xml.Marshal(d)
	if err != nil {
		return liveDevice{Kind: v.Kind}
	}
	root, err := xml.Parse(xml.Source{Data: data})
	if err != nil || root.Child("devices") == nil || root.Child("devices").Child(v.Kind) == nil {
		return liveDevice{Kind: v.Kind}
	}
	return liveDevice{Kind: v.Kind, XML: root.Child("devices").Child(v.Kind).String()}
}

// build is what a running guest's devices are made with.
func (c *change) build() (Build, error) {
	s, err := readStatus(c.d.layout.guest(c.ref.Name))
	if err != nil {
		return Build{}, err
	}
	key, err := os.ReadFile(filepath.Join(s.LibDir, keyFile))
	if err != nil {
		return Build{}, xml.Errorf(xml.CodeSystem, "cannot read the guest's key: %s", drivers.SystemText(unwrapPath(err)))
	}
	return Build{Emulator: &Emulator{}, Layout: c.d.layout, ID: s.ID, MasterKey: key, Reveal: c.d.reveal(), Volume: c.d.volume, HugePages: hugePages, RenderNode: renderNode}, nil
}

// prepareDevice completes what only a running guest's device has, and looks
// for its files. r gets the numbers that its images take.
func (c *change) prepareDevice(ctx context.Context, v *domain.Device, r *plugRequest) error {
	switch k := v.Value.(type) {
	case *xml.Disk:
		return c.prepareDisk(ctx, k, r)
	case *xml.Input:
		return inputThere(k)
	case *xml.Vsock:
		f, err := openVsock()
		if err != nil {
			return err
		}
		f.Close()
		vsockAddress(k, *c.live.ID)
	case *xml.Interface:
		if err := scriptFits(k); err != nil {
			return err
		}
		return hostCard(k, c.d.layout.guest(c.ref.Name))
	case *xml.Hostdev:
		return hostDevice(k, c.d.layout.guest(c.ref.Name), c.hostDevicesUsed())
	case *xml.Chardev:
		plainTCP(&k.CharSource)
		if k.Type == "unix" && k.Path == "" && k.Target != nil {
			a := args{Build: Build{Layout: c.d.layout, ID: *c.live.ID}, d: c.live}
			k.Mode, k.Path = "bind", a.channelPath(k)
			if err := drivers.MakeDir(filepath.Dir(k.Path)); err != nil {
				return err
			}
		}
	}
	return nil
}

// memoryPlaces makes the folders in which the memory of the guest's memory devices
// lies in files.
func (c *change) memoryPlaces(b Build) error {
	a := &args{Build: b, d: c.live, made: make(map[string]bool)}
	a.memoryDevices()
	owner, err := c.d.layout.userOf(c.live)
	if err != nil {
		return err
	}
	c.d.layout.openAbove(a.folders)
	for _, dir := range a.folders {
		if err := drivers.MakeDir(dir); err != nil {
			return err
		}
		if owner == nil {
			continue
		}
		letIn(dir)
		if err := os.Chown(dir, int(owner.UID), int(owner.GID)); err != nil {
			return drivers.SystemError("unable to set user and group of", dir, err)
		}
	}
	return nil
}

// hostDevicesUsed are the USB devices that the running guest has.
func (c *change) hostDevicesUsed() map[string]bool {
	used := map[string]bool{}
	for i := range c.live.Devices.Hostdevs {
		if s := c.live.Devices.Hostdevs[i].Source; s != nil && s.Address != nil && s.Address.Device != nil {
			used[usbWhere(s.Address)] = true
		}
	}
	return used
}

// prepareDisk looks for a disk's images, and numbers them.
func (c *change) prepareDisk(ctx context.Context, k *xml.Disk, r *plugRequest) error {
	if emptySource(k.Source) {
		if k.Driver != nil {
			k.Driver.Type = ""
		}
		return nil
	}
	owner, err := c.d.layout.userOf(c.live)
	if err != nil {
		return err
	}
	p := prober{found: make(map[*xml.DiskSource]bool), owner: owner, volume: c.d.volume}
	if err := p.disk(k, isOverlay(c.live.Name, k)); err != nil {
		return err
	}
	if err := c.ownFile(ctx, k); err != nil {
		return err
	}
	if err := giveImages(c.live, k, c.d.layout.guest(c.ref.Name)); err != nil {
		return err
	}
	if r.Nodes == 0 {
		s, err := readStatus(c.d.layout.guest(c.ref.Name))
		if err != nil {
			return err
		}
		r.Nodes = max(s.Nodes, highestNode(c.live))
	}
	if k.Driver != nil && k.Driver.Type == "" {
		k.Driver.Type = "raw"
	}
	r.Nodes = numberImages(c.live.Name, k, r.Nodes)
	for s := range p.found {
		n, _ := strconv.Atoi(indexOf(k, s))
		r.Probed = append(r.Probed, n)
	}
	return nil
}

// ownFile makes the file that a transient disk's data go to. If the disk cannot
// be plugged in it goes with the guest, as it does when the disk is unplugged.
func (c *change) ownFile(ctx context.Context, k *xml.Disk) error {
	if overlay(c.live.Name, k); !isOverlay(c.live.Name, k) {
		return nil
	}
	owner, err := c.d.layout.userOf(c.live)
	if err != nil {
		return err
	}
	return makeOverlay(ctx, c.d.layout.guest(c.ref.Name), overlayFile(k), owner, c.lock)
}

// tapSteps has an interface's steps use the descriptors that are passed.
func (c *change) tapSteps(n *xml.Interface, list []Step, r *plugRequest) ([]Step, error) {
	return tapNumbers(taps(&xml.Domain{Type: c.live.Type, Devices: xml.Devices{Interfaces: []xml.Interface{*n}}}, hasVHost()), list, r)
}

// tapNumbers is that for a device of the host.
func tapNumbers(found []Tap, list []Step, r *plugRequest) ([]Step, error) {
	if len(found) == 0 {
		return list, nil
	}
	r.Tap = &found[0]
	for i := range list {
		if list[i].Execute != "netdev_add" && found[0].Kind != vsockTap {
			continue
		}
		var args map[string]any
		if err := json.Unmarshal(list[i].Arguments, &args); err != nil {
			return nil, err
		}
		for _, key := range []string{"fd", "fds", "vhostfd", "vhostfds"} {
			if numbers, ok := args[key].(string); ok {
				var names []string
				for _, n := range strings.Split(numbers, ":") {
					names = append(names, tapName+n)
				}
				args[key] = strings.Join(names, ":")
			}
		}
		data, err := json.Marshal(args)
		if err != nil {
			return nil, err
		}
		list[i].Arguments = data
	}
	return list, nil
}

// placeMemory notes where QEMU has put the memory devices.
func (c *change) placeMemory(ctx context.Context) error {
	var list []memoryPlace
	if err := c.d.ask(ctx, c.ref, "query-memory-devices", nil, &list); err != nil {
		return err
	}
	return editLive(c.d.layout.guest(c.ref.Name), func(dom *xml.Domain) error {
		for i := range dom.Devices.Memories {
			for _, p := range list {
				p.note(&dom.Devices.Memories[i])
			}
		}
		return nil
	})
}

// detachWait is how long a command waits for the guest to let go of a device.
const detachWait = 5 * time.Second

// Detach takes the device away that a document means.
func (d *domains) Detach(ctx context.Context, r drivers.Ref, src xml.Source, f drivers.Flags) error {
	return d.detach(ctx, r, running(f), func(dom *xml.Domain, live bool) (*domain.Device, error) {
		v, err := readDevice(dom, src, false)
		if err != nil {
			return nil, err
		}
		if err := detachable(v, live); err != nil {
			return nil, err
		}
		return match(dom, v, live)
	}, detachWait)
}

// DetachAlias takes the device of an alias away. Whether the guest lets go of
// it is not waited for.
func (d *domains) DetachAlias(ctx context.Context, r drivers.Ref, alias string, f drivers.Flags) error {
	return d.detach(ctx, r, f, func(dom *xml.Domain, live bool) (*domain.Device, error) {
		found := domain.ByAlias(dom, alias)
		if len(found) == 0 {
			return nil, xml.Errorf(xml.CodeInternal, "no device found with alias %s", alias)
		}
		return found[0], detachable(found[0], live)
	}, detachWait)
}

// detachable refuses kinds of devices that stay.
func detachable(v *domain.Device, live bool) error {
	if k, ok := v.Value.(*xml.Controller); ok && live && k.Type != "scsi" {
		return xml.Errorf(xml.CodeUnsupported, "'%s' controller cannot be hot unplugged.", k.Type)
	}
	switch can := plugKindOf(v.Kind).detach; {
	case live && can&drivers.Live == 0:
		return notPluggable("detach", v.Kind)
	case live || can&drivers.Config != 0:
		return nil
	}
	return xml.Errorf(xml.CodeUnsupported, "persistent detach of device '%s' is not supported", kindWord(v.Kind))
}

func (d *domains) detach(ctx context.Context, r drivers.Ref, f drivers.Flags, find func(*xml.Domain, bool) (*domain.Device, error), wait time.Duration) error {
	c, err := d.change(ctx, r, f)
	if err != nil {
		return err
	}
	defer c.end()
	if c.config != nil {
		v, err := find(c.config, false)
		if err != nil {
			return err
		}
		size := deviceSize(v.Value)
		domain.Remove(c.config, v)
		useLess(c.config, size)
		// What belongs to the machine comes back.
		if err := domain.Complete(c.config, d.traitsOf(ctx, c.config)); err != nil {
			return err
		}
	}
	if c.live != nil {
		v, err := find(c.live, true)
		if err == nil {
			err = c.mayGo(v)
		}
		if err == nil {
			err = c.unplug(ctx, v, wait)
		}
		if err != nil {
			return err
		}
	}
	return c.keep(ctx)
}

// mayGo refuses what a running guest cannot lose.
func (c *change) mayGo(v *domain.Device) error {
	switch k := v.Value.(type) {
	case *xml.Disk:
		if k.Device != "disk" && k.Device != "lun" && k.Target.Bus != "usb" && k.Target.Bus != "scsi" {
			return xml.Errorf(xml.CodeUnsupported, "disk device type '%s' cannot be detached", k.Device)
		}
		if bus := k.Target.Bus; bus != "virtio" && bus != "scsi" && bus != "usb" {
			return xml.Errorf(xml.CodeUnsupported, "This type of disk cannot be hot unplugged")
		}
	case *xml.Controller:
		if busy(c.live, k) {
			return xml.Errorf(xml.CodeOperationFailed, "device cannot be detached: device is busy")
		}
	case *xml.Input:
		if k.Bus != "usb" && k.Bus != "virtio" {
			return xml.Errorf(xml.CodeUnsupported, "input device on bus '%s' cannot be detached", k.Bus)
		}
	case *xml.Watchdog:
		if k.Model != "i6300esb" {
			return xml.Errorf(xml.CodeUnsupported, "hot unplug of watchdog of model %s is not supported", k.Model)
		}
	}
	return nil
}

// busy tells whether a device sits on a controller.
func busy(d *xml.Domain, k *xml.Controller) bool {
	for _, v := range d.Devices.Disks {
		if k.Type == "scsi" && v.Target != nil && v.Target.Bus == "scsi" && v.Address != nil && v.Address.Controller == number(k.Index) {
			return true
		}
	}
	for _, list := range [][]xml.Chardev{d.Devices.Channels, d.Devices.Consoles} {
		for _, v := range list {
			if k.Type == "virtio-serial" && v.Address != nil && v.Address.Type == "virtio-serial" && v.Address.Controller == number(k.Index) {
				return true
			}
		}
	}
	return false
}

// unplug asks the guest to let go of a device. A guest that takes its time may:
// the watcher goes on when it has.
func (c *change) unplug(ctx context.Context, v *domain.Device, wait time.Duration) error {
	if v.Kind == "lease" {
		return editLive(c.d.layout.guest(c.ref.Name), func(dom *xml.Domain) error {
			old, err := match(dom, v, true)
			if err == nil {
				domain.Remove(dom, old)
			}
			return err
		})
	}
	return c.d.ask(ctx, c.ref, cmdUnplug, unplugRequest{Alias: v.Alias(), Wait: wait}, nil)
}
