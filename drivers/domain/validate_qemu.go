package domain

import "virgo/xml"

// checkMachine checks what the emulator and the machine can do.
func checkMachine(d *xml.Domain, t *Traits) error {
	if t.QEMU == nil {
		return nil
	}
	if d.Bootloader != "" || d.BootArgs != "" {
		return unsupported("bootloader is not supported by QEMU")
	}
	e, err := t.QEMU.find(d)
	if err != nil {
		return err
	}
	if !Serves(e.Arch, d.OS.Type.Arch) {
		return unsupported("Emulator '%s' does not support arch '%s'", e.Path, d.OS.Type.Arch)
	}
	known, limit := len(e.Machines) == 0, 0
	for _, m := range e.Machines {
		if m.Name == d.OS.Type.Machine {
			known, limit = true, m.MaxCPUs
		}
	}
	if !known {
		return unsupported("Emulator '%s' does not support machine type '%s'", e.Path, d.OS.Type.Machine)
	}
	if n := hotplugThreads(d); n > 1 && d.VCPU.Current%n != 0 {
		return unsupported("vCPUs count must be a multiple of the vCPU hotplug granularity (%d)", n)
	}
	if limit > 0 && int(d.VCPU.Count) > limit {
		return unsupported("Maximum CPUs greater than specified machine type limit %d", limit)
	}
	if d.OS.Type.Text != "hvm" {
		return unsupported("Emulator '%s' does not support os type '%s'", e.Path, d.OS.Type.Text)
	}
	if err := checkLimits(d, t.QEMU); err != nil {
		return err
	}
	for _, check := range []func(*xml.Domain) error{checkCPU, checkMemories, checkTimers} {
		if err := check(d); err != nil {
			return err
		}
	}
	if c := d.CPUTune; c != nil && d.Type != "kvm" && (len(c.CacheTunes) > 0 || len(c.MemoryTunes) > 0) {
		return unsupported("cachetune is only supported for KVM domains")
	}
	if err := checkFeatures(d, e); err != nil {
		return err
	}
	if err := checkFirmwareNames(d); err != nil {
		return err
	}
	if err := checkCounts(d); err != nil {
		return err
	}
	if err := checkConsoleKinds(d); err != nil {
		return err
	}
	return checkPanics(d, e.has)
}

// hotplugThreads is how many vCPUs come and go at once: POWER's cores.
func hotplugThreads(d *xml.Domain) uint {
	if !isPSeries(d) || d.CPU == nil || d.CPU.Topology == nil {
		return 1
	}
	return uint(d.CPU.Topology.Threads)
}

// checkTSEG checks the memory that system management mode gets.
func checkTSEG(d *xml.Domain) error {
	f := d.Features
	if f == nil || f.SMM == nil || f.SMM.TSEG == nil {
		return nil
	}
	bytes, _ := xml.Scale(f.SMM.TSEG.Value, f.SMM.TSEG.Unit, 1<<20)
	if !IsQ35(d) {
		return unsupported("SMM TSEG is only supported with q35 machine type")
	}
	if bytes%(1<<20) != 0 {
		return unsupported("SMM TSEG size must be divisible by 1 MiB")
	}
	return nil
}

// checkLimits checks what lies around the devices.
func checkLimits(d *xml.Domain, q *QEMU) error {
	if m := d.MemTune; m != nil && m.MinGuarantee > 0 {
		return unsupported("Parameter 'min_guarantee' not supported by QEMU.")
	}
	efi := d.OS.Firmware == "efi" && isARM(d) || isX86(d) && (d.OS.Firmware == "efi" || d.OS.Loader != nil && d.OS.Loader.Type == "pflash")
	if efi && (d.Features == nil || !d.Features.ACPI) {
		return unsupported("UEFI requires ACPI on this architecture")
	}
	if l := d.OS.Loader; l != nil && l.Secure == "yes" {
		if !IsQ35(d) {
			return unsupported("Secure boot is supported with q35 machine types only")
		}
		if d.Features == nil || d.Features.SMM == nil || d.Features.SMM.State != "on" {
			return unsupported("Secure boot requires SMM feature enabled")
		}
	}
	return nil
}

func checkCPU(d *xml.Domain) error {
	c := d.CPU
	if c == nil {
		return nil
	}
	if c.Mode == "maximum" && isPPC64(d) {
		return unsupported("maximum CPU is not supported by QEMU binary")
	}
	disabled, lengths := false, false
	for _, f := range c.Features {
		disabled = disabled || f.Name == "sve" && f.Policy == "disable"
		lengths = lengths || isVectorLength(f.Name)
	}
	if disabled && lengths {
		return unsupported("SVE disabled, but SVE vector lengths provided")
	}
	if k := c.Cache; k != nil {
		switch k.Mode {
		case "passthrough":
			if c.Mode != "host-passthrough" && c.Mode != "maximum" {
				return unsupported("CPU cache mode '%s' can only be used with '%s' / '%s' CPUs", k.Mode, "host-passthrough", "maximum")
			}
			if k.Level > 0 {
				return unsupported("unsupported CPU cache level for mode '%s'", k.Mode)
			}
		case "emulate":
			if k.Level != 3 {
				return unsupported("CPU cache mode '%s' can only be used with level='3'", k.Mode)
			}
		case "disable":
			if k.Level > 0 {
				return unsupported("unsupported CPU cache level for mode '%s'", k.Mode)
			}
		}
	}
	if a := c.MaxPhysAddr; a != nil && a.Mode == "passthrough" {
		if c.Mode != "host-passthrough" && c.Mode != "maximum" {
			return unsupported("CPU maximum physical address bits mode '%s' can only be used with '%s' / '%s' CPUs", a.Mode, "host-passthrough", "maximum")
		}
		if a.Bits > 0 {
			return unsupported("CPU maximum physical address bits number specification cannot be used with mode='%s'", a.Mode)
		}
	}
	if t := c.Topology; t != nil && t.Sockets > 0 {
		n := t.Sockets * max(t.Dies, 1) * max(t.Clusters, 1) * t.Cores * t.Threads
		if uint(n) != d.VCPU.Count {
			return unsupported("CPU topology doesn't match maximum vcpu count")
		}
	}
	return nil
}
