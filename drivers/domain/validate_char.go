package domain

import (
	"slices"

	"virgo/xml"
)

// spiceTypes are the host's sides that SPICE provides.
var spiceTypes = []string{"spicevmc", "spiceport"}

// checkChardev checks a character device's host side for QEMU.
func checkChardev(d *xml.Domain, s *xml.CharSource) error {
	if s.Type == "tcp" && s.Protocol != "" && s.Protocol != "raw" && s.Protocol != "telnet" {
		return unsupported("tcp chardev protocol '%s' not supported", s.Protocol)
	}
	spice := slices.ContainsFunc(d.Devices.Graphics, func(g xml.Graphics) bool { return g.Type == "spice" })
	if slices.Contains(spiceTypes, s.Type) && !spice {
		return unsupported("chardev '%s' not supported without spice graphics", s.Type)
	}
	return nil
}

// checkSource checks the host's side of a character device. path: a UNIX
// socket needs one.
func checkSource(s *xml.CharSource, t *Traits, path bool) error {
	missing := func(what string) error {
		return xml.Errorf(xml.CodeInternal, "Missing source %s attribute for char device", what)
	}
	switch s.Type {
	case "file", "dev", "pipe":
		if s.Path == "" {
			return missing("path")
		}
	case "unix":
		if s.Path == "" && path {
			return missing("path")
		}
	case "tcp":
		if s.Host == "" {
			return missing("host")
		}
		if s.Service == "" {
			return missing("service")
		}
	case "udp":
		if s.Service == "" {
			return missing("service")
		}
	case "nmdm":
		if (s.Master == "") != (s.Slave == "") {
			return xml.Errorf(xml.CodeInternal, "Should define both master and slave path attributes for nmdm device")
		}
	case "spiceport", "dbus":
		if s.Channel == "" {
			return unsupported("Missing source channel attribute for char device")
		}
	}
	if r := s.Reconnect; r != nil {
		if s.Mode == "bind" {
			return xml.Errorf(xml.CodeInternal, "chardev reconnect is possible only for connect mode")
		}
		if t.QEMU != nil && r.Enabled == "yes" && r.Timeout != nil && *r.Timeout == 0 {
			return xml.Errorf(xml.CodeInvalidArg, "chardev reconnect source timeout cannot be '0'")
		}
	}
	return nil
}

// checkSmartcard checks a card reader by itself.
func checkSmartcard(c *deviceCheck, s *xml.Smartcard) error {
	if s.Mode == "passthrough" {
		if err := checkSource(&s.CharSource, c.t, true); err != nil {
			return err
		}
	}
	if s.Address != nil && s.Address.Type != "ccid" {
		return unsupported("Controllers must use the 'ccid' address type")
	}
	return nil
}

func checkQEMUSmartcard(c *deviceCheck, s *xml.Smartcard) error {
	if a := s.Address; len(c.d.Devices.Smartcards) > 1 || a != nil && a.Type == "ccid" && (a.Controller != 0 || a.Slot != 0) {
		return unsupported("this QEMU binary lacks multiple smartcard support")
	}
	if s.Mode == "passthrough" {
		return checkChardev(c.d, &s.CharSource)
	}
	return nil
}

// checkPort checks a character device by itself.
func checkPort(c *deviceCheck, v *xml.Chardev) error {
	return checkSource(&v.CharSource, c.t, true)
}

// checkChannel does so with a channel, whose socket may have no name.
func checkChannel(c *deviceCheck, v *xml.Chardev) error {
	unix := v.Target == nil || v.Target.Type != "virtio" && v.Target.Type != "xen"
	return checkSource(&v.CharSource, c.t, unix)
}

func checkSerialPort(c *deviceCheck, v *xml.Chardev) error {
	return checkPort(c, v)
}

func checkQEMUSerial(c *deviceCheck, v *xml.Chardev) error {
	if err := checkChardev(c.d, &v.CharSource); err != nil {
		return err
	}
	return checkSerial(c.d, v)
}

func checkQEMUParallel(c *deviceCheck, v *xml.Chardev) error {
	if isPSeries(c.d) || isS390(c.d) {
		return unsupported("parallel ports are not supported")
	}
	return checkChardev(c.d, &v.CharSource)
}

func checkQEMUChannel(c *deviceCheck, v *xml.Chardev) error {
	return checkChardev(c.d, &v.CharSource)
}

func checkQEMUConsole(c *deviceCheck, v *xml.Chardev) error {
	return checkChardev(c.d, &v.CharSource)
}

// checkConsoleKinds refuses consoles of other hypervisors.
func checkConsoleKinds(d *xml.Domain, e *Emulator) error {
	for i := range d.Devices.Consoles {
		t := d.Devices.Consoles[i].Target
		if driver := map[string]string{"sclp": "sclpconsole", "sclplm": "sclplmconsole"}[t.Type]; driver != "" && !e.has(driver) {
			return unsupported("%s is not supported in this QEMU binary", driver)
		}
		switch t.Type {
		case "xen", "uml", "lxc", "openvz":
			return unsupported("unsupported console target type %s", t.Type)
		}
	}
	return nil
}
