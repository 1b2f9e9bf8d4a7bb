package qemu

import (
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

// TestArgsCorners: parts of a command line, or why there is none.
func TestArgsCorners(t *testing.T) {
	e := recorded()
	d := describe(e, "x86_64")
	d.Native, d.Has = true, nil
	traits := &domain.Traits{QEMU: &domain.QEMU{HostArch: "x86_64", Emulators: []domain.Emulator{*d}, NVRAMDir: "/vars"}}
	for _, c := range []struct{ name, device, has, lacks, fails string }{
		{"a folder's socket", "<filesystem><source socket='/s'/><target dir='a'/></filesystem>", "local,id=fsdev-fs0,path=", "security_model", ""},
		{"a folder's socket with a mode", "<filesystem accessmode='mapped'><source socket='/s'/><target dir='a'/></filesystem>", "local,security_model=mapped,id=fsdev-fs0,path=", "", ""},
		{"floppies' controller alone", "<controller type='fdc'/>", "", "isa-fdc", ""},
		{"floppies' controller with one", "<controller type='fdc'/><disk device='floppy'><source file='/a'/><target dev='fda'/></disk>", `{"driver":"isa-fdc"}`, "", ""},
		{"a USB controller of fixed ports", "<controller type='usb' model='piix3-uhci' ports='4'/>", "", "", "usb controller type 'piix3-uhci' doesn't support 'ports' with this QEMU binary"},
		{"keys of nothing", "<input type='evdev'/>", "", "", "argument key 'evdev' must not have null value"},
		{"keys once", "<input type='evdev'><source dev='/a' repeat='off'/></input>", `"repeat":false`, "", ""},
		{"a mediated device without its display", "<hostdev type='mdev' model='vfio-pci' ramfb='off'><source><address uuid='90c6c135-ad44-41d0-b1b7-bae47de48627'/></source></hostdev>", `"driver":"vfio-pci"`, "ramfb", ""},
		{"companions of another", "<controller type='usb' index='0' model='qemu-xhci'/><controller type='usb' index='1' model='ich9-uhci2'/>", "", "", "internal error: masterbus not found"},
		{"Xen's channel", "<channel type='pty'><target type='xen'/></channel>", "", "", "An error occurred, but the cause is unknown"},
		{"Xen's channel without path", "<channel type='unix'><target type='xen'/></channel>", "", "", "argument key 'path' must not have null value"},
		{"a place that is not virtio's", "<rng model='virtio'><backend model='random'/><address type='isa'/></rng>", "", "", "Unexpected address type for 'virtio-rng'"},
		{"what an ATA drive calls itself", "<disk><source file='/a'/><target dev='sda' bus='sata'/><product>P</product></disk>", `"model":"P"`, "", ""},
		{"an IPv6 portal", "<disk type='network'><source protocol='iscsi' name='iqn:t/1'><host name='::1'/></source><target dev='vda'/></disk>", `"portal":"[::1]:3260"`, "", ""},
		{"encryption without a secret", "<disk><source file='/a'><encryption format='luks'/></source><target dev='vda'/></disk>", "", "", "missing secret info for 'luks' driver"},
		{"reservations over iSCSI", "<disk type='network' device='lun'><source protocol='iscsi' name='iqn:t/1'><host name='h'/><reservations managed='no'><source type='unix' path='/p' mode='client'/></reservations></source><target dev='sda' bus='scsi'/></disk>", `"id":"pr-helper-libvirt-1-storage","path":"/p"`, `"pr-manager":`, ""},
		{"ports of UHCI", "<controller type='usb' index='0' model='piix3-uhci' ports='4'/>", "", "", "usb controller type 'piix3-uhci' doesn't support 'ports' with this QEMU binary"},
		{"a card's place", "<video><model type='virtio'/><address type='isa'/></video>", "", "", "Unexpected address type for 'virtio-vga'"},
		{"marks in a URL", "<disk type='network'><source protocol='http' name='a:b(c) d!'><host name='h'/></source><target dev='vda'/></disk>", `"url":"http://h:80/a%3Ab(c)%20d!"`, "", ""},
		{"a transport that HTTP has not", "<disk type='network'><source protocol='http' name='a'><host name='h' transport='rdma' port='5'/></source><target dev='vda'/></disk>", `"url":"http+rdma://h/a"`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := "<domain type='kvm'><name>g</name><memory>1048576</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>" + c.device + "</devices></domain>"
			dom, err := domain.Parse(xml.Source{Data: []byte(doc)}, traits)
			if err != nil {
				t.Fatal(err)
			}
			domain.AssignAliases(dom)
			argv, _, err := Args(dom, Build{Emulator: e, Layout: layoutAt(drivers.RootAt("/root")), ID: -1, CPU: "qemu64", Path: "/bin", MasterKey: make([]byte, masterKeySize)})
			line := strings.Join(argv, " ")
			switch {
			case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
				t.Errorf("got %v, want %q", err, c.fails)
			case c.fails == "" && (err != nil || !strings.Contains(line, c.has) || c.lacks != "" && strings.Contains(line, c.lacks)):
				t.Errorf("%v: want %q, not %q, in\n%s", err, c.has, c.lacks, line)
			}
		})
	}
}
