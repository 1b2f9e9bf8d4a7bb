package domain

import (
	"slices"
	"strings"
	"testing"

	"virgo/xml"
)

// archTraits is a host with emulators of many architectures, each without the
// devices that QEMU's own lacks there.
func archTraits() *Traits {
	bridges := []string{"pcie-root-port", "pcie-pci-bridge", "ioh3420", "PIIX4_PM", "pvpanic-pci"}
	noPCI := append([]string{"pci-bridge", "i82801b11-bridge", "virtio-rng-pci", "virtio-rng-ccw", "virtio-rng-device", "ramfb"}, bridges...)
	s390 := append([]string{"mptsas1068", "virtio-input-host-ccw", "hda-micro", "acpi-erst", "pvscsi"}, bridges...)
	emulator := func(arch string, lacks []string, machines ...string) Emulator {
		e := Emulator{Path: "/q/" + arch, Arch: arch, Has: func(name string) bool { return !slices.Contains(lacks, name) }}
		for _, m := range machines {
			e.Machines = append(e.Machines, Machine{Name: m})
		}
		return e
	}
	return &Traits{QEMU: &QEMU{HostArch: "x86_64", NVRAMDir: "/n", Emulators: []Emulator{
		emulator("x86_64", nil, "pc-i440fx-10.0"),
		emulator("aarch64", []string{"PIIX4_PM"}, "virt-10.0", "raspi3b"),
		emulator("riscv64", []string{"PIIX4_PM"}, "virt", "sifive_u"),
		emulator("ppc64", []string{"PIIX4_PM", "ramfb"}, "pseries-10.0"),
		emulator("s390x", s390, "s390-ccw-virtio-10.0"),
		emulator("alpha", bridges, "clipper"),
		emulator("xtensa", bridges, "virt"),
		emulator("sparc", noPCI, "SS-5"),
		emulator("m68k", noPCI, "virt-10.0", "q800"),
		emulator("mips64el", nil, "loongson3-virt", "malta"),
	}}}
}

const (
	noBalloon = "<memballoon model='none'/>"
	aRNG      = "<rng model='virtio'><backend model='random'/></rng>"
)

func pciController(index, model string) string {
	return "<controller type='pci' index='" + index + "' model='" + model + "'/>"
}

