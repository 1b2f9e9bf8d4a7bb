package moment

import "virgo/xml"

// Children are the moments that come from a moment.
func (s *Set) Children(m *Moment) []*Moment {
	var out []*Moment
	for _, x := range s.List {
		if x.Parent == m.Name && x != m {
			out = append(out, x)
		}
	}
	return out
}

// Disk is the domain's disk of a target as it was at the moment, or nil.
func (m *Moment) Disk(target string) *xml.Disk { return diskOf(m.Domain, target) }

func diskOf(d *xml.Domain, target string) *xml.Disk {
	if d == nil {
		return nil
	}
	for i := range d.Devices.Disks {
		if k := &d.Devices.Disks[i]; k.Target != nil && k.Target.Dev == target {
			return k
		}
	}
	return nil
}

// Above are the files above the disks of a snapshot's moment.
func (m *Moment) Above() []xml.SnapshotDisk {
	if m.Reverted != nil {
		return m.Reverted
	}
	return m.Disks
}

// Merged changes what is known of a snapshot after an image was written into the
// one below it, and is no more.
func (m *Moment) Merged(target, gone string, base *xml.Disk) (changed bool) {
	for _, d := range []*xml.Domain{m.Domain, m.Inactive} {
		k := diskOf(d, target)
		if k == nil {
			continue
		}
		if Image(k) == gone {
			k.Type, k.Source, k.Driver, k.BackingStore = base.Type, base.Source, base.Driver, nil
			changed = true
			continue
		}
		for b := &k.BackingStore; *b != nil; {
			if s := (*b).Source; s != nil && (s.File == gone || s.Dev == gone) && gone != "" {
				*b = (*b).BackingStore
				changed = true
				continue
			}
			b = &(*b).BackingStore
		}
	}
	return changed
}
