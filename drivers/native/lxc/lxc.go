// Package lxc turns the configurations of LXC's own tools into domains and
// back. Both generations of their keys are read; the newer one is written. It
// is pure.
package lxc

import (
	"crypto/rand"
	"slices"
	"strconv"
	"strings"

	"virgo/drivers/native/conf"
	"virgo/drivers/native/shell"
	"virgo/xml"
)

// Emulator is what runs containers where libvirt does: domains name it.
const Emulator = "/usr/lib/libvirt/libvirt_lxc"

// noLimit is the memory, in KiB, of a domain whose configuration has no limit: a
// domain must have some.
const noLimit = 64 << 10

// reader reads one file.
type reader struct {
	*conf.File
	d *xml.Domain
}

func internal(format string, args ...any) *xml.Error {
	return xml.Errorf(xml.CodeInternal, format, args...)
}

// From reads a configuration.
func From(src xml.Source) (*xml.Domain, error) {
	f, err := conf.Parse(src, conf.LXC)
	if err != nil {
		return nil, err
	}
	d := &xml.Domain{Type: "lxc", UUID: newUUID(), OnPoweroff: "destroy", OnReboot: "restart", OnCrash: "destroy",
		OS: xml.OS{Type: xml.OSType{Text: "exe"}, Init: "/sbin/init"}, Clock: &xml.Clock{Offset: "utc"},
		VCPU: &xml.VCPU{Placement: "static", Count: 1}, Features: &xml.Features{Capabilities: &xml.LXCCaps{Policy: "allow"}}}
	d.Devices.Emulator = Emulator
	r := &reader{f, d}
	for _, step := range []func() error{
		r.general, r.init, r.root, r.mounts, r.networks, r.consoles, r.idmap, r.memory, r.cputune, r.cpuset, r.blkio, r.capabilities,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return xml.FormatUUID(b)
}

// first is the entry of the first of several names that there is.
func (r *reader) first(names ...string) *conf.Value {
	for _, n := range names {
		if v := r.Get(n); v != nil {
			return v
		}
	}
	return nil
}

// each goes over the entries of some names, in the file's order.
func (r *reader) each(f func(name string, v *conf.Value) error, names ...string) error {
	for i := range r.Entries {
		e := &r.Entries[i]
		for _, n := range names {
			if e.Name == n || strings.HasSuffix(n, ".") && strings.HasPrefix(e.Name, n) {
				if err := f(e.Name, &e.Value); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

func (r *reader) general() error {
	v := r.first("lxc.uts.name", "lxc.utsname")
	if v == nil {
		return internal("lxc.uts.name (or lxc.utsname) is missing: the container has no name")
	}
	if r.d.Name = v.Text; v.Text == "" {
		r.d.Name = xml.Blank
	}
	if strings.Contains(v.Text, "/") {
		return r.At(xml.Errorf(xml.CodeXML, "name %s cannot contain '/'", v.Text), v)
	}
	if v := r.Get("lxc.arch"); v != nil {
		switch v.Text {
		case "x86", "i686", "i386", "i486", "i586", "linux32":
			r.d.OS.Type.Arch = "i686"
		case "x86_64", "amd64", "linux64":
			r.d.OS.Type.Arch = "x86_64"
		case "arm64":
			r.d.OS.Type.Arch = "aarch64"
		default:
			if xml.KnownArchitecture(v.Text) {
				r.d.OS.Type.Arch = v.Text
			}
		}
	}
	return nil
}

// init reads the first process.
func (r *reader) init() error {
	o := &r.d.OS
	if v := r.first("lxc.init.cmd", "lxc.init_cmd"); v != nil {
		s, err := shell.Parse(xml.Source{Data: []byte(v.Text)}, nil)
		if err == nil && len(s.Commands) == 1 {
			o.Init, o.InitArgs = s.Commands[0].Words[0], s.Commands[0].Words[1:]
		} else if words := strings.Fields(v.Text); len(words) > 0 { // quotes that do not match
			o.Init, o.InitArgs = words[0], words[1:]
		}
	}
	for _, e := range []struct {
		name string
		to   *string
	}{{"lxc.init.cwd", &o.InitDir}, {"lxc.init.uid", &o.InitUser}, {"lxc.init.gid", &o.InitGroup}} {
		if v := r.Get(e.name); v != nil {
			*e.to = v.Text
		}
	}
	return r.each(func(_ string, v *conf.Value) error {
		name, value, ok := strings.Cut(v.Text, "=")
		if ok && name != "" { // without a value it is the host's, which the container is not to know
			o.InitEnv = append(o.InitEnv, xml.InitEnv{Name: name, Value: value})
		}
		return nil
	}, "lxc.environment")
}

// whole reads a whole number. The peer counts below nothing from the highest one.
func whole(text string, bits int) (uint64, error) {
	text, below := strings.CutPrefix(text, "-")
	n, err := strconv.ParseUint(text, 10, bits)
	if below {
		n = -n & (1<<bits - 1)
	}
	return n, err
}

// number reads an entry's.
func (r *reader) number(v *conf.Value, bits int) (uint64, error) {
	n, err := whole(v.Text, bits)
	if err != nil {
		return 0, r.At(internal("failed to parse integer: '%s'", v.Text), v)
	}
	return n, nil
}

// size reads a number of bytes, for which a unit may stand; in KiB.
func (r *reader) size(v *conf.Value, text string) (uint64, error) {
	bad := internal("failed to convert size: '%s'", text)
	digits := strings.TrimRight(text, "bBkKmMgGtTpPiI")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, r.At(bad, v)
	}
	bytes, err := xml.Scale(n, text[len(digits):], 1)
	if err != nil {
		return 0, r.At(bad, v)
	}
	return bytes / 1024, nil
}

func (r *reader) memory() error {
	d := r.d
	kib := uint64(noLimit)
	t := &xml.MemTune{}
	for _, l := range []struct {
		name string
		to   **xml.KiB
	}{{"lxc.cgroup.memory.limit_in_bytes", &t.HardLimit}, {"lxc.cgroup.memory.soft_limit_in_bytes", &t.SoftLimit},
		{"lxc.cgroup.memory.memsw.limit_in_bytes", &t.SwapHardLimit},
		{"lxc.cgroup2.memory.max", &t.HardLimit}, {"lxc.cgroup2.memory.low", &t.SoftLimit}} {
		v := r.Get(l.name)
		if v == nil || v.Text == "max" || v.Text == "-1" {
			continue
		}
		n, err := r.size(v, v.Text)
		if err != nil {
			return err
		}
		if n == 0 && l.to == &t.HardLimit {
			return r.At(xml.Errorf(xml.CodeXML, "Memory size must be specified via <memory> or in the <numa> configuration"), v)
		}
		limit := xml.KiB(n)
		if *l.to = &limit; l.to == &t.HardLimit {
			kib = n
		}
	}
	if *t != (xml.MemTune{}) {
		d.MemTune = t
	}
	d.Memory, d.CurrentMem = &xml.MemorySize{Unit: "KiB", KiB: kib}, xml.KiB(kib)
	return nil
}

func (r *reader) cputune() error {
	t := &xml.CPUTune{}
	if v := r.Get("lxc.cgroup.cpu.shares"); v != nil {
		n, err := r.number(v, 64)
		if err != nil {
			return err
		}
		t.Shares = &n
	}
	if v := r.Get("lxc.cgroup.cpu.cfs_period_us"); v != nil {
		n, err := r.number(v, 64)
		if err != nil {
			return err
		}
		t.Period = n
	}
	if v := r.Get("lxc.cgroup.cpu.cfs_quota_us"); v != nil {
		n, err := strconv.ParseInt(v.Text, 10, 64)
		if err != nil {
			return r.At(internal("failed to parse integer: '%s'", v.Text), v)
		}
		t.Quota = n
	}
	if t.Shares != nil || t.Period != 0 || t.Quota != 0 {
		r.d.CPUTune = t
	}
	return nil
}

func (r *reader) cpuset() error {
	read := func(names ...string) (xml.CPUSet, error) {
		v := r.first(names...)
		if v == nil {
			return "", nil
		}
		set, err := xml.ParseSet(v.Text)
		if v.Text == "" {
			err = xml.Errorf(xml.CodeInvalidArg, "Failed to parse bitmap ''")
		}
		if err != nil {
			return "", r.At(err.(*xml.Error), v)
		}
		return xml.CPUSet(set.String()), nil
	}
	var err error
	if r.d.VCPU.CPUSet, err = read("lxc.cgroup.cpuset.cpus", "lxc.cgroup2.cpuset.cpus"); err != nil {
		return err
	}
	nodes, err := read("lxc.cgroup.cpuset.mems", "lxc.cgroup2.cpuset.mems")
	if err != nil || nodes == "" {
		return err
	}
	r.d.NUMATune = &xml.NUMATune{Memory: &xml.NUMAMemory{Mode: "strict", NodeSet: nodes}}
	return nil
}

// blkio reads the weights and limits of block devices, named major:minor.
func (r *reader) blkio() error {
	t := &xml.BlkioTune{}
	if v := r.Get("lxc.cgroup.blkio.weight"); v != nil {
		n, err := r.number(v, 32)
		if err != nil {
			return err
		}
		t.Weight = uint(n)
	}
	device := func(name string) *xml.BlkioDevice {
		path := "/dev/block/" + name
		for i := range t.Devices {
			if t.Devices[i].Path == path {
				return &t.Devices[i]
			}
		}
		t.Devices = append(t.Devices, xml.BlkioDevice{Path: path})
		return &t.Devices[len(t.Devices)-1]
	}
	err := r.each(func(name string, v *conf.Value) error {
		key := strings.TrimPrefix(name, "lxc.cgroup.blkio.")
		switch key {
		case "device_weight", "throttle.read_bps_device", "throttle.write_bps_device", "throttle.read_iops_device", "throttle.write_iops_device":
		default:
			return nil
		}
		parts := strings.Fields(v.Text)
		if len(parts) < 2 {
			return r.At(internal("invalid %s value: '%s'", name, v.Text), v)
		}
		what, bits := strings.TrimPrefix(key, "throttle."), 64
		switch {
		case key == "device_weight":
			what, bits = "device weight", 32
		case strings.Contains(key, "_iops_"):
			bits = 32
		}
		n, err := whole(parts[1], bits)
		if err != nil {
			return r.At(internal("failed to parse %s: '%s'", what, parts[1]), v)
		}
		b := device(parts[0])
		switch key {
		case "device_weight":
			b.Weight = uint(n)
		case "throttle.read_bps_device":
			b.ReadBytes = n
		case "throttle.write_bps_device":
			b.WriteBytes = n
		case "throttle.read_iops_device":
			b.ReadIOPS = uint(n)
		case "throttle.write_iops_device":
			b.WriteIOPS = uint(n)
		}
		return nil
	}, "lxc.cgroup.blkio.")
	t.Devices = slices.DeleteFunc(t.Devices, func(b xml.BlkioDevice) bool { return b == xml.BlkioDevice{Path: b.Path} })
	if t.Weight > 0 || len(t.Devices) > 0 {
		r.d.BlkioTune = t
	}
	return err
}
