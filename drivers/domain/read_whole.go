package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// perfEvents are the events in the order in which they are printed.
var perfEvents = [...]string{"cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references", "cache_misses", "branch_instructions",
	"branch_misses", "bus_cycles", "stalled_cycles_frontend", "stalled_cycles_backend", "ref_cpu_cycles", "cpu_clock", "task_clock", "page_faults",
	"context_switches", "cpu_migrations", "page_faults_min", "page_faults_maj", "alignment_faults", "emulation_faults"}

// readPerf puts the events in order.
func readPerf(d *xml.Domain) error {
	seen := map[string]bool{}
	for _, e := range d.Perf {
		if seen[e.Name] {
			return xml.Errorf(xml.CodeXML, "perf event '%s' was already specified", e.Name)
		}
		seen[e.Name] = true
	}
	slices.SortStableFunc(d.Perf, func(a, b xml.PerfEvent) int {
		return slices.Index(perfEvents[:], a.Name) - slices.Index(perfEvents[:], b.Name)
	})
	return nil
}

// readOS wants what a container starts, and drops what another kind of guest
// boots with.
func readOS(d *xml.Domain) error {
	o := &d.OS
	if o.Type.Text == "" { // with a bootloader
		o.Type.Text = "xen"
	}
	if o.Type.Text == "xen" && d.Type == "xen" {
		o.Type.Text = "linux" // its older name
	}
	keep := xml.OS{Type: o.Type, SMBIOS: o.SMBIOS}
	if o.Type.Text == "exe" {
		keep.Init, keep.InitArgs, keep.InitEnv, keep.InitDir, keep.InitUser, keep.InitGroup = o.Init, o.InitArgs, o.InitEnv, o.InitDir, o.InitUser, o.InitGroup
		keep.Cmdline = o.Cmdline
		*o = keep
		return nil
	}
	switch {
	case o.Type.Text == "linux" && d.Type != "xen":
		*o = keep
		return nil
	case o.Type.Text != "hvm" || d.Bootloader != "":
		o.Boot, o.BootMenu, o.BIOS = nil, nil, nil
		if o.Type.Text != "hvm" {
			o.ACPITables = nil
		}
	}
	if b := o.BIOS; b != nil && b.RebootTimeout != nil && (*b.RebootTimeout < -1 || *b.RebootTimeout > 65535) {
		return unsupported("invalid value for rebootTimeout, must be in range [-1,65535]")
	}
	for i, t := range o.ACPITables {
		for _, e := range o.ACPITables[:i] {
			if e.Type == t.Type && t.Type != "raw" {
				return xml.Errorf(xml.CodeXML, "ACPI table type '%s' may only appear once", t.Type)
			}
		}
	}
	return readFirmware(o)
}

// readFirmware checks the formats of the firmware's files, and where its
// variables are.
func readFirmware(o *xml.OS) error {
	format := func(what string, f *string) error {
		switch *f {
		case "none":
			*f = ""
		case "", "raw", "qcow2":
		default:
			return xml.Errorf(xml.CodeXML, "Unsupported %s format '%s'", what, *f)
		}
		return nil
	}
	n := o.NVRAM
	if n != nil && n.Type != "" && n.Source == nil {
		return xml.Errorf(xml.CodePlain, "An error occurred, but the cause is unknown")
	}
	if l := o.Loader; l != nil {
		if err := format("loader", &l.Format); err != nil {
			return err
		}
	}
	if n == nil {
		return nil
	}
	if err := format("nvram template", &n.TemplateFormat); err != nil {
		return err
	}
	if err := format("nvram", &n.Format); err != nil {
		return err
	}
	if n.Type == "" { // a source counts only with a type
		n.Source = nil
	}
	return nil
}

// readKeyWrap puts the keys in order, and the ranges of users.
func readKeyWrap(d *xml.Domain) error {
	for i, k := range d.KeyWrap {
		for _, o := range d.KeyWrap[:i] {
			if o.Name == k.Name {
				return xml.Errorf(xml.CodeInternal, "A domain definition can have no more than one cipher node with name %s", k.Name)
			}
		}
	}
	slices.SortStableFunc(d.KeyWrap, func(a, b xml.KeyWrap) int { return strings.Compare(a.Name, b.Name) })
	if m := d.IDMap; m != nil {
		m.Sort()
	}
	return nil
}

// checkBlkio drops devices of which nothing is said, and refuses two of a path.
func checkBlkio(d *xml.Domain) error {
	b := d.BlkioTune
	if b == nil {
		return nil
	}
	var kept []xml.BlkioDevice
	for i, v := range b.Devices {
		for _, o := range b.Devices[:i] {
			if o.Path == v.Path {
				return unsupported("duplicate blkio device path '%s'", v.Path)
			}
		}
		if v != (xml.BlkioDevice{Path: v.Path}) {
			kept = append(kept, v)
		}
	}
	if b.Devices = kept; len(kept) == 0 && b.Weight == 0 {
		d.BlkioTune = nil
	}
	return nil
}
