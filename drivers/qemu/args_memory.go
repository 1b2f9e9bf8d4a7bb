package qemu

import (
	"path/filepath"
	"slices"
	"strings"

	"virgo/xml"
)

// mebibytes rounds KiB up to whole MiB, as QEMU wants memory.
func mebibytes(kib uint64) uint64 { return (kib + 1023) / 1024 }

// mostMemory is the most that a signed number of bytes can say, in KiB.
const mostMemory = 1<<53 - 1

// initialMemory is the guest's memory without memory devices, KiB in whole MiB.
func (a *args) initialMemory() uint64 {
	if a.hasNUMA() {
		var sum uint64
		for _, c := range a.d.CPU.NUMA.Cells {
			sum += wholeMemory(a.d.OS.Type.Arch, c.Memory)
		}
		return sum
	}
	size := a.d.Memory.KiB
	for _, m := range a.d.Devices.Memories {
		if m.Target != nil {
			size -= min(size, uint64(m.Target.Size))
		}
	}
	return wholeMemory(a.d.OS.Type.Arch, size)
}

func (a *args) memory() {
	if l := a.d.OS.Loader; l != nil && l.Type == "rom" && l.Path != "" {
		a.add("-bios", l.Path)
	}
	if a.hasNUMA() {
		for i, c := range a.d.CPU.NUMA.Cells {
			if wholeMemory(a.d.OS.Type.Arch, c.Memory) > mostMemory {
				a.fail(xml.CodeConfigUnsupported, "memory size of NUMA node '%d' overflowed after alignment", i)
			}
		}
	}
	if a.initialMemory() > mostMemory {
		a.fail(xml.CodeConfigUnsupported, "initial memory size overflowed after alignment")
	}
	opt := "size=" + utoa(a.initialMemory()) + "k"
	if m := a.d.MaxMemory; m != nil && m.KiB > 0 {
		if m.Slots > 0 {
			opt += ",slots=" + utoa(m.Slots)
		}
		most := wholeMemory(a.d.OS.Type.Arch, m.KiB)
		if most > mostMemory {
			a.fail(xml.CodeConfigUnsupported, "maximum memory size overflowed after alignment")
		}
		opt += ",maxmem=" + utoa(most) + "k"
	}
	a.add("-m", opt)
	if id := a.ramID(); id != "" && !a.hasNUMA() {
		a.object(a.memoryBackend(backend{id: id, kib: a.initialMemory(), main: true}))
	} else if b := a.d.Backing; b != nil && !a.hasNUMA() { // a machine of the older form
		if b.Allocation != nil && b.Allocation.Mode == "immediate" {
			a.add("-mem-prealloc")
		}
		if b.Source == "file" {
			a.add("-mem-path", a.memoryPath("ram"))
		}
	}
	locked := a.d.Backing != nil && a.d.Backing.Locked
	a.add("-overcommit", "mem-lock="+onOff(locked))
}

// memoryPath is the file of memory that is kept in one.
func (a *args) memoryPath(name string) string {
	return filepath.Join(a.folder(a.Layout.ramDir(a.ID, a.d.Name)), name)
}

// ramID names the memory as the machine does; "" where it takes none from outside.
func (a *args) ramID() string {
	if m := a.Emulator.Machine(a.d.OS.Type.Machine); m != nil {
		return m.DefaultRAM
	}
	return ""
}

// backend is memory to be had from the host.
type backend struct {
	id      string
	kib     uint64
	main    bool   // the machine's own memory, whose name in migration streams must not change
	cell    *int   // NUMA cell
	access  string // shared, private; "" as the guest's memory
	path    string // of a memory device
	discard string
	pmem    bool
	align   uint64 // bytes
	page    uint64 // KiB, of a memory device; 0: as the guest's memory
	device  bool
	nodes   string // of a memory device

	unreserved bool // taken only when the guest uses it
}

// file is the name of the backend's file, where it has one.
func (b backend) file() string {
	if b.device {
		return strings.TrimPrefix(b.id, "mem")
	}
	return b.id
}

