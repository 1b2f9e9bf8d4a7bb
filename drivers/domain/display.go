package domain

import "virgo/xml"

// graphics completes ports and where clients connect.
func graphics(d *xml.Domain, g *xml.Graphics, t *Traits) error {
	switch g.Type {
	case "vnc":
		if g.Connected != "" && g.Connected != "keep" {
			return unsupported("VNC supports connected='keep' only")
		}
		vncPorts(g)
	case "rdp":
		switch {
		case g.Port == nil || *g.Port == -1 || g.Autoport == "yes":
			g.Port, g.Autoport = ptr(0), "yes"
		case *g.Port == 0:
			g.Port, g.Autoport = nil, ""
		default:
			g.Autoport = ""
		}
	case "spice":
		spicePorts(g)
	}
	if g.Type == "vnc" || g.Type == "spice" || g.Type == "rdp" {
		listens(g)
	}
	return nil
}

func vncPorts(g *xml.Graphics) {
	if g.WebSocket != nil && *g.WebSocket == 0 {
		g.WebSocket = nil
	}
	if g.Port != nil && *g.Port == -1 {
		if g.Autoport == "no" {
			g.Port = nil
		} else {
			g.Autoport = "yes"
		}
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

// spicePorts: a display has automatic ports if it asks for them, or both are -1; their
// numbers are not kept.
func spicePorts(g *xml.Graphics) {
	number := func(p *int) int {
		if p == nil {
			return 0
		}
		return *p
	}
	port, tls := number(g.Port), number(g.TLSPort)
	g.Port, g.TLSPort = nil, nil
	if g.Autoport == "yes" || port == -1 && tls == -1 {
		g.Autoport = "yes"
		return
	}
	if port != 0 {
		g.Port = &port
	}
	if tls != 0 {
		g.TLSPort = &tls
	}
	g.Autoport = "no"
}

// listens mirrors the attributes in the first listen element.
func listens(g *xml.Graphics) {
	if len(g.Listens) == 0 {
		l := xml.GraphicsListen{Type: "address", Address: g.Listen}
		if g.Type == "vnc" && g.Socket != "" {
			l = xml.GraphicsListen{Type: "socket", Socket: g.Socket}
		}
		g.Listens = []xml.GraphicsListen{l}
	}
	first := &g.Listens[0]
	switch {
	case first.Type == "socket":
		setDefault(&first.Socket, xml.Plain(g.Socket))
	case g.Type == "vnc" && g.Socket != "" && first.Type != "none":
		*first = xml.GraphicsListen{Type: "socket", Socket: g.Socket}
	case first.Type == "address":
		setDefault(&first.Address, g.Listen)
	}
	if g.Type == "spice" && first.Type == "address" && g.Port == nil && g.TLSPort == nil && g.Autoport == "no" {
		*first = xml.GraphicsListen{Type: "none"}
	}
	g.Listen, g.Socket = "", ""
	switch first.Type {
	case "none":
		g.Port, g.Autoport, g.TLSPort, g.WebSocket = nil, "", nil, nil
	case "socket":
		g.Port, g.Autoport, g.TLSPort, g.WebSocket = nil, "", nil, nil
		if g.Type == "vnc" {
			g.Socket = first.Socket
		}
	default:
		g.Listen = first.Address
	}
}

// video completes a graphics card.
func video(d *xml.Domain, v *xml.Video, first bool, t *Traits) {
	if v.Model == nil {
		v.Model = &xml.VideoModel{Heads: 1}
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
		v.Model, v.Driver = &xml.VideoModel{Type: "none"}, nil
		v.Address, v.ACPI = nil, nil
		return
	}
	if m.Type == "qxl" && m.RAM == 0 {
		m.RAM = 64 * 1024
	}
	if m.VRAM == 0 {
		m.VRAM = defaultVRAM(d, m.Type, t)
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
