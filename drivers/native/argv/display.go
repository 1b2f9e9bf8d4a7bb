package argv

import (
	"strconv"
	"strings"

	"virgo/xml"
)

func (r *reader) optOldDisplay(w word) {
	r.displays = append(r.displays, &props{option: "-display", line: w.line, list: []property{{key: "type", value: w.name[1:]}}})
}

// graphics reads how the screen is seen.
func (r *reader) graphics() {
	for _, p := range r.displays {
		if p.has("vnc") {
			r.vncs = append(r.vncs, p)
			continue
		}
		r.display(p)
	}
	for _, p := range r.vncs {
		r.vnc(p)
	}
	for _, p := range r.spices {
		r.spice(p)
	}
	if len(r.displays)+len(r.vncs)+len(r.spices) == 0 && !r.nographic {
		if r.isPSeries() && len(r.d.Devices.Videos) == 0 {
			r.note("left out: QEMU's own window (the guest has no graphics card)")
		} else {
			r.window("QEMU's own window")
		}
	}
	if r.keymap != "" {
		found := false
		for i := range r.d.Devices.Graphics {
			if g := &r.d.Devices.Graphics[i]; g.Type == "vnc" || g.Type == "spice" {
				g.Keymap, found = r.keymap, true
			}
		}
		if !found {
			r.note("left out: -k %s (%s)", r.keymap, ownWindow)
		}
	}
	if len(r.d.Devices.Videos) == 0 && len(r.d.Devices.Graphics) > 0 {
		r.d.Devices.Videos = []xml.Video{{Model: &xml.VideoModel{Type: "none"}}}
	}
}

// window stands for a window of the program: VNC on this host alone.
func (r *reader) window(what string) {
	auto := -1
	r.d.Devices.Graphics = append(r.d.Devices.Graphics, xml.Graphics{Type: "vnc", Port: &auto, Autoport: "yes",
		Listens: []xml.GraphicsListen{{Type: "address", Address: "127.0.0.1"}}})
	r.note("%s became VNC on 127.0.0.1: vncdisplay tells where", what)
}

func (r *reader) display(p *props) {
	g := xml.Graphics{Type: p.take("type")}
	switch kind := g.Type; kind {
	case "none":
		r.leftovers(p)
		return
	case "sdl":
		g.Display, g.XAuth = r.variable("DISPLAY"), r.variable("XAUTHORITY")
		if r.fullScreen || p.isOn("full-screen") {
			g.Fullscreen = "yes"
		}
		if v := p.yesNo("gl"); v != "" {
			g.GL = &xml.GraphicsGL{Enable: v}
		}
	case "egl-headless":
		if node := p.take("rendernode"); node != "" {
			g.GL = &xml.GraphicsGL{RenderNode: node}
		}
	case "dbus":
		g.P2P = p.yesNo("p2p")
		g.Address = p.take("addr")
		if v := p.yesNo("gl"); v != "" {
			g.GL = &xml.GraphicsGL{Enable: v, RenderNode: p.take("rendernode")}
		}
		if id := p.take("audiodev"); id != "" {
			g.Audio = r.audioRef(id)
		}
	case "spice-app":
		r.spice(&props{option: p.option, line: p.line, list: []property{{key: "gl", value: p.take("gl")}, {key: "unix", value: "on"}}})
		return
	default:
		r.window("-display " + kind)
		for _, key := range p.left() {
			r.note("left out: -display %s=%s (%s)", key, p.peek(key), ownWindow)
		}
		return
	}
	for _, key := range p.left() {
		r.note("left out: -display %s=%s (%s)", key, p.peek(key), ownWindow)
	}
	r.d.Devices.Graphics = append(r.d.Devices.Graphics, g)
}

// variable is one of the environment, as the script or the user has it.
func (r *reader) variable(name string) string {
	if c := r.d.QEMUCommandline; c != nil {
		for _, e := range c.Env {
			if e.Name == name && e.Value != nil {
				return *e.Value
			}
		}
	}
	if r.o.Env != nil {
		v, _ := r.o.Env(name)
		return v
	}
	return ""
}