// Each row is what the peer says of a guest of another architecture than x86.
func TestArchRefusals(t *testing.T) {
	for _, c := range []struct{ arch, machine, whole, devices, fails string }{
		// what only PCs have
		{"aarch64", "virt-10.0", "<genid/>", "", "this QEMU does not support the 'genid' capability"},
		{"aarch64", "virt-10.0", "<pm><suspend-to-mem enabled='no'/></pm>", "", "setting ACPI S3/S4 not supported"},
		{"s390x", "s390-ccw-virtio-10.0", "", "<input type='mouse' bus='ps2'/>", "ps2 is not supported by this QEMU binary"},
		{"s390x", "s390-ccw-virtio-10.0", "", "<panic model='isa'/>", "the QEMU binary does not support the ISA panic device"},
		{"s390x", "s390-ccw-virtio-10.0", "", "<panic model='hyperv'/>", "only i686 and x86_64 guests support panic device of model 'hyperv'"},
		{"riscv64", "virt", "", "<panic/>", "no panic model provided"},
		{"ppc64", "pseries-10.0", "", "<panic/><panic model='default'/>", "Multiple panic devices with model 'pseries'"},
		{"riscv64", "virt", "<features><apic eoi='on'/><hyperv><relaxed state='on'/></hyperv></features>", "", "The 'eoi' attribute of the 'apic' feature is not supported for architecture 'riscv64' or machine type 'virt'"},
		{"riscv64", "virt", "<features><vmport state='on'/><ps2 state='off'/></features>", "", "vmport is not available with this QEMU binary"},
		{"ppc64", "pseries-10.0", "<features><pmu state='off'/></features>", "", "PMU is always enabled for architecture 'ppc64'"},
		{"riscv64", "virt", "", "<serial type='pty'><target type='isa-debug'/></serial>", "isa-debug serial type only valid on x86 architecture"},
		// CPUs
		{"alpha", "clipper", "<cpu mode='maximum'/>", "", "maximum CPU is not supported by QEMU binary"},
		{"ppc64", "pseries-10.0", "<cpu mode='maximum'><cache mode='disable'/></cpu>", "", "CPU cache specification is not supported for 'ppc64' architecture"},
		{"s390x", "s390-ccw-virtio-10.0", "<cpu mode='maximum'><maxphysaddr mode='emulate' bits='40'/><cache mode='disable'/></cpu>", "", "CPU maximum physical address bits specification is not supported for 's390x' architecture"},
		// which of two
		{"s390x", "s390-ccw-virtio-10.0", "<genid/><features><acpi/></features>", "", "does not support ACPI"},
		{"aarch64", "virt-10.0", "<genid/><features><acpi/></features>", "", "genid"},
		{"aarch64", "virt-10.0", "<on_reboot>preserve</on_reboot><features><acpi/></features>", "", "ACPI requires UEFI"},
		{"riscv64", "virt", "<pm><suspend-to-mem enabled='no'/></pm><vcpu>2</vcpu><cpu><topology sockets='1' cores='1' threads='1'/></cpu>", "", "S3/S4"},
		// buses
		{"alpha", "clipper", "", pciController("1", "pci-root"), "pci-root and pcie-root controllers should have index 0"},
		{"alpha", "clipper", "", pciController("300", "pci-bridge"), "PCI controller index 256 too high, maximum is 255"},
		{"alpha", "clipper", "", pciController("2147483647", "pci-bridge"), "PCI controller index 256 too high, maximum is 255"},
		{"alpha", "clipper", "", pciController("300", "pcie-root-port"), "a PCI slot is needed to connect a PCI controller model='pcie-root-port'"},
		{"aarch64", "virt-10.0", "", pciController("300", "pci-bridge"), "a PCI slot is needed to connect a PCI controller model='pcie-root-port'"},
		{"ppc64", "pseries-10.0", "", pciController("300", "pci-bridge"), "No usable target index found for 0"},
		{"alpha", "clipper", "", pciController("1", "pcie-switch-upstream-port"), "a PCI slot is needed to connect a PCI controller model='pcie-root-port'"},
		{"aarch64", "raspi3b", "", pciController("1", "pcie-root-port"), "a PCI slot is needed to connect a PCI controller model='pcie-root-port'"},
		{"aarch64", "raspi3b", "", pciController("3", "pci-bridge"), "Required option 'modelName' is not set for PCI controller with index '1', model 'pci-bridge' and modelName 'none'"},
		{"aarch64", "raspi3b", "", "<rng model='virtio'><backend model='random'/><address type='pci' bus='2' slot='1'/></rng>", "No PCI buses available"},
		{"alpha", "clipper", "", "<controller type='pci' index='1'/>", "PCI controller model was not set correctly"},
		{"alpha", "clipper", "", "<controller type='pci' index='0' model='pci-root'><target hotplug='off'/></controller>", "setting the 'hotplug' property on a 'pci-root' device is not supported by this QEMU binary"},
		{"alpha", "clipper", "", "<controller type='pci' index='0' model='pci-root'><pcihole64>1</pcihole64></controller>", "Setting the 64-bit PCI hole size is not supported for machine 'clipper'"},
		{"m68k", "virt-10.0", "", pciController("0", "pci-root") + pciController("1", "pci-bridge"), "The 'pci-bridge' device is not supported by this QEMU binary"},
		{"xtensa", "virt", "", pciController("0", "pcie-root") + aRNG, "The 'ioh3420' device is not supported by this QEMU binary"},
		{"m68k", "virt-10.0", "", "<controller type='usb' model='nec-xhci' ports='16'/>", "'nec-xhci' controller only supports up to '15' ports"},
		{"s390x", "s390-ccw-virtio-10.0", "", strings.Repeat("<rng model='virtio'><backend model='random'/><address type='ccw' cssid='0xfe' ssid='0' devno='0x1a'/></rng>", 2), "The CCW devno 'fe.0.001a' is in use already"},
		{"ppc64", "pseries-10.0", "", strings.Repeat("<controller type='scsi' index='%' model='ibmvscsi'><address type='spapr-vio' reg='0x2000'/></controller>", 2), "spapr-vio address 0x2000 already in use"},
		{"alpha", "clipper", "", "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/><address type='spapr-vio'/></disk>", "virtio disk cannot have an address of type 'spapr-vio'"},
		{"sparc", "SS-5", "", "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/><address type='drive'/></disk>", "virtio disk cannot have an address of type 'drive'"},
		{"aarch64", "virt-10.0", "", "<controller type='ide' index='0'><address type='pci' slot='1' function='1'/></controller>", "Bus 0 must be PCI for integrated PIIX3 USB or IDE controllers"},
		{"aarch64", "virt-10.0", "", "<watchdog model='i6300esb'><address type='pci' bus='4' slot='0'/></watchdog>", "Invalid PCI address 0000:04:00.0. slot must be >= 1"},
		{"ppc64", "pseries-10.0", "", "<rng model='virtio'><backend model='random'/><address type='drive' bus='1'/></rng>", "SCSI controller only supports 1 bus"},
		{"ppc64", "pseries-10.0", "<vcpu>3</vcpu><cpu><topology sockets='1' cores='1' threads='2'/></cpu>", "", "CPU topology doesn't match maximum vcpu count"},
		{"riscv64", "virt", "<features><gic version='4'/></features>", "", "Invalid value for attribute 'version' in element 'gic': '4'."},
		{"riscv64", "virt", "<defaultiothread thread_pool_min='5'/>", "", "thread_pool_min must be smaller or equal to thread_pool_max"},
		{"riscv64", "virt", "<iothreadids><iothread id='1' thread_pool_max='0'/></iothreadids>", "", "thread_pool_max must be a positive integer"},
		{"riscv64", "virt", "<vcpu>4294967296</vcpu>", "", "maximum vcpus count must be an integer"},
		{"riscv64", "virt", "<vcpu>4</vcpu><cputune><memorytune vcpus='0-1'><monitor vcpus='0'/><monitor vcpus='0'/></memorytune></cputune>", "", "Identical vcpus found in same type monitors"},
		{"riscv64", "virt", "<currentMemory>4 </currentMemory>", "", "Invalid value '4 ' for element or attribute './currentMemory[1]'"},
		{"s390x", "s390-ccw-virtio-10.0", "", "<watchdog model='diag288'><address type='ccw'/></watchdog>", "diag288 model of watchdog is virtual and cannot go on any bus."},
		{"aarch64", "virt-10.0", "", "<iommu model='virtio'><address type='drive'/></iommu>", "IOMMU device: 'virtio' requires ACPI"},
		{"s390x", "s390-ccw-virtio-10.0", "", "<hostdev mode='subsystem' type='mdev'><source><address/></source></hostdev>", "Missing required attribute 'model' in element 'hostdev'"},
		{"s390x", "s390-ccw-virtio-10.0", "", "<rng model='virtio'><backend model='random'/><address type='pci'><zpci uid='4'/></address></rng><sound model='ich6'><address type='pci'><zpci fid='0'/></address></sound><sound model='ich6'><address type='pci'><zpci fid='0'/></address></sound>", "zPCI fid 0 is already reserved"},
		{"mips64el", "malta", "", "<controller type='ide' index='1'/>", "Only a single IDE controller is supported for this machine type"},
		{"aarch64", "virt-10.0", "<cpu mode='host-passthrough' migratable='on'/>", "", "Migratable attribute for host-passthrough CPU is not supported by this QEMU binary"},
		{"aarch64", "virt-10.0", "", "<shmem name='a'><model type='ivshmem-doorbell'/><size unit='M'>3</size></shmem>", "is supported only with server option enabled"},
		{"aarch64", "virt-10.0", "", "<filesystem accessmode='mapped'><driver type='handle'/><source dir='/a'/><target dir='t'/></filesystem>", "only supports passthrough accessmode"},
		{"aarch64", "virt-10.0", "", "<filesystem model='virtio'><driver type='virtiofs' format='raw'/><source dir='/a'/><target dir='t'/></filesystem>", "virtiofs does not support model"},
		{"aarch64", "virt-10.0", "", "<filesystem multidevs='warn'><driver type='virtiofs'/><source dir='/a'/><target dir='t'/></filesystem>", "virtiofs does not support multidevs"},
		{"aarch64", "virt-10.0", "", "<input type='passthrough' bus='none'><source evdev='/e'/></input>", "only bus 'virtio' is supported for 'passthrough' input devices"},
		{"aarch64", "virt-10.0", "", "<hostdev mode='subsystem' type='scsi'><source protocol='vhost'/></hostdev>", "Invalid value for attribute 'protocol' in element 'source': 'vhost'."},
		{"aarch64", "virt-10.0", "", "<hostdev mode='subsystem' type='scsi'><source protocol='iscsi'/></hostdev>", "missing iSCSI hostdev source path name"},
		{"s390x", "virt", "", "<rng model='virtio'><backend model='random'/><address type='pci' slot='3'><zpci uid='0'/></address></rng>", "does not support machine type 'virt'"},
		{"s390x", "s390-ccw-virtio-10.0", "", "<rng model='virtio'><backend model='random'/><address type='pci' slot='3'><zpci uid='0'/></address></rng>", "Invalid PCI address uid='0x0000', must be > 0x0000 and <= 0xffff"},
		{"aarch64", "raspi3b", "", "<sound model='usb'><address type='pci' slot='3'/></sound>", "No PCI buses available"},
		{"ppc64", "pseries-10.0", "<genid/>", "<controller type='scsi' model='ibmvscsi'><address type='spapr-vio' reg='0x100000000'/></controller>", "genid"},
		{"ppc64", "pseries-10.0", "", "<controller type='scsi' model='ibmvscsi'><address type='spapr-vio' reg='0x100000000'/></controller>", "spapr-vio reg='0x100000000' exceeds maximum possible value (0xffffffff)"},
		{"ppc64", "pseries-10.0", "", "<interface type='user'><model type='spapr-vlan'/><address type='pci' bus='1' slot='3'/></interface>", "spapr-vio reg='0x100000000' exceeds maximum possible value (0xffffffff)"},
		// devices that a QEMU lacks
		{"s390x", "s390-ccw-virtio-10.0", "", "<controller type='scsi' model='lsisas1068'/>", "This QEMU doesn't support the LSI SAS1068 (MPT Fusion) controller"},
		{"s390x", "s390-ccw-virtio-10.0", "", "<controller type='scsi' model='ncr53c90'/>", "ncr53c90 SCSI controller is not a built-in for this machine"},
		{"sparc", "SS-5", "", "<controller type='scsi' index='1' model='ncr53c90'/>", "ncr53c90 can only be used as first SCSI controller"},
		{"s390x", "s390-ccw-virtio-10.0", "", "<input type='passthrough' bus='virtio'><source evdev='/e'/></input>", "virtio-input-host is not supported by this QEMU binary"},
		{"s390x", "s390-ccw-virtio-10.0", "", "<sound model='ich6'><codec type='micro'/></sound>", "hda-micro not supported in this QEMU binary"},
		{"s390x", "s390-ccw-virtio-10.0", "", "<pstore backend='acpi-erst'><path>/p</path><size unit='KiB'>8</size></pstore>", "acpi-erst backend of pstore device is not supported"},
		{"sparc", "SS-5", "", pciController("0", "pci-root") + aRNG, "domain configuration does not support rng model 'virtio'"},
		{"ppc64", "pseries-10.0", "", "<video><model type='ramfb'/></video>", "domain configuration does not support video model 'ramfb'"},
	} {
		devices := strings.Replace(c.devices, "'%'", "'1'", 1)
		devices = strings.Replace(devices, "'%'", "'0'", 1)
		_, err := Parse(xml.Source{Data: ruleDoc(c.arch, c.machine, c.whole, devices+noBalloon)}, archTraits())
		if err == nil || !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s %s %s%s: %v, want %s", c.arch, c.machine, c.whole, c.devices, err, c.fails)
		}
	}
}

