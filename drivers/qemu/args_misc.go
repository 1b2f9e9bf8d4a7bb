package qemu

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"virgo/xml"
)

// memoryDevices are DIMMs and their like.
func (a *args) memoryDevices() {
	for i := range a.d.Devices.Memories {
		m := &a.d.Devices.Memories[i]
		if m.Target == nil {
			continue
		}
		id := aliasOf(m.Alias)
		b := backend{id: "mem" + id, kib: uint64(m.Target.Size), access: m.Access, discard: string(m.Discard), device: true, unreserved: m.Model == "virtio-mem"}
		if m.Target.Node != nil {
			node := int(*m.Target.Node)
			b.cell = &node
		}
		if s := m.Source; s != nil {
			b.path, b.pmem, b.align, b.nodes = s.Path, s.PMem, uint64(s.AlignSize)*1024, string(s.NodeMask)
			b.page = uint64(s.PageSize)
		}
		if m.Model == "virtio-pmem" && b.access == "" {
			b.access = "shared"
		}
		a.object(a.memoryBackend(b))
		a.memoryDevice(m, id)
	}
}

func (a *args) memoryDevice(m *xml.MemoryDevice, id string) {
	var p *props
	switch m.Model {
	case "dimm", "nvdimm":
		p = newProps("driver", map[string]string{"dimm": "pc-dimm", "nvdimm": "nvdimm"}[m.Model])
	case "virtio-pmem", "virtio-mem":
		p = newProps("driver", a.virtioName(m.Model, "", m.Address))
	default:
		a.fail(xml.CodeConfigUnsupported, "memory device model '%s' is not supported", m.Model)
		return
	}
	t := m.Target
	if m.Model != "virtio-pmem" && t.Node != nil {
		p.num("node", uint64(*t.Node))
	}
	if t.Label != nil {
		p.num("label-size", uint64(t.Label.Size)*1024)
	}
	p.opt("uuid", m.UUID)
	if t.Readonly {
		p.flag("unarmed", true)
	}
	if m.Model == "virtio-mem" {
		p.optNum("block-size", uint64(t.Block)*1024)
		if t.Requested != nil {
			p.num("requested-size", uint64(*t.Requested)*1024)
		}
	}
	p.str("memdev", "mem"+id)
	if m.Model == "virtio-mem" {
		p.optFlag("dynamic-memslots", string(t.DynamicMemslots))
	}
	if t.Address != nil {
		p.num("memaddr", t.Address.Base)
	}
	p.str("id", id)
	if ad := m.Address; ad != nil && ad.Type == "dimm" {
		p.num("slot", uint64(ad.Slot))
		if ad.Base != nil {
			p.num("addr", *ad.Base)
		}
		a.device(p)
		return
	}
	a.device(a.where(p, m.Address, m.ACPI))
}

func (a *args) hubs() {
	for i := range a.d.Devices.Hubs {
		h := &a.d.Devices.Hubs[i]
		a.device(a.where(newProps("driver", "usb-hub").str("id", aliasOf(h.Alias)), h.Address, h.ACPI))
	}
}

// ccid are the smartcard readers, and the floppy controller's boot places.
func (a *args) ccid() {
	for i := range a.d.Devices.Controllers {
		c := &a.d.Devices.Controllers[i]
		if c.Type == "ccid" {
			a.device(a.where(newProps("driver", "usb-ccid").str("id", aliasOf(c.Alias)), c.Address, nil))
		}
	}
	a.floppyController()
}

