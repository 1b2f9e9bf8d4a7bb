package domain

import (
	"slices"

	"virgo/xml"
)

// spiceTypes are the host's sides that SPICE provides.
var spiceTypes = []string{"spicevmc", "spiceport"}

// checkChardev checks a character device's host side for QEMU. virtio: the
// guest's side is a virtio port, a redirected device or a card reader.
func checkChardev(d *xml.Domain, s *xml.CharSource, virtio bool) error {
	if s.Type == "tcp" && s.Protocol != "" && s.Protocol != "raw" && s.Protocol != "telnet" {
		return unsupported("tcp chardev protocol '%s' not supported", s.Protocol)
	}
	if s.Type == "spicevmc" && !virtio {
		return unsupported("spicevmc device type only supports virtio")
	}
	spice := slices.ContainsFunc(d.Devices.Graphics, func(g xml.Graphics) bool { return g.Type == "spice" })
	if slices.Contains(spiceTypes, s.Type) && !spice {
		return unsupported("chardev '%s' not supported without spice graphics", s.Type)
	}
	return nil
}

// checkQEMUChardevs checks all character devices.
func checkQEMUChardevs(d *xml.Domain) error {
	dev := &d.Devices
	for i := range dev.Smartcards {
		if s := &dev.Smartcards[i]; s.Mode == "passthrough" {
			if err := checkChardev(d, &s.CharSource, true); err != nil {
				return err
			}
		}
	}
	for _, list := range [][]xml.Chardev{dev.Serials, dev.Parallels, dev.Consoles, dev.Channels} {
		for i := range list {
			c := &list[i]
			channel := i < len(dev.Channels) && c == &dev.Channels[i]
			if err := checkChardev(d, &c.CharSource, channel); err != nil {
				return err
			}
		}
	}
	for i := range dev.Serials {
		if err := checkSerial(d, &dev.Serials[i]); err != nil {
			return err
		}
	}
	for i := range dev.Consoles {
		switch t := dev.Consoles[i].Target; t.Type {
		case "xen", "uml", "lxc", "openvz":
			return unsupported("unsupported console target type %s", t.Type)
		}
	}
	for i := range dev.RNGs {
		if b := dev.RNGs[i].Backend; b != nil && b.Model == "egd" {
			if err := checkChardev(d, &b.Chardev, true); err != nil {
				return err
			}
		}
	}
	for i := range dev.Redirdevs {
		if err := checkChardev(d, &dev.Redirdevs[i].CharSource, true); err != nil {
			return err
		}
	}
	return nil
}