// What kind of guest it is is told before anything else is read.
func TestKindFirst(t *testing.T) {
	for _, c := range []struct{ kind, os, fails string }{
		{"auto", "<os><type arch='zz'>aa</type></os>", "invalid domain type auto"},
		{"qemu", "<os><type arch='zz'>aa</type></os>", "unknown OS type 'aa'"},
		{"qemu", "<os><type arch='zz'>hvm</type></os>", "Unknown architecture zz"},
		{"qemu", "<os><type arch='s390x'/></os>", "an os <type> must be specified"},
		{"qemu", "", "an os <type> must be specified"},
		{"qemu", "<bootloader>/x</bootloader>", "Invalid value 'foo'"},
	} {
		doc := "<domain type='" + c.kind + "'><name>r</name><memory>foo</memory>" + c.os + "</domain>"
		if _, err := Parse(xml.Source{Data: []byte(doc)}, archTraits()); err == nil || !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: %v, want %s", doc, err, c.fails)
		}
	}
}

// A mitigation without a value is none.
func TestVoidMitigations(t *testing.T) {
	traits := archTraits()
	d, err := Parse(xml.Source{Data: ruleDoc("ppc64", "pseries-10.0", "<features><cfpc/><sbbc/><ibs/></features>", "")}, traits)
	if err != nil || d.Features != nil {
		t.Errorf("%v, %+v", err, d)
	}
}

