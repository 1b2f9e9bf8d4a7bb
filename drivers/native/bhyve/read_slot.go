package bhyve

import (
	"net"
	"strconv"
	"strings"

	"virgo/xml"
)

// slot reads a PCI device: slot[:function] or bus:slot:function, the kind, and
// what the kind has to say.
func (r *reader) slot(text string) error {
	place, rest, ok := strings.Cut(text, ",")
	if !ok {
		return failed("Failed to parse PCI device '%s'", text)
	}
	a, err := address(place)
	if err != nil {
		return err
	}
	kind, value, _ := strings.Cut(rest, ",")
	dev := &r.d.Devices
	switch kind {
	case "virtio-blk":
		r.disk("disk", "virtio", value, a)
	case "ahci-hd":
		r.disk("disk", "sata", value, a)
	case "ahci-cd":
		r.disk("cdrom", "sata", value, a)
	case "ahci":
		for _, p := range strings.Split(value, ",") {
			if path, ok := strings.CutPrefix(p, "hd:"); ok {
				r.disk("disk", "sata", path, nil)
			} else if path, ok := strings.CutPrefix(p, "cd:"); ok {
				r.disk("cdrom", "sata", path, nil)
			}
		}
	case "virtio-net", "e1000":
		r.net(kind, value, a)
	case "fbuf":
		return r.framebuffer(value)
	case "virtio-rnd":
		dev.RNGs = append(dev.RNGs, xml.RNG{Model: "virtio", Backend: &xml.RNGBackend{Model: "random", Path: "/dev/random"}, Address: a})
	case "virtio-9p":
		r.share(value, a)
	case "xhci":
		dev.Controllers = append(dev.Controllers, xml.Controller{Type: "usb", Index: new(uint), Model: "nec-xhci", Address: a})
		if value == "tablet" {
			dev.Inputs = append(dev.Inputs, xml.Input{Type: "tablet", Bus: "usb"})
		}
	}
	return nil
}

func address(text string) (*xml.Address, error) {
	parts := strings.Split(text, ":")
	var n []uint
	for _, p := range parts {
		v, err := strconv.ParseUint(p, 10, 8)
		if err != nil {
			return nil, failed("Failed to parse PCI address '%s'", text)
		}
		n = append(n, uint(v))
	}
	a := &xml.Address{Type: "pci"}
	switch len(n) {
	case 1:
		a.Slot = n[0]
	case 2:
		a.Slot, a.Function = n[0], n[1]
	case 3:
		a.Bus, a.Slot, a.Function = n[0], n[1], n[2]
	}
	if len(n) > 3 || a.Slot > 31 || a.Function > 7 {
		return nil, failed("Failed to parse PCI address '%s'", text)
	}
	return a, nil
}

// maxDisks is how many disks of a bus the peer has names for.
const maxDisks = 26

func (r *reader) disk(device, bus, value string, a *xml.Address) {
	prefix, count := "sd", &r.sata
	if bus == "virtio" {
		prefix, count = "vd", &r.virtio
	}
	path, _, _ := strings.Cut(value, ",")
	if *count >= maxDisks {
		return
	}
	v := xml.Disk{Type: "file", Device: device, Target: &xml.DiskTarget{Dev: prefix + string(rune('a'+*count)), Bus: bus}, Address: a}
	*count++
	if path != "" {
		v.Source = &xml.DiskSource{File: path}
	}
	r.d.Devices.Disks = append(r.d.Devices.Disks, v)
}

// net reads a network card that has a tap device of the host.
func (r *reader) net(kind, value string, a *xml.Address) {
	tap, options, _ := strings.Cut(value, ",")
	if !strings.HasPrefix(tap, "tap") {
		return
	}
	v := xml.Interface{Type: "bridge", MAC: &xml.MAC{}, Source: &xml.InterfaceSource{Bridge: "virbr0"},
		Target: &xml.InterfaceTarget{Dev: tap}, Model: &xml.InterfaceModel{Type: "e1000"}, Address: a}
	if kind == "virtio-net" {
		v.Model.Type = "virtio"
	}
	for _, o := range strings.Split(options, ",") {
		if mac, ok := strings.CutPrefix(o, "mac="); ok {
			if v.MAC.Address, ok = xml.ParseMAC(mac); !ok {
				v.MAC.Address = "00:00:00:00:00:00"
			}
		}
	}
	if v.MAC.Address == "" {
		u := newUUID()
		v.MAC.Address = "52:54:00:" + u[0:2] + ":" + u[2:4] + ":" + u[4:6]
	}
	r.d.Devices.Interfaces = append(r.d.Devices.Interfaces, v)
}

// framebuffer reads the display.
func (r *reader) framebuffer(value string) error {
	g := xml.Graphics{Type: "vnc", Autoport: "no", Listen: "127.0.0.1"}
	port := 5900
	v := xml.Video{Model: &xml.VideoModel{Type: "gop", Heads: 1}}
	size := xml.Resolution{}
	for _, o := range strings.Split(value, ",") {
		key, text, _ := strings.Cut(o, "=")
		switch key {
		case "tcp", "rfb":
			host, p, err := net.SplitHostPort(text)
			if err != nil {
				return failed("Failed to parse VNC address '%s'", text)
			}
			if host != "" {
				g.Listen = host
			}
			n, err := strconv.ParseUint(p, 10, 16)
			if err != nil {
				return failed("Failed to parse VNC port '%s'", p)
			}
			port = int(n)
		case "password":
			g.Passwd = text
		case "vga":
			if text == "on" || text == "off" {
				v.Driver = &xml.VideoDriver{VGAConf: text}
			}
		case "w", "h":
			n, err := strconv.ParseUint(text, 10, 16)
			if err != nil {
				return failed("Failed to parse the size '%s' of the screen", o)
			}
			if key == "w" {
				size.X = uint(n)
			} else {
				size.Y = uint(n)
			}
		}
	}
	if size.X > 0 && size.Y > 0 {
		v.Model.Resolution = &size
	}
	g.Port = &port
	g.Listens = []xml.GraphicsListen{{Type: "address", Address: g.Listen}}
	r.d.Devices.Graphics = append(r.d.Devices.Graphics, g)
	r.d.Devices.Videos = append(r.d.Devices.Videos, v)
	return nil
}

// share reads a folder of the host: name=folder[,ro].
func (r *reader) share(value string, a *xml.Address) {
	first, options, _ := strings.Cut(value, ",")
	name, dir, ok := strings.Cut(first, "=")
	if !ok {
		return
	}
	r.d.Devices.Filesystems = append(r.d.Devices.Filesystems, xml.Filesystem{Type: "mount", AccessMode: "passthrough",
		Source: &xml.FSSource{Dir: dir}, Target: &xml.FSTarget{Dir: name}, Readonly: options == "ro", Address: a})
}
