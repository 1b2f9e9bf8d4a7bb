package cpu

import (
	"sort"

	"virgo/xml"
)

// Expand gives c with all of its model's features in the list, sorted by name.
// Where models have no features it does nothing.
func Expand(c *xml.CPU, arch string) (*xml.CPU, error) {
	if c.IsHost() {
		arch = c.Arch
	}
	if family(arch) != famX86 {
		return c, nil
	}
	out := c.Clone()
	m := findModel(c.Model)
	if m == nil {
		return nil, xml.Errorf(xml.CodeInternal, "unknown CPU model %s", c.Model)
	}
	own := ""
	if !c.IsHost() {
		own = "require"
	}
	out.Features = make([]xml.CPUFeature, 0, m.features.count()+len(c.Features))
	m.features.each(func(i int) { out.Features = append(out.Features, xml.CPUFeature{Policy: own, Name: features[i].name}) })
	for _, f := range c.Features {
		if c.IsHost() || f.Policy == "require" || f.Policy == "disable" {
			put(out, f.Name, f.Policy)
		}
	}
	if !c.IsHost() {
		disableRemoved(out, m, "disable")
	}
	sort.SliceStable(out.Features, func(i, k int) bool { return out.Features[i].Name < out.Features[k].Name })
	return out, nil
}

// WithFeatures gives c with all features that QEMU's properties say are on and
// that neither its list nor its model names.
func WithFeatures(c *xml.CPU, props map[string]any) *xml.CPU {
	c = c.Clone()
	p, err := parse(c)
	if err != nil {
		return c
	}
	on, have := rawOf(props).features, p.has()
	on = on.minus(&have)
	on.each(func(i int) { put(c, features[i].name, "require") })
	return c
}

// put sets a feature's policy; a new one goes to the end.
func put(c *xml.CPU, name, policy string) {
	for i := range c.Features {
		if c.Features[i].Name == name {
			c.Features[i].Policy = policy
			return
		}
	}
	c.Features = append(c.Features, xml.CPUFeature{Policy: policy, Name: name})
}

func names(c *xml.CPU, name string) bool {
	for i := range c.Features {
		if c.Features[i].Name == name {
			return true
		}
	}
	return false
}

// disableRemoved names the features that the model once had, unless c does.
func disableRemoved(c *xml.CPU, m *model, policy string) {
	for _, name := range m.removed {
		if !names(c, name) {
			c.Features = append(c.Features, xml.CPUFeature{Policy: policy, Name: name})
		}
	}
}

// dropFeatures takes the features of s out of c's list.
func dropFeatures(c *xml.CPU, s *set) {
	kept := c.Features[:0]
	for _, f := range c.Features {
		if i := findFeature(f.Name); i < 0 || !s.has(i) {
			kept = append(kept, f)
		}
	}
	c.Features = kept
}

// DropUnpassed gives c without the features that are never handed to QEMU.
func DropUnpassed(c *xml.CPU) *xml.CPU {
	c = c.Clone()
	dropFeatures(c, &unpassed)
	return c
}

// Migratable gives a host's CPU without what blocks migration; its model is untouched.
func Migratable(host *xml.CPU) *xml.CPU {
	if host == nil {
		return nil
	}
	c := host.Clone()
	if !c.IsHost() || family(c.Arch) == famX86 {
		dropFeatures(c, &unmigratable)
	}
	return c
}