// Each row is a part of what is printed of such a guest.
func TestArchCompletion(t *testing.T) {
	for _, c := range []struct{ arch, machine, devices, prints string }{
		{"aarch64", "virt-10.0", pciController("1", "pcie-switch-upstream-port"), "bus='0x02' slot='0x00'"}, // on a port with a higher index
		{"ppc64", "pseries-10.0", "<panic model='default'/>", "<panic model='pseries'/>"},
		{"ppc64", "pseries-10.0", noBalloon + "<controller type='usb' model='none'/>" + strings.Repeat("<sound model='ich6'/>", 31), "<controller type='pci' index='1' model='pci-root'>"}, // a place is kept
		{"s390x", "s390-ccw-virtio-10.0", "<video><model type='virtio'/><address type='pci'/></video><rng model='virtio'><backend model='random'/><address type='pci'/></rng>", "slot='0x02' function='0x0'>\n        <zpci uid='0x0001' fid='0x00000000'/>"},
		{"s390x", "s390-ccw-virtio-10.0", "<video><model type='virtio'/><address type='pci'/></video><rng model='virtio'><backend model='random'/><address type='pci'><zpci uid='9'/></address></rng>", "<zpci uid='0x0009' fid='0x00000000'/>"},
		{"s390x", "s390-ccw-virtio-10.0", "<video><driver name='qemu'/><model type='none'/><address type='pci'/></video>", "<video>\n      <model type='none'/>\n    </video>"},
		{"s390x", "s390-ccw-virtio-10.0", "<hostdev mode='subsystem' type='mdev' model='vfio-ap'><source><address uuid='90c6c135-ad44-41d0-b1b7-bae47de48627'/></source><address type='pci' slot='3'/></hostdev>", "</source>\n    </hostdev>"},
		{"aarch64", "virt-10.0", "<controller type='pci' index='2' model='pci-bridge'><address type='pci' bus='0' slot='5'/></controller>", "bus='0x00' slot='0x05'"}, // where an endpoint may be put, a bridge may
		{"s390x", "s390-ccw-virtio-10.0", "<input type='tablet'/>", "<input type='tablet' bus='virtio'>"},
		{"alpha", "clipper", "<input type='mouse' bus='none'/>", "<input type='mouse' bus='usb'>"},
		{"aarch64", "virt-10.0", "<interface type='hostdev'><source><address type='pci' bus='3'/></source><model type='rtl8139'/></interface>", "bus='0x01' slot='0x00'"},
		{"aarch64", "virt-10.0", "<rng model='virtio'><rate bytes='1' period=''/><backend model='random'/></rng>", "<rate bytes='1'/>"},
		{"aarch64", "virt-10.0", "<tpm model='tpm-tis'><backend type='passthrough'/><address type='spapr-vio'/></tpm>", "reg='0x00004000'"},
		{"aarch64", "virt-10.0", "<controller type='usb' model='none'><alias name='ua-u'/></controller>", "<controller type='usb' index='0' model='none'/>"},
		{"aarch64", "virt-10.0", "<disk><source file='/a'><address type='pci' slot='3'/></source><target dev='vda'/></disk>", "<source file='/a'/>"},
		{"aarch64", "virt-10.0", "<rng model='virtio'><backend model='random'> /a </backend></rng>", "> /a <"},
		{"aarch64", "virt-10.0", "<controller type='scsi' index='0' model='virtio-scsi'/><controller type='virtio-serial' index='0'/><controller type='scsi' model='virtio-scsi'/>", // nor behind other types
			"</controller>\n    <controller type='scsi' index='1'"},
		{"ppc64", "pseries-10.0", "<controller type='scsi' index='5' model='virtio-scsi'/><controller type='scsi' model='virtio-scsi'/><controller type='scsi' index='2' model='virtio-scsi'/>", // the one without a number is the last
			"<controller type='scsi' index='0' model='virtio-scsi'>\n      <address type='pci' domain='0x0000' bus='0x00' slot='0x03'"},
		{"xtensa", "virt", pciController("1", "pci-bridge"), "<model name='pci-bridge'/>"},
		{"aarch64", "virt-10.0", "<interface type='user'><model type='pcnet'/></interface>", "bus='0x01' slot='0x00'"}, // of PCI Express, as far as the peer knows
		{"mips64el", "loongson3-virt", pciController("0", "pci-root"), "<memballoon model='virtio'>"},
		{"s390x", "s390-ccw-virtio-10.0", "<controller type='scsi' model='dc390'/>", "<address type='ccw' cssid='0xfe'"},
		{"s390x", "s390-ccw-virtio-10.0", "<interface type='user'><model type='virtio-non-transitional'/></interface>", "<address type='ccw' cssid='0xfe'"},
		{"s390x", "s390-ccw-virtio-10.0", "<console type='pty'><target type='virtio'/><address type='ccw'/></console>", "<address type='ccw' cssid='0xfe' ssid='0x0' devno='0x0002'"},
		{"aarch64", "virt-10.0", "<watchdog model='i6300esb'><address type='pci' bus='3' slot='1'/></watchdog>", "<controller type='pci' index='3' model='pci-bridge'>"},
		{"aarch64", "virt-10.0", "<interface type='user'><model type='netfront'/></interface>", "bus='0x02' slot='0x01'"},
		{"aarch64", "virt-10.0", "<controller type='usb' model='none'><address type='spapr-vio'/></controller>", "<controller type='usb' index='0' model='none'/>"},
		{"xtensa", "virt", pciController("0", "pci-root") + "<controller type='usb'/>", "model='piix3-uhci'"},
		{"alpha", "clipper", "<controller type='usb' index='0' model='piix3-uhci'><address type='pci' slot='1' function='2'/></controller>", "slot='0x01' function='0x0' multifunction='on'"},
		{"ppc64", "pseries-10.0", "<controller type='virtio-serial'><address type='spapr-vio'/></controller>", "reg='0x00002000'"},
		{"ppc64", "pseries-10.0", "<interface type='user'><model type='virtio'/><address type='spapr-vio'/></interface>", "reg='0x00001000'"},
		{"ppc64", "pseries-10.0", "<interface type='user'><model type='spapr-vlan'/><address type='virtio-mmio'/></interface>", "reg='0x00001000'"},
		{"ppc64", "pseries-10.0", "<nvram><address type='pci' slot='9'/></nvram>", "reg='0x00000000'"},
	} {
		traits := archTraits()
		d, err := Parse(xml.Source{Data: ruleDoc(c.arch, c.machine, "", c.devices)}, traits)
		if err != nil {
			t.Errorf("%s %s %s: %v", c.arch, c.machine, c.devices, err)
			continue
		}
		if out, err := Print(d, traits, 0); err != nil || !strings.Contains(string(out), c.prints) {
			t.Errorf("%s %s %s: %v\n%s\nlacks %s", c.arch, c.machine, c.devices, err, out, c.prints)
		}
	}
}

