package qemu

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"virgo/drivers/domain"
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
			case t.Name == "hypervclock" && t.Present != "" && isX86(a.d.OS.Type.Arch):
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
	for i := range a.d.Devices.Panics {
		if a.d.Devices.Panics[i].Model == "hyperv" {
			opt += ",hv-crash"
			break
		}
	}
	a.kvmFeatures(f.KVM, add)
	if !isPPC64(a.d.OS.Type.Arch) { // where it is always on
		add("pmu", state(f.PMU))
	}
	if opt += a.CPUEnd; a.CPU == "" && opt != "" {
		model := defaultCPU(a.Emulator, a.d)
		if model == "" {
			a.fail(xml.CodeConfigUnsupported, "CPU flags requested but can't determine default CPU for arch %s", a.d.OS.Type.Arch)
		}
		opt = model + opt
	}
	if opt != "" {
		a.add("-cpu", opt)
	}
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
	if isX86(a.d.OS.Type.Arch) {
		on("emsr-bitmap", h.EMSRBitmap)
		on("xmm-input", h.XMMInput)
	} else { // names that QEMU's x86 would not know
		on("emsr_bitmap", h.EMSRBitmap)
		on("xmm_input", h.XMMInput)
	}
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
	if len(a.d.VCPUs) > 0 && !a.ByHand { // others are plugged in once QEMU runs
		n = 0
		for _, v := range a.d.VCPUs {
			if v.Enabled == "yes" && v.Hotpluggable != "yes" {
				n++
			}
		}
	}
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
	for _, t := range domain.IOThreads(&xml.Domain{IOThreads: a.d.IOThreads, IOThreadIDs: slices.Clone(a.d.IOThreadIDs)}) {
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
		if t := &a.d.Throttle[i].IOTune; *t != (xml.IOTune{Group: t.Group}) { // what limits nothing is none
			a.object(throttleGroup(t))
		}
	}
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

// oldNUMA tells whether the machine still takes a node's size instead of a backend.
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
