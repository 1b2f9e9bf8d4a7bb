package domain

import "virgo/xml"

// checkZPCI refuses numbers of PCI devices on s390 that are out of range or
// given twice.
func checkZPCI(d *xml.Domain) error {
	if !isS390(d) {
		return nil
	}
	uids, fids := map[uint]bool{}, map[uint]bool{}
	for _, v := range pciDevices(d) {
		a := *v.addr
		if a == nil || a.ZPCI == nil {
			continue
		}
		if n := a.ZPCI.UID; n != nil {
			if uids[*n] { // the peer tells it in octal
				return xml.Errorf(xml.CodeInternal, "zPCI uid %o is already reserved", *n)
			}
			uids[*n] = true
		}
		if n := a.ZPCI.FID; n != nil {
			if fids[*n] {
				return xml.Errorf(xml.CodeInternal, "zPCI fid %o is already reserved", *n)
			}
			fids[*n] = true
		}
	}
	return nil
}

// assignZPCI gives PCI devices on s390 the numbers by which its guests know
// them: the lowest that are free. placed: only those that have a place and a
// part of their numbers already; they come first.
func assignZPCI(d *xml.Domain, placed bool) {
	if !isS390(d) {
		return
	}
	uids, fids := map[uint]bool{}, map[uint]bool{}
	devices := pciDevices(d)
	for _, v := range devices {
		if a := *v.addr; a != nil && a.ZPCI != nil {
			if a.ZPCI.UID != nil {
				uids[*a.ZPCI.UID] = true
			}
			if a.ZPCI.FID != nil {
				fids[*a.ZPCI.FID] = true
			}
		}
	}
	free := func(taken map[uint]bool, n uint) *uint {
		for taken[n] {
			n++
		}
		taken[n] = true
		return &n
	}
	for _, v := range devices {
		a := *v.addr
		if a == nil || a.Type != "pci" || placed && (!a.IsPCI() || a.ZPCI == nil) {
			continue
		}
		if a.ZPCI == nil {
			a.ZPCI = &xml.ZPCI{}
		}
		if a.ZPCI.UID == nil {
			a.ZPCI.UID = free(uids, 1)
		}
		if a.ZPCI.FID == nil {
			a.ZPCI.FID = free(fids, 0)
		}
	}
}
