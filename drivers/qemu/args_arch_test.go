package qemu

import (
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

// archRecorded is as much of an emulator of another architecture as a command line depends on.
func archRecorded(arch string) *Emulator {
	machines := map[string][]Machine{
		"aarch64": {{Name: "virt-10.0", DefaultCPU: "cortex-a15-arm-cpu", DefaultRAM: "mach-virt.ram"}, {Name: "raspi3b", DefaultRAM: "ram"}},
		"riscv64": {{Name: "sifive_u", DefaultCPU: "sifive-u54-riscv-cpu", DefaultRAM: "riscv.sifive.u.ram"}},
		"alpha":   {{Name: "clipper", DefaultCPU: "ev67-alpha-cpu", DefaultRAM: "ram"}},
		"sparc64": {{Name: "sun4u", DefaultCPU: "TI-UltraSparc-IIi-sparc64-cpu"}},
		"sparc":   {{Name: "SS-5", DefaultRAM: "sun4m.ram"}},
		"s390x":   {{Name: "s390-ccw-virtio-10.0", DefaultCPU: "qemu-s390x-cpu", DefaultRAM: "s390.ram"}},
		"ppc64":   {{Name: "pseries-10.0", DefaultCPU: "POWER10", DefaultRAM: "ppc_spapr.ram"}},
	}[arch]
	return &Emulator{Path: "/q/" + arch, Version: "10.0.2", Arch: arch, Virt: "qemu", Types: words([]string{"piix3-usb-uhci", "qemu-xhci"}), Machines: machines}
}

// Each row is what the peer's command line of such a guest says, or why there is none.
func TestArchArgs(t *testing.T) {
	const rng = "<rng model='virtio'><backend model='random'/>%</rng>"
	bridge := "<controller type='pci' index='0' model='pci-root'/><controller type='pci' index='1' model='pci-bridge'/>"
	for _, c := range []struct{ arch, machine, whole, devices, fails, says string }{
		{"riscv64", "sifive_u", "", rng, "Unexpected enum value 0 for virDomainDeviceAddressType", ""},
		{"ppc64", "pseries-10.0", "", strings.Replace(rng, "%", "<address type='drive'/>", 1), "Unexpected address type for 'virtio-rng'", ""},
		{"aarch64", "raspi3b", "", "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/><address type='pci'/></disk>", "Could not find PCI controller with index '0' required for device at address '0000:00:00.0'", ""},
		{"aarch64", "virt-10.0", "", "<console type='pty'><target type='virtio'/><address type='usb' bus='0'/></console>", "virtio serial device has invalid address type", ""},
		{"aarch64", "raspi3b", "", "<serial type='pty'><target type='system-serial'/></serial>", "Invalid target model for serial device", ""},
		{"s390x", "s390-ccw-virtio-10.0", "", "<controller type='usb' model='nec-xhci'/>", "USB controller model 'nec-xhci' not supported in this QEMU binary", ""},
		{"s390x", "s390-ccw-virtio-10.0", "", "<serial type='pty'><target type='pci-serial'/></serial>", "'pci-serial' is not supported in this QEMU binary", ""},
		{"aarch64", "raspi3b", "", "<shmem name='a'><model type='ivshmem-plain'/></shmem>", "only 'pci' addresses are supported for the shared memory device", ""},
		{"alpha", "clipper", "<features><pmu state='on'/></features>", "", "CPU flags requested but can't determine default CPU for arch alpha", ""},
		{"aarch64", "virt-10.0", "<features><hyperv><emsr_bitmap state='on'/><ipi state='on'/></hyperv></features>", "", "", "hv-ipi=on,hv-emsr_bitmap=on"},
		{"ppc64", "pseries-10.0", "<features><pmu state='on'/><kvm><hidden state='on'/></kvm></features>", "", "", "\n-cpu\nPOWER10,kvm=off\n"},
		{"ppc64", "pseries-10.0", "", "<serial type='pty'><target type='spapr-vio-serial'/><address type='pci' slot='7'/></serial>", "", `{"driver":"spapr-vty","chardev":"charserial0","id":"serial0"}`},
		{"alpha", "clipper", "", bridge, "", `"id":"pci","bus":"pci"`},
		{"sparc", "SS-5", "", "<disk type='file'><source file='/a'/><target dev='sdc' bus='scsi'/></disk>", "", `"bus":"scsi.0","scsi-id":2,`},
		{"sparc64", "sun4u", "<memoryBacking><source type='file'/><allocation mode='immediate'/></memoryBacking>", "", "", "\n-mem-prealloc\n-mem-path\n/root/lib/qemu/ram/-1-r/ram\n"},
	} {
		e := archRecorded(c.arch)
		described := describe(e, c.arch)
		described.Has = nil
		traits := &domain.Traits{QEMU: &domain.QEMU{HostArch: "x86_64", Emulators: []domain.Emulator{*described}}}
		doc := "<domain type='qemu'><name>r</name><memory unit='MiB'>256</memory><os><type arch='" + c.arch + "' machine='" + c.machine + "'>hvm</type></os>" +
			c.whole + "<devices>" + strings.Replace(c.devices, "%", "", 1) + "<memballoon model='none'/></devices></domain>"
		dom, err := domain.Parse(xml.Source{Data: []byte(doc)}, traits)
		if err != nil {
			t.Errorf("%s: %v", doc, err)
			continue
		}
		domain.AssignAliases(dom)
		b := Build{Emulator: e, Layout: layoutAt(drivers.RootAt("/root")), ID: -1, Path: "/bin", MasterKey: make([]byte, masterKeySize)}
		if dom.CPU != nil {
			b.CPU = dom.CPU.Model
		}
		argv, _, err := Args(dom, b)
		switch {
		case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
			t.Errorf("%s: %v, want %s", doc, err, c.fails)
		case c.fails == "" && err != nil:
			t.Errorf("%s: %v", doc, err)
		case c.fails == "" && !strings.Contains(strings.Join(argv, "\n"), c.says):
			t.Errorf("%s: lacks %q:\n%s", doc, c.says, strings.Join(argv, "\n"))
		}
	}
}

// A guest that says nothing of its CPU gets a cell for memory when it starts.
func TestPlugCell(t *testing.T) {
	d := &xml.Domain{Memory: &xml.MemorySize{KiB: 1 << 18}, MaxMemory: &xml.MaxMemory{KiB: 1 << 20, Slots: 2}, VCPU: &xml.VCPU{Count: 2}}
	domain.PlugCell(d)
	if d.CPU == nil || d.CPU.NUMA == nil || len(d.CPU.NUMA.Cells) != 1 || d.CPU.NUMA.Cells[0].CPUs != "0-1" || d.CPU.NUMA.Cells[0].Memory != 1<<18 {
		t.Errorf("%+v", d.CPU)
	}
}
