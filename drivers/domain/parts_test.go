package domain

import (
	"strings"
	"testing"

	"virgo/xml"
)

// TestPartsRead: what is refused while it is read, or as what it is printed.
func TestPartsRead(t *testing.T) {
	const usb = "<source startupPolicy='optional'><address slot='1'/></source>"
	for _, c := range []struct{ name, whole, devices, fails, prints string }{
		{"a policy of what is not on USB", "", "<hostdev mode='subsystem' type='pci'>" + usb + "<boot order='x'/></hostdev>", "Setting startupPolicy is only allowed for USB devices", ""},
		{"a native tag alone", "", "<interface type='bridge'><source bridge='b'/><vlan><tag id='1' nativeMode='tagged'/></vlan></interface>", "", "<vlan>\n        <tag id='1' nativeMode='tagged'/>"},
		{"a floor of what goes out", "", "<interface type='network'><source network='n'/><bandwidth><outbound average='1' floor='5'/></bandwidth></interface>", "floor attribute is not supported for this config", ""},
		{"capabilities, in order", "<features><capabilities policy='allow'><mknod state='on'/><chown/><mknod state='off'/></capabilities></features>", "", "", "<chown state='on'/>\n      <mknod state='off'/>\n    </capabilities>"},
		{"a capability that is none", "<features><capabilities><foo/></capabilities></features>", "", "unexpected capability feature 'foo'", ""},
		{"a group's name last", "<throttlegroups><throttlegroup><group_name>a</group_name><read_bytes_sec>1</read_bytes_sec><read_bytes_sec_max>2</read_bytes_sec_max><read_bytes_sec_max_length>3</read_bytes_sec_max_length></throttlegroup></throttlegroups>", "", "",
			"<read_bytes_sec_max_length>3</read_bytes_sec_max_length>\n      <group_name>a</group_name>\n    </throttlegroup>"},
		{"a driver of what is not on PCI", "", "<hostdev type='usb'><source><vendor id='1'/><product id='1'/></source><driver name='foo'/><ip address='zz'/></hostdev>", "", "<hostdev mode='subsystem' type='usb' managed='no'>\n      <source>"},
		{"a team on USB", "", "<hostdev type='usb'><source><vendor id='1'/><product id='1'/></source><teaming type='transient' persistent='ua-x'/></hostdev>", "teaming is only supported for pci hostdev devices", ""},
		{"a team without the other", "", "<hostdev type='pci'><source><address slot='1'/></source><teaming type='transient'/></hostdev>", "missing required persistent attribute in hostdev teaming element", ""},
		{"the other of the wrong one", "", "<interface type='user'><model type='virtio'/><teaming type='persistent' persistent='x'/></interface>", "teaming persistent attribute not allowed if teaming type is 'persistent'", ""},
		{"a boot parameter of what is no disk", "", "<redirdev bus='usb' type='spicevmc'><boot order='1' loadparm='a?'/></redirdev>", "invalid loadparm value 'A?'", ""},
		{"what another model of memory has", "<maxMemory slots='4' unit='GiB'>8</maxMemory><cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/></numa></cpu>", "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node><block>x</block><current>y</current><label><size>z</size></label></target></memory>", "", "<node>0</node>\n      </target>"},
		{"the label's size", "", "<memory model='nvdimm'><source><path>/a</path></source><target><size>1</size><label><size>x</size></label></target></memory>", "Invalid value 'x' for element or attribute './label/size'", ""},
		{"the lowest port on ISA", "", "<serial type='pty'><target type='isa-serial' port='2'/></serial><serial type='pty'><target type='isa-serial'/></serial>", "", "<target type='isa-serial' port='0'>"},
		{"a port on ISA twice", "", strings.Repeat("<serial type='pty'><target type='isa-serial' port='2'/></serial>", 2), "target port '2' already allocated", ""},
		{"a console in a place for host devices", "", "<serial type='pty'/><console type='pty'><address type='unassigned'/></console>", "address of type 'unassigned' is supported only for hostdevs", ""},
		{"a scheduler that knows no priority", "<cputune><emulatorsched scheduler='batch' priority='2'/></cputune>", "", "", "<emulatorsched scheduler='batch'/>"},
		{"a group that is limited twice", "<throttlegroups><throttlegroup><group_name>a</group_name><total_bytes_sec>1</total_bytes_sec><read_bytes_sec>1</read_bytes_sec></throttlegroup></throttlegroups>", "", "total and read/write bytes_sec cannot be set at the same time", ""},
		{"timers that are not direct", "<features><hyperv><vpindex state='on'/><synic state='on'/><stimer state='on'><direct state='off'/></stimer></hyperv></features>", "", "", "<stimer state='on'/>"},
		{"the base of a label that is whole", "<seclabel type='static' model='selinux' relabel='yes'><label>a</label><baselabel>b</baselabel></seclabel>", "", "", "<label>a</label>\n  </seclabel>"},
		{"an encryption that nobody has any more", "", "<disk type='network'><driver name='qemu' type='raw'/><source protocol='rbd' name='a/b'><host name='h'/><encryption format='default' engine='librbd'/></source><target dev='vda'/></disk>", "old qcow/qcow2 encryption is not supported", ""},
		{"a bus of USB that is not there", "", "<controller type='usb' index='0'/><hub type='usb'><address type='usb' bus='1'/></hub>", "USB bus 1 requested but no controller with that index is present", ""},
		{"a terminal that was another guest's", "", "<redirdev bus='usb' type='pty'><source path='/dev/pts/5'/></redirdev><controller type='usb'/>", "", "<redirdev bus='usb' type='pty'>\n      <address"},
		{"what only OSS asks for", "", "<audio id='1' type='alsa'><input tryPoll='yes'/></audio>", "", "<audio id='1' type='alsa'/>"},
		{"a text with nothing in it, in an error", "", "<graphics type='vnc' socket=''><listen type='socket' socket='/a'/></graphics>", "graphics 'socket' attribute '' must match 'socket' attribute of first listen element (found '/a')", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tellsOrPrints(t, ruleDoc("x86_64", "pc", c.whole, c.devices), c.fails, c.prints)
		})
	}
}

// tellsOrPrints reads a document, and wants that error, or that text when it is printed.
func tellsOrPrints(t *testing.T, doc []byte, fails, prints string) {
	t.Helper()
	traits := rulesTraits()
	d, err := Parse(xml.Source{Data: doc}, traits)
	if fails != "" {
		if err == nil || !strings.Contains(err.Error(), fails) {
			t.Errorf("got %v, want %q", err, fails)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := Print(d, traits, 0); err != nil || !strings.Contains(string(out), prints) {
		t.Errorf("%v: no %q in\n%s", err, prints, out)
	}
}
