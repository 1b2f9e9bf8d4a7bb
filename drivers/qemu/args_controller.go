package qemu

import (
	"sort"

	"virgo/xml"
)

// controllers come in the peer's order: pci by index, usb, scsi, sata, virtio-serial.
func (a *args) controllers() {
	a.globals()
	list := a.d.Devices.Controllers
	var pci []xml.Controller
	for _, c := range list {
		if c.Type == "pci" {
			pci = append(pci, c)
		}
	}
	sort.SliceStable(pci, func(i, j int) bool { return number(pci[i].Index) < number(pci[j].Index) })
	for _, c := range pci {
		a.pciController(c)
	}
	for _, kind := range []string{"usb", "scsi", "ide", "sata", "virtio-serial"} {
		for _, c := range list {
			if c.Type == kind {
				a.controller(c)
			}
		}
	}
}

// globals are switches of chips that the machine brings.
func (a *args) globals() {
	for _, c := range a.d.Devices.Controllers {
		if c.Type == "pci" && c.Target != nil && c.Target.Hotplug != "" && c.Model == "pci-root" {
			a.add("-global", "PIIX4_PM.acpi-root-pci-hotplug="+string(c.Target.Hotplug))
		}
	}
	for _, c := range a.d.Devices.Controllers {
		if c.Type == "pci" && c.PCIHole64 != nil {
			chip := map[string]string{"pci-root": "i440FX-pcihost", "pcie-root": "q35-pcihost"}[c.Model]
			if chip != "" {
				a.add("-global", chip+".pci-hole64-size="+utoa(uint64(*c.PCIHole64))+"K")
			}
		}
	}
	a.iommu()
}

func number(n *uint) uint {
	if n == nil {
		return 0
	}
	return *n
}

func (a *args) pciController(c xml.Controller) {
	t := c.Target
	if t == nil {
		t = &xml.ControllerTarget{}
	}
	id := aliasOf(c.Alias)
	name := ""
	if c.ModelName != nil {
		name = c.ModelName.Name
	}
	or := func(fallback string) string {
		if name != "" {
			return name
		}
		return fallback
	}
	var p *props
	switch c.Model {
	case "pci-bridge":
		p = newProps("driver", or("pci-bridge")).num("chassis_nr", uint64(number(t.ChassisNr)))
		if t.MemReserve != nil && *t.MemReserve > 0 {
			p.num("mem-reserve", *t.MemReserve*1024)
		}
		p.str("id", id)
	case "pci-expander-bus", "pcie-expander-bus":
		p = newProps("driver", or(map[string]string{"pci-expander-bus": "pxb", "pcie-expander-bus": "pxb-pcie"}[c.Model])).num("bus_nr", uint64(number(t.BusNr))).str("id", id)
		if t.Node != nil {
			p.num("numa_node", uint64(*t.Node))
		}
	case "dmi-to-pci-bridge":
		p = newProps("driver", or("i82801b11-bridge")).str("id", id)
	case "pcie-to-pci-bridge":
		p = newProps("driver", or("pcie-pci-bridge")).str("id", id)
	case "pcie-switch-upstream-port":
		p = newProps("driver", or("x3130-upstream")).str("id", id)
	case "pcie-root-port", "pcie-switch-downstream-port":
		p = newProps("driver", or(map[string]string{"pcie-root-port": "pcie-root-port", "pcie-switch-downstream-port": "xio3130-downstream"}[c.Model]))
		p.num("port", uint64(number(t.Port))).num("chassis", uint64(number(t.Chassis))).str("id", id).optFlag("hotplug", string(t.Hotplug))
		if t.MemReserve != nil && *t.MemReserve > 0 {
			p.num("mem-reserve", uint64(*t.MemReserve)*1024)
		}
	case "pci-root", "pcie-root":
		if number(c.Index) == 0 || name != "spapr-pci-host-bridge" && c.Model == "pcie-root" {
			return
		}
		p = newProps("driver", "spapr-pci-host-bridge").num("index", uint64(number(t.Index))).str("id", id)
		if t.Node != nil {
			p.num("numa_node", uint64(*t.Node))
		}
	default:
		return
	}
	a.device(a.where(p, c.Address, c.ACPI))
}

// usbDrivers are QEMU's names of USB controllers.
var usbDrivers = map[string]string{"piix3-uhci": "piix3-usb-uhci", "piix4-uhci": "piix4-usb-uhci", "ehci": "usb-ehci", "ich9-ehci1": "ich9-usb-ehci1",
	"ich9-uhci1": "ich9-usb-uhci1", "ich9-uhci2": "ich9-usb-uhci2", "ich9-uhci3": "ich9-usb-uhci3", "vt82c686b-uhci": "vt82c686b-usb-uhci",
	"pci-ohci": "pci-ohci", "nec-xhci": "nec-usb-xhci", "qemu-xhci": "qemu-xhci"}

// scsiDrivers are QEMU's names of SCSI controllers.
var scsiDrivers = map[string]string{"lsilogic": "lsi", "auto": "lsi", "lsisas1068": "mptsas1068", "lsisas1078": "megasas", "vmpvscsi": "pvscsi",
	"ibmvscsi": "spapr-vscsi", "am53c974": "am53c974", "dc390": "dc-390"}

