package argv

import (
	"fmt"
	"strconv"
	"strings"

	"virgo/drivers/native/shell"
	"virgo/xml"
)

// optPort is -serial and -parallel: a port of the board.
func (r *reader) optPort(w word) {
	to := &r.serials
	if w.name == "-parallel" {
		to = &r.parallels
	}
	if w.arg == "none" {
		*to = append(*to, nil)
		return
	}
	p := r.oldChardev(w)
	*to = append(*to, p)
}

// optDebugConsole is -debugcon, a short way to write a device.
func (r *reader) optDebugConsole(w word) {
	p := r.oldChardev(w)
	if p == nil {
		return
	}
	id := p.take("chardev")
	if id == "" {
		id = "debugcon"
		p.list = append(p.list, property{key: "id", value: id})
		r.chardevs = append(r.chardevs, p)
	}
	r.devices = append(r.devices, build(w.name, w.line, "driver", "isa-debugcon", "chardev", id))
}

// oldChardev reads the host's side of a port as -serial has it: pty,
// tcp:host:port,server=on, /dev/ttyS0, chardev:id ...
func (r *reader) oldChardev(w word) *props {
	text := w.arg
	if id, ok := strings.CutPrefix(text, "chardev:"); ok {
		return &props{option: w.name, line: w.line, list: []property{{key: "chardev", value: id}}}
	}
	if rest, ok := strings.CutPrefix(text, "mon:"); ok {
		r.note("left out: the monitor of %s %s (%s)", w.name, text, ownMonitor)
		text = rest
	}
	p := &props{option: "-chardev", line: w.line}
	add := func(key, value string) { p.list = append(p.list, property{key: key, value: value}) }
	kind, rest, _ := strings.Cut(text, ":")
	switch kind {
	case "file", "pipe":
		add("backend", kind)
		add("path", rest)
	case "tcp", "telnet", "websocket", "unix":
		parts := shell.SplitCommas(rest)
		add("backend", "socket")
		if kind == "unix" {
			add("path", parts[0])
		} else {
			host, port := hostPort(parts[0])
			add("host", host)
			add("port", port)
		}
		if kind == "telnet" || kind == "websocket" {
			add(kind, "on")
		}
		for _, o := range parts[1:] {
			key, value, ok := strings.Cut(o, "=")
			if !ok {
				key, value = strings.TrimPrefix(o, "no"), onOff(!strings.HasPrefix(o, "no"))
			}
			add(key, value)
		}
	case "udp":
		remote, local, _ := strings.Cut(rest, "@")
		add("backend", "udp")
		host, port := hostPort(remote)
		add("host", host)
		add("port", port)
		if local != "" {
			host, port = hostPort(local)
			add("localaddr", host)
			add("localport", port)
		}
	case "vc", "pty", "stdio", "null", "msmouse", "braille", "testdev", "con":
		add("backend", kind)
	default:
		if !strings.HasPrefix(text, "/dev/") {
			r.err = w.fail("'" + w.arg + "' is not known")
			return nil
		}
		add("backend", map[bool]string{true: "parallel", false: "serial"}[w.name == "-parallel"])
		add("path", text)
	}
	id := fmt.Sprintf("%s%d", w.name[1:], len(r.chardevs))
	p.list = append(p.list[:1], append([]property{{key: "id", value: id}}, p.list[1:]...)...)
	r.chardevs = append(r.chardevs, p)
	return p
}

// source is the host's side of a character device; false if XML has none like it.
func (r *reader) source(d *device, id string) (xml.CharSource, bool) {
	p := byID(r.chardevs, id)
	if p == nil {
		r.fail(d.props, "%s: there is no chardev '%s'", d.driver, id)
		return xml.CharSource{}, false
	}
	d.deps = append(d.deps, p)
	return r.charSource(p)
}

func (r *reader) charSource(p *props) (xml.CharSource, bool) {
	p.take("id", "mux") // several users of one: the monitors are left out
	s := xml.CharSource{}
	if log := p.take("logfile"); log != "" {
		s.Log = &xml.CharLog{File: r.absolute(log), Append: p.onOff("logappend")}
		if s.Log.Append == "" {
			s.Log.Append = "off"
		}
	}
	ok := true
	switch kind := p.take("backend"); kind {
	case "null", "pty":
		s.Type = kind
	case "vc", "stdio":
		p.take("width", "height", "cols", "rows", "signal")
		r.note("a window or terminal of QEMU's became a pty: console shows it")
		s.Type = "pty"
	case "serial", "parallel", "tty", "parport":
		s.Type, s.Path = "dev", p.take("path")
	case "file":
		s.Type, s.Path, s.Append = "file", r.absolute(p.take("path")), p.onOff("append")
	case "pipe":
		s.Type, s.Path = "pipe", r.absolute(p.take("path"))
	case "udp":
		s.Type, s.Host, s.Service = "udp", p.take("host"), p.take("port")
		s.BindHost, s.BindPort = p.take("localaddr"), p.take("localport")
	case "socket":
		r.socket(p, &s)
	case "spicevmc":
		s.Type = "spicevmc"
		p.ignore("name", "vdagent", "usbredir", "smartcard")
	case "spiceport", "dbus":
		s.Type, s.Channel = kind, p.take("name")
	case "qemu-vdagent":
		s.Type, s.Clipboard = kind, p.yesNo("clipboard")
		p.ignore("name", "vdagent")
		s.Mouse = map[xml.OnOff]string{"on": "client", "off": "server"}[p.onOff("mouse")]
	default:
		ok = false
	}
	return s, ok
}

