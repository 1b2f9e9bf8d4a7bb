package domain

import (
	"strings"

	"virgo/xml"
)

func isX86(d *xml.Domain) bool { return d.OS.Type.Arch == "x86_64" || d.OS.Type.Arch == "i686" }

func isPPC64(d *xml.Domain) bool { return strings.HasPrefix(d.OS.Type.Arch, "ppc64") }

func isS390(d *xml.Domain) bool { return strings.HasPrefix(d.OS.Type.Arch, "s390") }

func isRISCV(d *xml.Domain) bool { return strings.HasPrefix(d.OS.Type.Arch, "riscv") }

func isLoongArch(d *xml.Domain) bool { return d.OS.Type.Arch == "loongarch64" }

func isARM(d *xml.Domain) bool {
	return strings.HasPrefix(d.OS.Type.Arch, "arm") || d.OS.Type.Arch == "aarch64"
}

// machineIs tells whether the machine is name or a version of it.
func machineIs(d *xml.Domain, name string) bool {
	return d.OS.Type.Machine == name || strings.HasPrefix(d.OS.Type.Machine, name+"-")
}

// IsQ35 tells whether the machine is a version of q35.
func IsQ35(d *xml.Domain) bool {
	return isX86(d) && (d.OS.Type.Machine == "q35" || machineIs(d, "pc-q35"))
}

// IsI440FX tells whether the machine is a version of pc.
func IsI440FX(d *xml.Domain) bool {
	m := d.OS.Type.Machine
	if !isX86(d) {
		return false
	}
	return m == "pc" || m == "rhel6" || machineIs(d, "pc-i440fx") ||
		strings.HasPrefix(m, "pc-0.") || strings.HasPrefix(m, "pc-1.") || strings.HasPrefix(m, "rhel")
}

func isPSeries(d *xml.Domain) bool { return isPPC64(d) && machineIs(d, "pseries") }

func isARMVirt(d *xml.Domain) bool { return isARM(d) && machineIs(d, "virt") }

func isRISCVVirt(d *xml.Domain) bool { return isRISCV(d) && machineIs(d, "virt") }

func isLoongArchVirt(d *xml.Domain) bool { return isLoongArch(d) && machineIs(d, "virt") }

// hasPCIERoot tells whether bus 0 is PCI Express.
func hasPCIERoot(d *xml.Domain) bool {
	return IsQ35(d) || isARMVirt(d) || isRISCVVirt(d) || isLoongArch(d)
}

// NumberedBuses tells whether the machine's PCI buses have numbers in their names.
// Elsewhere all of them are called "pci".
func NumberedBuses(d *xml.Domain) bool {
	return isX86(d) || isS390(d) || strings.HasPrefix(d.OS.Type.Arch, "ppc") || hasPCIERoot(d)
}

// madeUp tells whether the machine has no model in hardware: all its devices
// are virtio.
func madeUp(d *xml.Domain) bool {
	return isARMVirt(d) || isRISCVVirt(d) || isLoongArchVirt(d) || isS390(d)
}

// Serves tells whether an emulator of one architecture runs guests of another.
func Serves(emulator, guest string) bool {
	return emulator == guest || emulator == "x86_64" && guest == "i686" || emulator == "aarch64" && guest == "armv7l" ||
		emulator == "armv7l" && guest == "armv6l" || emulator == "ppc64" && guest == "ppc64le"
}
