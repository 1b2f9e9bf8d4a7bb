package qemu

import (
	"path/filepath"
	"slices"
	"strings"

	"virgo/xml"
)

func (a *args) inputs() {
	for i := range a.d.Devices.Inputs {
		in := &a.d.Devices.Inputs[i]
		id := aliasOf(in.Alias)
		if in.Source == nil && in.Type == "evdev" {
			a.fail(xml.CodeInternal, "argument key 'evdev' must not have null value")
			return
		}
		switch {
		case in.Type == "evdev":
			s := in.Source
			p := newProps("qom-type", "input-linux").str("id", id).str("evdev", s.Dev).optFlag("repeat", string(s.Repeat))
			if s.Grab == "all" {
				p.flag("grab_all", true)
			}
			a.object(p.opt("grab-toggle", s.GrabToggle))
		case in.Bus == "usb":
			a.device(a.where(newProps("driver", "usb-"+map[string]string{"mouse": "mouse", "tablet": "tablet", "keyboard": "kbd"}[in.Type]).str("id", id), in.Address, in.ACPI))
		case in.Bus == "virtio" || in.Type == "passthrough":
			base := "virtio-" + in.Type
			if in.Type == "passthrough" {
				base = "virtio-input-host"
			}
			p := newProps("driver", a.virtioName(base, in.Model, in.Address))
			virtioFlags(p, in.Driver).str("id", id)
			if in.Type == "passthrough" && in.Source != nil {
				p.str("evdev", in.Source.EvDev)
			}
			a.device(a.where(p, in.Address, in.ACPI))
		}
	}
}

// audioDrivers are QEMU's names of audio backends.
var audioDrivers = map[string]string{"pulseaudio": "pa", "file": "wav"}

func (a *args) audio() {
	for i := range a.d.Devices.Audios {
		u := &a.d.Devices.Audios[i]
		driver := u.Type
		if d := audioDrivers[driver]; d != "" {
			driver = d
		}
		p := newProps("id", "audio"+utoa(u.ID)).str("driver", driver).optNum("timer-period", uint64(u.TimerPeriod)).
			optFlag("try-mmap", string(u.TryMMap)).optFlag("exclusive", string(u.Exclusive))
		if u.DSPPolicy != nil {
			p.int("dsp-policy", int64(*u.DSPPolicy))
		}
		p.opt("server", u.ServerName).opt("path", u.Path)
		if s := audioSide(u.Input); s != nil && len(s.b) > 0 {
			p.obj("in", s)
		}
		if s := audioSide(u.Output); s != nil && len(s.b) > 0 {
			p.obj("out", s)
		}
		a.add("-audiodev", p.String())
		a.audioEnvironment(u)
	}
}

// audioEnvironment is what a backend reads from the environment.
func (a *args) audioEnvironment(u *xml.Audio) {
	switch u.Type {
	case "sdl":
		if u.Driver != "" {
			a.env = append(a.env, "SDL_AUDIODRIVER="+u.Driver)
		}
	case "pipewire":
		if u.RuntimeDir != "" {
			a.env = append(a.env, "PIPEWIRE_RUNTIME_DIR="+u.RuntimeDir)
		} else if a.Sound != "" {
			a.env = append(a.env, a.Sound)
		}
	}
}

func audioSide(s *xml.AudioSide) *props {
	if s == nil {
		return nil
	}
	p := &props{}
	p.optFlag("mixing-engine", string(s.MixingEngine)).optFlag("fixed-settings", string(s.FixedSettings)).
		optNum("voices", uint64(s.Voices)).optNum("buffer-length", uint64(s.BufferLength))
	if t := s.Settings; t != nil {
		p.optNum("frequency", uint64(t.Frequency)).optNum("channels", uint64(t.Channels)).opt("format", t.Format)
	}
	return p.opt("dev", s.Dev).optNum("buffer-count", uint64(s.BufferCount)).optFlag("try-poll", string(s.TryPoll)).
		opt("server-name", s.ServerName).opt("client-name", s.ClientName).opt("connect-ports", s.ConnectPorts).optFlag("exact-name", string(s.ExactName)).
		opt("name", s.Name).opt("stream-name", s.StreamName).optNum("latency", uint64(s.Latency))
}

