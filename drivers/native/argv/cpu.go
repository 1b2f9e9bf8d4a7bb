package argv

import (
	"strconv"
	"strings"

	"virgo/cpu"
	"virgo/drivers/native/shell"
	"virgo/xml"
)

// cpus reads -cpu and -smp.
func (r *reader) cpus() {
	r.topology()
	if len(r.cpu) == 0 {
		return
	}
	w := r.cpu[len(r.cpu)-1]
	if !r.knowsCPUs() {
		r.pass("XML has no CPUs of this architecture", "-cpu", w.arg)
		return
	}
	p := cpuProps(w)
	model := p.take("model")
	c := r.cpuOf()
	switch model {
	case "host":
		c.Mode, c.Check = "host-passthrough", "none"
		c.Migratable = string(p.onOff("migratable"))
	case "max":
		c.Mode, c.Check = "maximum", "none"
		c.Migratable = string(p.onOff("migratable"))
	default:
		c.Mode, c.Match, c.Check, c.Fallback = "custom", "exact", "none", "forbid"
		c.Model = cpu.ModelFromQEMU(model, r.arch())
		c.VendorID = p.take("vendor")
		if _, ok := cpu.Model(c.Model, r.arch()); !ok && r.isX86() {
			c.Mode, c.Match, c.Fallback, c.Model = "maximum", "", "", ""
			p.list = append(p.list, property{key: model})
		}
	}
	r.cpuSwitches(p)
	if r.isX86() {
		r.hyperv(p)
	}
	r.cpuFeatures(p)
	if len(p.left()) > 0 {
		r.pass("XML cannot say "+strings.Join(p.left(), ", "), "-cpu", w.arg)
	}
}

// knowsCPUs tells the architectures that have CPUs in XML.
func (r *reader) knowsCPUs() bool {
	for _, arch := range []string{"aarch64", "arm", "loongarch", "ppc64", "riscv", "s390"} {
		if strings.HasPrefix(r.arch(), arch) {
			return true
		}
	}
	return r.isX86()
}

func (r *reader) cpuOf() *xml.CPU {
	if r.d.CPU == nil {
		r.d.CPU = &xml.CPU{}
	}
	return r.d.CPU
}

// cpuProps reads model,+feature,-feature,key=value. QEMU has the features with
// a sign behind the others.
func cpuProps(w word) *props {
	p := &props{option: w.name, line: w.line}
	var signed []property
	for i, part := range shell.SplitCommas(w.arg) {
		key, value, ok := strings.Cut(part, "=")
		switch {
		case i == 0:
			p.list = append(p.list, property{key: "model", value: part})
		case strings.HasPrefix(part, "+"):
			signed = append(signed, property{key: part[1:], value: "on"})
		case strings.HasPrefix(part, "-"):
			signed = append(signed, property{key: part[1:], value: "off"})
		case part == "":
		case !ok:
			p.list = append(p.list, property{key: key, value: "on"})
		default:
			p.list = append(p.list, property{key: key, value: value})
		}
	}
	p.list = append(p.list, signed...)
	for i := range p.list {
		if k := strings.ReplaceAll(p.list[i].key, "_", "-"); strings.HasPrefix(k, "hv-") || strings.HasPrefix(k, "kvm-") || strings.HasPrefix(k, "tsc-freq") {
			p.list[i].key = k
		}
	}
	return p
}

