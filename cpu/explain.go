package cpu

import (
	"fmt"
	"strings"

	"virgo/xml"
)

// Cause is why a host lacks a feature, as far as the descriptions tell.
type Cause string

// The causes.
const (
	Absent     Cause = "absent in hardware"
	Masked     Cause = "masked"
	NotOffered Cause = "not offered by the hypervisor"
	Migration  Cause = "blocks migration"
	Present    Cause = "present on the host"
	Unknown    Cause = "not known"
)

// Difference is one feature that stands between a host and a CPU.
type Difference struct {
	Feature  string
	Where    string // CPUID leaf, register and bit, or the MSR's
	Host     bool   // the host has it
	Wanted   string // who asks for it: a model, the list, a policy
	Cause    Cause
	Because  string   // how the cause was decided
	Lacking  []string // models for guests of that vendor that lack it, newest first
	Blocking bool     // it makes the CPUs incompatible
}

// Explanation is a comparison with its reasons.
type Explanation struct {
	Result
	Notes       []string // what is not about single features: vendor, architecture, signature
	Differences []Difference
}

// Explain compares, and says why. reported tells that host is what a
// hypervisor offers, and not a machine.
func Explain(host, other *xml.CPU, arch string, reported bool) (Explanation, error) {
	r, err := Compare(host, other, arch)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{Result: r}
	if host != nil && host.IsHost() {
		arch = host.Arch
	}
	if other.Vendor != "" && host != nil && other.Vendor != host.Vendor {
		e.Notes = append(e.Notes, fmt.Sprintf("vendor: the host's is %s, the CPU asks for %s", orNone(host.Vendor), other.Vendor))
	}
	if other.IsHost() && arch != "" && family(arch) != family(other.Arch) {
		e.Notes = append(e.Notes, fmt.Sprintf("architecture: the host's is %s, the CPU's is %s", arch, other.Arch))
	}
	if family(arch) != famX86 || host == nil || other.IsHost() && !IsX86(other.Arch) {
		return e, nil
	}
	h, err := parse(host)
	if err != nil {
		return e, err
	}
	c, err := parse(other)
	if err != nil {
		return e, err
	}
	if a, b := host.Signature, other.Signature; a != nil && b != nil && (a.Family != b.Family || a.Model != b.Model) {
		e.Notes = append(e.Notes, fmt.Sprintf("signature: the host's is family %d, model %d, stepping %d, the CPU's is family %d, model %d, stepping %d",
			a.Family, a.Model, a.Stepping, b.Family, b.Model, b.Stepping))
	}
	x := explainer{host: host, other: other, h: &h, c: &c, reported: reported}
	e.Differences = x.differences()
	return e, nil
}

func orNone(s string) string {
	if s == "" {
		return "not known"
	}
	return s
}

type explainer struct {
	host, other *xml.CPU
	h, c        *parsed
	reported    bool
}

func (x *explainer) differences() []Difference {
	has := x.h.has()
	wanted := x.c.lists[require]
	if x.c.model != nil {
		wanted = wanted.or(&x.c.model.features)
	}
	for _, p := range [...]policy{force, optional, disable, forbid} {
		wanted = wanted.minus(&x.c.lists[p])
	}
	var out []Difference
	missing := wanted.minus(&has)
	missing.each(func(i int) { out = append(out, x.missing(i)) })
	forbidden := x.c.lists[forbid].and(&has)
	forbidden.each(func(i int) {
		out = append(out, Difference{Feature: features[i].name, Where: where(i), Host: true, Wanted: "forbidden by the definition",
			Cause: Present, Because: "the host has it, and the definition forbids it", Blocking: true})
	})
	extra := has.minus(&wanted)
	for _, p := range [...]policy{force, optional, disable, forbid} {
		extra = extra.minus(&x.c.lists[p])
	}
	strict := !x.other.IsHost() && x.other.Match == "strict"
	extra.each(func(i int) {
		out = append(out, Difference{Feature: features[i].name, Where: where(i), Host: true, Wanted: "not asked for",
			Cause: Present, Because: "the host has it", Blocking: strict})
	})
	return out
}

