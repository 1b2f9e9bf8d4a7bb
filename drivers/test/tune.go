package test

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// Unlimited is the memory limit that means none, in KiB.
const unlimited = 9007199254740991

// SchedulerType is the one scheduler.
func (d domains) SchedulerType(context.Context, drivers.Ref) (string, error) { return "fair", nil }

// perfEvents are the events that can be counted.
var perfEvents = [...]string{"cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references", "cache_misses", "branch_instructions",
	"branch_misses", "bus_cycles", "stalled_cycles_frontend", "stalled_cycles_backend", "ref_cpu_cycles", "cpu_clock", "task_clock",
	"page_faults", "context_switches", "cpu_migrations", "page_faults_min", "page_faults_maj", "alignment_faults", "emulation_faults"}

// Params reads a group of parameters.
func (d domains) Params(_ context.Context, r drivers.Ref, group drivers.ParamGroup, device string, f drivers.Flags) ([]drivers.Param, error) {
	var out []drivers.Param
	err := d.with(r, func(g *guest) error {
		if group == drivers.Schedule {
			if f&(drivers.Live|drivers.Config|drivers.Current) != 0 { // the peer's words for what its driver cannot tell
				if f.Has(drivers.Live | drivers.Config) {
					return drivers.BadFlags(4, "testDomainGetSchedulerParametersFlags")
				}
				return drivers.Refuse(f|drivers.Current, "testDomainGetSchedulerParametersFlags", drivers.Live, 1, drivers.Config, 2, drivers.Current, 4)
			}
			out = []drivers.Param{{Name: "weight", Value: uint32(50)}}
			return nil
		}
		def, err := g.one(f)
		if err != nil {
			return err
		}
		switch group {
		case drivers.MemoryLimits:
			out = memoryParams(def)
		case drivers.BlockWeights:
			out = blockParams(def)
		case drivers.NUMA:
			out = numaParams(def)
		case drivers.PerfEvents:
			for _, name := range perfEvents {
				out = append(out, drivers.Param{Name: name, Value: perfOf(def, name)})
			}
		case drivers.IfaceBandwidth:
			n := ifaceOf(def, device)
			if n == nil {
				return xml.Errorf(xml.CodeInvalidArg, "'%s' is not a known interface", device)
			}
			out = bandwidthParams(n.Bandwidth)
		case drivers.DiskLimits:
			k := diskNamed(def, device)
			if k == nil {
				return xml.Errorf(xml.CodeInvalidArg, "disk '%s' was not found in the domain config", device)
			}
			t := xml.IOTune{}
			if k.IOTune != nil {
				t = *k.IOTune
			}
			for _, p := range limitsOf(&t) {
				out = append(out, drivers.Param{Name: p.name, Value: *p.at})
				if p.name == "size_iops_sec" {
					out = append(out, drivers.Param{Name: "group_name", Value: t.Group})
				}
			}
		}
		return nil
	})
	return out, err
}

// limitOf is a limit in KiB.
func limitOf(k *xml.KiB) uint64 {
	if k == nil {
		return unlimited
	}
	return uint64(*k)
}

func memoryParams(def *xml.Domain) []drivers.Param {
	t := xml.MemTune{}
	if def.MemTune != nil {
		t = *def.MemTune
	}
	return []drivers.Param{{Name: "hard_limit", Value: limitOf(t.HardLimit)}, {Name: "soft_limit", Value: limitOf(t.SoftLimit)},
		{Name: "swap_hard_limit", Value: limitOf(t.SwapHardLimit)}}
}

func blockParams(def *xml.Domain) []drivers.Param {
	t := xml.BlkioTune{}
	if def.BlkioTune != nil {
		t = *def.BlkioTune
	}
	out := []drivers.Param{{Name: "weight", Value: uint32(t.Weight)}}
	lists := [5]string{}
	add := func(i int, path string, v uint64) {
		if v > 0 {
			if lists[i] != "" {
				lists[i] += ","
			}
			lists[i] += path + "," + itoa(uint(v))
		}
	}
	for _, v := range t.Devices {
		for i, n := range []uint64{uint64(v.Weight), uint64(v.ReadIOPS), uint64(v.WriteIOPS), v.ReadBytes, v.WriteBytes} {
			add(i, v.Path, n)
		}
	}
	for i, name := range []string{"device_weight", "device_read_iops_sec", "device_write_iops_sec", "device_read_bytes_sec", "device_write_bytes_sec"} {
		out = append(out, drivers.Param{Name: name, Value: lists[i]})
	}
	return out
}

func numaParams(def *xml.Domain) []drivers.Param {
	mode, nodes := "strict", ""
	if def.NUMATune != nil && def.NUMATune.Memory != nil {
		if m := def.NUMATune.Memory; m.Mode != "" {
			mode = m.Mode
		}
		nodes = string(def.NUMATune.Memory.NodeSet)
	}
	return []drivers.Param{{Name: "numa_mode", Value: mode}, {Name: "numa_nodeset", Value: nodes}}
}

