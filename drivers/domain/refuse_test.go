package domain

import (
	"strings"
	"testing"

	"virgo/xml"
)

// refusal is a document that is refused: what stands outside of the devices, or a device.
type refusal struct{ name, whole, device, want string }

func disk0(attrs, inner string) string {
	return "<disk" + attrs + "><source file='/a'/>" + inner + "</disk>"
}

var refusals = []refusal{
	{"floppy on USB", "", disk0(" device='floppy'", "<target dev='sda' bus='usb'/>"), "Invalid bus type 'usb' for floppy disk"},
	{"disk on a floppy's bus", "", disk0("", "<target dev='fda' bus='fdc'/>"), "Invalid bus type 'fdc' for disk"},
	{"queues of SCSI", "", disk0("", "<driver queues='2'/><target dev='sda' bus='scsi'/>"), "queues attribute in disk driver element is only supported for virtio bus"},
	{"virtio switch of IDE", "", disk0("", "<driver packed='on'/><target dev='hda' bus='ide'/>"), "packed driver option is only supported for virtio devices"},
	{"removable of SATA", "", disk0("", "<target dev='sda' bus='sata' removable='on'/>"), "removable is only valid for usb or scsi disks"},
	{"tray of a disk", "", disk0("", "<target dev='hda' tray='open'/>"), "tray is only valid for cdrom and floppy"},
	{"model of IDE", "", disk0(" model='virtio'", "<target dev='hda' bus='ide'/>"), "disk model 'virtio' not supported for bus 'ide'"},
	{"unit in qcow2", "", "<disk type='block' device='lun'><driver type='qcow2'/><source dev='/a'/><target dev='sda' bus='scsi'/></disk>", "disk device 'lun' must use 'raw' format"},
	{"unit with a serial", "", "<disk type='block' device='lun'><source dev='/a'/><target dev='sda' bus='scsi'/><serial>x</serial></disk>", "do not support the serial property"},
	{"log in to NBD", "", "<disk type='network'><source protocol='nbd' name='x'><host name='h'/><auth username='u'><secret type='iscsi' usage='x'/></auth></source><target dev='vda'/></disk>", "authentication is not supported for protocol 'nbd'"},
	{"cookie", "", "<disk type='network'><source protocol='http' name='x'><host name='h'/><cookies><cookie name='a b'>c</cookie></cookies></source><target dev='vda'/></disk>", "cookie name 'a b' contains invalid characters"},
	{"two NFS servers", "", "<disk type='network'><source protocol='nfs' name='/x'><host name='a'/><host name='b'/></source><target dev='vda'/></disk>", "exactly one host"},
	{"folder as raw", "", "<disk type='dir' device='floppy'><source dir='/a'/><target dev='fda'/><readonly/></disk>", "requires use of storage format 'fat'"},
	{"geometry of USB", "", disk0("", "<target dev='sda' bus='usb'/><geometry cyls='1' heads='1' secs='1'/>"), "CHS geometry can not be set for 'usb' bus"},
	{"wwn of virtio", "", disk0("", "<target dev='vda'/><wwn>5000c50015ea71ac</wwn>"), "Only ide and scsi disk support wwn"},
	{"rotation of virtio", "", disk0("", "<target dev='vda' rotation_rate='1'/>"), "rotation rate is only valid for SCSI/IDE/SATA bus"},
	{"serial's letters", "", disk0("", "<target dev='vda'/><serial>a/b</serial>"), "contains unsafe characters"},
	{"native with a cache", "", disk0("", "<driver io='native' cache='writeback'/><target dev='vda'/>"), "io='native' needs either no disk cache or directsync cache mode"},
	{"limit", "", disk0("", "<target dev='vda'/><iotune><read_iops_sec>1000000000000001</read_iops_sec></iotune>"), "must be no more than 1000000000000000"},
	{"transient and read-only", "", disk0("", "<target dev='vda'/><readonly/><transient/>"), "transient disk 'vda' must not be read-only"},
	{"vhost-user with a cache", "<memoryBacking><access mode='shared'/></memoryBacking>", "<disk type='vhostuser'><driver cache='none'/><source type='unix' path='/p'/><target dev='vda'/></disk>", "cache is not supported with vhostuser disk"},
	{"old encryption", "", "<disk><source file='/a'><encryption format='qcow'><secret type='passphrase' usage='u'/></encryption></source><target dev='vda'/></disk>", "old qcow/qcow2 encryption is not supported"},
	{"server's port", "", "<disk type='network'><source protocol='nbd' name='x'><host name='h' port='65536'/></source><target dev='vda'/></disk>", "port '65536' out of range"},
	{"server's port is a word", "", "<disk type='network'><source protocol='nbd' name='x'><host port='http'/></source><target dev='vda'/></disk>", "failed to parse port number 'http'"},
	{"server without a name", "", "<disk type='network'><source protocol='nbd' name='x'><host transport='rdma'/></source><target dev='vda'/></disk>", "missing name for host"},
	{"cookie without a value", "", "<disk type='network'><source protocol='http' name='x'><host name='h'/><cookies><cookie name='a'/></cookies></source><target dev='vda'/></disk>", "missing value for cookie 'a'"},
	{"cookie twice", "", "<disk type='network'><source protocol='http' name='x'><host name='h'/><cookies><cookie name='a'>1</cookie><cookie name='a'>2</cookie></cookies></source><target dev='vda'/></disk>", "duplicate cookie 'a'"},
	{"readahead", "", "<disk type='network'><source protocol='http' name='x'><host name='h'/><readahead size='x'/></source><target dev='vda'/></disk>", "invalid readahead size or timeout"},
	{"slice without a size", "", "<disk type='network'><source protocol='nbd' name='x'><host name='h'/><slices><slice type='storage' offset='1'/></slices></source><target dev='vda'/></disk>", "missing offset or size attribute of slice"},
	{"slice's size", "", "<disk type='network'><source protocol='nbd' name='x'><host name='h'/><slices><slice type='storage' offset='1' size='x'/></slices></source><target dev='vda'/></disk>", "malformed value 'x' of 'size' attribute of slice"},
	{"port of NFS", "", "<disk type='network'><source protocol='nfs' name='x'><host name='h' port='5'/></source><target dev='vda'/></disk>", "port cannot be specified in 'nfs' protocol host"},
	{"name of TLS", "", "<disk type='network'><source protocol='http' name='x' tlsHostname='t'><host name='h'/></source><target dev='vda'/></disk>", "'tlsHostname' field is supported only with NBD disks"},
	{"source before the disk", "", "<disk type='network' device='x'><source protocol='nbd' name='x'><host/></source><target dev='vda'/></disk>", "missing name for host"},
	{"disk before the driver", "", "<disk><driver cache='x'/><source file='/a'/><target dev='vda' bus='x'/></disk>", "Invalid value for attribute 'bus'"},
	{"data of another format", "", "<disk><driver type='qcow2'/><source file='/a'><dataStore type='file'><format type='qcow2'/><source file='/b'/></dataStore></source><target dev='vda'/></disk>", "only 'raw' images supported as <dataStore>"},
	{"helper's kind", "", "<disk type='block' device='lun'><source dev='/a'><reservations managed='no'><source type='tcp' path='/p' mode='client'/></reservations></source><target dev='sda' bus='scsi'/></disk>", "unsupported connection type for <reservations/>: tcp"},
	{"encrypted unit", "", "<disk type='block' device='lun'><source dev='/a'><encryption format='luks'/></source><target dev='sda' bus='scsi'/></disk>", "disk device 'lun' doesn't support encryption"},
	{"filter twice", "", "<disk><source file='/a'/><target dev='vda'/><throttlefilters><throttlefilter group='g'/><throttlefilter group='g'/></throttlefilters></disk>", "duplicate filter name 'g' found"},
	{"product of SATA", "", "<disk><source file='/a'/><target dev='sda' bus='sata'/><product>12345678901234567890123456789012345678901</product></disk>", "disk product is more than 40 characters"},
	{"vhost-user of nothing", "", "<disk type='vhostuser'><target dev='vda'/></disk>", "missing source information for device vda"},
	{"policy of a file system", "", "<filesystem><driver type='path' wrpolicy='x'/><source dir='/a'/><target dir='t'/></filesystem>", "Invalid value for attribute 'wrpolicy' in element 'driver': 'x'."},
	{"queue of virtiofs", "", "<filesystem><driver type='virtiofs' queue='x'/><source dir='/a'/><target dir='t'/></filesystem>", "cannot parse queue size 'x' for virtiofs"},
	{"virtiofs with a model", "", "<filesystem model='virtio'><driver type='virtiofs'/><source dir='/a'/><target dir='t'/></filesystem>", "virtiofs does not support model"},
	{"virtiofs with a policy", "", "<filesystem><driver type='virtiofs' wrpolicy='immediate'/><source dir='/a'/><target dir='t'/></filesystem>", "virtiofs does not support wrpolicy"},
	{"mode before the driver", "", "<filesystem fmode='1000'><driver type='x'/><source dir='/a'/><target dir='t'/></filesystem>", "invalid fmode: '01000'"},
	{"map without a count", "", "<filesystem><driver type='virtiofs'/><source dir='/a'/><target dir='t'/><idmap><uid start='0' target='1'/></idmap></filesystem>", "invalid idmap start/target/count settings"},
	{"file system's limit", "", "<filesystem><source dir='/a'/><target dir='t'/><space_hard_limit>x</space_hard_limit></filesystem>", "'./space_hard_limit[1]'"},
	{"memory without its size", "", "<filesystem type='ram'><target dir='t'/></filesystem>", "missing 'usage' attribute for RAM filesystem"},
	{"target without a number", "", "<hostdev type='scsi_host'><source protocol='vhost'/></hostdev>", "missing vhost-scsi hostdev source wwpn"},
	{"target's number", "", "<hostdev type='scsi_host'><source protocol='vhost' wwpn='5123456789abcde0'/></hostdev>", "malformed 'wwpn' value"},
	{"iSCSI without a name", "", "<hostdev type='scsi'><source protocol='iscsi'/></hostdev>", "missing iSCSI hostdev source path name"},
	{"unit without a place", "", "<hostdev type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0'/></source></hostdev>", "Missing required attribute 'unit' in element 'address'"},
	{"interface of the host", "", "<hostdev mode='capabilities' type='net'><source/></hostdev>", "Missing <interface> element in hostdev net device"},
	{"model before the address", "", "<hostdev type='usb' model='x'><source><vendor id='0'/></source></hostdev>", "'model' attribute in <hostdev> is only supported when type='usb'"},
	{"store without a size", "", "<pstore backend='acpi-erst'><path>/a</path><size/></pstore>", "missing element or attribute './size'"},
	{"third floppy", "", disk0(" device='floppy'", "<target dev='fdc'/>"), "Only 1 fdc controller is supported"},

	{"route of the other family", "", "<interface type='user'><route address='fe80::' prefix='64' gateway='fe80::1'/></interface>", "guest interface: No family specified for non-IPv4 address 'fe80::' in route definition"},
	{"route to a host", "", "<interface type='user'><route address='10.0.0.1' prefix='8' gateway='10.0.0.1'/></interface>", "Address '10.0.0.1' in route definition is not a network address"},
	{"peer of the other family", "", "<interface type='user'><ip address='10.0.0.1' peer='fe80::1'/></interface>", "Invalid peer 'fe80::1' in <ip>"},
	{"prefix", "", "<interface type='user'><ip address='10.0.0.1' prefix='33'/></interface>", "Invalid prefix value '33' in <ip>"},
	{"address on a bridge", "", "<interface type='bridge'><source bridge='b'/><ip address='10.0.0.1'/></interface>", "guest-side IP address info"},
	{"MTU", "", "<interface type='user'><mtu size='1400'/></interface>", "setting MTU on interface type user is not supported yet"},
	{"a SCSI device's place", "", "<hostdev mode='subsystem' type='scsi'><source><address bus='0' slot='1'/></source></hostdev>", "Missing required attribute 'target' in element 'address'"},
	{"virtual port of no type", "", "<interface><virtualport type='openvswitch'/></interface>", "<virtualport> element unsupported for <interface type='user'>"},
	{"an address that is none", "", "<interface type='user'><ip/></interface>", "Missing required address in <ip>"},
	{"a CD of no protocol", "", "<disk type='network' device='cdrom'><source/><target dev='hda'/></disk>", "Missing required attribute 'protocol' in element 'source'"},
	{"virtual port", "", "<interface type='user'><virtualport type='openvswitch'/></interface>", "<virtualport> element unsupported for <interface type='user'>"},
	{"vDPA's model", "", "<interface type='vdpa'><source dev='/d'/><model type='e1000'/></interface>", "invalid model for interface of type 'vdpa': 'e1000'"},
	{"class", "", "<interface type='user'><bandwidth classID='3'><inbound average='1'/></bandwidth></interface>", "classID attribute not supported"},
	{"team", "", "<interface type='user'><model type='e1000'/><teaming type='persistent'/></interface>", "must be <model type='virtio'/>, not 'e1000'"},

	{"queues of IDE's controller", "", "<controller type='ide'><driver queues='2'/></controller>", "'queues' is only supported by virtio-scsi controller"},
	{"second IDE controller", "", "<controller type='ide' index='1'/>", "Only a single IDE controller"},
	{"chassis of a bridge", "", "<controller type='pci' index='1' model='pci-bridge'><target chassis='3'/></controller>", "Option 'chassis' is not valid for PCI controller with index '1', model 'pci-bridge' and modelName 'pci-bridge'"},
	{"bridge's device", "", "<controller type='pci' index='1' model='pci-bridge'><model name='pxb'/></controller>", "Option 'modelName' has invalid value"},
	{"bus number", "", "<controller type='pci' index='1' model='pci-bridge'><target busNr='255'/></controller>", "PCI controller busNr '255' out of range - must be 1-254"},
	{"two targets", "", "<controller type='usb'><target/><target/></controller>", "Multiple <target> elements"},
	{"expander of the other machine", "", "<controller type='pci' index='1' model='pcie-expander-bus'/>", "not supported with this machine type"},
	{"bridge behind itself", "", "<controller type='pci' index='1' model='pci-bridge'><address type='pci' bus='1' slot='3'/></controller>", "index must be larger than bus"},
	{"PCI controller 256", "", "<controller type='pci' index='256' model='pci-bridge'/>", "PCI controller index 256 too high"},
	{"two disks in a place", "", "<disk><source file='/a'/><target dev='sda'/><address type='drive' unit='3'/></disk><disk><source file='/a'/><target dev='sdb'/><address type='drive' unit='3'/></disk>", "target name 'sda'"},
	{"disk and host's disk in a place", "", "<disk><source file='/a'/><target dev='sda'/><address type='drive' unit='3'/></disk><hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/></source><address type='drive' unit='3'/></hostdev>", "in use by a SCSI disk"},
	{"target of LSI's", "", "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/></source><address type='drive' target='4' unit='3'/></hostdev>", "target must be 0 for controller model 'lsilogic'"},
	{"balloon of Xen", "", "<memballoon model='xen'/>", "connect flags 00"},
	{"zPCI", "", "<rng model='virtio'><backend model='random'/><address type='pci'><zpci uid='0x3'/></address></rng>", "doesn't support zPCI"},
	{"SPICE's channel as a port", "", "<serial type='spicevmc'/>", "spicevmc device type only supports virtio"},
	{"console's target", "", "<console type='pty'><target type='isa-serial'/></console>", "unknown target type 'isa-serial' specified for character device"},
	{"port's model", "", "<serial type='pty'><target type='isa-serial'><model name='foo'/></target></serial>", "unknown target model 'foo'"},
	{"console's socket", "", "<console type='unix'><target type='virtio'/></console>", "Missing source path attribute"},
	{"tablet without USB", "", "<controller type='usb' model='none'/><input type='tablet' bus='usb'/>", "Can't add USB input device"},
	{"disk without USB", "", "<controller type='usb' model='none'/>" + disk0("", "<target dev='sda' bus='usb'/>"), "USB is disabled for this domain, but USB devices are present"},
	{"two of PIIX", "", "<controller type='usb' index='0'/><controller type='usb' index='0'/>", "Attempted double use of PCI Address 0000:00:01.2"},
	{"two accelerators' backends", "", "<crypto model='virtio' type='qemu'><backend model='builtin'/><backend model='builtin'/></crypto>", "only one crypto backend"},
	{"lease of nothing", "", "<lease><lockspace>a</lockspace><key>b</key></lease>", "Missing 'target' element for lease"},
	{"model of a PCI device", "", "<hostdev mode='subsystem' type='pci' model='vfio-pci'><source><address bus='1'/></source></hostdev>", "is only supported when type='pci'"},
	{"two of ib700", "", "<watchdog model='ib700'/><watchdog model='ib700'/>", "only have one watchdog with model 'ib700'"},
	{"tablet on ISA", "", "<input type='tablet' bus='usb'><address type='isa'/></input>", "Invalid address for a USB device"},
	{"codec", "", "<sound model='ich6'><codec type='foo'/></sound>", "unknown codec type 'foo'"},
	{"queue of two threads", "<iothreads>2</iothreads>", "<disk><driver name='qemu' queues='2'><iothreads><iothread id='1'><queue id='0'/></iothread><iothread id='2'><queue id='0'/></iothread></iothreads></driver><source file='/a'/><target dev='vda'/></disk>", "iothread queue '0' is already assigned"},
	{"queue of no thread", "<iothreads>2</iothreads>", "<disk><driver name='qemu' queues='2'><iothreads><iothread id='1'><queue id='1'/></iothread></iothreads></driver><source file='/a'/><target dev='vda'/></disk>", "missing iothread mapping for queue '0'"},
	{"two first cards", "", "<video><model type='vga' primary='yes'/></video><video><model type='virtio' primary='yes'/></video>", "Only one primary video device"},
	{"SPICE's sound alone", "", "<audio id='1' type='spice'/>", "Spice audio is not supported without spice graphics"},
	{"vhost-user without socket", "", "<interface type='vhostuser'><source type='unix' mode='client'/></interface>", "Missing required attribute 'path'"},
	{"GL neither on nor off", "", "<graphics type='dbus'><gl/></graphics>", "Missing required attribute 'enable' in element 'gl'"},
	{"capabilities", "", "<hostdev mode='capabilities' type='misc'><source><char>/c</char></source></hostdev>", "hostdev mode 'capabilities' is not supported in qemu"},
	{"USB's address", "", "<hostdev mode='subsystem' type='usb'><source><vendor id='1'/><product id='2'/></source><address type='pci'/></hostdev>", "USB host device must use 'usb' address type"},
	{"file system of a block device", "", "<filesystem type='block'><source dev='/d'/><target dir='t'/></filesystem>", "only supports mount filesystem type"},
	{"modes without mapping", "", "<filesystem fmode='0600'><source dir='/d'/><target dir='t'/></filesystem>", "fmode and dmode must be used with accessmode=mapped"},
	{"heads", "", "<video><model type='vga' heads='2'/></video>", "doesn't support multiple 'heads'"},
	{"resolution", "", "<video><model type='cirrus'><resolution x='8' y='6'/></model></video>", "model resolution is not supported"},
	{"password's end", "", "<graphics type='vnc' passwd='x' passwdValidTo='soon'/>", "cannot parse password validity time 'soon'"},
	{"doorbell without server", "", "<shmem name='a'><model type='ivshmem-doorbell'/></shmem>", "is supported only with server option enabled"},
	{"itco on pc", "", "<watchdog model='itco'/>", "itco model of watchdog is only part of q35 machine"},
	{"a card's other place", "", "<smartcard mode='host'><address type='ccid' controller='0' slot='1'/></smartcard>", "lacks multiple smartcard support"},
	{"a disk's controller elsewhere", "", "<controller type='sata' index='0'><address type='pci' domain='1' bus='0' slot='31' function='2'/></controller>", "Invalid PCI address 0001:00:1f.2. Only PCI domain 0 is available"},
	{"NVMe without namespace", "", "<disk type='nvme'><source type='pci'/><target dev='vda'/></disk>", "Missing required attribute 'namespace' in element 'source'"},
	{"NVMe without address", "", "<disk type='nvme'><source type='pci' namespace='1'/><target dev='vda'/></disk>", "NVMe disk source is missing address"},
	{"two card readers", "", "<smartcard mode='host'/><smartcard mode='host'/>", "lacks multiple smartcard support"},
	{"settings", "", "<audio id='1' type='none'><input><settings frequency='44100'/></input></audio>", "audio settings specified without fixed settings flag"},

	{"label without relabelling", "<seclabel type='dynamic' relabel='no'/>", "", "dynamic label type must use resource relabeling"},
	{"label of no model", "<seclabel type='static'><label>x</label></seclabel>", "", "missing security model in domain seclabel"},
	{"ring", "<features><kvm><dirty-ring state='on' size='1000'/></kvm></features>", "", "dirty ring must be power of 2"},
	{"spinlocks", "<features><hyperv><spinlocks state='on' retries='5'/></hyperv></features>", "", "must be at least 4095"},
	{"vendor", "<features><hyperv><vendor_id state='on' value='abcdefghijklm'/></hyperv></features>", "", "must not be more than 12 characters"},
	{"sysinfo's UUID", "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1000</uuid><sysinfo type='smbios'><system><entry name='uuid'>c7a5fdbd-edaf-9455-926a-d65c16db1001</entry></system></sysinfo>", "", "UUID mismatch between <uuid> and <sysinfo>"},
	{"firmware's name", "<sysinfo type='fwcfg'><entry name='opt/ovmf/x'>y</entry></sysinfo>", "", "That firmware name is reserved"},
	{"root of the container", "<idmap><uid start='1' target='5' count='2'/><gid start='0' target='5' count='2'/></idmap>", "", "You must map the root user of container"},
	{"group without name", "<throttlegroups><throttlegroup><total_bytes_sec>5</total_bytes_sec></throttlegroup></throttlegroups>", "", "missing group name"},
	{"absolute clock", "<clock offset='absolute'/>", "", "missing 'start' attribute"},
	{"scheduler of a vCPU that is not there", "<cputune><vcpusched vcpus='7' scheduler='batch'/></cputune>", "", "vCPU '7' is not present in domain definition"},
	{"dump of a guest that ends", "<on_poweroff>coredump-destroy</on_poweroff>", "", "Lifecycle event 'poweroff' doesn't support 'coredump-destroy' action"},
	{"new name", "<on_crash>rename-restart</on_crash>", "", "doesn't support the 'rename-restart' action"},
	{"kept", "<on_reboot>preserve</on_reboot>", "", "doesn't support the 'preserve' action"},
	{"end for start", "<on_poweroff>restart</on_poweroff><on_reboot>destroy</on_reboot>", "", "'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'"},
	{"translator's cache", "<features><tcg><tb-cache>5</tb-cache></tcg></features>", "", "tb-cache size must be an integer multiple of MiB"},
	{"monitor of nobody", "<cputune><cachetune vcpus='0'><monitor level='3' vcpus='7'/></cachetune></cputune>", "", "vcpus is empty"},
	{"monitor's level", "<cputune><cachetune vcpus='0'><monitor level='2' vcpus='0'/></cachetune></cputune>", "", "Invalid monitor cache level '2'"},
	{"bandwidth twice", "<cputune><memorytune vcpus='0'><node id='1' bandwidth='5'/></memorytune><memorytune vcpus='0'><node id='1' bandwidth='5'/></memorytune></cputune>", "", "Memory Bandwidth already defined for node 1"},
	{"bandwidth across caches", "<vcpu>2</vcpu><cputune><cachetune vcpus='1'><cache id='0' level='3' type='both' size='3'/></cachetune><memorytune vcpus='0-1'><node id='1' bandwidth='5'/></memorytune></cputune>", "", "Overlapping vcpus in resctrls"},
	{"nothing of resources", "<resource><partition/></resource>", "", "An error occurred, but the cause is unknown"},
	{"policy", "<launchSecurity type='sev'/>", "", "failed to get launch security policy"},
	{"wide policy", "<launchSecurity type='sev'><policy>0x100000000</policy></launchSecurity>", "", "failed to get launch security policy"},
	{"bit of encryption", "<launchSecurity type='sev'><cbitpos>x</cbitpos><policy>1</policy></launchSecurity>", "", "XML error: Invalid format for launch security cbitpos"},
	{"bits of addresses", "<launchSecurity type='sev'><reducedPhysBits>x</reducedPhysBits><policy>1</policy></launchSecurity>", "", "XML error: Invalid format for launch security reduced-phys-bits"},
	{"class of a filter", "", "<redirfilter><usbdev class='0x100' allow='yes'/></redirfilter>", "Invalid USB Class code 0x100"},
	{"no class of a filter", "", "<redirfilter><usbdev class='x' allow='yes'/></redirfilter>", "Invalid value for attribute 'class' in element 'usbdev': 'x'. Expected integer value"},
	{"version of a filter", "", "<redirfilter><usbdev version='2' allow='yes'/></redirfilter>", "Cannot parse USB device version 2"},
	{"long version of a filter", "", "<redirfilter><usbdev version='2.567' allow='yes'/></redirfilter>", "Cannot parse USB device version 2.567"},
}

