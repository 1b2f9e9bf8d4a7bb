package argv

import (
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// maxCells is how many NUMA nodes QEMU's guests can have.
const maxCells = 128

// nodesOf reads -numa.
func (r *reader) nodesOf() {
	if len(r.numa) == 0 {
		return
	}
	n := &xml.CPUNUMA{}
	for _, p := range r.numa {
		if p.take("type") == "node" {
			r.cell(n, p)
		}
	}
	if len(n.Cells) == 0 || r.err != nil {
		return
	}
	for i := range n.Cells {
		if c := &n.Cells[i]; c.Unit == "" {
			r.fail(r.numa[0], "there is no node %d", i)
			return
		}
	}
	cpus := r.cellCPUs(n)
	for _, p := range r.numa {
		switch p.peek("type") {
		case "node":
			continue
		case "dist":
			r.distance(n, p)
		case "cpu":
			r.cellCPU(n, p, cpus)
		case "hmat-lb", "hmat-cache":
			r.hmat(n, p)
		}
		r.leftovers(p)
	}
	r.spread(n, cpus)
	r.cpuOf().NUMA = n
}

// cell is one node; its CPUs are read later.
func (r *reader) cell(n *xml.CPUNUMA, p *props) {
	id := len(n.Cells)
	if v, ok := p.number("nodeid"); ok {
		id = int(min(v, maxCells))
	}
	if id >= maxCells {
		r.fail(p, "there are too many nodes")
		return
	}
	for len(n.Cells) <= id {
		n.Cells = append(n.Cells, xml.NUMACell{ID: uint32(len(n.Cells))})
	}
	c := &n.Cells[id]
	c.Unit = "KiB"
	c.Memory = p.bytes("mem", 'm') >> 10
	if id := p.take("memdev"); id != "" {
		o := byID(r.objects, id)
		if o == nil {
			r.fail(p, "there is no object '%s'", id)
			return
		}
		c.Memory = o.bytes("size", 'b') >> 10
		r.mainMemory(o, c)
	}
	var sets []string
	for i := range p.list {
		if p.list[i].key == "cpus" {
			sets, p.list[i].used = append(sets, p.list[i].value), true
		}
	}
	c.CPUs = strings.Join(sets, ",")
	p.take("initiator")
	r.leftovers(p)
}

// cellCPUs are the CPUs of each cell by number.
func (r *reader) cellCPUs(n *xml.CPUNUMA) [][]bool {
	out := make([][]bool, len(n.Cells))
	for i := range n.Cells {
		out[i] = make([]bool, r.d.VCPU.Count)
		set, err := xml.ParseSet(n.Cells[i].CPUs)
		for c := range out[i] {
			out[i][c] = err == nil && set.Has(c)
		}
	}
	return out
}

// cellCPU puts the CPUs of a place in the topology into a cell.
func (r *reader) cellCPU(n *xml.CPUNUMA, p *props, cpus [][]bool) {
	id, ok := p.number("node-id")
	if !ok || id >= uint64(len(n.Cells)) {
		r.fail(p, "there is no node '%s'", p.peek("node-id"))
		return
	}
	t := r.topologyOf()
	want := map[string]uint64{}
	for _, key := range []string{"socket-id", "die-id", "cluster-id", "core-id", "thread-id"} {
		if v, ok := p.number(key); ok {
			want[key] = v
		}
	}
	for c := range cpus[id] {
		n := uint64(c)
		place := map[string]uint64{}
		for _, level := range []struct {
			key string
			of  uint32
		}{{"thread-id", t.Threads}, {"core-id", t.Cores}, {"cluster-id", t.Clusters}, {"die-id", t.Dies}, {"socket-id", t.Sockets}} {
			place[level.key], n = n%uint64(level.of), n/uint64(level.of)
		}
		match := true
		for key, v := range want {
			match = match && place[key] == v
		}
		cpus[id][c] = cpus[id][c] || match
	}
}

func utoa(n uint) string { return strconv.FormatUint(uint64(n), 10) }

func (r *reader) topologyOf() xml.CPUTopology {
	if c := r.d.CPU; c != nil && c.Topology != nil {
		return *c.Topology
	}
	return xml.CPUTopology{Sockets: uint32(r.d.VCPU.Count), Dies: 1, Clusters: 1, Cores: 1, Threads: 1}
}

// spread writes the CPUs; those that no cell has go round by socket, and so
// does memory that no cell has.
func (r *reader) spread(n *xml.CPUNUMA, cpus [][]bool) {
	t := r.topologyOf()
	perSocket := int(t.Dies * t.Clusters * t.Cores * t.Threads)
	var memory uint64
	for _, c := range n.Cells {
		memory += c.Memory
	}
	for c := range int(r.d.VCPU.Count) {
		if !slices.ContainsFunc(cpus, func(cell []bool) bool { return cell[c] }) {
			cpus[c/perSocket%len(n.Cells)][c] = true
		}
	}
	for i := range n.Cells {
		var list []string
		for c, has := range cpus[i] {
			if has {
				list = append(list, strconv.Itoa(c))
			}
		}
		n.Cells[i].CPUs = ""
		if set, err := xml.ParseSet(strings.Join(list, ",")); err == nil && len(list) > 0 {
			n.Cells[i].CPUs = set.String()
		}
		if memory == 0 {
			n.Cells[i].Memory = r.d.Memory.KiB / uint64(len(n.Cells))
		}
	}
}

func (r *reader) distance(n *xml.CPUNUMA, p *props) {
	src, ok1 := p.number("src")
	dst, ok2 := p.number("dst")
	val, ok3 := p.number("val")
	if !ok1 || !ok2 || !ok3 || src >= uint64(len(n.Cells)) || dst >= uint64(len(n.Cells)) {
		r.fail(p, "src, dst and val are expected")
		return
	}
	c := &n.Cells[src]
	c.Distances = append(c.Distances, xml.NUMADistance{ID: uint32(dst), Value: uint32(val)})
}

// hmat tells how fast memory is, and its caches.
func (r *reader) hmat(n *xml.CPUNUMA, p *props) {
	if p.take("type") == "hmat-lb" {
		l := xml.NUMALink{Kind: "latency", Initiator: uint32(p.uint("initiator")), Target: uint32(p.uint("target"))}
		l.Cache = uint32(max(0, slices.Index([]string{"memory", "first-level", "second-level", "third-level"}, p.take("hierarchy"))))
		kind := p.take("data-type")
		l.Type = strings.TrimSuffix(strings.TrimSuffix(kind, "-latency"), "-bandwidth")
		if strings.HasSuffix(kind, "-bandwidth") {
			l.Kind, l.Unit, l.Value = "bandwidth", "KiB", p.bytes("bandwidth", 'b')>>10
		} else {
			l.Value, _ = p.number("latency")
		}
		n.Links = append(n.Links, l)
		return
	}
	id, ok := p.number("node-id")
	if !ok || id >= uint64(len(n.Cells)) {
		r.fail(p, "there is no node '%s'", p.peek("node-id"))
		return
	}
	c := xml.NUMACache{Level: uint32(p.uint("level")), Size: xml.NUMASize{Value: p.bytes("size", 'b') >> 10, Unit: "KiB"}, Line: xml.NUMASize{Value: uint64(p.uint("line")), Unit: "B"}}
	c.Associativity = map[string]string{"direct": "direct", "complex": "full"}[p.take("associativity")]
	c.Policy = map[string]string{"write-back": "writeback", "write-through": "writethrough"}[p.take("policy")]
	if c.Associativity == "" {
		c.Associativity = "none"
	}
	if c.Policy == "" {
		c.Policy = "none"
	}
	n.Cells[id].Caches = append(n.Cells[id].Caches, c)
}
