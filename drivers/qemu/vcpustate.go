package qemu

import (
	"cmp"
	"slices"

	"virgo/drivers"
	"virgo/xml"
)

// Each vCPU has a state of its own once one of them has been switched by itself or
// was plugged in: until then their number says it all.

// vcpuStates lists the states of a domain's vCPUs, which can be changed then. Those
// that a guest begins with stay.
func vcpuStates(dom *xml.Domain) []xml.VCPUState {
	if len(dom.VCPUs) == 0 {
		n := uint(vcpus(dom))
		for i := range dom.VCPU.Count {
			s := xml.VCPUState{ID: i, Enabled: "no", Hotpluggable: "yes"}
			if i < n {
				s.Enabled, s.Hotpluggable = "yes", "no"
				if dom.ID != nil {
					s.Order = i + 1
				}
			}
			dom.VCPUs = append(dom.VCPUs, s)
		}
	}
	return dom.VCPUs
}

// countStates makes the number fit the states. A definition does not say in which
// order they came.
func countStates(dom *xml.Domain) {
	n := uint(0)
	for i := range dom.VCPUs {
		s := &dom.VCPUs[i]
		if dom.ID == nil {
			s.Order = 0
		}
		if s.Enabled == "yes" {
			n++
		}
	}
	dom.VCPU.Current = n
	if n == dom.VCPU.Count {
		dom.VCPU.Current = 0
	}
}

// orderVCPUs says in which order the vCPUs come at a start: those that stay first.
func orderVCPUs(list []xml.VCPUState) {
	var in []*xml.VCPUState
	for i := range list {
		if list[i].Enabled == "yes" {
			in = append(in, &list[i])
		}
	}
	rank := func(s *xml.VCPUState) (int, uint) {
		switch {
		case s.Hotpluggable != "yes":
			return 0, s.ID
		case s.Order > 0:
			return 1, s.Order
		}
		return 2, s.ID
	}
	slices.SortStableFunc(in, func(a, b *xml.VCPUState) int {
		x, p := rank(a)
		y, q := rank(b)
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(p, q))
	})
	for i, s := range in {
		s.Order = uint(i) + 1
	}
}

// enable switches a vCPU on, behind all others.
func enable(list []xml.VCPUState, i int, hotpluggable xml.YesNo) {
	last := uint(0)
	for _, s := range list {
		last = max(last, s.Order)
	}
	list[i].Enabled, list[i].Hotpluggable, list[i].Order = "yes", hotpluggable, last+1
}

// disable switches a vCPU off; those that came after it move up.
func disable(list []xml.VCPUState, i int) {
	for j := range list {
		if list[j].Order > list[i].Order {
			list[j].Order--
		}
	}
	list[i].Enabled, list[i].Hotpluggable, list[i].Order = "no", "yes", 0
}

// setCount sets how many vCPUs a domain has, or can have.
func setCount(dom *xml.Domain, n int, how drivers.VCPUChange) error {
	live := dom.ID != nil
	if how.Maximum {
		if live {
			return xml.Errorf(xml.CodeUnsupported, "maximum vcpu count of a live domain can't be modified")
		}
		return setMaximum(dom, n)
	}
	if n > int(dom.VCPU.Count) {
		return xml.Errorf(xml.CodeInvalidArg, "requested vcpus is greater than max allowable vcpus for the %s domain: %d > %d", formOf(dom), n, dom.VCPU.Count)
	}
	have := vcpus(dom)
	if have == n {
		return nil
	}
	if !live && !how.Hotpluggable && len(dom.VCPUs) == 0 {
		dom.VCPU.Current = uint(n)
		if dom.VCPU.Current == dom.VCPU.Count {
			dom.VCPU.Current = 0
		}
		return nil
	}
	word := xml.YesNo("no")
	if live || how.Hotpluggable {
		word = "yes"
	}
	list := vcpuStates(dom)
	for i := 0; i < len(list) && have < n; i++ {
		if list[i].Enabled != "yes" {
			enable(list, i, word)
			have++
		} else if list[i].Hotpluggable == "yes" { // none that stays is behind one that can go
			word = "yes"
		}
	}
	for i := len(list) - 1; i > 0 && have > n; i-- {
		if list[i].Enabled == "yes" && (!live || list[i].Hotpluggable == "yes") {
			disable(list, i)
			have--
		}
	}
	if have > n {
		return xml.Errorf(xml.CodeConfigUnsupported, "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count")
	}
	countStates(dom)
	return nil
}

// setMaximum sets how many vCPUs a definition can have.
func setMaximum(dom *xml.Domain, n int) error {
	if dom.CPU != nil && dom.CPU.NUMA != nil {
		in := 0
		for _, c := range dom.CPU.NUMA.Cells {
			if set, err := xml.ParseSet(c.CPUs); err == nil {
				in += set.Len()
			}
		}
		if in > n {
			return xml.Errorf(xml.CodeInvalidArg, "Number of CPUs in <numa> exceeds the desired maximum vcpu count")
		}
	}
	have := min(vcpus(dom), n)
	dom.VCPU.Count, dom.VCPU.Current = uint(n), uint(have)
	if have == n {
		dom.VCPU.Current = 0
	}
	if len(dom.VCPUs) == 0 {
		return nil
	}
	dom.VCPUs = dom.VCPUs[:min(n, len(dom.VCPUs))]
	for i := len(dom.VCPUs); i < n; i++ {
		dom.VCPUs = append(dom.VCPUs, xml.VCPUState{ID: uint(i), Enabled: "no", Hotpluggable: "yes"})
	}
	countStates(dom)
	return nil
}

// switchStates switches single vCPUs on or off.
func switchStates(dom *xml.Domain, set xml.Set, on bool) error {
	live := dom.ID != nil
	if set.Last() >= int(dom.VCPU.Count) {
		return xml.Errorf(xml.CodeInvalidArg, "vcpu %d is not present in %s config", set.Last(), formOf(dom))
	}
	if set.Has(0) && !live {
		return xml.Errorf(xml.CodeInvalidArg, "vCPU '0' can't be modified")
	}
	list := vcpuStates(dom)
	for i := range list {
		switch is := list[i].Enabled == "yes"; {
		case !set.Has(i):
		case is == on && live:
			return xml.Errorf(xml.CodeInvalidArg, "vcpu '%d' is already in requested state", i)
		case is && on:
			list[i].Hotpluggable = "yes"
		case is == on:
		case on:
			enable(list, i, "yes")
		case live && list[i].Hotpluggable == "no":
			return xml.Errorf(xml.CodeUnsupported, "vcpu '%d' can't be unplugged", i)
		default:
			disable(list, i)
		}
	}
	countStates(dom)
	return nil
}

// formOf is what a document is, as errors have it.
func formOf(dom *xml.Domain) string {
	if dom.ID != nil {
		return "live"
	}
	return "persistent"
}