// audioOf is the number of the backend that a device uses: the one it names, or the first.
func (a *args) audioOf(ref *xml.AudioRef) uint {
	if ref != nil {
		return ref.ID
	}
	if len(a.d.Devices.Audios) > 0 {
		return a.d.Devices.Audios[0].ID
	}
	a.fail(xml.CodeInternal, "unable to find audio backend for sound device")
	return 0
}

func (a *args) audiodev(ref *xml.AudioRef) string { return "audio" + utoa(a.audioOf(ref)) }

func (a *args) graphics() {
	seen := map[string]bool{}
	for i := range a.d.Devices.Graphics {
		if kind := a.d.Devices.Graphics[i].Type; seen[kind] {
			a.fail(xml.CodeConfigUnsupported, "only 1 graphics device of each type (sdl, vnc, spice, headless, dbus, rdp) is supported")
		} else {
			seen[kind] = true
		}
	}
	for i := range a.d.Devices.Graphics {
		g := &a.d.Devices.Graphics[i]
		switch g.Type {
		case "vnc":
			a.vnc(g)
		case "sdl":
			a.sdl(g)
		case "egl-headless":
			a.add("-display", "egl-headless"+a.renderNode(g.GL))
		case "dbus":
			a.dbus(g)
		default:
			a.fail(xml.CodeConfigUnsupported, "%s graphics are not supported with this QEMU", g.Type)
		}
	}
}

// renderNodes looks for the host's card for the displays that are drawn with one and
// name none.
func (a *args) renderNodes() {
	for i := range a.d.Devices.Graphics {
		g := &a.d.Devices.Graphics[i]
		drawn := g.Type == "egl-headless" || g.Type == "dbus" && g.GL != nil && isOn(g.GL.Enable)
		if !drawn || g.GL != nil && g.GL.RenderNode != "" || a.RenderNode == nil {
			continue
		}
		if a.render, a.err = a.RenderNode(); a.err != nil {
			return
		}
	}
}

// renderNode is the card that a display is drawn with.
func (a *args) renderNode(gl *xml.GraphicsGL) string {
	node := a.render
	if gl != nil && gl.RenderNode != "" {
		node = gl.RenderNode
	}
	if node == "" {
		return ""
	}
	return ",rendernode=" + escapeComma(node)
}

func (a *args) sdl(g *xml.Graphics) {
	if g.XAuth != "" {
		a.env = append(a.env, "XAUTHORITY="+g.XAuth)
	}
	if g.Display != "" {
		a.env = append(a.env, "DISPLAY="+g.Display)
	}
	opt := "sdl"
	if g.GL != nil && g.GL.Enable != "" {
		opt += ",gl=" + onOff(isOn(g.GL.Enable))
	}
	if isOn(g.Fullscreen) {
		a.add("-full-screen")
	}
	a.add("-display", opt)
}

func (a *args) dbus(g *xml.Graphics) {
	opt := "dbus"
	if isOn(g.P2P) {
		opt += ",p2p=on"
	} else if g.Address != "" {
		opt += ",addr=" + escapeComma(g.Address)
	} else if !a.Live { // else the user's own bus, since no other is started
		opt += ",addr=unix:path=" + escapeComma(filepath.Join(a.Layout.Run, "dbus", filepath.Base(a.libDir())[len("domain-"):]+"-dbus.sock"))
	}
	if g.GL != nil && g.GL.Enable != "" {
		opt += ",gl=" + onOff(isOn(g.GL.Enable))
		if isOn(g.GL.Enable) || g.GL.RenderNode != "" {
			opt += a.renderNode(g.GL)
		}
	}
	if g.Audio != nil {
		if !slices.ContainsFunc(a.d.Devices.Audios, func(u xml.Audio) bool { return u.ID == g.Audio.ID }) {
			a.fail(xml.CodeInternal, "unable to find audio backend for sound device")
		}
		opt += ",audiodev=" + a.audiodev(g.Audio)
	}
	a.add("-display", opt)
}