// socket is a chardev on TCP or on a socket with a path.
func (r *reader) socket(p *props, s *xml.CharSource) {
	s.Type, s.Mode = "tcp", "connect"
	if p.has("path") {
		s.Type, s.Path = "unix", r.absolute(p.take("path"))
	} else {
		s.Host, s.Service = p.take("host"), p.take("port")
		s.Protocol = "raw"
		if p.isOn("telnet") {
			s.Protocol = "telnet"
		}
	}
	if p.isOn("server") {
		s.Mode = "bind"
		if s.Type == "tcp" && s.Host == "" {
			s.Host = "0.0.0.0"
		}
		if p.onOff("wait") == "on" || !p.has("wait") {
			r.note("%s: QEMU waits for a client before the guest starts; as a definition it does not", p.peek("id"))
		}
	} else if s.Host == "" {
		s.Host = "127.0.0.1"
	}
	p.ignore("server", "off")
	p.ignore("telnet", "off")
	p.ignore("ipv4", "on")
	p.take("nodelay", "delay", "wait")
	ms, inMS := p.number("reconnect-ms")
	seconds, ok := p.number("reconnect")
	if inMS {
		seconds, ok = ms/1000, true
	}
	if ok && seconds == 0 && s.Mode == "connect" {
		s.Reconnect = &xml.CharReconnect{Enabled: "no"}
	}
	if ok && seconds > 0 && s.Mode == "connect" {
		n := uint(seconds)
		s.Reconnect = &xml.CharReconnect{Enabled: "yes", Timeout: &n}
	}
}

// ports makes the ports of the board; QEMU adds one of each to a PC.
func (r *reader) ports() {
	serials, parallels := r.serials, r.parallels
	if r.defaults && len(serials) == 0 && !r.hasDevice("isa-serial", "sclpconsole", "sclplmconsole", "spapr-vty") {
		serials = []*props{r.addChardev("serial", "vc")}
	}
	if r.defaults && len(parallels) == 0 && (r.is("pc") || r.is("q35") || r.d.OS.Type.Machine == "isapc") && !r.hasDevice("isa-parallel") {
		parallels = []*props{r.addChardev("parallel", "null")}
	}
	for i, p := range serials {
		r.port(&r.d.Devices.Serials, p, i)
	}
	for i, p := range parallels {
		r.port(&r.d.Devices.Parallels, p, i)
	}
}

func (r *reader) addChardev(id, kind string) *props {
	p := &props{option: "-chardev", list: []property{{key: "backend", value: kind}, {key: "id", value: id + "-default"}}}
	r.chardevs = append(r.chardevs, p)
	return p
}

// port is one port of the board.
func (r *reader) port(to *[]xml.Chardev, p *props, n int) {
	if p == nil || r.err != nil {
		return
	}
	if id := p.take("chardev"); id != "" {
		c := byID(r.chardevs, id)
		if c == nil {
			r.fail(p, "there is no chardev '%s'", id)
			return
		}
		p = c
	}
	p.spent = true
	s, ok := r.charSource(p)
	if !ok {
		r.note("left out: the host's side of a port, %s (XML has no such thing); it became a pty", p)
		s = xml.CharSource{Type: "pty"}
	}
	r.leftovers(p)
	port := uint(n)
	target := &xml.CharTarget{Port: &port}
	if r.isS390() && to == &r.d.Devices.Serials {
		target.Type, target.Model = "sclp-serial", "sclpconsole"
		if n > 0 {
			target.Model = "sclplmconsole"
		}
	}
	*to = append(*to, xml.Chardev{CharSource: s, Target: target})
}

// serialDevices are those that -device makes.
var serialDevices = []struct{ base, target, model string }{
	{"isa-debugcon", "isa-debug", "isa-debugcon"}, {"isa-serial", "isa-serial", "isa-serial"}, {"pci-serial", "pci-serial", "pci-serial"}, {"sclpconsole", "sclp-serial", "sclpconsole"},
	{"sclplmconsole", "sclp-serial", "sclplmconsole"}, {"spapr-vty", "spapr-vio-serial", "spapr-vty"}, {"usb-serial", "usb-serial", "usb-serial"},
}

