package domain

import (
	"strings"
	"testing"

	"virgo/xml"
)

func TestStable(t *testing.T) {
	const doc = `<domain type='qemu'><name>g</name><uuid>11111111-2222-3333-4444-555555555555</uuid><memory>32768</memory><vcpu>1</vcpu>
<sysinfo type='smbios'><bios><entry name='vendor'>V</entry></bios><baseBoard><entry name='serial'>S</entry></baseBoard></sysinfo>
<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/><hyperv><relaxed state='on'/><spinlocks state='on' retries='8191'/></hyperv><kvm><hidden state='on'/></kvm></features>
<cpu mode='custom' match='exact'><model>qemu64</model><numa><cell id='0' cpus='0' memory='32768' unit='KiB'/></numa></cpu>
<clock offset='utc'><timer name='hpet' present='no'/></clock><devices>
<controller type='scsi' index='0' model='virtio-scsi'><driver queues='1'/></controller><controller type='virtio-serial' index='0' ports='8'/>
<disk type='file' device='disk'><source file='/c'/><target dev='sda' bus='scsi'/><address type='drive' controller='0' bus='0' unit='1'/></disk>
<input type='tablet' bus='usb'><address type='usb' bus='0' port='1'/></input><input type='mouse' bus='virtio'><driver iommu='off'/></input>
<video><model type='virtio' heads='2'/></video><memballoon model='virtio' autodeflate='on'/><shmem name='s' role='master'/>
<redirfilter><usbdev class='0x08' allow='no'/></redirfilter><serial type='null'><target port='1'/></serial>
<memory model='dimm'><target><size>1024</size></target><address type='dimm' slot='0' base='0x100000000'/></memory>
<disk type='file' device='disk'><source file='/a'/><target dev='hda' bus='ide'/></disk>
<interface type='user'><mac address='52:54:00:00:00:01'/><model type='e1000'/><address type='pci' domain='0' bus='0' slot='3' function='0'/></interface>
<serial type='pty'/></devices></domain>`
	read := func(text string) *xml.Domain {
		d := &xml.Domain{}
		if err := xml.Unmarshal(xml.Source{Data: []byte(text)}, d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	src := read(doc)
	for _, c := range []struct{ old, new, want string }{
		{"hvm", "hvm", ""},
		{"file='/a'", "file='/b'", ""},
		{">g<", ">h<", "domain name 'h' does not match source 'g'"},
		{">1<", ">2<", "domain vCPU max 2 does not match source 1"},
		{"'pc'", "'q35'", "domain machine type q35 does not match source pc"},
		{"<acpi/>", "", "State of feature 'acpi' differs: source: 'on', destination: 'default'"},
		{"<acpi/>", "<acpi/><apic eoi='on'/>", "State of feature 'apic' differs: source: 'default,eoi=default', destination: 'on,eoi=on'"},
		{"hda", "hdb", "disk hdb does not match source hda"},
		{"</disk>", "<serial>x</serial></disk>", "disk serial x does not match source <null>"},
		{"</disk>", "<readonly/></disk>", "disk access mode does not match source"},
		{"00:01", "00:02", "network card mac 52:54:00:00:00:02 does not match source 52:54:00:00:00:01"},
		{"slot='3'", "slot='4'", "device PCI address 0000:00:04.0 does not match source 0000:00:03.0"},
		{"<serial type='pty'/>", "", "domain serial port count 1 does not match source 2"},
		{"<timer name='hpet' present='no'/>", "", "domain timers do not match source"},
		{"<features>", "<genid>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</genid><features>", "domain requested genid does not match source"},
		{"<vcpu>", "<maxMemory slots='2'>65536</maxMemory><vcpu>", "domain memory slots count '2' doesn't match source '0'"},
		{"<vcpu>", "<memoryBacking><source type='memfd'/></memoryBacking><vcpu>", "memoryBacking source 'memfd' doesn't match source memoryBacking source'none'"},
		{"match='exact'", "match='exact' check='full'", "CPU check full does not match source none"},
		{"qemu64</model>", "qemu64</model><feature name='svm' policy='disable'/>", "CPU feature count 1 does not match source 0"},
		{"32768' unit", "32767' unit", "Size of target NUMA node 0 (32767) doesn't match source (32768)"},
		{"cpus='0'", "cpus='1'", "Processor mask of target NUMA node 0 doesn't match source"},
		{"<acpi/>", "<acpi/><pmu state='off'/>", "State of feature 'pmu' differs: source: 'default', destination: 'off'"},
		{"<hyperv>", "<hyperv mode='passthrough'>", "State of feature 'hyperv' differs: source: 'on', destination: 'off'"},
		{"<relaxed state='on'/>", "", "State of HyperV enlightenment feature 'relaxed' differs: source: 'on', destination: 'default'"},
		{"8191", "8192", "HyperV spinlock retry count differs: source: '8191', destination: '8192'"},
		{"<hidden state='on'/>", "", "State of KVM feature 'hidden' differs: source: 'on', destination: 'default'"},
		{">V<", ">W<", "sysinfo BIOS vendor W does not match source V"},
		{"<baseBoard><entry name='serial'>S</entry></baseBoard>", "<baseBoard/>", "sysinfo base board count '0' does not match source '1'"},
		{"present='no'", "present='yes'", "timer presence 'yes' does not match source 'no'"},
		{"unit='1'", "unit='2'", "device drive address 0:0:2 does not match source 0:0:1"},
		{"virtio-scsi", "lsilogic", "controller model 2 does not match source 6"},
		{"ports='8'", "ports='9'", "controller ports 9 does not match source 8"},
		{"<driver queues='1'/>", "", "device virtio options don't match the source"},
		{"iommu='off'", "iommu='on'", "device iommu option 'on' does not match source 'off'"},
		{"bus='0' port='1'/>", "bus='0' port='1'/>", ""},
		{"<address type='usb' bus='0' port='1'/>", "", "device address type none does not match source usb"},
		{"autodeflate='on'", "", "balloon autodeflate attribute value 'default' does not match source 'on'"},
		{"heads='2'", "heads='3'", "video card heads 3 does not match source 2"},
		{"allow='no'", "allow='yes'", "USB allow 'yes' does not match source 'no'"},
		{"class='0x08'", "class='0x09'", "USB Class code does not match source"},
		{"role='master'", "", "shared memory role 'default' does not match source role 'master'"},
		{"0x100000000", "0x200000000", "device dimm base address '200000000' does not match source '100000000'"},
		{"<target port='1'/>", "<target port='2'/>", "serial port 2 does not match source 1"},
		{"<serial", "<vsock/><serial", "domain vsock device count does not match source"},
	} {
		err := Stable(src, read(strings.Replace(doc, c.old, c.new, 1)))
		if got := ""; c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v%s", c.new, err, got)
		}
	}
}