// displaySocket is the socket of a display that names none.
func (a *args) displaySocket(g *xml.Graphics) string {
	return filepath.Join(a.libDir(), g.Type+".sock")
}

func (a *args) vnc(g *xml.Graphics) {
	if len(g.Listens) > 1 {
		a.fail(xml.CodeConfigUnsupported, "QEMU does not support multiple listens for one graphics device.")
		return
	}
	var listen xml.GraphicsListen
	if len(g.Listens) > 0 {
		listen = g.Listens[0]
	}
	opt := ""
	switch {
	case listen.Type == "socket" || g.Socket != "":
		path := listen.Socket
		if path == "" {
			path = g.Socket
		}
		if xml.Plain(path) == "" {
			path = a.displaySocket(g)
		}
		opt = "vnc=unix:" + escapeComma(path)
	case listen.Type == "none":
		opt = "none"
	default:
		address := listen.Address
		if address == "" {
			address = g.Listen
		}
		if address == "" {
			address = "127.0.0.1"
		}
		if strings.Contains(address, ":") {
			address = "[" + address + "]"
		}
		port := 5900
		if g.Port != nil && !isOn(g.Autoport) {
			port = *g.Port
		}
		if port < 5900 || port > 65535 || g.Port == nil && g.Autoport == "no" {
			a.fail(xml.CodeConfigUnsupported, "vnc port must be in range [5900,65535]")
			return
		}
		opt = address + ":" + itoa(port-5900)
		if a.Live && isOn(g.Autoport) {
			opt += ",to=" + itoa(65535-5900) // the first that is free
		}
		if g.WebSocket != nil {
			ws := itoa(*g.WebSocket)
			if *g.WebSocket < 0 && a.Live {
				ws = "on" // as far above 5700 as the display's port is above 5900
			}
			opt += ",websocket=" + ws
		}
	}
	if g.SharePolicy != "" {
		opt += ",share=" + g.SharePolicy
	}
	switch {
	case g.Passwd == "":
	case a.ByHand:
		id := "vnc-secret" + itoa(len(a.words))
		a.secret(id, xml.Plain(g.Passwd))
		opt += ",password-secret=" + id
	default: // the watcher tells QEMU over its monitor
		opt += ",password=on"
	}
	if g.PowerControl != "" {
		opt += ",power-control=" + onOff(isOn(g.PowerControl))
	}
	opt += ",audiodev=" + a.audiodev(g.Audio)
	a.add("-vnc", opt)
	if g.Keymap != "" {
		a.add("-k", g.Keymap)
	}
}

// videoDrivers are QEMU's names of video cards: as the primary one, and as another.
var videoDrivers = map[string][2]string{"vga": {"VGA", "secondary-vga"}, "cirrus": {"cirrus-vga", ""}, "vmvga": {"vmware-svga", ""}, "qxl": {"qxl-vga", "qxl"},
	"virtio": {"virtio-vga", "virtio-gpu"}, "bochs": {"bochs-display", ""}, "ramfb": {"ramfb", ""}}

