package xml

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// CPUTune says how the guest's CPUs run on the host's.
type CPUTune struct {
	Shares         *uint64       `el:"shares,blank" unknown:"XML error: can't parse cputune shares value"`
	Period         uint64        `el:"period,blank" unknown:"XML error: can't parse cputune period value"`
	Quota          int64         `el:"quota,blank" unknown:"XML error: can't parse cputune quota value"`
	GlobalPeriod   uint64        `el:"global_period,blank" unknown:"XML error: can't parse cputune global period value"`
	GlobalQuota    int64         `el:"global_quota,blank" unknown:"XML error: can't parse cputune global quota value"`
	EmulatorPeriod uint64        `el:"emulator_period,blank" unknown:"XML error: can't parse cputune emulator period value"`
	EmulatorQuota  int64         `el:"emulator_quota,blank" unknown:"XML error: can't parse cputune emulator quota value"`
	IOThreadPeriod uint64        `el:"iothread_period,blank" unknown:"XML error: can't parse cputune iothread period value"`
	IOThreadQuota  int64         `el:"iothread_quota,blank" unknown:"XML error: can't parse cputune iothread quota value"`
	VCPUPins       []VCPUPin     `el:"vcpupin"`
	EmulatorPin    *EmulatorPin  `el:"emulatorpin"`
	IOThreadPins   []IOThreadPin `el:"iothreadpin"`
	EmulatorSched  *Sched        `el:"emulatorsched"`
	VCPUScheds     []VCPUSched   `el:"vcpusched"`
	IOThreadScheds []IOSched     `el:"iothreadsched"`
	CacheTunes     []CacheTune   `el:"cachetune"`
	MemoryTunes    []MemoryTune  `el:"memorytune"`
}

// CheckNode refuses to say twice where and how the emulator runs.
func (c *CPUTune) CheckNode(n *Node) error {
	for _, name := range []string{"emulatorpin", "emulatorsched"} {
		if countChildren(n, name) > 1 {
			return Errorf(CodeXML, "only one %s is supported", name)
		}
	}
	return nil
}

// VCPUPin binds a virtual CPU.
type VCPUPin struct {
	VCPU   uint   `el:"vcpu,attr,empty" missing:"XML error: Missing required attribute 'vcpu' in element 'vcpupin'"`
	CPUSet CPUSet `el:"cpuset,attr" missing:"XML error: Missing required attribute 'cpuset' in element 'vcpupin'"`
}

// EmulatorPin binds the emulator's own threads.
type EmulatorPin struct {
	CPUSet CPUSet `el:"cpuset,attr" missing:"internal error: missing cpuset for emulatorpin"`
}

// IOThreadPin binds a thread for disks.
type IOThreadPin struct {
	IOThread uint   `el:"iothread,attr,required,nonzero"`
	CPUSet   CPUSet `el:"cpuset,attr,required" missing:"internal error: missing cpuset for iothreadpin"`
}

// Sched is a scheduler of the host.
type Sched struct {
	Scheduler string `el:"scheduler,attr,required" enum:"other batch idle fifo rr"`
	Priority  *int   `el:"priority,attr"`
}

// VCPUSched is the scheduler of some virtual CPUs.
type VCPUSched struct {
	VCPUs     CPUSet `el:"vcpus,attr" missing:"XML error: Missing attribute 'vcpus' in element 'vcpusched'"`
	Scheduler string `el:"scheduler,attr,required" enum:"other batch idle fifo rr"`
	Priority  *int   `el:"priority,attr"`
}

// IOSched is the scheduler of some threads for disks.
type IOSched struct {
	IOThreads CPUSet `el:"iothreads,attr" missing:"XML error: Missing attribute 'iothreads' in element 'iothreadsched'"`
	Scheduler string `el:"scheduler,attr,required" enum:"other batch idle fifo rr"`
	Priority  *int   `el:"priority,attr"`
}

// CacheTune allots parts of the host's caches.
type CacheTune struct {
	VCPUs    CPUSet         `el:"vcpus,attr" missing:"XML error: Missing cachetune attribute 'vcpus'"`
	ID       string         `el:"id,attr"`
	Caches   []CacheBank    `el:"cache"`
	Monitors []CacheMonitor `el:"monitor"`
}

