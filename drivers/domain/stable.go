package domain

import (
	"fmt"

	"virgo/xml"
)

// Stable refuses a document that cannot take the place of another while the guest
// goes on: what the guest sees would not be what it saw. src is the guest's own,
// dst the new one.
func Stable(src, dst *xml.Domain) error {
	for _, check := range []func(src, dst *xml.Domain) error{sameIdentity, sameProcessors, sameMachine, sameFeatures, sameRest, sameDevices} {
		if err := check(src, dst); err != nil {
			return err
		}
	}
	return nil
}

// differ is the refusal, nil if the two are the same.
func differ[T comparable](what string, dst, src T) error {
	if dst == src {
		return nil
	}
	return unsupported("Target %s %v does not match source %v", what, dst, src)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func kib(m *xml.MemorySize) uint64 {
	if m == nil {
		return 0
	}
	return m.KiB
}

func sameIdentity(src, dst *xml.Domain) error {
	return first(differ("domain virt type", dst.Type, src.Type), differ("domain uuid", dst.UUID, src.UUID), differ("domain name", "'"+dst.Name+"'", "'"+src.Name+"'"),
		differ("domain max memory", kib(dst.Memory), kib(src.Memory)), differ("domain current memory", uint64(dst.CurrentMem), uint64(src.CurrentMem)))
}

func sameProcessors(src, dst *xml.Domain) error {
	if src.VCPU != nil && dst.VCPU != nil {
		if err := differ("domain vCPU max", dst.VCPU.Count, src.VCPU.Count); err != nil {
			return err
		}
		on := func(v *xml.VCPU) uint {
			if v.Current == 0 {
				return v.Count
			}
			return v.Current
		}
		if a, b := on(src.VCPU), on(dst.VCPU); a != b {
			return unsupported("State of vCPU '%d' differs between source and destination definitions", min(a, b))
		}
	}
	return nil
}

func sameMachine(src, dst *xml.Domain) error {
	mode := func(d *xml.Domain) string {
		if d.OS.SMBIOS != nil && d.OS.SMBIOS.Mode != "" {
			return d.OS.SMBIOS.Mode
		}
		return "none"
	}
	if err := first(differ("domain OS type", dst.OS.Type.Text, src.OS.Type.Text), differ("domain architecture", dst.OS.Type.Arch, src.OS.Type.Arch),
		differ("domain machine type", dst.OS.Type.Machine, src.OS.Type.Machine), differ("domain SMBIOS mode", mode(dst), mode(src))); err != nil {
		return err
	}
	if src.CPU == nil || dst.CPU == nil {
		if (src.CPU == nil) != (dst.CPU == nil) {
			return unsupported("Target CPU does not match source")
		}
		return nil
	}
	return first(differ("CPU mode", dst.CPU.Mode, src.CPU.Mode), differ("CPU model", dst.CPU.Model, src.CPU.Model))
}

// sameFeatures compares the features that are on or not, by what they print as.
func sameFeatures(src, dst *xml.Domain) error {
	text := func(f *xml.Features, name string) string {
		state := func(on bool) string {
			if on {
				return "on"
			}
			return "default"
		}
		if f == nil {
			f = &xml.Features{}
		}
		switch name {
		case "acpi":
			return state(f.ACPI)
		case "pae":
			return state(f.PAE)
		case "hyperv":
			return state(f.HyperV != nil)
		case "kvm":
			return state(f.KVM != nil)
		}
		eoi := "default"
		if f.APIC != nil && f.APIC.EOI != "" {
			eoi = string(f.APIC.EOI)
		}
		return state(f.APIC != nil) + ",eoi=" + eoi
	}
	for _, name := range []string{"acpi", "apic", "pae", "hyperv", "kvm"} {
		if a, b := text(src.Features, name), text(dst.Features, name); a != b {
			return unsupported("State of feature '%s' differs: source: '%s', destination: '%s'", name, a, b)
		}
	}
	return nil
}

func sameRest(src, dst *xml.Domain) error {
	if len(src.Sysinfo) != len(dst.Sysinfo) {
		return unsupported("Target domain count of sysinfo does not match source")
	}
	timers := func(d *xml.Domain) []xml.Timer {
		if d.Clock == nil {
			return nil
		}
		return d.Clock.Timers
	}
	a, b := timers(src), timers(dst)
	if len(a) != len(b) {
		return unsupported("Target domain timers do not match source")
	}
	for i := range a {
		if a[i].Name != b[i].Name || a[i].Present != b[i].Present {
			return unsupported("Target timer presence '%s' does not match source '%s'", b[i].Name, a[i].Name)
		}
	}
	if (src.Devices.Vsock == nil) != (dst.Devices.Vsock == nil) {
		return unsupported("Target domain vsock device count does not match source")
	}
	return nil
}

// stableKinds are the kinds of devices in the order in which they are compared,
// with the peer's words for their number.
var stableKinds = []struct{ kind, words string }{{"disk", "disk"}, {"controller", "controller"}, {"filesystem", "filesystem"}, {"interface", "net card"},
	{"input", "input device"}, {"sound", "sound card"}, {"video", "video card"}, {"hostdev", "host device"}, {"smartcard", "smartcard"},
	{"serial", "serial port"}, {"parallel", "parallel port"}, {"channel", "channel"}, {"console", "console"}, {"hub", "hub device"},
	{"redirdev", "redirected devices"}, {"watchdog", "watchdog device"}, {"memballoon", "memory balloon"}, {"rng", "RNG device"}, {"tpm", "TPM device"},
	{"shmem", "shared memory device"}, {"panic", "panic device"}, {"memory", "memory device"}}

func sameDevices(src, dst *xml.Domain) error {
	group := func(d *xml.Domain) map[string][]deviceView {
		m := make(map[string][]deviceView)
		eachDevice(d, func(v deviceView) { m[v.kind] = append(m[v.kind], v) })
		return m
	}
	a, b := group(src), group(dst)
	for _, k := range stableKinds {
		if err := differ("domain "+k.words+" count", len(b[k.kind]), len(a[k.kind])); err != nil {
			return err
		}
		for i := range a[k.kind] {
			if err := sameDevice(a[k.kind][i], b[k.kind][i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func sameDevice(src, dst deviceView) error {
	var err error
	switch a := src.v.(type) {
	case *xml.Disk:
		err = sameDisk(a, dst.v.(*xml.Disk))
	case *xml.Controller:
		err = sameController(a, dst.v.(*xml.Controller))
	case *xml.Interface:
		b := dst.v.(*xml.Interface)
		if a.MAC != nil && b.MAC != nil {
			err = differ("network card mac", b.MAC.Address, a.MAC.Address)
		}
		if err == nil && a.Model != nil && b.Model != nil {
			err = differ("network card model", b.Model.Type, a.Model.Type)
		}
	case *xml.Video:
		if b := dst.v.(*xml.Video); a.Model != nil && b.Model != nil {
			err = differ("video card model", b.Model.Type, a.Model.Type)
		}
	case *xml.Memballoon:
		err = differ("balloon model", dst.v.(*xml.Memballoon).Model, a.Model)
	case *xml.Input:
		b := dst.v.(*xml.Input)
		err = first(differ("input device type", b.Type, a.Type), differ("input device bus", b.Bus, a.Bus))
	case *xml.Chardev:
		if b := dst.v.(*xml.Chardev); src.kind == "channel" && a.Target != nil && b.Target != nil {
			err = first(differ("channel type", b.Target.Type, a.Target.Type), differ("channel name", orNull(b.Target.Name), orNull(a.Target.Name)))
		}
	}
	if err == nil && src.addr != nil && dst.addr != nil && *src.addr != nil && *dst.addr != nil {
		err = samePlace(**src.addr, **dst.addr)
	}
	return err
}

func sameDisk(a, b *xml.Disk) error {
	if err := differ("disk device", b.Device, a.Device); err != nil {
		return err
	}
	if a.Target != nil && b.Target != nil {
		if err := first(differ("disk bus", b.Target.Bus, a.Target.Bus), differ("disk", b.Target.Dev, a.Target.Dev)); err != nil {
			return err
		}
	}
	if err := first(differ("disk serial", orNull(b.Serial), orNull(a.Serial)), differ("disk wwn", "'"+orNull(b.WWN)+"'", "'"+orNull(a.WWN)+"'")); err != nil {
		return err
	}
	if a.Readonly != b.Readonly {
		return unsupported("Target disk access mode does not match source")
	}
	return nil
}

func sameController(a, b *xml.Controller) error {
	if err := differ("controller type", b.Type, a.Type); err != nil {
		return err
	}
	if a.Index != nil && b.Index != nil {
		if err := differ("controller index", *b.Index, *a.Index); err != nil {
			return err
		}
	}
	return differ("controller model", b.Model, a.Model)
}

func samePlace(src, dst xml.Address) error {
	if err := differ("device address type", dst.Type, src.Type); err != nil {
		return err
	}
	if src.Type != "pci" {
		return nil
	}
	text := func(a xml.Address) string {
		return fmt.Sprintf("%04x:%02x:%02x.%x", a.Domain, a.Bus, a.Slot, a.Function)
	}
	return differ("device PCI address", text(dst), text(src))
}
