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
		{"a place on PCI of what belongs elsewhere", "pc", "", "<input type='keyboard' bus='ps2'><address type='pci' bus='1' slot='0'/></input>", "Invalid PCI address 0000:01:00.0. slot must be >= 1", "", ""},
		{"a place that is taken by it", "pc", "", "<input type='keyboard' bus='ps2'><address type='pci' slot='7'/></input><rng model='virtio'><backend model='random'/><address type='pci' slot='7'/></rng>", "Attempted double use of PCI Address 0000:00:07.0", "", ""},
		{"a disk's place on PCI before its bus", "q35", "", "<disk type='file'><source file='/a'/><target dev='sda' bus='sata'/><address type='pci' bus='1' slot='0'/></disk>", "Invalid PCI address 0000:01:00.0. slot must be >= 1", "", ""},
		{"a bus for it", "pc", "", "<input type='keyboard' bus='ps2'><address type='pci' bus='1' slot='3'/></input>", "", "model='pci-bridge'", ""},
		{"a hub's place on PCI", "pc", "", "<hub type='usb'><address type='pci' bus='1' slot='3'/></hub>", "", "<address type='usb' bus='0' port='1'/>", "bus='0x01' slot='0x03'"},
		{"sounds before controllers", "pc", "", "<controller type='scsi' model='virtio-scsi'><address type='pci' domain='1' slot='5'/></controller><sound model='ac97'><address type='pci' domain='2' slot='5'/></sound>", "Invalid PCI address 0002:", "", ""},
		{"NVRAM elsewhere than on POWER", "pc", "", "<nvram><address type='pci' bus='1' slot='0'/></nvram>", "Invalid PCI address 0000:01:00.0. slot must be >= 1", "", ""},
		{"a pool behind audio", "pc", "<iothreadids><iothread id='1' thread_pool_min='4' thread_pool_max='2'/></iothreadids>", "<audio id='1' type='none'/><audio id='1' type='none'/>", "audio ID 1 is used multiple times", "", ""},
		{"a second root of the wrong kind", "pc", "", "<controller type='pci' index='0' model='pci-root'/><controller type='pci' index='0' model='pcie-root'/>", "Multiple 'pci' controllers with index '0'", "", ""},
		{"companions alone before other devices", "pc", "", "<controller type='usb' model='ich9-uhci2'/><interface type='bogus'/>", "No master USB controller specified", "", ""},
		{"a file system of nothing before other devices", "pc", "", "<filesystem><target dir='a'/></filesystem><interface type='bogus'/>", "missing source information for device a", "", ""},
		{"a mediated device's bus before the whole", "pc", "", "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='53ed4635-b9c7-4bc5-8118-1a424f0eccfc'/></source><address type='drive'/></hostdev><controller type='ide' index='0'/><controller type='ide' index='0'/>", "Unsupported address type 'drive' with mediated device model 'vfio-pci'", "", ""},
		{"a mediated device's bus behind what is unread", "pc", "", "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='53ed4635-b9c7-4bc5-8118-1a424f0eccfc'/></source><address type='drive'/></hostdev><memballoon model='x'/>", "Invalid value for attribute 'model' in element 'memballoon'", "", ""},
		{"encryption before a process", "pc", "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>", "<disk type='vhostuser'><driver name='qemu' type='raw'/><source type='unix' path='/a'/><target dev='vda' bus='virtio'/><readonly/><encryption format='luks'><secret type='passphrase' usage='a'/></encryption></disk>", "encryption is not supported with vhostuser disk", "", ""},
		{"a chain behind a process", "pc", "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>", "<disk type='vhostuser'><driver name='qemu' type='raw'/><source type='unix' path='/a'/><target dev='vda' bus='virtio'/><backingStore type='file'><format type='raw'/><source file='/q'/></backingStore></disk>", "backingStore is not supported with vhostuser disk", "", ""},
		{"a policy of read errors of a process", "pc", "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>", "<disk type='vhostuser'><driver name='qemu' type='raw' rerror_policy='ignore'/><source type='unix' path='/a'/><target dev='vda' bus='virtio'/></disk>", "error_policy is not supported with vhostuser disk", "", ""},
		{"a policy of a process", "pc", "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>", "<disk type='vhostuser'><driver name='qemu' type='raw'/><source type='unix' path='/a' startupPolicy='optional'/><target dev='vda' bus='virtio'/></disk>", "disk startupPolicy 'optional' is not allowed for disk of 'vhostuser' type", "", ""},
		{"a policy of the network", "pc", "", "<disk type='network'><source protocol='nbd' name='x' startupPolicy='optional'><host name='a'/></source><target dev='vda'/></disk>", "disk startupPolicy 'optional' is not allowed for disk of 'network' type", "", ""},
		{"a bus for an address beside a port that is written", "q35", "", "<controller type='pci' index='1' model='pcie-root-port'><address type='pci' slot='1'/></controller><interface type='user'><model type='virtio'/><address type='pci' bus='2' slot='0'/></interface>", "", "<controller type='pci' index='2' model='pcie-root-port'>", ""},
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
		{"a mode that is none", "pc", "", "<filesystem accessmode='mapped' fmode='8'><source dir='/a'/><target dir='b'/></filesystem>", "Invalid value for attribute 'fmode' in element 'filesystem': '8'. Expected non-negative integer value", "", ""},
		{"a mode with too much", "pc", "", "<filesystem accessmode='mapped' dmode='1777'><source dir='/a'/><target dir='b'/></filesystem>", "invalid dmode: '01777'", "", ""},
		{"no room for errors", "pc", "", "<pstore backend='acpi-erst'><size>0</size></pstore>", "invalid size of ACPI ERST pstore device", "", ""},
		{"a size that is not there", "pc", "", "<pstore backend='acpi-erst'/>", "missing element or attribute './size'", "", ""},
		{"a watchdog of s390 with a place", "pc", "", "<watchdog model='diag288'><address type='pci' slot='5'/></watchdog>", "cannot go on any bus", "", ""},
		{"banks before the version", "pc", "", "<tpm><backend type='emulator'><active_pcr_banks><sha1/></active_pcr_banks></backend></tpm>", "<active_pcr_banks/> requires TPM version '2.0'", "", ""},
		{"another's secret", "pc", "", "<hostdev type='scsi'><source protocol='iscsi' name='a'><host name='b'/><auth username='n'><secret type='ceph' usage='u'/></auth></source></hostdev>", "internal error: hostdev invalid secret type 'ceph'", "", ""},
		{"nobody's secret", "pc", "", "<hostdev type='scsi'><source protocol='iscsi' name='a'><host name='b'/><auth username='n'><secret type='x' usage='u'/></auth></source></hostdev>", "invalid secret type x", "", ""},
		{"a disabled ROM elsewhere", "pc", "", "<interface type='user'><rom enabled='no' file='/a'/><address type='usb' bus='0'/></interface>", "ROM tuning is not supported when ROM is disabled", "", ""},
		{"data of no file", "pc", "", "<disk><source file='/a'><dataStore type='file'><format type='raw'/></dataStore></source><target dev='vda'/></disk>", "missing disk data file store source", "", ""},
		{"data of no format", "pc", "", "<disk><source file='/a'><dataStore type='file'><source file='/b'/></dataStore></source><target dev='vda'/></disk>", "missing data file store format", "", ""},
		{"data beside raw", "pc", "", "<disk><source file='/a'><dataStore type='file'><source file='/b'/><format type='raw'/></dataStore></source><target dev='vda'/></disk>", "available only with qcow2 images", "", ""},
		{"a part of a unit", "pc", "", "<disk device='lun' type='block'><source dev='/a'><slices><slice type='storage' offset='0' size='1024'/></slices></source><target dev='sda' bus='scsi'/></disk>", "doesn't support storage slice", "", ""},
		{"a way out that is not used", "pc", "", "<interface type='user'><source dev='e'/></interface>", "", "<interface type='user'>", "<source"},
		{"ports of USB: sound", "pc", "", "<controller type='ccid'/><sound model='usb'/>", "", "<sound model='usb'>\n      <address type='usb' bus='0' port='1'/>", ""},
		{"ports of USB: pointers last", "pc", "", "<input type='tablet'/><hostdev type='usb'><source><address bus='1' device='2'/></source></hostdev>", "", "<input type='tablet' bus='usb'>\n      <address type='usb' bus='0' port='2'/>", ""},
		{"a port without profile", "pc", "", "<interface type='direct'><source dev='b'/><virtualport type='802.1Qbh'/></interface>", "missing profileid in <virtualport type='802.1Qbh'>", "", ""},
		{"a port without manager", "pc", "", "<interface type='direct'><source dev='b'/><virtualport type='802.1Qbg'/></interface>", "missing managerid in <virtualport type='802.1Qbg'>", "", ""},
		{"a pool that is too small", "pc", "<defaultiothread thread_pool_min='7'/>", "<serial type='pty'/>", "thread_pool_min must be smaller or equal to thread_pool_max", "", ""},
		{"a socket that is not named, after the guest's address", "pc", "", "<interface type='vhostuser'><ip address='10.0.0.1'/></interface>", "guest-side IP address info", "", ""},
		{"a socket that is not named", "pc", "", "<interface type='vhostuser'/>", "Missing required attribute 'path' in element 'source'", "", ""},
		{"a switch that is told twice how to connect", "pc", "", "<interface type='vhostuser'><source path='/a' mode='server'><reconnect enabled='yes' timeout='1'/></source><model type='e1000'/></interface>", "'reconnect' attribute is not supported when source mode='server'", "", ""},
		{"a switch that cannot see the memory", "pc", "", "<interface type='vhostuser'><source path='/a'/><model type='e1000'/></interface>", "'interface' requires shared memory", "", ""},
		{"a switch for another card", "pc", "<memoryBacking><access mode='shared'/></memoryBacking>", "<interface type='vhostuser'><source path='/a'/><model type='e1000'/></interface>", "invalid model for interface of type 'vhostuser': 'e1000' - must be 'virtio'", "", ""},
		{"a switch that is not asked again how soon", "pc", "<memoryBacking><access mode='shared'/></memoryBacking>", "<interface type='vhostuser'><source path='/a'><reconnect enabled='yes'/></source></interface>", "Missing required attribute 'timeout' in element 'reconnect'", "", ""},
		{"a switch, filled in", "pc", "<memoryBacking><access mode='shared'/></memoryBacking>", "<interface type='vhostuser'><source path='/a'><reconnect enabled='no' timeout='3'/></source><model type='virtio'/></interface>", "", "<source type='unix' path='/a' mode='client'>\n        <reconnect enabled='no'/>", ""},
		{"variables of a filter", "pc", "", "<interface type='bridge'><source bridge='b'/><filterref filter='f'><parameter name='MAC' value='x'/><parameter name='IP' value='2'/><parameter name='IP' value='1'/><parameter name='a b' value='1'/><parameter name='V' value='a;b'/><parameter value='1'/></filterref></interface>", "",
			"<filterref filter='f'>\n        <parameter name='IP' value='2'/>\n        <parameter name='IP' value='1'/>\n        <parameter name='MAC' value='x'/>\n      </filterref>", ""},
		{"a filter without name", "pc", "", "<interface type='bridge'><source bridge='b'/><filterref/></interface>", "", "", "<filterref"},
		{"memory: two in one slot", "pc", "<maxMemory slots='2' unit='GiB'>4</maxMemory><cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/></numa></cpu>", "<memory model='dimm'><target><size unit='MiB'>64</size><node>0</node></target><address type='dimm' slot='0'/></memory><memory model='dimm'><target><size unit='MiB'>64</size><node>0</node></target><address type='dimm' slot='0'/></memory>", "memory device slot '0' is already being used", "", ""},
		{"memory: too many in slots", "pc", "<maxMemory slots='2' unit='GiB'>4</maxMemory><cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/></numa></cpu>", "<memory model='dimm'><target><size unit='MiB'>64</size><node>0</node></target><address type='dimm' slot='0'/></memory><memory model='dimm'><target><size unit='MiB'>64</size><node>0</node></target><address type='dimm' slot='0'/></memory><memory model='dimm'><target><size unit='MiB'>64</size><node>0</node></target></memory>", "count of memory devices requiring memory slots '3' exceeds slots count '2'", "", ""},
		{"memory: one over another", "pc", "<maxMemory slots='2' unit='GiB'>4</maxMemory><cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/></numa></cpu>", "<memory model='dimm'><target><size unit='MiB'>64</size><node>0</node></target><address type='dimm' slot='0' base='0x102000000'/></memory><memory model='dimm'><target><size unit='MiB'>64</size><node>0</node></target><address type='dimm' slot='1' base='0x100000000'/></memory>", "[0x102000000:0x106000000] overlaps with other memory device (0x100000000)", "", ""},
		{"memory: a node that is not there, before the path", "pc", "<maxMemory slots='2' unit='GiB'>4</maxMemory><cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/></numa></cpu>", "<memory model='nvdimm'><target><size unit='MiB'>64</size><node>3</node></target></memory>", "for guest node '3'", "", ""},
		{"memory: an NVDIMM's UUID that is none", "pc", "<maxMemory slots='2' unit='GiB'>4</maxMemory><cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/></numa></cpu>", "<memory model='nvdimm'><uuid>x</uuid><target><size unit='MiB'>64</size><node>3</node></target></memory>", "malformed uuid element", "", ""},
		{"a tunnel's port", "pc", "", "<interface type='client'><source address='h' port='0x10'/></interface>", "Invalid value for attribute 'port' in element 'source': '0x10'. Expected integer value", "", ""},
		{"a tunnel without port", "pc", "", "<interface type='mcast'><source address='h'/></interface>", "Missing required attribute 'port' in element 'source'", "", ""},
		{"a tunnel without its near end's address", "pc", "", "<interface type='udp'><source address='h' port='1'><local port='2'/></source></interface>", "Missing required attribute 'address' in element 'local'", "", ""},
		{"a switch's port that is no number", "pc", "", "<interface type='vds'><source switchid='aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee' portid='x'/></interface>", "'x'. Expected long long integer value", "", ""},
		{"a source that is missing, before all else", "pc", "", "<interface type='bridge'><acpi index='0'/></interface>", "interface type='bridge' requires a 'source' element", "", ""},
		{"a model that has no such letter, before the source", "pc", "", "<interface type='bridge'><model type='a b'/></interface>", "Model name contains invalid characters", "", ""},
		{"a way to join that is none", "pc", "", "<interface type='direct'><source mode='q'/></interface>", "Invalid value for attribute 'mode' in element 'source': 'q'.", "", ""},
		{"a tunnel, as it is printed", "pc", "", "<interface type='udp'><source address='h' port='+05'><local address='l' port=' 6'/></source></interface>", "", "<source address='h' port='5'>\n        <local address='l' port='6'/>", ""},
		{"what another type is joined to", "pc", "", "<interface type='ethernet'><source bridge='b' dev='c'/></interface>", "", "", "<source"},
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

