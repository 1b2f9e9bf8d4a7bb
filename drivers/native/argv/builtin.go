package argv

import (
	"strconv"
	"strings"

	"virgo/xml"
)

// builtin makes the devices of the options that are not -device, and those
// that QEMU adds where nothing else is said.
func (r *reader) builtin() {
	r.taken = map[string]bool{}
	r.vgaDevice()
	r.nicDevices()
	r.driveDevices()
	for _, name := range strings.Split(r.soundhw, ",") {
		r.soundDevice(name, "")
	}
	r.ports()
	r.bootIndexes()
}

// bootIndexes makes them begin with 1, as they do in XML, and gives those of
// the floppy controller to its drives.
func (r *reader) bootIndexes() {
	zero := false
	for _, d := range r.inOrder() {
		for _, key := range []string{"bootindexA", "bootindexB"} {
			if f := d.find(key); d.base == "isa-fdc" && f != nil {
				f.used = true
				r.globals = append(r.globals, global{driver: "isa-fdc", property: key, value: f.value})
			}
		}
	}
	for i := range r.globals {
		zero = zero || strings.HasPrefix(r.globals[i].property, "bootindex") && r.globals[i].value == "0"
	}
	for _, d := range r.inOrder() {
		zero = zero || d.peek("bootindex") == "0"
	}
	if !zero {
		return
	}
	up := func(text *string) {
		if n, err := strconv.ParseUint(*text, 10, 31); err == nil {
			*text = strconv.FormatUint(n+1, 10)
		}
	}
	for _, d := range r.inOrder() {
		if f := d.find("bootindex"); f != nil {
			up(&f.value)
		}
	}
	for i := range r.globals {
		if strings.HasPrefix(r.globals[i].property, "bootindex") {
			up(&r.globals[i].value)
		}
	}
}

// vgaDevice is the card of -vga, or that of the machine.
func (r *reader) vgaDevice() {
	if r.isBoard() { // boardDefaults
		return
	}
	names := map[string]string{"std": "VGA", "cirrus": "cirrus-vga", "vmware": "vmware-svga", "qxl": "qxl-vga", "virtio": "virtio-vga"}
	if !r.isX86() && !r.isPSeries() {
		names["virtio"] = "virtio-gpu-pci"
	}
	kind := r.vga
	vga := r.isX86() || r.isPSeries()
	if kind == "" && r.defaults && vga && r.d.OS.Type.Machine != "microvm" && !r.hasDevice("VGA", "cirrus-vga", "isa-vga", "isa-cirrus-vga", "vmware-svga",
		"qxl", "virtio-vga", "ati-vga", "vhost-user-vga") {
		kind = "std"
	}
	switch {
	case kind == "" || kind == "none":
	case names[kind] == "":
		r.pass("XML has no such card", "-vga", kind)
	default:
		r.first = append(r.first, build("-vga", 0, "driver", names[kind]))
	}
}

func (r *reader) optBalloon(w word) {
	if strings.HasPrefix(w.arg, "virtio") {
		r.devices = append(r.devices, build(w.name, w.line, "driver", "virtio-balloon"+r.virtioBus()))
	}
}

func (r *reader) optWatchdog(w word) {
	r.devices = append(r.devices, build(w.name, w.line, "driver", w.arg))
}

// optUSBDevice is the older way to name devices on USB, which adds a controller.
func (r *reader) optUSBDevice(w word) {
	r.usb = true
	kind, rest, _ := strings.Cut(w.arg, ":")
	d := build(w.name, w.line, "driver", map[string]string{"keyboard": "usb-kbd", "host": "usb-host", "disk": "usb-storage", "serial": "usb-serial"}[kind])
	switch kind {
	case "tablet", "mouse", "braille", "net", "wacom-tablet", "ccid", "audio":
		d = build(w.name, w.line, "driver", "usb-"+kind)
	case "host":
		if bus, addr, ok := strings.Cut(rest, "."); ok {
			d.set("hostbus", bus)
			d.set("hostaddr", addr)
		} else if vendor, product, ok := strings.Cut(rest, ":"); ok {
			d.set("vendorid", "0x"+strings.TrimPrefix(vendor, "0x"))
			d.set("productid", "0x"+strings.TrimPrefix(product, "0x"))
		}
	case "disk":
		r.drives = append(r.drives, &props{option: "-drive", line: w.line, list: []property{{key: "if", value: "none"}, {key: "id", value: "usbdisk"}, {key: "file", value: rest}}})
		d.set("drive", "usbdisk")
	case "keyboard":
	default:
		r.pass("", w.name, w.arg)
		return
	}
	r.devices = append(r.devices, d)
}

