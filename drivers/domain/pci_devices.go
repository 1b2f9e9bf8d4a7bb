package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// pciList is a list in the making.
type pciList struct {
	out  []pciDevice
	pcie bool
}

func (l *pciList) add(addr **xml.Address, need plug) {
	l.out = append(l.out, pciDevice{addr: addr, need: need})
}

// kind is the bus that a device sits on, where it can be of either kind.
func (l *pciList) kind(modern bool) plug {
	if l.pcie && modern {
		return express
	}
	return conventional
}

func (l *pciList) virtio(model string) plug { return l.kind(model != "virtio-transitional") }

// pciDevices lists the devices that sit on PCI, in the order in which
// addresses are given out.
func pciDevices(d *xml.Domain) []pciDevice {
	dev := &d.Devices
	root := findController(d, "pci", 0)
	l := &pciList{pcie: root != nil && root.Model == "pcie-root"}
	l.out = make([]pciDevice, 0, len(dev.Controllers)+len(dev.Interfaces)+len(dev.Disks)+len(dev.Hostdevs)+8)
	card := len(dev.Videos) > 0 && isX86(d)
	if card && IsI440FX(d) { // slot 2, before any bridge
		l.video(&dev.Videos[0], true)
		card = false
	}
	for i := range dev.Controllers {
		if c := &dev.Controllers[i]; c.Type == "pci" && c.Model != "pci-root" && c.Model != "pcie-root" {
			l.out = append(l.out, pciDevice{addr: &c.Address, need: kindOf(c.Model).needs, ctl: c})
		}
	}
	if card {
		l.video(&dev.Videos[0], true)
	}
	for i := range dev.Filesystems {
		f := &dev.Filesystems[i]
		kind := ""
		if f.Driver != nil {
			kind = f.Driver.Type
		}
		switch kind {
		case "mtp":
		case "loop", "nbd", "ploop": // the peer knows no place for them
			l.add(&f.Address, 0)
		default:
			l.add(&f.Address, l.virtio(f.Model))
		}
	}
	for i := range dev.Interfaces {
		n := &dev.Interfaces[i]
		model := ""
		if n.Model != nil && n.Type != "hostdev" {
			model = n.Model.Type
		}
		switch model {
		case "usb-net", "spapr-vlan":
		case "rtl8139", "e1000", "vmxnet3", "virtio-transitional", "lan9118", "vmxnet", "vmxnet2", "vlance", "netfront",
			"Am79C970A", "Am79C973", "82540EM", "82545EM", "82543GC":
			l.add(&n.Address, conventional)
		default:
			l.add(&n.Address, l.kind(true))
		}
	}
	for i := range dev.Sounds {
		switch s := &dev.Sounds[i]; s.Model {
		case "sb16", "pcspk", "usb":
		case "ich7":
			l.add(&s.Address, 0) // nothing takes it
		default:
			l.add(&s.Address, l.kind(s.Model == "virtio"))
		}
	}
	for i := range dev.Controllers {
		c := &dev.Controllers[i]
		if need, ok := l.controller(d, c); ok {
			l.out = append(l.out, pciDevice{addr: &c.Address, need: need, ctl: c})
		}
	}
	l.later(d)
	l.last(d)
	return l.out
}

func (l *pciList) video(v *xml.Video, x86 bool) {
	if m := v.Model; m != nil && m.Type != "none" && m.Type != "ramfb" {
		l.add(&v.Address, l.kind(m.Type == "virtio" || m.Type == "bochs" && !x86))
	}
}

// controller is what a controller that is no bridge needs; false if it is
// not on PCI.
func (l *pciList) controller(d *xml.Domain, c *xml.Controller) (plug, bool) {
	switch c.Type {
	case "usb":
		return l.kind(strings.HasSuffix(c.Model, "-xhci")), c.Model != "none"
	case "scsi":
		return l.kind(strings.HasPrefix(c.Model, "virtio-") && c.Model != "virtio-transitional"), c.Model != "ibmvscsi" && c.Model != "ncr53c90"
	case "ide":
		return conventional, IsI440FX(d) || c.Address != nil
	case "sata":
		return conventional, true
	case "virtio-serial":
		return l.kind(c.Model != "virtio-transitional"), true
	case "isa", "xenbus":
		return 0, c.Address == nil || c.Address.Type == "pci"
	}
	return 0, false
}

