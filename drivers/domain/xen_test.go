package domain

import (
	"strings"
	"testing"

	"virgo/xml"
)

// TestXenRefusals: what Xen's driver does not take, and what is told first.
func TestXenRefusals(t *testing.T) {
	const vfio = "<hostdev mode='subsystem' type='pci'><driver name='vfio'/><source><address bus='1'/></source></hostdev>"
	const timer = "<clock offset='utc'><timer name='rtc' mode='native'/></clock>"
	const hotplug = "<maxMemory slots='1'>2048</maxMemory>"
	const filter = "<interface type='bridge'><source bridge='b'/><filterref filter='f'/></interface>"
	for _, c := range []struct{ kind, os, whole, devices, want string }{
		{"arch='aarch64'>hvm", "", "", "", "could not find capabilities for arch=aarch64 domaintype=xen "},
		{"arch='aarch64'>linux", "", "", "", "could not find capabilities for ostype=xen arch=aarch64 domaintype=xen "},
		{">uml", "", "", "", "could not find capabilities for ostype=uml arch=x86_64 domaintype=xen "},
		{">hvm", "", "", vfio, "XEN does not support device assignment mode 'vfio'"},
		{">hvm", "", timer, vfio, "XEN does not support device assignment mode 'vfio'"},
		{"arch='aarch64'>hvm", "", timer, "", "timer rtc doesn't support setting of timer mode"},
		{"arch='aarch64'>hvm", "", hotplug, "", "could not find capabilities"},
		{">hvm", "<boot dev='hd'/>", timer, "<interface type='bridge'><source bridge='b'/><boot order='1'/></interface>", "per-device boot elements cannot be used together"},
		{">hvm", "<loader secure='yes'>/l</loader>", "", filter, "filterref is not supported in xen"},
		{">hvm", "", "", "<hostdev mode='capabilities' type='misc'><source><char>/c</char></source></hostdev>", "hostdev mode 'capabilities' is not supported in xen"},
		{">hvm", "", hotplug, "", "memory hotplug tunables <maxMemory> are not supported by this hypervisor driver"},
		{">hvm", "", "<maxMemory slots='1'>512</maxMemory>", "", "maximum memory size must be equal or greater than the actual memory size"},
		{">hvm", "", "<vcpu>2</vcpu><vcpus><vcpu id='0' enabled='yes'/></vcpus>", "", "individual CPU state configuration is not supported"},
		{">hvm", "", "", "<memory model='dimm'><target><size>1</size></target></memory>", "memory devices are not supported by this driver"},
		{">hvm", "<loader secure='yes' type='pflash'>/l</loader>", "", "", "Secure boot is not supported on Xen"},
		{">hvm", "<acpi><table type='msdm'>/t</table></acpi>", "", filter, "ACPI table type 'msdm' is not supported"},
		{">linux", "", "", "<sound model='pcspk'/>", "unsupported audio model pcspk"},
		{">hvm", "", "", filter, "filterref is not supported in xen"},
		{">hvm", "", "", filter + "<disk><target dev='hda'/></disk>", "missing source information for device hda"},
	} {
		doc := "<domain type='xen'><name>g</name><memory>1024</memory><os><type " + c.kind + "</type>" + c.os + "</os>" + c.whole + "<devices>" + c.devices + "</devices></domain>"
		if _, err := Parse(xml.Source{Data: []byte(doc)}, &Traits{Driver: "xen"}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s%s: %v, want %s", c.whole, c.devices, err, c.want)
		}
	}
}