// Variables of a firmware lie where a source says only if it has a type.
func TestVariables(t *testing.T) {
	for _, c := range []struct{ os, features, want string }{
		{"<loader type='rom'>/c</loader><nvram template='/t'><source file='/v'/></nvram>", "", "<nvram template='/t'/>"},
		{"<loader format='vmdk'>/c</loader><nvram type='file'/>", "", "the cause is unknown"},
		{"<loader readonly='yes' type='pflash'>/usr/share/AAVMF/AAVMF_CODE.fd</loader><nvram format='qcow2'/>", "<features><acpi/></features>", "templateFormat='raw' format='raw'>/n/r_VARS.fd</nvram>"},
	} {
		doc := "<domain type='qemu'><name>r</name><memory>65536</memory><os><type arch='aarch64' machine='virt-10.0'>hvm</type>" + c.os + "</os>" + c.features + "</domain>"
		traits := archTraits()
		d, err := Parse(xml.Source{Data: []byte(doc)}, traits)
		got := []byte(nil)
		if err == nil {
			got, err = Print(d, traits, 0)
		}
		if err != nil {
			got = []byte(err.Error())
		}
		if !strings.Contains(string(got), c.want) {
			t.Errorf("%s: %s, want %s", c.os, got, c.want)
		}
	}
}

// KVM does not run code of other architectures.
func TestForeignKVM(t *testing.T) {
	for machine, want := range map[string]string{"": "could not get preferred machine for /q/s390x type=kvm", "s390-ccw-virtio-10.0": "Emulator '/q/s390x' does not support virt type 'kvm'"} {
		doc := "<domain type='kvm'><name>r</name><memory>65536</memory><os><type arch='s390x' machine='" + machine + "'>hvm</type></os></domain>"
		if _, err := Parse(xml.Source{Data: []byte(doc)}, archTraits()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", doc, err, want)
		}
	}
}

// A CPU that names no model is checked against nothing, whatever is written.
func TestDefaultCPUCheck(t *testing.T) {
	doc := "<domain type='qemu'><name>r</name><memory>65536</memory><os><type arch='x86_64' machine='pc-i440fx-10.0'>hvm</type></os><cpu check='full'><topology sockets='1' cores='1' threads='1'/></cpu></domain>"
	d, err := Parse(xml.Source{Data: []byte(doc)}, archTraits())
	if err != nil || d.CPU.Check != "none" || d.CPU.Model != "qemu64" {
		t.Errorf("%v %+v", err, d)
	}
}
