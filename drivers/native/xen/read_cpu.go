package xen

import (
	"strconv"
	"strings"

	"virgo/drivers/native/conf"
	"virgo/xml"
)

func number(n int64) string { return strconv.FormatInt(n, 10) }

// cpu reads what the guest sees of the host's CPU. xl alone has words for it.
func (r *reader) cpu(d *xml.Domain) error {
	if r.dialect == XM {
		return nil
	}
	if v := r.Get("nestedhvm"); r.hvm && v != nil {
		on, err := r.flag("nestedhvm", false)
		if err != nil {
			return err
		}
		d.CPU = &xml.CPU{Mode: "host-passthrough"}
		if !on {
			d.CPU.Features = []xml.CPUFeature{{Policy: "disable", Name: "vmx"}}
		}
	}
	text, err := r.str("cpuid")
	if err != nil || text == "" {
		return err
	}
	parts := strings.Split(text, ",")
	if parts[0] != "host" {
		return r.fail("cpuid", xml.Errorf(xml.CodeConfSyntax, "cpuid starting with %s is not supported, only libxl format is", parts[0]))
	}
	if d.CPU == nil {
		d.CPU = &xml.CPU{Mode: "host-passthrough"}
	}
	for _, p := range parts[1:] {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return r.fail("cpuid", xml.Errorf(xml.CodeConfSyntax, "Invalid libxl cpuid key=value element: %s", p))
		}
		policy := map[string]string{"0": "disable", "1": "force", "x": "optional", "k": "optional", "s": "optional"}[value]
		if policy == "" {
			return r.fail("cpuid", xml.Errorf(xml.CodeConfSyntax, "Invalid libxl cpuid value: %s", p))
		}
		d.CPU.Features = append(d.CPU.Features, xml.CPUFeature{Policy: policy, Name: featureName(name)})
	}
	return nil
}

// featureName is the domain's word for one of Xen's CPU features.
func featureName(word string) string {
	for _, n := range cpuidNames {
		if n.word == word {
			return n.feature
		}
	}
	return word
}

// vnuma reads the guest's NUMA cells: a list of lists of key=value.
func (r *reader) vnuma(d *xml.Domain) error {
	v := r.Get("vnuma")
	if v == nil || v.Kind != conf.List || r.dialect == XM {
		return nil
	}
	numa := &xml.CPUNUMA{}
	total := uint64(0)
	for i := range v.List {
		cell, err := r.vnode(&v.List[i], i, len(v.List))
		if err != nil {
			return err
		}
		total += cell.Memory
		numa.Cells = append(numa.Cells, *cell)
	}
	if len(numa.Cells) == 0 {
		return nil
	}
	if d.CPU == nil {
		d.CPU = &xml.CPU{}
	}
	d.CPU.NUMA = numa
	d.Memory.KiB = total
	return nil
}

// vnode reads the cell of number i of n.
func (r *reader) vnode(v *conf.Value, i, n int) (*xml.NUMACell, error) {
	bad := func(format string, args ...any) (*xml.NUMACell, error) {
		return nil, r.At(xml.Errorf(xml.CodeConfSyntax, format, args...), v)
	}
	cell := &xml.NUMACell{ID: uint32(i), Unit: "KiB"}
	pnode := ""
	for _, e := range v.List {
		key, value, ok := strings.Cut(e.Text, "=")
		if !ok || value == "" {
			return bad("vnuma vnode invalid format '%s'", e.Text)
		}
		switch key {
		case "pnode":
			p, err := strconv.ParseUint(value, 10, 32)
			if err != nil || p >= uint64(n) {
				return nil, r.At(unsupported("vnuma vnode %d contains invalid pnode value '%s'", i, value), v)
			}
			pnode = value
		case "size":
			mib, err := strconv.ParseUint(value, 10, 40)
			if err != nil {
				return bad("vnuma vnode %d contains invalid size value '%s'", i, value)
			}
			cell.Memory = mib * 1024
		case "vcpus":
			set, err := xml.ParseSet(value)
			if err != nil || set.Len() == 0 {
				return bad("vnuma vnode %d contains invalid vcpus value '%s'", i, value)
			}
			cell.CPUs = set.String()
		case "vdistances":
			list := strings.Split(value, ",")
			if len(list) != n {
				return nil, r.At(unsupported("vnuma pnode %d configured '%s' (count %d) doesn't fit the number of specified vnodes %d", i, e.Text, len(list), n), v)
			}
			for j, t := range list {
				dist, err := strconv.ParseUint(strings.TrimSpace(t), 10, 8)
				if err != nil {
					return bad("vnuma vnode %d contains invalid vdistances value '%s'", i, value)
				}
				cell.Distances = append(cell.Distances, xml.NUMADistance{ID: uint32(j), Value: uint32(dist)})
			}
		default:
			return bad("Invalid vnuma configuration for vnode %d", i)
		}
	}
	if pnode == "" || cell.Memory == 0 || cell.CPUs == "" {
		return bad("Incomplete vnuma configuration for vnode %d", i)
	}
	return cell, nil
}
