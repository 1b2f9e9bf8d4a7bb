package xen

import (
	"strconv"

	"virgo/drivers/native/conf"
	"virgo/xml"
)

// graphics reads the display: keys of their own for fully virtual guests, a
// framebuffer's description for others.
func (r *reader) graphics(d *xml.Domain) error {
	g, err := r.framebuffer()
	if r.hvm {
		g, err = r.spice()
		if err == nil && g == nil {
			g, err = r.display()
		}
	}
	if err == nil && g != nil {
		d.Devices.Graphics = []xml.Graphics{*g}
	}
	return err
}

func (r *reader) display() (*xml.Graphics, error) {
	vnc, err := r.flag("vnc", false)
	if err != nil {
		return nil, err
	}
	sdl, err := r.flag("sdl", false)
	if err != nil {
		return nil, err
	}
	switch {
	case vnc:
		g := &xml.Graphics{Type: "vnc"}
		unused, err := r.flag("vncunused", true)
		if err != nil {
			return nil, err
		}
		display := uint64(0)
		if !unused {
			if display, err = r.number("vncdisplay", 0); err != nil {
				return nil, err
			}
		}
		port(g, unused, display)
		if err := r.texts("vnclisten", &g.Listen, "keymap", &g.Keymap); err != nil {
			return nil, err
		}
		return g, r.strs("vncpasswd", &g.Passwd)
	case sdl:
		g := &xml.Graphics{Type: "sdl"}
		return g, r.texts("display", &g.Display, "xauthority", &g.XAuth)
	}
	return nil, nil
}

func port(g *xml.Graphics, unused bool, display uint64) {
	p := -1
	if g.Autoport = "yes"; !unused {
		p, g.Autoport = int(min(display, 1<<31-5901))+5900, "no"
	}
	g.Port = &p
}

// framebuffer reads the first one's description.
func (r *reader) framebuffer() (*xml.Graphics, error) {
	list, v := r.strings("vfb"), r.Get("vfb")
	switch {
	case v == nil || v.Kind != conf.List:
		return nil, nil
	case len(list) < len(v.List):
		return nil, r.fail("vfb", notStrings("vfb"))
	case len(list) == 0 && r.dialect == XL:
		return &xml.Graphics{Type: "sdl"}, nil
	case len(list) == 0:
		return &xml.Graphics{Type: "vnc", Autoport: "no"}, nil
	}
	g := &xml.Graphics{Type: "vnc", Autoport: "no"}
	parts := fields(list[0].Text)
	for _, f := range parts {
		if f.key == "type" && f.value == "sdl" {
			g.Type, g.Autoport = "sdl", ""
		}
	}
	for _, f := range parts {
		if g.Type == "sdl" {
			switch f.key {
			case "display":
				g.Display = f.value
			case "xauthority":
				g.XAuth = f.value
			}
			continue
		}
		switch f.key {
		case "vncunused":
			if f.value == "1" {
				port(g, true, 0)
			}
		case "vncdisplay":
			n, err := strconv.ParseUint(f.value, 10, 31)
			if err != nil {
				return nil, r.At(internal("invalid vncdisplay value '%s'", f.value), &list[0])
			}
			if g.Autoport == "no" {
				port(g, false, n)
			}
		case "vnclisten":
			g.Listen = stated(f.value)
		case "vncpasswd":
			g.Passwd = f.value
		case "keymap":
			g.Keymap = f.value
		}
	}
	return g, nil
}

func (r *reader) spice() (*xml.Graphics, error) {
	on, err := r.flag("spice", false)
	if err != nil || !on || r.dialect == XM {
		return nil, err
	}
	g := &xml.Graphics{Type: "spice", Autoport: "yes"}
	if err := r.texts("spicehost", &g.Listen); err != nil {
		return nil, err
	}
	for _, p := range []struct {
		name string
		to   **int
	}{{"spiceport", &g.Port}, {"spicetls_port", &g.TLSPort}} {
		n, err := r.number(p.name, 0)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			v := int(int32(n))
			*p.to, g.Autoport = &v, "no"
		}
	}
	free, err := r.flag("spicedisable_ticketing", false)
	if err != nil {
		return nil, err
	}
	if !free {
		if g.Passwd, err = r.need("spicepasswd"); err != nil {
			return nil, err
		}
	}
	return g, r.agent(g)
}

// agent reads what the program in the guest may do.
func (r *reader) agent(g *xml.Graphics) error {
	client, err := r.flag("spiceagent_mouse", false)
	if err != nil {
		return err
	}
	g.Mouse = &xml.SpiceMouse{Mode: "server"}
	if client {
		g.Mouse.Mode = "client"
	}
	share, err := r.flag("spice_clipboard_sharing", false)
	g.Clipboard = &xml.SpiceCopyPaste{CopyPaste: yesNo(share)}
	return err
}
