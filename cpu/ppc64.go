package cpu

import (
	"slices"
	"strings"

	"virgo/xml"
)

// legacyPPC renames the models that were merged into their generation.
var legacyPPC = [...][2]string{
	{"POWER7_v2.1", "POWER7"}, {"POWER7_v2.3", "POWER7"}, {"POWER7+_v2.1", "POWER7"}, {"POWER8_v1.0", "POWER8"},
}

// ModernName gives a guest's CPU with the present name of its model.
func ModernName(guest *xml.CPU, arch string) *xml.CPU {
	if family(arch) != famPPC || guest.Mode != "custom" && guest.Mode != "" {
		return guest
	}
	out := guest.Clone()
	out.Model = modernPPC(guest.Model)
	return out
}

func modernPPC(name string) string {
	for _, l := range legacyPPC {
		if l[0] == name {
			return l[1]
		}
	}
	return name
}

func findPPC(name string) *ppcModel {
	for i := range ppcModels {
		if ppcModels[i].name == name {
			return &ppcModels[i]
		}
	}
	return nil
}

func comparePPC(host, other *xml.CPU, arch string) (Result, error) {
	if host == nil || host.Model == "" {
		return incompatible("unknown host CPU"), nil
	}
	if other.IsHost() && family(other.Arch) != famPPC {
		return incompatible("CPU arch " + other.Arch + " does not match host arch"), nil
	}
	if other.Vendor != "" && host.Vendor != other.Vendor {
		return incompatible("host CPU vendor does not match required CPU vendor " + other.Vendor), nil
	}
	h := findPPC(host.Model)
	if h == nil {
		return Result{}, xml.Errorf(xml.CodeInternal, "Unknown CPU model %s", host.Model)
	}
	model := other.Model
	switch {
	case !other.IsHost() && other.Mode == "host-model" && other.Model != "":
		return comparePPCMode(h.name, other.Model)
	case !other.IsHost() && other.Mode != "custom":
		model = host.Model
	default:
		model = modernPPC(model)
	}
	c := findPPC(model)
	switch {
	case c == nil:
		return Result{}, xml.Errorf(xml.CodeInternal, "Unknown CPU model %s", model)
	case c.name != h.name:
		return incompatible("host CPU model does not match required CPU model " + c.name), nil
	}
	return Result{Answer: Identical}, nil
}

// powerModes are the compatibility modes, each with its host, from old to new.
var powerModes = [...]string{"power6", "power7", "power8", "power9", "power10"}

func comparePPCMode(host, mode string) (Result, error) {
	h := slices.Index(powerModes[:], strings.ToLower(host))
	if h < 0 {
		return Result{}, xml.Errorf(xml.CodeInternal, "Host CPU does not support compatibility modes")
	}
	m := slices.Index(powerModes[:], mode)
	switch {
	case m < 0:
		return Result{}, xml.Errorf(xml.CodeInternal, "Unknown compatibility mode %s", mode)
	case m > h:
		return Result{Answer: Incompatible}, nil
	}
	return Result{Answer: Identical}, nil
}

func (b *Baseliner) addPPC(c *xml.CPU) error {
	if c.Model != b.first.Model {
		return xml.Errorf(xml.CodeOperationFailed, "CPUs are incompatible")
	}
	m := findPPC(c.Model)
	if m == nil {
		return xml.Errorf(xml.CodeInternal, "Unknown CPU model %s", c.Model)
	}
	if c.Vendor == "" {
		return nil
	}
	if !slices.Contains(ppcVendors[:], c.Vendor) {
		return xml.Errorf(xml.CodeOperationFailed, "Unknown CPU vendor %s", c.Vendor)
	}
	if m.vendor != "" && m.vendor != c.Vendor {
		return xml.Errorf(xml.CodeOperationFailed, "CPU vendor %s of model %s differs from vendor %s", m.vendor, m.name, c.Vendor)
	}
	b.vendor = c.Vendor
	return nil
}

// finishPPC names no vendor: every model has one.
func (b *Baseliner) finishPPC() *xml.CPU {
	return &xml.CPU{Mode: "custom", Match: "exact", Fallback: "forbid", Model: findPPC(b.first.Model).name}
}

// DecodePVR finds the POWER model of a processor version register.
func DecodePVR(pvr uint32, arch string, usable []Usable) (*xml.CPU, error) {
	for i := range ppcModels {
		m := &ppcModels[i]
		if pvr&m.mask != m.pvr {
			continue
		}
		if usable != nil && !slices.ContainsFunc(usable, func(u Usable) bool { return strings.EqualFold(u.Name, m.name) }) {
			return nil, xml.Errorf(xml.CodeConfigUnsupported, "CPU model %s is not supported by hypervisor", m.name)
		}
		return &xml.CPU{Arch: arch, Model: m.name, Vendor: m.vendor}, nil
	}
	return nil, xml.Errorf(xml.CodeOperationFailed, "Cannot find CPU model with PVR 0x%08x", pvr)
}