func perfOf(def *xml.Domain, name string) bool {
	for _, e := range def.Perf {
		if e.Name == name {
			return e.Enabled == "yes"
		}
	}
	return false
}

func bandwidthParams(b *xml.Bandwidth) []drivers.Param {
	var in, out xml.Rate
	if b != nil && b.Inbound != nil {
		in = *b.Inbound
	}
	if b != nil && b.Outbound != nil {
		out = *b.Outbound
	}
	p := func(name string, v uint64) drivers.Param { return drivers.Param{Name: name, Value: uint32(v)} }
	return []drivers.Param{p("inbound.average", in.Average), p("inbound.peak", in.Peak), p("inbound.burst", in.Burst), p("inbound.floor", in.Floor),
		p("outbound.average", out.Average), p("outbound.peak", out.Peak), p("outbound.burst", out.Burst)}
}

func diskNamed(def *xml.Domain, name string) *xml.Disk {
	for i := range def.Devices.Disks {
		k := &def.Devices.Disks[i]
		if k.Target != nil && k.Target.Dev == name || k.Source != nil && k.Source.File == name {
			return k
		}
	}
	return nil
}

type limit struct {
	name string
	at   *uint64
}

// limitsOf are a disk's limits in the order in which they are shown.
func limitsOf(t *xml.IOTune) []limit {
	return []limit{{"total_bytes_sec", &t.TotalBytes}, {"read_bytes_sec", &t.ReadBytes}, {"write_bytes_sec", &t.WriteBytes},
		{"total_iops_sec", &t.TotalIOPS}, {"read_iops_sec", &t.ReadIOPS}, {"write_iops_sec", &t.WriteIOPS},
		{"total_bytes_sec_max", &t.TotalBytesMax}, {"read_bytes_sec_max", &t.ReadBytesMax}, {"write_bytes_sec_max", &t.WriteBytesMax},
		{"total_iops_sec_max", &t.TotalIOPSMax}, {"read_iops_sec_max", &t.ReadIOPSMax}, {"write_iops_sec_max", &t.WriteIOPSMax},
		{"size_iops_sec", &t.SizeIOPS}, {"total_bytes_sec_max_length", &t.TotalBytesLen}, {"read_bytes_sec_max_length", &t.ReadBytesLen},
		{"write_bytes_sec_max_length", &t.WriteBytesLen}, {"total_iops_sec_max_length", &t.TotalIOPSLen},
		{"read_iops_sec_max_length", &t.ReadIOPSLen}, {"write_iops_sec_max_length", &t.WriteIOPSLen}}
}

// SetParams sets parameters of a group.
func (d domains) SetParams(_ context.Context, r drivers.Ref, group drivers.ParamGroup, device string, list []drivers.Param, f drivers.Flags) error {
	if group == drivers.Schedule {
		return nil // the peer's driver takes it and does nothing
	}
	if group == drivers.PerfEvents && f.Has(drivers.Live|drivers.Config) {
		return xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")
	}
	return d.with(r, func(g *guest) error {
		return g.change(f, func(def *xml.Domain) error {
			switch group {
			case drivers.MemoryLimits:
				return setMemoryLimits(def, list)
			case drivers.BlockWeights:
				return setBlockWeights(def, list)
			case drivers.NUMA:
				return nil // taken, without effect
			case drivers.PerfEvents:
				return setPerf(def, list)
			case drivers.IfaceBandwidth:
				n := ifaceOf(def, device)
				if n == nil {
					return xml.Errorf(xml.CodeInvalidArg, "'%s' is not a known interface", device)
				}
				return setBandwidth(n, list)
			case drivers.DiskLimits:
				k := diskNamed(def, device)
				if k == nil {
					return xml.Errorf(xml.CodeInvalidArg, "disk '%s' was not found in the domain config", device)
				}
				return setDiskLimits(k, list)
			}
			return nil
		})
	})
}

func setMemoryLimits(def *xml.Domain, list []drivers.Param) error {
	t := xml.MemTune{}
	if def.MemTune != nil {
		t = *def.MemTune
	}
	hard, swap := limitOf(t.HardLimit), limitOf(t.SwapHardLimit)
	for _, p := range list {
		size := xml.KiB(p.Value.(uint64))
		v := &size
		if size >= unlimited {
			v = nil
		}
		switch p.Name {
		case "hard_limit":
			hard = p.Value.(uint64)
			t.HardLimit = v
		case "soft_limit":
			t.SoftLimit = v
		case "swap_hard_limit":
			swap = p.Value.(uint64)
			t.SwapHardLimit = v
		default:
			return xml.Errorf(xml.CodeArgUnsupported, "parameter '%s' not supported", p.Name)
		}
	}
	if min(hard, unlimited) > swap {
		return xml.Errorf(xml.CodeInvalidArg, "memory hard_limit tunable value must be lower than or equal to swap_hard_limit")
	}
	if def.MemTune = &t; t == (xml.MemTune{}) {
		def.MemTune = nil
	}
	return nil
}

