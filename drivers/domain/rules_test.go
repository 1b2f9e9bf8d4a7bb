package domain

import (
	"strings"
	"testing"

	"virgo/xml"
)

// rulesTraits is a host with emulators of several architectures.
func rulesTraits() *Traits {
	x86 := func(name string) bool { return name != "vfio-ccw" && name != "vfio-ap" }
	arm := func(name string) bool { return name != "vfio-ccw" && name != "vfio-ap" && name != "virtio-pmem-pci" }
	power := func(name string) bool { return name != "vmcoreinfo" && name != "virtio-mem-pci" }
	s390 := func(name string) bool { return name != "pc-dimm" && name != "nvdimm" && name != "vmcoreinfo" }
	return &Traits{QEMU: &QEMU{HostArch: "x86_64", NVRAMDir: "/n", Emulators: []Emulator{
		{Path: "/q/x86_64", Arch: "x86_64", Has: x86, Machines: []Machine{{Name: "pc-i440fx-10.0", Alias: "pc", Default: true}, {Name: "pc-q35-10.0", Alias: "q35"}}},
		{Path: "/q/aarch64", Arch: "aarch64", Has: arm, Machines: []Machine{{Name: "virt-10.0", Alias: "virt", DefaultCPU: "cortex-a15"}}},
		{Path: "/q/ppc64", Arch: "ppc64", Has: power, Machines: []Machine{{Name: "pseries-10.0", Alias: "pseries", DefaultCPU: "POWER10"}}},
		{Path: "/q/s390x", Arch: "s390x", Has: s390, Machines: []Machine{{Name: "s390-ccw-virtio-10.0", Alias: "s390-ccw-virtio", DefaultCPU: "qemu"}}},
	}}}
}

// ruleDoc is a small domain with more in it.
func ruleDoc(arch, machine, whole, devices string) []byte {
	return []byte("<domain type='qemu'><name>r</name><memory unit='GiB'>1</memory><os><type arch='" + arch + "' machine='" + machine +
		"'>hvm</type></os>" + whole + "<devices>" + devices + "</devices></domain>")
}

