package argv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// named is a controller that others name by its id.
type named struct {
	kind  string
	index uint
	alias func(name string) // gives it a name that is kept; nil if it is passed
	// behind tells of one that is passed that it is made behind the others.
	behind bool
}

// addController adds a controller, and makes it known by its id.
func (r *reader) addController(d *device, c xml.Controller) {
	list := &r.d.Devices.Controllers
	if c.Index == nil {
		n := uint(0)
		for _, other := range *list {
			if other.Type == c.Type && other.Index != nil && *other.Index >= n {
				n = *other.Index + 1
			}
		}
		c.Index = &n
	}
	at := len(*list)
	*list = append(*list, c)
	if d != nil && d.id != "" {
		r.named[d.id] = named{kind: c.Type, index: *c.Index, alias: func(name string) { (*list)[at].Alias = &xml.Alias{Name: name} }}
	}
}

// builtin controllers of the machine; those of devices follow in handle.
func (r *reader) controllers() {
	zero := uint(0)
	switch {
	case r.is("pc"):
		c := xml.Controller{Type: "pci", Index: &zero, Model: "pci-root", PCIHole64: r.hole64("i440FX-pcihost")}
		if v := r.rootHotplug(); v != "" {
			c.Target = &xml.ControllerTarget{Hotplug: v}
		}
		if c.Target != nil || c.PCIHole64 != nil {
			r.addController(nil, c)
		}
	case r.is("q35"):
		r.addController(nil, xml.Controller{Type: "sata", Index: &zero})
		r.addController(nil, xml.Controller{Type: "pci", Index: &zero, Model: "pcie-root", PCIHole64: r.hole64("q35-pcihost")})
	case r.is("virt"):
		r.addController(nil, xml.Controller{Type: "pci", Index: &zero, Model: "pcie-root"})
	}
	switch {
	case r.usb && r.ownUSB():
		r.pass(ownDevices, "-usb")
	case r.usb:
		r.boardUSB()
	}
}

// rootHotplug is whether devices can come and go on the root bus.
func (r *reader) rootHotplug() xml.OnOff {
	for _, g := range r.globals {
		if g.driver == "PIIX4_PM" && g.property == "acpi-root-pci-hotplug" {
			return toSwitch(g.value)
		}
	}
	return ""
}

// hole64 is the size of the room for PCI devices above 4 GiB.
func (r *reader) hole64(driver string) *xml.KiB {
	for _, g := range r.globals {
		if n, ok := size(g.value, 'b'); ok && g.driver == driver && g.property == "pci-hole64-size" {
			kib := xml.KiB(n >> 10)
			return &kib
		}
	}
	return nil
}

// boardUSB are the controllers that -usb adds.
func (r *reader) boardUSB() {
	zero := uint(0)
	at := func(slot, function uint, multi xml.OnOff) *xml.Address {
		return &xml.Address{Type: "pci", Slot: slot, Function: function, Multifunction: multi}
	}
	switch {
	case r.is("pc"):
		r.addController(nil, xml.Controller{Type: "usb", Index: &zero, Model: "piix3-uhci", Address: at(1, 2, "")})
	case r.is("q35"):
		r.addController(nil, xml.Controller{Type: "usb", Index: &zero, Model: "ich9-ehci1", Address: at(29, 7, "on")})
		for i := range 3 {
			r.addController(nil, xml.Controller{Type: "usb", Index: &zero, Model: "ich9-uhci" + strconv.Itoa(i+1), Master: &xml.ControllerMaster{StartPort: uint(2 * i)},
				Address: at(29, uint(i), "on")})
		}
	case strings.HasPrefix(r.arch(), "ppc64"):
		r.addController(nil, xml.Controller{Type: "usb", Index: &zero, Model: "qemu-xhci"})
	default:
		r.addController(nil, xml.Controller{Type: "usb", Index: &zero})
	}
	r.named["usb-bus"] = named{kind: "usb"}
}

// pciModels are the names of bridges in XML.
var pciModels = []struct{ base, model, name string }{
	{"i82801b11-bridge", "dmi-to-pci-bridge", "i82801b11-bridge"},
	{"pci-bridge", "pci-bridge", "pci-bridge"},
	{"pcie-pci-bridge", "pcie-to-pci-bridge", "pcie-pci-bridge"},
	{"pcie-root-port", "pcie-root-port", "pcie-root-port"},
	{"pxb", "pci-expander-bus", "pxb"},
	{"pxb-pcie", "pcie-expander-bus", "pxb-pcie"},
	{"x3130-upstream", "pcie-switch-upstream-port", "x3130-upstream"},
	{"xio3130-downstream", "pcie-switch-downstream-port", "xio3130-downstream"},
}