func (a *args) videos() {
	for i := range a.d.Devices.Videos {
		v := &a.d.Devices.Videos[i]
		if v.Model == nil || v.Model.Type == "none" {
			continue
		}
		names := videoDrivers[v.Model.Type]
		driver := names[0]
		if i > 0 && names[1] != "" {
			driver = names[1]
		}
		if driver == "virtio-gpu" || v.Model.Type == "virtio" && !a.Emulator.Has("virtio-vga") {
			driver = a.virtioName("virtio-gpu", "", v.Address)
		} else if v.Model.Type == "virtio" {
			a.virtioSuffix(driver, v.Address)
		}
		if driver == "" {
			a.fail(xml.CodeConfigUnsupported, "domain configuration does not support video model '%s'", v.Model.Type)
			return
		}
		p := newProps("driver", driver)
		if d := v.Driver; d != nil {
			p.virtio(d.IOMMU, d.ATS, d.Packed, d.PagePerVQ)
		}
		if v.Model.Acceleration != nil && isOn(v.Model.Acceleration.Accel3D) && a.Emulator.Has("virtio-vga-gl") && v.Model.Type == "virtio" {
			p = newProps("driver", strings.Replace(driver, "virtio-vga", "virtio-vga-gl", 1))
		}
		p.str("id", aliasOf(v.Alias))
		a.videoMemory(p, v.Model)
		a.device(a.where(p, v.Address, v.ACPI))
	}
}

func (a *args) videoMemory(p *props, m *xml.VideoModel) {
	switch m.Type {
	case "qxl":
		p.optNum("ram_size", uint64(m.RAM)*1024).optNum("vram_size", uint64(m.VRAM)*1024).num("vram64_size_mb", uint64(m.VRAM64)/1024).
			optNum("vgamem_mb", uint64(m.VGAMem)/1024).optNum("max_outputs", uint64(m.Heads))
	case "virtio":
		p.optNum("max_outputs", uint64(m.Heads)).optFlag("blob", string(m.Blob))
	case "vga", "vmvga":
		if m.VRAM > 0 {
			p.num("vgamem_mb", uint64(m.VRAM)/1024)
		}
	case "bochs":
		if m.VRAM > 0 {
			p.num("vgamem", uint64(m.VRAM)*1024)
		}
	}
	p.optFlag("edid", string(m.EDID))
	if r := m.Resolution; r != nil {
		p.num("xres", uint64(r.X)).num("yres", uint64(r.Y))
	}
}

func (a *args) sounds() {
	for i := range a.d.Devices.Sounds {
		s := &a.d.Devices.Sounds[i]
		id := aliasOf(s.Alias)
		audio := a.audiodev(s.Audio)
		switch s.Model {
		case "pcspk":
		case "usb":
			p := newProps("driver", "usb-audio").str("id", id).str("audiodev", audio).optFlag("multi", string(s.MultiChannel))
			a.device(a.where(p, s.Address, s.ACPI))
		case "ich6", "ich7", "ich9":
			driver := map[string]string{"ich6": "intel-hda", "ich7": "ich7-intel-hda", "ich9": "ich9-intel-hda"}[s.Model]
			a.device(a.where(newProps("driver", driver).str("id", id), s.Address, s.ACPI))
			a.codecs(s, id, audio)
		case "virtio":
			p := newProps("driver", a.virtioName("virtio-sound", "", s.Address))
			virtioFlags(p, s.Driver).str("id", id).str("audiodev", audio).optNum("streams", uint64(s.Streams))
			a.device(a.where(p, s.Address, s.ACPI))
		default:
			driver := map[string]string{"es1370": "ES1370", "ac97": "AC97"}[s.Model]
			if driver == "" {
				driver = s.Model
			}
			a.device(a.where(newProps("driver", driver).str("id", id).str("audiodev", audio), s.Address, s.ACPI))
		}
	}
}

func (a *args) codecs(s *xml.Sound, id, audio string) {
	list := s.Codecs
	if len(list) == 0 {
		list = []xml.SoundCodec{{Type: "duplex"}}
	}
	for n, c := range list {
		a.device(newProps("driver", "hda-"+c.Type).str("id", id+"-codec"+itoa(n)).str("bus", id+".0").num("cad", uint64(n)).str("audiodev", audio))
	}
}
