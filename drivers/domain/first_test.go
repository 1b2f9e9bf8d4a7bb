package domain

import (
	"strings"
	"testing"

	"virgo/xml"
)

// TestFirstFault: which of two faults in different parts of a document is told.
func TestFirstFault(t *testing.T) {
	const (
		loose  = "<numatune><memory mode='strict' nodeset='0'/><memnode cellid='0' mode='restrictive' nodeset='0'/></numatune><cpu><numa><cell id='0' cpus='0' memory='219136'/></numa></cpu>"
		audios = "<audio id='1' type='none'/><audio id='1' type='none'/>"
		twice  = "<disk><source file='/a'/><target dev='vda'/></disk><disk><source file='/b'/><target dev='vda'/></disk>"
		secret = "<disk type='network'><source protocol='rbd' name='p/i'><host name='h'/><auth username='u'><secret type='iscsi' usage='x'/></auth></source><target dev='vda'/></disk>"
		place  = "<video><model type='vga'/><address type='pci' slot='2'/></video><sound model='ac97'><address type='pci' slot='2'/></sound>"
		thread = "<controller type='virtio-serial' index='0'><driver iothread='1'/></controller>"
		ports  = "<controller type='usb' index='0' model='qemu-xhci' ports='16'/>"
		roots  = "<controller type='pci' index='0' model='pci-root'/><controller type='pci' index='0' model='pci-root'/>"
	)
	for _, c := range []struct{ name, whole, devices, fails string }{
		{"loose memory is looked at last", loose, audios, "audio ID 1 is used multiple times"},
		{"loose memory", loose, "", "'restrictive' mode is required in memory element"},
		{"audio before what is there twice", "", audios + twice, "audio ID 1 is used multiple times"},
		{"a place before a secret", "", secret + place, "Attempted double use of PCI Address 0000:00:02.0"},
		{"a secret before what is there twice", "", secret + twice, "invalid secret type 'iscsi'"},
		{"a thread before roots", "", roots + thread, "'iothread' attribute only supported for virtio scsi controllers"},
		{"ports before roots", "", roots + ports, "controller only supports up to '15' ports"},
		{"an image in its pool, twice", "", strings.Repeat("<disk type='network'><source protocol='rbd' name='p/ns/i'><host name='h'/></source><target dev='vda'/></disk>", 2), "for disk sources 'ns/i' and 'ns/i'"},
		{"a volume of a pool, twice", "", strings.Repeat("<disk type='volume'><source pool='p' volume='v'/><target dev='vda'/></disk>", 2), "for disk sources '<null>' and '<null>'"},
		{"a place that is taken before one that is wrong", "", "<controller type='ide' index='0'><address type='pci' slot='3'/></controller><sound model='ac97'><address type='pci' slot='3'/></sound>", "Attempted double use of PCI Address 0000:00:03.0"},
		{"the first of two wrong places", "", "<controller type='usb' index='0' model='piix3-uhci'><address type='pci' slot='3'/></controller><controller type='ide' index='0'><address type='pci' slot='4'/></controller>", "PIIX3 USB controller at index 0 must have PCI address 0:0:1.2"},
		{"a wrong place before the bridge's", "", "<controller type='ide' index='0'><address type='pci' slot='3'/></controller><sound model='ac97'><address type='pci' slot='1'/></sound>", "Primary IDE controller must have PCI address 0:0:1.1"},
		{"the bridge's place", "", "<sound model='ac97'><address type='pci' slot='1' function='3'/></sound>", "Attempted double use of PCI Address 0000:00:01.3"},
		{"a disk's name before ports", "", ports + "<disk><source file='/a'/><target dev='foo'/></disk>", "Unknown disk name 'foo'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(xml.Source{Data: ruleDoc("x86_64", "pc", c.whole, c.devices)}, rulesTraits())
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
		})
	}
}

// TestDisplacedCard: a first card on q35 whose slot is taken comes before bridges, and
// a port more is kept.
func TestDisplacedCard(t *testing.T) {
	const scsi = "<controller type='scsi' index='0' model='virtio-scsi'><address type='pci' slot='1' function='2'/></controller>"
	d, err := Parse(xml.Source{Data: ruleDoc("x86_64", "q35", "", scsi+"<video><model type='virtio'/></video><sound model='ac97'/><memballoon model='none'/>")}, rulesTraits())
	if err != nil {
		t.Fatal(err)
	}
	ports := 0
	for _, c := range d.Devices.Controllers {
		if c.Model == "pcie-root-port" {
			ports++
		}
	}
	if a := d.Devices.Videos[0].Address; !a.IsPCI() || a.Bus != 1 || a.Slot != 0 || ports != 5 {
		t.Errorf("%+v, %d ports", a, ports)
	}
}

