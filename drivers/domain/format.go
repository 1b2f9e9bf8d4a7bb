package domain

import (
	"virgo/drivers"
	"virgo/xml"
)

// Print prints a definition as dumpxml does. Of the flags it knows Inactive,
// SecurityInfo and MigratableXML (which implies both). d is not changed.
func Print(d *xml.Domain, t *Traits, f drivers.Flags) ([]byte, error) {
	c := *d
	if f.Has(drivers.MigratableXML) {
		f |= drivers.Inactive | drivers.SecurityInfo
		migratable(&c, t)
	}
	if !f.Has(drivers.SecurityInfo) {
		hideSecrets(&c)
	}
	return xml.Marshal(&c)
}

// hideSecrets takes out passwords and cookies. d is a shallow copy, so what
// changes is copied first.
func hideSecrets(d *xml.Domain) {
	if len(d.Devices.Graphics) > 0 {
		d.Devices.Graphics = append([]xml.Graphics(nil), d.Devices.Graphics...)
		for i := range d.Devices.Graphics {
			d.Devices.Graphics[i].Passwd = ""
		}
	}
	d.Devices.Disks = append([]xml.Disk(nil), d.Devices.Disks...)
	for i := range d.Devices.Disks {
		v := &d.Devices.Disks[i]
		v.Source = withoutCookies(v.Source)
		v.BackingStore = hideBacking(v.BackingStore)
	}
}

func withoutCookies(s *xml.DiskSource) *xml.DiskSource {
	if s == nil || len(s.Cookies) == 0 {
		return s
	}
	c := *s
	c.Cookies = nil
	return &c
}

func hideBacking(b *xml.BackingStore) *xml.BackingStore {
	if b == nil {
		return nil
	}
	c := *b
	c.Source = withoutCookies(b.Source)
	c.BackingStore = hideBacking(b.BackingStore)
	return &c
}

// olderListens leaves out the first address, which the attribute repeats.
func olderListens(list []xml.GraphicsListen) []xml.GraphicsListen {
	if len(list) == 1 && list[0].Type == "address" && list[0].Address == "" {
		return nil
	}
	return list
}

// migratable takes out what older versions would add again.
func migratable(d *xml.Domain, t *Traits) {
	var inputs []xml.Input
	for _, in := range d.Devices.Inputs {
		if in.Bus != "ps2" || in.Type != "keyboard" {
			inputs = append(inputs, in)
		}
	}
	d.Devices.Inputs = inputs
	d.Devices.Graphics = append([]xml.Graphics(nil), d.Devices.Graphics...)
	for i := range d.Devices.Graphics {
		d.Devices.Graphics[i].Listens = olderListens(d.Devices.Graphics[i].Listens)
	}
	d.OS.Firmware = ""
}