// TestReading: what the test driver refuses, and what it does not look at.
func TestReading(t *testing.T) {
	const numa = "<cpu><numa><cell id='0' cpus='0-3' memory='1024'/></numa></cpu>"
	usb := func(source string) string {
		return "<hostdev mode='subsystem' type='usb'><source>" + source + "</source></hostdev>"
	}
	for _, c := range []struct{ kind, os, whole, devices, want string }{
		{"hvm", "", "", "<video><model type='cirrus' ram='65536'/></video>", "ram attribute only supported for video type qxl"},
		{"hvm", "", "", "<video><model type='vga' vgamem='1'/></video><video><model type='none'/></video>", "a 'none' video type must be the only"},
		{"hvm", "", "", "<video><model type='none' ram='1'/></video>", ""},
		{"xen", "", "", "<input type='tablet'/>", "internal error: xen bus does not support tablet input device"},
		{"xen", "", "", "<input type='mouse' bus='usb'/>", "internal error: unsupported input bus usb"},
		{"hvm", "", "", "<input type='passthrough' bus='usb'/>", "only bus 'virtio' is supported for 'passthrough' input devices"},
		{"hvm", "", "", "<input type='passthrough'/>", ""},
		{"hvm", "", "", "<input type='passthrough'><source/></input>", "Missing evdev path"},
		{"hvm", "", "", "<input type='evdev' bus='usb'/>", "input evdev doesn't support bus element"},
		{"hvm", "", "", usb("<vendor id='1'/>"), "internal error: missing product"},
		{"hvm", "", "", usb("<product id='1'/>"), "internal error: missing vendor"},
		{"hvm", "", "", usb("<vendor id='0'/><product id='1'/>"), "Zero is not permitted"},
		{"hvm", "", "", usb("<vendor/><product id='1'/>"), "Missing required attribute 'id' in element 'vendor'"},
		{"hvm", "", "", usb("<address device='1'/>"), "Missing required attribute 'bus' in element 'address'"},
		{"hvm", "", "", usb("<address bus='1'/>") + "<input type='bogus'/>", "unknown input device type 'bogus'"},
		{"hvm", "", "", "<hostdev type='pci'><source><address bus='0x100' slot='1'/></source></hostdev>", "Invalid PCI address bus='0x100', must be <= 0xFF"},
		{"hvm", "", "", "<hostdev type='pci'><source><address bus='1' slot='32'/></source></hostdev>", "Invalid PCI address slot='0x20', must be <= 0x1F"},
		{"hvm", "", "", "<hostdev type='pci'><source><address bus='1' function='8'/></source></hostdev>", "Invalid PCI address function=0x8, must be <= 7"},
		{"hvm", "", "", "<serial type='pty'><target type='isa-serial' port='4'/></serial><disk><target dev='hda'/></disk>", "Maximum supported number of ISA serial ports is '4'"},
		{"hvm", "", "", "<serial type='pty'><target port='4'/></serial>", ""},
		{"xen", "", "", "<console type='pty'/><console type='pty'><target type='serial'/></console>", "Only the first console can be a serial port"},
		{"xen", "", "", "<console type='spicevmc'><target type='xen'/></console>", ""},
		{"hvm", "", "", "<interface type='udp'><source address='1.1.1.1' port='1'/></interface>", "'<local>' element missing for 'udp' socket interface"},
		{"hvm", "", "", "<interface type='vhostuser'/>", ""},
		{"hvm", "", "", "<interface type='ethernet'><virtualport type='openvswitch'/><ip address='1.1.1.1' family='ipv6'/></interface>", "<virtualport> element unsupported"},
		{"hvm", "", "", "<controller type='usb' model='default'/>", "Unknown model type 'default'"},
		{"hvm", "", "", "<graphics type='spice'><mouse mode='any'/></graphics>", "Invalid value for attribute 'mode' in element 'mouse': 'any'."},
		{"hvm", "", "", "<graphics type='spice'><image compression='on'/></graphics>", "Invalid value for attribute 'compression' in element 'image': 'on'."},
		{"hvm", "", "", "<graphics type='spice'><playback compression='auto'/></graphics>", "Invalid value for attribute 'compression' in element 'playback': 'auto'."},
		{"hvm", "", "<features><xen><passthrough/></xen></features>", "", "Missing required attribute 'state' in element 'passthrough'"},
		{"hvm", "", "<features><xen><bogus state='on'/></xen></features>", "", "unsupported Xen feature: bogus"},
		{"hvm", "", "<features><xen><passthrough state='off' mode='x'/></xen></features>", "", ""},
		{"hvm", "", "<features><xen><passthrough state='on' mode='x'/></xen></features>", "", "Invalid value for attribute 'mode' in element 'passthrough': 'x'."},
		{"hvm", "", numa + "<clock offset='x'/>", "", "Number of CPUs in <numa> exceeds the <vcpu> count"},
		{"hvm", "", numa, "<disk type='x'/>", "Number of CPUs in <numa> exceeds the <vcpu> count"},
		{"hvm", "", numa + "<cputune><vcpupin vcpu='0' cpuset='x'/></cputune>", "", "Failed to parse bitmap 'x'"},
		{"hvm", "", "<on_lockfailure/>", "", ""},
		{"hvm", "", "", "<serial type='tcp'><source mode='connect' host='' service='1'/></serial>", ""},
		{"hvm", "", "", "<serial type='tcp'><source mode='connect' service='1'/></serial>", "Missing source host attribute"},
		{"hvm", "", "", "<serial type='file'><source path=''/></serial>", ""},
		{"xen", "", "", "<input type='passthrough'/>", "xen bus does not support passthrough input device"},
		{"hvm", "", "", "<disk><driver type='none'/><source file='/a'/><target dev='hda'/></disk>", "unknown driver format value 'none'"},
		{"hvm", "<smbios mode='x'/>", "", "", "unknown smbios mode 'x'"},
		{"xen", "<boot dev='x'/><acpi><table>/t</table></acpi>", "", "", ""},
		{"exe", "<init>/i</init><loader type='x'/>", "", "", ""},
	} {
		doc := "<domain type='test'><name>g</name><memory>1024</memory><vcpu>2</vcpu><os><type>" + c.kind + "</type>" + c.os + "</os>" + c.whole + "<devices>" + c.devices + "</devices></domain>"
		_, err := Parse(xml.Source{Data: []byte(doc)}, &Traits{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %s%s%s: %v, want %q", c.kind, c.os, c.whole, c.devices, err, c.want)
		}
	}
	for vcpu, want := range map[string]string{
		"<vcpu>0</vcpu>": "CPU IDs in <numa> exceed the <vcpu> count", "<vcpu cpuset=''>1</vcpu>": "Failed to parse bitmap ''", "<vcpu>70000</vcpu>": "", "<vcpu/>": "maximum vcpus count must be an integer",
	} {
		_, err := Parse(xml.Source{Data: []byte("<domain type='test'><name>g</name><memory>1</memory>" + vcpu + "<os><type>hvm</type></os></domain>")}, &Traits{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", vcpu, err, want)
		}
	}
	for kind, want := range map[string]string{"arch='x'>x": "unknown OS type 'x'", "arch='x'>": "an os <type> must be specified", "arch='x'>hvm": "Unknown architecture x"} {
		_, err := Parse(xml.Source{Data: []byte("<domain type='test'><name>g</name><memory>1</memory><os><type " + kind + "</type></os></domain>")}, &Traits{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", kind, err, want)
		}
	}
}
