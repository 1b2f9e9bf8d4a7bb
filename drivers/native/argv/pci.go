package argv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// bus is a PCI bus of the guest.
type bus struct {
	index uint   // of its controller
	kind  string // the device that it is behind; of the root pci or pcie
	from  uint   // the first slot that XML has there
	slots uint
	used  [32]uint8 // by slot, the functions
	// foreign buses are not in XML, as it does not have such a bridge there.
	foreign bool
}

// pciNames are the devices on PCI that have no virtio in their names.
const pciNames = " AC97 ES1370 VGA acpi-erst am53c974 amd-iommu-pci ati-vga bochs-display cirrus-vga ctucan_pci cxl-rp cxl-type3 dc390 e1000 e1000-82544gc e1000-82545em e1000e " +
	"edu i6300esb i82550 i82551 i82557a i82557b i82557c i82558a i82558b i82559a i82559b i82559c i82559er i82562 i82801 i82801b11-bridge ich9-ahci ich9-intel-hda " +
	"ich9-usb-ehci1 ich9-usb-ehci2 ich9-usb-uhci1 ich9-usb-uhci2 ich9-usb-uhci3 ich9-usb-uhci4 ich9-usb-uhci5 ich9-usb-uhci6 igb intel-hda ioh3420 ivshmem ivshmem-doorbell " +
	"ivshmem-plain kvaser_pci lsi53c810 lsi53c895a megasas megasas-gen2 mioe3680_pci mptsas1068 ne2k_pci nec-usb-xhci nvme pci-bridge pci-ipmi-bt pci-ipmi-kcs pci-ohci " +
	"pci-serial pci-serial-2x pci-serial-4x pci-testdev pcie-pci-bridge pcie-root-port pcm3680_pci pcnet piix3-ide piix3-usb-uhci piix4-ide piix4-usb-uhci pvpanic-pci " +
	"pvscsi pxb pxb-cxl pxb-pcie qemu-xhci qxl rocker rtl8139 sdhci-pci secondary-vga tpci200 tulip ufs usb-ehci vfio-pci vfio-pci-nohotplug vmware-svga vmxnet3 " +
	"x3130-upstream xen-platform xio3130-downstream "

// onPCI tells whether a device is on PCI in this machine.
func (r *reader) onPCI(d *device) bool {
	if strings.Contains(pciNames, " "+d.base+" ") {
		return true
	}
	virtio := strings.HasPrefix(d.base, "virtio-") || strings.HasPrefix(d.base, "vhost-")
	switch {
	case !virtio, d.base == "virtio-9p-device":
		return false
	case d.transport == "":
		return !strings.HasPrefix(r.arch(), "s390") && r.d.OS.Type.Machine != "microvm"
	}
	return d.transport == "pci"
}

// rootBus is the name of the bus that the machine brings.
func (r *reader) rootBus() string {
	if r.is("q35") || r.is("virt") {
		return "pcie.0"
	}
	return "pci.0"
}

// plan gives every PCI device its place as QEMU would.
func (r *reader) plan() {
	root := &bus{slots: 32, kind: strings.TrimSuffix(r.rootBus(), ".0")}
	root.used[0] = 0xff
	switch {
	case r.is("pc"): // the bridge, IDE, power management, and USB between them
		root.used[1] = 1<<0 | 1<<1 | 1<<3
		if r.usb {
			root.used[1] |= 1 << 2
		}
	case r.isMalta():
		r.maltaSlots(root)
	case r.is("q35"):
		root.used[31] = 1<<0 | 1<<2 | 1<<3
		if r.usb {
			root.used[29] = 1<<0 | 1<<1 | 1<<2 | 1<<7
		}
	}
	r.anyBus = r.rootBus()
	r.bus = map[string]*bus{r.anyBus: root}
	r.named = map[string]named{}
	if r.isS390() {
		r.channels()
	}
	if r.isPSeries() && slices.ContainsFunc(r.inOrder(), func(d *device) bool { return r.onPCI(d) && !d.has("addr") }) {
		r.note("the PCI devices of a pSeries are a slot higher than QEMU puts them: XML has no slot 0 there")
	}
	next := uint(1)
	for _, d := range r.inOrder() {
		if !r.onPCI(d) {
			continue
		}
		r.place(d)
		if r.err != nil {
			return
		}
		if b := bridgeOf(d.base); b != nil {
			b.kind = d.base
			b.foreign = d.foreign
			if !d.foreign {
				b.index = next
				next++
			}
			if d.id != "" {
				r.bus[d.id] = b
			}
			if d.id != "" && strings.HasPrefix(d.base, "pxb") { // QEMU looks for buses from the last root on
				r.anyBus = d.id
			}
			if next > 255 {
				r.fail(d.props, "there are too many buses")
				return
			}
		}
	}
}

