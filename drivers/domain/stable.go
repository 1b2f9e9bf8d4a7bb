package domain

import (
	"fmt"
	"slices"

	"virgo/xml"
)

// Stable refuses a document that cannot take the place of another while the guest
// goes on: what the guest sees would not be what it saw. src is the guest's own,
// dst the new one.
func Stable(src, dst *xml.Domain) error {
	for _, check := range []func(src, dst *xml.Domain) error{sameIdentity, sameCells, sameMemory, sameProcessors, sameMachine, sameCPU, sameFeatures, sameRest, sameDevices} {
		if err := check(src, dst); err != nil {
			return err
		}
	}
	return nil
}

// differ is the refusal, nil if the two are the same.
func differ[T comparable](what string, dst, src T) error {
	if dst == src {
		return nil
	}
	return unsupported("Target %s %v does not match source %v", what, dst, src)
}

// differQuoted is the same in the words that newer checks have.
func differQuoted[T comparable](what string, dst, src T) error {
	if dst == src {
		return nil
	}
	return unsupported("Target %s '%v' doesn't match source '%v'", what, dst, src)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func kib(m *xml.MemorySize) uint64 {
	if m == nil {
		return 0
	}
	return m.KiB
}

// bootMemory is the memory that a guest has without its memory devices.
func bootMemory(d *xml.Domain) uint64 {
	sum := kib(d.Memory)
	for i := range d.Devices.Memories {
		if t := d.Devices.Memories[i].Target; t != nil {
			sum -= min(sum, uint64(t.Size))
		}
	}
	return sum
}

func sameIdentity(src, dst *xml.Domain) error {
	if err := first(differ("domain virt type", dst.Type, src.Type), differ("domain uuid", dst.UUID, src.UUID)); err != nil {
		return err
	}
	if (src.GenID == nil) != (dst.GenID == nil) {
		return unsupported("Target domain requested genid does not match source")
	}
	if src.GenID != nil {
		if err := differ("domain genid", *dst.GenID, *src.GenID); err != nil {
			return err
		}
	}
	return differ("domain name", "'"+dst.Name+"'", "'"+src.Name+"'")
}

// sameCells compares the guest's NUMA cells.
func sameCells(src, dst *xml.Domain) error {
	cells := func(d *xml.Domain) []xml.NUMACell {
		if d.CPU == nil || d.CPU.NUMA == nil {
			return nil
		}
		return d.CPU.NUMA.Cells
	}
	a, b := cells(src), cells(dst)
	if err := differQuoted("NUMA node count", len(b), len(a)); err != nil {
		return err
	}
	for i := range a {
		if a[i].Memory != b[i].Memory {
			return unsupported("Size of target NUMA node %d (%d) doesn't match source (%d)", i, b[i].Memory, a[i].Memory)
		}
		if a[i].CPUs != b[i].CPUs {
			return unsupported("Processor mask of target NUMA node %d doesn't match source", i)
		}
		for k := range a {
			if cellDistance(a[i], uint32(i), uint32(k)) != cellDistance(b[i], uint32(i), uint32(k)) {
				return unsupported("Target NUMA distance from %d to %d doesn't match source", i, k)
			}
		}
	}
	return nil
}

func cellDistance(c xml.NUMACell, from, to uint32) uint32 {
	for _, d := range c.Distances {
		if d.ID == to {
			return d.Value
		}
	}
	if from == to {
		return 10
	}
	return 20
}

func sameMemory(src, dst *xml.Domain) error {
	slots := func(d *xml.Domain) (uint64, uint64) {
		if d.MaxMemory == nil {
			return 0, 0
		}
		return uint64(d.MaxMemory.Slots), d.MaxMemory.KiB
	}
	backing := func(d *xml.Domain) string {
		if d.Backing == nil || d.Backing.Source == "" {
			return "none"
		}
		return d.Backing.Source
	}
	srcSlots, srcMost := slots(src)
	dstSlots, dstMost := slots(dst)
	if err := first(differ("domain max memory", bootMemory(dst), bootMemory(src)), differ("domain current memory", uint64(dst.CurrentMem), uint64(src.CurrentMem)),
		differQuoted("domain memory slots count", dstSlots, srcSlots), differQuoted("maximum memory size", dstMost, srcMost)); err != nil {
		return err
	}
	if a, b := backing(src), backing(dst); a != b { // the words lack a space
		return unsupported("Target memoryBacking source '%s' doesn't match source memoryBacking source'%s'", b, a)
	}
	return nil
}

func sameProcessors(src, dst *xml.Domain) error {
	if src.VCPU == nil || dst.VCPU == nil {
		return nil
	}
	if err := differ("domain vCPU max", dst.VCPU.Count, src.VCPU.Count); err != nil {
		return err
	}
	on := func(v *xml.VCPU) uint {
		if v.Current == 0 {
			return v.Count
		}
		return v.Current
	}
	if a, b := on(src.VCPU), on(dst.VCPU); a != b {
		return unsupported("State of vCPU '%d' differs between source and destination definitions", min(a, b))
	}
	return nil
}

func sameMachine(src, dst *xml.Domain) error {
	mode := func(d *xml.Domain) string {
		if d.OS.SMBIOS != nil && d.OS.SMBIOS.Mode != "" {
			return d.OS.SMBIOS.Mode
		}
		return "none"
	}
	return first(differ("domain OS type", dst.OS.Type.Text, src.OS.Type.Text), differ("domain architecture", dst.OS.Type.Arch, src.OS.Type.Arch),
		differ("domain machine type", dst.OS.Type.Machine, src.OS.Type.Machine), differ("domain SMBIOS mode", mode(dst), mode(src)))
}

func sameCPU(src, dst *xml.Domain) error {
	a, b := src.CPU, dst.CPU
	if a == nil || b == nil {
		if (a == nil) != (b == nil) {
			return unsupported("Target CPU does not match source")
		}
		return nil
	}
	check := func(c *xml.CPU) string {
		if c.Check == "" {
			return "none"
		}
		return c.Check
	}
	topology := func(c *xml.CPU) xml.CPUTopology {
		if c.Topology == nil {
			return xml.CPUTopology{}
		}
		return *c.Topology
	}
	s, t := topology(a), topology(b)
	if err := first(differ("CPU mode", b.Mode, a.Mode), differ("CPU check", check(b), check(a)), differ("CPU model", orNull(b.Model), orNull(a.Model)),
		differ("CPU vendor", orNull(b.Vendor), orNull(a.Vendor)), differ("CPU vendor id", orNull(b.VendorID), orNull(a.VendorID)),
		differ("CPU sockets", t.Sockets, s.Sockets), differ("CPU dies", t.Dies, s.Dies), differ("CPU clusters", t.Clusters, s.Clusters),
		differ("CPU cores", t.Cores, s.Cores), differ("CPU threads", t.Threads, s.Threads),
		differ("CPU feature count", len(b.Features), len(a.Features))); err != nil {
		return err
	}
	if x, y := a.Cache, b.Cache; (x == nil) != (y == nil) || x != nil && *x != *y {
		return unsupported("Target CPU cache does not match source")
	}
	for i := range a.Features {
		if err := first(differ("CPU feature", b.Features[i].Name, a.Features[i].Name), differ("CPU feature policy", b.Features[i].Policy, a.Features[i].Policy)); err != nil {
			return err
		}
	}
	return nil
}

func sameRest(src, dst *xml.Domain) error {
	if err := sameSysinfo(src.Sysinfo, dst.Sysinfo); err != nil {
		return err
	}
	timers := func(d *xml.Domain) []xml.Timer {
		if d.Clock == nil {
			return nil
		}
		return d.Clock.Timers
	}
	present := func(t xml.Timer) string {
		if t.Present == "" {
			return "default"
		}
		return string(t.Present)
	}
	a, b := timers(src), timers(dst)
	if len(a) != len(b) {
		return unsupported("Target domain timers do not match source")
	}
	for i := range a {
		if a[i].Name != b[i].Name {
			return unsupported("Target timer %s does not match source %s", b[i].Name, a[i].Name)
		}
		if x, y := present(a[i]), present(b[i]); x != y {
			return unsupported("Target timer presence '%s' does not match source '%s'", y, x)
		}
	}
	if (src.Devices.Vsock == nil) != (dst.Devices.Vsock == nil) {
		return unsupported("Target domain vsock device count does not match source")
	}
	if (src.Devices.PStore == nil) != (dst.Devices.PStore == nil) {
		return unsupported("Target domain pstore device count does not match source")
	}
	return nil
}

// sysinfoFields are the entries of each table that are compared, with the peer's
// words for them.
var sysinfoFields = map[string][][2]string{
	"BIOS":       {{"vendor", "vendor"}, {"version", "version"}, {"date", "date"}, {"release", "release"}},
	"system":     {{"manufacturer", "vendor"}, {"product", "product"}, {"version", "version"}, {"serial", "serial"}, {"uuid", "uuid"}, {"sku", "sku"}, {"family", "family"}},
	"base board": {{"manufacturer", "vendor"}, {"product", "product"}, {"version", "version"}, {"serial", "serial"}, {"asset", "asset"}, {"location", "location"}},
	"chassis":    {{"manufacturer", "vendor"}, {"version", "version"}, {"serial", "serial"}, {"asset", "asset"}, {"sku", "sku"}},
}

func sameSysinfo(src, dst []xml.Sysinfo) error {
	if len(src) != len(dst) {
		return unsupported("Target domain count of sysinfo does not match source")
	}
	for i := range src {
		a, b := withoutEmptyBoards(src[i]), withoutEmptyBoards(dst[i])
		if (len(a.BIOS) == 0) != (len(b.BIOS) == 0) || (len(a.System) == 0) != (len(b.System) == 0) {
			return unsupported("Target sysinfo does not match source")
		}
		quoted := func(n int) string { return fmt.Sprintf("'%d'", n) }
		if err := first(sameEntries("BIOS", a.BIOS, b.BIOS), sameEntries("system", a.System, b.System),
			differ("sysinfo base board count", quoted(len(b.BaseBoards)), quoted(len(a.BaseBoards)))); err != nil {
			return err
		}
		for k := range a.BaseBoards {
			if err := sameEntries("base board", a.BaseBoards[k].Entries, b.BaseBoards[k].Entries); err != nil {
				return err
			}
		}
		if (len(a.Chassis) == 0) != (len(b.Chassis) == 0) {
			return unsupported("Target chassis does not match source")
		}
		if err := sameEntries("chassis", a.Chassis, b.Chassis); err != nil {
			return err
		}
	}
	return nil
}

// withoutEmptyBoards leaves out boards of which nothing is told.
func withoutEmptyBoards(s xml.Sysinfo) xml.Sysinfo {
	s.BaseBoards = slices.DeleteFunc(slices.Clone(s.BaseBoards), func(b xml.SysinfoBlock) bool {
		return !slices.ContainsFunc(b.Entries, func(e xml.SysinfoEntry) bool {
			return slices.ContainsFunc(sysinfoFields["base board"], func(f [2]string) bool { return f[0] == e.Name })
		})
	})
	return s
}

func sameEntries(table string, src, dst []xml.SysinfoEntry) error {
	value := func(list []xml.SysinfoEntry, name string) string {
		if i := slices.IndexFunc(list, func(e xml.SysinfoEntry) bool { return e.Name == name }); i >= 0 {
			return list[i].Text
		}
		return "<null>"
	}
	for _, f := range sysinfoFields[table] {
		if err := differ(fmt.Sprintf("sysinfo %s %s", table, f[1]), value(dst, f[0]), value(src, f[0])); err != nil {
			return err
		}
	}
	return nil
}
