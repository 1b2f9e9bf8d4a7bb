package qemu

import (
	"fmt"
	"strings"

	"virgo/xml"
)

func isARM(arch string) bool   { return strings.HasPrefix(arch, "arm") || arch == "aarch64" }
func isPPC64(arch string) bool { return strings.HasPrefix(arch, "ppc64") }
func isS390(arch string) bool  { return strings.HasPrefix(arch, "s390") }

// isVirt tells whether the machine is QEMU's made-up board of ARM, RISC-V or
// LoongArch, which has what real boards lack: ACPI, PCI Express.
func isVirt(arch, machine string) bool {
	return (machine == "virt" || strings.HasPrefix(machine, "virt-")) &&
		(isARM(arch) || strings.HasPrefix(arch, "riscv") || arch == "loongarch64")
}

// machineArch adds the properties of machines other than PCs.
func (a *args) machineArch(f *xml.Features, add func(name, value string)) {
	arch := a.d.OS.Type.Arch
	if f.GIC != nil {
		switch {
		case a.Emulator.Arch == "aarch64":
			add("gic-version", f.GIC.Version)
		case f.GIC.Version != "2": // which the board has anyway
			a.fail(xml.CodeConfigUnsupported, "gic-version option is not available with this QEMU binary")
		}
	}
	if f.AIA != nil {
		add("aia", f.AIA.Value)
	}
	if v := a.d.Devices.IOMMU; v != nil && v.Model == "smmuv3" {
		add("iommu", "smmuv3")
	}
	if f.HPT != nil {
		add("resize-hpt", f.HPT.Resizing)
		if f.HPT.MaxPageSize > 0 {
			add("cap-hpt-max-page-size", utoa(uint64(f.HPT.MaxPageSize))+"k")
		}
	}
	add("cap-htm", state(f.HTM))
	add("cap-nested-hv", state(f.NestedHV))
	add("cap-ccf-assist", state(f.CCFAssist))
	if f.CFPC != nil {
		add("cap-cfpc", f.CFPC.Value)
	}
	if f.SBBC != nil {
		add("cap-sbbc", f.SBBC.Value)
	}
	if f.IBS != nil {
		add("cap-ibs", f.IBS.Value)
	}
	add("ras", state(f.RAS))
	if isS390(arch) {
		for _, k := range a.d.KeyWrap {
			add(k.Name+"-key-wrap", string(k.State))
		}
	}
}

// wholeMemory rounds a size in KiB up to what QEMU takes: MiB, on POWER pieces
// of 256 MiB, the size in which its memory comes and goes.
func wholeMemory(arch string, kib uint64) uint64 {
	piece := uint64(1024)
	if isPPC64(arch) {
		piece = 256 << 10
	}
	return (kib + piece - 1) / piece * piece
}

// nvram is where POWER's persistent memory sits.
func (a *args) nvram() {
	if v := a.d.Devices.NVRAM; v != nil && v.Address != nil && v.Address.Reg != nil {
		a.add("-global", fmt.Sprintf("spapr-nvram.reg=0x%x", *v.Address.Reg))
	}
}
