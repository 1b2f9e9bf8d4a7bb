package domain

import "virgo/xml"

// readVCPUStates makes the list of vCPUs whole: those that are not written are
// not there yet.
func readVCPUStates(d *xml.Domain) error {
	if len(d.VCPUs) == 0 {
		return nil
	}
	count := uint(1)
	if d.VCPU != nil && d.VCPU.Count > 0 {
		count = d.VCPU.Count
	}
	all := make([]xml.VCPUState, count)
	for i := range all {
		all[i] = xml.VCPUState{ID: uint(i), Enabled: "no"}
	}
	for _, v := range d.VCPUs {
		if v.ID >= count {
			return xml.Errorf(xml.CodeXML, "vcpu id '%d' is out of range of maximum vcpu count", v.ID)
		}
		all[v.ID] = v
	}
	d.VCPUs = all
	return nil
}

// vcpuStates completes the list of vCPUs.
func vcpuStates(d *xml.Domain, _ *Traits) error {
	for i := range d.VCPUs {
		v := &d.VCPUs[i]
		if v.Enabled == "no" && v.Hotpluggable == "no" {
			return unsupported("vcpu '%d' is both offline and not hotpluggable", v.ID)
		}
		if v.Hotpluggable == "" {
			v.Hotpluggable = "no"
			if v.Enabled == "no" {
				v.Hotpluggable = "yes"
			}
		}
	}
	return nil
}

// checkVCPUStates checks what QEMU wants of the first vCPU, and the order in
// which they come.
func checkVCPUStates(d *xml.Domain) error {
	if len(d.VCPUs) == 0 {
		if d.VCPU.Offline {
			return unsupported("vcpu 0 can't be offline")
		}
		return nil
	}
	first := &d.VCPUs[0]
	switch {
	case first.Enabled == "no":
		return unsupported("vcpu 0 can't be offline")
	case first.Hotpluggable == "yes":
		return unsupported("vcpu0 can't be hotpluggable")
	case first.Order != 0 && first.Order != 1:
		return unsupported("vcpu0 must be enabled first")
	}
	for i := range d.VCPUs {
		if v := &d.VCPUs[i]; v.Enabled == "yes" && (v.Order != 0) != (first.Order != 0) {
			return unsupported("all vcpus must have either set or unset order")
		}
	}
	return nil
}