func TestRefusals(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(xml.Source{Data: ruleDoc("x86_64", "pc", c.whole, c.device)}, rulesTraits())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// Of several faults the one is told that the peer finds first: devices are
// checked one by one, and of each first what no driver takes.
func TestFirstRefusal(t *testing.T) {
	const (
		diskAll  = "<disk><source file='/a'/><target dev='hda' tray='open'/></disk>"
		diskQEMU = "<disk><source file='/a'/><target dev='vda' rotation_rate='1'/></disk>"
		netAll   = "<interface type='user'><model type='e1000'/><driver ats='on'/></interface>"
		fsAll    = "<filesystem><source dir='/a'/></filesystem>"
		tpmQEMU  = "<tpm model='tpm-tis'><backend type='emulator' version='1.2'/></tpm>"
		vsockAll = "<vsock><cid address='1'/></vsock>"
		video2   = "<video><model type='vga'/></video><video><model type='none'/></video>"
		dimm     = "<memory model='dimm'><target><size>1024</size></target></memory>"
		quota    = "<cputune><quota>5</quota></cputune>"
		pin      = "<cputune><iothreadpin iothread='3' cpuset='1'/></cputune>"
		dump     = "<on_reboot>coredump-restart</on_reboot>"
		kept     = "<on_poweroff>preserve</on_poweroff>"
		pvh      = "<clock><timer name='kvmclock' tickpolicy='delay'/></clock>"
		root     = "<controller type='pci' index='0' model='pcie-root'/>"
		noName   = "<disk><source file='/a'/><target dev='zda'/></disk>"
	)
	for _, c := range []struct{ name, whole, devices, want string }{
		{"QEMU's of a disk before all drivers' of an interface", "", netAll + diskQEMU, "rotation rate"},
		{"by place within a kind", "", diskQEMU + diskAll, "rotation rate"},
		{"interface before file system", "", fsAll + netAll, "ats driver option"},
		{"QEMU's of a TPM before all drivers' of a vsock", "", vsockAll + tpmQEMU, "TPM version '1.2'"},
		{"QEMU's of the whole before devices", kept, diskAll + video2, "'preserve' action"},
		{"devices before what is left of the whole", dump + quota, video2, "must be the only video device"},
		{"actions before shares of time", dump + quota, "", "Lifecycle event 'reboot'"},
		{"actions before memory devices", kept, dimm, "'preserve' action"},
		{"threads while reading", pin + kept, root + noName, "Cannot find 'iothread' : 3"},
		{"root of PCI before disks' names", pvh, root + noName, "must be model='pci-root'"},
		{"disks' names before timers", pvh, noName, "Unknown disk name 'zda'"},
		{"what stands before devices, before their words", pin, "<input type='foo'/>", "Cannot find 'iothread' : 3"},
		{"disks whole before other devices' words", "", "<disk type='block'><source dev='/a'><reservations/></source><target dev='vda'/></disk><input type='foo'/>", "element 'reservations'"},
		{"words of devices before what is read later", "<keywrap><cipher name='aes' state='on'/><cipher name='aes' state='on'/></keywrap>", "<input type='foo'/>", "unknown input device type 'foo'"},
		{"timers' kinds before actions", pvh + kept, "", "doesn't support setting of timer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(xml.Source{Data: ruleDoc("x86_64", "pc", c.whole, c.devices)}, rulesTraits())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// What is written but says nothing is dropped, and limits of zero stay.
func TestDropped(t *testing.T) {
	for _, c := range []struct{ name, whole, device, has, lacks string }{
		{"limit of zero", "<memtune><hard_limit>0</hard_limit></memtune>", "", "<hard_limit unit='KiB'>0</hard_limit>", ""},
		{"timers of one that is off", "<features><hyperv><stimer state='off'><direct state='on'/></stimer></hyperv></features>", "", "<stimer state='off'/>", "<direct"},
		{"no switches of Xen", "<features><xen/></features>", "", "<xen>\n    </xen>", ""},
		{"parts of another protocol", "", "<disk type='network'><source protocol='nbd' name='x' query='q'><host name='h'/><readahead size='5'/></source><target dev='vda'/></disk>", "name='x'>", "readahead"},
		{"geometry of nothing", "", disk0("", "<target dev='hda'/><geometry cyls='0' heads='1' secs='1'/>"), "dev='hda'", "geometry"},
		{"odd alias", "", "<sound model='ac97'><alias name='ua-a.b'/></sound>", "ac97", "ua-a.b"},
		{"parts of other controllers", "", "<controller type='scsi' ports='5' vectors='6' maxGrantFrames='x'><model name='pxb'/><target chassisNr='0'/><pcihole64>5</pcihole64></controller>", "<controller type='scsi' index='0' model='lsilogic'>", "vectors"},
		{"numbers of USB controllers", "", "<controller type='usb' index='3'/>", "<controller type='usb' index='3' ", "index='2'"},
		{"terminal", "", "<serial type='pty' tty='/dev/pts/1'><source path='/dev/pts/1'/></serial>", "<serial type='pty'>", "/dev/pts/1"},
		{"kind of a parallel port", "", "<parallel type='null'><target type='isa-serial' port='0'/></parallel>", "<target port='0'/>", ""},
		{"reconnect of nothing", "", "<serial type='tcp'><source mode='connect' host='h' service='1'><reconnect timeout='3'/></source></serial>", "service='1'", "reconnect"},
		{"parts of other sounds", "", "<audio id='1' type='alsa' path='/x' serverName='y'><input name='z' dev='/d'/></audio>", "<input dev='/d'/>", "serverName"},
		{"parts of other displays", "", "<graphics type='vnc' display=':1' replaceUser='yes'><mouse mode='client'/></graphics>", "type='vnc'", "client"},
		{"parts of other memory", "<maxMemory slots='2' unit='GiB'>8</maxMemory>", "<memory model='dimm'><target dynamicMemslots='yes'><size>1024</size><block>4</block><readonly/></target></memory>", "<size unit='KiB'>1024", "readonly"},
		{"parts of other hosts' devices", "", "<hostdev mode='subsystem' type='pci'><source protocol='iscsi' name='x'><address bus='1'/><block>/b</block></source></hostdev>", "bus='0x01' slot='0x00'", "iscsi"},
		{"parts of other modules", "", "<tpm model='tpm-tis'><backend type='passthrough' debug='3'><source type='file' path='/x'/></backend></tpm>", "passthrough", "debug"},
		{"parts of other folders", "", "<filesystem><source dir='/a' name='b' usage='3'/><target dir='t'/></filesystem>", "<source dir='/a'/>", "usage"},
		{"number for the firmware", "", "<serial type='pty'><acpi/></serial>", "<serial", "<acpi/>"},
		{"memory of a card", "", "<video><model type='vga' vram='16385'/></video>", "vram='32768'", ""},
		{"NVMe's address", "", "<disk type='nvme'><source type='pci' namespace='1'><address domain='0' bus='1' slot='0' function='0'/></source><target dev='vda'/></disk>", "<address domain='0x0000' bus='0x01'", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			traits := rulesTraits()
			d, err := Parse(xml.Source{Data: ruleDoc("x86_64", "pc", c.whole, c.device)}, traits)
			if err != nil {
				t.Fatal(err)
			}
			out, err := Print(d, traits, 0)
			if err != nil || !strings.Contains(string(out), c.has) || c.lacks != "" && strings.Contains(string(out), c.lacks) {
				t.Errorf("%v: want %q, not %q, in\n%s", err, c.has, c.lacks, out)
			}
		})
	}
}

// The 32nd conventional device of q35 needs a bridge behind the bridge.
func TestManyConventional(t *testing.T) {
	traits := rulesTraits()
	d, err := Parse(xml.Source{Data: ruleDoc("x86_64", "q35", "", strings.Repeat("<interface type='user'><model type='e1000'/></interface>", 32))}, traits)
	if err != nil {
		t.Fatal(err)
	}
	var models []string
	for _, c := range d.Devices.Controllers {
		if c.Type == "pci" {
			models = append(models, c.Model)
		}
	}
	if got := strings.Join(models[:4], " "); got != "pcie-root pcie-root-port pcie-to-pci-bridge pci-bridge" {
		t.Error(got)
	}
}

// The list of vCPUs is whole, and the first one is always there.
func TestVCPUStates(t *testing.T) {
	const first = "<vcpu id='0' enabled='yes' hotpluggable='no'/>"
	for _, c := range []struct{ name, list, fails, prints string }{
		{"not written", first, "", "<vcpu id='1' enabled='no' hotpluggable='yes'/>"},
		{"beyond", first + "<vcpu id='9' enabled='no'/>", "vcpu id '9' is out of range of maximum vcpu count", ""},
		{"fixed and absent", first + "<vcpu id='1' enabled='no' hotpluggable='no'/>", "vcpu '1' is both offline and not hotpluggable", ""},
		{"first absent", "<vcpu id='1' enabled='yes'/>", "vcpu 0 can't be offline", ""},
		{"first pluggable", "<vcpu id='0' enabled='yes' hotpluggable='yes'/>", "vcpu0 can't be hotpluggable", ""},
		{"first later", "<vcpu id='0' enabled='yes' order='2'/>", "vcpu0 must be enabled first", ""},
		{"order of some", first + "<vcpu id='1' enabled='yes' order='2'/>", "all vcpus must have either set or unset order", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			traits := rulesTraits()
			d, err := Parse(xml.Source{Data: ruleDoc("x86_64", "pc", "<vcpu>3</vcpu><vcpus>"+c.list+"</vcpus>", "")}, traits)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("got %v, want %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if out, _ := Print(d, traits, 0); !strings.Contains(string(out), c.prints) {
				t.Errorf("no %q in\n%s", c.prints, out)
			}
		})
	}
}

// What a guest boots with depends on its kind, and must be of forms that are known.
func TestBootParts(t *testing.T) {
	const pflash = "<loader readonly='yes' type='pflash'>/x</loader>"
	for _, c := range []struct{ name, kind, os, fails, prints, lacks string }{
		{"container's", "exe", "<init>/i</init><initarg>a</initarg><kernel>/k</kernel><boot dev='hd'/>", "", "<initarg>a</initarg>", "<kernel>"},
		{"container's none", "exe", "<kernel>/k</kernel>", "init binary must be specified", "", ""},
		{"machine's", "hvm", "<init>/i</init><kernel>/k</kernel>", "", "<kernel>", "<init>"},
		{"Xen's", "xen", "<kernel>/k</kernel><boot dev='hd'/><bootmenu enable='yes'/>", "", "<kernel>", "<boot"},
		{"another Linux's", "linux", "<kernel>/k</kernel>", "", "linux</type>", "<kernel>"},
		{"variables alone", "hvm", "<nvram/>", "no loader path specified", "", ""},
		{"format", "hvm", "<loader type='pflash' format='vmdk'>/x</loader>", "Unsupported loader format 'vmdk'", "", ""},
		{"format of variables", "hvm", pflash + "<nvram format='dir'>/n</nvram>", "Unsupported nvram format 'dir'", "", ""},
		{"place of variables", "hvm", pflash + "<nvram type='network'><source/></nvram>", "Missing required attribute 'protocol'", "", ""},
		{"no place of variables", "hvm", pflash + "<nvram type='file'/>", "the cause is unknown", "", ""},
		{"table twice", "hvm", "<acpi><table type='slic'>/a</table><table type='slic'>/b</table></acpi>", "ACPI table type 'slic' may only appear once", "", ""},
		{"tables of no kind", "hvm", "<acpi><table type='raw'>/a</table><table type='raw'>/b</table></acpi>", "", "<table type='raw'>/b</table>", "slic"},
		{"time", "hvm", "<bios rebootTimeout='65536'/>", "must be in range [-1,65535]", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := "<domain type='lxc'><name>r</name><memory>1024</memory><os><type>" + c.kind + "</type>" + c.os + "</os></domain>"
			d, err := Parse(xml.Source{Data: []byte(doc)}, &Traits{})
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("got %v, want %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if out, _ := Print(d, &Traits{}, 0); !strings.Contains(string(out), c.prints) || strings.Contains(string(out), c.lacks) {
				t.Errorf("want %q, not %q, in\n%s", c.prints, c.lacks, out)
			}
		})
	}
}

// TestVGAConf: a driver of a video device that says nothing new goes; bhyve keeps the word.
func TestVGAConf(t *testing.T) {
	for _, c := range []struct{ kind, word, want string }{{"qemu", "io", ""}, {"qemu", "x", ""}, {"qemu", "on", "on"}, {"bhyve", "io", "io"}} {
		d := &xml.Domain{Type: c.kind}
		d.Devices.Videos = []xml.Video{{Model: &xml.VideoModel{Type: "vga"}, Driver: &xml.VideoDriver{VGAConf: c.word}}}
		if err := dropForeign(d); err != nil {
			t.Fatal(err)
		}
		got := ""
		if r := d.Devices.Videos[0].Driver; r != nil {
			got = r.VGAConf
		}
		if got != c.want {
			t.Errorf("%s %s: %s, want %s", c.kind, c.word, got, c.want)
		}
	}
}
