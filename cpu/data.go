package cpu

import (
	"math/bits"
	"slices"
	"strings"

	"virgo/xml"
)

// Registers are what a CPUID leaf answers.
type Registers struct{ EAX, EBX, ECX, EDX uint32 }

func (r *Registers) at(i uint8) uint32 {
	switch i {
	case 0:
		return r.EAX
	case 1:
		return r.EBX
	case 2:
		return r.ECX
	}
	return r.EDX
}

// Data is a CPU of x86 that can be asked: a recorded one, or this machine's.
type Data interface {
	Query(leaf, subleaf uint32) Registers
	MSR(index uint32) (uint64, bool)
}

// Dump is recorded data.
type Dump struct {
	Leaves map[[2]uint32]Registers
	MSRs   map[uint32]uint64
}

// Query gives a leaf, zeros if it was not recorded.
func (d *Dump) Query(leaf, subleaf uint32) Registers { return d.Leaves[[2]uint32{leaf, subleaf}] }

// MSR gives a model-specific register.
func (d *Dump) MSR(index uint32) (uint64, bool) { v, ok := d.MSRs[index]; return v, ok }

// add records a leaf; what was recorded of it before stays in.
func (d *Dump) add(leaf, subleaf uint32, r Registers) {
	if d.Leaves == nil {
		d.Leaves = make(map[[2]uint32]Registers)
	}
	key := [2]uint32{leaf, subleaf}
	was := d.Leaves[key]
	d.Leaves[key] = Registers{was.EAX | r.EAX, was.EBX | r.EBX, was.ECX | r.ECX, was.EDX | r.EDX}
}

func (d *Dump) addMSR(index uint32, v uint64) {
	if d.MSRs == nil {
		d.MSRs = make(map[uint32]uint64)
	}
	d.MSRs[index] |= v
}

// Signature is a CPU's family, model and stepping; all 0 if unknown.
type Signature struct{ Family, Model, Stepping int }

func (s Signature) known() bool { return s != Signature{} }

// SignatureOf takes the signature out of EAX of leaf 1.
func SignatureOf(eax uint32) Signature {
	return Signature{
		Family:   int(eax>>20&0xff + eax>>8&0xf),
		Model:    int(eax>>12&0xf0 + eax>>4&0xf),
		Stepping: int(eax & 0xf),
	}
}

// raw is a CPU of x86 as facts: what can be decoded.
type raw struct {
	features  set
	vendor    string
	signature Signature
}

// read asks data for everything that the tables know.
func read(data Data) raw {
	var r raw
	var leaf, subleaf uint32 = ^uint32(0), 0
	var regs Registers
	var msr bool
	for i := range features[:mapFeatures] {
		f := &features[i]
		if i == 0 || f.leaf != leaf || f.subleaf != subleaf || f.msr != msr {
			leaf, subleaf, msr = f.leaf, f.subleaf, f.msr
			if msr {
				v, _ := data.MSR(leaf)
				regs = Registers{EAX: uint32(v), EDX: uint32(v >> 32)}
			} else {
				regs = data.Query(leaf, subleaf)
			}
		}
		if regs.at(f.register)&f.mask == f.mask {
			r.features.add(i)
		}
	}
	r.vendor = vendorOf(data.Query(0, 0))
	r.signature = SignatureOf(data.Query(1, 0).EAX)
	return r
}

func vendorOf(r Registers) string {
	var id [12]byte
	for i, v := range [...]uint32{r.EBX, r.EDX, r.ECX} {
		for k := range 4 {
			id[i*4+k] = byte(v >> (8 * k))
		}
	}
	return vendorByID(string(id[:]))
}

func vendorByID(id string) string {
	for i := range vendors {
		if vendors[i].id == id {
			return vendors[i].name
		}
	}
	return ""
}

func knownVendor(name string) bool {
	return slices.ContainsFunc(vendors[:], func(v vendor) bool { return v.name == name })
}

