package domain

import "virgo/xml"

// zpciNumbers are those by which an s390 guest's PCI devices are known to it.
type zpciNumbers struct{ uids, fids map[uint]bool }

// take reserves the numbers that are given and fills in the others: the lowest
// that are free. The peer tells in octal which one is taken.
func (z *zpciNumbers) take(n *xml.ZPCI) error {
	if n.UID != nil && z.uids[*n.UID] {
		return xml.Errorf(xml.CodeInternal, "zPCI uid %o is already reserved", *n.UID)
	}
	if n.FID != nil && z.fids[*n.FID] {
		return xml.Errorf(xml.CodeInternal, "zPCI fid %o is already reserved", *n.FID)
	}
	fill := func(to **uint, taken map[uint]bool, lowest uint) {
		if *to == nil {
			for taken[lowest] {
				lowest++
			}
			*to = &lowest
		}
		taken[**to] = true
	}
	fill(&n.UID, z.uids, 1)
	fill(&n.FID, z.fids, 0)
	return nil
}

// assignZPCI gives PCI devices on s390 their numbers; those with a part of them
// come first.
func assignZPCI(d *xml.Domain) error {
	if !isS390(d) {
		return nil
	}
	numbers := zpciNumbers{map[uint]bool{}, map[uint]bool{}}
	devices := byAddress(d)
	for _, v := range devices {
		if z := (*v.addr).ZPCI; z != nil && (z.UID != nil || z.FID != nil) {
			if err := numbers.take(z); err != nil {
				return err
			}
		}
	}
	for _, v := range devices {
		a := *v.addr
		if c, ok := v.v.(*xml.Controller); ok && c.Type == "pci" && *c.Index == 0 || v.kind == "serial" || a.Type != "pci" || a.ZPCI != nil && a.ZPCI.UID != nil {
			continue
		}
		a.ZPCI = &xml.ZPCI{}
		if err := numbers.take(a.ZPCI); err != nil {
			return err
		}
	}
	return nil
}
