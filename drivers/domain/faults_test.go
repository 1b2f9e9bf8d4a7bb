package domain

import (
	"strings"
	"testing"

	"virgo/xml"
)

// TestFaults: what is refused, and which of several faults is told; or what is printed.
func TestFaults(t *testing.T) {
	const cells = "<maxMemory slots='2' unit='GiB'>8</maxMemory><cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/></numa></cpu>"
	const hub = "<hub type='usb'><address type='virtio-serial' controller='0' port='3'/></hub>"
	for _, c := range []struct {
		name, machine, whole, devices string
		fails, prints, lacks          string
	}{
		{"parts of the host", "pc", "", "<hostdev mode='capabilities' type='misc'><source><char>/c</char></source></hostdev>", "hostdev mode 'capabilities' is not supported in qemu", "", ""},
		{"panic twice", "pc", "", "<panic/><panic model='isa'/>", "Multiple panic devices with model 'isa'", "", ""},
		{"three modules, the first one wrong", "pc", "", "<tpm><backend type='external'/></tpm><tpm><backend type='emulator'/></tpm><tpm><backend type='emulator'/></tpm>", "a maximum of two TPM devices", "", ""},
		{"two of which the first is wrong", "q35", "", "<iommu/><iommu model='intel'/>", "only a single IOMMU device", "", ""},
		{"a label before what comes later", "pc", cells, "<memory model='nvdimm'><source><path>/a</path></source><target><size>200</size><label><size>3</size></label></target></memory><vsock><cid auto='x'/></vsock>", "nvdimm label must be at least 128KiB", "", ""},
		{"a node before other devices", "pc", cells, "<memory model='dimm'><target><size>2</size></target></memory><serial type='file'/>", "target NUMA node needs to be specified", "", ""},
		{"an address before other devices", "pc", cells, "<memory model='virtio-mem'><target><size>4</size></target><address type='usb' bus='1'/></memory><serial type='file'/>", "only 'pci' and 'ccw' addresses are supported", "", ""},
		{"a name of plain memory", "pc", cells, "<memory model='dimm'><uuid>53ed4635-b9c7-4bc5-8118-1a424f0eccfc</uuid><target><size>4096</size><node>0</node></target></memory>", "", "<memory model='dimm'>", "53ed4635"},
		{"a port of no controller", "pc", "", hub, "virtio serial controller 0 is missing", "", ""},
		{"a port that is taken by another kind", "pc", "", "<controller type='virtio-serial'/>" + hub + "<rng model='virtio'><backend model='random'/><address type='virtio-serial' port='3'/></rng>", "virtio serial port 3 on controller 0 is already occupied", "", ""},
		{"a port beyond", "pc", "", "<controller type='virtio-serial'/><hub type='usb'><address type='virtio-serial' port='99'/></hub>", "virtio serial controller 0 does not have port 99", "", ""},
		{"a channel beside it", "pc", "", hub + "<channel type='pty'><target type='virtio'/><address type='virtio-serial' port='0'/></channel>", "", "<address type='virtio-serial' controller='0' bus='0' port='1'/>", ""},
		{"a card that QEMU lacks", "q35", "", "<sound model='ich7'><address type='pci' slot='9'/></sound>", "sound card model 'ich7' is not supported by qemu", "", ""},
		{"companions alone", "q35", "", "<controller type='usb' index='1' model='ich9-uhci1'/>", "No master USB controller specified", "", ""},
		{"companions of another", "q35", "", "<controller type='usb' index='0' model='qemu-xhci'/><controller type='usb' index='1' model='ich9-uhci2'/>", "", "<master startport='2'/>", ""},
		{"a part of ICH9", "q35", "", "<controller type='usb' model='ich9-ehci1'/>", "", "pcie-to-pci-bridge", "slot='0x1d'"},
		{"ICH9", "q35", "", "<controller type='usb' index='0' model='ich9-ehci1'/><controller type='usb' index='0' model='ich9-uhci1'/>", "", "slot='0x1d' function='0x7'", ""},
		{"a balloon that is none", "pc", "", "<memballoon model='none'><address type='dimm' base='0x10'/></memballoon>", "", "<memballoon model='none'/>", ""},
		{"the usual backend", "pc", "", "<interface type='user'><mac address='52:54:00:00:00:01'/><backend type='default' logFile='/x'/></interface>", "", "<backend logFile='/x'/>", ""},
		{"a limit that is none, with a class", "pc", "", "<interface type='user'><bandwidth classID='0'/></interface>", "classID attribute not supported on <bandwidth>", "", ""},
		{"a unit of NFS", "pc", "", "<disk device='lun' type='network'><source protocol='nfs' name='a'><host name='h'/></source><target dev='sda'/></disk>", "disk device='lun' is not supported for protocol='nfs'", "", ""},
		{"a tray of nothing", "pc", "", "<disk type='block'><target dev='vda' tray='open'/></disk>", "tray is only valid for cdrom and floppy", "", ""},
		{"a disk with a floppy's name", "pc", "", "<disk><target dev='fdb'/></disk>", "Invalid harddisk device name: fdb", "", ""},
		{"its model", "pc", "", "<disk model='virtio'><target dev='fdb'/></disk>", "disk model 'virtio' not supported for bus 'ide'", "", ""},
		{"a disk's place before all disks", "pc", "", "<disk device='lun'><source file='/a'/><target dev='sda'/></disk><disk><source file='/a'/><target dev='vdb'/><address type='isa'/></disk>", "virtio disk cannot have an address of type 'isa'", "", ""},
		{"a display beside the wrong one", "pc", "", "<graphics type='egl-headless'/><graphics type='sdl'/><graphics type='vnc'/>", "only supported with one of: 'vnc', 'spice'", "", ""},
		{"a forwarded name", "pc", "", "<channel type='null'><target type='guestfwd' address='abc' port='1'/></channel><channel type='x'/>", "Cannot parse socket address 'abc': Name or service not known", "", ""},
		{"a forwarded address of IPv6", "pc", "", "<channel type='null'><target type='guestfwd' address='::1' port='1'/></channel><panic/><panic/>", "guestfwd channel only supports IPv4 addresses", "", ""},
		{"a forwarded port", "pc", "", "<channel type='null'><target type='guestfwd' address='1.2' port='x'/></channel>", "Invalid value for attribute 'port' in element 'target': 'x'. Expected non-negative integer value", "", ""},
		{"a short address", "pc", "", "<channel type='null'><target type='guestfwd' address='1.2' port='70000'/></channel>", "", "address='1.0.0.2' port='4464'", ""},
		{"a version of USB", "pc", "", "<redirfilter><usbdev allow='no' version='1.2.3'/></redirfilter>", "Cannot parse USB device version 1.2.3", "", ""},
		{"a version with a zero", "pc", "", "<redirfilter><usbdev allow='no' version='09.7'/></redirfilter>", "", "version='9.70'", ""},
		{"a label of what has no path", "pc", "", "<channel type='tcp'><source host='a' service='1'><seclabel model='m' relabel='no'/></source><target type='virtio'/></channel>", "", "service='1'/>", "seclabel"},
		{"a ROM of no kind", "pc", "", "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source><rom/></hostdev>", "", "<hostdev", ""},
		{"a host device that says no mode", "pc", "", "<hostdev type='scsi'><source protocol='iscsi' name='a'><host name='h'/></source></hostdev>", "", "<address type='drive' controller='0' bus='0' target='0' unit='0'/>", ""},
		{"no room for more", "pc", "<maxMemory>0</maxMemory>", "", "", "<memory", "<maxMemory"},
		{"a register as s390 writes it", "pc", "", "<rng model='virtio'><backend model='random'/><address type='spapr-vio' reg='51c'/></rng>", "", "reg='0x0000051c'", ""},
		{"a spare port beside those that are named", "q35", "", "<rng model='virtio'><backend model='random'/><address type='pci' bus='3'/></rng>", "", "<controller type='pci' index='4' model='pcie-root-port'>", "index='5'"},
		{"the first card before bridges", "pc", "", "<video><model type='vga'/></video><controller type='pci' index='1' model='pci-bridge'/>", "", "primary='yes'/>\n      <address type='pci' domain='0x0000' bus='0x00' slot='0x02'", ""},
		{"numbers as in C", "pc", "", "<hostdev mode='subsystem' type='usb'><source><address bus='0x10' device='010'/></source></hostdev>", "", "<address bus='16' device='8'/>", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			traits := rulesTraits()
			d, err := Parse(xml.Source{Data: ruleDoc("x86_64", c.machine, c.whole, c.devices)}, traits)
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
			if err != nil || !strings.Contains(string(out), c.prints) || c.lacks != "" && strings.Contains(string(out), c.lacks) {
				t.Errorf("%v: want %q, not %q, in\n%s", err, c.prints, c.lacks, out)
			}
		})
	}
}

// TestFirmwareFirst: the firmware is looked for before anything is completed.
func TestFirmwareFirst(t *testing.T) {
	for _, devices := range []string{
		"<panic/><panic/>", "<controller type='pci' index='0' model='pcie-root-port'/>", "<console/><console type='pty'/><console/>", "<disk><source file='/a'/><target dev='zzz'/></disk>",
	} {
		doc := strings.Replace(string(ruleDoc("x86_64", "q35", "", devices)), "<os>", "<os firmware='efi'>", 1)
		_, err := Parse(xml.Source{Data: []byte(doc)}, rulesTraits())
		if err == nil || !strings.Contains(err.Error(), "Unable to find 'efi' firmware") {
			t.Errorf("%s: %v", devices, err)
		}
	}
}