// bridgeOf is the bus behind a device, nil if there is none.
func bridgeOf(base string) *bus {
	switch base {
	case "pci-bridge", "pcie-pci-bridge":
		return &bus{from: 1, slots: 32}
	case "i82801b11-bridge", "pxb", "pxb-pcie", "x3130-upstream":
		return &bus{slots: 32}
	case "pcie-root-port", "xio3130-downstream":
		return &bus{slots: 1}
	}
	return nil
}

// parents are the buses on which XML has a bridge; other devices may be on any
// but those of pxb-pcie and x3130-upstream.
var parents = []struct{ bridge, on string }{
	{"i82801b11-bridge", " pcie pxb-pcie "},
	{"pci-bridge", " pci pci-bridge pcie-pci-bridge i82801b11-bridge pxb "},
	{"pcie-pci-bridge", " pcie-root-port xio3130-downstream "},
	{"pcie-root-port", " pcie pxb-pcie "},
	{"pxb", " pci "},
	{"pxb-pcie", " pcie "},
	{"x3130-upstream", " pcie-root-port xio3130-downstream "},
	{"xio3130-downstream", " x3130-upstream "},
}

// fits tells whether XML has a device on a kind of bus.
func fits(base, kind string) bool {
	for _, p := range parents {
		if p.bridge == base {
			return strings.Contains(p.on, " "+kind+" ")
		}
	}
	return kind != "pxb-pcie" && kind != "x3130-upstream"
}

// place gives one device its place. QEMU takes the first slot that is free.
func (r *reader) place(d *device) {
	name := d.peek("bus")
	if name == "" {
		name = r.anyBus
	}
	b := r.bus[name]
	if b == nil {
		d.foreign = d.has("bus")
		owner, _, _ := strings.Cut(name, ".")
		known := func(o *device) bool { return o.id == owner || o.id == name }
		if d.foreign && !r.isBoard() && !slices.ContainsFunc(r.devices, known) {
			r.fail(d.props, "%s: there is no bus '%s'", d.driver, name)
		}
		return
	}
	d.foreign = b.foreign || !fits(d.base, b.kind)
	slot, function, given := parseSlot(d.peek("addr"))
	if given && slot < b.from && !d.foreign {
		r.note("%s: XML has no slot %d on such a bus, it gets another one", d.driver, slot)
		given = false
	}
	if !given && !r.is("pc") && !r.is("q35") && !r.is("virt") && !r.isMalta() && !r.isPSeries() {
		return
	}
	if !given && !d.foreign {
		slot = b.from
	}
	for ; !given; slot++ {
		if slot >= b.slots {
			r.fail(d.props, "%s: there is no free slot on bus '%s'", d.driver, name)
			return
		}
		if b.used[slot] == 0 {
			break
		}
	}
	if b.used[slot]&(1<<function) != 0 {
		r.fail(d.props, "%s: slot %d of bus '%s' is in use", d.driver, slot, name)
		return
	}
	b.used[slot] |= 1 << function
	multi := toSwitch(d.peek("multifunction"))
	d.place = &xml.Address{Type: "pci", Bus: b.index, Slot: slot, Function: function, Multifunction: multi}
	d.slot = fmt.Sprintf("%s 0x%x", name, slot)
	if function > 0 {
		d.slot += fmt.Sprintf(".0x%x", function)
	}
}