// TestPieces: parts of the whole that are there in several pieces.
func TestPieces(t *testing.T) {
	for _, c := range []struct{ name, whole, fails, prints string }{
		{"features", "<features><acpi/></features><features><apic/></features>", "", "<acpi/>\n    <apic/>"},
		{"features of KVM", "<features><kvm><hidden state='on'/></kvm></features><features><kvm><poll-control state='on'/></kvm></features>", "", "<hidden state='on'/>\n      <poll-control state='on'/>"},
		{"threads", "<iothreadids><iothread id='1'/></iothreadids><iothreadids><iothread id='2'/></iothreadids>", "", "<iothreads>2</iothreads>"},
		{"limits", "<cputune><shares>100</shares></cputune><cputune><period>2000</period></cputune>", "", "<period>2000</period>"},
		{"timers", "<clock offset='utc'><timer name='pit' present='no'/></clock><clock offset='localtime'><timer name='hpet' present='no'/></clock>", "", "<clock offset='utc'>\n    <timer name='pit' present='no'/>\n    <timer name='hpet'"},
		{"memory of nodes", "<numatune><memory nodeset='0'/></numatune><numatune><memory nodeset='0'/></numatune>", "only one numatune is supported", ""},
		{"a partition", "<resource><partition>/a</partition></resource><resource><partition>/b</partition></resource>", "only one resource element is supported", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tellsOrPrints(t, ruleDoc("x86_64", "pc", c.whole, ""), c.fails, c.prints)
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
