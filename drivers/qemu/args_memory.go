package qemu

import (
	"path/filepath"
	"strings"

	"virgo/xml"
)

func mebibytes(kib uint64) uint64 { return (kib + 1023) / 1024 }

// mostMemory is the most that a signed number of bytes can say, in KiB.
const mostMemory = 1<<53 - 1

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
	}
	locked := a.d.Backing != nil && a.d.Backing.Locked
	a.add("-overcommit", "mem-lock="+onOff(locked))
}

// ramID names the memory as the machine does; "" where it takes none from outside.
func (a *args) ramID() string {
	if m := a.Emulator.Machine(a.d.OS.Type.Machine); m != nil {
		return m.DefaultRAM
	}
	return ""
}

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
			path = a.hugePath(page)
		default:
			path = filepath.Join(a.Layout.Lib, "ram", itoa(a.ID)+"-"+a.d.Name, b.file())
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
		if mb.Allocation != nil {
			p.optNum("prealloc-threads", uint64(mb.Allocation.Threads))
		}
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

func (a *args) preallocDevice(b backend) bool { return strings.HasPrefix(b.id, "memnvdimm") && !b.pmem }

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

func (a *args) hugePage(mb *xml.MemoryBacking, cell *int) uint64 {
	if mb.HugePages == nil {
		return 0
	}
	if len(mb.HugePages.Pages) == 0 {
		return 2048
	}
	for _, p := range mb.HugePages.Pages {
		if p.NodeSet == "" || cell != nil && p.NodeSet.Set().Has(*cell) || cell == nil && p.NodeSet.Set().Has(0) {
			if p.Size == 4 {
				return 0
			}
			return p.Size
		}
	}
	return 0
}

func (a *args) hugePath(page uint64) string {
	a.fail(xml.CodeInternal, "Unable to find any usable hugetlbfs mount for %d KiB", page)
	return ""
}