// parseSlot reads 5, 0x5, 05.1: all in hexadecimal.
func parseSlot(text string) (slot, function uint, ok bool) {
	s, f, _ := strings.Cut(text, ".")
	v, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 8)
	if err != nil || v > 31 {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(f, "0x"), 16, 8)
	if f != "" && (err != nil || n > 7) {
		return 0, 0, false
	}
	return uint(v), uint(n), true
}

// address is the place of a device on PCI or a channel; what says it is taken.
func (d *device) address() *xml.Address {
	if d.place != nil {
		d.take("bus", "addr", "multifunction")
		return d.place
	}
	if devno := d.peek("devno"); devno != "" {
		var a xml.Address
		if n, _ := fmt.Sscanf(devno, "%x.%x.%x", &a.CSSID, &a.SSID, &a.DevNo); n == 3 {
			d.take("devno")
			a.Type = "ccw"
			return &a
		}
	}
	if reg, ok := d.number("reg"); ok && strings.HasPrefix(d.base, "spapr-") {
		return &xml.Address{Type: "spapr-vio", Reg: &reg}
	}
	if d.transport == "device" && (strings.HasPrefix(d.base, "virtio-") || strings.HasPrefix(d.base, "vhost-")) && !d.has("bus") {
		return &xml.Address{Type: "virtio-mmio"}
	}
	return nil
}

// acpiIndex is the number by which firmware names the device.
func (d *device) acpiIndex() *xml.ACPIIndex {
	if n := d.uint("acpi-index"); n > 0 {
		return &xml.ACPIIndex{Index: n}
	}
	return nil
}

// rom is the device's expansion ROM.
func (r *reader) rom(d *device) *xml.ROM {
	if f := d.find("romfile"); f != nil && f.value == "" {
		d.take("romfile", "rombar")
		return &xml.ROM{Enabled: "no"}
	}
	var rom xml.ROM
	if file := d.take("romfile"); file != "" {
		file = r.absolute(file)
		rom.File = &file
	}
	switch d.take("rombar") {
	case "0", "off":
		rom.Bar = "off"
	case "1", "on":
		rom.Bar = "on"
	}
	if rom == (xml.ROM{}) {
		return nil
	}
	return &rom
}

// virtioModel is the variant of a virtio device that XML names.
func (d *device) virtioModel() string {
	legacy, modern := toSwitch(d.peek("disable-legacy")), toSwitch(d.peek("disable-modern"))
	model := d.model
	switch {
	case model == "virtio" && legacy == "on" && modern != "on":
		model = "virtio-non-transitional"
		d.take("disable-legacy", "disable-modern")
	case model == "virtio" && legacy == "off" && modern == "off":
		model = "virtio-transitional"
		d.take("disable-legacy", "disable-modern")
	}
	d.ignore("disable-modern", "off")
	d.ignore("disable-legacy", "auto")
	if model == "virtio-non-transitional" {
		d.ignore("disable-legacy", "on")
	}
	return model
}

// virtioOf is the variant where XML has it as an attribute that may be absent.
func (d *device) variant() string {
	if m := d.virtioModel(); m != "virtio" {
		return m
	}
	return ""
}

// virtioDriver are the switches that all virtio devices have.
func (d *device) virtioDriver() *xml.VirtioDriver {
	v := xml.VirtioDriver{IOMMU: d.onOff("iommu_platform", "iommu-platform"), ATS: d.onOff("ats"), Packed: d.onOff("packed"), PagePerVQ: d.onOff("page-per-vq")}
	if v == (xml.VirtioDriver{}) {
		return nil
	}
	return &v
}