// vnc reads [HOST]:DISPLAY or unix:PATH with its options.
func (r *reader) vnc(p *props) {
	g := xml.Graphics{Type: "vnc"}
	at := p.take("vnc")
	path, isPath := strings.CutPrefix(at, "unix:")
	switch {
	case at == "none" || at == "":
		g.Listens = []xml.GraphicsListen{{Type: "none"}}
		if at == "none" && len(p.left()) == 0 {
			return
		}
	case isPath:
		g.Listens = []xml.GraphicsListen{{Type: "socket", Socket: r.absolute(path)}}
	default:
		host, display := hostPort(at)
		n, err := strconv.Atoi(display)
		if err != nil || n < 0 || n > 65535-5900 {
			r.fail(p, "'%s' is no display", at)
			return
		}
		n += 5900
		if g.Port = &n; p.has("to") {
			p.take("to")
			n = -1
		}
		g.Autoport = map[bool]xml.YesNo{true: "yes", false: "no"}[n == -1]
		if host == "" {
			host = "0.0.0.0"
		}
		g.Listens = []xml.GraphicsListen{{Type: "address", Address: host}}
	}
	g.SharePolicy = p.take("share")
	g.PowerControl = p.yesNo("power-control")
	if id := p.take("audiodev"); id != "" {
		g.Audio = r.audioRef(id)
	}
	switch ws := p.take("websocket"); {
	case ws == "on":
		auto := -1
		g.WebSocket = &auto
	case ws != "" && ws != "off":
		if n, err := strconv.Atoi(ws[strings.LastIndexByte(ws, ':')+1:]); err == nil {
			g.WebSocket = &n
		}
	}
	for _, key := range []string{"password", "password-secret", "sasl", "tls-creds", "tls", "x509"} {
		if v := p.take(key); v != "" && v != "off" {
			r.keepLocal(&g, p.option, key, v)
		}
	}
	r.leftovers(p)
	r.d.Devices.Graphics = append(r.d.Devices.Graphics, g)
}

// keepLocal: what protected the screen cannot be said, so that it is not shown
// to the network.
func (r *reader) keepLocal(g *xml.Graphics, option, key, value string) {
	for i := range g.Listens {
		if g.Listens[i].Type == "address" {
			g.Listens[i].Address = "127.0.0.1"
		}
	}
	r.note("left out: %s %s=%s; the screen is shown on 127.0.0.1 only until its protection is defined (passwd='...')", option, key, value)
}

func (r *reader) spice(p *props) {
	g := xml.Graphics{Type: "spice", Autoport: "no"}
	host := p.take("addr")
	port, hasPort := p.number("port")
	tls, hasTLS := p.number("tls-port")
	for _, v := range []struct {
		n  uint64
		ok bool
		to **int
	}{{port, hasPort, &g.Port}, {tls, hasTLS, &g.TLSPort}} {
		if n := int(v.n); v.ok && n > 0 && n < 1<<16 {
			*v.to = &n
		}
	}
	switch {
	case p.isOn("unix"):
		g.Autoport = ""
		g.Listens = []xml.GraphicsListen{{Type: "socket", Socket: r.absolute(host)}}
	case !hasPort && !hasTLS:
		g.Autoport = ""
		g.Listens = []xml.GraphicsListen{{Type: "none"}}
	default:
		if host == "" {
			host = "0.0.0.0"
		}
		g.Listens = []xml.GraphicsListen{{Type: "address", Address: host}}
	}
	p.take("ipv4", "ipv6", "disable-ticketing", "seamless-migration", "playback-compression-level", "unix")
	g.Passwd = p.take("password")
	if c := p.take("image-compression"); c != "" {
		g.Image = &xml.SpiceImage{Compression: c}
	}
	for _, v := range []struct {
		key string
		to  **xml.SpiceCompression
	}{{"jpeg-wan-compression", &g.JPEG}, {"zlib-glz-wan-compression", &g.Zlib}} {
		if c := p.take(v.key); c != "" {
			*v.to = &xml.SpiceCompression{Compression: c}
		}
	}
	if c := p.take("playback-compression"); c != "" {
		g.Playback = &xml.SpicePlayback{Compression: xml.OnOff(c)}
	}
	if v := p.take("streaming-video"); v != "" {
		g.Streaming = &xml.SpiceStreaming{Mode: v}
	}
	if v := p.onOff("agent-mouse"); v != "" {
		g.Mouse = &xml.SpiceMouse{Mode: map[xml.OnOff]string{"on": "client", "off": "server"}[v]}
	}
	if p.isOn("disable-copy-paste") {
		g.Clipboard = &xml.SpiceCopyPaste{CopyPaste: "no"}
	}
	if p.isOn("disable-agent-file-xfer") {
		g.FileTransfer = &xml.SpiceEnable{Enable: "no"}
	}
	if v := p.yesNo("gl"); v == "yes" {
		g.GL = &xml.GraphicsGL{Enable: v, RenderNode: p.take("rendernode")}
	}
	p.take("gl")
	for i := range p.list {
		f := &p.list[i]
		if f.key == "tls-channel" || f.key == "plaintext-channel" {
			f.used = true
			g.Channels = append(g.Channels, xml.GraphicsChannel{Name: f.value, Mode: map[string]string{"tls-channel": "secure", "plaintext-channel": "insecure"}[f.key]})
		}
	}
	for _, key := range []string{"password-secret", "sasl"} {
		if v := p.take(key); v != "" && v != "off" {
			r.keepLocal(&g, p.option, key, v)
		}
	}
	r.leftovers(p)
	r.d.Devices.Graphics = append(r.d.Devices.Graphics, g)
}

