package domain

import (
	"strings"

	"virgo/xml"
)

// pciDevices lists the devices that sit on PCI, in the order in which
// addresses are given out.
func pciDevices(d *xml.Domain) []pciDevice {
	dev := &d.Devices
	var out []pciDevice
	add := func(addr **xml.Address, need plug) { out = append(out, pciDevice{addr: addr, need: need}) }
	pcie := hasPCIERoot(d)
	kind := func(modern bool) plug {
		if pcie && modern {
			return express
		}
		return conventional
	}
	virtio := func(model string) plug { return kind(model != "virtio-transitional") }
	for i := range dev.Controllers {
		if c := &dev.Controllers[i]; c.Type == "pci" && c.Model != "pci-root" && c.Model != "pcie-root" {
			out = append(out, pciDevice{&c.Address, kindOf(c.Model).needs, c})
		}
	}
	if len(dev.Videos) > 0 && isX86(d) {
		addVideo(&dev.Videos[0], add, kind, true)
	}
	for i := range dev.Filesystems {
		if f := &dev.Filesystems[i]; f.Driver == nil || f.Driver.Type != "mtp" {
			add(&f.Address, virtio(f.Model))
		}
	}
	for i := range dev.Interfaces {
		n := &dev.Interfaces[i]
		model := ""
		if n.Model != nil {
			model = n.Model.Type
		}
		switch model {
		case "usb-net", "spapr-vlan":
		case "rtl8139", "e1000", "vmxnet3", "virtio-transitional", "ne2k_pci", "pcnet", "i82551", "i82557b", "i82559er", "lan9118":
			add(&n.Address, conventional)
		default:
			add(&n.Address, kind(true))
		}
	}
	for i := range dev.Sounds {
		switch s := &dev.Sounds[i]; s.Model {
		case "sb16", "pcspk", "usb":
		default:
			add(&s.Address, kind(s.Model == "virtio"))
		}
	}
	for i := range dev.Controllers {
		c := &dev.Controllers[i]
		if need, ok := controllerPlug(d, c, kind); ok {
			out = append(out, pciDevice{&c.Address, need, c})
		}
	}
	return append(out, laterPCIDevices(d, kind, virtio)...)
}

func addVideo(v *xml.Video, add func(**xml.Address, plug), kind func(bool) plug, x86 bool) {
	if m := v.Model; m != nil && m.Type != "none" && m.Type != "ramfb" {
		add(&v.Address, kind(m.Type == "virtio" || m.Type == "bochs" && !x86))
	}
}

// controllerPlug is what a controller that is no bridge needs; false if it is
// not on PCI.
func controllerPlug(d *xml.Domain, c *xml.Controller, kind func(bool) plug) (plug, bool) {
	switch c.Type {
	case "usb":
		return kind(strings.HasSuffix(c.Model, "-xhci")), c.Model != "none"
	case "scsi":
		return kind(strings.HasPrefix(c.Model, "virtio-") && c.Model != "virtio-transitional"), c.Model != "ibmvscsi"
	case "ide":
		return conventional, IsI440FX(d) || c.Address != nil
	case "sata":
		return conventional, true
	case "virtio-serial":
		return kind(c.Model != "virtio-transitional"), true
	case "isa", "xenbus":
		return 0, c.Address == nil || c.Address.Type == "pci"
	case "nvme":
		return kind(true), true
	}
	return 0, false
}

func laterPCIDevices(d *xml.Domain, kind func(bool) plug, virtio func(string) plug) []pciDevice {
	dev := &d.Devices
	var out []pciDevice
	add := func(addr **xml.Address, need plug) { out = append(out, pciDevice{addr: addr, need: need}) }
	for i := range dev.Disks {
		if v := &dev.Disks[i]; diskBus(v) == "virtio" {
			add(&v.Address, virtio(v.Model))
		}
	}
	for i := range dev.Hostdevs {
		h := &dev.Hostdevs[i]
		if h.Mode != "subsystem" || h.Address != nil && h.Address.Type == "unassigned" {
			continue
		}
		switch h.Type {
		case "pci":
			add(&h.Address, kind(true))
		case "mdev":
			if h.Model == "vfio-pci" {
				add(&h.Address, kind(true))
			}
		case "scsi_host":
			add(&h.Address, virtio(h.Model))
		}
	}
	if m := dev.Memballoon; m != nil && m.Model != "none" && m.Model != "xen" {
		add(&m.Address, virtio(m.Model))
	}
	for i := range dev.RNGs {
		add(&dev.RNGs[i].Address, virtio(dev.RNGs[i].Model))
	}
	for i := range dev.Watchdogs {
		if w := &dev.Watchdogs[i]; w.Model == "i6300esb" {
			add(&w.Address, conventional)
		}
	}
	first := 0
	if isX86(d) {
		first = 1
	}
	for i := first; i < len(dev.Videos); i++ {
		addVideo(&dev.Videos[i], add, kind, isX86(d))
	}
	for i := range dev.Shmems {
		add(&dev.Shmems[i].Address, conventional)
	}
	for i := range dev.Inputs {
		if in := &dev.Inputs[i]; in.Bus == "virtio" {
			add(&in.Address, virtio(in.Model))
		}
	}
	for i := range dev.Serials {
		if s := &dev.Serials[i]; s.Target != nil && s.Target.Type == "pci-serial" {
			add(&s.Address, conventional)
		}
	}
	return append(out, lastPCIDevices(d, kind, virtio)...)
}

func lastPCIDevices(d *xml.Domain, kind func(bool) plug, virtio func(string) plug) []pciDevice {
	dev := &d.Devices
	var out []pciDevice
	add := func(addr **xml.Address, need plug) { out = append(out, pciDevice{addr: addr, need: need}) }
	whole := func() plug {
		if hasPCIERoot(d) {
			return integrated
		}
		return conventional
	}
	if v := dev.Vsock; v != nil {
		add(&v.Address, virtio(v.Model))
	}
	for i := range dev.Memories {
		if m := &dev.Memories[i]; m.Model == "virtio-pmem" || m.Model == "virtio-mem" {
			add(&m.Address, kind(true))
		}
	}
	if v := dev.IOMMU; v != nil && v.Model == "virtio" {
		add(&v.Address, whole())
	}
	for i := range dev.Cryptos {
		add(&dev.Cryptos[i].Address, conventional)
	}
	for i := range dev.Panics {
		if p := &dev.Panics[i]; p.Model == "pvpanic" {
			add(&p.Address, whole())
		}
	}
	if v := dev.PStore; v != nil {
		add(&v.Address, conventional)
	}
	return out
}
