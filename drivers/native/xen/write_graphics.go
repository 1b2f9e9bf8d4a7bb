package xen

import (
	"strconv"
	"strings"

	"virgo/xml"
)

// setting is a key of a display with its value.
type setting struct {
	key, text string
	num       *int // in place of text
}

// display writes a domain's only display: keys of its own for fully virtual
// guests, a framebuffer for others. All but SDL's is taken for VNC's; Spice has
// its place further down.
func (w *writer) display(d *xml.Domain) error {
	if len(d.Devices.Graphics) != 1 || d.Devices.Graphics[0].Type == "spice" {
		return nil
	}
	g := &d.Devices.Graphics[0]
	sdl := g.Type == "sdl"
	list := w.displaySettings(g)
	if !w.hvm {
		kind := "vnc"
		if sdl {
			kind = "sdl"
		}
		parts := []string{"type=" + kind}
		for _, s := range list {
			if s.num != nil {
				s.text = strconv.Itoa(*s.num)
			}
			parts = append(parts, s.key+"="+s.text)
		}
		w.Strings("vfb", []string{strings.Join(parts, ",")})
		return nil
	}
	w.Bool("sdl", sdl)
	w.Bool("vnc", !sdl)
	for _, s := range list {
		if s.num != nil {
			w.Num(s.key, int64(*s.num))
		} else {
			w.Str(s.key, s.text)
		}
	}
	return nil
}

// displaySettings are those of a display that is not Spice's.
func (w *writer) displaySettings(g *xml.Graphics) []setting {
	var list []setting
	n := w.written("graphics", 0)
	text := func(key, attr, value string) {
		if value, ok := given(n, attr, value); ok {
			list = append(list, setting{key: key, text: value})
		}
	}
	if g.Type == "sdl" {
		text("display", "display", g.Display)
		text("xauthority", "xauth", g.XAuth)
		return list
	}
	port, auto := w.vncPort(g, n)
	unused, number := 0, port-5900
	if auto {
		unused = 1
	}
	list = append(list, setting{key: "vncunused", num: &unused})
	if !auto {
		list = append(list, setting{key: "vncdisplay", num: &number})
	}
	if g.Type != "vnc" {
		return list
	}
	if g.Listen != "" {
		list = append(list, setting{key: "vnclisten", text: g.Listen})
	}
	text("vncpasswd", "passwd", g.Passwd)
	text("keymap", "keymap", g.Keymap)
	return list
}

// vncPort is a display's port, 0 if it has none, and whether any free one will do.
// What was written counts: a port of -1 is none that will do only without a
// word about autoport.
func (w *writer) vncPort(g *xml.Graphics, n *xml.Node) (port int, auto bool) {
	if g.Type != "vnc" {
		return 0, false
	}
	if w.doc == nil {
		if g.Port != nil && *g.Port != -1 {
			port = *g.Port
		}
		return port, g.Autoport == "yes" || g.Port == nil || *g.Port == -1
	}
	text, ok := n.Attr("port")
	port, _ = strconv.Atoi(text)
	if !ok || port == -1 {
		port, auto = 0, true
	}
	if word, _ := n.Attr("autoport"); word == "yes" || word == "no" { // other words count for nothing
		auto = word == "yes"
	}
	return port, auto
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
	n := w.written("graphics", 0)
	w.Num("spiceport", w.spicePort(n, "port", g.Port))
	w.Num("spicetls_port", w.spicePort(n, "tlsPort", g.TLSPort))
	passwd, ok := given(n, "passwd", g.Passwd)
	w.Bool("spicedisable_ticketing", !ok)
	if ok {
		w.Str("spicepasswd", passwd)
	}
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

// spicePort is a port of Spice, as it was written unless any will do. 0: none.
func (w *writer) spicePort(n *xml.Node, attr string, port *int) int64 {
	if w.doc == nil {
		if port == nil || *port < 0 {
			return 0
		}
		return int64(*port)
	}
	number := func(attr string) int64 {
		text, _ := n.Attr(attr)
		v, _ := strconv.ParseInt(text, 10, 64)
		return v
	}
	word, ok := n.Attr("autoport")
	if word == "yes" || !ok && (number("port") == -1 || number("tlsPort") == -1) {
		return 0
	}
	return number(attr)
}