func (a *args) controller(c xml.Controller) {
	switch c.Type {
	case "usb":
		a.usbController(c)
	case "scsi":
		a.scsiController(c)
	case "sata":
		if number(c.Index) == 0 && isQ35(a.d.OS.Type.Machine) {
			return // the chipset's own
		}
		a.device(a.where(newProps("driver", "ahci").str("id", aliasOf(c.Alias)), c.Address, c.ACPI))
	case "virtio-serial":
		p := newProps("driver", a.virtioName("virtio-serial", c.Model, c.Address))
		controllerFlags(p, c.Driver)
		p.str("id", aliasOf(c.Alias))
		if c.Ports != nil {
			p.num("max_ports", uint64(*c.Ports))
		}
		if c.Vectors != nil {
			p.num("vectors", uint64(*c.Vectors))
		}
		a.device(a.where(p, c.Address, c.ACPI))
	case "ide":
		if number(c.Index) > 0 {
			a.fail(xml.CodeInternal, "Only 1 IDE controller is supported")
		}
	}
}

func controllerFlags(p *props, d *xml.ControllerDriver) {
	if d != nil {
		p.virtio(d.IOMMU, d.ATS, d.Packed, d.PagePerVQ)
	}
}

func (a *args) usbController(c xml.Controller) {
	if c.Model == "none" || c.Model == "" && isS390(a.d.OS.Type.Arch) {
		return
	}
	if c.Model == "" {
		a.fail(xml.CodeConfigUnsupported, "no model provided for USB controller")
		return
	}
	driver := usbDrivers[c.Model]
	if driver == "" {
		a.fail(xml.CodeConfigUnsupported, "USB controller model '%s' is not supported by this QEMU binary", c.Model)
		return
	}
	if t := a.d.OS.Type.Arch; (!isX86(t) || driver == "vt82c686b-usb-uhci") && !a.Emulator.Has(driver) {
		a.fail(xml.CodeConfigUnsupported, "USB controller model '%s' not supported in this QEMU binary", c.Model)
		return
	}
	if c.Ports != nil && c.Model != "qemu-xhci" && c.Model != "nec-xhci" {
		a.fail(xml.CodeConfigUnsupported, "usb controller type '%s' doesn't support 'ports' with this QEMU binary", c.Model)
		return
	}
	p := newProps("driver", driver)
	if c.Ports != nil {
		p.num("p2", uint64(*c.Ports)).num("p3", uint64(*c.Ports))
	}
	if c.Master != nil {
		p.str("masterbus", a.usbMaster(c)+".0").num("firstport", uint64(c.Master.StartPort))
	} else {
		p.str("id", aliasOf(c.Alias))
	}
	a.device(a.where(p, c.Address, c.ACPI))
}

// usbMaster is the controller whose companion c is: the one of the same index
// that is nobody's companion.
func (a *args) usbMaster(c xml.Controller) string {
	for _, m := range a.d.Devices.Controllers {
		if m.Type == "usb" && number(m.Index) == number(c.Index) && m.Master == nil {
			return aliasOf(m.Alias)
		}
	}
	a.fail(xml.CodeInternal, "masterbus not found")
	return ""
}

func (a *args) scsiController(c xml.Controller) {
	var p *props
	switch c.Model {
	case "virtio-scsi", "virtio-transitional", "virtio-non-transitional":
		p = newProps("driver", a.virtioName("virtio-scsi", c.Model, c.Address))
		controllerFlags(p, c.Driver)
		if c.Driver != nil && c.Driver.IOThread > 0 {
			p.str("iothread", "iothread"+utoa(c.Driver.IOThread))
		}
		p.str("id", aliasOf(c.Alias))
		if d := c.Driver; d != nil {
			p.optNum("num_queues", uint64(d.Queues))
			if len(d.IOThreads) > 0 {
				p.raw("iothread-vq-mapping", iothreadMapping(d.IOThreads))
			}
			p.optNum("cmd_per_lun", uint64(d.CmdPerLUN)).optNum("max_sectors", uint64(d.MaxSectors)).optFlag("ioeventfd", string(d.IOEventFD))
		}
	case "", "ncr53c90": // the board's own
		return
	default:
		driver := scsiDrivers[c.Model]
		if driver == "" {
			a.fail(xml.CodeConfigUnsupported, "Unsupported controller model: %s", c.Model)
			return
		}
		p = newProps("driver", driver).str("id", aliasOf(c.Alias))
	}
	a.device(a.where(p, c.Address, c.ACPI))
}

// iothreadMapping spreads a device's queues over threads.
func iothreadMapping(list []xml.DriverIOThread) string {
	out := "["
	for i, t := range list {
		if i > 0 {
			out += ","
		}
		p := newProps("iothread", "iothread"+utoa(t.ID))
		if len(t.Queues) > 0 {
			queues := "["
			for j, q := range t.Queues {
				if j > 0 {
					queues += ","
				}
				queues += utoa(q.ID)
			}
			p.raw("vqs", queues+"]")
		}
		out += p.String()
	}
	return out + "]"
}

// iommu is what stands between the guest's devices and its memory.
func (a *args) iommu() {
	i := a.d.Devices.IOMMU
	if i == nil {
		return
	}
	if i.Model == "intel" {
		p := newProps("driver", "intel-iommu").str("id", aliasOf(i.Alias))
		if d := i.Driver; d != nil {
			p.opt("intremap", string(d.IntRemap)).optFlag("caching-mode", string(d.CachingMode)).opt("eim", string(d.EIM)).
				optFlag("device-iotlb", string(d.IOTLB)).optNum("aw-bits", uint64(d.AWBits)).optFlag("dma-translation", string(d.DMATranslation))
		}
		a.device(p)
		return
	}
	if i.Model == "virtio" {
		a.device(a.where(newProps("driver", "virtio-iommu").str("id", aliasOf(i.Alias)), i.Address, nil))
	}
}
