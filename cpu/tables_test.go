package cpu

import (
	"bytes"
	"os"
	"testing"

	"virgo/cpu/facts"
)

func TestTablesAreFresh(t *testing.T) {
	f, err := facts.Read()
	if err != nil {
		t.Fatal(err)
	}
	files, err := f.Generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from the facts; run go generate ./cpu", name)
		}
	}
}

func TestNamesAreFound(t *testing.T) {
	for i := range features {
		if got := findFeature(features[i].name); got != i {
			t.Errorf("findFeature(%q) = %d, want %d", features[i].name, got, i)
		}
	}
	for i := range models {
		if m := findModel(models[i].name); m != &models[i] {
			t.Errorf("findModel(%q) finds something else", models[i].name)
		}
		if n := hash(models[i].name); n != facts.Hash(models[i].name) {
			t.Errorf("the hashes of cpu and facts differ for %q", models[i].name)
		}
	}
	if findFeature("nonesuch") != -1 || findModel("nonesuch") != nil {
		t.Error("an unknown name is found")
	}
}

func TestBitsAreDistinct(t *testing.T) {
	type place struct {
		msr           bool
		leaf, subleaf uint32
		register      uint8
		mask          uint32
	}
	seen := make(map[place]string)
	for i := range features[:mapFeatures] {
		f := &features[i]
		p := place{f.msr, f.leaf, f.subleaf, f.register, f.mask}
		if other, ok := seen[p]; ok {
			t.Errorf("%s and %s are the same bit", f.name, other)
		}
		seen[p] = f.name
	}
}

// TestModelsDecodeToThemselves gives each model's own data to the decoder,
// with that model alone to choose from, and with all of them.
func TestModelsDecodeToThemselves(t *testing.T) {
	for i := range models {
		m := &models[i]
		r := raw{features: m.features, vendor: m.vendor}
		if len(m.signatures) > 0 {
			s := m.signatures[0]
			r.signature = Signature{int(s.family), int(s.model), lowestBit(s.steppings)}
		}
		if m.decodeGuest {
			c, err := walk(&r, &decodeOptions{usable: []Usable{{Name: m.name}}}, true)
			if err != nil || c.model != m || !c.required.empty() || !c.disable.empty() {
				t.Errorf("%s as a guest's CPU: %v %+v", m.name, err, c)
			}
		}
		if m.decodeHost {
			c, err := walk(&r, &decodeOptions{host: true}, true)
			if err != nil {
				t.Errorf("%s as a host: %v", m.name, err)
			} else if !c.required.empty() {
				t.Errorf("%s as a host is %s with %v", m.name, c.model.name, c.required.names())
			}
		}
	}
}

func TestModelsHaveKnownNames(t *testing.T) {
	for i := range models {
		m := &models[i]
		if m.base != "" && findModel(m.base) == nil {
			t.Errorf("%s: unknown base %s", m.name, m.base)
		}
		if m.vendor != "" && !knownVendor(m.vendor) {
			t.Errorf("%s: unknown vendor %s", m.name, m.vendor)
		}
		for _, name := range m.removed {
			if n := findFeature(name); n < 0 || m.features.has(n) {
				t.Errorf("%s: removed feature %s is unknown or still there", m.name, name)
			}
		}
	}
}

// TestNewerModels holds that a newer model is the answer only where 11.3.0 has
// none of that signature.
func TestNewerModels(t *testing.T) {
	m := findModel("EPYC-Turin")
	s := m.signatures[0]
	r := raw{features: m.features, vendor: "AMD", signature: Signature{int(s.family), int(s.model), lowestBit(s.steppings)}}
	for _, tt := range []struct {
		name   string
		sig    Signature
		tables Map
		newer  bool
	}{
		{"latest", r.signature, Latest, true},
		{"11.3", r.signature, Map113, false},
		{"known signature", Signature{25, 17, 0}, Latest, false},
		{"no signature", Signature{}, Latest, false},
	} {
		r.signature = tt.sig
		c, err := decode(r, decodeOptions{cpuMap: tt.tables})
		if err != nil {
			t.Fatal(err)
		}
		if c.model.newer != tt.newer {
			t.Errorf("%s: %s", tt.name, c.model.name)
		}
	}
}