// withoutBrokenTSX takes hle and rtm from the machines whose TSX does not work.
func (r *raw) withoutBrokenTSX() {
	s := r.signature
	if r.vendor != "Intel" || s.Family != 6 {
		return
	}
	if s.Model == 63 && s.Stepping < 4 || s.Model == 60 || s.Model == 69 || s.Model == 70 {
		for _, name := range [...]string{"hle", "rtm"} {
			r.features.del(findFeature(name))
		}
	}
}

// policy is a feature's policy as a small number.
type policy uint8

const (
	force policy = iota
	require
	optional
	disable
	forbid
	policies
)

// policyOf reads a policy; none is require, as a host's features are meant.
func policyOf(name string) policy {
	switch name {
	case "force":
		return force
	case "optional":
		return optional
	case "disable":
		return disable
	case "forbid":
		return forbid
	}
	return require
}

// parsed is an xml.CPU of x86 with its names looked up.
type parsed struct {
	model *model // nil if it names none
	lists [policies]set
}

// parse looks up c's names. An unknown one is an error.
func parse(c *xml.CPU) (parsed, error) {
	var p parsed
	if c.Model != "" {
		if p.model = findModel(c.Model); p.model == nil {
			return p, xml.Errorf(xml.CodeInternal, "Unknown CPU model %s", c.Model)
		}
	}
	for i := range c.Features {
		n := findFeature(c.Features[i].Name)
		if n < 0 || n >= mapFeatures {
			return p, xml.Errorf(xml.CodeInternal, "Unknown CPU feature %s", c.Features[i].Name)
		}
		list := require
		if !c.IsHost() {
			list = policyOf(c.Features[i].Policy)
		}
		p.lists[list].add(n)
	}
	return p, nil
}

// has are the features that a CPU so described has.
func (p *parsed) has() set {
	var s set
	if p.model != nil {
		s = p.model.features
	}
	s = s.or(&p.lists[require])
	s = s.or(&p.lists[force])
	s = s.minus(&p.lists[disable])
	return s.minus(&p.lists[forbid])
}

// word gives the features of one output register, by bit.
func wordFeatures(leaf, subleaf uint32, register uint8, bitsOn uint32) set {
	var s set
	for i := range features[:mapFeatures] {
		f := &features[i]
		if !f.msr && f.leaf == leaf && f.subleaf == subleaf && f.register == register && f.mask&bitsOn != 0 {
			s.add(i)
		}
	}
	return s
}

// FeatureInfo says where a feature is found.
type FeatureInfo struct {
	Name, QEMU    string
	MSR           bool
	Leaf, Subleaf uint32 // or the MSR's index
	Register      string // eax, ebx, ecx, edx
	Bit           int
	Migratable    bool
	Passed        bool // QEMU can be asked for it
}

// Feature gives a feature of x86 by libvirt's name.
func Feature(name string) (FeatureInfo, bool) {
	i := findFeature(name)
	if i < 0 {
		return FeatureInfo{}, false
	}
	f := &features[i]
	x := FeatureInfo{
		Name: f.name, QEMU: f.qemu, MSR: f.msr, Leaf: f.leaf, Subleaf: f.subleaf,
		Register: [...]string{"eax", "ebx", "ecx", "edx"}[f.register],
		Bit:      bits.TrailingZeros32(f.mask), Migratable: !unmigratable.has(i), Passed: !unpassed.has(i),
	}
	if f.msr && f.register == 3 {
		x.Bit += 32
	}
	return x, true
}

// FromQEMU gives libvirt's name of a feature that QEMU names.
func FromQEMU(name string) string {
	for i := range qemuNames {
		if qemuNames[i].qemu == name {
			return qemuNames[i].libvirt
		}
	}
	return name
}

// ToQEMU gives QEMU's name of a feature.
func ToQEMU(name string) string {
	for i := range qemuNames {
		if qemuNames[i].libvirt == name {
			return qemuNames[i].qemu
		}
	}
	return name
}

// IsX86 tells the architectures whose CPUs the map of x86 describes.
func IsX86(arch string) bool { return arch == "x86_64" || arch == "i686" }

// join lists features as error texts do.
func join(s *set, sep string) string { return strings.Join(s.names(), sep) }
