package domain

import (
	"slices"

	"virgo/xml"
)

// consoles makes the first console and the first serial port one and the same
// on machines that are fully virtual, and numbers ports.
func consoles(d *xml.Domain, t *Traits) error {
	dev := &d.Devices
	for i := range dev.Consoles {
		c := &dev.Consoles[i]
		if c.Target == nil {
			c.Target = &xml.CharTarget{}
		}
		if i > 0 && (c.Target.Type == "serial" || c.Target.Type == "" && d.OS.Type.Text == "hvm") {
			return xml.Errorf(xml.CodeConfigUnsupported, "Only the first console can be a serial port")
		}
	}
	if d.OS.Type.Text == "hvm" {
		if len(dev.Consoles) > 0 && len(dev.Serials) > 0 { // which takes the first one's place
			if a := dev.Consoles[0].Address; a != nil && a.Type == "unassigned" {
				return unsupported("address of type 'unassigned' is supported only for hostdevs")
			}
		}
		pairConsole(dev)
	}
	for i := range dev.Consoles {
		c := &dev.Consoles[i]
		if c.Target.Type == "" {
			c.Target.Type = "serial"
		}
		c.Target.Port = ptr(uint(i))
	}
	for i := range dev.Channels {
		c := &dev.Channels[i]
		if c.Target != nil {
			c.Target.State = ""
		}
		if t.QEMU != nil && c.Type == "unix" && c.Path == "" {
			c.Mode = "bind" // to a socket that is made for it
		}
	}
	if err := numberISA(dev.Serials); err != nil {
		return err
	}
	numberPorts(dev.Serials, dev.Serials)
	if len(dev.Consoles) > 0 && len(dev.Serials) > 0 && dev.Consoles[0].Target.Type == "serial" && d.OS.Type.Text == "hvm" {
		dev.Consoles[0].Target.Port = dev.Serials[0].Target.Port // which it is
	}
	for i := range dev.Parallels {
		numberPorts(dev.Parallels[:i+1], dev.Parallels[i:i+1])
	}
	for i := range dev.Serials {
		if dev.Serials[i].Target.Type == "isa-debug" && !isX86(d) {
			return unsupported("isa-debug serial type only valid on x86 architecture")
		}
		serialTarget(d, &dev.Serials[i], t)
	}
	return nil
}

// maxISA is how many serial ports an ISA bus has.
const maxISA = 4

func tooManyISA() error {
	return xml.Errorf(xml.CodeInternal, "Maximum supported number of ISA serial ports is '%d'", maxISA)
}

// numberISA gives ports that are said to be on ISA the lowest number that none of them has.
func numberISA(list []xml.Chardev) error {
	taken, count := map[uint]bool{}, 0
	onISA := func(c *xml.Chardev) bool { return c.Target != nil && c.Target.Type == "isa-serial" }
	for i := range list {
		c := &list[i]
		if !onISA(c) {
			continue
		}
		count++
		port := c.Target.Port
		switch {
		case count > maxISA || port != nil && *port >= maxISA:
			return tooManyISA()
		case port == nil:
		case taken[*port]:
			return xml.Errorf(xml.CodeInternal, "target port '%d' already allocated", *port)
		default:
			taken[*port] = true
		}
	}
	next := uint(0)
	for i := range list {
		if c := &list[i]; onISA(c) && c.Target.Port == nil {
			for taken[next] {
				next++
			}
			c.Target.Port = ptr(next)
			taken[next] = true
		}
	}
	return nil
}

// numberPorts gives ports without a number the one after the highest of all:
// serial ports; with parallel ports only those before count.
func numberPorts(all, list []xml.Chardev) {
	next := uint(0)
	for i := range all {
		if t := all[i].Target; t != nil && t.Port != nil {
			next = max(next, *t.Port+1)
		}
	}
	for i := range list {
		c := &list[i]
		if c.Target == nil {
			c.Target = &xml.CharTarget{}
		}
		if c.Target.Port == nil {
			c.Target.Port = ptr(next)
			next++
		}
	}
}

func pairConsole(dev *xml.Devices) {
	first := len(dev.Consoles) > 0 && (dev.Consoles[0].Target.Type == "" || dev.Consoles[0].Target.Type == "serial")
	switch {
	case first && len(dev.Serials) == 0:
		s := dev.Consoles[0]
		s.Target = &xml.CharTarget{Port: ptr(uint(0))}
		dev.Serials = []xml.Chardev{s}
		dev.Consoles[0] = consoleOf(&s)
	case first:
		dev.Consoles[0] = consoleOf(&dev.Serials[0])
	case len(dev.Serials) > 0:
		if t := dev.Serials[0].Target; t != nil && (t.Type == "pci-serial" || t.Type == "usb-serial" || t.Type == "isa-debug") {
			return
		}
		dev.Consoles = slices.Insert(dev.Consoles, 0, consoleOf(&dev.Serials[0]))
	}
}

// consoleOf is the console that a serial port is.
func consoleOf(s *xml.Chardev) xml.Chardev {
	c := *s
	c.Target = &xml.CharTarget{Type: "serial"}
	return c
}

// serialTarget completes the kind of a serial port.
func serialTarget(d *xml.Domain, s *xml.Chardev, t *Traits) {
	tg := s.Target
	if t.QEMU == nil {
		return
	}
	if tg.Type == "isa-serial" && !isX86(d) {
		tg.Type = "" // what older definitions of all machines say
	}
	if tg.Type == "" {
		tg.Type = defaultSerial(d)
	}
	if tg.Model == "" {
		switch tg.Type {
		case "isa-serial", "pci-serial", "usb-serial":
			tg.Model = tg.Type
		case "isa-debug":
			tg.Model = "isa-debugcon"
		case "spapr-vio-serial":
			tg.Model = "spapr-vty"
		case "sclp-serial":
			tg.Model = "sclpconsole"
		case "system-serial":
			switch {
			case isARMVirt(d):
				tg.Model = "pl011"
			case isRISCVVirt(d), isLoongArchVirt(d):
				tg.Model = "16550a"
			}
		}
	}
}

func defaultSerial(d *xml.Domain) string {
	switch {
	case isX86(d):
		return "isa-serial"
	case isPSeries(d):
		return "spapr-vio-serial"
	case isARMVirt(d), isRISCVVirt(d), isLoongArch(d):
		return "system-serial"
	case isS390(d):
		return "sclp-serial"
	}
	return ""
}
