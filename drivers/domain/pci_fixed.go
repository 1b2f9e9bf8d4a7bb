package domain

import (
	"slices"

	"virgo/xml"
)

// home is the only place of a controller that is one of the machine's own devices.
type home struct {
	slot, function uint
	refusal        string // of another place
}

// homeOf gives the place of a controller; false if it can have any.
func homeOf(d *xml.Domain, c *xml.Controller) (home, bool) {
	switch {
	case c == nil || *c.Index != 0:
	case IsI440FX(d) && c.Type == "ide":
		return home{1, 1, "Primary IDE controller must have PCI address 0:0:1.1"}, true
	case IsI440FX(d) && c.Type == "usb" && c.Model == "piix3-uhci":
		return home{1, 2, "PIIX3 USB controller at index 0 must have PCI address 0:0:1.2"}, true
	case IsQ35(d) && c.Type == "sata":
		return home{0x1f, 2, "Primary SATA controller must have PCI address 0:0:1f.2"}, true
	}
	return home{}, false
}

func (h home) is(a *xml.Address) bool {
	return a.Domain == 0 && a.Bus == 0 && a.Slot == h.slot && a.Function == h.function
}

// builtIn reserves what the machine's own devices take, and puts those of them
// that the definition lists where they are. All other places that are written are
// reserved already.
func (s *pciSet) builtIn(d *xml.Domain) error {
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		if h, ok := homeOf(d, c); ok {
			if err := s.pin(c, h); err != nil {
				return err
			}
		}
	}
	slot := uint(0)
	switch {
	case IsI440FX(d): // ISA bridge and power management
		slot = 1
	case IsQ35(d): // LPC bridge and SMBus
		slot = 0x1f
	}
	if slot > 0 {
		for _, function := range []uint{0, 3} {
			if err := s.own(slot, function); err != nil {
				return err
			}
		}
	}
	if s.q35 {
		s.reservePrimaryVideo(d)
	}
	return nil
}

// pin gives a controller the only address that it can have.
func (s *pciSet) pin(c *xml.Controller, h home) error {
	if a := c.Address; a.IsPCI() && !h.is(a) {
		return xml.Errorf(xml.CodeInternal, "%s", h.refusal)
	}
	if err := s.own(h.slot, h.function); err != nil {
		return err
	}
	if !c.Address.IsPCI() {
		c.Address = &xml.Address{Type: "pci", Slot: h.slot, Function: h.function}
	}
	return nil
}

// own takes a place for a device of the machine.
func (s *pciSet) own(slot, function uint) error {
	b := &s.buses[0]
	if b.used[slot]&(1<<function) != 0 {
		return xml.Errorf(xml.CodeXML, "Attempted double use of PCI Address 0000:00:%02x.%x", slot, function)
	}
	b.used[slot] |= 1 << function
	return nil
}

// reservePrimaryVideo keeps slot 1 for the first graphics card on q35. Where that is
// taken the card gets its place before all others.
func (s *pciSet) reservePrimaryVideo(d *xml.Domain) {
	if len(d.Devices.Videos) == 0 {
		return
	}
	v := &d.Devices.Videos[0]
	if v.Model == nil || v.Model.Type == "none" || v.Model.Type == "ramfb" || v.Address.IsPCI() || v.Address != nil && v.Address.Type != "pci" {
		return
	}
	for _, o := range s.devices {
		if a := *o.addr; a.IsPCI() && a.Bus == 0 && a.Slot == 1 {
			if i := slices.IndexFunc(s.devices, func(o pciDevice) bool { return o.addr == &v.Address }); i >= 0 {
				card := s.devices[i]
				s.devices = slices.Insert(slices.Delete(s.devices, i, i+1), 0, card)
				s.displaced = card.need
			}
			return
		}
	}
	s.buses[0].used[1] |= 1
	s.buses[0].fixed[1] = true
}

// placeDevice finds the place of one device: fixed ones first.
func (s *pciSet) placeDevice(d *xml.Domain, v pciDevice, groups map[uint]pciSlot) (pciSlot, error) {
	b := &s.buses[0]
	if s.q35 {
		if len(d.Devices.Videos) > 0 && v.addr == &d.Devices.Videos[0].Address && b.fixed[1] {
			return pciSlot{slot: 1}, nil
		}
		if c := v.ctl; c != nil && c.Model == "dmi-to-pci-bridge" && b.used[0x1e] == 0 {
			b.used[0x1e] = 1
			return pciSlot{slot: 0x1e}, nil
		}
		for i := range d.Devices.Sounds {
			if snd := &d.Devices.Sounds[i]; v.addr == &snd.Address && snd.Model == "ich9" && b.used[0x1b] == 0 {
				b.used[0x1b] = 1
				return pciSlot{slot: 0x1b}, nil
			}
		}
	}
	if c := v.ctl; c != nil && c.Type == "usb" && isICH9(c.Model) {
		return s.placeICH9(d, v, groups)
	}
	return s.place(v.need)
}

