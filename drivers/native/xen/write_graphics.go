package xen

import (
	"strconv"
	"strings"

	"virgo/xml"
)

// display writes the first display: keys of its own for fully virtual guests, a
// framebuffer for others. Spice has its place further down.
func (w *writer) display(d *xml.Domain) error {
	if len(d.Devices.Graphics) == 0 {
		return nil
	}
	g := &d.Devices.Graphics[0]
	switch g.Type {
	case "vnc", "sdl":
		if w.hvm {
			w.keys(g)
		} else {
			w.framebuffer(g)
		}
	case "spice":
	default:
		return unsupported("unsupported graphics type '%s'", g.Type)
	}
	return nil
}

func (w *writer) keys(g *xml.Graphics) {
	w.Bool("sdl", g.Type == "sdl")
	w.Bool("vnc", g.Type == "vnc")
	if g.Type == "sdl" {
		w.optional("display", g.Display)
		w.optional("xauthority", g.XAuth)
		return
	}
	w.Bool("vncunused", auto(g))
	if !auto(g) {
		w.Num("vncdisplay", int64(*g.Port-5900))
	}
	w.optional("vnclisten", g.Listen)
	w.optional("vncpasswd", g.Passwd)
	w.optional("keymap", g.Keymap)
}

// auto tells whether the display's port is any free one.
func auto(g *xml.Graphics) bool {
	return g.Autoport == "yes" || g.Port == nil || *g.Port < 5900
}

func (w *writer) framebuffer(g *xml.Graphics) {
	parts := []string{"type=" + g.Type}
	add := func(key, value string) {
		if value != "" {
			parts = append(parts, key+"="+value)
		}
	}
	if g.Type == "sdl" {
		add("display", g.Display)
		add("xauthority", g.XAuth)
	} else {
		if auto(g) {
			add("vncunused", "1")
		} else {
			add("vncunused", "0")
			add("vncdisplay", strconv.Itoa(*g.Port-5900))
		}
		add("vnclisten", g.Listen)
		add("vncpasswd", g.Passwd)
		add("keymap", g.Keymap)
	}
	w.Strings("vfb", []string{strings.Join(parts, ",")})
}

func (w *writer) spice(d *xml.Domain) error {
	if len(d.Devices.Graphics) == 0 || !w.hvm || w.dialect == XM {
		return nil
	}
	g := &d.Devices.Graphics[0]
	if g.Type != "spice" {
		return nil
	}
	w.Bool("sdl", false)
	w.Bool("vnc", false)
	w.Bool("spice", true)
	w.optional("spicehost", g.Listen)
	num := func(p *int) int64 {
		if p == nil || *p < 0 {
			return 0
		}
		return int64(*p)
	}
	w.Num("spiceport", num(g.Port))
	w.Num("spicetls_port", num(g.TLSPort))
	w.Bool("spicedisable_ticketing", g.Passwd == "")
	w.optional("spicepasswd", g.Passwd)
	agent := false
	if m := g.Mouse; m != nil {
		agent = m.Mode == "client"
		w.Bool("spiceagent_mouse", agent)
		if agent {
			w.Bool("spicevdagent", true)
		}
	}
	if c := g.Clipboard; c != nil && c.CopyPaste == "yes" {
		w.Bool("spice_clipboard_sharing", true)
		if !agent {
			w.Bool("spicevdagent", true)
		}
	}
	return nil
}
