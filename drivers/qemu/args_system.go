package qemu

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"virgo/xml"
)

// cpu is -cpu: the model as resolved, then what timers and features ask of it.
func (a *args) cpu() {
	a.tseg()
	opt := a.CPU
	add := func(name, value string) {
		if value != "" {
			opt += "," + name + "=" + value
		}
	}
	f := a.d.Features
	if f == nil {
		f = &xml.Features{}
	}
	if c := a.d.Clock; c != nil {
		for _, t := range c.Timers {
			switch {
			case t.Name == "kvmclock" && t.Present != "":
				add("kvmclock", onOff(isOn(t.Present)))
			case t.Name == "hypervclock" && t.Present != "":
				add("hv-time", onOff(isOn(t.Present)))
			case t.Name == "tsc" && t.Frequency > 0:
				add("tsc-frequency", utoa(t.Frequency))
			}
		}
	}
	if f.APIC != nil {
		add("kvm-pv-eoi", string(f.APIC.EOI))
	}
	add("kvm-pv-unhalt", state(f.PVSpinlock))
	a.hyperv(f.HyperV, add)
	a.kvmFeatures(f.KVM, add)
	add("pmu", state(f.PMU))
	a.add("-cpu", opt+a.CPUEnd)
	if l := a.d.OS.Loader; l != nil && l.Secure == "yes" {
		a.add("-global", "driver=cfi.pflash01,property=secure,value=on")
	}
}

// tseg is the size of the memory of system management mode.
func (a *args) tseg() {
	f := a.d.Features
	if f == nil || f.SMM == nil || f.SMM.TSEG == nil {
		return
	}
	mib := f.SMM.TSEG.Value
	switch f.SMM.TSEG.Unit {
	case "B", "bytes":
		mib >>= 20
	case "KiB":
		mib >>= 10
	case "GiB":
		mib <<= 10
	}
	a.add("-global", "mch.extended-tseg-mbytes="+utoa(mib))
}

func (a *args) hyperv(h *xml.HyperV, add func(name, value string)) {
	if h == nil {
		return
	}
	if h.Mode == "passthrough" {
		add("hv-passthrough", "on")
		return
	}
	on := func(name string, s *xml.State) {
		if state(s) == "on" {
			add("hv-"+name, "on")
		}
	}
	on("relaxed", h.Relaxed)
	on("vapic", h.VAPIC)
	if h.Spinlocks != nil && isOn(h.Spinlocks.State) {
		add("hv-spinlocks", fmt.Sprintf("0x%x", h.Spinlocks.Retries))
	}
	on("vpindex", h.VPIndex)
	on("runtime", h.Runtime)
	on("synic", h.SyNIC)
	if h.STimer != nil && isOn(h.STimer.State) {
		add("hv-stimer", "on")
		on("stimer-direct", h.STimer.Direct)
	}
	on("reset", h.Reset)
	if h.VendorID != nil && isOn(h.VendorID.State) {
		add("hv-vendor-id", escapeComma(h.VendorID.Value))
	}
	on("frequencies", h.Frequencies)
	on("reenlightenment", h.Reenlightenment)
	if h.TLBFlush != nil && isOn(h.TLBFlush.State) {
		add("hv-tlbflush", "on")
		on("tlbflush-direct", h.TLBFlush.Direct)
		on("tlbflush-ext", h.TLBFlush.Extended)
	}
	on("ipi", h.IPI)
	on("evmcs", h.EVMCS)
	on("avic", h.AVIC)
	on("emsr-bitmap", h.EMSRBitmap)
	on("xmm-input", h.XMMInput)
}

func (a *args) kvmFeatures(k *xml.KVMFeatures, add func(name, value string)) {
	if k == nil {
		return
	}
	if state(k.Hidden) == "on" {
		add("kvm", "off")
	}
	if state(k.HintDedicated) == "on" {
		add("kvm-hint-dedicated", "on")
	}
	if state(k.PollControl) == "on" {
		add("kvm-poll-control", "on")
	}
	if state(k.PVIPI) == "off" {
		add("kvm-pv-ipi", "off")
	}
}

