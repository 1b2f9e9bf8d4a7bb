package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// checkQEMU checks what the emulator and the machine can do, in the peer's order.
func checkQEMU(d *xml.Domain, t *Traits) error {
	if t.QEMU == nil {
		return nil
	}
	e, err := t.QEMU.find(d)
	if err != nil {
		return err
	}
	switch {
	case d.OS.Type.Text != "hvm":
		return unsupported("Emulator '%s' does not support os type '%s'", e.Path, d.OS.Type.Text)
	case !Serves(e.Arch, d.OS.Type.Arch):
		return unsupported("Emulator '%s' does not support arch '%s'", e.Path, d.OS.Type.Arch)
	case d.Type != "qemu" && !(d.Type == "kvm" && e.Native):
		return unsupported("Emulator '%s' does not support virt type '%s'", e.Path, d.Type)
	case !e.hasMachine(d.OS.Type.Machine):
		return unsupported("Emulator '%s' does not support machine type '%s'", e.Path, d.OS.Type.Machine)
	}
	if d.Features != nil && d.Features.ACPI && !isX86(d) && !hasPCIERoot(d) {
		return unsupported("machine type '%s' does not support ACPI", d.OS.Type.Machine)
	}
	if m := d.MemTune; m != nil && m.MinGuarantee > 0 {
		return unsupported("Parameter 'min_guarantee' not supported by QEMU.")
	}
	if d.GenID != nil && !isX86(d) {
		return unsupported("this QEMU does not support the 'genid' capability")
	}
	if err := checkACPI(d); err != nil {
		return err
	}
	if b := d.OS.BIOS; b != nil && b.UseSerial == "yes" && !isX86(d) {
		return unsupported("BIOS serial console only supported on x86 architectures")
	}
	if err := qemuVariables(d.OS.NVRAM); err != nil {
		return err
	}
	for _, check := range []func(*xml.Domain) error{checkActions, checkCPU, checkMemories, checkTimers, checkSleep, checkBoot} {
		if err := check(d); err != nil {
			return err
		}
	}
	if err := checkCPUCount(d, e); err != nil {
		return err
	}
	if c := d.CPUTune; c != nil && d.Type != "kvm" && (len(c.CacheTunes) > 0 || len(c.MemoryTunes) > 0) {
		return unsupported("cachetune is only supported for KVM domains")
	}
	if err := checkFeatures(d, e); err != nil {
		return err
	}
	if err := checkConsoleKinds(d, e); err != nil {
		return err
	}
	if err := checkFirmwareNames(d); err != nil {
		return err
	}
	if err := checkPanics(d, e.has); err != nil {
		return err
	}
	if err := checkTPMCount(d); err != nil {
		return err
	}
	return checkSecurity(d)
}

// qemuVariables checks where the firmware's variables lie.
func qemuVariables(n *xml.NVRAMFile) error {
	if n == nil || n.Type == "" {
		return nil
	}
	if n.Type != "file" && n.Type != "block" && n.Type != "network" {
		return unsupported("unsupported nvram disk type '%s'", n.Type)
	}
	s := n.Source
	if s == nil {
		return nil
	}
	if s.Reservations != nil {
		return unsupported("persistent reservations are not supported with NVRAM")
	}
	im := image{kind: n.Type, format: n.Format, source: s}
	if s.Encryption != nil {
		im.crypts = []*xml.Encryption{s.Encryption}
	}
	return im.check()
}

// hasMachine tells whether the emulator has a machine, as far as is known.
func (e *Emulator) hasMachine(name string) bool {
	return len(e.Machines) == 0 || slices.ContainsFunc(e.Machines, func(m Machine) bool { return m.Name == name })
}

// CheckActions refuses what a QEMU guest's end cannot be followed by.
func CheckActions(d *xml.Domain) error {
	if err := checkLifecycle(d, nil); err != nil {
		return err
	}
	return checkActions(d)
}

// checkActions refuses what QEMU does not do when the guest ends.
func checkActions(d *xml.Domain) error {
	for _, a := range []string{d.OnReboot, d.OnPoweroff, d.OnCrash} {
		if a == "rename-restart" {
			return unsupported("qemu driver doesn't support the 'rename-restart' action for 'on_reboot'/'on_poweroff'/'on_crash'")
		}
	}
	if d.OnReboot == "preserve" || d.OnPoweroff == "preserve" {
		return unsupported("qemu driver doesn't support the 'preserve' action for 'on_reboot'/'on_poweroff'")
	}
	if d.OnReboot == "destroy" && d.OnPoweroff == "restart" {
		return unsupported("qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'")
	}
	return nil
}

// checkThreadPools checks the numbers of threads for disk traffic.
func checkThreadPools(d *xml.Domain, _ *Traits) error {
	check := func(least, most *int) error {
		switch {
		case most != nil && *most == 0:
			return unsupported("thread_pool_max must be a positive integer")
		case least != nil && (most == nil || *least > *most):
			return unsupported("thread_pool_min must be smaller or equal to thread_pool_max")
		}
		return nil
	}
	for _, t := range d.IOThreadIDs {
		if err := check(t.Min, t.Max); err != nil {
			return err
		}
	}
	if io := d.DefaultIO; io != nil {
		return check(io.Min, io.Max)
	}
	return nil
}