// DecodeNode wants the level and vCPUs of monitors, which those of memory do
// not need.
func (c *CacheTune) DecodeNode(n *Node) error {
	if err := tuneSet(n, "cachetune"); err != nil {
		return err
	}
	for _, m := range n.Children {
		if m.Name != "monitor" {
			continue
		}
		if _, ok := m.Attr("level"); !ok {
			return Errorf(CodeXML, "Missing required attribute 'level' in element 'monitor'")
		}
		if _, ok := m.Attr("vcpus"); !ok {
			return Errorf(CodeXML, "Missing monitor attribute 'vcpus'")
		}
		if err := tuneSet(m, "monitor"); err != nil {
			return err
		}
	}
	return DecodeFields(n, c)
}

// tuneSet checks the vCPUs of an allocation, which have an error of their own.
func tuneSet(n *Node, kind string) error {
	text, ok := n.Attr("vcpus")
	if s, err := ParseSet(text); ok && (err != nil || s.Len() == 0) {
		return Errorf(CodeXML, "Invalid %s attribute 'vcpus' value '%s'", kind, text)
	}
	return nil
}

// CacheBank is a part of one cache.
type CacheBank struct {
	ID    uint   `el:"id,attr,empty,required"`
	Level uint   `el:"level,attr,required,nonzero"`
	Type  string `el:"type,attr,required" enum:"both code data"`
	Size  uint64 `el:"size,attr,empty" missing:"XML error: missing element or attribute './@size'"`
	Unit  string `el:"unit,attr"`
}

// DecodeNode reads the size in any unit.
func (c *CacheBank) DecodeNode(n *Node) error {
	if err := DecodeFields(n, c); err != nil {
		return err
	}
	if c.Unit == "" {
		c.Unit = "KiB"
	}
	bytes, err := Scale(c.Size, c.Unit, 1)
	if err != nil {
		return err
	}
	c.Size, c.Unit = prettySize(bytes)
	return nil
}

// prettySize is the largest unit in which bytes are a whole number.
func prettySize(bytes uint64) (uint64, string) {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	i := 0
	for bytes > 0 && bytes%1024 == 0 && i < len(units)-1 {
		bytes /= 1024
		i++
	}
	return bytes, units[i]
}

// CacheMonitor watches a cache.
type CacheMonitor struct {
	Level uint   `el:"level,attr"`
	VCPUs CPUSet `el:"vcpus,attr"`
}

// MemoryTune allots memory bandwidth.
type MemoryTune struct {
	VCPUs    CPUSet          `el:"vcpus,attr" missing:"XML error: Missing memorytune attribute 'vcpus'"`
	ID       string          `el:"id,attr"`
	Nodes    []BandwidthNode `el:"node"`
	Monitors []CacheMonitor  `el:"monitor"`
}

// DecodeNode checks the vCPUs first.
func (m *MemoryTune) DecodeNode(n *Node) error {
	if err := tuneSet(n, "memorytune"); err != nil {
		return err
	}
	return DecodeFields(n, m)
}

// BandwidthNode is the bandwidth to one node.
type BandwidthNode struct {
	ID        uint `el:"id,attr,empty,required"`
	Bandwidth uint `el:"bandwidth,attr,required"`
}

// NUMATune says which nodes of the host memory comes from.
type NUMATune struct {
	Memory   *NUMAMemory `el:"memory"`
	MemNodes []MemNode   `el:"memnode"`
}

// NUMAMemory is the rule for all memory.
type NUMAMemory struct {
	Mode      string `el:"mode,attr" enum:"strict preferred interleave restrictive" unknown:"unsupported configuration: Unsupported NUMA memory tuning mode '%s'"`
	NodeSet   CPUSet `el:"nodeset,attr"`
	Placement string `el:"placement,attr" enum:"static auto" unknown:"unsupported configuration: Unsupported NUMA memory placement mode '%s'"`
}

// MemNode is the rule for one node of the guest.
type MemNode struct {
	CellID  uint   `el:"cellid,attr,empty,required"`
	Mode    string `el:"mode,attr" enum:"strict preferred interleave restrictive"`
	NodeSet CPUSet `el:"nodeset,attr,required"`
}