// TestChain: what is refused of the images below a disk's own, and of their data files.
func TestChain(t *testing.T) {
	const below = "<disk type='file'><driver name='qemu' type='qcow2'/><source file='/t'/><backingStore type='%'><format type='%'/>%</backingStore><target dev='vda'/></disk>"
	disk := func(kind, format, source string) string {
		s := below
		for _, v := range []string{kind, format, source} {
			s = strings.Replace(s, "%", v, 1)
		}
		return s
	}
	const data = "<source file='/b'><dataStore type='file'><format type='%'/><source file='/d'>%</source></dataStore></source>"
	for _, c := range []struct{ device, fails, prints string }{
		{disk("file", "cow", "<source file='/b'/>"), "'cow' storage format is not supported", ""},
		{disk("file", "fat", "<source file='/b'/>"), "storage format 'fat' is supported only with 'dir' storage type", ""},
		{disk("dir", "raw", "<source dir='/b'/>"), "storage type 'dir' requires use of storage format 'fat'", ""},
		{disk("network", "raw", "<source protocol='tftp' name='a'><host name='h'/></source>"), "'tftp' protocol is not supported with this QEMU binary", ""},
		{disk("network", "raw", "<source protocol='sheepdog' name='a'><host name='h'/></source>"), "'sheepdog' protocol is no longer supported", ""},
		{disk("network", "raw", "<source protocol='http' name='a' tlsHostname='q'><host name='h'/></source>"), "'tlsHostname' field is supported only with NBD disks", ""},
		{disk("file", "raw", "<source file='/b'><encryption format='qcow'/></source>"), "old qcow/qcow2 encryption is not supported", ""},
		{disk("file", "raw", strings.NewReplacer("type='%'", "type='raw'", "%", "").Replace(data)), "<dataStore> feature available only with qcow2 images", ""},
		{disk("file", "qcow2", strings.NewReplacer("type='%'", "type='qed'", "%", "").Replace(data)), "only 'raw' images supported as <dataStore>", ""},
		{disk("file", "qcow2", strings.NewReplacer("type='%'", "type='raw'", "%", "<slices><slice type='storage' offset='0' size='512'/></slices>").Replace(data)), "slices are not supported for <dataStore>", ""},
		{disk("file", "qcow2", "<source file='/b'><dataStore type='network'><format type='raw'/><source protocol='nbd' name='x'><host name='h' transport='tcp'/></source></dataStore></source>"), "", "<host name='h' port='10809'/>"},
	} {
		t.Run(c.device, func(t *testing.T) { tellsOrPrints(t, ruleDoc("x86_64", "pc", "", c.device), c.fails, c.prints) })
	}
}

// TestControllerOrder: where controllers stand of which some have no number, given as
// type, number and model; and which numbers they get.
func TestControllerOrder(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"scsi scsi:0", "scsi1 scsi0"},
		{"scsi:3 scsi scsi:0", "scsi0 scsi3 scsi1"},
		{"ide:3 ide", "ide3 ide0"},
		{"scsi:5 scsi scsi scsi:1", "scsi1 scsi5 scsi0 scsi2"},
		{"ide:3 ide usb::ich9-ehci1", "ide0 ide3 usb0"},
		{"usb::ich9-ehci1 ide:3 ide", "usb0 ide3 ide0"},
		{"usb:2 usb::ich9-uhci1 usb:0:piix3-uhci", "usb0 usb1 usb2"},
		{"usb:1 usb:3:ich9-ehci1 usb::ich9-uhci2", "usb1 usb3 usb3"},
	} {
		list := []xml.Controller{}
		for word := range strings.FieldsSeq(c.given) {
			p := append(strings.Split(word, ":"), "", "")
			v := xml.Controller{Type: p[0], Model: p[2]}
			if p[1] != "" {
				v.Index = ptr(uint(p[1][0] - '0'))
			}
			list = append(list, v)
		}
		d := &xml.Domain{Devices: xml.Devices{Controllers: list}}
		if err := insertDevices(d, &Traits{}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range d.Devices.Controllers {
			got = append(got, v.Type+string(rune('0'+*v.Index)))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: got %s, want %s", c.given, s, c.want)
		}
	}
}
