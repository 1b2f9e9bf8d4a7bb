package cpu

import (
	"virgo/xml"
)

// Group is a part of a fleet whose hosts have a baseline together, or, with
// Err, hosts that have none for one and the same reason.
type Group struct {
	Arch     string
	Vendor   string
	Members  []Member // CPU is nil unless the grouper keeps CPUs
	Baseline *xml.CPU
	Err      error

	baseliner Baseliner
}

// Grouper sorts hosts into groups of one architecture and one vendor, one host
// at a time. A host that no baseline of its group can take in starts another.
type Grouper struct {
	Options BaselineOptions
	Keep    bool // keep the CPUs, to compare the hosts later

	groups  []*Group
	refused []*Group
}

// Add takes a host in; arch is its architecture where its CPU does not tell.
func (g *Grouper) Add(name string, c *xml.CPU, arch string) {
	if c.Arch != "" {
		arch = c.Arch
	}
	if arch == "" && (c.Model == "" || findModel(c.Model) != nil) {
		arch = "x86_64"
	}
	vendor := c.Vendor
	if m := findModel(c.Model); vendor == "" && m != nil && family(arch) == famX86 {
		vendor = m.vendor
	}
	member := Member{Name: name}
	if g.Keep {
		member.CPU = c
	}
	for _, have := range g.groups {
		if have.Arch != arch || have.Vendor != vendor {
			continue
		}
		before := have.baseliner
		if have.baseliner.Add(c) == nil && have.baseliner.possible() {
			have.Members = append(have.Members, member)
			return
		}
		have.baseliner = before
	}
	fresh := &Group{Arch: arch, Vendor: vendor, Members: []Member{member}, baseliner: Baseliner{Options: g.Options}}
	fresh.baseliner.Options.Arch = arch
	if err := fresh.baseliner.Add(c); err != nil {
		g.refuse(fresh, err)
		return
	}
	g.groups = append(g.groups, fresh)
}

// refuse keeps a host that has no baseline, with the others of the same reason.
func (g *Grouper) refuse(fresh *Group, err error) {
	fresh.Err = err
	for _, have := range g.refused {
		if have.Arch == fresh.Arch && have.Vendor == fresh.Vendor && have.Err.Error() == err.Error() {
			have.Members = append(have.Members, fresh.Members...)
			return
		}
	}
	g.refused = append(g.refused, fresh)
}

// possible tells whether the CPUs so far have anything in common.
func (b *Baseliner) possible() bool { return b.fam != famX86 || !b.set.empty() }

// Finish gives the groups in the order of their first hosts, those without a
// baseline last.
func (g *Grouper) Finish() []*Group {
	for _, have := range g.groups {
		have.Baseline, have.Err = have.baseliner.Finish()
	}
	return append(g.groups, g.refused...)
}

// Arch is the architecture that the first CPU decided.
func (b *Baseliner) Arch() string { return b.arch }

// Without gives the features of all hosts that another host lacks: what the
// fleet's baseline gains without that host. vendor is that host's.
func (f *Fleet) Without(c *xml.CPU) (lost []string, vendor string, err error) {
	if c.IsHost() && family(c.Arch) != famX86 {
		return nil, "", xml.Errorf(xml.CodeNoSupport, "features of '%s' CPUs are not compared", c.Arch)
	}
	p, err := parse(c)
	if err != nil {
		return nil, "", err
	}
	vendor = c.Vendor
	if vendor == "" && p.model != nil {
		vendor = p.model.vendor
	}
	has := p.has()
	for _, name := range f.Common {
		if !has.has(findFeature(name)) {
			lost = append(lost, name)
		}
	}
	return lost, vendor, nil
}
