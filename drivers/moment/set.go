package moment

import (
	"slices"

	"virgo/drivers"
	"virgo/xml"
)

// Set is the moments of one kind of one domain.
type Set struct {
	List    []*Moment // in the order of their making
	Current *Moment   // nil: none
}

// Find gives the moment of a name, or nil.
func (s *Set) Find(name string) *Moment {
	for _, m := range s.List {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Redefined checks a moment that was made already against the others and
// the domain's uuid, and completes it. old is the one that it replaces, or nil.
func (s *Set) Redefined(m *Moment, uuid string) (old *Moment, err error) {
	word := Word(m.Kind)
	if m.Parent == m.Name {
		return nil, xml.Errorf(xml.CodeInvalidArg, "cannot set moment %s as its own parent", m.Name)
	}
	if m.Parent != "" {
		p := s.Find(m.Parent)
		if p == nil {
			return nil, xml.Errorf(xml.CodeInvalidArg, "parent %s for moment %s not found", m.Parent, m.Name)
		}
		for n := 0; p != nil && n <= len(s.List); n++ {
			if p.Name == m.Name {
				return nil, xml.Errorf(xml.CodeInvalidArg, "parent %s would create cycle to %s", m.Parent, m.Name)
			}
			p = s.Find(p.Parent)
		}
	}
	if m.Domain == nil && m.Kind == drivers.Snapshot {
		return nil, xml.Errorf(xml.CodeInternal, "missing domain in snapshot")
	}
	if m.Domain != nil && m.Domain.UUID != uuid {
		return nil, xml.Errorf(xml.CodeInvalidArg, "definition for %s %s must use uuid %s", word, m.Name, uuid)
	}
	old = s.Find(m.Name)
	if old != nil && m.Kind == drivers.Snapshot {
		if err := replaces(old, m); err != nil {
			return nil, err
		}
	}
	return old, nil
}

// replaces refuses a snapshot that says something else of what was kept.
func replaces(old, m *Moment) error {
	switch {
	case old.Offline() != m.Offline():
		return xml.Errorf(xml.CodeInvalidArg, "cannot change between online and offline snapshot state in snapshot %s", m.Name)
	case (old.State == "disk-snapshot") != (m.State == "disk-snapshot"):
		return xml.Errorf(xml.CodeInvalidArg, "cannot change between disk only and full system in snapshot %s", m.Name)
	case old.Domain == nil:
		return nil
	}
	a, b := old.Domain, m.Domain
	if a.Memory != nil && b.Memory != nil && a.Memory.KiB != b.Memory.KiB {
		return unsupported("Target domain max memory %d does not match source %d", b.Memory.KiB, a.Memory.KiB)
	}
	if len(a.Devices.Disks) != len(b.Devices.Disks) {
		return unsupported("Target domain disk count %d does not match source %d", len(b.Devices.Disks), len(a.Devices.Disks))
	}
	return nil
}

// Put adds a moment, or puts it in the place of the one with its name.
func (s *Set) Put(m *Moment) {
	for i, x := range s.List {
		if x.Name == m.Name {
			s.List[i] = m
			if s.Current == x {
				s.Current = m
			}
			return
		}
	}
	s.List = append(s.List, m)
}

// Taken is the error for a new moment with the name of another, or nil.
func (s *Set) Taken(m *Moment) error {
	if s.Find(m.Name) != nil {
		return xml.Errorf(xml.CodeOperationFailed, "domain moment %s already exists", m.Name)
	}
	return nil
}

// Doomed are those that go with a moment: it, its descendants (only: just
// these), the farthest first, so that whoever is interrupted leaves a whole tree.
func (s *Set) Doomed(m *Moment, children, only bool) []*Moment {
	var out []*Moment
	seen := map[*Moment]bool{m: true}
	var descend func(*Moment)
	descend = func(of *Moment) {
		for _, x := range s.List {
			if x.Parent == of.Name && !seen[x] {
				seen[x] = true
				descend(x)
				out = append(out, x)
			}
		}
	}
	if children || only {
		descend(m)
	}
	if !only {
		out = append(out, m)
	}
	return out
}

// Remove drops a moment. Its children come from its parent from then on, and so
// does the current one if it was it. changed are the children.
func (s *Set) Remove(m *Moment) (changed []*Moment) {
	for _, x := range s.List {
		if x.Parent == m.Name && x != m {
			x.Parent = m.Parent
			changed = append(changed, x)
		}
	}
	s.List = slices.DeleteFunc(s.List, func(x *Moment) bool { return x == m })
	if s.Current == m {
		s.Current = s.Find(m.Parent)
	}
	return changed
}

// CheckDelete refuses options of deletion that exclude each other.
func CheckDelete(k drivers.Kind, children, only bool) error {
	if !children || !only {
		return nil
	}
	title := "VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN"
	if k == drivers.Checkpoint {
		title = "VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN"
	}
	return xml.Errorf(xml.CodePlain, "Flags '%s' and '%s_ONLY' are mutually exclusive", title, title)
}
