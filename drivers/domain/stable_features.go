package domain

import "virgo/xml"

// featureStates are the features that are compared, in the peer's order, by what
// they print as.
var featureStates = []struct {
	name  string
	state func(*xml.Features) string
}{
	{"acpi", func(f *xml.Features) string { return onDefault(f.ACPI) }},
	{"apic", apicState},
	{"pae", func(f *xml.Features) string { return onDefault(f.PAE) }},
	{"hap", func(f *xml.Features) string { return stateOf(f.HAP) }},
	{"viridian", func(f *xml.Features) string { return onDefault(f.Viridian) }},
	{"privnet", func(f *xml.Features) string { return onDefault(f.PrivNet) }},
	{"hyperv", func(f *xml.Features) string { return hypervMode(f.HyperV) }},
	{"kvm", func(f *xml.Features) string { return onDefault(f.KVM != nil) }},
	{"pvspinlock", func(f *xml.Features) string { return stateOf(f.PVSpinlock) }},
	{"pmu", func(f *xml.Features) string { return stateOf(f.PMU) }},
	{"vmport", func(f *xml.Features) string { return stateOf(f.VMPort) }},
	{"smm", func(f *xml.Features) string {
		if f.SMM == nil {
			return "default"
		}
		return stateOf(&xml.State{State: f.SMM.State})
	}},
	{"ioapic", func(f *xml.Features) string {
		if f.IOAPIC == nil || f.IOAPIC.Driver == "" {
			return "driver=none"
		}
		return "driver=" + f.IOAPIC.Driver
	}},
	{"vmcoreinfo", func(f *xml.Features) string { return stateOf(f.VMCoreInfo) }},
	{"htm", func(f *xml.Features) string { return stateOf(f.HTM) }},
	{"nested-hv", func(f *xml.Features) string { return stateOf(f.NestedHV) }},
	{"ccf-assist", func(f *xml.Features) string { return stateOf(f.CCFAssist) }},
	{"ras", func(f *xml.Features) string { return stateOf(f.RAS) }},
	{"ps2", func(f *xml.Features) string { return stateOf(f.PS2) }},
}

func onDefault(on bool) string {
	if on {
		return "on"
	}
	return "default"
}

// stateOf is a state, which is on where the element says nothing.
func stateOf(s *xml.State) string {
	switch {
	case s == nil:
		return "default"
	case s.State == "off":
		return "off"
	}
	return "on"
}

func apicState(f *xml.Features) string {
	eoi := "default"
	if f.APIC != nil && f.APIC.EOI != "" {
		eoi = string(f.APIC.EOI)
	}
	return onDefault(f.APIC != nil) + ",eoi=" + eoi
}

// hypervMode is a mode in the words for states, as the peer tells it.
func hypervMode(h *xml.HyperV) string {
	switch {
	case h == nil:
		return "default"
	case h.Mode == "passthrough":
		return "off"
	}
	return "on"
}

func sameFeatures(src, dst *xml.Domain) error {
	a, b := src.Features, dst.Features
	if a == nil {
		a = &xml.Features{}
	}
	if b == nil {
		b = &xml.Features{}
	}
	for _, f := range featureStates {
		if x, y := f.state(a), f.state(b); x != y {
			return unsupported("State of feature '%s' differs: source: '%s', destination: '%s'", f.name, x, y)
		}
	}
	if err := sameHyperV(a.HyperV, b.HyperV); err != nil {
		return err
	}
	return sameKVM(a.KVM, b.KVM)
}

// namedState is one of a group's features.
type namedState struct {
	name  string
	state *xml.State
}

func sameStates(group string, a, b []namedState) error {
	for i := range a {
		if x, y := stateOf(a[i].state), stateOf(b[i].state); x != y {
			return unsupported("State of %s feature '%s' differs: source: '%s', destination: '%s'", group, a[i].name, x, y)
		}
	}
	return nil
}

// hypervStates are the enlightenments that are on or off, up to the spinlocks and
// after them.
func hypervStates(h *xml.HyperV) []namedState {
	if h == nil {
		h = &xml.HyperV{}
	}
	list := []namedState{{"relaxed", h.Relaxed}, {"vapic", h.VAPIC}, {"vpindex", h.VPIndex}, {"runtime", h.Runtime}, {"synic", h.SyNIC}}
	var stimer, tlbflush *xml.State
	if h.STimer != nil {
		stimer = &xml.State{State: h.STimer.State}
	}
	if h.TLBFlush != nil {
		tlbflush = &xml.State{State: h.TLBFlush.State}
	}
	return append(list, namedState{"stimer", stimer}, namedState{"reset", h.Reset}, namedState{"frequencies", h.Frequencies},
		namedState{"reenlightenment", h.Reenlightenment}, namedState{"tlbflush", tlbflush}, namedState{"ipi", h.IPI}, namedState{"evmcs", h.EVMCS},
		namedState{"avic", h.AVIC}, namedState{"emsr_bitmap", h.EMSRBitmap}, namedState{"xmm_input", h.XMMInput})
}

func sameHyperV(a, b *xml.HyperV) error {
	if err := sameStates("HyperV enlightenment", hypervStates(a), hypervStates(b)); err != nil {
		return err
	}
	retries := func(h *xml.HyperV) uint {
		if h == nil || h.Spinlocks == nil || h.Spinlocks.State == "off" {
			return 0
		}
		return h.Spinlocks.Retries
	}
	if x, y := retries(a), retries(b); x != y {
		return unsupported("HyperV spinlock retry count differs: source: '%d', destination: '%d'", x, y)
	}
	return nil
}

func sameKVM(a, b *xml.KVMFeatures) error {
	states := func(k *xml.KVMFeatures) []namedState {
		if k == nil {
			k = &xml.KVMFeatures{}
		}
		var ring *xml.State
		if k.DirtyRing != nil {
			ring = &xml.State{State: k.DirtyRing.State}
		}
		return []namedState{{"hidden", k.Hidden}, {"hint-dedicated", k.HintDedicated}, {"poll-control", k.PollControl}, {"pv-ipi", k.PVIPI}, {"dirty-ring", ring}}
	}
	return sameStates("KVM", states(a), states(b))
}
