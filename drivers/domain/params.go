package domain

import (
	"slices"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// Parameters of a definition, as commands show and set them.

// limit is one of a disk's limits.
type limit struct {
	name string
	at   *uint64
}

// limitOf is a limit in KiB.
func limitOf(k *xml.KiB) uint64 {
	if k == nil {
		return unlimited
	}
	return uint64(*k)
}

// MemoryParams are the limits of a domain's memory.
func MemoryParams(def *xml.Domain) []drivers.Param {
	t := xml.MemTune{}
	if def.MemTune != nil {
		t = *def.MemTune
	}
	return []drivers.Param{{Name: "hard_limit", Value: limitOf(t.HardLimit)}, {Name: "soft_limit", Value: limitOf(t.SoftLimit)},
		{Name: "swap_hard_limit", Value: limitOf(t.SwapHardLimit)}}
}

// BlockParams are the weights and limits of a domain's traffic with devices of the host.
func BlockParams(def *xml.Domain) []drivers.Param {
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
			lists[i] += path + "," + strconv.FormatUint(v, 10)
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

// NUMAParams say which nodes a domain's memory comes from.
func NUMAParams(def *xml.Domain) []drivers.Param {
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

// BandwidthParams are the limits of an interface.
func BandwidthParams(b *xml.Bandwidth) []drivers.Param {
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

// DiskNamed finds a disk by its target or its source.
func DiskNamed(def *xml.Domain, name string) *xml.Disk {
	for i := range def.Devices.Disks {
		k := &def.Devices.Disks[i]
		if k.Target != nil && k.Target.Dev == name || k.Source != nil && k.Source.File == name {
			return k
		}
	}
	return nil
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

// SetMemoryLimits sets limits of the memory.
func SetMemoryLimits(def *xml.Domain, list []drivers.Param) error {
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

// SetBlockWeights sets weights and limits of traffic with devices of the host.
func SetBlockWeights(def *xml.Domain, list []drivers.Param) error {
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

// SetPerf switches events that are counted.
func SetPerf(def *xml.Domain, list []drivers.Param) error {
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

// SetBandwidth sets limits of an interface.
func SetBandwidth(n *xml.Interface, list []drivers.Param) error {
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

// PerfParams say which events are counted.
func PerfParams(def *xml.Domain) []drivers.Param {
	var out []drivers.Param
	for _, name := range perfEvents {
		out = append(out, drivers.Param{Name: name, Value: perfOf(def, name)})
	}
	return out
}

// DiskParams are a disk's limits in the order in which they are shown.
func DiskParams(k *xml.Disk) []drivers.Param {
	t := xml.IOTune{}
	if k.IOTune != nil {
		t = *k.IOTune
	}
	var out []drivers.Param
	for _, p := range limitsOf(&t) {
		out = append(out, drivers.Param{Name: p.name, Value: *p.at})
		if p.name == "size_iops_sec" {
			out = append(out, drivers.Param{Name: "group_name", Value: t.Group})
		}
	}
	return out
}

// ReadDiskLimits puts the parameters into t.
func ReadDiskLimits(t *xml.IOTune, list []drivers.Param) {
	limits := limitsOf(t)
	for _, p := range list {
		for _, l := range limits {
			if l.name == p.Name {
				*l.at, _ = p.Value.(uint64)
			}
		}
		if p.Name == "group_name" {
			t.Group, _ = p.Value.(string)
		}
	}
}

// LowerDiskLimits refuses a limit that is above its maximum, as the test driver does.
func LowerDiskLimits(t *xml.IOTune) error {
	limits := limitsOf(t)
	for i, l := range limits[:6] {
		if *l.at > *limits[i+6].at {
			return xml.Errorf(xml.CodeInvalidArg, "%s cannot be set higher than %s_max", l.name, l.name)
		}
	}
	return nil
}