// bridge is a PCI bridge or port.
func (r *reader) bridge(d *device) func() {
	c := xml.Controller{Type: "pci", Address: d.address(), ACPI: d.acpiIndex()}
	for _, m := range pciModels {
		if m.base == d.base {
			c.Model, c.ModelName = m.model, &xml.ControllerModel{Name: m.name}
		}
	}
	if d.driver == "ioh3420" {
		c.ModelName.Name = "ioh3420"
	}
	index := r.bridgeIndex(d)
	c.Index = &index
	t := xml.ControllerTarget{ChassisNr: d.uintPtr("chassis_nr"), Chassis: d.uintPtr("chassis"), Port: d.uintPtr("port"), BusNr: d.uintPtr("bus_nr"),
		Hotplug: d.onOff("hotplug"), Node: d.uintPtr("numa_node")}
	if d.base == "pcie-root-port" || d.base == "xio3130-downstream" { // what QEMU gives to ports without
		zero := uint(0)
		for _, to := range []**uint{&t.Chassis, &t.Port} {
			if *to == nil {
				*to = &zero
			}
		}
	}
	if n := d.bytes("mem-reserve", 'b'); n > 0 {
		kib := n >> 10
		t.MemReserve = &kib
	}
	if t != (xml.ControllerTarget{}) {
		c.Target = &t
	}
	d.ignore("shpc", "off")
	for _, key := range d.left() { // others stand behind it, so it must be there
		r.note("left out: %s of %s (XML has no such thing)", key+"="+d.take(key), d.driver)
	}
	return func() { r.addController(d, c) }
}

// bridgeIndex is the number of the bus behind a bridge, by the order of bridges.
func (r *reader) bridgeIndex(d *device) uint {
	n := uint(0)
	for _, other := range r.inOrder() {
		if bridgeOf(other.base) != nil && r.onPCI(other) && !other.foreign {
			n++
		}
		if other == d {
			break
		}
	}
	return n
}

// usbModels are the names of USB controllers in XML.
var usbModels = []struct{ base, model string }{
	{"ich9-usb-ehci1", "ich9-ehci1"}, {"ich9-usb-uhci1", "ich9-uhci1"}, {"ich9-usb-uhci2", "ich9-uhci2"}, {"ich9-usb-uhci3", "ich9-uhci3"},
	{"nec-usb-xhci", "nec-xhci"}, {"pci-ohci", "pci-ohci"}, {"piix3-usb-uhci", "piix3-uhci"}, {"piix4-usb-uhci", "piix4-uhci"}, {"qemu-xhci", "qemu-xhci"},
	{"usb-ehci", "ehci"},
}

func (r *reader) usbController(d *device) func() {
	c := xml.Controller{Type: "usb", Address: d.address(), ACPI: d.acpiIndex()}
	for _, m := range usbModels {
		if m.base == d.base {
			c.Model = m.model
		}
	}
	if c.Model == "piix3-uhci" && r.is("pc") && !r.usb && !r.taken["piix3"] {
		r.taken["piix3"] = true
		if a := c.Address; a != nil && (a.Slot != 1 || a.Function != 2) {
			r.note("the PIIX3 USB controller is at 1.2, where XML has the first one")
		}
		c.Address = &xml.Address{Type: "pci", Slot: 1, Function: 2}
	}
	p2, p3 := d.peek("p2"), d.peek("p3")
	if strings.HasSuffix(c.Model, "xhci") && p2 == p3 && p2 != "" {
		c.Ports = d.uintPtr("p2")
		d.take("p3")
	}
	if master := d.peek("masterbus"); master != "" {
		id, _, _ := strings.Cut(master, ".")
		if m, ok := r.named[id]; ok && m.kind == "usb" {
			d.take("masterbus")
			index := m.index
			c.Index, c.Master = &index, &xml.ControllerMaster{StartPort: d.uint("firstport")}
		}
	}
	return func() { r.addController(d, c) }
}

// scsiModels are the names of SCSI controllers in XML.
var scsiModels = []struct{ base, model string }{
	{"am53c974", "am53c974"}, {"lsi53c895a", "lsilogic"}, {"megasas", "lsisas1078"}, {"mptsas1068", "lsisas1068"}, {"pvscsi", "vmpvscsi"},
	{"spapr-vscsi", "ibmvscsi"},
}

func (r *reader) scsiController(d *device) func() {
	c := xml.Controller{Type: "scsi", Address: d.address(), ACPI: d.acpiIndex(), Model: "virtio-scsi"}
	for _, m := range scsiModels {
		if m.base == d.base {
			c.Model = m.model
		}
	}
	if d.base == "virtio-scsi" {
		if m := d.variant(); m != "" {
			c.Model = m
		}
		v := xml.ControllerDriver{Queues: d.uint("num_queues", "num-queues"), CmdPerLUN: d.uint("cmd_per_lun"), MaxSectors: d.uint("max_sectors"), IOEventFD: d.onOff("ioeventfd"),
			IOMMU: d.onOff("iommu_platform", "iommu-platform"), ATS: d.onOff("ats"), Packed: d.onOff("packed"), PagePerVQ: d.onOff("page-per-vq")}
		if id := d.take("iothread"); id != "" {
			v.IOThread = r.iothread(id)
		}
		v.IOThreads = r.iothreadMap(d)
		if v.Queues != 0 || v.CmdPerLUN != 0 || v.MaxSectors != 0 || v.IOEventFD != "" || v.IOMMU != "" || v.ATS != "" || v.Packed != "" || v.PagePerVQ != "" ||
			v.IOThread != 0 || v.IOThreads != nil {
			c.Driver = &v
		}
	}
	return func() { r.addController(d, c) }
}