func (a *args) filesystems() {
	for i := range a.d.Devices.Filesystems {
		f := &a.d.Devices.Filesystems[i]
		id := aliasOf(f.Alias)
		source := f.Source
		if source == nil {
			source = &xml.FSSource{}
		}
		tag := ""
		if f.Target != nil {
			tag = f.Target.Dir
		}
		driver := f.Driver
		if driver == nil {
			driver = &xml.FSDriver{}
		}
		if driver.Type == "virtiofs" {
			a.virtiofs(f, id, source, driver, tag)
			continue
		}
		if driver.Type == "mtp" {
			a.device(a.where(newProps("driver", "usb-mtp").str("id", id).str("rootdir", source.Dir).str("desc", tag).flag("readonly", f.Readonly), f.Address, nil))
			continue
		}
		opt := "local"
		if f.AccessMode != "" || source.Socket == "" {
			opt += ",security_model=" + map[string]string{"": "passthrough", "passthrough": "passthrough", "mapped": "mapped", "squash": "none"}[f.AccessMode]
		}
		if f.FMode != "" {
			opt += ",fmode=" + f.FMode
		}
		if f.DMode != "" {
			opt += ",dmode=" + f.DMode
		}
		if f.MultiDevs != "" && f.MultiDevs != "default" {
			opt += ",multidevs=" + f.MultiDevs
		}
		if driver.Type == "handle" {
			opt = "handle"
		}
		if driver.WRPolicy == "immediate" {
			opt += ",writeout=immediate"
		}
		opt += ",id=fsdev-" + id + ",path=" + escapeComma(source.Dir)
		if f.Readonly {
			opt += ",readonly"
		}
		a.add("-fsdev", opt)
		p := newProps("driver", a.virtioName("virtio-9p", f.Model, f.Address))
		fsFlags(p, driver).str("id", id).str("fsdev", "fsdev-"+id).str("mount_tag", tag)
		a.device(a.where(p, f.Address, f.ACPI))
	}
}

func fsFlags(p *props, d *xml.FSDriver) *props {
	return p.virtio(d.IOMMU, d.ATS, d.Packed, d.PagePerVQ)
}

func (a *args) virtiofs(f *xml.Filesystem, id string, source *xml.FSSource, driver *xml.FSDriver, tag string) {
	path := source.Socket
	if path == "" {
		path = a.libDir() + "/" + id + "-fs.sock"
	}
	char := "chr-vu-" + id
	a.add("-chardev", "socket,id="+char+",path="+escapeComma(path))
	p := newProps("driver", a.virtioName("vhost-user-fs", "", f.Address))
	fsFlags(p, driver).str("id", id).str("chardev", char)
	queue := driver.Queue
	if queue == 0 && source.Socket == "" {
		queue = 1024
	}
	p.optNum("queue-size", uint64(queue)).str("tag", tag)
	if f.Boot != nil {
		p.num("bootindex", uint64(f.Boot.Order))
	}
	a.device(a.where(p, f.Address, f.ACPI))
}

// watchdogActions are QEMU's words for what a watchdog does.
var watchdogActions = map[string]string{"dump": "pause", "": "reset"}

func (a *args) watchdogs() {
	list := a.d.Devices.Watchdogs
	if len(list) == 0 {
		return
	}
	for i := range list {
		w := &list[i]
		if w.Model == "itco" {
			a.add("-global", "ICH9-LPC.noreboot=off")
			continue
		}
		a.device(a.where(newProps("driver", w.Model).str("id", aliasOf(w.Alias)), w.Address, w.ACPI))
	}
	action := list[0].Action
	if word, ok := watchdogActions[action]; ok {
		action = word
	}
	a.add("-watchdog-action", action)
}

func (a *args) redirdevs() {
	for i := range a.d.Devices.Redirdevs {
		r := &a.d.Devices.Redirdevs[i]
		id := aliasOf(r.Alias)
		if r.Type == "dbus" && r.Channel == "" {
			r.Channel = "org.qemu.usbredir"
		}
		p := newProps("driver", "usb-redir").str("chardev", a.chardev(id, &r.CharSource)).str("id", id)
		if f := a.d.Devices.RedirFilter; f != nil && len(f.USBDevs) > 0 {
			p.str("filter", redirFilter(f))
		}
		if r.Boot != nil {
			p.num("bootindex", uint64(r.Boot.Order))
		}
		a.device(a.where(p, r.Address, r.ACPI))
	}
}

func redirFilter(f *xml.RedirFilter) string {
	id := func(v *xml.AnyID, digits int) string {
		if v == nil || *v < 0 {
			return "-1"
		}
		return fmt.Sprintf("0x%0*X", digits, int32(*v))
	}
	out := ""
	for i, d := range f.USBDevs {
		if i > 0 {
			out += "|"
		}
		allow := "0"
		if isOn(d.Allow) {
			allow = "1"
		}
		version := "-1"
		if d.Version != nil && *d.Version != "" {
			whole, part, _ := strings.Cut(string(*d.Version), ".") // digits, which the number has too
			version = fmt.Sprintf("0x%02s%02s", whole, part)
		}
		out += id((*xml.AnyID)(d.Class), 2) + ":" + id(d.Vendor, 4) + ":" + id(d.Product, 4) + ":" + version + ":" + allow
	}
	return out
}