// cpuSwitches are what stands elsewhere in XML.
func (r *reader) cpuSwitches(p *props) {
	c, f := r.cpuOf(), r.featuresOf()
	p.ignore("check", "on", "off")
	if p.isOn("enforce") {
		c.Check = "full"
	}
	f.PMU = state(p.onOff("pmu"))
	if v := p.onOff("kvm"); v != "" {
		r.kvmOf().Hidden = &xml.State{State: xml.OnOff(onOff(v == "off"))}
	}
	if v := p.onOff("kvm-hint-dedicated"); v != "" {
		r.kvmOf().HintDedicated = state(v)
	}
	if v := p.onOff("kvm-poll-control"); v != "" {
		r.kvmOf().PollControl = state(v)
	}
	if v := p.onOff("kvm-pv-ipi"); v != "" {
		r.kvmOf().PVIPI = state(v)
	}
	if v := p.onOff("kvm-pv-eoi"); v != "" && f.APIC != nil {
		f.APIC.EOI = v
	}
	f.PVSpinlock = state(p.onOff("kvm-pv-unhalt"))
	if v := p.yesNo("kvmclock"); v != "" {
		r.timer("kvmclock").Present = v
	}
	if v, ok := p.number("tsc-frequency"); ok {
		r.timer("tsc").Frequency = v
	}
	whole := c.Mode == "host-passthrough" || c.Mode == "maximum"
	switch l3 := p.onOff("l3-cache"); {
	case toSwitch(p.peek("host-cache-info")) == "on" && !whole: // definitions have it with these only
	case p.isOn("host-cache-info"):
		c.Cache = &xml.CPUCache{Mode: "passthrough"}
	case l3 == "on":
		c.Cache = &xml.CPUCache{Level: 3, Mode: "emulate"}
	case l3 == "off":
		c.Cache = &xml.CPUCache{Mode: "disable"}
	}
	switch {
	case toSwitch(p.peek("host-phys-bits")) == "on" && !whole: // and so that
	case p.isOn("host-phys-bits"):
		c.MaxPhysAddr = &xml.CPUMaxPhysAddr{Mode: "passthrough", Limit: int(p.uint("host-phys-bits-limit"))}
	case p.has("phys-bits"):
		c.MaxPhysAddr = &xml.CPUMaxPhysAddr{Mode: "emulate", Bits: int(p.uint("phys-bits"))}
	}
}

func (r *reader) kvmOf() *xml.KVMFeatures {
	f := r.featuresOf()
	if f.KVM == nil {
		f.KVM = &xml.KVMFeatures{}
	}
	return f.KVM
}

// hyperv are the enlightenments for Windows.
func (r *reader) hyperv(p *props) {
	var h xml.HyperV
	on := func(name string) *xml.State { return state(p.onOff("hv-" + name)) }
	h.Relaxed, h.VAPIC, h.VPIndex, h.Runtime, h.SyNIC = on("relaxed"), on("vapic"), on("vpindex"), on("runtime"), on("synic")
	h.Reset, h.Frequencies, h.Reenlightenment, h.IPI, h.EVMCS = on("reset"), on("frequencies"), on("reenlightenment"), on("ipi"), on("evmcs")
	h.AVIC, h.EMSRBitmap, h.XMMInput = on("avic"), on("emsr-bitmap"), on("xmm-input")
	if n, ok := p.number("hv-spinlocks"); ok {
		h.Spinlocks = &xml.Spinlock{State: "on", Retries: uint(n)}
	}
	if v := p.onOff("hv-stimer"); v != "" {
		h.STimer = &xml.STimer{State: v, Direct: on("stimer-direct")}
	}
	if v := p.onOff("hv-tlbflush"); v != "" {
		h.TLBFlush = &xml.TLBFlush{State: v, Direct: on("tlbflush-direct"), Extended: on("tlbflush-ext")}
	}
	if v := p.take("hv-vendor-id"); v != "" {
		h.VendorID = &xml.VendorID{State: "on", Value: v}
	}
	if p.isOn("hv-passthrough") {
		h.Mode = "passthrough"
	}
	if v := p.yesNo("hv-time"); v != "" {
		r.timer("hypervclock").Present = v
	}
	if h == (xml.HyperV{}) {
		return
	}
	if h.Mode == "" {
		h.Mode = "custom"
	}
	r.featuresOf().HyperV = &h
}