func setBlockWeights(def *xml.Domain, list []drivers.Param) error {
	t := &xml.BlkioTune{}
	if def.BlkioTune != nil {
		t.Weight, t.Devices = def.BlkioTune.Weight, slices.Clone(def.BlkioTune.Devices)
	}
	for _, p := range list {
		if p.Name == "weight" {
			t.Weight = uint(p.Value.(uint32))
			continue
		}
		text, _ := p.Value.(string)
		words := strings.Split(text, ",")
		if len(words)%2 != 0 {
			return xml.Errorf(xml.CodeInvalidArg, "unable to parse blkio device '%s' '%s'", p.Name, text)
		}
		for i := 0; i < len(words); i += 2 {
			if err := setBlockDevice(t, p.Name, words[i], words[i+1]); err != nil {
				return err
			}
		}
	}
	def.BlkioTune = t
	t.Devices = slices.DeleteFunc(t.Devices, func(d xml.BlkioDevice) bool { return d == xml.BlkioDevice{Path: d.Path} })
	if t.Weight == 0 && len(t.Devices) == 0 {
		def.BlkioTune = nil
	}
	return nil
}

// setBlockDevice sets a weight or limit of one device of the host.
func setBlockDevice(t *xml.BlkioTune, name, path, value string) error {
	i := slices.IndexFunc(t.Devices, func(d xml.BlkioDevice) bool { return d.Path == path })
	if i < 0 {
		i = len(t.Devices)
		t.Devices = append(t.Devices, xml.BlkioDevice{Path: path})
	}
	d := &t.Devices[i]
	bits := 32
	if strings.HasSuffix(name, "bytes_sec") {
		bits = 64
	}
	n, err := strconv.ParseUint(value, 10, bits)
	if err != nil {
		return xml.Errorf(xml.CodeInvalidArg, "invalid value '%s' for parameter '%s' of device '%s'", value, name, path)
	}
	switch name {
	case "device_weight":
		d.Weight = uint(n)
	case "device_read_iops_sec":
		d.ReadIOPS = uint(n)
	case "device_write_iops_sec":
		d.WriteIOPS = uint(n)
	case "device_read_bytes_sec":
		d.ReadBytes = n
	case "device_write_bytes_sec":
		d.WriteBytes = n
	}
	return nil
}

func setPerf(def *xml.Domain, list []drivers.Param) error {
	for _, p := range list {
		known := false
		for _, name := range perfEvents {
			known = known || name == p.Name
		}
		if !known {
			return xml.Errorf(xml.CodeArgUnsupported, "parameter '%s' not supported", p.Name)
		}
		word := xml.YesNo("no")
		if p.Value.(bool) {
			word = "yes"
		}
		found := false
		for i := range def.Perf {
			if def.Perf[i].Name == p.Name {
				def.Perf[i].Enabled, found = word, true
			}
		}
		if !found {
			def.Perf = append(def.Perf, xml.PerfEvent{Name: p.Name, Enabled: word})
		}
	}
	return nil
}

func setBandwidth(n *xml.Interface, list []drivers.Param) error {
	b := &xml.Bandwidth{Inbound: &xml.Rate{}, Outbound: &xml.Rate{}}
	if n.Bandwidth != nil && n.Bandwidth.Inbound != nil {
		*b.Inbound = *n.Bandwidth.Inbound
	}
	if n.Bandwidth != nil && n.Bandwidth.Outbound != nil {
		*b.Outbound = *n.Bandwidth.Outbound
	}
	for _, p := range list {
		v := uint64(p.Value.(uint32))
		switch p.Name {
		case "inbound.average":
			b.Inbound.Average = v
		case "inbound.peak":
			b.Inbound.Peak = v
		case "inbound.burst":
			b.Inbound.Burst = v
		case "inbound.floor":
			b.Inbound.Floor = v
		case "outbound.average":
			b.Outbound.Average = v
		case "outbound.peak":
			b.Outbound.Peak = v
		case "outbound.burst":
			b.Outbound.Burst = v
		}
	}
	if *b.Inbound == (xml.Rate{}) {
		b.Inbound = nil
	}
	if *b.Outbound == (xml.Rate{}) {
		b.Outbound = nil
	}
	if n.Bandwidth = b; b.Inbound == nil && b.Outbound == nil {
		n.Bandwidth = nil
	}
	return nil
}

func setDiskLimits(k *xml.Disk, list []drivers.Param) error {
	t := xml.IOTune{}
	if k.IOTune != nil {
		t = *k.IOTune
	}
	limits := limitsOf(&t)
	for _, p := range list {
		for _, l := range limits {
			if l.name == p.Name {
				*l.at = p.Value.(uint64)
			}
		}
		if p.Name == "group_name" {
			t.Group = p.Value.(string)
		}
	}
	for i, l := range limits[:6] {
		if *l.at > *limits[i+6].at {
			return xml.Errorf(xml.CodeInvalidArg, "%s cannot be set higher than %s_max", l.name, l.name)
		}
	}
	k.IOTune = &t
	return nil
}
