package argv

import (
	"strings"

	"virgo/xml"
)

func (r *reader) memoryOf() *xml.MemorySize {
	if r.d.Memory == nil {
		r.d.Memory = &xml.MemorySize{Unit: "KiB"}
	}
	return r.d.Memory
}

func (r *reader) backing() *xml.MemoryBacking {
	if r.d.Backing == nil {
		r.d.Backing = &xml.MemoryBacking{}
	}
	return r.d.Backing
}

// defaultMemory is how much QEMU gives to a guest that asks for nothing.
func (r *reader) defaultMemory() uint64 {
	bytes, _ := r.boardSize()
	return bytes
}

// memory reads -m, -mem-path, -numa and the machine's memory backend.
func (r *reader) memory() {
	bytes := r.defaultMemory()
	if p := r.mem; p != nil {
		if p.has("size") {
			if bytes = p.bytes("size", 'm'); bytes < 1<<10 {
				r.fail(p, "'%s' is not a size of memory", p.peek("size"))
				return
			}
		}
		if most := p.bytes("maxmem", 'm'); most > bytes {
			r.d.MaxMemory = &xml.MaxMemory{Slots: p.uint("slots"), Unit: "KiB", KiB: most >> 10}
		}
		p.ignore("slots", "0")
		r.leftovers(p)
	}
	r.memoryOf().KiB = bytes >> 10
	if r.memPath != "" {
		r.filePath(r.memPath)
	}
	if r.prealloc {
		r.backing().Allocation = &xml.Allocation{Mode: "immediate"}
	}
	if id := r.machine.take("memory-backend"); id != "" {
		if o := byID(r.objects, id); o != nil {
			r.mainMemory(o, nil)
		}
	}
	r.nodesOf()
}

// filePath is where memory lies in files: huge pages, or files.
func (r *reader) filePath(path string) {
	if strings.Contains(path, "huge") {
		r.backing().HugePages = &xml.HugePages{}
		return
	}
	r.backing().Source = "file"
	r.note("left out: the path %s of the memory's file (memory_backing_dir of the driver is its folder)", path)
}

// byID finds the option with an id.
func byID(list []*props, id string) *props {
	for _, p := range list {
		if id == "" {
			break
		}
		if p.peek("id") == id || p.peek("node-name") == id {
			return p
		}
	}
	return nil
}

// mainMemory reads a memory backend as the guest's memory, or as that of one cell.
func (r *reader) mainMemory(o *props, cell *xml.NUMACell) {
	if o.spent {
		return
	}
	o.spent = true
	o.take("id", "size")
	b := r.backing()
	kind := o.take("qom-type")
	shared := o.onOff("share")
	switch kind {
	case "memory-backend-memfd":
		b.Source = "memfd"
		if o.isOn("hugetlb") {
			r.hugePages(o.bytes("hugetlbsize", 'b'))
		}
	case "memory-backend-file":
		r.filePath(o.take("mem-path"))
	case "memory-backend-ram":
		if shared == "on" { // only files and memfd can be shared in XML
			b.Source = "memfd"
		}
	default:
		r.note("left out: -object %s (no kind of guest memory)", o)
		return
	}
	if access := map[xml.OnOff]string{"on": "shared", "off": "private"}[shared]; kind == "memory-backend-ram" && access == "private" {
	} else if cell != nil {
		cell.MemAccess = access
	} else {
		b.Access = access
	}
	if o.isOn("prealloc") {
		b.Allocation = &xml.Allocation{Mode: "immediate", Threads: o.uint("prealloc-threads")}
	}
	if o.onOff("merge") == "off" {
		b.NoSharePages = true
	}
	if v := o.onOff("dump"); v != "" {
		r.memoryOf().DumpCore = v
	}
	if v := o.yesNo("discard-data"); v == "yes" && cell != nil {
		cell.Discard = v
	} else if v == "yes" {
		b.Discard = true
	}
	r.hostNodes(o, cell)
	o.take("x-use-canonical-path-for-ramblock-id")
	o.ignore("prealloc", "off")
	o.ignore("reserve", "on")
	r.leftovers(o)
	if *b == (xml.MemoryBacking{}) {
		r.d.Backing = nil
	}
}

