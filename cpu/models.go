package cpu

import (
	"strings"

	"virgo/xml"
)

// Models gives the names of an architecture's CPU models of libvirt 11.3.0 in
// map order; all is true where every name is accepted.
func Models(arch string) (names []string, all bool, err error) { return ModelsOf(arch, Map113) }

// ModelsOf is Models with a choice of the tables.
func ModelsOf(arch string, m Map) (names []string, all bool, err error) {
	if !xml.KnownArchitecture(arch) {
		return nil, false, xml.Errorf(xml.CodeInvalidArg, "cannot find architecture %s", arch)
	}
	switch family(arch) {
	case famX86:
		for i := range models {
			if !models[i].newer || m == Latest {
				names = append(names, models[i].name)
			}
		}
		return names, false, nil
	case famPPC:
		for i := range ppcModels {
			p := &ppcModels[i]
			if (!p.newer || m == Latest) && (len(names) == 0 || names[len(names)-1] != p.name) {
				names = append(names, p.name)
			}
		}
		return names, false, nil
	case famARM, famS390, famRISCV, famLoong:
		return nil, true, nil
	}
	return nil, false, NoModels(arch)
}

// ModelInfo is what the tables tell of a model.
type ModelInfo struct {
	Name, Vendor string // Vendor is "" if it has none
	Canonical    string // the model's name with its version, if it has one
	Newer        bool   // later than libvirt 11.3.0
}

// Model finds a model of an architecture.
func Model(name, arch string) (ModelInfo, bool) {
	switch family(arch) {
	case famX86:
		if m := findModel(name); m != nil {
			return ModelInfo{Name: m.name, Vendor: m.vendor, Canonical: m.canonical, Newer: m.newer}, true
		}
	case famPPC:
		if m := findPPC(name); m != nil {
			return ModelInfo{Name: m.name, Vendor: m.vendor, Newer: m.newer}, true
		}
	case famARM:
		for i := range armModels {
			if m := &armModels[i]; m.name == name {
				return ModelInfo{Name: m.name, Vendor: m.vendor, Newer: m.newer}, true
			}
		}
	}
	return ModelInfo{}, false
}

// ModelFromQEMU gives libvirt's name of a model of QEMU: for ppc64 that of the
// map which differs in case only.
func ModelFromQEMU(name, arch string) string {
	if family(arch) == famPPC {
		for i := range ppcModels {
			if strings.EqualFold(ppcModels[i].name, name) {
				return ppcModels[i].name
			}
		}
	}
	return name
}
