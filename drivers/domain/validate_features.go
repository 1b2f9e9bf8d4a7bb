package domain

import "virgo/xml"

// checkFeatures checks the features against the machine and the emulator, in
// the order in which the peer does, and what this QEMU lacks.
func checkFeatures(d *xml.Domain, e *Emulator) error {
	if f := d.Features; f != nil {
		if err := checkMachineFeatures(d, f, e); err != nil {
			return err
		}
	}
	return nil
}

// checkSecurity refuses memory that is kept from the host: no QEMU of ours has it.
func checkSecurity(d *xml.Domain) error {
	if s := d.Security; s != nil && (s.Type == "sev" || s.Type == "sev-snp" || s.Type == "s390-pv") {
		return unsupported("'%s' launch security is not supported with this QEMU binary", s.Type)
	}
	return nil
}

// checkSealed measures what is handed to the launch of an SEV-SNP guest.
func checkSealed(d *xml.Domain, _ *Traits) error {
	s := d.Security
	if s == nil {
		return nil
	}
	for _, p := range []struct {
		name, text string
		size       int
	}{
		{"guestVisibleWorkarounds", s.GuestVisible, 16}, {"idBlock", s.IDBlock, 96}, {"idAuth", s.IDAuth, 4096}, {"hostData", s.HostData, 32},
	} {
		if n := base64Len(p.text); p.text != "" && n != p.size {
			return unsupported("Unexpected length of '%s', expected %d got %d", p.name, p.size, n)
		}
	}
	return nil
}

// base64Len is how many bytes a text in base64 stands for as the peer counts:
// only whole groups of four do, and other characters are passed over.
func base64Len(text string) int {
	count, fill := 0, 0
	for _, c := range []byte(text) {
		switch {
		case c == '=':
			fill++
		case c == '+' || c == '/' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
			fill = 0
		default:
			continue
		}
		count++
	}
	if count%4 != 0 {
		fill = 0
	}
	return count/4*3 - min(fill, 2)
}

// checkACPI wants firmware and ACPI together where one cannot be without the other.
func checkACPI(d *xml.Domain) error {
	acpi := d.Features != nil && d.Features.ACPI
	pflash := d.OS.Loader != nil && d.OS.Loader.Type == "pflash"
	if acpi && d.OS.Type.Arch == "aarch64" && isARMVirt(d) && !pflash && d.OS.Firmware == "" {
		return unsupported("ACPI requires UEFI on this architecture")
	}
	if !acpi && (d.OS.Firmware == "efi" && isARM(d) || isX86(d) && (d.OS.Firmware == "efi" || pflash)) {
		return unsupported("UEFI requires ACPI on this architecture")
	}
	return nil
}

func checkMachineFeatures(d *xml.Domain, f *xml.Features, e *Emulator) error {
	foreign := func(name string) string {
		return "The '" + name + "' feature is not supported for architecture '" + d.OS.Type.Arch + "' or machine type '" + d.OS.Type.Machine + "'"
	}
	power := func(name string, has bool) feature { return feature{has, isPSeries(d), foreign(name)} }
	offPS2 := f.PS2 != nil && f.PS2.State == "off"
	for _, r := range []feature{
		{f.APIC != nil && f.APIC.EOI != "", isX86(d), "The 'eoi' attribute of the 'apic' feature is not supported for architecture '" + d.OS.Type.Arch + "' or machine type '" + d.OS.Type.Machine + "'"},
		{f.HyperV != nil, isX86(d) || isARMVirt(d), "Hyperv features are not supported for architecture '" + d.OS.Type.Arch + "' or machine type '" + d.OS.Type.Machine + "'"},
		{f.PVSpinlock != nil, isX86(d), foreign("pvspinlock")},
		{f.PMU != nil && f.PMU.State == "off", !isPPC64(d), "PMU is always enabled for architecture '" + d.OS.Type.Arch + "'"},
		{f.VMPort != nil, isX86(d), "vmport is not available with this QEMU binary"},
		{f.VMPort != nil && f.VMPort.State == "on", !offPS2, "vmport feature requires the ps2 feature not to be disabled"},
		{f.GIC != nil, isARMVirt(d), foreign("gic")},
		{f.IOAPIC != nil, isX86(d), foreign("ioapic")},
		power("hpt", f.HPT != nil && (f.HPT.Resizing != "" || f.HPT.MaxPageSize > 0)),
		{f.VMCoreInfo != nil && f.VMCoreInfo.State != "off", e.has("vmcoreinfo"), "vmcoreinfo is not available with this QEMU binary"},
		power("htm", f.HTM != nil),
		power("nested-hv", f.NestedHV != nil),
		power("ccf-assist", f.CCFAssist != nil),
		power("cfpc", f.CFPC != nil),
		power("sbbc", f.SBBC != nil),
		power("ibs", f.IBS != nil),
		{f.TCG != nil, d.Type != "kvm", "TCG features are incompatible with domain type 'kvm'"},
		{f.TCG != nil && f.TCG.TBCache%1024 != 0, false, "tb-cache size must be an integer multiple of MiB"},
		{f.RAS != nil, isARMVirt(d), "ras feature is only supported with ARM Virt machines"},
		{f.PS2 != nil, isX86(d), "ps2 feature is not available with this QEMU binary"},
		{f.AIA != nil, isRISCVVirt(d), "aia feature is only supported with RISC-V Virt machines"},
	} {
		if r.written && !r.ok {
			return unsupported("%s", r.refusal)
		}
	}
	return nil
}

// feature is one that is written or not, whether the guest can have it, and
// what is said if not.
type feature struct {
	written, ok bool
	refusal     string
}
