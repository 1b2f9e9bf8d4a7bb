package domain

import "virgo/xml"

// bhyveControllers adds the bridge to ISA that firmware and serial ports need.
func bhyveControllers(d *xml.Domain) {
	o := &d.OS
	if o.Firmware == "" && o.Loader == nil && len(d.Devices.Serials) == 0 && len(d.Devices.Consoles) == 0 {
		return
	}
	if findController(d, "isa", 0) == nil {
		addController(d, xml.Controller{Type: "isa", Index: ptr(uint(0))})
	}
}

// bhyveSlots are the places on bhyve's one PCI bus; a device has a slot to itself.
type bhyveSlots map[uint]bool

// bhyveAddresses gives devices the lowest free slots from 2 on. Slot 0 is the
// host bridge's, and slot 1 the ISA bridge's if nobody asks for it.
func bhyveAddresses(d *xml.Domain) error {
	taken := bhyveSlots{0: true, 1: true}
	first := false
	eachDevice(d, func(v deviceView) {
		if a := *v.addr; a.IsPCI() {
			taken[a.Slot] = true
			first = first || a.Slot == 1
		}
	})
	if c := findController(d, "isa", 0); c != nil && !c.Address.IsPCI() && !first {
		c.Address = &xml.Address{Type: "pci", Slot: 1}
	}
	for _, a := range bhyveDevices(d) {
		if (*a).IsPCI() {
			continue
		}
		slot := uint(2)
		for taken[slot] {
			slot++
		}
		if slot > 31 {
			return xml.Errorf(xml.CodeInternal, "No more available PCI slots")
		}
		taken[slot] = true
		*a = &xml.Address{Type: "pci", Slot: slot}
	}
	return nil
}

// bhyveDevices are the addresses of devices on PCI, in the order of assignment.
func bhyveDevices(d *xml.Domain) []**xml.Address {
	dev := &d.Devices
	var isa, rest []**xml.Address
	for i := range dev.Controllers {
		switch c := &dev.Controllers[i]; c.Type {
		case "isa":
			isa = append(isa, &c.Address)
		case "sata", "nvme", "usb":
			rest = append(rest, &c.Address)
		}
	}
	out := append(isa, rest...)
	for i := range dev.Interfaces {
		out = append(out, &dev.Interfaces[i].Address)
	}
	for i := range dev.Disks {
		if b := diskBus(&dev.Disks[i]); b == "virtio" || b == "nvme" {
			out = append(out, &dev.Disks[i].Address)
		}
	}
	for i := range dev.Videos {
		out = append(out, &dev.Videos[i].Address)
	}
	for i := range dev.Sounds {
		out = append(out, &dev.Sounds[i].Address)
	}
	for i := range dev.RNGs {
		out = append(out, &dev.RNGs[i].Address)
	}
	for i := range dev.Filesystems {
		out = append(out, &dev.Filesystems[i].Address)
	}
	return out
}