// leadICH9 gives the first of the companion controllers the places that q35 has for
// them, whatever becomes of the others, and tells which it placed. The others follow the
// first of their number that has a place.
func (s *pciSet) leadICH9(d *xml.Domain, groups map[uint]pciSlot, store bool) map[**xml.Address]bool {
	if !s.q35 {
		return nil
	}
	placed := map[**xml.Address]bool{}
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		if c.Type != "usb" || c.Model != "ich9-uhci1" || c.Address != nil && (c.Address.Type != "pci" || c.Address.IsPCI() || c.Address.Function > 0) {
			continue
		}
		for _, n := range []uint{0x1d, 0x1a} {
			if s.buses[0].used[n] != 0 {
				continue
			}
			s.buses[0].used[n] = 1
			placed[&c.Address] = true
			if !slices.ContainsFunc(d.Devices.Controllers[:i], func(o xml.Controller) bool {
				return o.Type == "usb" && isICH9(o.Model) && *o.Index == *c.Index && o.Address.IsPCI()
			}) {
				groups[*c.Index] = pciSlot{slot: n}
			}
			if store {
				c.Address = pciSlot{slot: n}.address()
				c.Address.Multifunction = "on"
			}
			break
		}
	}
	return placed
}

// placeICH9 puts the USB controllers of one index into one slot.
func (s *pciSet) placeICH9(d *xml.Domain, v pciDevice, groups map[uint]pciSlot) (pciSlot, error) {
	function := map[string]uint{"ich9-uhci1": 0, "ich9-uhci2": 1, "ich9-uhci3": 2, "ich9-ehci1": 7}[v.ctl.Model]
	slot, ok := groups[*v.ctl.Index]
	if !ok {
		for i := range d.Devices.Controllers {
			c := &d.Devices.Controllers[i]
			if c.Type == "usb" && isICH9(c.Model) && *c.Index == *v.ctl.Index && c.Address.IsPCI() {
				slot, ok = pciSlot{bus: c.Address.Bus, slot: c.Address.Slot}, true
				break
			}
		}
	}
	if !ok {
		var err error
		if slot, err = s.place(v.need); err != nil {
			return pciSlot{}, err
		}
		s.buses[slot.bus].used[slot.slot] = 0
	}
	groups[*v.ctl.Index] = slot
	if !s.free(slot.bus, slot.slot, function) {
		return pciSlot{}, xml.Errorf(xml.CodeXML, "Attempted double use of PCI Address 0000:%02x:%02x.%x", slot.bus, slot.slot, function)
	}
	s.buses[slot.bus].used[slot.slot] |= 1 << function
	return pciSlot{slot.bus, slot.slot, function}, nil
}

func (s *pciSet) free(bus, slot, function uint) bool {
	return int(bus) < len(s.buses) && slot < 32 && s.buses[bus].used[slot]&(1<<function) == 0
}

// pciDefaults names the devices behind PCI controllers.
func pciDefaults(d *xml.Domain, e *Emulator) {
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		name := kindOf(c.Model).name
		if c.Type != "pci" || name == "" {
			continue
		}
		if name == "pcie-root-port" && !e.has(name) {
			name = "ioh3420"
		}
		if c.ModelName == nil || c.ModelName.Name == "" {
			c.ModelName = &xml.ControllerModel{Name: name}
		}
		if c.Target == nil && c.Model != "pcie-to-pci-bridge" && c.Model != "dmi-to-pci-bridge" && c.Model != "pcie-switch-upstream-port" {
			c.Target = &xml.ControllerTarget{}
		}
	}
}

// portNumbers fills in what follows from index and address.
func portNumbers(d *xml.Domain) {
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		if c.Type != "pci" || c.Target == nil {
			continue
		}
		set := func(to **uint, v uint) {
			if *to == nil {
				*to = ptr(v)
			}
		}
		switch c.Model {
		case "pci-bridge":
			set(&c.Target.ChassisNr, *c.Index)
		case "pcie-root-port", "pcie-switch-downstream-port":
			set(&c.Target.Chassis, *c.Index)
			if a := c.Address; a != nil {
				if c.Model == "pcie-root-port" {
					set(&c.Target.Port, a.Slot<<3|a.Function)
				} else {
					set(&c.Target.Port, a.Slot)
				}
			}
		case "pci-expander-bus", "pcie-expander-bus":
			if c.Target.BusNr == nil {
				c.Target.BusNr = ptr(expanderBus(d, c))
			}
		}
	}
}

// expanderBus counts bus numbers down from 254, leaving room for the buses
// behind the expander.
func expanderBus(d *xml.Domain, c *xml.Controller) uint {
	low := uint(256)
	for i := range d.Devices.Controllers {
		o := &d.Devices.Controllers[i]
		if o.Type == "pci" && o.Target != nil && o.Target.BusNr != nil {
			low = min(low, *o.Target.BusNr)
		}
	}
	behind := uint(0)
	for i := range d.Devices.Controllers {
		o := &d.Devices.Controllers[i]
		if o.Type == "pci" && o.Address.IsPCI() && o.Address.Bus == *c.Index {
			behind++
		}
	}
	return low - behind - 2
}