// Each row is what one rule says: an error, or a part of the printed document.
func TestRules(t *testing.T) {
	const max = "<maxMemory slots='2' unit='GiB'>8</maxMemory>"
	for _, c := range []struct {
		name, arch, machine, whole, devices string
		fails, prints                       string
	}{
		{"timer of x86", "s390x", "s390-ccw-virtio", "<clock offset='utc'><timer name='tsc' present='yes'/></clock>", "", "Configuring the 'tsc' timer is not supported", ""},
		{"timer without track", "x86_64", "pc", "<clock offset='utc'><timer name='pit' track='boot'/></clock>", "", "timer pit doesn't support setting of timer track", ""},
		{"catchup without policy", "x86_64", "pc", "<clock offset='utc'><timer name='pit'><catchup slew='1'/></timer></clock>", "", "only supported with tickpolicy='catchup'", ""},
		{"hyperv on POWER", "ppc64", "pseries", "<features><hyperv><relaxed state='on'/></hyperv></features>", "", "Hyperv features are not supported", ""},
		{"ras elsewhere", "x86_64", "pc", "<features><ras state='on'/></features>", "", "ras feature is only supported with ARM Virt machines", ""},
		{"ACPI on s390", "s390x", "s390-ccw-virtio", "<features><acpi/></features>", "", "does not support ACPI", ""},
		{"serial of PCs elsewhere", "aarch64", "virt", "", "<serial type='pty'><target type='isa-serial'/></serial>", "", "<model name='pl011'/>"},
		{"serial's model", "x86_64", "pc", "", "<serial type='pty'><target type='isa-serial'><model name='pl011'/></target></serial>", "Target model 'pl011' requires target type 'system-serial'", ""},
		{"serial's address", "x86_64", "pc", "", "<serial type='pty'><address type='pci'/></serial>", "requires address type 'isa'", ""},
		{"DIMM's node", "x86_64", "pc", max, "<memory model='dimm'><target><size unit='MiB'>512</size></target></memory>", "", "<node>0</node>"},
		{"DIMM on POWER", "ppc64", "pseries", max, "<memory model='dimm'><target><size unit='MiB'>300</size></target></memory>", "", "<size unit='KiB'>524288</size>"},
		{"DIMM on s390", "s390x", "s390-ccw-virtio", max, "<memory model='dimm'><target><size unit='MiB'>512</size></target></memory>", "memory hotplug isn't supported", ""},
		{"slots", "x86_64", "pc", max, "<memory model='dimm'><target><size unit='MiB'>1</size></target><address type='dimm' slot='2'/></memory>", "slot '2' exceeds slots count '2'", ""},
		{"blocks of virtio-mem", "x86_64", "pc", max, "<memory model='virtio-mem'><target><size unit='MiB'>512</size><block unit='MiB'>3</block></target></memory>", "block size must be a power of two", ""},
		{"host bridge that is missing", "ppc64", "pseries", "", "<controller type='scsi' model='virtio-scsi'><address type='pci' bus='1' slot='1'/></controller>", "", "<target index='1'/>"},
		{"vectors", "aarch64", "virt", "<cpu mode='host-passthrough'><feature policy='require' name='sve512'/></cpu>", "", "", "<feature policy='require' name='sve'/>"},
		{"vCPUs of a core", "ppc64", "pseries", "<vcpu current='2'>8</vcpu><cpu><topology sockets='1' cores='2' threads='4'/></cpu>", "", "hotplug granularity (4)", ""},
		{"no CCW", "x86_64", "pc", "", "<hostdev mode='subsystem' type='mdev' model='vfio-ccw'><source><address uuid='90c6c135-ad44-41d0-b1b7-bae47de48627'/></source></hostdev>", "VFIO CCW device assignment is not supported", ""},
		{"virtiofs alone", "x86_64", "pc", "", "<filesystem><driver type='virtiofs'/><source socket='/a'/><target dir='b'/></filesystem>", "'virtiofs' requires shared memory", ""},
		{"SPICE's channel alone", "x86_64", "pc", "", "<channel type='spicevmc'><target type='virtio'/></channel>", "not supported without spice graphics", ""},
		{"port in use", "x86_64", "pc", "", "<channel type='pty'><target type='virtio'/><address type='virtio-serial' port='1'/></channel><channel type='pty'><target type='virtio'/><address type='virtio-serial' port='1'/></channel>", "port 1 on controller 0 is already occupied", ""},
		{"switches", "x86_64", "pc", "", "<interface type='user'><model type='e1000'/><driver iommu='on'/></interface>", "iommu driver option is only supported for virtio devices", ""},
		{"a companion alone", "x86_64", "q35", "", "<controller type='usb'/><controller type='usb' model='ich9-uhci1'/>", "", "bus='0x00' slot='0x1d' function='0x0' multifunction='on'/>"},
		{"companions beside one elsewhere", "x86_64", "q35", "", "<controller type='usb' index='0' model='ich9-ehci1'><address type='pci' bus='0' slot='7' function='7'/></controller><controller type='usb' index='0' model='ich9-uhci1'/><controller type='usb' index='0' model='ich9-uhci2'/>", "", "bus='0x00' slot='0x07' function='0x1'/>"},
		{"unassigned", "x86_64", "pc", "", "<rng model='virtio'><backend model='random'/><address type='unassigned'/></rng>", "supported only for hostdevs", ""},
		{"acpi index", "x86_64", "pc", "", "<watchdog model='i6300esb'><acpi index='3'/></watchdog>", "", "<acpi index='3'/>"},
		{"ROM", "x86_64", "pc", "", "<interface type='user'><rom enabled='no' bar='off'/></interface>", "ROM tuning is not supported", ""},
		{"passt", "x86_64", "pc", "", "<interface type='user'><portForward proto='tcp'/></interface>", "'passt' backend", ""},
		{"shares", "x86_64", "pc", "<cputune><period>999</period></cputune>", "", "Value of cputune 'period' must be in range [1000, 1000000]", ""},
		{"events", "x86_64", "pc", "<perf><event name='cmt' enabled='yes'/><event name='cmt' enabled='no'/></perf>", "", "perf event 'cmt' was already specified", ""},
		{"ciphers", "s390x", "s390-ccw-virtio", "<keywrap><cipher name='aes' state='on'/><cipher name='aes' state='on'/></keywrap>", "", "no more than one cipher node with name aes", ""},
		{"time zone", "x86_64", "pc", "<clock offset='timezone'/>", "", "missing 'timezone' attribute", ""},
		{"block weight", "x86_64", "pc", "<blkiotune><device><path>/a</path><weight>200</weight></device><device><path>/a</path></device></blkiotune>", "", "duplicate blkio device path '/a'", ""},
		{"sound without backend", "x86_64", "pc", "", "<sound model='ich9'><audio id='7'/></sound>", "no audio device with ID 7", ""},
		{"SCSI host device's controller", "x86_64", "pc", "", "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='1' unit='2'/></source></hostdev>", "",
			"<controller type='scsi' index='0' model='lsilogic'>\n      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>\n    </controller>\n    <controller type='usb'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			traits := rulesTraits()
			d, err := Parse(xml.Source{Data: ruleDoc(c.arch, c.machine, c.whole, c.devices)}, traits)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("got %v, want %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			out, err := Print(d, traits, 0)
			if err != nil || !strings.Contains(string(out), c.prints) {
				t.Errorf("%v: no %q in\n%s", err, c.prints, out)
			}
		})
	}
}
