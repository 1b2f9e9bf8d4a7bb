package domain

import (
	"math"
	"slices"
	"strings"

	"virgo/xml"
)

// readPins refuses pins of threads that there are not.
func readPins(d *xml.Domain) error {
	c := d.CPUTune
	if c == nil {
		return nil
	}
	for i := range c.VCPUPins {
		for j := range i {
			if c.VCPUPins[i].VCPU == c.VCPUPins[j].VCPU {
				return xml.Errorf(xml.CodeInternal, "duplicate vcpupin for vcpu '%d'", c.VCPUPins[i].VCPU)
			}
		}
	}
	for _, p := range c.IOThreadPins {
		if !isThread(d, int(p.IOThread)) {
			return unsupported("Cannot find 'iothread' : %d", p.IOThread)
		}
	}
	return nil
}

func isThread(d *xml.Domain, id int) bool {
	for _, i := range d.IOThreadIDs {
		if int(i.ID) == id {
			return true
		}
	}
	return len(d.IOThreadIDs) == 0 && id <= int(d.IOThreads)
}

// readScheds wants a priority where the scheduler knows any, and drops it else,
// and threads that there are.
func readScheds(d *xml.Domain) error {
	c := d.CPUTune
	if c == nil {
		return nil
	}
	check := func(element, scheduler string, priority **int) error {
		realtime := scheduler == "fifo" || scheduler == "rr"
		if realtime && *priority == nil {
			return xml.Errorf(xml.CodeXML, "Missing required attribute 'priority' in element '%s'", element)
		}
		if !realtime {
			*priority = nil
		}
		return nil
	}
	if e := c.EmulatorSched; e != nil {
		if err := check("emulatorsched", e.Scheduler, &e.Priority); err != nil {
			return err
		}
	}
	count := vcpuCount(d)
	for i := range c.VCPUScheds {
		s := &c.VCPUScheds[i]
		if err := check("vcpusched", s.Scheduler, &s.Priority); err != nil {
			return err
		}
		if n := s.VCPUs.Set().Without(func(n int) bool { return n < count }); n >= 0 {
			return unsupported("vCPU '%d' is not present in domain definition", n)
		}
		if slices.ContainsFunc(c.VCPUScheds[:i], func(o xml.VCPUSched) bool { return meet(s.VCPUs, o.VCPUs) }) {
			return xml.Errorf(xml.CodePlain, "'vcpusched' attributes 'vcpus' must not overlap")
		}
	}
	for i := range c.IOThreadScheds {
		s := &c.IOThreadScheds[i]
		if err := check("iothreadsched", s.Scheduler, &s.Priority); err != nil {
			return err
		}
		if n := s.IOThreads.Set().Without(func(n int) bool { return isThread(d, n) }); n >= 0 {
			return unsupported("Cannot find 'iothread' : %d", n)
		}
		if slices.ContainsFunc(c.IOThreadScheds[:i], func(o xml.IOSched) bool { return meet(s.IOThreads, o.IOThreads) }) {
			return xml.Errorf(xml.CodePlain, "'iothreadsched' attributes 'iothreads' must not overlap")
		}
	}
	return nil
}

// meet tells whether two sets have something in common.
func meet(a, b xml.CPUSet) bool {
	x, y := a.Set(), b.Set()
	for i := 0; i <= x.Last(); i++ {
		if x.Has(i) && y.Has(i) {
			return true
		}
	}
	return false
}

// readKVM checks the size of the ring, and drops what says nothing.
func readKVM(d *xml.Domain) error {
	f := d.Features
	if f == nil {
		return nil
	}
	if f.KVM != nil && f.KVM.DirtyRing != nil {
		r := f.KVM.DirtyRing
		switch {
		case r.State != "on":
			r.Size = 0
		case r.Size == 0:
			return xml.Errorf(xml.CodeXML, "Missing required attribute 'size' in element 'dirty-ring'")
		case r.Size&(r.Size-1) != 0 || r.Size < 1024 || r.Size > 65536:
			return xml.Errorf(xml.CodeXML, "dirty ring must be power of 2 and ranges [1024, 65536]")
		}
	}
	if f.Xen != nil && f.Xen.Passthrough != nil && f.Xen.Passthrough.State == "off" {
		f.Xen.Passthrough.Mode = ""
	}
	return nil
}

func readThrottle(d *xml.Domain) error {
	for i := range d.Throttle {
		if d.Throttle[i].Group == "" {
			return xml.Errorf(xml.CodeXML, "missing group name")
		}
		if err := d.Throttle[i].Excluded(); err != nil {
			return err
		}
		for j := range i {
			if d.Throttle[i].Group == d.Throttle[j].Group {
				return xml.Errorf(xml.CodeXML, "duplicate group name '%s' found", d.Throttle[i].Group)
			}
		}
	}
	return nil
}

// readFirmwareNames checks what the guest reads by name.
func readFirmwareNames(d *xml.Domain) error {
	for i := range d.Sysinfo {
		if d.Sysinfo[i].Type != "fwcfg" {
			continue
		}
		for j := range d.Sysinfo[i].Entries {
			e := &d.Sysinfo[i].Entries[j]
			switch {
			case e.Name == "":
				return xml.Errorf(xml.CodeXML, "Firmware entry is missing 'name' attribute")
			case e.File == "" && e.Text == "":
				return xml.Errorf(xml.CodeXML, "Firmware entry must have either value or 'file' attribute")
			case e.File != "":
				e.Text = ""
			}
		}
	}
	return nil
}

// readSystemUUID wants the UUID that SMBIOS shows to be the domain's.
func readSystemUUID(d *xml.Domain) error {
	for i := range d.Sysinfo {
		for j := range d.Sysinfo[i].System {
			e := &d.Sysinfo[i].System[j]
			if e.Name != "uuid" || d.Sysinfo[i].Type != "smbios" {
				continue
			}
			uuid, ok := xml.ParseUUID(e.Text)
			if !ok {
				return xml.Errorf(xml.CodePlain, "malformed <sysinfo> uuid element")
			}
			if d.UUID != "" && uuid != d.UUID {
				return xml.Errorf(xml.CodePlain, "UUID mismatch between <uuid> and <sysinfo>")
			}
			e.Text = uuid
		}
	}
	return nil
}

// readSecurity wants the policy of a guest with encrypted memory.
func readSecurity(d *xml.Domain) error {
	if s := d.Security; s != nil && (s.Type == "sev" && (s.Policy == nil || s.Policy.Bits > math.MaxUint32) || s.Type == "sev-snp" && s.Policy == nil) {
		return xml.Errorf(xml.CodeXML, "failed to get launch security policy")
	}
	return nil
}

// reservedNames are beginnings of names that QEMU and firmware use themselves.
var reservedNames = []string{"opt/ovmf/", "opt/org.qemu/", "opt/org.qemu."}

// checkFirmwareNames refuses names that are not the user's to give.
func checkFirmwareNames(d *xml.Domain) error {
	for i := range d.Sysinfo {
		if d.Sysinfo[i].Type != "fwcfg" {
			continue
		}
		for _, e := range d.Sysinfo[i].Entries {
			if !strings.HasPrefix(e.Name, "opt/") {
				return unsupported("Invalid firmware name")
			}
			for _, r := range reservedNames {
				if strings.HasPrefix(e.Name, r) {
					return unsupported("That firmware name is reserved")
				}
			}
		}
	}
	return nil
}