func (a *args) hostdevs() {
	for i := range a.d.Devices.Interfaces {
		if n := &a.d.Devices.Interfaces[i]; a.Live && n.Type == "hostdev" && n.Source != nil && n.Source.PCI != nil {
			s := *n.Source.PCI
			a.hostPCI(&xml.Hostdev{Source: &xml.HostdevSource{Address: &xml.HostAddress{Domain: &s.Domain, Bus: itoa(int(s.Bus)), Slot: &s.Slot, Function: &s.Function}},
				Boot: n.Boot, ROM: n.ROM, ACPI: n.ACPI, Address: n.Address}, aliasOf(n.Alias))
		}
	}
	for i := range a.d.Devices.Hostdevs {
		h := &a.d.Devices.Hostdevs[i]
		id := aliasOf(h.Alias)
		s := h.Source
		if s == nil {
			continue
		}
		switch h.Type {
		case "usb":
			p := newProps("driver", "usb-host")
			if !a.Live && (s.Address == nil || s.Address.Device == nil) {
				a.fail(xml.CodeInternal, "USB host device is missing bus/device information")
				return
			}
			if s.Address != nil && s.Address.Device != nil {
				bus := 0
				_, _ = fmt.Sscanf(s.Address.Bus, "%v", &bus)
				p.str("hostdevice", fmt.Sprintf("/dev/bus/usb/%03d/%03d", bus, *s.Address.Device))
			}
			p.str("id", id)
			if h.Boot != nil {
				p.num("bootindex", uint64(h.Boot.Order))
			}
			switch s.GuestReset {
			case "off":
				p.flag("guest-reset", false)
			case "uninitialized":
				p.flag("guest-reset", true).flag("guest-resets-all", false)
			case "on":
				p.flag("guest-reset", true).flag("guest-resets-all", true)
			}
			a.device(a.where(p, h.Address, h.ACPI))
		case "pci":
			a.hostPCI(h, id)
		case "scsi":
			a.hostSCSI(h, id)
		case "scsi_host":
			a.vhostSCSI(h, id)
		case "mdev":
			p := newProps("driver", vfioDevice(h, h.Model)).str("id", id)
			if s.Address != nil {
				p.str("sysfsdev", "/sys/bus/mdev/devices/"+s.Address.UUID)
			}
			screened(p, h)
			if b := h.Boot; b != nil {
				p.num("bootindex", uint64(b.Order)).opt("loadparm", b.LoadParm)
			}
			a.where(p, h.Address, h.ACPI)
			a.zpci = nil // which the peer gives to other PCI devices only
			a.device(p)
		default:
			a.fail(xml.CodeConfigUnsupported, "hostdev type '%s' is not supported", h.Type)
		}
	}
}

// vfioDevice is QEMU's device for one of the host: the screen of the boot
// firmware cannot be unplugged.
func vfioDevice(h *xml.Hostdev, driver string) string {
	if h.RAMFB == "on" {
		return "vfio-pci-nohotplug"
	}
	return driver
}

// screened says what the device shows.
func screened(p *props, h *xml.Hostdev) *props {
	p.opt("display", string(h.Display))
	if h.RAMFB == "on" {
		p.flag("ramfb", true)
	}
	return p
}

func (a *args) hostPCI(h *xml.Hostdev, id string) {
	ad := h.Source.Address
	if ad == nil {
		return
	}
	bus := 0
	_, _ = fmt.Sscanf(ad.Bus, "%v", &bus)
	host := fmt.Sprintf("%04x:%02x:%02x.%x", number(ad.Domain), bus, number(ad.Slot), number(ad.Function))
	p := screened(newProps("driver", vfioDevice(h, "vfio-pci")).str("host", host).str("id", id), h)
	if h.Boot != nil {
		p.num("bootindex", uint64(h.Boot.Order))
	}
	a.where(p, h.Address, h.ACPI)
	rom(p, h.ROM)
	a.device(p)
}

func (a *args) balloon() {
	b := a.d.Devices.Memballoon
	if b == nil || b.Model == "none" || b.Model == "xen" {
		return
	}
	p := newProps("driver", a.virtioName("virtio-balloon", b.Model, b.Address))
	virtioFlags(p, b.Driver).str("id", aliasOf(b.Alias)).optFlag("deflate-on-oom", string(b.AutoDeflate)).optFlag("free-page-reporting", string(b.FreePageReporting))
	a.device(a.where(p, b.Address, b.ACPI))
}

