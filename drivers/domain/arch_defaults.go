package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// implicitUSB is the USB controller that a machine brings along, or "".
func implicitUSB(d *xml.Domain) string {
	m := d.OS.Type.Machine
	switch arch := d.OS.Type.Arch; {
	case IsQ35(d):
		return "qemu-xhci"
	case isX86(d):
		return "piix3-uhci"
	case isPPC64(d):
		return "qemu-xhci"
	case isARM(d) && (m == "versatilepb" || strings.HasPrefix(m, "realview")):
		return "pci-ohci"
	case arch == "alpha", strings.HasPrefix(arch, "mips"), strings.HasPrefix(arch, "sh4"), arch == "ppc", arch == "sparc64":
		return "piix3-uhci"
	}
	return ""
}

// hasPCIRoot tells which other machines have conventional PCI.
func hasPCIRoot(d *xml.Domain) bool {
	m := d.OS.Type.Machine
	switch arch := d.OS.Type.Arch; {
	case isARM(d):
		return m == "versatilepb"
	case strings.HasPrefix(arch, "mips"):
		return m == "malta"
	case isPPC64(d), arch == "alpha", strings.HasPrefix(arch, "sh4"), arch == "ppc", arch == "sparc64":
		return true
	}
	return false
}

// archDevices adds what machines other than PCs have.
func archDevices(d *xml.Domain) {
	dev := &d.Devices
	if isPPC64(d) && len(dev.Graphics) > 0 {
		if !hasInput(d, "keyboard") {
			d.Devices.Inputs = append(d.Devices.Inputs, xml.Input{Type: "keyboard", Bus: "usb"})
		}
		if !hasInput(d, "mouse", "tablet") {
			d.Devices.Inputs = append(d.Devices.Inputs, xml.Input{Type: "mouse", Bus: "usb"})
		}
	}
	panics := func(model string) {
		for i := range dev.Panics {
			if slices.Contains([]string{"", "default", model}, dev.Panics[i].Model) {
				return
			}
		}
		dev.Panics = append(dev.Panics, xml.Panic{Model: model})
	}
	switch {
	case isS390(d):
		panics("s390")
	case isPSeries(d):
		panics("pseries")
	case isARMVirt(d):
		if d.Features == nil {
			d.Features = &xml.Features{}
		}
		if d.Features.GIC == nil {
			d.Features.GIC = &xml.GIC{}
		}
		setDefault(&d.Features.GIC.Version, "2")
	}
}

// hasInput tells whether there is an input device of one of the kinds, other
// than a virtio one.
func hasInput(d *xml.Domain, kinds ...string) bool {
	for i := range d.Devices.Inputs {
		if in := &d.Devices.Inputs[i]; slices.Contains(kinds, in.Type) && in.Bus != "virtio" {
			return true
		}
	}
	return false
}

// hostBridges completes the PCI roots of POWER.
func hostBridges(d *xml.Domain) error {
	if !isPSeries(d) {
		return nil
	}
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		if c.Type != "pci" || c.Model != "pci-root" {
			continue
		}
		if c.ModelName == nil || c.ModelName.Name == "" {
			c.ModelName = &xml.ControllerModel{Name: "spapr-pci-host-bridge"}
		}
		if c.Target == nil {
			c.Target = &xml.ControllerTarget{}
		}
		if c.Target.Index == nil {
			n := freeBridge(d, *c.Index)
			if n > 30 {
				return unsupported("No usable target index found for %d", 0)
			}
			c.Target.Index = &n
		}
	}
	return nil
}

// freeBridge is the first number that no host bridge has; 0 is that of root 0.
func freeBridge(d *xml.Domain, index uint) uint {
	if index == 0 {
		return 0
	}
	for n := uint(1); ; n++ {
		taken := false
		for i := range d.Devices.Controllers {
			if t := d.Devices.Controllers[i].Target; d.Devices.Controllers[i].Type == "pci" && t != nil && t.Index != nil && *t.Index == n {
				taken = true
			}
		}
		if !taken {
			return n
		}
	}
}

// channelPlace is a place in s390's channel subsystem.
type channelPlace struct{ cssid, ssid, devno uint }

