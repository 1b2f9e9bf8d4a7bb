package argv

import (
	"strconv"
	"strings"

	"virgo/xml"
)

// input is a mouse, tablet or keyboard.
func (r *reader) input(d *device) func() {
	kinds := map[string]string{"usb-kbd": "keyboard", "usb-mouse": "mouse", "usb-tablet": "tablet", "virtio-keyboard": "keyboard", "virtio-mouse": "mouse",
		"virtio-tablet": "tablet", "virtio-input-host": "passthrough"}
	i := xml.Input{Type: kinds[d.base], Bus: "usb"}
	if strings.HasPrefix(d.base, "virtio-") {
		i.Bus, i.Model, i.Driver, i.Address = "virtio", d.variant(), d.virtioDriver(), d.address()
	} else {
		i.Address = r.usbAddress(d)
	}
	if i.Type == "passthrough" {
		i.Source = &xml.InputSource{EvDev: d.take("evdev")}
	}
	return func() { r.d.Devices.Inputs = append(r.d.Devices.Inputs, i) }
}

// hostPCI is a device of the host.
func (r *reader) hostPCI(d *device) func() {
	h := xml.Hostdev{Mode: "subsystem", Type: "pci", Managed: "yes", Source: &xml.HostdevSource{}}
	mdev, isMdev := strings.CutPrefix(d.peek("sysfsdev"), "/sys/bus/mdev/devices/")
	switch {
	case isMdev:
		d.take("sysfsdev")
		h.Type, h.Model, h.Managed = "mdev", "vfio-pci", ""
		h.Source.Address = &xml.HostAddress{UUID: mdev}
		h.Display, h.RAMFB = d.onOff("display"), d.onOff("ramfb")
	case d.has("host") || strings.HasPrefix(d.peek("sysfsdev"), "/sys/bus/pci/devices/"):
		a := hostAddress(strings.TrimPrefix(d.take("host", "sysfsdev"), "/sys/bus/pci/devices/"))
		if a == nil {
			return nil
		}
		h.Source.Address = &xml.HostAddress{Domain: &a.Domain, Bus: hex(a.Bus, 2), Slot: &a.Slot, Function: &a.Function}
		h.Driver = &xml.HostdevDriver{Name: "vfio"}
	default:
		return nil
	}
	h.ROM = r.rom(d)
	h.Address, h.ACPI = d.address(), d.acpiIndex()
	return r.hostdev(d, h)
}

// hostChannel is a mediated device of an s390 host: one on a channel, or adapters
// for cryptography, which sit nowhere.
func (r *reader) hostChannel(d *device) func() {
	mdev, ok := strings.CutPrefix(d.peek("sysfsdev"), "/sys/bus/mdev/devices/")
	if !ok {
		return nil
	}
	d.take("sysfsdev")
	h := xml.Hostdev{Mode: "subsystem", Type: "mdev", Model: d.base, Source: &xml.HostdevSource{Address: &xml.HostAddress{UUID: mdev}}}
	h.Address = d.address()
	return r.hostdev(d, h)
}

func hex(n uint, digits int) string {
	const figures = "0123456789abcdef"
	s := ""
	for ; n > 0 || digits > 0; digits-- {
		s = string(figures[n&15]) + s
		n >>= 4
	}
	return "0x" + s
}

func (r *reader) hostdev(d *device, h xml.Hostdev) func() {
	boot := r.bootOf(d, "host")
	return func() {
		list := &r.d.Devices.Hostdevs
		at := len(*list)
		*list = append(*list, h)
		boot.set = func(n uint) { (*list)[at].Boot = &xml.BootOrder{Order: n} }
		r.boots = append(r.boots, boot)
	}
}

// hostUSB is a device on the host's USB.
func (r *reader) hostUSB(d *device) func() {
	h := xml.Hostdev{Mode: "subsystem", Type: "usb", Managed: "yes", Source: &xml.HostdevSource{}, Address: r.usbAddress(d)}
	if v := d.uintPtr("vendorid"); v != nil {
		h.Source.Vendor = &xml.HexID{ID: v}
	}
	if v := d.uintPtr("productid"); v != nil {
		h.Source.Product = &xml.HexID{ID: v}
	}
	bus, device := d.take("hostbus"), d.uintPtr("hostaddr")
	if b, n, ok := strings.Cut(strings.TrimPrefix(d.peek("hostdevice"), "/dev/bus/usb/"), "/"); ok {
		if v, err := strconv.ParseUint(n, 10, 16); err == nil {
			u := uint(v)
			bus, device = strings.TrimLeft(b, "0"), &u
			d.take("hostdevice")
		}
	}
	switch {
	case bus != "" && device != nil:
		h.Source.Address = &xml.HostAddress{Bus: bus, Device: device}
	case bus != "" && d.has("hostport"):
		h.Source.Address = &xml.HostAddress{Bus: bus, Port: d.take("hostport")}
	case bus != "":
		return nil
	}
	reset, all := d.onOff("guest-reset"), d.onOff("guest-resets-all")
	switch {
	case reset == "off":
		h.Source.GuestReset = "off"
	case reset == "on" && all == "off":
		h.Source.GuestReset = "uninitialized"
	case reset == "on":
		h.Source.GuestReset = "on"
	}
	if h.Source.Address == nil && (h.Source.Vendor == nil || h.Source.Product == nil) {
		return nil
	}
	return r.hostdev(d, h)
}

