package cpu

import (
	"slices"
	"sort"
	"strings"

	"virgo/xml"
)

// Hypervisor is what a start of a guest is held against. CPUs that are not
// known are nil.
type Hypervisor struct {
	Arch     string
	Host     *xml.CPU // this machine's, decoded
	Reported *xml.CPU // what the hypervisor calls the host's, decoded: host-model of domain capabilities
	Movable  *xml.CPU // the same of features that the hypervisor says do not block migration; nil: it does not tell
	Models   []Usable // nil: it does not tell
}

// Full is this machine's CPU with all features of the reported one.
func (h *Hypervisor) Full() *xml.CPU {
	if h.Host == nil || h.Reported == nil || family(h.Arch) != famX86 {
		if h.Host == nil {
			return h.Reported
		}
		return h.Host
	}
	p, err := parse(h.Reported)
	if err != nil {
		return h.Host
	}
	q, err := parse(h.Host)
	if err != nil {
		return h.Host
	}
	full := h.Host.Clone()
	have, more := q.has(), p.has()
	more = more.minus(&have)
	more.each(func(i int) { full.Features = append(full.Features, xml.CPUFeature{Name: features[i].name}) })
	return full
}

// HostModel is what a guest with mode host-model gets: the reported CPU, or
// this machine's, without what blocks migration.
func (h *Hypervisor) HostModel() *xml.CPU {
	switch {
	case h.Movable != nil:
		return h.Movable
	case h.Reported != nil:
		return Migratable(h.Reported)
	}
	return Migratable(h.Host)
}

// Compare tells whether the hypervisor can give a CPU: hypervisor-cpu-compare.
func (h *Hypervisor) Compare(c *xml.CPU) (Result, error) {
	host := h.Reported
	if host == nil {
		host = h.Host
	}
	return h.partial(c, host)
}

// partial is the check before a start, section by section: what the
// hypervisor says of the model counts, or, for models whose definition never
// changed, the host's CPU.
func (h *Hypervisor) partial(c, host *xml.CPU) (Result, error) {
	var known *Usable
	for i := range h.Models {
		if c.Model != "" && h.Models[i].Name == c.Model {
			known = &h.Models[i]
		}
	}
	if known != nil && known.Told && len(known.Blockers) == 0 && onlyDisables(c) {
		return Result{Answer: Superset}, nil
	}
	if family(h.Arch) != famX86 {
		if c.Mode == "custom" && (host == nil || host.Model == "") {
			return incompatible("unknown host CPU"), nil
		}
		return Compare(host, c, h.Arch)
	}
	m := findModel(c.Model)
	if known == nil || h.Reported == nil || m == nil || m.compat {
		return Compare(host, c, h.Arch)
	}
	p, err := parse(c)
	if err != nil {
		return Result{}, err
	}
	q, err := parse(h.Reported)
	if err != nil {
		return Result{}, err
	}
	// What is in the way stands in the hypervisor's order, then what the
	// definition asks for beyond that, in its own.
	r := incompatible("")
	var listed set
	for _, name := range known.Blockers {
		i := findFeature(name)
		if i < 0 || i >= mapFeatures || newerFeatures.has(i) && !m.newer || listed.has(i) {
			continue
		}
		if !p.lists[disable].has(i) {
			listed.add(i)
			r.Missing = append(r.Missing, name)
		}
	}
	text := r.Missing[:len(r.Missing):len(r.Missing)]
	has := q.has()
	for _, f := range c.Features {
		i := findFeature(f.Name)
		if f.Policy != "require" || has.has(i) {
			continue
		}
		text = append(text, f.Name) // the peer names it twice if it is a blocker too
		if !listed.has(i) {
			r.Missing = append(r.Missing, f.Name)
		}
	}
	if len(r.Missing) == 0 {
		return Result{Answer: Superset}, nil
	}
	r.Reason = "Host CPU does not provide required features: " + strings.Join(text, ", ")
	return r, nil
}

// onlyDisables takes a host's features, which have no policy, as wanted ones.
func onlyDisables(c *xml.CPU) bool {
	for _, f := range c.Features {
		if f.Policy != "disable" {
			return false
		}
	}
	return true
}

// KnownFeatures refuses features that no CPU of the architecture has, and
// policies that its hypervisors lack.
func KnownFeatures(guest *xml.CPU, arch string) error {
	for _, f := range guest.Features {
		known := true
		switch {
		case family(arch) == famX86:
			known = findFeature(f.Name) >= 0
		case family(arch) == famARM:
			known = slices.Contains(armFeatures[:], f.Name)
		case family(arch) == famS390 && f.Policy == "optional":
			return xml.Errorf(xml.CodeConfigUnsupported, "only cpu feature policies 'require' and 'disable' are supported for %s", f.Name)
		}
		if !known {
			return xml.Errorf(xml.CodeConfigUnsupported, "unknown CPU feature: %s", f.Name)
		}
	}
	return nil
}