// checkSleep refuses to say which sleeping states there are, but on PCs.
func checkSleep(d *xml.Domain) error {
	if p := d.PM; p != nil && !isX86(d) && (p.Mem != nil && p.Mem.Enabled != "" || p.Disk != nil && p.Disk.Enabled != "") {
		return unsupported("setting ACPI S3/S4 not supported")
	}
	return nil
}

// checkLifecycle refuses dumps of guests that have not crashed.
func checkLifecycle(d *xml.Domain, _ *Traits) error {
	for _, a := range []struct{ event, action string }{{"poweroff", d.OnPoweroff}, {"reboot", d.OnReboot}} {
		if strings.HasPrefix(a.action, "coredump-") {
			return unsupported("Lifecycle event '%s' doesn't support '%s' action", a.event, a.action)
		}
	}
	return nil
}

// checkBoot checks what the guest boots with.
func checkBoot(d *xml.Domain) error {
	if d.Bootloader != "" || d.BootArgs != "" {
		return unsupported("bootloader is not supported by QEMU")
	}
	if b := d.OS.BIOS; b != nil && b.UseSerial == "yes" && len(d.Devices.Serials) == 0 {
		return xml.Errorf(xml.CodeXML, "need at least one serial port to use BIOS serial output")
	}
	if l := d.OS.Loader; l != nil && l.Secure == "yes" {
		if !IsQ35(d) {
			return unsupported("Secure boot is supported with q35 machine types only")
		}
		if d.Features == nil || d.Features.SMM == nil || d.Features.SMM.State != "on" {
			return unsupported("Secure boot requires SMM feature enabled")
		}
	}
	for _, t := range d.OS.ACPITables {
		if t.Type == "rawset" {
			return unsupported("ACPI table type 'rawset' is not supported")
		}
	}
	return nil
}

// checkCPUCount checks the number of vCPUs against machine and topology.
func checkCPUCount(d *xml.Domain, e *Emulator) error {
	limit := 0
	for i := range e.Machines {
		if e.Machines[i].Name == d.OS.Type.Machine {
			limit = e.Machines[i].MaxCPUs
		}
	}
	if limit > 0 && int(d.VCPU.Count) > limit {
		return unsupported("Maximum CPUs greater than specified machine type limit %d", limit)
	}
	if t := topology(d); t != nil {
		n := t.Sockets * max(t.Dies, 1) * max(t.Clusters, 1) * t.Cores * t.Threads
		if uint(n) != d.VCPU.Count {
			return unsupported("CPU topology doesn't match maximum vcpu count")
		}
	}
	if v := d.Devices.IOMMU; d.VCPU.Count > 255 && IsQ35(d) && (v == nil || v.Driver == nil || v.Driver.EIM != "on") {
		return unsupported("more than 255 vCPUs require extended interrupt mode enabled on the iommu device")
	}
	if n := hotplugThreads(d); n > 1 && d.VCPU.Current%n != 0 {
		return unsupported("vCPUs count must be a multiple of the vCPU hotplug granularity (%d)", n)
	}
	return nil
}

// topology is how the definition arranges the CPUs; nil if it does not.
func topology(d *xml.Domain) *xml.CPUTopology {
	if d.CPU == nil || d.CPU.Topology == nil || d.CPU.Topology.Sockets == 0 {
		return nil
	}
	return d.CPU.Topology
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

func checkCPU(d *xml.Domain) error {
	c := d.CPU
	if c == nil {
		return nil
	}
	if c.MaxPhysAddr != nil && !isX86(d) {
		return unsupported("CPU maximum physical address bits specification is not supported for '%s' architecture", d.OS.Type.Arch)
	}
	if c.Cache != nil && !isX86(d) {
		return unsupported("CPU cache specification is not supported for '%s' architecture", d.OS.Type.Arch)
	}
	if c.Mode == "host-passthrough" && c.Migratable == "on" && !isX86(d) {
		return unsupported("Migratable attribute for host-passthrough CPU is not supported by this QEMU binary")
	}
	if c.Mode == "maximum" && !hasMaximum(d) {
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
	if err := checkPhysBits(c); err != nil {
		return err
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
	return nil
}

// hasMaximum tells whether QEMU has the CPU with all that it knows.
func hasMaximum(d *xml.Domain) bool {
	return isX86(d) || isARM(d) || isS390(d) || isRISCV(d) || isLoongArch(d)
}

// checkPhysBits checks the size of the guest's addresses.
func checkPhysBits(c *xml.CPU) error {
	a := c.MaxPhysAddr
	if a == nil || a.Mode != "passthrough" {
		return nil
	}
	if a.Bits > 0 {
		return unsupported("CPU maximum physical address bits number specification cannot be used with mode='%s'", a.Mode)
	}
	if c.Mode != "host-passthrough" && c.Mode != "maximum" {
		return unsupported("CPU maximum physical address bits mode '%s' can only be used with '%s' / '%s' CPUs", a.Mode, "host-passthrough", "maximum")
	}
	return nil
}