func (a *args) rngs() {
	for i := range a.d.Devices.RNGs {
		r := &a.d.Devices.RNGs[i]
		id := aliasOf(r.Alias)
		b := r.Backend
		if b == nil {
			continue
		}
		o := newProps("qom-type", "rng-"+b.Model)
		if b.Model == "egd" {
			char := a.chardev(id, &b.Chardev)
			o.str("id", "obj"+id).str("chardev", char)
		} else {
			o.str("id", "obj"+id)
			if b.Model == "random" {
				o.str("filename", b.Path)
			}
		}
		a.object(o)
		p := newProps("driver", a.virtioName("virtio-rng", r.Model, r.Address))
		virtioFlags(p, r.Driver).str("rng", "obj"+id).str("id", id)
		if r.Rate != nil {
			p.num("max-bytes", uint64(r.Rate.Bytes))
			period := r.Rate.Period
			if period == 0 {
				period = 1000
			}
			p.num("period", uint64(period))
		}
		a.device(a.where(p, r.Address, r.ACPI))
	}
}

// coreInfo is where the guest tells what debuggers of its memory ask for.
func (a *args) coreInfo() {
	if f := a.d.Features; f != nil && state(f.VMCoreInfo) == "on" {
		a.device(newProps("driver", "vmcoreinfo"))
	}
}

// later is what the peer adds behind the sandbox: panics, shared memory, vsock,
// crypto, pstore.
func (a *args) later() {
	a.panics()
	for i := range a.d.Devices.Shmems {
		a.shmem(&a.d.Devices.Shmems[i])
	}
	if v := a.d.Devices.Vsock; v != nil && v.CID != nil {
		p := newProps("driver", a.virtioName("vhost-vsock", v.Model, v.Address))
		virtioFlags(p, v.Driver).str("id", aliasOf(v.Alias)).num("guest-cid", uint64(v.CID.Address))
		switch {
		case a.ByHand:
		case a.Live:
			p.str("vhostfd", itoa(a.fd))
			a.fd++
		default:
			p.str("vhostfd", "-1")
		}
		a.device(a.where(p, v.Address, v.ACPI))
	}
	for i := range a.d.Devices.Cryptos {
		c := &a.d.Devices.Cryptos[i]
		id := aliasOf(c.Alias)
		o := newProps("qom-type", "cryptodev-backend-builtin").str("id", "obj"+id)
		if c.Backend != nil {
			o = newProps("qom-type", "cryptodev-backend-"+c.Backend.Model).str("id", "obj"+id).optNum("queues", uint64(c.Backend.Queues))
		}
		a.object(o)
		p := newProps("driver", a.virtioName("virtio-crypto", "", c.Address))
		a.device(a.where(virtioFlags(p, c.Driver).str("cryptodev", "obj"+id).str("id", id), c.Address, c.ACPI))
	}
	if s := a.d.Devices.PStore; s != nil {
		id := aliasOf(s.Alias)
		a.object(newProps("qom-type", "memory-backend-file").str("id", "mem"+id).str("mem-path", s.Path).num("size", uint64(s.Size)*1024).flag("share", true))
		a.device(a.where(newProps("driver", "acpi-erst").str("id", id).str("memdev", "mem"+id), s.Address, s.ACPI))
	}
	if t := a.d.Features; t != nil && t.AsyncTeardown != nil {
		a.add("-run-with", "async-teardown="+onOff(isOn(t.AsyncTeardown.Enabled)))
	}
}

func (a *args) panics() {
	for i := range a.d.Devices.Panics {
		p := &a.d.Devices.Panics[i]
		switch p.Model {
		case "", "default", "isa":
			dev := newProps("driver", "pvpanic")
			if p.Address != nil && p.Address.Type == "isa" {
				dev.num("ioport", orZero(p.Address.IOBase))
			}
			a.device(dev)
		case "pvpanic":
			a.device(a.where(newProps("driver", "pvpanic-pci"), p.Address, p.ACPI))
		}
	}
}

