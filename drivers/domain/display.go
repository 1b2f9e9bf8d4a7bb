package domain

import (
	"math/bits"

	"virgo/xml"
)

// graphics completes ports and where clients connect.
func graphics(d *xml.Domain, g *xml.Graphics, t *Traits) error {
	switch g.Type {
	case "vnc":
		vncPorts(g)
	case "rdp":
		if g.Port == nil || *g.Port == -1 || g.Autoport == "yes" {
			g.Port, g.Autoport = ptr(0), "yes"
		}
	case "spice":
		spicePorts(g)
	}
	if g.Type == "vnc" || g.Type == "spice" || g.Type == "rdp" {
		return listens(g)
	}
	return nil
}

func vncPorts(g *xml.Graphics) {
	if g.WebSocket != nil && *g.WebSocket == 0 {
		g.WebSocket = nil
	}
	if g.Port != nil && *g.Port == -1 {
		g.Autoport = "yes"
	}
	if g.Autoport == "yes" || g.Port == nil && g.Autoport == "" {
		g.Port, g.Autoport = ptr(-1), "yes"
	} else if g.Autoport == "" {
		g.Autoport = "no"
	}
	if g.Port != nil && *g.Port == 0 {
		g.Port = nil
	}
}

// spicePorts: a port of -1 is an automatic one, whose number is not kept.
func spicePorts(g *xml.Graphics) {
	auto := func(p **int) bool { return *p != nil && **p == -1 }
	if auto(&g.Port) || auto(&g.TLSPort) {
		g.Autoport = "yes"
	}
	if g.Autoport == "yes" {
		g.Port, g.TLSPort = nil, nil
		return
	}
	for _, p := range []**int{&g.Port, &g.TLSPort} {
		if *p != nil && **p == 0 {
			*p = nil
		}
	}
	if g.Port == nil && g.TLSPort == nil {
		g.Autoport = ""
		return
	}
	setDefault(&g.Autoport, "no")
}

// listens mirrors the attributes in the first listen element.
func listens(g *xml.Graphics) error {
	if len(g.Listens) == 0 {
		l := xml.GraphicsListen{Type: "address", Address: g.Listen}
		if g.Socket != "" {
			l = xml.GraphicsListen{Type: "socket", Socket: g.Socket}
		} else if g.Type == "spice" && g.Port == nil && g.TLSPort == nil && g.Autoport == "" {
			l = xml.GraphicsListen{Type: "none"}
		}
		g.Listens = []xml.GraphicsListen{l}
	}
	first := g.Listens[0]
	switch first.Type {
	case "address", "network":
		if first.Address != "" {
			g.Listen = first.Address
		}
	case "socket":
		if g.Type == "vnc" {
			setDefault(&g.Socket, first.Socket)
		}
	}
	if g.Type == "spice" {
		g.Socket = ""
	}
	if g.Socket != "" {
		g.Listens[0] = xml.GraphicsListen{Type: "socket", Socket: g.Socket}
		g.Port, g.Autoport, g.Listen = nil, "", ""
	}
	if first.Type == "none" || first.Type == "socket" {
		g.Port, g.Autoport, g.TLSPort, g.Listen = nil, "", nil, ""
	}
	return nil
}

// video completes a graphics card.
func video(d *xml.Domain, v *xml.Video, first bool, t *Traits) {
	if v.Model == nil {
		v.Model = &xml.VideoModel{}
	}
	m := v.Model
	if m.Type == "" || m.Type == "default" {
		m.Type = defaultVideo(d, t)
	}
	if first {
		m.Primary = "yes"
	} else {
		m.Primary = ""
	}
	if m.Type == "none" {
		v.Model = &xml.VideoModel{Type: "none"}
		return
	}
	if m.Heads == 0 && !t.built {
		m.Heads = 1
	}
	if m.Type == "qxl" && m.RAM == 0 {
		m.RAM = 64 * 1024
	}
	if m.VRAM == 0 {
		m.VRAM = defaultVRAM(d, m.Type, t)
	} else if t.QEMU != nil {
		m.VRAM = 1 << bits.Len(m.VRAM-1) // a power of two, as QEMU's cards have
	}
}

func defaultVideo(d *xml.Domain, t *Traits) string {
	if t.QEMU == nil && (isPPC64(d) && !isPSeries(d) || isARM(d) || isS390(d) || isRISCV(d) || isLoongArch(d)) {
		return "cirrus"
	}
	switch {
	case d.Type == "xen" && d.OS.Type.Text != "hvm" && d.OS.Type.Text != "xenpvh", d.OS.Type.Text == "linux", d.OS.Type.Text == "xen":
		return "xen"
	case d.Type == "vbox":
		return "vbox"
	case d.Type == "vmware":
		return "vmvga"
	case d.Type == "parallels", d.Type == "vz":
		return "parallels"
	case d.Type == "bhyve":
		return "gop"
	case isPPC64(d):
		return "vga"
	case madeUp(d):
		return "virtio"
	}
	return "cirrus"
}

func defaultVRAM(d *xml.Domain, kind string, t *Traits) uint {
	switch {
	case t.Driver == "vmware":
		return 4 * 1024
	case t.Driver == "xen" && kind == "cirrus" && d.OS.Type.Text == "hvm":
		return 8 * 1024
	}
	switch kind {
	case "virtio", "ramfb", "none", "gop":
		return 0
	case "xen":
		return 4 * 1024
	case "vga", "cirrus", "vmvga", "bochs":
		return 16 * 1024
	case "qxl":
		return 64 * 1024
	}
	return 0
}