// mebibytes rounds KiB up to whole MiB, as QEMU wants memory.
func mebibytes(kib uint64) uint64 { return (kib + 1023) / 1024 }

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

// initialMemory is the guest's memory without memory devices, KiB in whole MiB.
func (a *args) initialMemory() uint64 {
	if a.hasNUMA() {
		var sum uint64
		for _, c := range a.d.CPU.NUMA.Cells {
			sum += mebibytes(c.Memory) * 1024
		}
		return sum
	}
	size := a.d.Memory.KiB
	for _, m := range a.d.Devices.Memories {
		if m.Target != nil {
			size -= min(size, uint64(m.Target.Size))
		}
	}
	return mebibytes(size) * 1024
}

func (a *args) memory() {
	if l := a.d.OS.Loader; l != nil && l.Type == "rom" && l.Path != "" {
		a.add("-bios", l.Path)
	}
	opt := "size=" + utoa(a.initialMemory()) + "k"
	if m := a.d.MaxMemory; m != nil && m.KiB > 0 {
		if m.Slots > 0 {
			opt += ",slots=" + utoa(m.Slots)
		}
		opt += ",maxmem=" + utoa(mebibytes(m.KiB)*1024) + "k"
	}
	a.add("-m", opt)
	if !a.hasNUMA() {
		a.object(a.memoryBackend(backend{id: a.ramID(), kib: a.initialMemory(), main: true}))
	}
	locked := a.d.Backing != nil && a.d.Backing.Locked
	a.add("-overcommit", "mem-lock="+onOff(locked))
}