func (a *args) shmem(s *xml.Shmem) {
	id := aliasOf(s.Alias)
	if s.Address == nil || s.Address.Type != "pci" {
		a.fail(xml.CodeConfigUnsupported, "only 'pci' addresses are supported for the shared memory device")
		return
	}
	model := "ivshmem-plain"
	if s.Model != nil && s.Model.Type != "ivshmem" {
		model = s.Model.Type
	}
	p := newProps("driver", model).str("id", id)
	if model == "ivshmem-doorbell" && s.Server != nil {
		path := s.Server.Path
		if path == "" {
			path = "/var/lib/libvirt/shmem-" + s.Name + "-sock"
		}
		p.str("chardev", "char"+id)
		if s.MSI != nil {
			p.optNum("vectors", uint64(s.MSI.Vectors)).optFlag("ioeventfd", string(s.MSI.IOEventFD))
		}
		defer a.add("-chardev", "socket,id=char"+id+",path="+escapeComma(path))
	} else {
		size := uint64(4 << 20)
		if s.Size != nil {
			size = uint64(*s.Size)
		}
		a.object(newProps("qom-type", "memory-backend-file").str("id", "shmmem-"+id).str("mem-path", "/dev/shm/"+s.Name).num("size", size).flag("share", true))
		p.str("memdev", "shmmem-"+id)
	}
	if s.Role != "" {
		p.opt("master", map[string]string{"master": "on", "peer": "off"}[s.Role])
	}
	a.device(a.where(p, s.Address, s.ACPI))
}

// pflash are the firmware's block nodes.
func (a *args) pflash() {
	if !a.pflashUsed() {
		return
	}
	l := a.d.OS.Loader
	readonly := l.Readonly == "yes"
	format := l.Format
	if format == "" {
		format = "raw"
	}
	a.blockdev(newProps("driver", "file").str("filename", l.Path).str("node-name", "libvirt-pflash0-storage").flag("auto-read-only", true).str("discard", "unmap"))
	a.pflashFormat("libvirt-pflash0", format, readonly)
	n := a.d.OS.NVRAM
	if n == nil {
		return
	}
	kind, source := n.Type, n.Source
	if source == nil {
		kind, source = "file", &xml.DiskSource{File: n.Path}
	}
	if kind == "" {
		kind = "file"
	}
	p := a.storage(&xml.Disk{}, layer{kind: kind, source: source}, "libvirt-pflash1")
	if p == nil {
		return
	}
	if n.Format == "" { // beside code that is written to, its format must be named
		a.fail(xml.CodeInternal, "mishandled storage format 'none'")
		return
	}
	p.str("node-name", "libvirt-pflash1-storage")
	if n.Format == "raw" {
		a.blockdev(p.flag("read-only", false))
		return
	}
	a.blockdev(p.flag("auto-read-only", true).str("discard", "unmap"))
	a.pflashFormat("libvirt-pflash1", n.Format, false)
}

// pflashFormat reads what the firmware's chip holds out of an image.
func (a *args) pflashFormat(chip, format string, readonly bool) {
	p := newProps("node-name", chip+"-format").flag("read-only", readonly).str("driver", format).str("file", chip+"-storage")
	if backingFormat(format) {
		p.raw("backing", "null")
	}
	a.blockdev(p)
}

func (a *args) pflashUsed() bool {
	return a.d.OS.Loader != nil && a.d.OS.Loader.Type == "pflash" && a.d.OS.Loader.Path != ""
}

// nvramFile is the file of the guest's firmware variables, "" if it has none.
func nvramFile(d *xml.Domain) string {
	n := d.OS.NVRAM
	if n == nil {
		return ""
	}
	if n.Source != nil {
		return n.Source.File
	}
	return n.Path
}

// secret adds data that QEMU reads encrypted with the guest's master key, so
// that it does not stand on the command line.
func (a *args) secret(id, text string) {
	if a.Secrets != nil {
		*a.Secrets = true
	}
	iv := make([]byte, 16)
	_, _ = rand.Read(iv)
	data, err := encrypt(a.MasterKey, iv, []byte(text))
	if err != nil {
		a.fail(xml.CodeInternal, "cannot encrypt a secret: %v", err)
		return
	}
	a.object(newProps("qom-type", "secret").str("id", id).str("data", base64.StdEncoding.EncodeToString(data)).str("keyid", "masterKey0").
		str("iv", base64.StdEncoding.EncodeToString(iv)).str("format", "base64"))
}
