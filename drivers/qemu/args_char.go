package qemu

import (
	"fmt"
	"path/filepath"
	"strings"

	"virgo/xml"
)

// chardev adds the host's end of a character device and gives its name.
func (a *args) chardev(alias string, s *xml.CharSource) string {
	id := "char" + alias
	opt := a.charSource(id, s)
	if opt == "" {
		a.fail(xml.CodeConfigUnsupported, "unsupported chardev '%s'", s.Type)
		return id
	}
	if l := s.Log; l != nil {
		opt += ",logfile=" + escapeComma(l.File)
		if l.Append != "" {
			opt += ",logappend=" + string(l.Append)
		}
	}
	a.add("-chardev", opt)
	return id
}

func (a *args) charSource(id string, s *xml.CharSource) string {
	switch s.Type {
	case "null", "vc", "pty", "stdio":
		return s.Type + ",id=" + id
	case "dev":
		return "serial,id=" + id + ",path=" + escapeComma(s.Path)
	case "parallel":
		return "parallel,id=" + id + ",path=" + escapeComma(s.Path)
	case "file":
		opt := "file,id=" + id + ",path=" + escapeComma(s.Path)
		if s.Append != "" {
			opt += ",append=" + string(s.Append)
		}
		return opt
	case "pipe":
		return "pipe,id=" + id + ",path=" + escapeComma(s.Path)
	case "udp":
		port := func(v string) string {
			if v == "" {
				return "0"
			}
			return v
		}
		return fmt.Sprintf("udp,id=%s,host=%s,port=%s,localaddr=%s,localport=%s", id, s.Host, port(s.Service), s.BindHost, port(s.BindPort))
	case "tcp":
		opt := "socket,id=" + id + ",host=" + escapeComma(s.Host) + ",port=" + s.Service
		if s.Protocol == "telnet" {
			opt += ",telnet=on"
		}
		opt += a.socketMode(s)
		if s.TLS == "yes" {
			opt += ",tls-creds=" + a.tlsCredentials("obj"+id+"_tls0", s.Mode == "bind")
		}
		return opt
	case "unix":
		return "socket,id=" + id + ",path=" + escapeComma(s.Path) + a.socketMode(s)
	case "spicevmc":
		return "spicevmc,id=" + id + ",name=vdagent"
	case "spiceport":
		return "spiceport,id=" + id + ",name=" + s.Channel
	case "qemu-vdagent":
		opt := "qemu-vdagent,id=" + id + ",name=vdagent"
		if s.Clipboard != "" {
			opt += ",clipboard=" + onOff(s.Clipboard == "yes")
		}
		if s.Mouse != "" {
			opt += ",mouse=" + onOff(s.Mouse == "client")
		}
		return opt
	case "dbus":
		return "dbus,id=" + id + ",name=" + s.Channel
	}
	return ""
}

func (a *args) socketMode(s *xml.CharSource) string {
	if s.Mode == "bind" {
		return ",server=on,wait=off"
	}
	r := s.Reconnect
	if r == nil || r.Enabled == "" {
		return ""
	}
	seconds := uint(0)
	if r.Timeout != nil {
		seconds = *r.Timeout
	}
	return reconnectEvery(r.Enabled == "yes", seconds)
}

// reconnectEvery is how often a broken connection is tried again, in seconds.
func reconnectEvery(on bool, seconds uint) string {
	if !on {
		seconds = 0
	}
	return ",reconnect-ms=" + utoa(uint64(seconds)*1000)
}

func diskReconnect(r *xml.Reconnect) string {
	if r == nil || r.Enabled == "" {
		return ""
	}
	return reconnectEvery(r.Enabled == "yes", r.Timeout)
}

func (a *args) smartcards() {
	for i := range a.d.Devices.Smartcards {
		s := &a.d.Devices.Smartcards[i]
		id := aliasOf(s.Alias)
		var p *props
		switch s.Mode {
		case "host":
			p = newProps("driver", "ccid-card-emulated").str("backend", "nss-emulated")
		case "host-certificates":
			p = newProps("driver", "ccid-card-emulated").str("backend", "certificates")
			for n, c := range s.Certificates {
				p.str(fmt.Sprintf("cert%d", n+1), c)
			}
			db := s.Database
			if db == "" {
				db = "/etc/pki/nssdb"
			}
			p.str("db", db)
		default:
			p = newProps("driver", "ccid-card-passthru").str("chardev", a.chardev(id, &s.CharSource))
		}
		p.str("id", id)
		a.device(a.where(p, s.Address, nil))
	}
}

// chardevs are serials, parallels, channels and consoles.
func (a *args) chardevs() {
	for i := range a.d.Devices.Serials {
		a.serial(&a.d.Devices.Serials[i])
	}
	for i := range a.d.Devices.Parallels {
		c := &a.d.Devices.Parallels[i]
		source := c.CharSource
		if source.Type == "dev" && strings.HasPrefix(aliasOf(c.Alias), "parallel") {
			source.Type = "parallel" // another backend than a serial port's
		}
		char := a.chardev(aliasOf(c.Alias), &source)
		a.device(newProps("driver", "isa-parallel").str("chardev", char).str("id", aliasOf(c.Alias)))
	}
	for i := range a.d.Devices.Channels {
		a.channel(&a.d.Devices.Channels[i])
	}
	for i := range a.d.Devices.Consoles {
		c := &a.d.Devices.Consoles[i]
		driver := consoleDrivers[c.Target.Type]
		if driver == "" {
			continue // console 0 is serial 0
		}
		char := a.chardev(aliasOf(c.Alias), &c.CharSource)
		p := newProps("driver", driver)
		if t := c.Address; c.Target.Type == "virtio" && t != nil {
			switch t.Type {
			case "virtio-serial":
			case "ccw":
				a.where(p, t, nil)
			default:
				a.fail(xml.CodeInternal, "virtio serial device has invalid address type")
			}
		}
		if c.Address != nil && c.Address.Type == "virtio-serial" {
			p.str("bus", a.controllerAlias("virtio-serial", c.Address.Controller)+".0").num("nr", uint64(c.Address.SerialPort))
		}
		a.device(p.str("chardev", char).str("id", aliasOf(c.Alias)))
	}
}

