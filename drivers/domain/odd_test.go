package domain

import (
	"slices"
	"strings"
	"testing"

	"virgo/xml"
)

// oddCase is a document for QEMU's driver or the test driver, and what the peer
// says: an error, a part of what it prints ("<.."), or what it does not print ("!..").
type oddCase struct{ driver, whole, device, want string }

var oddCases = []oddCase{
	{"test", "<seclabel/>", "", "!seclabel"},
	{"qemu", "<seclabel/>", "", "missing security model in domain seclabel"},
	{"test", "<seclabel model='none'><label>a</label></seclabel>", "", "<seclabel type='none' model='none'/>"},
	{"test", "<seclabel type='none'><baselabel>a</baselabel></seclabel>", "", "<seclabel type='none'/>"},
	{"test", "<seclabel/><seclabel/>", "", "seclabel for model (null) is already provided"},
	{"test", "<seclabel/><seclabel model='dac'/>", "", "missing security model when using multiple labels"},
	{"test", "<clock offset='localtime' start='x' basis='y' timezone='z'/>", "", "<clock offset='localtime'/>"},
	{"test", "<clock offset='absolute' start='x'/>", "", "missing 'start' attribute"},
	{"test", "<clock offset='utc' adjustment='09'/>", "", "adjustment='9'"},
	{"test", "<launchSecurity type='sev-snp'><policy>1</policy><hostData>YWJjZA==</hostData></launchSecurity>", "", "Unexpected length of 'hostData', expected 32 got 4"},
	{"test", "<launchSecurity type='sev-snp'><policy>1</policy><dhCert>a</dhCert></launchSecurity>", "", "<policy>0x00000001</policy>\n  </launchSecurity>"},
	{"test", "<launchSecurity type='sev' vcek='x'><policy>1</policy></launchSecurity>", "", "<launchSecurity type='sev'>\n    <policy>0x0001</policy>"},
	{"test", "", "<pstore backend='acpi-erst'><size>3</size></pstore>", "missing path for ACPI ERST pstore device"},
	{"test", "", "<nvram/>", "<nvram>\n    </nvram>"},
	{"test", "", "<input type='mouse' model='x'/>", "unknown input model 'x'"},
	{"test", "", "<disk><driver><iothreads><iothread id='0'/></iothreads></driver><source file='/a'/><target dev='vda'/></disk>", "<iothread id='0'/>"},
	{"test", "", "<disk><driver iothread='1'><iothreads><iothread id='1'/></iothreads></driver><target dev='vda'/></disk>", "disk driver 'iothread' attribute can't be used together"},
	{"qemu", "", "<disk><driver><iothreads><iothread id='7'><queue id='1'/></iothread></iothreads></driver><source file='/a'/><target dev='vda'/></disk>", "'queue' count must be configured"},
	{"test", "", "<controller type='scsi' model='lsilogic'><driver><iothreads><iothread id='1'/></iothreads></driver></controller>", "iothreads are supported only by 'virtio-scsi' controllers"},
	{"test", "", "<controller type='scsi' model='virtio-scsi'><driver iothread='1'><iothreads><iothread id='1'/></iothreads></driver></controller>", "controller driver 'iothread' attribute can't be used together"},
	{"qemu", "", "<controller type='scsi' index='1' model='ncr53c90'/>", "ncr53c90 can only be used as first SCSI controller"},
	{"qemu", "", "<disk><source file='/a'/><target dev='ioemu:hdb'/></disk>", "<target dev='hdb' bus='ide'/>"},
	{"test", "", "<interface type='user' managed='x'/>", "!managed"},
	{"test", "", "<interface type='mcast'><mac address='x'/><source port='1'/></interface>", "Missing required attribute 'address' in element 'source'"},
	{"test", "", "<filesystem type='ram'><source usage='5' units='MB'/><target dir='/b'/></filesystem>", "<source usage='4882' units='KiB'/>"},
	{"test", "", "<filesystem type='ram'><source usage='x'/><target dir='/b'/></filesystem>", "cannot parse usage 'x' for RAM filesystem"},
	{"test", "", "<filesystem type='file'><source dir='/a'/><target dir='/b'/></filesystem>", "missing source information for device /b"},
	{"test", "", "<filesystem type='volume'><source pool='a'/><target dir='/b'/></filesystem>", "'pool' and 'volume' must be specified together"},
	{"test", "", "<filesystem type='file'><driver format='x'/><source file='/a'/><target dir='/b'/></filesystem>", "unknown driver format value 'x'"},
	{"qemu", "", "<filesystem type='mount'><driver type='nbd'/><source dir='/a'/><target dir='/b'/></filesystem>", "connect flags 00"},
	{"test", "", "<filesystem accessmode='mapped' multidevs='remap' fmode='0644' model='virtio'><source dir='/a'/><target dir='b'/><space_hard_limit>1</space_hard_limit><alias name='ua-a'/></filesystem>",
		"accessmode='mapped' model='virtio' multidevs='remap' fmode='0644'>\n      <source dir='/a'/>\n      <target dir='b'/>\n      <alias name='ua-a'/>\n      <space_hard_limit"},
	{"test", "", "<memory model='sgx-epc'><uuid>x</uuid><source><pagesize>4</pagesize></source><target><size>4</size></target></memory>", "<memory model='sgx-epc'>\n      <target>"},
	{"test", "", "<memory model='sgx-epc'><target><size>4</size></target><address type='pci'/></memory>", "memory device address is not supported for model 'sgx-epc'"},
	{"test", "", "<memory model='virtio-pmem'><source><path>/a</path></source><target><size>4</size><address base='1'/></target></memory>", "memory address must be aligned to 4096 bytes"},
	{"test", "", "<memory model='virtio-mem'><target><size>4</size><block>3</block><requested>8</requested></target></memory>", "requested size must be smaller than or equal to @size (4KiB)"},
	{"test", "", "<memory model='dimm'><target><size>4</size><node>x</node></target></memory>", "invalid value of memory device node"},
	{"test", "", "<tpm><backend type='external'><source type='none'/></backend></tpm>", "unknown backend source type 'none' for external TPM"},
	{"test", "", "<tpm><backend type='external'><source type='unix' path='/a' mode='bind'/></backend></tpm>", "only 'connect' mode is supported for external TPM device"},
	{"test", "", "<tpm><backend type='external'><source type='unix'/></backend></tpm>", "missing socket path for external TPM device"},
	{"test", "", "<tpm><backend type='external'><source type='unix' path='/a'/></backend></tpm>", "<source type='unix' mode='connect' path='/a'/>"},
	{"test", "", "<tpm><backend type='emulator'><source type='unix' path='/a'/></backend></tpm>", "Invalid value for attribute 'type' in element 'source': 'unix'."},
	{"test", "", "<tpm><backend type='emulator'><source/></backend></tpm>", "missing TPM source path"},
	{"test", "", "<tpm><backend type='emulator' persistent_state='x'/></tpm>", "internal error: Invalid persistent_state value, either 'yes' or 'no'"},
	{"test", "", "<tpm><backend type='emulator' version='2.0'><active_pcr_banks><x/></active_pcr_banks></backend></tpm>", "Unsupported PCR banks 'x'"},
	{"test", "", "<tpm><backend type='emulator'><encryption secret='x'/></backend></tpm>", "Unable to parse secret uuid 'x'"},
	{"test", "", "<tpm><backend type='passthrough' version='x' debug='y'/></tpm>", "<backend type='passthrough'>"},
	{"test", "", "<video><model type='cirrus'><resolution x='1' y='2'/></model></video>", "<resolution x='1' y='2'/>"},
	{"test", "", "<video><model type='vbox'/></video>", "<model type='vbox' heads='1' primary='yes'/>"},
	{"test", "", "<serial type='nmdm'><source master='a'/></serial>", "Should define both master and slave path attributes for nmdm device"},
	{"test", "", "<serial type='unix'><source mode='x'/><target port='y'/></serial>", "Invalid port number: y"},
	{"test", "", "<channel type='unix'><source mode='x'/></channel>", "target type must be specified for channel device"},
	{"test", "", "<channel type='unix'><source mode='x'/><target/></channel>", "unknown target type '(null)'"},
	{"test", "", "<serial type='file'><source path='/a'><seclabel model='a'><label>x</label></seclabel><seclabel model='b'/></source></serial>", "<source path='/a'>\n        <seclabel model='a' relabel='yes'>"},
	{"test", "", "<serial type='file'><source path='/a'><seclabel model='a' relabel='yes'/></source></serial>", "Cannot specify relabel if label is missing. model=a"},
	{"qemu", "", "<redirdev bus='usb' type='unix'><source mode='connect' path='/a'><seclabel model='a'><label>x</label></seclabel></source></redirdev>", "!seclabel"},
	{"test", "", "<disk><source file='/a'><seclabel/><seclabel model='b'/></source><target dev='vda'/></disk>", "<source file='/a'/>"},
	{"test", "", "<parallel type='pty'/><parallel type='pty'><target port='2'/></parallel><parallel type='pty'/>", "<target port='0'/>\n    </parallel>\n    <parallel type='pty'>\n      <target port='2'/>\n    </parallel>\n    <parallel type='pty'>\n      <target port='3'/>"},
	{"qemu", "", "<controller type='usb' index='0'><address type='pci' domain='1' bus='0' slot='1' function='2'/></controller>", "Invalid PCI address 0001:00:01.2. Only PCI domain 0 is available"},
	{"test", "", "<disk type='vhostuser'><source type='tcp' path='/a'/><target dev='vda'/></disk>", "invalid 'type' attribute for vhostuser disk source"},
	{"test", "", "<disk type='vhostuser'><source type='unix' path='/a'><reconnect enabled='yes'/></source><target dev='vda'/></disk>", "Missing required attribute 'timeout'"},
	{"test", "", "<controller type='usb' model='none'/><hostdev mode='capabilities' type='storage'><source><block>/x</block></source></hostdev>", "Can't add host USB device"},
	{"test", "<features><smm state='on'><tseg unit='mB'>1</tseg></smm></features>", "", "<tseg unit='B'>1000000</tseg>"},
	{"test", "<features><smm state='on'><tseg>x</tseg></smm></features>", "", "Invalid value 'x' for element or attribute 'string(./features/smm/tseg)'"},
	{"test", "<features><pmu state='on'/><pmu state='off'/></features>", "", "<pmu state='off'/>"},
	{"test", "<features><hpt/></features>", "", "!features"},
	{"test", "<features><hpt><maxpagesize>x</maxpagesize></hpt></features>", "", "Unable to parse HPT maxpagesize setting"},
	{"test", "<maxMemory slots='4294967296'>9999999</maxMemory>", "", "Failed to parse memory slot count"},
	{"qemu", "", "<graphics type='vnc' passwd='123456789'/>", "VNC password is 9 characters long, only 8 permitted"},
	{"test", "", "<graphics type='vnc' autoport='x' port=' 5901'><listen type='socket' address='1.1.1.1'/></graphics>", "<listen type='socket'/>"},
	{"test", "", "<graphics type='rdp' multiUser='x' fullscreen='y'/>", "<graphics type='rdp'"},
	{"test", "", "<graphics type='vnc' passwd='1' connected='x'/>", "unknown connected value x"},
	{"test", "<vcpu current='4'>2</vcpu><on_reboot>x</on_reboot>", "", "maximum vCPU count must not be less than current vCPU count"},
	{"test", "", "<input type='mouse' bus='usb'><address type='pci'/></input><input type='x'/>", "Invalid address for a USB device"},
	{"test", "", "<hostdev mode='subsystem' type='pci' display='off'><source><address type='pci' slot='3'/></source></hostdev>", "managed='no' display='off'>"},
	{"test", "", "<hostdev mode='subsystem' type='usb' display='x'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev>", "!display"},
	{"test", "", "<panic/><panic/>", "Multiple panic devices with model 'default'"},
	{"test", "", "<panic/>", "!panic"},
	{"test", "", "<disk type='vhostvdpa'><source file='/a'/><target dev='vda'/></disk>", "Missing required attribute 'dev' in element 'source'"},
	{"qemu", "", "<memballoon model='virtio'><address type='pci' multifunction='on'/></memballoon>", "!multifunction"},
	{"test", "", "<interface type='bridge'><source bridge='a'><address type='x'/></source></interface>", "<source bridge='a'/>"},
	{"test", "", "<interface type='bridge'><source bridge='a'/><bandwidth classID='3'/><ip address='::1' family='ipv4'/></interface>", "classID attribute not supported"},
	{"qemu", "", "<disk><driver name='x'/><source file='/a'/><target dev='sda' bus='sata'/><address type='drive' target='2'/></disk>", "target must be 0 for sata controller"},
	{"test", "", "<disk><driver rerror_policy='enospace'/><source file='/a'/><target dev='vda'/></disk>", "Invalid disk read error policy: 'enospace'"},
	{"test", "<blkiotune><device><path>/a</path><read_bytes_sec>x</read_bytes_sec></device></blkiotune>", "", "could not parse read bytes sec x"},
	{"test", "<memtune><hard_limit>x</hard_limit></memtune>", "", "'./memtune/hard_limit[1]'"},
	{"test", "<cputune><shares>x</shares></cputune>", "", "can't parse cputune shares value"},
	{"test", "", "<disk type='block'><source dev='/a'><reservations managed='no'><source type='unix' path='/a'/></reservations></source><target dev='sda'/></disk>", "missing connection mode for <reservations/>"},
	{"test", "", "<disk><source file='/a'/><target dev='vda'/><iotune><read_bytes_sec>+1</read_bytes_sec></iotune></disk>", "<read_bytes_sec>1<"},
	{"test", "", "<disk><source file='/a'/><backingStore type='file'><format type='raw'/><source file='/b' dev='/c'/></backingStore><target dev='vda'/></disk>", "<source file='/b'/>"},
	{"test", "", "<disk type='network'><source protocol='nbd' name='a'><host name='b' port='010'/></source><target dev='vda'/></disk>", "port='10'"},
	{"test", "", "<interface type='null'><source bridge='a'/></interface>", "!source"},
	{"test", "", "<interface type='mcast'><source address='1.1.1.1' port='x'/></interface>", "Invalid value for attribute 'port' in element 'source': 'x'. Expected integer value"},
	{"test", "", "<audio id='1' type='alsa' dspPolicy='x'><input latency='y'/></audio>", "<audio id='1' type='alsa'"},
	{"test", "", "<controller type='scsi' index='5'/><controller type='scsi'/><controller type='scsi' index='3'/>", "<controller type='scsi' index='3'/>\n    <controller type='scsi' index='5'/>\n    <controller type='scsi' index='0'/>"},
	{"test", "", "<filesystem><source dir=''/><target dir='t'/></filesystem>", "<source dir=''/>"},
	{"test", "", "<rng model='virtio'><rate period='5'/><backend model='random'/></rng>", "!rate"},
	{"test", "", "<disk type='nvme'><source type='pci' namespace='010'><address bus='1'/></source><target dev='vda'/></disk>", "<source type='pci' managed='yes' namespace='10'>"},
	{"test", "", "<controller type='virtio-serial'><driver iothread='1'/></controller><console type='x'/>", "unknown type presented to host"},
}

// TestOdd: small things that each driver has its own way with.
func TestOdd(t *testing.T) {
	for _, c := range slices.Concat(oddCases, oddDisplays, oddSounds, oddChars, oddWholes, oddTunes) {
		t.Run(c.driver+c.whole+c.device, func(t *testing.T) {
			traits := rulesTraits()
			if c.driver == "test" {
				traits = &Traits{}
			}
			said := ""
			d, err := Parse(xml.Source{Data: ruleDoc("x86_64", "pc", c.whole, c.device)}, traits)
			if err != nil {
				said = err.Error()
			} else if out, err := Print(d, traits, 0); err != nil {
				t.Fatal(err)
			} else {
				said = string(out)
			}
			want, absent := strings.CutPrefix(c.want, "!")
			if strings.Contains(said, want) == absent {
				t.Errorf("want %q, got\n%s", c.want, said)
			}
		})
	}
}
