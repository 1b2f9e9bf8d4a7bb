package domain

import (
	"fmt"
	"slices"

	"virgo/xml"
)

// plug is what a PCI device needs of the bus that it is plugged into.
type plug uint16

const (
	conventional plug = 1 << iota // a PCI device
	express                       // a PCI Express endpoint
	rootPort
	upstreamPort
	downstreamPort
	pciBridge
	dmiBridge
	pcieToPCI
	expander
	pcieExpander
	integrated // an endpoint of the root complex
)

// pciKind is a model of PCI controllers: what it needs itself, what it accepts,
// its slots, the name of QEMU's device.
type pciKind struct {
	model          string
	needs, accepts plug
	first, last    int
	name           string
}

// pciKinds are all of them; the last one stands for no model.
var pciKinds = [...]pciKind{
	{"pci-root", 0, conventional | pciBridge | expander, 1, 31, ""},
	{"pcie-root", 0, rootPort | dmiBridge | pcieExpander | integrated, 1, 31, ""},
	{"pci-bridge", pciBridge, conventional | pciBridge, 1, 31, "pci-bridge"},
	{"pci-expander-bus", expander, conventional | pciBridge, 0, 31, "pxb"},
	{"dmi-to-pci-bridge", dmiBridge, pciBridge, 0, 31, "i82801b11-bridge"},
	{"pcie-to-pci-bridge", pcieToPCI, conventional | pciBridge, 1, 31, "pcie-pci-bridge"},
	{"pcie-root-port", rootPort, express | upstreamPort | pcieToPCI, 0, 0, "pcie-root-port"},
	{"pcie-switch-upstream-port", upstreamPort, downstreamPort, 0, 31, "x3130-upstream"},
	{"pcie-switch-downstream-port", downstreamPort, express | upstreamPort | pcieToPCI, 0, 0, "xio3130-downstream"},
	{"pcie-expander-bus", pcieExpander, rootPort | dmiBridge, 0, 31, "pxb-pcie"},
	{},
}

func kindOf(model string) *pciKind {
	for i := range pciKinds {
		if pciKinds[i].model == model {
			return &pciKinds[i]
		}
	}
	return &pciKinds[len(pciKinds)-1]
}

// pciBus is a bus with the functions in use.
type pciBus struct {
	model string
	kind  *pciKind // of the model
	used  [32]uint8
	ports [32]bool // the slot holds root ports, more of which may join
	fixed [32]bool // no root port may join
}

// pciSet are all buses. While it grows, buses are added for what finds none.
type pciSet struct {
	buses   []pciBus
	grow    bool
	root    string      // model of bus 0
	power   bool        // host bridges are added, not bridges
	q35     bool        // some devices have places of their own
	devices []pciDevice // in the order of assignment
	mmio    bool        // QEMU has virtio devices in memory
	bridge  string      // model of the bridge from PCI Express that this QEMU has
	reading bool        // written places are being taken
	waiting []plug      // what the buses need that were made meanwhile
	// displaced is what the first card needs that has not its own place: the peer
	// keeps room for it twice.
	displaced plug
}

func newBus(model string) pciBus { return pciBus{model: model, kind: kindOf(model)} }

// pciSlot is a place on a bus of domain 0.
type pciSlot struct{ bus, slot, function uint }

func (p pciSlot) address() *xml.Address {
	return &xml.Address{Type: "pci", Bus: p.bus, Slot: p.slot, Function: p.function}
}

// pciDevice is a device that needs a PCI address.
type pciDevice struct {
	addr **xml.Address
	need plug
	ctl  *xml.Controller // the device if it is a controller
	disk bool
}

func pciText(a *xml.Address) string {
	return fmt.Sprintf("%04x:%02x:%02x.%x", a.Domain, a.Bus, a.Slot, a.Function)
}

