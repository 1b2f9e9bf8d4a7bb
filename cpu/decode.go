package cpu

import (
	"slices"

	"virgo/xml"
)

// Usable is a model that a hypervisor has, with what is in its way.
type Usable struct {
	Name     string
	Blockers []string // libvirt's names
	Told     bool     // the hypervisor tells whether it can be used: no blockers means yes
}

// Map is a generation of the tables of x86.
type Map uint8

// The maps. Latest answers as Map113 does wherever that has an answer of its own.
const (
	Latest Map = iota
	Map113     // libvirt 11.3.0's
)

// decodeOptions say what decoding is for.
type decodeOptions struct {
	cpuMap     Map
	host       bool
	usable     []Usable // nil: all models
	restricted bool     // usable counts even if it is empty
	preferred  []string
}

// candidate is a model with the differences to the CPU.
type candidate struct {
	model             *model
	required, disable set
	removed           []string // disabled too, after the others
	score, penalty    int
	preferred         bool
}

// decode finds the model that describes r best, with the features that differ.
// The models that came after libvirt 11.3.0 are the answer only where one was
// asked for, or where one has the CPU's signature and none of 11.3.0 has.
func decode(r raw, o decodeOptions) (*candidate, error) {
	r.withoutBrokenTSX()
	old := r
	old.features = r.features.minus(&newerFeatures)
	named := slices.ContainsFunc(o.preferred, func(name string) bool { m := findModel(name); return m != nil && m.newer })
	if !named || o.cpuMap == Map113 {
		best, err := walk(&old, &o, false)
		if o.cpuMap == Map113 || !r.onlyNewerMatches() {
			return best, err
		}
		if newer, err := walk(&r, &o, true); err == nil && newer.model.newer && newer.model.matches(r.signature) {
			return newer, nil
		}
		return best, err
	}
	return walk(&r, &o, true)
}

// walk tries the models from the last to the first.
func walk(r *raw, o *decodeOptions, newer bool) (*candidate, error) {
	var best *candidate
	for i := len(models) - 1; i >= 0; i-- {
		m := &models[i]
		if m.newer && !newer {
			continue
		}
		blockers, ok := o.blockers(m)
		if !ok {
			continue
		}
		if r.vendor != "" && m.vendor != "" && r.vendor != m.vendor {
			continue
		}
		c := compose(m, r, blockers, o.host, newer)
		if o.host {
			if !m.decodeHost || !c.disable.empty() {
				continue
			}
		} else if !m.decodeGuest {
			continue
		}
		c.preferred = slices.Contains(o.preferred, m.name)
		if len(o.preferred) == 1 && c.preferred {
			return c, nil
		}
		if best == nil || c.replaces(best, r, o.host) {
			best = c
		}
	}
	if best == nil {
		return nil, xml.Errorf(xml.CodeInternal, "Cannot find suitable CPU model for given data")
	}
	return best, nil
}

// onlyNewerMatches tells whether a model later than 11.3.0 has the CPU's
// signature, and none of 11.3.0.
func (r *raw) onlyNewerMatches() bool {
	if !r.signature.known() {
		return false
	}
	found := false
	for i := range models {
		m := &models[i]
		if !m.matches(r.signature) || m.vendor != "" && r.vendor != "" && m.vendor != r.vendor {
			continue
		}
		if !m.newer {
			return false
		}
		found = true
	}
	return found
}

// blockers gives what is in the way of a model, and whether it is usable at all.
func (o *decodeOptions) blockers(m *model) ([]string, bool) {
	if o.usable == nil && !o.restricted {
		return nil, true
	}
	for i := range o.usable {
		if o.usable[i].Name == m.name {
			return o.usable[i].Blockers, true
		}
	}
	return nil, false
}

// compose describes r by a model.
func compose(m *model, r *raw, blockers []string, host, newer bool) *candidate {
	c := &candidate{model: m}
	c.required = r.features.minus(&m.features)
	c.disable = m.features.minus(&r.features)
	for _, name := range blockers {
		i := findFeature(name)
		if i >= 0 && i < mapFeatures && !c.required.has(i) && (newer || !newerFeatures.has(i)) {
			c.disable.add(i)
		}
	}
	n := c.required.count()
	if host {
		c.score = n
		return c
	}
	d := c.disable.count()
	for _, name := range m.removed {
		if i := findFeature(name); !c.required.has(i) && !c.disable.has(i) {
			c.removed = append(c.removed, name)
			d++
		}
	}
	// Only the first half of the disabled features counts as a penalty, which
	// grows with each of them; the others count as one.
	half := (d + 1) / 2
	c.penalty = half * (half + 3) / 2
	c.score = n + d - half + c.penalty
	return c
}

// replaces tells whether c describes r better than the candidate before.
func (c *candidate) replaces(best *candidate, r *raw, host bool) bool {
	if r.signature.known() {
		now, was := c.model.matches(r.signature), best.model.matches(r.signature)
		if now != was {
			return now
		}
	}
	switch {
	case c.score < best.score:
		return true
	case host:
		return false
	case c.score == best.score && c.penalty < best.penalty:
		return true
	}
	return c.preferred && c.penalty < best.penalty
}

// cpu is the candidate as a guest's CPU, or as a host's of that architecture.
func (c *candidate) cpu(r *raw, hostArch string) *xml.CPU {
	out := &xml.CPU{Model: c.model.name, Vendor: r.vendor, Arch: hostArch}
	out.Features = make([]xml.CPUFeature, 0, c.score)
	if hostArch != "" {
		if s := r.signature; s.known() {
			out.Signature = &xml.CPUSignature{Family: uint32(s.Family), Model: uint32(s.Model), Stepping: uint32(s.Stepping)}
		}
		c.required.each(func(i int) { out.Features = append(out.Features, xml.CPUFeature{Name: features[i].name}) })
		return out
	}
	out.Mode, out.Match, out.Fallback = "custom", "exact", "allow"
	c.required.each(func(i int) {
		out.Features = append(out.Features, xml.CPUFeature{Policy: "require", Name: features[i].name})
	})
	c.disable.each(func(i int) {
		out.Features = append(out.Features, xml.CPUFeature{Policy: "disable", Name: features[i].name})
	})
	for _, name := range c.removed {
		out.Features = append(out.Features, xml.CPUFeature{Policy: "disable", Name: name})
	}
	return out
}

// DecodeHost finds the model and features of a host of that architecture.
func DecodeHost(data Data, arch string) (*xml.CPU, error) {
	r := read(data)
	c, err := decode(r, decodeOptions{host: true})
	if err != nil {
		return nil, err
	}
	return c.cpu(&r, arch), nil
}

// DecodeGuest finds the guest CPU that has all that data has. usable are the
// models to choose from; nil means all.
func DecodeGuest(data Data, usable []Usable) (*xml.CPU, error) {
	return decodeGuest(read(data), usable, Latest)
}

func decodeGuest(r raw, usable []Usable, m Map) (*xml.CPU, error) {
	c, err := decode(r, decodeOptions{cpuMap: m, usable: usable, restricted: usable != nil})
	if err != nil {
		return nil, err
	}
	out := c.cpu(&r, "")
	out.Fallback = "forbid"
	return out, nil
}