func (r *reader) hugePages(bytes uint64) {
	h := &xml.HugePages{}
	if bytes > 0 {
		h.Pages = []xml.HugePage{{Size: bytes >> 10, Unit: "KiB"}}
	}
	r.backing().HugePages = h
}

// hostNodes is which nodes of the host memory comes from.
func (r *reader) hostNodes(o *props, cell *xml.NUMACell) {
	var set []string
	for i := range o.list {
		if f := &o.list[i]; f.key == "host-nodes" || strings.HasPrefix(f.key, "host-nodes.") {
			set, f.used = append(set, f.value), true
		}
	}
	mode := map[string]string{"bind": "strict", "preferred": "preferred", "interleave": "interleave"}[o.take("policy")]
	nodes, err := xml.ParseSet(strings.Join(set, ","))
	if len(set) == 0 || mode == "" || err != nil {
		return
	}
	if r.d.NUMATune == nil {
		r.d.NUMATune = &xml.NUMATune{}
	}
	if cell != nil {
		r.d.NUMATune.MemNodes = append(r.d.NUMATune.MemNodes, xml.MemNode{CellID: uint(cell.ID), Mode: mode, NodeSet: xml.CPUSet(nodes.String())})
		return
	}
	r.d.NUMATune.Memory = &xml.NUMAMemory{Mode: mode, NodeSet: xml.CPUSet(nodes.String())}
}

// memoryDevice is a DIMM or another device with memory of its own.
func (r *reader) memoryDevice(d *device) func() {
	o := r.ref(d, r.objects, d.take("memdev"))
	if o == nil {
		return nil
	}
	bytes := o.bytes("size", 'b')
	m := xml.MemoryDevice{Model: d.base, UUID: d.take("uuid"), Target: &xml.MemoryTarget{Size: xml.KiB(bytes >> 10), Node: d.uintPtr("node")}}
	if d.base == "pc-dimm" {
		m.Model = "dimm"
	}
	o.take("qom-type", "id")
	path := r.absolute(o.take("mem-path"))
	m.Access = map[xml.OnOff]string{"on": "shared", "off": "private"}[o.onOff("share")]
	m.Discard = o.yesNo("discard-data")
	s := xml.MemorySource{PMem: o.isOn("pmem"), AlignSize: xml.KiB(o.bytes("align", 'b') >> 10)}
	if m.Model == "nvdimm" || m.Model == "virtio-pmem" {
		s.Path = path
		m.Target.Readonly = d.isOn("unarmed")
	}
	if label := d.bytes("label-size", 'b'); label > 0 {
		m.Target.Label = &xml.MemoryLabel{Size: xml.KiB(label >> 10)}
	}
	if s != (xml.MemorySource{}) {
		m.Source = &s
	}
	if m.Model == "virtio-mem" {
		m.Target.Block = xml.KiB(max(2<<20, d.bytes("block-size", 'b')) >> 10)
		requested := xml.KiB(d.bytes("requested-size", 'b') >> 10)
		m.Target.Requested = &requested
	}
	if v, ok := d.number("memaddr"); ok && v > 0 {
		m.Target.Address = &xml.MemoryAddress{Base: v}
	}
	m.Address = d.address()
	if slot, ok := d.number("slot"); ok {
		m.Address = &xml.Address{Type: "dimm", Slot: uint(slot)}
		if base, ok := d.number("addr"); ok && base > 0 {
			m.Address.Base = &base
		}
	}
	o.ignore("prealloc", "off")
	if m.Model == "nvdimm" && !s.PMem {
		o.ignore("prealloc", "on") // as such devices have it
	}
	return func() {
		if m.Target.Node == nil && m.Model != "virtio-pmem" {
			node := uint(0)
			m.Target.Node = &node
		}
		r.d.Devices.Memories = append(r.d.Devices.Memories, m)
	}
}