// missing explains a feature that the host lacks.
func (x *explainer) missing(i int) Difference {
	d := Difference{Feature: features[i].name, Where: where(i), Blocking: true}
	switch {
	case x.c.lists[require].has(i):
		d.Wanted = "required by the definition"
		if x.other.IsHost() {
			d.Wanted = "listed beside the model"
		}
	default:
		d.Wanted = "part of model " + x.c.model.name
	}
	d.Cause, d.Because = x.cause(i)
	for k := len(models) - 1; k >= 0 && len(d.Lacking) < 8; k-- {
		m := &models[k]
		if m.decodeGuest && !m.features.has(i) && m.vendor != "" && (x.host.Vendor == "" || m.vendor == x.host.Vendor) {
			d.Lacking = append(d.Lacking, m.name)
		}
	}
	return d
}

// cause decides why the host lacks a feature; it says so where it cannot know.
func (x *explainer) cause(i int) (Cause, string) {
	name := features[i].name
	if x.reported {
		if unmigratable.has(i) {
			return Migration, "hypervisors leave it out of what they report, since it blocks migration"
		}
		if unpassed.has(i) {
			return NotOffered, "hypervisors cannot be asked for it"
		}
		return NotOffered, "the hypervisor's own description of its CPU does not have it"
	}
	s := x.host.Signature
	if s == nil {
		return Unknown, "the host's description has no signature"
	}
	sig := Signature{int(s.Family), int(s.Model), int(s.Stepping)}
	var with, without *model
	for k := range models {
		m := &models[k]
		if !m.matches(sig) || m.vendor != "" && x.host.Vendor != "" && m.vendor != x.host.Vendor {
			continue
		}
		if m.features.has(i) || contains(m.removed, name) {
			with = m
		} else {
			without = m
		}
	}
	switch {
	case with == nil && contains(microcoded[:], name):
		return Masked, "it comes with microcode updates: the host's microcode is older, or firmware or a hypervisor hides it"
	case with == nil && !modelled(i, x.host.Vendor):
		return Unknown, "no model of this vendor lists it, so the models do not tell"
	case with != nil && (name == "hle" || name == "rtm"):
		return Masked, fmt.Sprintf("model %s of the same signature has it; TSX is switched off by microcode or firmware on many of them", with.name)
	case with != nil && x.has("hypervisor"):
		return Masked, fmt.Sprintf("model %s of the same signature has it; the host is itself a guest, so its hypervisor hides it", with.name)
	case with != nil:
		return Masked, fmt.Sprintf("model %s of the same signature has it; firmware, microcode or the kernel hides it", with.name)
	case without != nil && !reliablyListed(name):
		return Unknown, fmt.Sprintf("the models of family %d, model %d do not list it, but models leave it out of processors that have it", sig.Family, sig.Model)
	case without != nil:
		return Absent, fmt.Sprintf("no known model of family %d, model %d has it", sig.Family, sig.Model)
	}
	return Unknown, fmt.Sprintf("no model of family %d, model %d is known", sig.Family, sig.Model)
}

// microcoded are features that processors got by microcode updates.
var microcoded = [...]string{
	"md-clear", "spec-ctrl", "stibp", "flush-l1d", "ssbd", "srbds-ctrl", "core-capability", "arch-capabilities",
	"ibpb", "ibrs", "amd-stibp", "amd-ssbd", "virt-ssbd", "tsx-ctrl", "sbpb", "ibpb-brtype", "srso-no",
}

// listed are the instruction sets that every model of a processor with them
// lists. Others (f16c, rdrand, vme, arat, abm, ...) are missing from models
// of processors that have them, so that a model without says nothing.
var listed = [...]string{
	"ssse3", "sse4.1", "sse4.2", "aes", "avx", "avx2", "fma", "erms", "smep", "smap", "fsgsbase", "invpcid", "rdseed", "adx", "xsavec",
	"sha-ni", "gfni", "vaes", "vpclmulqdq", "pku", "la57", "serialize", "avx-vnni",
}

func reliablyListed(name string) bool {
	return contains(listed[:], name) || strings.HasPrefix(name, "avx512") || strings.HasPrefix(name, "amx-")
}

// modelled tells whether any model of a vendor has a feature: only then its
// absence from a model says something.
func modelled(i int, vendor string) bool {
	for k := range models {
		m := &models[k]
		if (m.vendor == vendor || vendor == "") && (m.features.has(i) || contains(m.removed, features[i].name)) {
			return true
		}
	}
	return false
}

