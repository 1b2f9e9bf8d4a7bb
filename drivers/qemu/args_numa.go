package qemu

import (
	"fmt"
	"slices"
	"strings"

	"virgo/xml"
)

func (a *args) hasNUMA() bool {
	return a.d.CPU != nil && a.d.CPU.NUMA != nil && len(a.d.CPU.NUMA.Cells) > 0
}

func (a *args) hasHMAT() bool {
	if !a.hasNUMA() {
		return false
	}
	n := a.d.CPU.NUMA
	if len(n.Links) > 0 {
		return true
	}
	return slices.ContainsFunc(n.Cells, func(c xml.NUMACell) bool { return len(c.Caches) > 0 })
}

func (a *args) numa() {
	if !a.hasNUMA() {
		return
	}
	cells := a.d.CPU.NUMA.Cells
	old := a.oldNUMA()
	if b := a.d.Backing; old && b != nil && b.Allocation != nil && b.Allocation.Mode == "immediate" {
		a.add("-mem-prealloc")
	}
	hmat := a.hasHMAT()
	firstCPUs := 0
	for i, c := range cells {
		if c.CPUs != "" {
			firstCPUs = i
			break
		}
	}
	for i, c := range cells {
		cell := int(c.ID)
		opt := "node,nodeid=" + utoa(uint(c.ID))
		for _, r := range strings.Split(c.CPUs, ",") {
			if r != "" {
				opt += ",cpus=" + r
			}
		}
		if hmat {
			initiator := firstCPUs
			if c.CPUs != "" {
				initiator = i
			}
			opt += ",initiator=" + utoa(uint(cells[initiator].ID))
		}
		id := "ram-node" + utoa(uint(c.ID))
		switch {
		case c.Memory == 0:
		case old:
			opt += ",mem=" + utoa(mebibytes(wholeMemory(a.d.OS.Type.Arch, c.Memory)))
		default:
			discard := string(c.Discard)
			a.object(a.memoryBackend(backend{id: id, kib: wholeMemory(a.d.OS.Type.Arch, c.Memory), cell: &cell, access: c.MemAccess, discard: discard}))
			opt += ",memdev=" + id
		}
		a.add("-numa", opt)
	}
	a.distances(cells)
	if hmat {
		a.hmat()
	}
}

func (a *args) oldNUMA() bool {
	m := a.Emulator.Machine(a.d.OS.Type.Machine)
	if m == nil || !m.NUMAMem {
		return false
	}
	if b := a.d.Backing; b != nil && (b.Source != "" || b.HugePages != nil || b.Access != "") {
		return false
	}
	if t := a.d.NUMATune; t != nil && (t.Memory != nil || len(t.MemNodes) > 0) {
		return false
	}
	return !slices.ContainsFunc(a.d.CPU.NUMA.Cells, func(c xml.NUMACell) bool { return c.MemAccess != "" })
}

func (a *args) distances(cells []xml.NUMACell) {
	given := make(map[[2]uint32]uint32)
	for _, c := range cells {
		for _, s := range c.Distances {
			given[[2]uint32{c.ID, s.ID}] = s.Value
		}
	}
	if len(given) == 0 {
		return
	}
	for _, from := range cells {
		for _, to := range cells {
			value, ok := given[[2]uint32{from.ID, to.ID}]
			if !ok {
				if value, ok = given[[2]uint32{to.ID, from.ID}]; !ok {
					value = 20
				}
			}
			if from.ID == to.ID && !ok {
				value = 10
			}
			a.add("-numa", fmt.Sprintf("dist,src=%d,dst=%d,val=%d", from.ID, to.ID, value))
		}
	}
}

func (a *args) hmat() {
	n := a.d.CPU.NUMA
	levels := [...]string{"memory", "first-level", "second-level", "third-level"}
	for _, l := range n.Links {
		opt := fmt.Sprintf("hmat-lb,initiator=%d,target=%d,hierarchy=%s,data-type=%s-%s,", l.Initiator, l.Target, levels[min(int(l.Cache), 3)], l.Type, l.Kind)
		if l.Kind == "latency" {
			opt += "latency=" + utoa(l.Value)
		} else {
			opt += "bandwidth=" + utoa(l.Value) + "K"
		}
		a.add("-numa", opt)
	}
	associativity := map[string]string{"none": "none", "direct": "direct", "full": "complex"}
	policy := map[string]string{"none": "none", "writeback": "write-back", "writethrough": "write-through"}
	for _, c := range n.Cells {
		for _, k := range c.Caches {
			a.add("-numa", fmt.Sprintf("hmat-cache,node-id=%d,size=%dK,level=%d,associativity=%s,policy=%s,line=%d", c.ID, k.Size.Value, k.Level,
				associativity[k.Associativity], policy[k.Policy], k.Line.Value))
		}
	}
}
