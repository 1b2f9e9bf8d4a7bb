package cpu

import (
	"strings"

	"virgo/xml"
)

// Word is one register of a vCPU's CPUID, as QEMU's properties feature-words
// and filtered-features list them.
type Word struct {
	Leaf     uint32 `json:"cpuid-input-eax"`
	Subleaf  uint32 `json:"cpuid-input-ecx"`
	Register string `json:"cpuid-register"`
	Features uint32 `json:"features"`
}

// set gives the features that are on.
func wordsSet(words []Word) set {
	var s set
	for _, w := range words {
		for i, name := range [...]string{"eax", "ebx", "ecx", "edx"} {
			if strings.EqualFold(w.Register, name) {
				part := wordFeatures(w.Leaf, w.Subleaf, uint8(i), w.Features)
				s = s.or(&part)
			}
		}
	}
	return s
}

// WordFeatures names the features of CPUID words, in map order.
func WordFeatures(words []Word) []string {
	s := wordsSet(words)
	return s.names()
}

// Live is what a running vCPU has.
type Live struct {
	Words    []Word          // feature-words: what it has
	Filtered []Word          // filtered-features: what was asked for and could not be had
	Props    map[string]bool // properties that were asked for by name, QEMU's names
	Missing  []string        // unavailable-features, QEMU's names; beside Filtered or in its place
}

// AskByName gives the QEMU properties that CPUID words do not tell and that
// count for a definition: bits of MSRs.
func AskByName(def *xml.CPU) []string {
	p, err := parse(def)
	if err != nil {
		return nil
	}
	named := p.has()
	named = named.or(&p.lists[disable])
	named = named.or(&p.lists[forbid])
	if p.model != nil {
		named = named.or(&p.model.added)
	}
	// A feature beyond the definition can only be on with its master.
	vmx, caps := findFeature("vmx"), findFeature("arch-capabilities")
	var out []string
	for i := range features[:mapFeatures] {
		f := &features[i]
		if !f.msr || unpassed.has(i) || newerFeatures.has(i) && !named.has(i) {
			continue
		}
		if named.has(i) || named.has(vmx) && strings.HasPrefix(f.name, "vmx-") || named.has(caps) && f.leaf == 0x10a {
			out = append(out, f.qemu)
		}
	}
	return out
}

// sets gives the features that are on, those that were refused, and those of
// which nothing is known.
func (l *Live) sets() (on, off, unknown set) {
	on, off = wordsSet(l.Words), wordsSet(l.Filtered)
	for i := range features[:mapFeatures] {
		f := &features[i]
		switch v, asked := l.Props[f.qemu]; {
		case asked && v:
			on.add(i)
		case !asked && (f.msr || len(l.Words) == 0):
			unknown.add(i)
		}
	}
	for _, name := range l.Missing {
		if i := findFeature(FromQEMU(name)); i >= 0 && i < mapFeatures {
			off.add(i)
		}
	}
	return on, off, unknown
}

// MergeLive gives the CPU of a guest that was started with def, as it really
// is. With check full a difference is the error "guest CPU doesn't match
// specification: ...". Passed-through CPUs stay as they are, unless check is full.
func MergeLive(def *xml.CPU, live Live) (*xml.CPU, error) {
	full := def.Check == "full"
	if def.Mode != "custom" && !full || def.Mode == "custom" && def.Model == "" {
		return def.Clone(), nil
	}
	p, err := parse(def)
	if err != nil {
		return nil, err
	}
	out := def.Clone()
	on, off, unknown := live.sets()
	var extra, missing []string
	wanted := p.lists[require].or(&p.lists[force])
	unwanted := p.lists[disable].or(&p.lists[forbid])
	var own, added set
	if p.model != nil {
		own, added = p.model.features, p.model.added
	}
	for i := range features[:mapFeatures] {
		if newerFeatures.has(i) && !own.has(i) && !wanted.has(i) && !unwanted.has(i) {
			continue
		}
		name := features[i].name
		refused := unwanted.has(i)
		expected := !refused && (own.has(i) || wanted.has(i))
		explicit := refused || expected
		if on.has(i) && off.has(i) {
			return nil, xml.Errorf(xml.CodeOperationFailed,
				"hypervisor provided conflicting CPU data: feature '%s' is both enabled and disabled at the same time", name)
		}
		strict := full && (explicit || !added.has(i))
		switch {
		case !expected && on.has(i) && !(passesThrough(def) && !explicit):
			if strict {
				extra = append(extra, name)
			} else {
				put(out, name, "require")
			}
		case off.has(i) || expected && !on.has(i) && !unknown.has(i):
			if strict {
				missing = append(missing, name)
			} else {
				put(out, name, "disable")
			}
		}
	}
	if p.model != nil {
		disableRemoved(out, p.model, "disable")
	}
	if len(extra)+len(missing) > 0 {
		var parts []string
		if len(extra) > 0 {
			parts = append(parts, "extra features: "+strings.Join(extra, ","))
		}
		if len(missing) > 0 {
			parts = append(parts, "missing features: "+strings.Join(missing, ","))
		}
		return nil, xml.Errorf(xml.CodeOperationFailed, "guest CPU doesn't match specification: %s", strings.Join(parts, ", "))
	}
	out.Check = "full"
	return out, nil
}
