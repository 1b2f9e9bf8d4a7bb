package domain

import (
	"slices"

	"virgo/xml"
)

// checkTimers checks what QEMU can set of the guest's clocks.
func checkTimers(d *xml.Domain) error {
	if d.Clock == nil {
		return nil
	}
	for i := range d.Clock.Timers {
		if err := checkTimer(d, &d.Clock.Timers[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkTimerKinds refuses what a kind of timer does not have.
func checkTimerKinds(d *xml.Domain, _ *Traits) error {
	if d.Clock == nil {
		return nil
	}
	for i := range d.Clock.Timers {
		if err := checkTimerParts(&d.Clock.Timers[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkTimerParts(t *xml.Timer) error {
	for _, p := range []struct {
		name string
		set  bool
		of   []string
	}{
		{"tickpolicy", t.TickPolicy != "", []string{"platform", "pit", "rtc", "hpet", "tsc", "armvtimer"}},
		{"frequency", t.Frequency != 0, []string{"tsc"}},
		{"mode", t.Mode != "", []string{"tsc"}},
		{"track", t.Track != "", []string{"platform", "rtc"}},
	} {
		if p.set && !slices.Contains(p.of, t.Name) {
			return unsupported("timer %s doesn't support setting of timer %s", t.Name, p.name)
		}
	}
	if t.Catchup != nil && t.TickPolicy != "catchup" {
		return xml.Errorf(xml.CodeXML, "setting of timer catchup policies is only supported with tickpolicy='catchup'")
	}
	return nil
}

func checkTimer(d *xml.Domain, t *xml.Timer) error {
	foreign := func() error {
		return unsupported("Configuring the '%s' timer is not supported for virtType=%s arch=%s machine=%s guests", t.Name, d.Type, d.OS.Type.Arch, d.OS.Type.Machine)
	}
	switch t.Name {
	case "platform":
		return unsupported("unsupported timer type (name) '%s'", t.Name)
	case "tsc", "kvmclock", "hypervclock":
		if !isX86(d) && t.Present == "yes" {
			return foreign()
		}
	case "armvtimer":
		if d.Type != "kvm" || !isARMVirt(d) || d.OS.Type.Arch != "aarch64" {
			return foreign()
		}
	case "rtc":
		if t.Track == "boot" {
			return unsupported("unsupported rtc timer track '%s'", t.Track)
		}
		if t.TickPolicy == "merge" || t.TickPolicy == "discard" {
			return unsupported("unsupported rtc timer tickpolicy '%s'", t.TickPolicy)
		}
	case "pit":
		if t.TickPolicy == "merge" || t.TickPolicy == "catchup" && !isX86(d) {
			return unsupported("unsupported pit tickpolicy '%s'", t.TickPolicy)
		}
	case "hpet":
		if !isX86(d) && t.Present == "yes" {
			return unsupported("hpet timer is not supported by this architecture")
		}
	}
	return nil
}