// videoModels are the cards that XML has: the first one, and further ones.
var videoModels = []struct {
	driver, model string
	further       bool
}{
	{"VGA", "vga", false}, {"bochs-display", "bochs", false}, {"cirrus-vga", "cirrus", false}, {"qxl", "qxl", true}, {"qxl-vga", "qxl", false}, {"ramfb", "ramfb", false},
	{"virtio-gpu", "virtio", true}, {"virtio-gpu-gl", "virtio", true}, {"virtio-vga", "virtio", false}, {"virtio-vga-gl", "virtio", false},
	{"vmware-svga", "vmvga", false},
}

func (r *reader) video(d *device) func() {
	m := &xml.VideoModel{}
	further := false
	for _, v := range videoModels {
		if v.driver == d.driver || v.driver == d.base && m.Type == "" {
			m.Type, further = v.model, v.further
		}
	}
	plain := !r.isX86() && !r.isPSeries() && !strings.HasPrefix(r.arch(), "riscv") // whose first card has no VGA
	if further && plain && m.Type == "virtio" {
		further = len(r.d.Devices.Videos) > 0
	}
	if further != (len(r.d.Devices.Videos) > 0) && m.Type != "ramfb" && m.Type != "bochs" {
		return nil // in XML the first is the one with VGA
	}
	v := xml.Video{Model: m, ACPI: d.acpiIndex()}
	if s := d.virtioDriver(); s != nil {
		v.Driver = &xml.VideoDriver{IOMMU: s.IOMMU, ATS: s.ATS, Packed: s.Packed, PagePerVQ: s.PagePerVQ}
	}
	mb := func(key string) uint { return d.uint(key) * 1024 }
	switch m.Type {
	case "vga", "vmvga":
		m.VRAM = mb("vgamem_mb")
	case "bochs":
		m.VRAM = uint(d.bytes("vgamem", 'b') >> 10)
	case "qxl":
		m.VGAMem, m.VRAM64, m.Heads = mb("vgamem_mb"), mb("vram64_size_mb"), d.uint("max_outputs")
		m.RAM, m.VRAM = uint(d.bytes("ram_size", 'b')>>10), uint(d.bytes("vram_size", 'b')>>10)
		if n := mb("ram_size_mb"); n > 0 {
			m.RAM = n
		}
		if n := mb("vram_size_mb"); n > 0 {
			m.VRAM = n
		}
	case "virtio":
		m.Heads, m.Blob = d.uint("max_outputs"), d.onOff("blob")
		if strings.Contains(d.driver, "-gl") || d.isOn("virgl") {
			m.Acceleration = &xml.VideoAccel{Accel3D: "yes"}
		}
	}
	m.EDID = d.onOff("edid")
	if x, y := d.uint("xres"), d.uint("yres"); x > 0 && y > 0 {
		m.Resolution = &xml.Resolution{X: x, Y: y}
	}
	v.Address = d.address()
	d.variant()
	return func() { r.d.Devices.Videos = append(r.d.Devices.Videos, v) }
}
