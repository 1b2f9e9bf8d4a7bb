package qemu

import (
	"strings"
	"testing"

	"virgo/drivers/domain"
	"virgo/xml"
)

// Which device a document means, and what is said if a definition has it already:
// checked against virsh 11.3.0, attach-device and detach-device --config.
func TestSameDevice(t *testing.T) {
	const (
		rng     = `<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>`
		serial  = `<serial type='pty'><target type='isa-serial' port='0'/></serial>`
		plain   = `<shmem name='s'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>`
		tag     = `<filesystem type='mount'><source dir='/tmp'/><target dir='tag'/></filesystem>`
		usb     = `<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>`
		both    = `<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/><address bus='1' device='2'/></source></hostdev>`
		pci     = `<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='0' slot='3' function='0'/></source></hostdev>`
		card    = `<interface type='hostdev'><mac address='52:54:00:00:00:01'/><source><address type='pci' domain='0' bus='0' slot='3' function='0'/></source></interface>`
		already = "device is already in the domain configuration"
		chr     = "chardev already exists"
		absent  = "device not present in domain configuration"
	)
	for _, c := range []struct{ have, want, attach, detach string }{
		{rng, rng, "", ""},
		{rng, strings.Replace(rng, "urandom", "random", 1), "", "no matching RNG device was found"},
		{rng, strings.Replace(rng, "<backend", "<driver iommu='on'/><backend", 1), "", ""},
		{`<watchdog model='i6300esb' action='reset'/>`, `<watchdog model='i6300esb' action='reset'/>`, already, ""},
		{`<watchdog model='i6300esb' action='reset'/>`, `<watchdog model='ib700' action='reset'/>`, "", "no matching watchdog was found"},
		{`<input type='tablet' bus='usb'/>`, `<input type='tablet'/>`, "", ""},
		{`<input type='tablet' bus='usb'/>`, `<input type='mouse' bus='usb'/>`, "", "matching input device not found"},
		{plain, `<shmem name='s'><model type='ivshmem-plain'/></shmem>`, already, ""},
		{plain, `<shmem name='s' role='peer'><model type='ivshmem-plain'/></shmem>`, "", "matching shmem device was not found"},
		{tag, `<filesystem type='mount'><source dir='/var'/><target dir='tag'/></filesystem>`, "Target already exists", ""},
		{tag, `<filesystem type='mount'><source dir='/tmp'/><target dir='b'/></filesystem>`, "", "no matching filesystem device was found"},
		{usb, usb, already, ""},
		{both, usb, already, ""},
		{usb, `<hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev>`, "", absent},
		{pci, strings.Replace(pci, "yes", "no", 1), already, ""},
		{card, pci, already, absent},
		{pci, card, "Hostdev already exists in the domain configuration", "no device found at address '(<null>)' matching MAC address '52:54:00:00:00:01' and alias '(<null>)'"},
		{serial, `<serial type='pty'/>`, "", absent},
		{serial, `<serial type='pty'><source path='/dev/pts/9'/><target port='0'/></serial>`, chr, ""},
		{serial, `<serial type='null'><target port='0'/></serial>`, "target port '0' already allocated", absent},
		{serial, `<serial type='pty'><target type='usb-serial' port='0'/></serial>`, "", absent},
		{serial, `<console type='pty'/>`, "attaching serial console is not supported", "detaching serial console is not supported"},
		{`<console type='pty'><target type='virtio' port='1'/></console>`, `<console type='pty'><target type='virtio' port='1'/></console>`, chr, ""},
		{`<parallel type='null'><target port='0'/></parallel>`, `<parallel type='null'/>`, "", absent},
		{`<channel type='pty'><target type='virtio' name='a'/></channel>`, `<channel type='pty'><target type='virtio'/></channel>`, "", absent},
		{`<channel type='unix'><source mode='bind' path='/a'/><target type='virtio' name='a'/></channel>`,
			`<channel type='unix'><source mode='connect' path='/a'/><target type='virtio' name='a'/></channel>`, "", absent},
		{`<channel type='null'><target type='guestfwd' address='10.0.2.1' port='4600'/></channel>`,
			`<channel type='null'><target type='guestfwd' address='10.0.2.1' port='4600'/></channel>`, chr, ""},
		{`<lease><lockspace>a</lockspace><key>k</key><target path='/a'/></lease>`, `<lease><lockspace>a</lockspace><key>k</key><target path='/b'/></lease>`,
			"Lease k in lockspace a already exists", ""},
		{`<vsock><cid auto='no' address='7'/></vsock>`, `<vsock model='virtio'><cid auto='no' address='8'/></vsock>`, "domain already has a vsock device", ""},
		{`<vsock><cid auto='no' address='7'/></vsock>`, `<vsock model='virtio'><cid auto='yes'/></vsock>`, "domain already has a vsock device", "matching vsock device not found"},
		{`<controller type='scsi' index='1'/>`, `<controller type='scsi'/>`, "", absent},
		{`<controller type='scsi' index='1'/>`, `<controller type='scsi' index='1'/>`, "controller index='1' already exists", ""},
	} {
		d := &xml.Domain{Type: "qemu"}
		d.OS.Type.Text, d.OS.Type.Arch, d.OS.Type.Machine = "hvm", "x86_64", "pc"
		read := func(text string) *domain.Device {
			v, err := readDevice(d, xml.Source{Name: "device", Data: []byte(text)}, false)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			return v
		}
		domain.Add(d, read(c.have))
		v := read(c.want)
		told(t, c.have+" // "+c.want+": attach", duplicate(d, v), c.attach)
		_, err := match(d, v, false)
		told(t, c.have+" // "+c.want+": detach", err, c.detach)
	}
}

func told(t *testing.T, what string, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)) {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}