func (r *reader) rng(d *device) func() {
	x := xml.RNG{Model: d.virtioModel(), Driver: d.virtioDriver(), Address: d.address(), Backend: &xml.RNGBackend{Model: "random", Path: "/dev/urandom"}}
	if id := d.take("rng"); id != "" {
		o := r.ref(d, r.objects, id)
		if o == nil {
			return nil
		}
		o.take("id")
		switch o.take("qom-type") {
		case "rng-random":
			if f := o.take("filename"); f != "" {
				x.Backend.Path = f
			}
		case "rng-builtin":
			*x.Backend = xml.RNGBackend{Model: "builtin"}
		case "rng-egd":
			s, ok := r.source(d, o.take("chardev"))
			if !ok {
				return nil
			}
			*x.Backend = xml.RNGBackend{Model: "egd", Chardev: s}
		default:
			return nil
		}
	} else {
		x.Backend = &xml.RNGBackend{Model: "builtin"}
	}
	if n, ok := d.number("max-bytes"); ok && n < 1<<32 {
		x.Rate = &xml.RNGRate{Bytes: uint(n), Period: 1 << 16}
		if p := d.uint("period"); p > 0 {
			x.Rate.Period = p
		}
	}
	return func() { r.d.Devices.RNGs = append(r.d.Devices.RNGs, x) }
}

func (r *reader) tpm(d *device) func() {
	p := r.ref(d, r.tpmdevs, d.take("tpmdev"))
	if p == nil {
		return nil
	}
	p.take("id")
	t := xml.TPM{Model: d.base, Backend: &xml.TPMBackend{}}
	if strings.HasPrefix(t.Model, "tpm-tis") {
		t.Model = "tpm-tis"
	}
	switch p.take("type") {
	case "passthrough":
		t.Backend.Type, t.Backend.Device = "passthrough", &xml.TPMDevice{Path: "/dev/tpm0"}
		if path := p.take("path"); path != "" {
			t.Backend.Device.Path = path
		}
	case "emulator":
		s, ok := r.source(d, p.take("chardev"))
		if !ok || s.Type != "unix" {
			return nil
		}
		t.Backend.Type, t.Backend.Source = "external", &xml.TPMSource{Type: "unix", Mode: "connect", Path: s.Path}
	default:
		return nil
	}
	return func() { r.d.Devices.TPMs = append(r.d.Devices.TPMs, t) }
}

func (r *reader) vsock(d *device) func() {
	v := xml.Vsock{Model: d.virtioModel(), Driver: d.virtioDriver(), CID: &xml.VsockCID{Auto: "no", Address: d.uint("guest-cid")}, Address: d.address()}
	d.ignore("vhostfd", "-1")
	return func() { r.d.Devices.Vsock = &v }
}

func (r *reader) balloon(d *device) func() {
	if r.d.Devices.Memballoon != nil {
		return nil
	}
	b := xml.Memballoon{Model: d.virtioModel(), Driver: d.virtioDriver(), AutoDeflate: d.onOff("deflate-on-oom"), FreePageReporting: d.onOff("free-page-reporting"),
		Address: d.address()}
	return func() { r.d.Devices.Memballoon = &b }
}

func (r *reader) watchdog(d *device) func() {
	if d.base == "ib700" && !r.is("pc") {
		return nil // definitions have it on that machine only
	}
	w := xml.Watchdog{Model: d.base, Address: d.address()}
	return func() { r.d.Devices.Watchdogs = append(r.d.Devices.Watchdogs, w) }
}

func (r *reader) panic(d *device) func() {
	p := xml.Panic{Model: "isa"}
	if d.base == "pvpanic-pci" {
		p.Model, p.Address = "pvpanic", d.address()
	} else if port, ok := d.number("ioport"); ok && port != 0x505 {
		p.Address = &xml.Address{Type: "isa", IOBase: &port}
	}
	return func() { r.d.Devices.Panics = append(r.d.Devices.Panics, p) }
}

func (r *reader) shmem(d *device) func() {
	s := xml.Shmem{Model: &xml.ShmemModel{Type: d.base}, Address: d.address()}
	s.Role = map[xml.OnOff]string{"on": "master", "off": "peer"}[d.onOff("master")]
	if d.base == "ivshmem-plain" {
		o := r.ref(d, r.objects, d.take("memdev"))
		if o == nil || o.take("qom-type") != "memory-backend-file" {
			return nil
		}
		name, ok := strings.CutPrefix(o.take("mem-path"), "/dev/shm/")
		size := xml.MiB(o.bytes("size", 'b'))
		o.take("id")
		o.ignore("share", "on")
		s.Name, s.Size = name, &size
		if !ok || strings.Contains(name, "/") || size == 0 {
			return nil
		}
	} else {
		c, ok := r.source(d, d.take("chardev"))
		if !ok || c.Type != "unix" {
			return nil
		}
		s.Name, s.Server = plainName(c.Path), &xml.ShmemServer{Path: c.Path}
		if n := d.uint("vectors"); n > 0 {
			s.MSI = &xml.ShmemMSI{Vectors: n, IOEventFD: d.onOff("ioeventfd")}
		}
	}
	return func() { r.d.Devices.Shmems = append(r.d.Devices.Shmems, s) }
}

