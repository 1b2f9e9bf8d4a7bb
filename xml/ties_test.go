package xml

import (
	"regexp"
	"strings"
	"testing"
)

// TestTies: what parts of an element have to do with one another in the schema.
func TestTies(t *testing.T) {
	for _, c := range []struct{ name, device, want string }{
		{"a folder", `<filesystem><source dir='/a'/><target dir='b'/></filesystem>`, ""},
		{"a socket", `<filesystem type='mount'><source socket='/a'/><target dir='b'/></filesystem>`, ""},
		{"memory without its size", `<filesystem type='ram'><target dir='b'/></filesystem>`, "lacks <source>"},
		{"a folder's name for memory", `<filesystem type='ram'><source dir='/a' usage='1'/><target dir='b'/></filesystem>`, "takes no attribute 'dir'"},
		{"a mode that is none", `<filesystem fmode='8'><source dir='/a'/><target dir='b'/></filesystem>`, "attribute 'fmode' of "},
		{"a folder that is not whole", `<filesystem><source dir='a'/><target dir='b'/></filesystem>`, "cannot be 'a'"},
		{"a volume", `<filesystem type='volume'><source pool='a' volume='b'/><target dir='b'/></filesystem>`, "cannot be 'volume'"},
		{"a program that serves a file", `<filesystem type='file'><binary/><source file='/a'/><target dir='b'/></filesystem>`, "takes no <binary>"},
		{"a console that is only a terminal", `<console tty='/dev/pts/1'/>`, ""},
		{"a console without type but with source", `<console><source path='/a'/></console>`, "takes no <source>"},
		{"a channel without target", `<channel type='pty'/>`, "lacks <target>"},
		{"a forwarded port without address", `<channel type='pty'><target type='guestfwd' port='1'/></channel>`, "lacks attribute 'address'"},
		{"a profile of a device that is passed through", `<tpm><backend type='passthrough'><profile/></backend></tpm>`, "takes no <profile>"},
		{"a server of the TPM without mode", `<tpm><backend type='external'><source type='unix' path='/a'/></backend></tpm>`, "lacks attribute 'mode'"},
		{"three certificates", `<smartcard mode='host-certificates'><certificate>a</certificate><certificate>b</certificate><certificate>c</certificate></smartcard>`, ""},
		{"two certificates", `<smartcard mode='host-certificates'><certificate>a</certificate><certificate>b</certificate></smartcard>`, "<certificate> in "},
		{"an element that reading passes over", `<smartcard mode='host'><acpi index='1'/></smartcard>`, ""},
		{"ports of SATA", `<controller type='sata' ports='4'/>`, "takes no attribute 'ports'"},
		{"PCI without model", `<controller type='pci'/>`, "lacks attribute 'model'"},
		{"a number that only reading refuses", `<audio id='0xf' type='none'/>`, ""},
		{"zero, which only reading refuses", `<disk device='cdrom'><target dev='sda'/><acpi index='0'/></disk>`, ""},
		{"a port that no host has", `<graphics type='vnc' port='65536'/>`, "attribute 'port' of "},
		{"a port behind a blank", `<graphics type='vnc' port=' 5901'/>`, ""},
		{"a day without a time", `<graphics type='spice' passwd='a' passwdValidTo='2030-01-01'/>`, "attribute 'passwdValidTo' of "},
		{"a card of another product", `<video><model type='parallels'/></video>`, "attribute 'type' of "},
		{"a log beside the guest", `<serial type='pty'><log file='a'/></serial>`, "attribute 'file' of "},
		{"a state that is none", `<channel type='pty'><target type='virtio' state='x'/></channel>`, "attribute 'state' of "},
		{"a port of SDL", `<graphics type='sdl' port='1'/>`, "takes no attribute 'port'"},
		{"a socket beside a port", `<graphics type='vnc' port='1' socket='/a'/>`, "takes no attribute 'port'"},
		{"an outlook's network", `<graphics type='spice'><listen type='network'/></graphics>`, "lacks attribute 'network'"},
		{"an image of the network without host", `<disk type='network'><source protocol='iscsi' name='a'/><target dev='vda'/></disk>`, "lacks <host>"},
		{"two hosts of one server", `<disk type='network'><source protocol='nbd'><host name='a'/><host name='b'/></source><target dev='vda'/></disk>`, "<host> in "},
		{"a file for a device", `<disk type='block'><source file='/a'/><target dev='vda'/></disk>`, "takes no attribute 'file'"},
		{"a whole disk in a file", `<disk type='file' device='lun'><source file='/a'/><target dev='sda'/></disk>`, "attribute 'type' of "},
		{"a sum and its part", `<disk><target dev='vda'/><iotune><total_bytes_sec>1</total_bytes_sec><read_bytes_sec>1</read_bytes_sec></iotune></disk>`, "takes no <read_bytes_sec>"},
		{"a mediated device with a place", `<hostdev type='mdev' model='vfio-pci'><source><address bus='1'/></source></hostdev>`, "lacks attribute 'uuid'"},
		{"an image's format", `<disk><driver type='x'/><source file='/a'/><target dev='vda'/></disk>`, "attribute 'type' of <driver> cannot be 'x'"},
		{"a place below", `<disk><source file='a'/><target dev='vda'/></disk>`, "cannot be 'a'"},
		{"a user of NFS", `<disk type='network'><source protocol='nfs' name='a'><host name='h'/><identity username='u'/></source><target dev='vda'/></disk>`, "takes no attribute 'username'"},
		{"a device of storage", `<hostdev mode='capabilities' type='storage'><source><block>/a</block></source></hostdev>`, ""},
		{"a device of storage without block", `<hostdev mode='capabilities' type='storage'><source/></hostdev>`, "lacks <block>"},
		{"pages for a file", `<memory model='nvdimm'><source><path>/a</path><pagesize>4</pagesize></source><target><size>1</size></target></memory>`, "takes no <pagesize>"},
		{"USB without bus", `<sound model='usb'><address type='usb'/></sound>`, "lacks attribute 'bus'"},
		{"a tag that is too large", `<interface type='user'><vlan><tag id='4096'/></vlan></interface>`, "attribute 'id' of "},
		{"an image of the network", `<interface type='network'><source bridge='a'/></interface>`, "lacks attribute 'network'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := "<domain type='qemu'><name>g</name><memory>1</memory><os><type>hvm</type></os><devices>" + c.device + "</devices></domain>"
			err := CheckSchema(Source{Data: []byte(doc)}, &Domain{}, "domain")
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestTiesWhole: the same outside of the devices.
func TestTiesWhole(t *testing.T) {
	for _, c := range []struct{ name, part, want string }{
		{"a program of a virtual machine", "<os><type>hvm</type><init>/a</init></os>", "takes no <init>"},
		{"a user without group", "<os><type>exe</type><inituser>a</inituser></os>", "lacks <initgroup>"},
		{"a container", "<os><type>exe</type><init>/a</init></os>", ""},
		{"a clock that began", "<os><type>hvm</type></os><clock offset='absolute'/>", "lacks attribute 'start'"},
		{"the mode of a timer that has none", "<os><type>hvm</type></os><clock offset='utc'><timer name='pit' mode='native'/></clock>", "takes no attribute 'mode'"},
		{"a rank of one without", "<os><type>hvm</type></os><cputune><emulatorsched scheduler='idle' priority='1'/></cputune>", "takes no attribute 'priority'"},
		{"an owner's key for another", "<os><type>hvm</type></os><launchSecurity type='sev' authorKey='yes'><policy>0x1</policy></launchSecurity>", "takes no attribute 'authorKey'"},
		{"a label without text", "<os><type>hvm</type></os><seclabel type='static'/>", "lacks <label>"},
		{"metadata of others", "<os><type>hvm</type></os><metadata><a:os xmlns:a='x'/></metadata>", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := "<domain type='qemu'><name>g</name><memory>1</memory>" + c.part + "</domain>"
			err := CheckSchema(Source{Data: []byte(doc)}, &Domain{}, "domain")
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestTieForms: the words of the rules themselves.
func TestTieForms(t *testing.T) {
	condition := regexp.MustCompile(`^\^*!?@?[\w-]+(!?=[\w,.-]*)?$`)
	want := regexp.MustCompile(`^([+]@?[\w-]+([|]@?[\w-]+)*|[-=]@?[\w-]+|@?[\w-]+:-?\d+\.\.\d*|[\w-]+\*\d|@?[\w-]+~.+)$`)
	for _, list := range ties() {
		for _, r := range list {
			for _, w := range strings.Fields(r.when) {
				if !condition.MatchString(w) {
					t.Errorf("%s: condition %q", r.at, w)
				}
			}
			for _, w := range strings.Fields(r.want) {
				if !want.MatchString(w) {
					t.Errorf("%s: %q", r.at, w)
				}
				if _, form, ok := strings.Cut(w, "~"); ok {
					if _, err := regexp.Compile(form); err != nil {
						t.Error(err)
					}
				}
			}
		}
	}
}
