package domain

import "virgo/xml"

// spaprBus are the numbers in use on POWER's own bus.
type spaprBus map[uint64]bool

// spaprAddresses numbers the devices on POWER's own bus: what sits nowhere else,
// and what is said to sit there.
func spaprAddresses(d *xml.Domain) error {
	dev, bus := &d.Devices, spaprBus{}
	type place struct {
		addr  **xml.Address
		first uint64
		only  bool // the device sits nowhere else
	}
	var places []place
	for i := range dev.Interfaces {
		n := &dev.Interfaces[i]
		places = append(places, place{&n.Address, 0x1000, n.Model != nil && n.Model.Type == "spapr-vlan"})
	}
	for i := range dev.Controllers {
		c := &dev.Controllers[i]
		places = append(places, place{&c.Address, 0x2000, c.Type == "scsi" && c.Model == "ibmvscsi"})
	}
	for i := range dev.Serials {
		s := &dev.Serials[i]
		places = append(places, place{&s.Address, 0x30000000, s.Target != nil && s.Target.Type == "spapr-vio-serial"})
	}
	if v := dev.NVRAM; v != nil && isPSeries(d) {
		places = append(places, place{&v.Address, 0x3000, true})
	}
	for i := range dev.TPMs {
		t := &dev.TPMs[i]
		places = append(places, place{&t.Address, 0x4000, t.Model == "tpm-spapr" && isPSeries(d)})
	}
	for _, p := range places {
		if a := *p.addr; a != nil && a.Type == "spapr-vio" && a.Reg != nil {
			if bus[*a.Reg] {
				return xml.Errorf(xml.CodeXML, "spapr-vio address 0x%x already in use", *a.Reg)
			}
			bus[*a.Reg] = true
		}
	}
	for _, p := range places {
		if err := bus.give(p.addr, p.first, p.only); err != nil {
			return err
		}
	}
	return nil
}

// give gives a device the first number that is free, unless it has one. only: the
// device sits nowhere else, so that an address of another type is read as one
// of this bus, as the peer does.
func (b spaprBus) give(addr **xml.Address, first uint64, only bool) error {
	a := *addr
	if !only && (a == nil || a.Type != "spapr-vio") || a != nil && a.Type == "spapr-vio" && a.Reg != nil {
		return nil
	}
	if a != nil && (a.Type == "pci" && a.Slot != 0 || a.Type == "drive" && a.Target != 0) {
		first = uint64(a.Domain|a.Controller) | uint64(a.Bus)<<32
		if b[first] {
			return xml.Errorf(xml.CodeXML, "spapr-vio address 0x%x already in use", first)
		}
	}
	for b[first] {
		first += 0x1000
	}
	b[first] = true
	*addr = &xml.Address{Type: "spapr-vio", Reg: &first}
	return nil
}