// assignCCW gives virtio devices on s390 their places.
func assignCCW(d *xml.Domain) error {
	if !isS390(d) {
		assignMMIO(d)
		return nil
	}
	for i := range d.Devices.Hostdevs {
		if h := &d.Devices.Hostdevs[i]; h.Type == "mdev" && h.Model == "vfio-ap" { // it sits on no bus
			h.Address = nil
		}
	}
	taken := map[channelPlace]bool{}
	var err error
	eachDevice(d, func(v deviceView) {
		a := *v.addr
		if a == nil || a.Type != "ccw" || a.NoBus {
			return
		}
		p := channelPlace{a.CSSID, a.SSID, a.DevNo}
		if taken[p] && err == nil {
			err = xml.Errorf(xml.CodeXML, "The CCW devno '%x.%x.%04x' is in use already", a.CSSID, a.SSID, a.DevNo)
		}
		taken[p] = true
	})
	if err != nil {
		return err
	}
	next := uint(0)
	give := func(addr **xml.Address) {
		if a := *addr; a != nil && (a.Type != "ccw" || !a.NoBus) {
			return
		}
		for taken[channelPlace{0xfe, 0, next}] {
			next++
		}
		taken[channelPlace{0xfe, 0, next}] = true
		*addr = &xml.Address{Type: "ccw", CSSID: 0xfe, DevNo: next}
	}
	for _, a := range channelDevices(d) {
		give(a)
	}
	return nil
}

// assignMMIO gives virtio devices of boards without PCI, or of guests that have
// some there already, a place in memory, which has no number.
func assignMMIO(d *xml.Domain) {
	given := false
	eachDevice(d, func(v deviceView) { given = given || *v.addr != nil && (*v.addr).Type == "virtio-mmio" })
	board := isARM(d) && machineIs(d, "vexpress")
	if !board && (findController(d, "pci", 0) != nil && !given || !isARMVirt(d) && !isRISCVVirt(d)) {
		return
	}
	for _, a := range channelDevices(d) {
		if *a == nil {
			*a = &xml.Address{Type: "virtio-mmio"}
		}
	}
}

// boardSCSI are the models of SCSI controllers that have places of their own.
var boardSCSI = []string{"ibmvscsi", "ncr53c90"}

// channelDevices are the virtio devices in the order of assignment.
func channelDevices(d *xml.Domain) []**xml.Address {
	dev := &d.Devices
	var out []**xml.Address
	add := func(ok bool, a **xml.Address) {
		if ok {
			out = append(out, a)
		}
	}
	for i := range dev.Disks {
		add(diskBus(&dev.Disks[i]) == "virtio", &dev.Disks[i].Address)
	}
	for i := range dev.Interfaces {
		n := &dev.Interfaces[i]
		add(n.Type != "hostdev" && n.Model != nil && (n.Model.Type == "virtio" || isS390(d) && strings.HasPrefix(n.Model.Type, "virtio-")), &n.Address)
	}
	for i := range dev.Sounds {
		add(dev.Sounds[i].Model == "virtio", &dev.Sounds[i].Address)
	}
	for i := range dev.Hostdevs {
		h := &dev.Hostdevs[i]
		add(h.Type == "scsi_host" || h.Type == "mdev" && h.Model == "vfio-ccw", &h.Address)
	}
	for i := range dev.Videos {
		m := dev.Videos[i].Model
		add(m != nil && m.Type == "virtio", &dev.Videos[i].Address)
	}
	for i := range dev.Controllers {
		c := &dev.Controllers[i]
		add(c.Type == "virtio-serial" || c.Type == "scsi" && (isARM(d) || isS390(d) && !slices.Contains(boardSCSI, c.Model) || strings.HasPrefix(c.Model, "virtio")), &c.Address)
	}
	for i := range dev.Inputs {
		add(dev.Inputs[i].Bus == "virtio", &dev.Inputs[i].Address)
	}
	for i := range dev.Filesystems {
		add(isS390(d), &dev.Filesystems[i].Address)
	}
	if m := dev.Memballoon; m != nil {
		add(strings.HasPrefix(m.Model, "virtio"), &m.Address)
	}
	for i := range dev.RNGs {
		add(true, &dev.RNGs[i].Address)
	}
	if v := dev.Vsock; v != nil {
		add(isS390(d), &v.Address)
	}
	for i := range dev.Cryptos {
		add(true, &dev.Cryptos[i].Address)
	}
	for i := range dev.Consoles {
		c := &dev.Consoles[i]
		add(c.Target != nil && c.Target.Type == "virtio" && c.Address != nil && c.Address.Type == "ccw", &c.Address)
	}
	return out
}