// assignPCI gives PCI devices their addresses, adding bridges and ports.
func assignPCI(d *xml.Domain, e *Emulator) error {
	// Boards where devices sit elsewhere: what is written counts for the buses alone.
	elsewhere := (isARM(d) || isRISCV(d)) && !hasPCIERoot(d) && !hasPCIRoot(d)
	if err := fillBuses(d); err != nil {
		return err
	}
	written := 0
	for i := range d.Devices.Controllers {
		if c := &d.Devices.Controllers[i]; c.Type == "pci" && *c.Index > 0 {
			written++
		}
	}
	set, err := newPCISet(d, e, true)
	if err != nil {
		return err
	}
	if set == nil {
		return noPCI(d, e, elsewhere)
	}
	full := set.full()
	if err := set.rehearse(d, written, full); err != nil {
		return err
	}
	d.Devices.Controllers = slices.Grow(d.Devices.Controllers, len(set.buses))
	for i := range set.buses {
		if i > 0 && findController(d, "pci", uint(i)) == nil {
			addController(d, xml.Controller{Type: "pci", Index: ptr(uint(i)), Model: set.buses[i].model})
		}
	}
	if elsewhere {
		return nil
	}
	if err := hostBridges(d); err != nil {
		return err
	}
	pciDefaults(d, e)
	if set, err = newPCISet(d, e, false); err != nil {
		return err
	}
	if err := set.assignAll(d, true); err != nil {
		return err
	}
	multifunction(set.devices)
	portNumbers(d)
	for i := range d.Devices.Controllers {
		if c := &d.Devices.Controllers[i]; c.Type == "pci" && c.Model == "pci-bridge" && c.Address.IsPCI() && c.Address.Bus >= *c.Index {
			return unsupported("PCI controller at index %d (0x%02x) has bus='0x%02x', but index must be larger than bus", *c.Index, *c.Index, c.Address.Bus)
		}
	}
	return nil
}

// rehearse assigns addresses to copies, so that it is known which buses are
// needed, and keeps a spare place.
func (s *pciSet) rehearse(d *xml.Domain, written int, full bool) error {
	if err := s.assignAll(d, false); err != nil {
		return err
	}
	if s.displaced != 0 {
		if _, err := s.place(s.displaced); err != nil {
			return err
		}
	}
	switch s.root {
	case "pci-root":
		if !full {
			_, err := s.place(conventional)
			return err
		}
	case "pcie-root":
		if written == 0 && len(s.buses) > 1 {
			_, err := s.place(express)
			return err
		}
	}
	return nil
}

// full tells whether no bus that accepts devices has a free slot.
func (s *pciSet) full() bool {
	for i := range s.buses {
		b := &s.buses[i]
		k := b.kind
		for slot := k.first; slot <= k.last; slot++ {
			if b.used[slot] == 0 {
				return false
			}
		}
	}
	return true
}

// maxBus bounds the buses that are made, so that a document cannot ask for
// millions of them. It is beyond what any machine has: the definition is refused
// for what follows from it, in the same words as for a higher number.
const maxBus = 512

// fillBuses adds the controllers that are missing below the highest index.
func fillBuses(d *xml.Domain) error {
	high := -1
	for i := range d.Devices.Controllers {
		if c := &d.Devices.Controllers[i]; c.Type == "pci" {
			high = max(high, int(min(*c.Index, maxBus)))
		}
	}
	if high < 0 {
		return nil
	}
	model := "pci-bridge"
	switch {
	case isPSeries(d):
		model = "pci-root"
	case findController(d, "pci", 0) != nil && findController(d, "pci", 0).Model == "pcie-root":
		model = "pcie-root-port"
	}
	for i := 1; i <= high; i++ {
		if findController(d, "pci", uint(i)) == nil {
			addController(d, xml.Controller{Type: "pci", Index: ptr(uint(i)), Model: model})
		}
	}
	return nil
}

