package xen

import (
	"slices"
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
	if err != nil || r.Get("cpuid") == nil {
		return err
	}
	if text == "" {
		text = "host"
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
		name = featureName(name)
		if slices.ContainsFunc(d.CPU.Features, func(f xml.CPUFeature) bool { return f.Name == name }) {
			return r.fail("cpuid", internal("CPU feature '%s' specified more than once", name))
		}
		d.CPU.Features = append(d.CPU.Features, xml.CPUFeature{Policy: policy, Name: name})
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
	nodes := slices.DeleteFunc(slices.Clone(v.List), func(e conf.Value) bool { return e.Kind != conf.List })
	if len(nodes) == 0 {
		return r.fail("vnuma", internal("Cannot set an empty mem_nodes set"))
	}
	total, cpus := uint64(0), 0
	for i := range nodes {
		cell, n, err := r.vnode(&nodes[i], i, len(nodes))
		if err != nil {
			return err
		}
		total, cpus = total+cell.Memory, cpus+n
		numa.Cells = append(numa.Cells, *cell)
	}
	if uint(cpus) > d.VCPU.Count {
		return r.fail("vnuma", unsupported("vnuma configuration contains %d vcpus, which is greater than %d maxvcpus", cpus, d.VCPU.Count))
	}
	d.CPU = &xml.CPU{NUMA: numa} // the peer forgets what else there was
	d.Memory.KiB = total
	return nil
}

// vnode reads the cell of number i of n, and tells how many CPUs it has.
func (r *reader) vnode(v *conf.Value, i, n int) (*xml.NUMACell, int, error) {
	bad := func(format string, args ...any) (*xml.NUMACell, int, error) {
		return nil, 0, r.At(xml.Errorf(xml.CodeConfSyntax, format, args...), v)
	}
	cpus := 0
	cell := &xml.NUMACell{ID: uint32(i), Unit: "KiB"}
	pnode := ""
	for _, e := range v.List {
		if e.Kind != conf.String {
			continue
		}
		key, value, ok := strings.Cut(e.Text, "=")
		if !ok {
			return nil, 0, r.At(internal("vnuma vnode invalid format '%s'", e.Text), v)
		}
		if value == "" {
			continue
		}
		switch key {
		case "pnode":
			p, err := strconv.ParseUint(value, 10, 32)
			if err != nil || p >= uint64(n) {
				return nil, 0, r.At(unsupported("vnuma vnode %d contains invalid pnode value '%s'", i, value), v)
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
			if err != nil {
				return nil, 0, r.At(asError(err), v)
			}
			cell.CPUs, cpus = set.String(), set.Len()
		case "vdistances":
			if cell.Distances != nil {
				return nil, 0, r.At(internal("Cannot alter an existing nmem_nodes distances set for node: %d", i), v)
			}
			list := strings.Split(value, ",")
			if len(list) != n {
				return nil, 0, r.At(unsupported("vnuma pnode %d configured '%s' (count %d) doesn't fit the number of specified vnodes %d", i, e.Text, len(list), n), v)
			}
			for j, t := range list {
				dist, err := strconv.ParseUint(strings.TrimSpace(t), 10, 32)
				switch {
				case err != nil:
					return bad("vnuma vnode %d contains invalid vdistances value '%s'", i, value)
				case dist < 10 || dist > 255:
					return nil, 0, r.At(unsupported("Distance value of %d is not in valid range", dist), v)
				case dist == 10 && j != i:
					return nil, 0, r.At(unsupported("Distance value %d under node %d is LOCAL_DISTANCE and should be set to 10", dist, i), v)
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
	return cell, cpus, nil
}
