package domain

import (
	"reflect"
	"slices"
	"sort"

	"virgo/xml"
)

// unlimited is the amount of memory that means no limit.
const unlimited = 9007199254740991

// memtune drops limits that are none.
func memtune(d *xml.Domain) {
	m := d.MemTune
	if m == nil {
		return
	}
	for _, k := range []**xml.KiB{&m.HardLimit, &m.SoftLimit, &m.SwapHardLimit} {
		if *k != nil && **k >= unlimited {
			*k = nil
		}
	}
	if *m == (xml.MemTune{}) {
		d.MemTune = nil
	}
}

// cputune drops what is said of CPUs that the guest lacks, and says it of each
// CPU by itself.
func cputune(d *xml.Domain) {
	c := d.CPUTune
	if c == nil {
		return
	}
	count := int(d.VCPU.Count)
	pins := c.VCPUPins[:0]
	for _, p := range c.VCPUPins {
		if int(p.VCPU) < count {
			pins = append(pins, p)
		}
	}
	c.VCPUPins = pins
	sort.SliceStable(pins, func(i, j int) bool { return pins[i].VCPU < pins[j].VCPU })
	var scheds []xml.VCPUSched
	for _, s := range c.VCPUScheds {
		for _, i := range members(s.VCPUs) {
			scheds = append(scheds, xml.VCPUSched{VCPUs: i, Scheduler: s.Scheduler, Priority: s.Priority})
		}
	}
	sort.SliceStable(scheds, func(i, j int) bool { return number(scheds[i].VCPUs) < number(scheds[j].VCPUs) })
	c.VCPUScheds = scheds
	var threads []xml.IOSched
	for _, s := range c.IOThreadScheds {
		for _, i := range members(s.IOThreads) {
			threads = append(threads, xml.IOSched{IOThreads: i, Scheduler: s.Scheduler, Priority: s.Priority})
		}
	}
	sort.SliceStable(threads, func(i, j int) bool { return number(threads[i].IOThreads) < number(threads[j].IOThreads) })
	c.IOThreadScheds = threads
	cacheTunes(c, count)
}

// limitSet takes out what is not below count, and tells whether any is left.
func limitSet(set *xml.CPUSet, count int) bool {
	s := set.Set()
	for i := s.Last(); i >= count; i-- {
		s.Remove(i)
	}
	*set = xml.CPUSet(s.String())
	return s.Len() > 0
}

func cacheTunes(c *xml.CPUTune, count int) {
	caches := c.CacheTunes[:0]
	for _, t := range c.CacheTunes {
		if t.ID = ""; limitSet(&t.VCPUs, count) && len(t.Caches)+len(t.Monitors) > 0 {
			caches = append(caches, t)
		}
	}
	c.CacheTunes = caches
	memories := c.MemoryTunes[:0]
	for _, t := range c.MemoryTunes {
		if t.ID = ""; limitSet(&t.VCPUs, count) && len(t.Nodes)+len(t.Monitors) > 0 {
			memories = append(memories, t)
		}
	}
	c.MemoryTunes = memories
}

// members gives the numbers of a set, each as a set of its own.
func members(set xml.CPUSet) []xml.CPUSet {
	s := set.Set()
	var out []xml.CPUSet
	for i := 0; i <= s.Last(); i++ {
		if s.Has(i) {
			var one xml.Set
			one.Add(i)
			out = append(out, xml.CPUSet(one.String()))
		}
	}
	return out
}

func number(set xml.CPUSet) int { return set.Set().Last() }

// osDefaults completes how the guest boots.
func osDefaults(d *xml.Domain, t *Traits) {
	o := &d.OS
	if l := o.Loader; l != nil && l.Path != "" && l.Type == "" {
		l.Type = "rom"
		if t.QEMU != nil {
			setDefault(&l.Format, "raw")
		}
	}
	if o.NVRAM != nil && *o.NVRAM == (xml.NVRAMFile{}) && (o.Firmware == "efi" || o.Firmware == "" && o.Loader != nil && o.Loader.Stateless != "yes") {
		o.NVRAM = nil
	}
	if o.NVRAM != nil && o.NVRAM.Source != nil {
		sourcePorts(o.NVRAM.Source)
		if reflect.ValueOf(*o.NVRAM.Source).IsZero() {
			o.NVRAM.Source = nil
		}
	}
	if o.NVRAM != nil && o.NVRAM.Format != "" && o.Firmware != "" {
		if o.Loader == nil {
			o.Loader = &xml.Loader{}
		}
		setDefault(&o.Loader.Format, o.NVRAM.Format)
	}
}

// PinVCPU says in a definition where a vCPU may run.
func PinVCPU(d *xml.Domain, vcpu uint, cpus xml.Set) {
	t := cpuTune(d)
	t.VCPUPins = slices.DeleteFunc(t.VCPUPins, func(p xml.VCPUPin) bool { return p.VCPU == vcpu })
	t.VCPUPins = append(t.VCPUPins, xml.VCPUPin{VCPU: vcpu, CPUSet: xml.CPUSet(cpus.String())})
	slices.SortFunc(t.VCPUPins, func(a, b xml.VCPUPin) int { return int(a.VCPU) - int(b.VCPU) })
}

// PinEmulator says in a definition where the emulator's own threads may run.
func PinEmulator(d *xml.Domain, cpus xml.Set) {
	cpuTune(d).EmulatorPin = &xml.EmulatorPin{CPUSet: xml.CPUSet(cpus.String())}
}

func cpuTune(d *xml.Domain) *xml.CPUTune {
	if d.CPUTune == nil {
		d.CPUTune = &xml.CPUTune{}
	}
	return d.CPUTune
}
