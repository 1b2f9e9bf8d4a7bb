package cpu

import "virgo/xml"

// Update gives a guest's CPU as it comes to on a host: match and policies
// applied, host-model filled in. Modes that QEMU alone resolves stay as they
// are. host may be a guest's CPU, as QEMU reports it, or nil.
func Update(guest, host *xml.CPU, arch string) (*xml.CPU, error) {
	if host != nil && host.IsHost() {
		arch = host.Arch
	}
	switch family(arch) {
	case famX86:
		return updateX86(guest, host)
	case famPPC:
		out := guest.Clone()
		if guest.Mode == "custom" {
			out.Match = "exact"
		}
		return out, nil
	case famARM, famRISCV:
		return updateARM(guest, host)
	case famS390:
		return updateS390(guest, host)
	case famLoong:
		return guest.Clone(), nil
	}
	return nil, NoModels(arch)
}

func passesThrough(c *xml.CPU) bool { return c.Mode == "host-passthrough" || c.Mode == "maximum" }

func updateX86(guest, host *xml.CPU) (*xml.CPU, error) {
	out := guest.Clone()
	if passesThrough(guest) {
		return out, nil
	}
	relative := guest.Mode == "host-model" || guest.Match == "minimum"
	for i := range guest.Features {
		relative = relative || guest.Features[i].Policy == "optional"
	}
	if relative {
		if host == nil || host.Model == "" {
			return nil, xml.Errorf(xml.CodeConfigUnsupported, "unknown host CPU model")
		}
		if err := settleOptional(out, host); err != nil {
			return nil, err
		}
		if guest.Mode == "host-model" || guest.Match == "minimum" {
			own := out.Features
			takeHost(out, host)
			for _, f := range own {
				put(out, f.Name, f.Policy)
			}
			if guest.Mode == "host-model" {
				out.Vendor = host.Vendor
			}
			out.Mode, out.Match = "custom", "exact"
		}
	}
	if out.Model == "" {
		return out, nil
	}
	m := findModel(out.Model)
	if m == nil {
		return nil, xml.Errorf(xml.CodeInternal, "Unknown CPU model %s", out.Model)
	}
	disableRemoved(out, m, "disable")
	return out, nil
}

// settleOptional makes each optional feature required or disabled.
func settleOptional(c, host *xml.CPU) error {
	h, err := parse(host)
	if err != nil {
		return err
	}
	has := h.has()
	for i := range c.Features {
		f := &c.Features[i]
		if f.Policy != "optional" {
			continue
		}
		n := findFeature(f.Name)
		switch {
		case n < 0:
			return xml.Errorf(xml.CodeInternal, "unknown CPU feature %s", f.Name)
		case has.has(n):
			f.Policy = "require"
		default:
			f.Policy = "disable"
		}
	}
	return nil
}

// takeHost gives c the host's model and features; a host's are required.
func takeHost(c, host *xml.CPU) {
	c.Model = host.Model
	if c.Fallback == "" {
		c.Fallback = "allow"
	}
	c.Features = make([]xml.CPUFeature, 0, len(host.Features)+len(c.Features))
	for _, f := range host.Features {
		if f.Policy == "" {
			f.Policy = "require"
		}
		c.Features = append(c.Features, f)
	}
}

// updateARM lets the host's features replace the guest's.
func updateARM(guest, host *xml.CPU) (*xml.CPU, error) {
	out := guest.Clone()
	if guest.Mode != "host-model" {
		return out, nil
	}
	if host == nil || host.Model == "" {
		return nil, xml.Errorf(xml.CodeConfigUnsupported, "unknown host CPU model")
	}
	takeHost(out, host)
	out.Vendor, out.Mode, out.Match = host.Vendor, "custom", "exact"
	return out, nil
}

func updateS390(guest, host *xml.CPU) (*xml.CPU, error) {
	out := guest.Clone()
	if guest.Mode == "custom" {
		if guest.Match == "minimum" {
			return nil, xml.Errorf(xml.CodeConfigUnsupported, "match mode minimum not supported")
		}
		for _, f := range guest.Features {
			if f.Policy == "optional" {
				return nil, xml.Errorf(xml.CodeConfigUnsupported, "optional CPU features are not supported")
			}
		}
		return out, nil
	}
	if guest.Mode != "host-model" {
		return out, nil
	}
	if host == nil || host.Model == "" {
		return nil, xml.Errorf(xml.CodeConfigUnsupported, "unknown host CPU model")
	}
	own := out.Features
	takeHost(out, host)
	for _, f := range own {
		put(out, f.Name, f.Policy)
	}
	out.Vendor, out.Mode, out.Match = host.Vendor, "custom", "exact"
	return out, nil
}

// Translate gives a guest's CPU with a model that the hypervisor has. nil
// means that all models can be had.
func Translate(guest *xml.CPU, usable []Usable, arch string) (*xml.CPU, error) {
	if guest.Mode != "custom" || usable == nil || guest.Model == "" {
		return guest.Clone(), nil
	}
	for i := range usable {
		if usable[i].Name == guest.Model {
			return guest.Clone(), nil
		}
	}
	if guest.Fallback != "forbid" && family(arch) != famX86 {
		return nil, xml.Errorf(xml.CodeNoSupport, "cannot translate CPU model %s to a supported model", guest.Model)
	}
	if guest.Fallback == "forbid" {
		return nil, xml.Errorf(xml.CodeConfigUnsupported, "CPU model %s is not supported by hypervisor", guest.Model)
	}
	p, err := parse(guest)
	if err != nil {
		return nil, err
	}
	r := raw{features: p.has(), vendor: p.model.vendor}
	if s := p.model.signatures; len(s) > 0 {
		r.signature = Signature{Family: int(s[0].family), Model: int(s[0].model), Stepping: lowestBit(s[0].steppings)}
	}
	best, err := decode(r, decodeOptions{usable: usable, restricted: true})
	if err != nil {
		return nil, err
	}
	found := best.cpu(&r, "")
	out := guest.Clone()
	out.Model, out.Features = found.Model, found.Features
	for _, f := range guest.Features {
		put(out, f.Name, f.Policy)
	}
	return out, nil
}

func lowestBit(steppings uint16) int {
	for i := range 16 {
		if steppings>>i&1 != 0 {
			return i
		}
	}
	return 0
}

// ForStart gives a guest's CPU as a hypervisor with these models would start
// it on a host: legacy names, comparison, update, translation.
func ForStart(guest, host *xml.CPU, arch string, usable []Usable) (*xml.CPU, error) {
	guest = ModernName(guest, arch)
	result, err := Compare(host, guest, arch)
	if err != nil {
		return nil, err
	}
	if err := result.Err(); err != nil {
		return nil, err
	}
	out, err := Update(guest, Migratable(host), arch)
	if err != nil {
		return nil, err
	}
	return Translate(out, usable, arch)
}