func (r *reader) sataController(d *device) func() {
	c := xml.Controller{Type: "sata", Address: d.address(), ACPI: d.acpiIndex()}
	return func() { r.addController(d, c) }
}

func (r *reader) serialController(d *device) func() {
	c := xml.Controller{Type: "virtio-serial", Ports: d.uintPtr("max_ports"), Vectors: d.uintPtr("vectors"), Model: d.variant()}
	if v := d.virtioDriver(); v != nil {
		c.Driver = &xml.ControllerDriver{IOMMU: v.IOMMU, ATS: v.ATS, Packed: v.Packed, PagePerVQ: v.PagePerVQ}
	}
	c.Address, c.ACPI = d.address(), d.acpiIndex()
	return func() { r.addController(d, c) }
}

func (r *reader) ccidController(d *device) func() {
	c := xml.Controller{Type: "ccid", Address: r.usbAddress(d)}
	return func() { r.addController(d, c) }
}

// controllerOn is the controller that a property names as CONTROLLER.N, or the
// one of its kind that came last: there QEMU looks first.
func (r *reader) controllerOn(d *device, kind string) (named, bool) {
	bus := d.peek("bus")
	if bus == "" {
		for _, c := range slices.Backward(r.d.Devices.Controllers) {
			if c.Type == kind && c.Index != nil {
				return named{kind: kind, index: *c.Index}, true
			}
		}
		return named{}, false
	}
	id, _, _ := strings.Cut(bus, ".")
	c, ok := r.named[id]
	if ok && c.kind == kind {
		d.take("bus")
		return c, true
	}
	return named{}, false
}

// iothread is the number of an I/O thread, which begins to be one when it is used.
func (r *reader) iothread(id string) uint {
	if n, ok := r.iothreads[id]; ok {
		return n
	}
	o := byID(r.objects, id)
	if o == nil || o.peek("qom-type") != "iothread" {
		return 0
	}
	o.spent = true
	n := r.threadNumber(id)
	r.iothreads[id] = n
	t := xml.IOThread{ID: n, Min: intPtr(o, "thread-pool-min"), Max: intPtr(o, "thread-pool-max")}
	o.take("qom-type", "id")
	poll := xml.IOThreadPoll{}
	for _, v := range []struct {
		key string
		to  **uint64
	}{{"poll-max-ns", &poll.Max}, {"poll-grow", &poll.Grow}, {"poll-shrink", &poll.Shrink}} {
		if x, ok := o.number(v.key); ok {
			*v.to = &x
		}
	}
	if poll != (xml.IOThreadPoll{}) {
		t.Poll = &poll
	}
	r.leftovers(o)
	r.d.IOThreadIDs = append(r.d.IOThreadIDs, t)
	r.d.IOThreads = uint(len(r.d.IOThreadIDs))
	return n
}

// threadNumber keeps the number of iothreadN, and is the first that is free for others.
func (r *reader) threadNumber(id string) uint {
	used := func(n uint) bool {
		for other, m := range r.iothreads {
			if m == n && other != id {
				return true
			}
		}
		for _, o := range r.objects {
			if o.peek("id") == "iothread"+utoa(n) && o.peek("id") != id {
				return true
			}
		}
		return false
	}
	if v, err := strconv.ParseUint(strings.TrimPrefix(id, "iothread"), 10, 31); err == nil && v > 0 && strings.HasPrefix(id, "iothread") && !used(uint(v)) {
		return uint(v)
	}
	n := uint(1)
	for used(n) {
		n++
	}
	return n
}

func intPtr(p *props, key string) *int {
	v, ok := p.number(key)
	if !ok || v > 1<<31-1 {
		return nil
	}
	i := int(v)
	return &i
}

// iothreadMap spreads the queues of a device over threads.
func (r *reader) iothreadMap(d *device) []xml.DriverIOThread {
	var out []xml.DriverIOThread
	for i := 0; ; i++ {
		prefix := fmt.Sprintf("iothread-vq-mapping.%d.", i)
		id := d.take(prefix + "iothread")
		if id == "" {
			return out
		}
		t := xml.DriverIOThread{ID: r.iothread(id)}
		for q := 0; ; q++ {
			n, ok := d.number(fmt.Sprintf("%svqs.%d", prefix, q))
			if !ok {
				break
			}
			t.Queues = append(t.Queues, xml.DriverQueue{ID: uint(n)})
		}
		out = append(out, t)
	}
}
