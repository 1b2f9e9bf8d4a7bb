package cpu

import "math/bits"

// feature is one bit of a CPU, or of an MSR: then leaf is its index, and the
// registers eax and edx are its low and high half.
type feature struct {
	name, qemu    string
	leaf, subleaf uint32
	register      uint8
	mask          uint32
	msr           bool
}

// signature is a family and model, with the steppings meant as bits.
type signature struct {
	family, model uint16
	steppings     uint16
}

// model is a CPU model of x86. Its features are all it has, those of its base included.
type model struct {
	name, base, vendor, canonical string
	signatures                    []signature
	features                      set
	removed                       []string // once had: disabled in answers for guests
	added                         set      // learned of later: no part of the model
	alias, newer                  bool
	decodeHost, decodeGuest       bool
	compat                        bool // a partial check compares with the host CPU
}

type vendor struct {
	name, id string
	newer    bool
}

type armVendor struct {
	name        string
	implementer uint8
}

type ppcModel struct {
	name, vendor string
	pvr, mask    uint32
	newer        bool
}

type armModel struct {
	name, vendor string
	part         uint16
	newer        bool
}

// set is a set of features, by their numbers in map order.
type set [setWords]uint64

func (s *set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s *set) del(i int)      { s[i/64] &^= 1 << (i % 64) }
func (s *set) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }

func (s set) or(t *set) set {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

func (s set) and(t *set) set {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

func (s set) minus(t *set) set {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}

func (s *set) empty() bool { return *s == set{} }

func (s *set) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// each calls f with the members in map order.
func (s *set) each(f func(i int)) {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			f(w*64 + bits.TrailingZeros64(word))
		}
	}
}

// names gives the members of the map in map order; the paravirtual ones are not in it.
func (s *set) names() []string {
	var names []string
	s.each(func(i int) {
		if i < mapFeatures {
			names = append(names, features[i].name)
		}
	})
	return names
}

// hash is that of package facts.
func hash(name string) uint32 {
	h := uint32(2166136261)
	for i := 0; i < len(name); i++ {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h
}

// findFeature gives a feature's number by libvirt's name, or -1.
func findFeature(name string) int {
	for h := hash(name) % uint32(len(featureIndex)); featureIndex[h] != 0; h = (h + 1) % uint32(len(featureIndex)) {
		if i := int(featureIndex[h]) - 1; features[i].name == name {
			return i
		}
	}
	return -1
}

// findModel gives a model of x86, or nil.
func findModel(name string) *model {
	for h := hash(name) % uint32(len(modelIndex)); modelIndex[h] != 0; h = (h + 1) % uint32(len(modelIndex)) {
		if m := &models[modelIndex[h]-1]; m.name == name {
			return m
		}
	}
	return nil
}

func (m *model) matches(sig Signature) bool {
	for _, s := range m.signatures {
		if int(s.family) == sig.Family && int(s.model) == sig.Model && sig.Stepping < 16 && s.steppings>>sig.Stepping&1 != 0 {
			return true
		}
	}
	return false
}
