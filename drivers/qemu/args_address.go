package qemu

import (
	"fmt"

	"virgo/drivers/domain"
	"virgo/xml"
)

func aliasOf(a *xml.Alias) string {
	if a == nil {
		return ""
	}
	return a.Name
}

// pciBuses names the buses by number: a bus is named for its controller, the
// root for what the machine calls it.
func pciBuses(d *xml.Domain) map[uint]string {
	buses := make(map[uint]string)
	for _, c := range d.Devices.Controllers {
		if c.Type == "pci" && c.Index != nil {
			name := aliasOf(c.Alias)
			if c.Model == "pci-root" && *c.Index == 0 && domain.NumberedBuses(d) {
				name = "pci.0"
			}
			if c.Model == "pci-root" && *c.Index > 0 {
				name += ".0"
			}
			if c.Model == "pcie-root" && domain.NumberedBuses(d) {
				name = "pcie.0"
			}
			buses[*c.Index] = name
		}
	}
	return buses
}

// where adds the device's place on its bus, behind its other properties.
func (a *args) where(p *props, addr *xml.Address, acpi *xml.ACPIIndex) *props {
	if addr == nil {
		return p
	}
	switch addr.Type {
	case "pci":
		if z := addr.ZPCI; z != nil && z.UID != nil && z.FID != nil {
			a.zpci = z
		}
		bus := a.pci[addr.Bus]
		if bus == "" {
			a.fail(xml.CodeInternal, "Could not find PCI controller with index '%d' required for device at address '%04x:%02x:%02x.%x'",
				addr.Bus, addr.Domain, addr.Bus, addr.Slot, addr.Function)
		}
		p.str("bus", bus).optFlag("multifunction", string(addr.Multifunction))
		if addr.Function != 0 {
			p.str("addr", fmt.Sprintf("0x%x.0x%x", addr.Slot, addr.Function))
		} else {
			p.str("addr", fmt.Sprintf("0x%x", addr.Slot))
		}
		if acpi != nil {
			p.optNum("acpi-index", uint64(acpi.Index))
		}
	case "usb":
		p.str("bus", a.usbBus(addr.Bus)+".0")
		p.opt("port", addr.Port)
	case "ccw":
		if !addr.NoBus {
			p.str("devno", fmt.Sprintf("%x.%x.%04x", addr.CSSID, addr.SSID, addr.DevNo))
		}
	case "spapr-vio":
		if addr.Reg != nil {
			p.optNum("reg", *addr.Reg)
		}
	case "isa":
		p.num("iobase", orZero(addr.IOBase))
		if addr.IRQ != nil && *addr.IRQ > 0 {
			p.num("irq", *addr.IRQ)
		}
	case "ccid":
		p.str("bus", a.controllerAlias("ccid", addr.Controller)+".0")
	}
	return p
}

// orZero is a number that need not be there.
func orZero(v *uint64) uint64 {
	if v == nil {
		return 0
	}
	return *v
}

func (a *args) usbBus(index uint) string { return a.controllerAlias("usb", index) }

// controllerAlias is the name of the controller of that type and index.
func (a *args) controllerAlias(kind string, index uint) string {
	for _, c := range a.d.Devices.Controllers {
		if c.Type == kind && c.Index != nil && *c.Index == index && c.Alias != nil {
			return c.Alias.Name
		}
	}
	if kind == "usb" {
		a.fail(xml.CodeInternal, "Could not find %s controller with index %d required for device", kind, index)
	}
	return fmt.Sprintf("%s%d", kind, index)
}

// virtioSuffix tells whether a device of that address sits on PCI, ccw or mmio.
func (a *args) virtioSuffix(base string, addr *xml.Address) string {
	if addr == nil {
		a.fail(xml.CodeInternal, "Unexpected enum value 0 for virDomainDeviceAddressType")
		return ""
	}
	switch addr.Type {
	case "pci":
		return "-pci"
	case "ccw":
		return "-ccw"
	case "virtio-mmio":
		return "-device"
	}
	a.fail(xml.CodeInternal, "Unexpected address type for '%s'", base)
	return ""
}

// virtioName is the name of a virtio device in one of its three models.
func (a *args) virtioName(base, model string, addr *xml.Address) string {
	name := base + a.virtioSuffix(base, addr)
	switch model {
	case "virtio-transitional":
		name += "-transitional"
	case "virtio-non-transitional":
		name += "-non-transitional"
	}
	return name
}

// virtioFlags adds the switches that all virtio devices have.
func virtioFlags(p *props, d *xml.VirtioDriver) *props {
	if d == nil {
		return p
	}
	return p.virtio(d.IOMMU, d.ATS, d.Packed, d.PagePerVQ)
}

func rom(p *props, r *xml.ROM) {
	if r == nil {
		return
	}
	if r.Enabled == "no" {
		p.str("romfile", "")
		return
	}
	switch r.Bar {
	case "on":
		p.num("rombar", 1)
	case "off":
		p.num("rombar", 0)
	}
	if r.File != nil {
		p.str("romfile", *r.File)
	}
}

// bootOrder is who boots in which place: by kind of device for os/boot.
type bootOrder struct {
	disk, cdrom, floppy, network uint // 0: not at all
	usedDisk, usedCD             bool
	usedFloppy, usedNet          bool
}

func bootOrderOf(d *xml.Domain) bootOrder {
	var b bootOrder
	for i, dev := range d.OS.Boot {
		n := uint(i + 1)
		switch dev.Dev {
		case "hd":
			b.disk = n
		case "cdrom":
			b.cdrom = n
		case "fd":
			b.floppy = n
		case "network":
			b.network = n
		}
	}
	return b
}

// indexFor is the place of a device: its own, or that of the first of its kind.
func indexFor(own *xml.BootOrder, kind uint, used *bool) uint {
	if own != nil {
		return own.Order
	}
	if kind == 0 || *used {
		return 0
	}
	*used = true
	return kind
}