func (l *pciList) later(d *xml.Domain) {
	dev := &d.Devices
	for i := range dev.Disks {
		if v := &dev.Disks[i]; diskBus(v) == "virtio" {
			l.out = append(l.out, pciDevice{addr: &v.Address, need: l.virtio(v.Model), disk: true})
		}
	}
	for i := range dev.Hostdevs {
		h := &dev.Hostdevs[i]
		if h.Mode != "subsystem" || h.Address != nil && h.Address.Type == "unassigned" {
			continue
		}
		switch h.Type {
		case "pci":
			l.add(&h.Address, l.kind(true))
		case "mdev":
			if h.Model == "vfio-pci" {
				l.add(&h.Address, l.kind(true))
			}
		case "scsi_host":
			l.add(&h.Address, l.virtio(h.Model))
		}
	}
	if m := dev.Memballoon; m != nil && m.Model == "xen" && !isS390(d) {
		l.add(&m.Address, 0) // nothing takes it
	} else if m != nil && m.Model != "none" {
		l.add(&m.Address, l.virtio(m.Model))
	}
	for i := range dev.RNGs {
		l.add(&dev.RNGs[i].Address, l.virtio(dev.RNGs[i].Model))
	}
	for i := range dev.Watchdogs {
		if w := &dev.Watchdogs[i]; w.Model == "i6300esb" {
			l.add(&w.Address, conventional)
		}
	}
	first := 0
	if isX86(d) {
		first = 1
	}
	for i := first; i < len(dev.Videos); i++ {
		l.video(&dev.Videos[i], isX86(d))
	}
	for i := range dev.Shmems {
		l.add(&dev.Shmems[i].Address, conventional)
	}
	for i := range dev.Inputs {
		if in := &dev.Inputs[i]; in.Bus == "virtio" {
			l.add(&in.Address, l.virtio(in.Model))
		}
	}
	for i := range dev.Serials {
		if s := &dev.Serials[i]; s.Target != nil && s.Target.Type == "pci-serial" {
			l.add(&s.Address, conventional)
		}
	}
}

func (l *pciList) last(d *xml.Domain) {
	dev := &d.Devices
	whole := conventional
	if l.pcie {
		whole = integrated
	}
	if v := dev.Vsock; v != nil {
		l.add(&v.Address, l.virtio(v.Model))
	}
	for i := range dev.Memories {
		if m := &dev.Memories[i]; m.Model == "virtio-pmem" || m.Model == "virtio-mem" {
			l.add(&m.Address, l.kind(true))
		}
	}
	if v := dev.IOMMU; v != nil && v.Model == "virtio" {
		l.add(&v.Address, whole)
	}
	for i := range dev.Cryptos {
		l.add(&dev.Cryptos[i].Address, conventional)
	}
	for i := range dev.Panics {
		if p := &dev.Panics[i]; p.Model == "pvpanic" {
			l.add(&p.Address, whole)
		}
	}
	if v := dev.PStore; v != nil {
		l.add(&v.Address, conventional)
	}
}

// placed are the devices that are said to sit on PCI, in the order in which their
// places are taken. Those that belong elsewhere, and those that QEMU does not have, are told
// later: until then they are taken for conventional ones.
func (s *pciSet) placed(d *xml.Domain) []pciDevice {
	var out []pciDevice
	for _, v := range byAddress(d) {
		if c, ok := v.v.(*xml.Chardev); !(*v.addr).IsPCI() || ok && v.kind == "console" && c.Target != nil && c.Target.Type == "serial" {
			continue // a console may be the serial port once more
		}
		p := pciDevice{addr: v.addr}
		if i := slices.IndexFunc(s.devices, func(o pciDevice) bool { return o.addr == v.addr }); i >= 0 {
			p = s.devices[i]
		}
		if p.need == 0 {
			p.need = conventional
		}
		out = append(out, p)
	}
	return out
}