// consoleDrivers are the devices of consoles that are no serial ports, by type
// of target.
var consoleDrivers = map[string]string{"virtio": "virtconsole", "sclp": "sclpconsole", "sclplm": "sclplmconsole"}

func (a *args) serial(c *xml.Chardev) {
	char := a.chardev(aliasOf(c.Alias), &c.CharSource)
	model := ""
	if c.Target != nil {
		model = c.Target.Model
	}
	switch model {
	case "", "pl011", "16550a": // part of the board
		if model == "" && c.Target != nil && c.Target.Type == "system-serial" {
			a.fail(xml.CodeInternal, "Invalid target model for serial device")
		}
		a.add("-serial", "chardev:"+char)
		return
	}
	if model == "pci-serial" && len(a.Emulator.Machines) > 0 && !a.Emulator.Has(model) { // of a running guest QEMU tells
		a.fail(xml.CodeConfigUnsupported, "'%s' is not supported in this QEMU binary", model)
	}
	p := newProps("driver", model).str("chardev", char).str("id", aliasOf(c.Alias))
	if model == "isa-serial" && c.Target != nil && c.Target.Port != nil {
		p.num("index", uint64(*c.Target.Port))
	}
	a.device(a.where(p, c.Address, c.ACPI))
}

func (a *args) channel(c *xml.Chardev) {
	if c.Target == nil {
		return
	}
	if c.Target.Type == "xen" {
		if c.Type == "unix" && c.Path == "" {
			a.fail(xml.CodeInternal, "argument key 'path' must not have null value")
			return
		}
		a.fail(xml.CodePlain, "An error occurred, but the cause is unknown")
		return
	}
	id := aliasOf(c.Alias)
	source := c.CharSource
	if source.Type == "unix" && source.Path == "" {
		source.Mode, source.Path = "bind", a.channelPath(c)
	}
	if source.Type == "spicevmc" && c.Target.Name != "com.redhat.spice.0" {
		a.fail(xml.CodeConfigUnsupported, "Unsupported spicevmc target name '%s'", c.Target.Name)
	}
	char := a.chardev(id, &source)
	if c.Target.Type == "guestfwd" {
		fwd := newProps("str", fmt.Sprintf("tcp:%s:%d-chardev:%s", c.Target.Address, number(c.Target.Port), char)).String()
		a.add("-netdev", newProps("type", "user").raw("guestfwd", "["+fwd+"]").str("id", id).String())
		return
	}
	addr := c.Address
	if addr == nil {
		addr = &xml.Address{}
	}
	a.device(newProps("driver", "virtserialport").str("bus", a.controllerAlias("virtio-serial", addr.Controller)+".0").num("nr", uint64(addr.SerialPort)).
		str("chardev", char).str("id", id).opt("name", c.Target.Name))
}

// channelPath is the socket of a channel that names none.
func (a *args) channelPath(c *xml.Chardev) string {
	name := c.Target.Name
	if ad := c.Address; name == "" && ad != nil {
		name = fmt.Sprintf("vioser-%02d-%02d-%02d.sock", ad.Controller, ad.Bus, ad.SerialPort)
	}
	return filepath.Join(a.Layout.Run, "channel", filepath.Base(a.libDir())[len("domain-"):], name)
}

// tpms connect to the host's chip or an emulator's socket.
func (a *args) tpms() {
	for i := range a.d.Devices.TPMs {
		t := &a.d.Devices.TPMs[i]
		id := aliasOf(t.Alias)
		b := t.Backend
		if b == nil {
			continue
		}
		switch b.Type {
		case "passthrough":
			path := "/dev/tpm0"
			if b.Device != nil && b.Device.Path != "" {
				path = b.Device.Path
			}
			if t.Model == "spapr-tpm-proxy" {
				a.device(a.where(newProps("driver", t.Model).str("id", id).str("host-path", path), t.Address, nil))
				continue
			}
			a.add("-tpmdev", "passthrough,id=tpm-"+id+",path="+escapeComma(path))
		case "emulator", "external":
			sock := filepath.Join(a.libDir(), "swtpm.sock")
			if b.Type == "external" && b.Source != nil {
				sock = b.Source.Path
			}
			a.add("-chardev", "socket,id=chrtpm,path="+escapeComma(sock), "-tpmdev", "emulator,id=tpm-"+id+",chardev=chrtpm")
		}
		model := t.Model
		if model == "" || model == "default" {
			model = "tpm-tis"
		}
		a.device(a.where(newProps("driver", model).str("tpmdev", "tpm-"+id).str("id", id), t.Address, nil))
	}
}