func (a *args) memoryBackend(b backend) *props {
	mb := a.d.Backing
	if mb == nil {
		mb = &xml.MemoryBacking{}
	}
	access := b.access
	if access == "" {
		access = mb.Access
	}
	page := a.hugePage(mb, b.cell)
	if b.page != 0 {
		page = hugeSize(b.page)
	}
	prealloc := mb.Allocation != nil && mb.Allocation.Mode == "immediate"
	var p *props
	switch {
	case mb.Source == "memfd" && b.path == "":
		p = newProps("qom-type", "memory-backend-memfd").str("id", b.id)
		if page > 0 {
			p.flag("hugetlb", true).num("hugetlbsize", page*1024)
		}
	case b.path != "" || page > 0 || mb.Source == "file" || access != "":
		path := b.path
		switch {
		case path != "":
		case page > 0:
			path = a.folder(a.hugeFolder(page))
		default:
			path = a.memoryPath(b.file())
		}
		p = newProps("qom-type", "memory-backend-file").str("id", b.id).str("mem-path", path)
		if b.discard == "" && mb.Discard {
			b.discard = "yes"
		}
		if b.discard == "yes" {
			p.flag("discard-data", true)
		}
	default:
		p = newProps("qom-type", "memory-backend-ram").str("id", b.id)
		access, prealloc = "", prealloc && true
	}
	switch access {
	case "shared":
		p.flag("share", true)
	case "private":
		p.flag("share", false)
	}
	isRAM := strings.Contains(p.String(), "memory-backend-ram")
	if b.main && !isRAM {
		p.flag("x-use-canonical-path-for-ramblock-id", false)
	}
	if prealloc || page > 0 && !isRAM || b.path != "" && a.preallocDevice(b) {
		p.flag("prealloc", true)
	}
	if mb.Allocation != nil {
		p.optNum("prealloc-threads", uint64(mb.Allocation.Threads))
	}
	size := mebibytes(b.kib) * 1024 * 1024
	if b.device && isPPC64(a.d.OS.Type.Arch) {
		size = b.kib * 1024
	} else if b.device { // QEMU wants devices in whole huge pages
		size = (size + 2<<20 - 1) / (2 << 20) * (2 << 20)
	}
	if b.unreserved && isRAM {
		p.flag("reserve", false)
	}
	p.num("size", size)
	if b.align > 0 {
		p.num("align", b.align)
	}
	if b.pmem {
		p.flag("pmem", true)
	}
	a.bindMemory(p, b)
	return p
}

// preallocDevice: an NVDIMM's file is written to at once unless it is persistent.
func (a *args) preallocDevice(b backend) bool { return strings.HasPrefix(b.id, "memnvdimm") && !b.pmem }

// bindMemory adds which nodes of the host the memory comes from.
func (a *args) bindMemory(p *props, b backend) {
	policies := map[string]string{"strict": "bind", "preferred": "preferred", "interleave": "interleave"}
	mode, nodes := "", ""
	if t := a.d.NUMATune; t != nil {
		if t.Memory != nil {
			mode, nodes = t.Memory.Mode, string(t.Memory.NodeSet)
			if mode == "" {
				mode = "strict"
			}
			if t.Memory.Placement == "auto" {
				nodes = joinInts(a.Numad)
			}
		}
		if b.cell != nil {
			for _, n := range t.MemNodes {
				if int(n.CellID) == *b.cell {
					mode, nodes = n.Mode, string(n.NodeSet)
				}
			}
		}
	}
	if b.nodes != "" {
		nodes = b.nodes
		if mode == "" {
			mode = "strict"
		}
	}
	if nodes == "" || policies[mode] == "" {
		return
	}
	p.raw("host-nodes", "["+expandSet(nodes)+"]").str("policy", policies[mode])
}

func joinInts(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = itoa(n)
	}
	return strings.Join(words, ",")
}

// expandSet writes a cpuset as all its numbers.
func expandSet(text string) string {
	s, err := xml.ParseSet(text)
	if err != nil {
		return ""
	}
	var out []int
	for i := range s.Last() + 1 {
		if s.Has(i) {
			out = append(out, i)
		}
	}
	return joinInts(out)
}

// hugePage is the size of the pages for a cell in KiB, 0 for ordinary ones.
func (a *args) hugePage(mb *xml.MemoryBacking, cell *int) uint64 {
	if mb.HugePages == nil {
		return 0
	}
	if len(mb.HugePages.Pages) == 0 {
		return a.hugePages().usual()
	}
	for _, p := range mb.HugePages.Pages {
		if p.NodeSet == "" || cell != nil && p.NodeSet.Set().Has(*cell) || cell == nil && p.NodeSet.Set().Has(0) {
			return hugeSize(p.Size)
		}
	}
	return 0
}

// hugeSize is 0 for pages that are ordinary ones.
func hugeSize(kib uint64) uint64 {
	if kib == 4 {
		return 0
	}
	return kib
}

func (a *args) hugePages() HugePages {
	if a.HugePages == nil {
		return HugePages{}
	}
	return a.HugePages()
}

// hugeFolder is the guest's folder for memory in huge pages of a size.
func (a *args) hugeFolder(page uint64) string {
	h := a.hugePages()
	for _, m := range h.Mounts {
		if m.KiB == page {
			return a.Layout.memoryDir(m.Path, a.ID, a.d.Name)
		}
	}
	if len(h.Mounts) == 0 {
		a.fail(xml.CodeInternal, "hugetlbfs filesystem is not mounted or disabled by administrator config")
	} else {
		a.fail(xml.CodeInternal, "Unable to find any usable hugetlbfs mount for %d KiB", page)
	}
	return ""
}

// memoryFolders are the folders in which the memory of a domain lies in files.
func memoryFolders(d *xml.Domain, b Build) []string {
	a := &args{Build: b, d: d, made: make(map[string]bool)}
	a.memory()
	a.numa()
	a.memoryDevices()
	return a.folders
}

// folder notes a folder that has to be there.
func (a *args) folder(path string) string {
	if path != "" && !slices.Contains(a.folders, path) {
		a.folders = append(a.folders, path)
	}
	return path
}