func (a *args) ramID() string {
	if m := a.Emulator.Machine(a.d.OS.Type.Machine); m != nil && m.DefaultRAM != "" {
		return m.DefaultRAM
	}
	return "pc.ram"
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
	device  bool
	nodes   string // of a memory device
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
			path = filepath.Join(a.Layout.Lib, "ram", itoa(a.ID)+"-"+a.d.Name, b.id)
		}
		p = newProps("qom-type", "memory-backend-file").str("id", b.id).str("mem-path", path)
		if b.discard == "" && mb.Discard {
			b.discard = "yes"
		}
		p.optFlag("discard-data", b.discard)
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
	if b.device { // QEMU wants devices in whole huge pages
		size = (size + 2<<20 - 1) / (2 << 20) * (2 << 20)
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

func vcpus(d *xml.Domain) int {
	if d.VCPU == nil || d.VCPU.Count == 0 {
		return 1
	}
	if d.VCPU.Current > 0 {
		return int(d.VCPU.Current)
	}
	return int(d.VCPU.Count)
}

func (a *args) smp() {
	n := vcpus(a.d)
	all := n
	if a.d.VCPU != nil && a.d.VCPU.Count > 0 {
		all = int(a.d.VCPU.Count)
	}
	opt := itoa(n)
	if all > n {
		opt += ",maxcpus=" + itoa(all)
	}
	if c := a.d.CPU; c != nil && c.Topology != nil && c.Topology.Sockets > 0 {
		t := c.Topology
		opt += fmt.Sprintf(",sockets=%d,dies=%d,clusters=%d,cores=%d,threads=%d", t.Sockets, t.Dies, t.Clusters, t.Cores, t.Threads)
	} else {
		opt += fmt.Sprintf(",sockets=%d,cores=1,threads=1", all)
	}
	a.add("-smp", opt)
}

func (a *args) iothreads() {
	for _, t := range iothreadIDs(a.d) {
		p := newProps("qom-type", "iothread").str("id", "iothread"+utoa(t.ID))
		if t.Min != nil {
			p.int("thread-pool-min", int64(*t.Min))
		}
		if t.Max != nil {
			p.int("thread-pool-max", int64(*t.Max))
		}
		if poll := t.Poll; poll != nil {
			for _, v := range []struct {
				key   string
				value *uint64
			}{{"poll-max-ns", poll.Max}, {"poll-grow", poll.Grow}, {"poll-shrink", poll.Shrink}} {
				if v.value != nil {
					p.num(v.key, *v.value)
				}
			}
		}
		a.object(p)
	}
	if io := a.d.DefaultIO; io != nil && (io.Min != nil || io.Max != nil) {
		p := newProps("qom-type", "main-loop").str("id", "main-loop")
		if io.Min != nil {
			p.int("thread-pool-min", int64(*io.Min))
		}
		if io.Max != nil {
			p.int("thread-pool-max", int64(*io.Max))
		}
		a.object(p)
	}
	for i := range a.d.Throttle {
		a.object(throttleGroup(&a.d.Throttle[i]))
	}
}

// iothreadIDs is the list with the ids that were not given: the lowest free ones.
func iothreadIDs(d *xml.Domain) []xml.IOThread {
	list := slices.Clone(d.IOThreadIDs)
	used := make(map[uint]bool)
	for _, t := range list {
		used[t.ID] = true
	}
	for id := uint(1); uint(len(list)) < d.IOThreads; id++ {
		if !used[id] {
			list = append(list, xml.IOThread{ID: id})
		}
	}
	return list
}

func throttleGroup(t *xml.IOTune) *props {
	limits := (&props{}).num("bps-total", t.TotalBytes).num("bps-read", t.ReadBytes).num("bps-write", t.WriteBytes).
		num("iops-total", t.TotalIOPS).num("iops-read", t.ReadIOPS).num("iops-write", t.WriteIOPS).
		num("bps-total-max", t.TotalBytesMax).num("bps-read-max", t.ReadBytesMax).num("bps-write-max", t.WriteBytesMax).
		num("iops-total-max", t.TotalIOPSMax).num("iops-read-max", t.ReadIOPSMax).num("iops-write-max", t.WriteIOPSMax).
		num("iops-size", t.SizeIOPS)
	for _, l := range []struct {
		key   string
		value uint64
	}{{"bps-total-max-length", t.TotalBytesLen}, {"bps-read-max-length", t.ReadBytesLen}, {"bps-write-max-length", t.WriteBytesLen},
		{"iops-total-max-length", t.TotalIOPSLen}, {"iops-read-max-length", t.ReadIOPSLen}, {"iops-write-max-length", t.WriteIOPSLen}} {
		limits.optNum(l.key, l.value)
	}
	return newProps("qom-type", "throttle-group").str("id", "throttle-"+t.Group).obj("limits", limits)
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
			opt += ",mem=" + utoa(mebibytes(c.Memory))
		default:
			discard := string(c.Discard)
			a.object(a.memoryBackend(backend{id: id, kib: c.Memory, cell: &cell, access: c.MemAccess, discard: discard}))
			opt += ",memdev=" + id
		}
		a.add("-numa", opt)
	}
	a.distances(cells)
	if hmat {
		a.hmat()
	}
}

// oldNUMA tells whether the machine still takes a node's size instead of a backend.
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

// clockBase is the guest's time at start for offsets that count from now.
func (a *args) clockBase(c *xml.Clock) string {
	now := time.Now().UTC()
	if c.Offset == "absolute" && c.Start != nil {
		now = time.Unix(int64(*c.Start), 0).UTC()
	} else {
		if c.Basis == "localtime" {
			_, offset := time.Now().Zone()
			now = now.Add(time.Duration(offset) * time.Second)
		}
		if s, err := strconv.ParseInt(c.Adjustment, 10, 64); err == nil {
			now = now.Add(time.Duration(s) * time.Second)
		}
	}
	return now.Format("2006-01-02T15:04:05")
}