// newPCISet makes the buses that there are, with what is written in them. nil
// if there is none.
// grow: buses that only an address names are made.
func newPCISet(d *xml.Domain, e *Emulator, grow bool) (*pciSet, error) {
	count := 0
	for i := range d.Devices.Controllers {
		if c := &d.Devices.Controllers[i]; c.Type == "pci" {
			count = max(count, int(min(*c.Index, maxBus))+1)
		}
	}
	if count == 0 {
		return nil, nil
	}
	s := &pciSet{buses: make([]pciBus, count), q35: IsQ35(d), power: isPSeries(d), devices: pciDevices(d), bridge: "dmi-to-pci-bridge", mmio: e.has("virtio-mmio")}
	if e.has("pcie-pci-bridge") {
		s.bridge = "pcie-to-pci-bridge"
	}
	for i := range s.buses {
		s.buses[i].kind = kindOf("")
	}
	for i := range d.Devices.Controllers {
		if c := &d.Devices.Controllers[i]; c.Type == "pci" && *c.Index <= maxBus {
			if c.Model == "" {
				return nil, xml.Errorf(xml.CodeInternal, "PCI controller model was not set correctly")
			}
			s.buses[*c.Index] = newBus(c.Model)
		}
	}
	if s.buses[0].model == "" { // not written, and not there, but taken to be
		s.buses[0] = newBus("pci-root")
	}
	s.root, s.grow = s.buses[0].model, grow
	s.reading = true
	for _, v := range s.placed(d) {
		a := *v.addr
		if h, ok := homeOf(d, v.ctl); ok && h.is(a) {
			continue
		}
		if onPIIX(v.ctl, a) {
			if s.buses[0].kind.accepts&conventional == 0 {
				return nil, xml.Errorf(xml.CodeInternal, "Bus 0 must be PCI for integrated PIIX3 USB or IDE controllers")
			}
			continue
		}
		text := pciText(a)
		if err := s.reach(a, v.need); err != nil {
			return nil, err
		}
		if err := s.reserve(a, v.need, text); err != nil {
			return nil, err
		}
		if v.need&rootPort != 0 {
			s.buses[a.Bus].ports[a.Slot] = true
		}
	}
	s.reading = false
	if err := s.builtIn(d); err != nil {
		return nil, err
	}
	for _, need := range s.waiting {
		if err := s.connect(need); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// onPIIX tells whether a controller is said to be where chipsets of that family
// have it, which takes no place from others.
func onPIIX(c *xml.Controller, a *xml.Address) bool {
	if c == nil || *c.Index != 0 || a.Domain != 0 || a.Bus != 0 || a.Slot != 1 {
		return false
	}
	return c.Type == "ide" && a.Function == 1 || c.Type == "usb" && c.Model == "piix3-uhci" && a.Function == 2
}

// reach makes the buses up to that of a written address, of the kind that the
// device needs.
func (s *pciSet) reach(a *xml.Address, need plug) error {
	if need == integrated && a.Bus != 0 {
		return xml.Errorf(xml.CodeXML, "The device at PCI address %s needs to be an integrated device (bus=0)", pciText(a))
	}
	for s.grow && a.Domain == 0 && int(a.Bus) >= len(s.buses) {
		if err := s.add(need); err != nil {
			return err
		}
		if last := len(s.buses) - 1; int(a.Bus) == last-1 && s.buses[last].model == "pcie-to-pci-bridge" {
			a.Bus++ // the one before is the bridge's own port
		}
	}
	return nil
}

// reserve marks an address that is written. text: how it was written.
func (s *pciSet) reserve(a *xml.Address, need plug, text string) error {
	if a.Domain != 0 {
		return xml.Errorf(xml.CodeXML, "Invalid PCI address %s. Only PCI domain 0 is available", text)
	}
	if int(a.Bus) >= len(s.buses) {
		return xml.Errorf(xml.CodeXML, "Invalid PCI address %s. Only PCI buses up to %d are available", text, len(s.buses)-1)
	}
	b := &s.buses[a.Bus]
	k := b.kind
	if err := s.compatible(a, need); err != nil {
		return err
	}
	if int(a.Slot) < k.first {
		return xml.Errorf(xml.CodeXML, "Invalid PCI address %s. slot must be >= %d", text, k.first)
	}
	if int(a.Slot) > k.last {
		return xml.Errorf(xml.CodeXML, "Invalid PCI address %s. slot must be <= %d", text, k.last)
	}
	if b.used[a.Slot]&(1<<a.Function) != 0 {
		return xml.Errorf(xml.CodeXML, "Attempted double use of PCI Address %s", text)
	}
	b.used[a.Slot] |= 1 << a.Function
	return nil
}

// compatible checks that the bus of a written address takes the device.
// Endpoints of either kind may be put on any bus for endpoints.
func (s *pciSet) compatible(a *xml.Address, need plug) error {
	b := &s.buses[a.Bus]
	k := b.kind
	const endpoints = conventional | express | integrated
	if b.model == "dmi-to-pci-bridge" && need&endpoints != 0 {
		return nil
	}
	if k.accepts&need != 0 || need&(endpoints|pciBridge) != 0 && k.accepts&endpoints != 0 {
		if need == integrated && a.Bus != 0 {
			return xml.Errorf(xml.CodeXML, "The device at PCI address %s needs to be an integrated device (bus=0)", pciText(a))
		}
		return nil
	}
	if need&integrated != 0 && a.Bus != 0 {
		return xml.Errorf(xml.CodeXML, "The device at PCI address %s needs to be an integrated device (bus=0)", pciText(a))
	}
	what := ""
	switch {
	case need&rootPort != 0:
		what = "pcie-root-port"
	case need&upstreamPort != 0:
		what = "pcie-switch-upstream-port"
	case need&downstreamPort != 0:
		what = "pcie-switch-downstream-port"
	case need&pciBridge != 0:
		what = "pci-bridge"
	case need&dmiBridge != 0:
		what = "dmi-to-pci-bridge"
	case need&pcieToPCI != 0:
		what = "pcie-to-pci-bridge"
	case need&expander != 0:
		what = "pci-expander-bus"
	case need&pcieExpander != 0:
		what = "pcie-expander-bus"
	case need&express != 0:
		return xml.Errorf(xml.CodeXML, "The device at PCI address %s cannot be plugged into the PCI controller with index='%d'. It requires a PCI Express capable controller.", pciText(a), a.Bus)
	default:
		return xml.Errorf(xml.CodeXML, "The device at PCI address %s cannot be plugged into the PCI controller with index='%d'. It requires a standard PCI slot, which is not provided by a %s controller", pciText(a), a.Bus, b.model)
	}
	return xml.Errorf(xml.CodeXML, "The device at PCI address %s cannot be plugged into the PCI controller with index='%d'. It requires a controller that accepts a %s.", pciText(a), a.Bus, what)
}

// place finds and takes a free place for a device.
func (s *pciSet) place(need plug) (pciSlot, error) {
	for {
		for i := range s.buses {
			b := &s.buses[i]
			k := b.kind
			if k.accepts&need == 0 {
				continue
			}
			for slot := k.first; slot <= k.last; slot++ {
				fn := 0
				if need == rootPort && b.ports[slot] {
					for fn < 8 && b.used[slot]&(1<<fn) != 0 {
						fn++
					}
					if fn == 8 {
						continue
					}
				} else if b.used[slot] != 0 {
					continue
				}
				b.used[slot] |= 1 << fn
				b.ports[slot] = b.ports[slot] || need == rootPort
				return pciSlot{uint(i), uint(slot), uint(fn)}, nil
			}
		}
		if !s.grow && s.root == "pcie-root" && need == conventional && s.has("pcie-to-pci-bridge") {
			return pciSlot{}, xml.Errorf(xml.CodeInternal, noSlotFor, "pci-bridge")
		}
		if !s.grow {
			return pciSlot{}, xml.Errorf(xml.CodeInternal, "No more available PCI slots")
		}
		if err := s.add(need); err != nil {
			return pciSlot{}, err
		}
	}
}

// noSlotFor is said of a controller that finds no place.
const noSlotFor = "a PCI slot is needed to connect a PCI controller model='%s', but none is available, and it cannot be automatically added"

// add makes a bus that accepts the device.
func (s *pciSet) add(need plug) error {
	if len(s.buses) > 2*maxBus {
		return xml.Errorf(xml.CodeInternal, "No more available PCI slots")
	}
	model := ""
	switch {
	case s.power && need&(conventional|pciBridge) != 0:
		model = "pci-root"
	case s.root == "pci-root" && need&(conventional|pciBridge) != 0:
		model = "pci-bridge"
	case s.root == "pcie-root" && need&(express|upstreamPort) != 0:
		if err := s.connect(rootPort); err != nil {
			return err
		}
		model = "pcie-root-port"
	case s.root == "pcie-root" && need == conventional && s.has("dmi-to-pci-bridge"):
		if err := s.connect(pciBridge); err != nil {
			return err
		}
		model = "pci-bridge"
	case s.root == "pcie-root" && need == conventional && s.has("pcie-to-pci-bridge"):
		model = "pci-bridge" // it finds its place when devices get theirs
	case s.root == "pcie-root" && need&(conventional|pciBridge) != 0 && s.bridge == "dmi-to-pci-bridge":
		if err := s.connect(dmiBridge); err != nil {
			return err
		}
		model = s.bridge
	case s.root == "pcie-root" && need&(conventional|pciBridge) != 0:
		// a port of its own, though others may be free
		if err := s.add(express); err != nil {
			return err
		}
		if err := s.connect(pcieToPCI); err != nil {
			return err
		}
		model = "pcie-to-pci-bridge"
	case need == 0:
		return xml.Errorf(xml.CodeInternal, "Cannot automatically add a new PCI bus for a device with connect flags 00")
	case need == pcieToPCI:
		return xml.Errorf(xml.CodeInternal, "Cannot automatically add a new PCI bus for a device with connect flags 2000")
	default:
		return xml.Errorf(xml.CodeInternal, noSlotFor, modelFor(need))
	}
	s.buses = append(s.buses, newBus(model))
	return nil
}

// connect finds the place of a bus that is made; only when all written ones are
// known.
func (s *pciSet) connect(need plug) error {
	if s.reading {
		s.waiting = append(s.waiting, need)
		return nil
	}
	_, err := s.place(need)
	return err
}

func (s *pciSet) has(model string) bool {
	for i := range s.buses {
		if s.buses[i].model == model {
			return true
		}
	}
	return false
}

// modelFor is the controller that needs such a place.
func modelFor(need plug) string {
	if need == upstreamPort {
		need = rootPort // of which there had to be one for it
	}
	for _, m := range []string{"pcie-root-port", "pcie-switch-downstream-port", "dmi-to-pci-bridge", "pci-expander-bus", "pcie-expander-bus", "pci-bridge"} {
		if kindOf(m).needs == need {
			return m
		}
	}
	return "pci-bridge"
}

// assignAll goes over the devices in the peer's order. store: addresses are
// written into the definition.
func (s *pciSet) assignAll(d *xml.Domain, store bool) error {
	groups := map[uint]pciSlot{} // of companion controllers, by their number
	placed := s.leadICH9(d, groups, store)
	for _, v := range s.devices {
		if _, own := homeOf(d, v.ctl); own || (*v.addr).IsPCI() || placed[v.addr] {
			continue
		}
		if a := *v.addr; a != nil && a.Type != "pci" {
			if err := diskElsewhere(v, s.mmio); err != nil {
				return err
			}
			continue
		}
		p, err := s.placeDevice(d, v, groups)
		if err != nil {
			return err
		}
		if !store {
			continue
		}
		a := p.address()
		if old := *v.addr; old != nil {
			a.ZPCI = old.ZPCI
		}
		if c := v.ctl; c != nil && c.Type == "usb" && c.Model == "ich9-uhci1" {
			a.Multifunction = "on" // for companions, of which there need not be any
		}
		*v.addr = a
	}
	return nil
}

// diskElsewhere refuses virtio disks on buses that have none. mmio: this QEMU has
// them in memory.
func diskElsewhere(v pciDevice, mmio bool) error {
	a := *v.addr
	if !v.disk || a == nil || a.Type == "pci" || a.Type == "ccw" || a.Type == "virtio-mmio" && mmio {
		return nil
	}
	return unsupported("virtio disk cannot have an address of type '%s'", a.Type)
}

// multifunction marks function 0 of slots in which others are used.
func multifunction(devices []pciDevice) {
	type slot struct{ bus, slot uint }
	others := map[slot]bool{}
	for _, v := range devices {
		if a := *v.addr; a.IsPCI() && a.Function > 0 {
			others[slot{a.Bus, a.Slot}] = true
		}
	}
	for _, v := range devices {
		if a := *v.addr; a.IsPCI() && a.Function == 0 && others[slot{a.Bus, a.Slot}] && a.Multifunction == "" {
			a.Multifunction = "on"
		}
	}
}

// noPCI refuses PCI devices where there is no bus. elsewhere: only those that are
// said to sit on one.
func noPCI(d *xml.Domain, e *Emulator, elsewhere bool) error {
	var err error
	eachDevice(d, func(v deviceView) {
		if (*v.addr).IsPCI() {
			err = xml.Errorf(xml.CodeXML, "No PCI buses available")
		}
	})
	if err != nil {
		return err
	}
	for _, v := range pciDevices(d) {
		if err := diskElsewhere(v, e.has("virtio-mmio")); err != nil && !elsewhere {
			return err
		}
		if a := *v.addr; a.IsPCI() || !elsewhere && (a == nil || a.Type == "pci") {
			return xml.Errorf(xml.CodeXML, "No PCI buses available")
		}
	}
	return nil
}
