package cpu

import (
	"virgo/xml"
)

// Member is one host of a fleet.
type Member struct {
	Name string
	CPU  *xml.CPU
}

// Cost is what a host costs its fleet's baseline.
type Cost struct {
	Name    string
	Missing []string // features that another host has and this one lacks
	Costs   []string // features that the baseline would gain without this host
}

// Fleet is what hosts of x86 have in common, and where they differ.
type Fleet struct {
	Hosts  []Cost
	Common []string // features of all hosts
	Differ []string // features of some hosts, in map order

	has []set
}

// Has tells whether a host has a feature.
func (f *Fleet) Has(host int, feature string) bool {
	i := findFeature(feature)
	return i >= 0 && f.has[host].has(i)
}

// CompareFleet holds hosts against each other.
func CompareFleet(members []Member) (*Fleet, error) {
	f := &Fleet{has: make([]set, len(members))}
	if len(members) == 0 {
		return f, nil
	}
	for i, m := range members {
		if m.CPU.IsHost() && family(m.CPU.Arch) != famX86 {
			return nil, xml.Errorf(xml.CodeNoSupport, "features of '%s' CPUs are not compared", m.CPU.Arch)
		}
		p, err := parse(m.CPU)
		if err != nil {
			return nil, err
		}
		f.has[i] = p.has()
	}
	n := len(members)
	all := f.has[0]
	var any set
	// after[i] is what the hosts from i on have in common.
	after := make([]set, n+1)
	for w := range after[n] {
		after[n][w] = ^uint64(0)
	}
	for i := n - 1; i >= 0; i-- {
		after[i] = after[i+1].and(&f.has[i])
		any = any.or(&f.has[i])
		all = all.and(&f.has[i])
	}
	before := after[n]
	for i, m := range members {
		others := before.and(&after[i+1])
		missing := any.minus(&f.has[i])
		c := Cost{Name: m.Name, Missing: missing.names()}
		if n > 1 {
			gain := others.minus(&all)
			c.Costs = gain.names()
		}
		f.Hosts = append(f.Hosts, c)
		before = before.and(&f.has[i])
	}
	f.Common = all.names()
	differ := any.minus(&all)
	f.Differ = differ.names()
	return f, nil
}

// Offer is a model and what keeps hosts from giving it.
type Offer struct {
	Name     string
	Blockers []string // features that a host lacks
	Vendor   bool     // a host is of another vendor than the model
}

// Usable tells whether nothing is in the way. A model of another vendor can be
// given, by name and features; that is the peer's view too.
func (o *Offer) Usable() bool { return len(o.Blockers) == 0 }

// Offers tells which models of x86 all of the sources can give. A hypervisor's
// own word about its models counts where a source has it.
func Offers(sources []*Source) ([]Offer, error) {
	hosts := make([]set, len(sources))
	vendors := make([]string, len(sources))
	for i, s := range sources {
		c, err := s.CPU(xml.AnyCPU)
		if err != nil {
			return nil, err
		}
		p, err := parse(c)
		if err != nil {
			return nil, err
		}
		hosts[i], vendors[i] = p.has(), c.Vendor
	}
	var out []Offer
	for k := range models {
		m := &models[k]
		o := Offer{Name: m.name}
		var blockers set
		listed := true
		for i, s := range sources {
			told, known := s.told(m.name)
			switch {
			case known:
				for _, name := range told {
					if n := findFeature(name); n >= 0 {
						blockers.add(n)
					}
				}
			case s.Usable != nil:
				listed = false
			default:
				lacks := m.features.minus(&hosts[i])
				blockers = blockers.or(&lacks)
			}
			o.Vendor = o.Vendor || m.vendor != "" && vendors[i] != "" && m.vendor != vendors[i]
		}
		if o.Blockers = blockers.names(); listed {
			out = append(out, o)
		}
	}
	return out, nil
}

// told gives what a hypervisor says is in a model's way.
func (s *Source) told(name string) (blockers []string, known bool) {
	for i := range s.Usable {
		if s.Usable[i].Name == name && s.Usable[i].Told {
			return s.Usable[i].Blockers, true
		}
	}
	return nil, false
}
