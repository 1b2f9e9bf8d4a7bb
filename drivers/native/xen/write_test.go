package xen

import (
	"strings"
	"testing"

	"virgo/drivers/domain"
	"virgo/xml"
)

// guest is a document of a kind of guest with devices and with parts outside of them.
func guest(kind, devices, whole string) string {
	return "<domain type='xen' xmlns:xen='http://libvirt.org/schemas/domain/xen/1.0'><name>g</name><uuid>c7a5fdb2-cdaf-9455-926a-d65c16db1809</uuid><memory>592897</memory><vcpu>2</vcpu>" +
		"<os><type arch='x86_64'>" + kind + "</type><kernel>/k</kernel></os>" + whole + "<devices>" + devices + "</devices></domain>"
}

// written is a document as a configuration, or the error about it.
func written(t *testing.T, doc string, dialect Dialect) string {
	t.Helper()
	src := xml.Source{Data: []byte(doc)}
	root, err := xml.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	traits := domain.Traits{Driver: "xen"}
	d, err := domain.Read(src, root, func() *domain.Traits { return &traits })
	if err != nil {
		return err.Error()
	}
	text, err := To(d, root, dialect)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// TestWrite: what becomes of parts of documents. has stands in the outcome, lacks does not.
func TestWrite(t *testing.T) {
	const disk = "<source file='/a'/><target dev='hda'/>"
	file := func(more string) string { return "<disk type='file'>" + more + disk + "</disk>" }
	rbd := func(name, more string) string {
		return "<disk type='network'><source protocol='rbd' name='" + name + "'>" + more + "</source><target dev='hda'/></disk>"
	}
	bridge := func(more string) string {
		return "<interface type='bridge'><mac address='00:16:3e:66:92:9c'/><source bridge='b'/>" + more + "</interface>"
	}
	for _, c := range []struct{ kind, devices, whole, has, lacks string }{
		{"hvm", "<graphics type='vnc' port='5899'/>", "", "vncunused = 0\nvncdisplay = -1\n", ""},
		{"hvm", "<graphics type='vnc' port='-1' autoport='x'/>", "", "vncunused = 1\n", "vncdisplay"},
		{"hvm", "<graphics type='vnc' port='-1' autoport='no'/>", "", "vncunused = 0\nvncdisplay = -5900\n", ""},
		{"hvm", "<graphics type='vnc' port='5901' autoport='yes'/>", "", "vncunused = 1\n", "vncdisplay"},
		{"hvm", "<graphics type='vnc' passwd='' keymap=''/>", "", "vncpasswd = \"\"\nkeymap = \"\"\n", ""},
		{"hvm", "<graphics type='sdl' display='' xauth='/x'/>", "", "display = \"\"\nxauthority = \"/x\"\n", ""},
		{"hvm", "<graphics type='vnc'/><graphics type='sdl'/>", "", "", "vnc"},
		{"hvm", "<graphics type='spice' port='5902'/><graphics type='vnc'/>", "", "spiceport = 5902\n", ""},
		{"hvm", "<graphics type='spice' port='5902'><listen type='none'/></graphics>", "", "spiceport = 5902\n", ""},
		{"hvm", "<graphics type='spice' port='-1' autoport='no'/>", "", "spiceport = -1\n", ""},
		{"hvm", "<graphics type='spice' port='5902' autoport='yes'/>", "", "spiceport = 0\n", ""},
		{"hvm", "<graphics type='spice' passwd=''/>", "", "spicedisable_ticketing = 0\nspicepasswd = \"\"\n", ""},
		{"hvm", "<graphics type='rdp'/>", "", "vnc = 1\nvncunused = 0\nvncdisplay = -5900\n", ""},
		{"linux", "<graphics type='vnc' port='5901' keymap='ja'/>", "", `vfb = [ "type=vnc,vncunused=0,vncdisplay=1,keymap=ja" ]`, ""},
		{"linux", "<graphics type='sdl' xauth=''/>", "", `vfb = [ "type=sdl,xauthority=" ]`, ""},
		{"linux", "<graphics type='vnc'/><graphics type='vnc'/>", "", "", "vfb"},
		{"hvm", file("<driver type='vhd'/>"), "", "format=xvhd,", ""},
		{"hvm", file("<driver name='qemu' type='vmdk'/>"), "", "format=raw,", "vmdk"},
		{"hvm", file("<driver name='tap2'/>"), "", "access=rw,backendtype=,target=/a", ""},
		{"hvm", file("<driver name=''/>"), "", "access=rw,backendtype=,target=/a", ""},
		{"hvm", file("<driver type='raw'/>"), "", "access=rw,target=/a", ""},
		{"hvm", file("<backenddomain name='d'/>"), "", "target=/a", "backend"},
		{"hvm", file("<transient/>"), "", "transient disks not supported yet", ""},
		{"hvm", "<disk type='volume'><source pool='p' volume='v'/><target dev='hda'/></disk>", "", "unsupported storage type for this code path", ""},
		{"hvm", rbd("p/i", "<snapshot name='s'/><config file='/c'/>"), "", `backendtype=qdisk,target=rbd:p/i:auth_supported=none"`, ""},
		{"hvm", rbd("p/i", "<host name='::1' port='2'/>"), "", `mon_host=[\:\:1]\\:2"`, ""},
		{"hvm", rbd("p/i:x", ""), "", "':' not allowed in RBD source volume name 'i:x'", ""},
		{"linux", bridge("<backenddomain name='d'/>"), "", "script=vif-bridge\"", "backend"},
		{"linux", bridge("<vlan><tag id='4093'/></vlan>"), "", "bridge=b,", "b.4093"},
		{"linux", bridge("<virtualport type='openvswitch'/><vlan><tag id='4093'/></vlan>"), "", "bridge=b.4093,", ""},
		{"linux", bridge("<target dev='vif1.0'/>"), "", "bridge=b,", "vifname"},
		{"linux", bridge("<target dev='tap1'/>"), "", "vifname=tap1", ""},
		{"linux", bridge("<ip address='fe80:0:0::1'/>"), "", "ip=fe80::1,", ""},
		{"linux", "<controller type='xenbus' index='0' maxEventChannels='5'/><controller type='xenbus' index='1' maxEventChannels='6'/>", "", "max_event_channels = 6\n", "channels = 5"},
		{"hvm", "<controller type='usb' model='qusb2' ports='16'/>", "", `usbctrl = [ "type=qusb,version=2,ports=10" ]`, ""},
		{"hvm", "<controller type='usb'/><controller type='usb' index='1' model='qusb1'/>", "", `usbctrl = [ , "type=qusb,version=1," ]`, ""},
		{"hvm", "<controller type='usb' model='nec-xhci'/>", "", "An error occurred, but the cause is unknown", ""},
		{"hvm", "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev>", "", "hostbus=0,hostaddr=0", ""},
		{"linux", "<channel type='pty'><target type='xen'/></channel>", "", "connection=pty,name=(null)", ""},
		{"linux", "<channel type='pty'><target type='xen' name=''/></channel>", "", "connection=pty,name=\"", ""},
		{"linux", "<channel type='tcp'><source mode='bind' host='h' service='1'/><target type='xen'/></channel>", "", "An error occurred, but the cause is unknown", ""},
		{"hvm", "<serial type='pty'><target port='16'/></serial>", "", `"none", "pty" ]`, ""},
		{"hvm", "<serial type='dev'><source path='/d'/><target port='0'/></serial><serial type='pty'><target port='0'/></serial>", "", `serial = [ "/d" ]`, ""},
		{"hvm", "<sound model='sb16'/><sound model='usb'/>", "", `soundhw = "sb16,usb"`, ""},
		{"hvm", "", "<cpu mode='host-passthrough'><numa><cell id='0' cpus='0-1' memory='592897'/></numa></cpu>", `"size=579"`, ""},
		{"hvm", "", "<cpu mode='host-passthrough'><numa><cell id='0' memory='592897'/></numa></cpu>", "An error occurred, but the cause is unknown", ""},
		{"linux", "", "<clock offset='utc'><timer name='hpet'/></clock>", "unsupported timer type (name) 'hpet'", ""},
		{"hvm", "", "<clock offset='utc'><timer name='hpet' present='no'/><timer name='hpet'/></clock>", "hpet = 1\n", "hpet = 0"},
	} {
		got := written(t, guest(c.kind, c.devices, c.whole), XL)
		if !strings.Contains(got, c.has) || c.lacks != "" && strings.Contains(got, c.lacks) {
			t.Errorf("%s %s%s: want %q, not %q, in\n%s", c.kind, c.devices, c.whole, c.has, c.lacks, got)
		}
	}
	if got := written(t, strings.Replace(guest("hvm", "", "<bootloader>/b</bootloader>"), "</type>", "</type><boot dev='fd'/>", 1), XL); !strings.Contains(got, "boot = \"a\"\n") {
		t.Errorf("order beside a bootloader: %s", got)
	}
	if got := written(t, strings.Replace(guest("hvm", "", ""), "<os>", "<os firmware='efi'>", 1), XL); strings.Contains(got, "bios") {
		t.Errorf("firmware without a file: %s", got)
	}
}

// TestWriteXM: where the older tool differs.
func TestWriteXM(t *testing.T) {
	for _, c := range []struct{ kind, devices, has string }{
		{"xenpvh", "", "localtime = 0\non_poweroff = \"destroy\"\non_reboot = \"restart\"\non_crash = \"destroy\"\nkernel = \"/k\"\n"},
		{"hvm", "<disk type='network'><source protocol='rbd' name='p/i'/><target dev='hda'/></disk>", `"qemu:i,hda,w"`},
		{"hvm", "<disk type='network'><driver name='file'/><source protocol='gluster' name='v/a/b'><host name='h'/></source><target dev='hda'/></disk>", `"file:a/b,hda,w"`},
		{"hvm", "<disk type='nvme'><driver name='phy'/><source type='pci' namespace='1'><address domain='0' bus='1' slot='0' function='0'/></source><target dev='hda'/></disk>", `",hda,w"`},
		{"hvm", "<disk><driver name=''/><source file='/a'/><target dev='hda'/></disk>", `":/a,hda,w"`},
		{"hvm", "<disk><driver type='raw'/><source file='/a'/><target dev='hda'/></disk>", `"/a,hda,w"`},
		{"hvm", "<disk><source file='/a'/><target dev='hda'/><transient/></disk>", "transient disks not supported yet"},
	} {
		if got := written(t, guest(c.kind, c.devices, ""), XM); !strings.Contains(got, c.has) {
			t.Errorf("%s %s: want %q in\n%s", c.kind, c.devices, c.has, got)
		}
	}
}
