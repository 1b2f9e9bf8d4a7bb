package domain

import (
	"reflect"
	"slices"

	"virgo/drivers"
	"virgo/xml"
)

// Print prints a definition as dumpxml does. Of the flags it knows Inactive,
// SecurityInfo and MigratableXML (which implies both). d is not changed.
func Print(d *xml.Domain, t *Traits, f drivers.Flags) ([]byte, error) {
	return xml.Marshal(Shown(d, t, f))
}

// Shown is the definition that Print prints. It shares what it can with d.
func Shown(d *xml.Domain, t *Traits, f drivers.Flags) *xml.Domain {
	c := *d
	if c.Bootloader == "" {
		c.BootArgs = ""
	}
	if f.Has(drivers.MigratableXML) {
		f |= drivers.Inactive
		if t.QEMU != nil {
			f |= drivers.SecurityInfo
		}
		migratable(&c, t)
	}
	if c.OS.Firmware == "" {
		c.OS.FWFeatures = nil
	}
	if !f.Has(drivers.SecurityInfo) {
		hideSecrets(&c)
	}
	return &c
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

// migratable takes out what older versions would add again.
func migratable(d *xml.Domain, t *Traits) {
	var inputs []xml.Input
	for _, in := range d.Devices.Inputs {
		if in.Bus != "ps2" && in.Bus != "xen" || in.Type != "keyboard" {
			inputs = append(inputs, in)
		}
	}
	d.Devices.Inputs = inputs
	d.Devices.Graphics = append([]xml.Graphics(nil), d.Devices.Graphics...)
	for i := range d.Devices.Graphics {
		g := &d.Devices.Graphics[i]
		if len(g.Listens) == 0 {
			continue
		}
		switch first := g.Listens[0]; {
		case first.Type == "none" && g.Type == "spice":
			g.Listens, g.Autoport = nil, "no"
		case first.Type == "socket" && g.Type == "vnc" && first.Socket != "":
			g.Listens = nil
		}
	}
	d.OS.Firmware = ""
	if t.QEMU == nil {
		return
	}
	var audios []xml.Audio
	for _, a := range d.Devices.Audios {
		if len(d.Devices.Audios) > 1 || !reflect.DeepEqual(a, xml.Audio{ID: 1, Type: "none"}) {
			audios = append(audios, a)
		}
	}
	d.Devices.Audios = audios
	var dogs []xml.Watchdog
	for _, w := range d.Devices.Watchdogs {
		if w.Model != "itco" || w.Action != "reset" {
			dogs = append(dogs, w)
		}
	}
	d.Devices.Watchdogs = dogs
	if !hasPCIERoot(d) {
		olderControllers(d)
	}
	for i := range d.Devices.Controllers {
		if c := &d.Devices.Controllers[i]; isPSeries(d) && c.Model == "pci-root" {
			c.ModelName = nil // that all host bridges have
		}
	}
	var panics []xml.Panic
	for _, p := range d.Devices.Panics {
		if p.Address != nil || !(isS390(d) && p.Model == "s390") && !(isPSeries(d) && p.Model == "pseries") {
			panics = append(panics, p)
		}
	}
	d.Devices.Panics = panics
	d.Devices.Serials = append([]xml.Chardev(nil), d.Devices.Serials...)
	for i := range d.Devices.Serials {
		// older versions knew no kinds of serial ports but those of PCs
		if t := d.Devices.Serials[i].Target; t != nil && slices.Contains([]string{"system-serial", "spapr-vio-serial"}, t.Type) {
			d.Devices.Serials[i].Target = &xml.CharTarget{Port: t.Port}
		}
	}
}

// olderControllers takes out the controllers that the machine has in any case.
func olderControllers(d *xml.Domain) {
	count := map[string]int{}
	for i := range d.Devices.Controllers {
		count[d.Devices.Controllers[i].Type]++
	}
	var kept []xml.Controller
	for _, c := range d.Devices.Controllers {
		if count[c.Type] == 1 && *c.Index == 0 && c.Alias == nil && (c.Type == "usb" && c.Model == "piix3-uhci" && IsI440FX(d) || c.Type == "pci" && c.Model == "pci-root" && c.PCIHole64 == nil) {
			continue
		}
		kept = append(kept, c)
	}
	d.Devices.Controllers = kept
}