// IOTune limits a disk's traffic.
type IOTune struct {
	TotalBytes    uint64 `el:"total_bytes_sec"`
	ReadBytes     uint64 `el:"read_bytes_sec"`
	WriteBytes    uint64 `el:"write_bytes_sec"`
	TotalIOPS     uint64 `el:"total_iops_sec"`
	ReadIOPS      uint64 `el:"read_iops_sec"`
	WriteIOPS     uint64 `el:"write_iops_sec"`
	TotalBytesMax uint64 `el:"total_bytes_sec_max"`
	ReadBytesMax  uint64 `el:"read_bytes_sec_max"`
	WriteBytesMax uint64 `el:"write_bytes_sec_max"`
	TotalIOPSMax  uint64 `el:"total_iops_sec_max"`
	ReadIOPSMax   uint64 `el:"read_iops_sec_max"`
	WriteIOPSMax  uint64 `el:"write_iops_sec_max"`
	SizeIOPS      uint64 `el:"size_iops_sec"`
	Group         string `el:"group_name"`
	TotalBytesLen uint64 `el:"total_bytes_sec_max_length"`
	ReadBytesLen  uint64 `el:"read_bytes_sec_max_length"`
	WriteBytesLen uint64 `el:"write_bytes_sec_max_length"`
	TotalIOPSLen  uint64 `el:"total_iops_sec_max_length"`
	ReadIOPSLen   uint64 `el:"read_iops_sec_max_length"`
	WriteIOPSLen  uint64 `el:"write_iops_sec_max_length"`
}

// ThrottleGroup limits the traffic of several disks together.
type ThrottleGroup struct{ IOTune }

// EncodeNode prints the group's name last.
func (t *ThrottleGroup) EncodeNode(name string) *Node {
	n := EncodeFields(&t.IOTune, name)
	if i := slices.IndexFunc(n.Children, func(c *Node) bool { return c.Name == "group_name" }); i >= 0 {
		last := n.Children[i]
		n.Children = append(slices.Delete(n.Children, i, i+1), last)
	}
	return n
}

// ParseValue reads a number.
func (p *Policy) ParseValue(text string) error {
	v, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(text), "0x"), 16, 64)
	if err != nil {
		return Errorf(CodeXML, "failed to get launch security policy")
	}
	*p = Policy{v, 4}
	return nil
}

// FormatValue prints it.
func (p *Policy) FormatValue() string { return hexText(p.Bits, p.Digits) }

// DecodeNode reads the limits.
func (t *IOTune) DecodeNode(n *Node) error {
	own := *n
	own.Children = make([]*Node, 0, len(n.Children))
	for _, c := range n.Children {
		if c.Value() != "" { // nothing is as good as no limit
			own.Children = append(own.Children, c)
		}
	}
	n = &own
	for _, c := range n.Children {
		if !c.IsElement() || c.Name == "group_name" {
			continue
		}
		if _, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimLeft(c.Value(), " \t\n"), "+"), 10, 64); err != nil && planOf(reflect.TypeFor[IOTune]()).hasChild(c.Name) {
			return Errorf(CodeXML, "disk iotune field '%s' must be an integer", c.Name)
		}
	}
	return DecodeFields(n, t)
}

// Excluded refuses limits of one direction beside a limit of both.
func (t *IOTune) Excluded() error {
	for _, g := range []struct {
		name               string
		total, read, write uint64
	}{
		{"bytes_sec", t.TotalBytes, t.ReadBytes, t.WriteBytes},
		{"iops_sec", t.TotalIOPS, t.ReadIOPS, t.WriteIOPS},
		{"bytes_sec_max", t.TotalBytesMax, t.ReadBytesMax, t.WriteBytesMax},
		{"iops_sec_max", t.TotalIOPSMax, t.ReadIOPSMax, t.WriteIOPSMax},
	} {
		if g.total > 0 && (g.read > 0 || g.write > 0) {
			return Errorf(CodeXML, "total and read/write %s cannot be set at the same time", g.name)
		}
	}
	return nil
}