// cpuFeatures are the features that a model has more or less.
func (r *reader) cpuFeatures(p *props) {
	c := r.cpuOf()
	for i := range p.list {
		f := &p.list[i]
		if f.used {
			continue
		}
		name, ok := f.key, strings.HasPrefix(r.arch(), "s390")
		if r.isX86() {
			name, ok = featureName(f.key)
		}
		policy := map[xml.OnOff]string{"on": "require", "off": "disable"}[toSwitch(f.value)]
		if !ok || policy == "" {
			continue
		}
		f.used = true
		for n := range c.Features {
			if c.Features[n].Name == name {
				c.Features[n].Policy, ok = policy, false
			}
		}
		if ok {
			c.Features = append(c.Features, xml.CPUFeature{Policy: policy, Name: name})
		}
	}
}

// featureName is libvirt's name of a feature of x86; QEMU takes some with
// underscores too.
func featureName(name string) (string, bool) {
	for _, n := range []string{name, strings.ReplaceAll(name, "_", "-"), strings.ReplaceAll(name, "-", "_")} {
		for _, l := range []string{cpu.FromQEMU(n), n} {
			if _, ok := cpu.Feature(l); ok {
				return l, true
			}
		}
	}
	return "", false
}

// topology is -smp: QEMU makes up for what is not said with cores, for machines
// before version 6.2 with sockets.
func (r *reader) topology() {
	t := xml.CPUTopology{Sockets: 1, Dies: 1, Clusters: 1, Cores: 1, Threads: 1}
	r.d.VCPU = &xml.VCPU{Placement: "static", Count: 1}
	p := r.smp
	if p == nil {
		_, r.d.VCPU.Count = r.boardSize()
		return
	}
	text := p.String()
	cpus, most := p.uint("cpus"), p.uint("maxcpus")
	get := func(key string) uint { return p.uint(key) }
	sockets, cores, threads := get("sockets"), get("cores"), get("threads")
	dies, clusters := max(1, get("dies")), max(1, get("clusters"))
	for _, n := range []uint{cpus, most, sockets, cores, threads, dies, clusters} {
		if n > 1<<12 {
			r.fail(p, "%d is too much", n)
			return
		}
	}
	total := most
	if total == 0 {
		total = cpus
	}
	per := dies * clusters
	whole := func(have uint) uint { return max(1, total/max(1, have)) }
	switch {
	case total == 0:
		sockets, cores, threads = max(1, sockets), max(1, cores), max(1, threads)
		total = sockets * per * cores * threads
	case r.prefersSockets() && sockets == 0:
		cores, threads = max(1, cores), max(1, threads)
		sockets = whole(per * cores * threads)
	case cores == 0:
		sockets, threads = max(1, sockets), max(1, threads)
		cores = whole(sockets * per * threads)
	case sockets == 0:
		threads = max(1, threads)
		sockets = whole(per * cores * threads)
	case threads == 0:
		threads = whole(sockets * per * cores)
	}
	if sockets*per*cores*threads != total && len(p.left()) == 0 {
		r.fail(p, "%d sockets, %d dies, %d clusters, %d cores and %d threads are not %d CPUs", sockets, dies, clusters, cores, threads, total)
		return
	}
	r.d.VCPU.Count = total
	if cpus != 0 && cpus < total {
		r.d.VCPU.Current = cpus
	}
	if len(p.left()) > 0 {
		r.pass("XML cannot say "+strings.Join(p.left(), ", "), "-smp", strings.TrimPrefix(text, "cpus="))
		return
	}
	t = xml.CPUTopology{Sockets: uint32(sockets), Dies: uint32(dies), Clusters: uint32(clusters), Cores: uint32(cores), Threads: uint32(threads)}
	if total > 1 && sockets < total { // else it is what a definition without one has
		r.cpuOf().Topology = &t
	}
}

// prefersSockets tells the machines of QEMU before 6.2.
func (r *reader) prefersSockets() bool {
	m := r.d.OS.Type.Machine
	v := strings.Split(m[strings.LastIndexByte(m, '-')+1:], ".")
	if len(v) < 2 {
		return false
	}
	major, err1 := strconv.Atoi(v[0])
	minor, err2 := strconv.Atoi(v[1])
	return err1 == nil && err2 == nil && (major < 6 || major == 6 && minor < 2)
}