func (r *reader) serial(d *device) func() {
	s, ok := r.source(d, d.take("chardev"))
	if !ok {
		return nil
	}
	c := xml.Chardev{CharSource: s, Target: &xml.CharTarget{Port: d.uintPtr("index")}}
	for _, m := range serialDevices {
		if m.base == d.base {
			c.Target.Type, c.Target.Model = m.target, m.model
		}
	}
	switch {
	case d.base == "usb-serial":
		c.Address = r.usbAddress(d)
	case d.has("iobase") || d.has("irq"):
		a := &xml.Address{Type: "isa"}
		if v, ok := d.number("iobase"); ok {
			a.IOBase = &v
		}
		if v, ok := d.number("irq"); ok {
			a.IRQ = &v
		}
		c.Address = a
	default:
		c.Address = d.address()
	}
	return func() {
		if c.Target.Port == nil {
			n := uint(0)
			for _, other := range r.d.Devices.Serials {
				if d.base != "isa-serial" || other.Target.Type == "" || other.Target.Type == "isa-serial" {
					n++
				}
			}
			c.Target.Port = &n
		}
		r.d.Devices.Serials = append(r.d.Devices.Serials, c)
	}
}

func (r *reader) parallel(d *device) func() {
	s, ok := r.source(d, d.take("chardev"))
	if !ok {
		return nil
	}
	return func() {
		n := uint(len(r.d.Devices.Parallels))
		r.d.Devices.Parallels = append(r.d.Devices.Parallels, xml.Chardev{CharSource: s, Target: &xml.CharTarget{Port: &n}})
	}
}

// channel is a port of a virtio-serial controller.
func (r *reader) channel(d *device) func() {
	s, ok := r.source(d, d.take("chardev"))
	if !ok {
		return nil
	}
	c := xml.Chardev{CharSource: s, Target: &xml.CharTarget{Type: "virtio", Name: d.take("name")}}
	on, ok := r.controllerOn(d, "virtio-serial")
	if !ok {
		return nil
	}
	nr, given := d.number("nr")
	for !given && (nr == 0 || r.taken["port"+strconv.Itoa(int(on.index))+"."+strconv.Itoa(int(nr))]) {
		nr++ // 0 is for a console
	}
	if d.base == "virtconsole" && !given && !r.taken["port"+strconv.Itoa(int(on.index))+".0"] {
		nr = 0
	}
	r.taken["port"+strconv.Itoa(int(on.index))+"."+strconv.Itoa(int(nr))] = true
	c.Address = &xml.Address{Type: "virtio-serial", Controller: on.index, SerialPort: uint(nr)}
	return func() {
		if d.base == "virtconsole" {
			c.Target.Name = ""
			r.d.Devices.Consoles = append(r.d.Devices.Consoles, c)
			return
		}
		r.d.Devices.Channels = append(r.d.Devices.Channels, c)
	}
}

// smartcard is a card in a reader.
func (r *reader) smartcard(d *device) func() {
	s := xml.Smartcard{Mode: "passthrough"}
	if d.base == "ccid-card-emulated" {
		s.Mode = map[string]string{"nss-emulated": "host", "certificates": "host-certificates"}[d.take("backend")]
		for i := 1; i <= 3; i++ {
			if c := d.take(fmt.Sprintf("cert%d", i)); c != "" {
				s.Certificates = append(s.Certificates, c)
			}
		}
		s.Database = d.take("db")
	} else {
		var ok bool
		if s.CharSource, ok = r.source(d, d.take("chardev")); !ok {
			return nil
		}
	}
	if c, ok := r.controllerOn(d, "ccid"); ok {
		s.Address = &xml.Address{Type: "ccid", Controller: c.index}
	}
	if s.Mode == "" {
		return nil
	}
	return func() { r.d.Devices.Smartcards = append(r.d.Devices.Smartcards, s) }
}

// redirected is USB from elsewhere.
func (r *reader) redirected(d *device) func() {
	s, ok := r.source(d, d.take("chardev"))
	if !ok {
		return nil
	}
	x := xml.Redirdev{CharSource: s, Bus: "usb", Address: r.usbAddress(d)}
	boot := r.bootOf(d, "usb")
	return func() {
		list := &r.d.Devices.Redirdevs
		at := len(*list)
		*list = append(*list, x)
		boot.set = func(n uint) { (*list)[at].Boot = &xml.BootOrder{Order: n} }
		r.boots = append(r.boots, boot)
	}
}
