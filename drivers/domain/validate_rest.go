package domain

import (
	"strconv"

	"virgo/xml"
)

// checkDuplicates refuses what two devices may not share.
func checkDuplicates(d *xml.Domain, t *Traits) error {
	disks := d.Devices.Disks
	for i := range disks {
		for j := range i {
			if diskName(&disks[i]) == diskName(&disks[j]) {
				return xml.Errorf(xml.CodeXML, "target '%s' duplicated for disk sources '%s' and '%s'", diskName(&disks[i]), orNull(sourceText(&disks[j])), orNull(sourceText(&disks[i])))
			}
		}
	}
	if err := duplicateHostdevs(d); err != nil {
		return err
	}
	if err := duplicateDrives(d); err != nil {
		return err
	}
	seen := map[string]bool{}
	var err error
	dev := &d.Devices
	paired := len(dev.Serials) > 0 && len(dev.Consoles) > 0 && dev.Consoles[0].Target.Type == "serial"
	eachDevice(d, func(v deviceView) {
		if c, ok := v.v.(*xml.Chardev); ok && paired && (c == &dev.Consoles[0] || c == &dev.Serials[0]) {
			return // which are one and the same
		}
		if a := *v.alias; a != nil {
			if seen[a.Name] && err == nil {
				err = unsupported("non unique alias detected: %s", a.Name)
			}
			seen[a.Name] = true
		}
	})
	return err
}

func orNull(s string) string {
	if s == "" {
		return "<null>"
	}
	return s
}

func duplicateDrives(d *xml.Domain) error {
	type place struct {
		bus                            string
		controller, bus2, target, unit uint
	}
	disks, used := map[place]*xml.Disk{}, map[place]bool{}
	for i := range d.Devices.Disks {
		v := &d.Devices.Disks[i]
		a := v.Address
		if a == nil || a.Type != "drive" {
			continue
		}
		p := place{diskBus(v), a.Controller, a.Bus, a.Target, a.Unit}
		if o := disks[p]; o != nil {
			return unsupported("Found duplicate drive address for disk with target name '%s' controller='%d' bus='%d' target='%d' unit='%d'",
				diskName(o), a.Controller, a.Bus, a.Target, a.Unit)
		}
		disks[p] = v
	}
	for i := range d.Devices.Hostdevs {
		h := &d.Devices.Hostdevs[i]
		a := h.Address
		if h.Type != "scsi" || a == nil || a.Type != "drive" {
			continue
		}
		p := place{"scsi", a.Controller, a.Bus, a.Target, a.Unit}
		if disks[p] != nil {
			return xml.Errorf(xml.CodeXML, "SCSI host address controller='%d' bus='%d' target='%d' unit='%d' in use by a SCSI disk", a.Controller, a.Bus, a.Target, a.Unit)
		}
		if used[p] {
			return unsupported("SCSI host address controller='%d' bus='%d' target='%d' unit='%d' in use by another SCSI host device", a.Controller, a.Bus, a.Target, a.Unit)
		}
		used[p] = true
	}
	return nil
}

func duplicateHostdevs(d *xml.Domain) error {
	list := d.Devices.Hostdevs
	ramfb := 0
	seen := make(map[string]bool, len(list))
	for i := range list {
		h := &list[i]
		if h.RAMFB == "on" {
			ramfb++
		}
		key := hostdevKey(h)
		if key != "" && seen[key] {
			return xml.Errorf(xml.CodeXML, "Hostdev already exists in the domain configuration")
		}
		seen[key] = true
	}
	if ramfb > 1 {
		return unsupported("Only one vgpu device can have 'ramfb' enabled")
	}
	return nil
}

// HostDevice names the host's device that is given to a guest; "" if nothing does.
func HostDevice(h *xml.Hostdev) string { return hostdevKey(h) }