// Resolve gives the CPU that a guest is started with. The mode is taken to be
// one that the hypervisor has; check is the definition's, or its default. The
// result names a model that the hypervisor has, and only features that it can
// be asked for.
func (h *Hypervisor) Resolve(guest *xml.CPU, check string) (*xml.CPU, error) {
	guest = ModernName(guest, h.Arch)
	if err := KnownFeatures(guest, h.Arch); err != nil {
		return nil, err
	}
	if check != "none" && check != "" {
		full := h.Full()
		if check == "partial" && !passesThrough(guest) {
			if err := refuseForbidden(guest, full, h.Arch); err != nil {
				return nil, err
			}
			r, err := h.partial(guest, full)
			if err == nil {
				err = r.Err()
			}
			if err != nil {
				return nil, err
			}
		}
	}
	out, err := Update(guest, h.HostModel(), h.Arch)
	if err != nil {
		return nil, err
	}
	if out, err = Translate(out, h.Models, h.Arch); err != nil {
		return nil, err
	}
	if out.Mode == "custom" && out.Model != "" {
		out.Fallback = "forbid"
	}
	if family(h.Arch) == famX86 {
		dropFeatures(out, &unpassed)
	}
	return out, nil
}

// refuseForbidden looks for forbidden features that the host has.
func refuseForbidden(guest, host *xml.CPU, arch string) error {
	if host == nil || family(arch) != famX86 {
		return nil
	}
	p, err := parse(host)
	if err != nil {
		return nil
	}
	q, err := parse(&xml.CPU{Features: guest.Features})
	if err != nil {
		return err
	}
	has := p.has()
	both := q.lists[forbid].and(&has)
	if both.empty() {
		return nil
	}
	return xml.Errorf(xml.CodeCPUIncompatible, "Host CPU provides forbidden features: %s", join(&both, ", "))
}

// DefaultCheck is the check of a definition that names none. virtType is the
// domain's type.
func DefaultCheck(c *xml.CPU, virtType string) string {
	switch {
	case passesThrough(c):
		return "none"
	case c.Mode == "host-model":
		return "partial"
	case virtType == "qemu":
		return "none"
	}
	return "partial"
}

// ForUpdateCPU gives a guest's CPU as dumpxml --update-cpu shows it: a custom
// one resolved, host-model and host-passthrough filled in with their mode left
// visible. hostModel is that of the domain capabilities; vcpus is the guest's
// number of CPUs, 0 if a topology is not to be taken over.
func ForUpdateCPU(guest, hostModel *xml.CPU, arch string, vcpus int) (*xml.CPU, error) {
	hostModel = Migratable(hostModel)
	var out *xml.CPU
	switch guest.Mode {
	case "host-model":
		updated, err := Update(guest, hostModel, arch)
		if err != nil {
			return nil, err
		}
		out = updated
		out.Mode, out.Match, out.ShowMatch = "host-model", "exact", true
	case "host-passthrough":
		out = guest.Clone()
		if hostModel == nil || guest.Model != "" {
			return out, nil
		}
		own := out.Features
		takeHost(out, hostModel)
		for _, f := range own {
			put(out, f.Name, f.Policy)
		}
		if m := findModel(out.Model); m != nil && family(arch) == famX86 {
			disableRemoved(out, m, "disable")
		}
		out.Vendor, out.Fallback = hostModel.Vendor, ""
		out.Match, out.ShowMatch = "minimum", true
	default:
		return Update(guest, hostModel, arch)
	}
	if t := hostModel.Topology; out.Topology == nil && t != nil && int(t.Sockets*t.Dies*t.Clusters*t.Cores*t.Threads) == vcpus {
		out.Topology = hostModel.Clone().Topology
	}
	return out, nil
}

// Listed tells whether domain capabilities list a model of QEMU under mode
// custom: those that the map knows, never host. Where there is no map it is all.
func Listed(name, arch string) bool {
	switch family(arch) {
	case famX86:
		m := findModel(name)
		return m != nil && !m.newer
	case famPPC:
		m := findPPC(name)
		return m != nil && !m.newer
	}
	return name != "host"
}

// CustomModels are the models that domain capabilities list under mode custom,
// sorted by name.
func CustomModels(list []Definition, arch string) []Definition {
	var out []Definition
	for _, d := range list {
		d.Name = ModelFromQEMU(d.Name, arch)
		if Listed(d.Name, arch) {
			out = append(out, d)
		}
	}
	sort.SliceStable(out, func(i, k int) bool { return out[i].Name < out[k].Name })
	return out
}