func contains(list []string, name string) bool {
	for _, s := range list {
		if s == name {
			return true
		}
	}
	return false
}

func (x *explainer) has(name string) bool {
	s := x.h.has()
	return s.has(findFeature(name))
}

// where says where a feature's bit is.
func where(i int) string {
	f, _ := Feature(features[i].name)
	if f.MSR {
		return fmt.Sprintf("MSR 0x%x bit %d", f.Leaf, f.Bit)
	}
	if f.Subleaf != 0 {
		return fmt.Sprintf("CPUID 0x%x/%d %s bit %d", f.Leaf, f.Subleaf, f.Register, f.Bit)
	}
	return fmt.Sprintf("CPUID 0x%x %s bit %d", f.Leaf, f.Register, f.Bit)
}

// Suggest gives a guest CPU near the other one that the host can give: the same
// model with what is missing disabled, or another model if that says less. It
// is nil if the CPUs are compatible already, or if nothing fits.
func Suggest(host, other *xml.CPU, arch string) (*xml.CPU, error) {
	r, err := Compare(host, other, arch)
	if err != nil || r.Answer != Incompatible {
		return nil, err
	}
	if host.IsHost() {
		arch = host.Arch
	}
	if family(arch) != famX86 || other.IsHost() && !IsX86(other.Arch) {
		return nil, nil
	}
	h, err := parse(host)
	if err != nil {
		return nil, err
	}
	c, err := parse(other)
	if err != nil {
		return nil, err
	}
	has := h.has()
	same := asGuest(other)
	changes := 0
	if same.Vendor != "" && same.Vendor != host.Vendor {
		same.Vendor = ""
		changes++
	}
	if same.Match == "strict" {
		same.Match = "exact"
		changes++
	}
	for i := range same.Features {
		f := &same.Features[i]
		if n := findFeature(f.Name); f.Policy == "forbid" && (has.has(n) || c.model != nil && c.model.features.has(n)) {
			// A comparison asks for a model's feature even where it is forbidden.
			f.Policy = "disable"
			changes++
		}
	}
	wanted := c.has()
	missing := wanted.minus(&has)
	missing.each(func(i int) {
		if !c.lists[force].has(i) && !c.lists[optional].has(i) {
			put(same, features[i].name, "disable")
			changes++
		}
	})
	both := raw{features: wanted.and(&has), vendor: host.Vendor}
	best := same
	near, err := decodeGuest(both, nil, Latest)
	if err == nil {
		for _, f := range same.Features {
			if i := findFeature(f.Name); f.Policy == "disable" && !missing.has(i) {
				put(near, f.Name, f.Policy)
			}
		}
	}
	if err == nil && (len(near.Features) < changes || c.model != nil && c.model.vendor != "" && host.Vendor != "" && c.model.vendor != host.Vendor) {
		near.Topology, near.Cache, near.MaxPhysAddr, near.Fallback = same.Topology, same.Cache, same.MaxPhysAddr, "allow"
		best = near
	}
	for _, try := range []*xml.CPU{best, same} {
		if r, err := Compare(host, try, arch); err == nil && r.Answer != Incompatible {
			return try, nil
		}
	}
	return nil, nil
}

// asGuest gives a guest's CPU that asks for what c has.
func asGuest(c *xml.CPU) *xml.CPU {
	out := c.Clone()
	if !c.IsHost() {
		return out
	}
	out.Arch, out.Microcode, out.Signature, out.Counter, out.MaxPhysAddr, out.Topology = "", 0, nil, nil, nil, nil
	out.Mode, out.Match, out.Fallback = "custom", "exact", "allow"
	for i := range out.Features {
		out.Features[i].Policy = "require"
	}
	return out
}

// Summary is a line for each class of cause, with its features.
func (e *Explanation) Summary() []string {
	var out []string
	for _, cause := range []Cause{Absent, Masked, NotOffered, Migration, Unknown} {
		var names []string
		for _, d := range e.Differences {
			if d.Blocking && d.Cause == cause {
				names = append(names, d.Feature)
			}
		}
		if len(names) > 0 {
			out = append(out, string(cause)+": "+strings.Join(names, ", "))
		}
	}
	return out
}