// optVirtFS is a folder of the host in one option.
func (r *reader) optVirtFS(w word) {
	p := r.parse(w, "fsdriver")
	if p == nil {
		return
	}
	p.option = "-fsdev"
	id := p.peek("id")
	if id == "" {
		id = p.peek("mount_tag")
		p.list = append(p.list, property{key: "id", value: id})
	}
	tag := p.take("mount_tag")
	rest := p.list[:0]
	for _, f := range p.list {
		if f.key != "mount_tag" {
			rest = append(rest, f)
		}
	}
	p.list = rest
	r.fsdevs = append(r.fsdevs, p)
	r.devices = append(r.devices, build(w.name, w.line, "driver", "virtio-9p"+r.virtioBus(), "fsdev", id, "mount_tag", tag))
}

// filesystem is a folder of the host by 9p or virtiofs.
func (r *reader) filesystem(d *device) func() {
	x := xml.Filesystem{Type: "mount", Source: &xml.FSSource{}, Target: &xml.FSTarget{Dir: d.take("mount_tag", "tag")}, Model: d.variant()}
	v := xml.FSDriver{Type: "path"}
	if d.base == "vhost-user-fs" {
		x.Model = ""
		c := r.ref(d, r.chardevs, d.take("chardev"))
		if c == nil || c.take("backend") != "socket" || !c.has("path") {
			return nil
		}
		c.take("id")
		x.Source.Socket = r.absolute(c.take("path"))
		v.Type = "virtiofs"
		queue, _ := d.number("queue-size")
		v.Queue = xml.Wrapped(queue)
		x.AccessMode = "passthrough"
	} else if !r.folder(d, &x, &v) {
		return nil
	}
	if s := d.virtioDriver(); s != nil {
		v.IOMMU, v.ATS, v.Packed, v.PagePerVQ = s.IOMMU, s.ATS, s.Packed, s.PagePerVQ
	}
	x.Address, x.ACPI = d.address(), d.acpiIndex()
	x.Driver = &v
	boot := r.bootOf(d, "fs")
	return func() {
		list := &r.d.Devices.Filesystems
		at := len(*list)
		*list = append(*list, x)
		boot.set = func(n uint) { (*list)[at].Boot = &xml.BootOrder{Order: n} }
		r.boots = append(r.boots, boot)
	}
}

// folder is the host's side of 9p.
func (r *reader) folder(d *device, x *xml.Filesystem, v *xml.FSDriver) bool {
	p := r.ref(d, r.fsdevs, d.take("fsdev"))
	if p == nil || p.take("fsdriver") != "local" {
		return false
	}
	p.take("id")
	x.Source.Dir = r.absolute(p.take("path"))
	x.AccessMode = map[string]string{"": "passthrough", "passthrough": "passthrough", "mapped": "mapped", "mapped-xattr": "mapped", "none": "squash"}[p.peek("security_model")]
	if x.AccessMode != "" {
		p.take("security_model")
	}
	x.Readonly = p.isOn("readonly")
	p.ignore("readonly", "off")
	x.FMode, x.DMode, x.MultiDevs = p.take("fmode"), p.take("dmode"), p.take("multidevs")
	if p.peek("writeout") == "immediate" {
		p.take("writeout")
		v.WRPolicy = "immediate"
	}
	return x.Source.Dir != ""
}
