package facts

import (
	"fmt"
	"slices"
	"strings"
)

const allSteppings = 0xffff

// modelLine reads one line of x86_models.txt.
func (f *Facts) modelLine(w []string, indented bool) error {
	if !indented {
		if w[0] != "model" || len(w) != 2 {
			return fmt.Errorf("want: model NAME")
		}
		if f.model(w[1]) != nil {
			return fmt.Errorf("model %s stands here twice", w[1])
		}
		f.Models = append(f.Models, Model{Name: w[1]})
		return nil
	}
	if len(f.Models) == 0 {
		return fmt.Errorf("no model yet")
	}
	m := &f.Models[len(f.Models)-1]
	switch w[0] {
	case "base":
		// The base may stand later: finish resolves it.
		m.Base = strings.Join(w[1:], " ")
	case "alias":
		m.Alias = true
	case "newer":
		m.Newer = true
	case "vendor":
		m.Vendor = strings.Join(w[1:], " ")
	case "signature":
		for _, s := range w[1:] {
			sig, err := signature(s)
			if err != nil {
				return err
			}
			m.Signatures = append(m.Signatures, sig)
		}
	case "decode":
		m.DecodeHost, m.DecodeGuest = slices.Contains(w, "host"), slices.Contains(w, "guest")
	case "check":
		if len(w) != 2 || w[1] != "compat" {
			return fmt.Errorf("want: check compat")
		}
		m.Compat = true
	case "features":
		m.Features = append(m.Features, w[1:]...)
	case "removed":
		m.Removed = append(m.Removed, w[1:]...)
	case "added":
		m.Added = append(m.Added, w[1:]...)
	default:
		return fmt.Errorf("unknown word %q", w[0])
	}
	return nil
}

func signature(s string) (Signature, error) {
	var x Signature
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return x, fmt.Errorf("not FAMILY:MODEL[:STEPPINGS]: %q", s)
	}
	family, err := number(parts[0])
	if err != nil {
		return x, err
	}
	model, err := number(parts[1])
	if err != nil {
		return x, err
	}
	x = Signature{Family: int(family), Model: int(model), Steppings: allSteppings}
	if len(parts) == 3 {
		x.Steppings = 0
		for _, r := range strings.Split(parts[2], ",") {
			from, to, isRange := strings.Cut(r, "-")
			a, err := number(from)
			if err != nil {
				return x, err
			}
			b := a
			if isRange {
				if b, err = number(to); err != nil {
					return x, err
				}
			}
			if b > 15 {
				return x, fmt.Errorf("stepping above 15 in %q", s)
			}
			for ; a <= b; a++ {
				x.Steppings |= 1 << a
			}
		}
	}
	return x, nil
}

func (f *Facts) model(name string) *Model {
	for i := range f.Models {
		if f.Models[i].Name == name {
			return &f.Models[i]
		}
	}
	return nil
}

// finish resolves the bases and checks that every name is known.
func (f *Facts) finish() error {
	order := make(map[string]int)
	for i, x := range f.Features {
		if _, ok := order[x.Name]; ok {
			return fmt.Errorf("feature %s stands there twice", x.Name)
		}
		order[x.Name] = i
	}
	done := make(map[string]bool)
	var resolve func(m *Model, depth int) error
	resolve = func(m *Model, depth int) error {
		if done[m.Name] {
			return nil
		}
		if depth > len(f.Models) {
			return fmt.Errorf("model %s is its own base", m.Name)
		}
		for _, list := range [][]string{m.Features, m.Removed, m.Added} {
			for _, name := range list {
				if _, ok := order[name]; !ok {
					return fmt.Errorf("model %s: unknown feature %s", m.Name, name)
				}
			}
		}
		if m.Base != "" {
			base := f.model(m.Base)
			if base == nil {
				return fmt.Errorf("model %s: unknown base %s", m.Name, m.Base)
			}
			if err := resolve(base, depth+1); err != nil {
				return err
			}
			inherit(m, base)
		}
		slices.SortFunc(m.Features, func(a, b string) int { return order[a] - order[b] })
		done[m.Name] = true
		return nil
	}
	for i := range f.Models {
		if err := resolve(&f.Models[i], 0); err != nil {
			return err
		}
	}
	return nil
}

func inherit(m, base *Model) {
	for _, name := range base.Features {
		if !slices.Contains(base.Removed, name) && !slices.Contains(m.Features, name) {
			m.Features = append(m.Features, name)
		}
	}
	if m.Vendor == "" {
		m.Vendor = base.Vendor
	}
	if m.Signatures == nil {
		m.Signatures = base.Signatures
	}
	if m.Alias {
		base.Canonical = m.Name
	}
}