func (r *reader) iommu(d *device) func() {
	if r.d.Devices.IOMMU != nil {
		return nil
	}
	x := xml.IOMMU{Model: "virtio"}
	if d.base == "intel-iommu" {
		x.Model = "intel"
		v := xml.IOMMUDriver{IntRemap: d.onOff("intremap"), CachingMode: d.onOff("caching-mode"), EIM: d.onOff("eim"), IOTLB: d.onOff("device-iotlb"),
			AWBits: d.uint("aw-bits"), DMATranslation: d.onOff("dma-translation")}
		if v != (xml.IOMMUDriver{}) {
			x.Driver = &v
		}
	} else {
		x.Address = d.address()
	}
	return func() { r.d.Devices.IOMMU = &x }
}

func (r *reader) crypto(d *device) func() {
	o := r.ref(d, r.objects, d.take("cryptodev"))
	if o == nil {
		return nil
	}
	o.take("id")
	kind := strings.TrimPrefix(o.take("qom-type"), "cryptodev-backend-")
	if kind != "builtin" && kind != "lkcf" {
		return nil
	}
	c := xml.Crypto{Model: "virtio", Type: "qemu", Backend: &xml.CryptoBackend{Model: kind, Queues: o.uint("queues")}, Driver: d.virtioDriver(), Address: d.address()}
	return func() { r.d.Devices.Cryptos = append(r.d.Devices.Cryptos, c) }
}

func (r *reader) pstore(d *device) func() {
	o := r.ref(d, r.objects, d.take("memdev"))
	if o == nil || o.take("qom-type") != "memory-backend-file" || r.d.Devices.PStore != nil {
		return nil
	}
	o.take("id")
	o.ignore("share", "on")
	p := xml.PStore{Backend: "acpi-erst", Path: r.absolute(o.take("mem-path")), Size: xml.KiB(o.bytes("size", 'b') >> 10), Address: d.address()}
	return func() { r.d.Devices.PStore = &p }
}

func (r *reader) hub(d *device) func() {
	h := xml.Hub{Type: "usb", Address: r.usbAddress(d)}
	d.ignore("ports", "8")
	return func() { r.d.Devices.Hubs = append(r.d.Devices.Hubs, h) }
}

func (r *reader) mtp(d *device) func() {
	f := xml.Filesystem{Type: "mount", Driver: &xml.FSDriver{Type: "mtp"}, Source: &xml.FSSource{Dir: r.absolute(d.take("rootdir"))}, Target: &xml.FSTarget{Dir: d.take("desc")},
		Readonly: d.onOff("readonly") != "off", Address: r.usbAddress(d)}
	if f.Source.Dir == "" || f.Target.Dir == "" {
		return nil
	}
	return func() { r.d.Devices.Filesystems = append(r.d.Devices.Filesystems, f) }
}

func (r *reader) vmcoreinfo(*device) func() {
	return func() { r.featuresOf().VMCoreInfo = &xml.State{State: "on"} }
}

func (r *reader) generation(d *device) func() {
	guid := d.take("guid")
	u, ok := xml.ParseUUID(guid)
	if !ok && guid != "auto" && guid != "" {
		return nil
	}
	return func() {
		g := xml.GenID(u)
		r.d.GenID = &g
	}
}

// floppyController is the controller of machines that have none.
func (r *reader) floppyController(d *device) func() {
	for i, key := range []string{"driveA", "driveB"} {
		if id := d.peek(key); id != "" && byID(r.drives, id) != nil {
			d.take(key)
			f := build("-device", d.line, "driver", "floppy", "unit", []string{"0", "1"}[i], "drive", id)
			if commit := r.disk(f); commit != nil {
				defer func() {
					for _, dep := range f.deps {
						dep.spent = true
					}
					commit()
				}()
			}
		}
	}
	return func() {
		if !r.is("pc") {
			r.addController(d, xml.Controller{Type: "fdc"})
		}
	}
}

// inputLinux is an input device of the host that goes to the guest.
func (r *reader) inputLinux(o *props) bool {
	s := xml.InputSource{Dev: o.take("evdev"), GrabToggle: o.take("grab-toggle")}
	if o.isOn("grab_all") {
		s.Grab = "all"
	}
	if o.isOn("repeat") {
		s.Repeat = "on"
	}
	o.ignore("grab_all", "off")
	o.ignore("repeat", "off")
	o.take("qom-type", "id")
	if len(o.left()) > 0 {
		return false
	}
	r.d.Devices.Inputs = append(r.d.Devices.Inputs, xml.Input{Type: "evdev", Source: &s})
	return true
}