// hostdevKey names the host's device; "" if nothing does.
func hostdevKey(h *xml.Hostdev) string {
	s := h.Source
	if s == nil {
		return ""
	}
	key := []byte(h.Mode + " " + h.Type + " ")
	num := func(p *uint) { key = append(strconv.AppendUint(key, uint64(deref(p)), 16), '.') }
	switch {
	case h.Type == "usb" && s.Address == nil:
		if s.Vendor == nil || s.Product == nil {
			return ""
		}
		num(s.Vendor.ID)
		num(s.Product.ID)
	case s.Address != nil:
		a := s.Address
		num(a.Domain)
		num(a.Slot)
		num(a.Function)
		num(a.Device)
		num(a.Target)
		key = strconv.AppendUint(key, deref(a.Unit), 16)
		key = append(key, " "+a.Bus+" "+a.Port+" "+a.UUID...)
	case s.Name == "" && s.WWPN == "":
		return ""
	}
	if s.Adapter != nil {
		key = append(key, " "+s.Adapter.Name...)
	}
	key = append(key, " "+s.Name+" "+s.WWPN...)
	for _, o := range s.Hosts {
		key = append(key, " "+o.Name+":"+o.Port...)
	}
	return string(key)
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// checkAudios refuses two backends of a number.
func checkAudios(d *xml.Domain, _ *Traits) error {
	list := d.Devices.Audios
	for i := range list {
		for j := range i {
			if list[i].ID == list[j].ID {
				return xml.Errorf(xml.CodeXML, "audio ID %d is used multiple times", list[i].ID)
			}
		}
	}
	return nil
}

// checkMemNodes wants the nodes' memory to be as loosely bound as all of it.
func checkMemNodes(d *xml.Domain, _ *Traits) error {
	if d.NUMATune == nil || d.NUMATune.Memory == nil {
		return nil
	}
	const loose = "restrictive"
	whole := d.NUMATune.Memory.Mode
	for _, m := range d.NUMATune.MemNodes {
		if whole == loose && m.Mode != loose {
			return xml.Errorf(xml.CodeXML, "'restrictive' mode is required in memnode element when mode is 'restrictive' in memory element")
		}
		if whole != loose && m.Mode == loose {
			return xml.Errorf(xml.CodeXML, "'restrictive' mode is required in memory element when mode is 'restrictive' in memnode element")
		}
	}
	return nil
}

// checkTuning checks time, pages and users against what there is.
func checkTuning(d *xml.Domain, t *Traits) error {
	if err := checkHugePages(d); err != nil {
		return err
	}
	if c := d.CPUTune; c != nil {
		if err := checkShares(c); err != nil {
			return err
		}
	}
	if err := checkBlkio(d); err != nil {
		return err
	}
	return checkIDMap(d)
}

func checkIDMap(d *xml.Domain) error {
	m := d.IDMap
	if m == nil {
		return nil
	}
	if (len(m.UIDs) == 0) != (len(m.GIDs) == 0) {
		return unsupported("uid and gid should be mapped both")
	}
	for _, list := range [][]xml.IDRange{m.UIDs, m.GIDs} {
		if len(list) > 0 && list[0].Start != 0 {
			return unsupported("You must map the root user of container")
		}
	}
	return nil
}

// checkShares checks the parts of time that threads get, in microseconds.
func checkShares(c *xml.CPUTune) error {
	const least, longest, most = 1000, 1000000, 17592186044415
	for _, s := range []struct {
		name   string
		period uint64
		quota  int64
	}{{"", c.Period, c.Quota}, {"global_", c.GlobalPeriod, c.GlobalQuota}, {"emulator_", c.EmulatorPeriod, c.EmulatorQuota},
		{"iothread_", c.IOThreadPeriod, c.IOThreadQuota}} {
		if s.period != 0 && (s.period < least || s.period > longest) {
			return unsupported("Value of cputune '%speriod' must be in range [%d, %d]", s.name, least, longest)
		}
		if s.quota > 0 && (s.quota < least || s.quota > most) {
			return unsupported("Value of cputune '%squota' must be in range [%d, %d]", s.name, least, most)
		}
	}
	return nil
}

func checkHugePages(d *xml.Domain) error {
	if d.Backing == nil || d.Backing.HugePages == nil {
		return nil
	}
	cells := 0
	if d.CPU != nil && d.CPU.NUMA != nil {
		cells = len(d.CPU.NUMA.Cells)
	}
	var master *xml.HugePage
	for i := range d.Backing.HugePages.Pages {
		p := &d.Backing.HugePages.Pages[i]
		if p.NodeSet == "" {
			if master != nil {
				return xml.Errorf(xml.CodePlain, "two master hugepages detected: %d and %d", p.Size, master.Size)
			}
			master = p
			continue
		}
		set := p.NodeSet.Set()
		for j := range i {
			o := &d.Backing.HugePages.Pages[j]
			for n, other := 0, o.NodeSet.Set(); n <= set.Last(); n++ {
				if set.Has(n) && other.Has(n) {
					return xml.Errorf(xml.CodePlain, "nodeset attribute of hugepages of sizes %d and %d intersect", p.Size, o.Size)
				}
			}
		}
		if n := set.Without(func(n int) bool { return n < cells }); n >= 0 {
			return xml.Errorf(xml.CodePlain, "hugepages: node %d not found", n)
		}
	}
	return nil
}
