package native

import (
	"bytes"
	"strings"
	"testing"

	"virgo/xml"
)

// samples are a guest in each language, and words that its document must have.
var samples = []struct{ format, text, want string }{
	{"vmware-vmx", `.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "4"
displayName = "web|22"
memsize = "512"
scsi0.present = "true"
scsi0:0.present = "true"
scsi0:0.fileName = "web.vmdk"
ethernet0.present = "true"
ethernet0.networkName = "VM Network"
ethernet0.connectionType = "bridged"
ethernet0.addressType = "static"
ethernet0.address = "00:50:56:25:48:c7"
ethernet0.checkMACAddress = "false"
`, "<source file='[?] ?/web.vmdk'/>"},
	{"xen-xl", `name = "web"
uuid = "8f07fe28-753f-2729-d76d-bdbd892f949a"
type = "hvm"
builder = "hvm"
memory = 512
vcpus = 2
disk = [ "format=raw,vdev=hda,access=rw,backendtype=phy,target=/dev/vg/web" ]
vif = [ "mac=00:16:3e:66:92:9c,bridge=xenbr0,model=e1000" ]
`, "<source dev='/dev/vg/web'/>"},
	{"xen-xm", `name = "web"
memory = 512
kernel = "/boot/vmlinuz"
extra = "root=/dev/xvda1"
disk = [ "phy:/dev/vg/web,xvda,w" ]
vif = [ "mac=00:16:3e:66:92:9c,bridge=xenbr0" ]
`, "<kernel>/boot/vmlinuz</kernel>"},
	{"bhyve-argv", `/usr/sbin/bhyve -c 1 -m 214 -u -H -P -s 0:0,hostbridge \
-s 2:0,ahci,hd:/tmp/web.img -s 3:0,virtio-net,tap0,mac=52:54:00:b9:94:02 web
`, "<source file='/tmp/web.img'/>"},
	{"lxc-tools", `lxc.utsname = web
lxc.rootfs = /var/lib/lxc/web/rootfs
lxc.network.type = veth
lxc.network.link = virbr0
lxc.cgroup.memory.limit_in_bytes = 128M
`, "<source dir='/var/lib/lxc/web/rootfs'/>"},
	{"qemu-argv", `#!/bin/sh
exec qemu-system-x86_64 -M q35 -m 2G -smp 2 -cpu EPYC,-svm \
  -drive "file=/img/a b.qcow2,format=qcow2,if=virtio" -nic user,model=virtio-net-pci -vnc :1
`, "<source file='/img/a b.qcow2'/>"},
}

func TestFrom(t *testing.T) {
	for _, s := range samples {
		r, err := From(s.format, xml.Source{Name: "in", Data: []byte(s.text)}, Options{})
		if err != nil {
			t.Errorf("%s: %v", s.format, err)
			continue
		}
		if !strings.Contains(string(r.Doc), s.want) {
			t.Errorf("%s: no %s in\n%s", s.format, s.want, r.Doc)
		}
	}
}

// What is written from a document is read to one of which the same is written.
func TestThereAndBack(t *testing.T) {
	for _, s := range samples {
		f, err := find(s.format)
		if err != nil {
			t.Fatal(err)
		}
		if f.to == nil {
			continue
		}
		text := []byte(s.text)
		var written [2][]byte
		for i := range written {
			r, err := From(s.format, xml.Source{Name: "in", Data: text}, Options{})
			if err != nil {
				t.Fatalf("%s: %v in\n%s", s.format, err, text)
			}
			if text, err = To(s.format, xml.Source{Name: "doc", Data: r.Doc}); err != nil {
				t.Fatalf("%s: %v in\n%s", s.format, err, r.Doc)
			}
			written[i] = text
		}
		if !bytes.Equal(written[0], written[1]) {
			t.Errorf("%s:\n%s\nbecame\n%s", s.format, written[0], written[1])
		}
	}
}

func TestQEMUNotes(t *testing.T) {
	r, err := From("qemu-argv", xml.Source{Name: "in", Data: []byte("qemu-system-x86_64 -frobnicate -hda /a.img")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Notes) == 0 || !strings.Contains(strings.Join(r.Notes, "\n"), "-frobnicate") || !strings.Contains(string(r.Doc), "<qemu:arg value='-frobnicate'/>") {
		t.Errorf("an unknown option is neither told nor passed on: %q\n%s", r.Notes, r.Doc)
	}
}

func TestBadInput(t *testing.T) {
	for _, c := range []struct{ format, text, want string }{
		{"vmware-vmx", "displayName = \"web", "conf:1: unterminated string"},
		{"xen-xl", "name = [ \"web\"\nmemory = ", "conf:2: "},
		{"qemu-argv", "qemu-system-x86_64 -name \"web", "line 1: a double quote is not closed"},
		{"qemu-argv", "ls -l", ""},
		{"bhyve-argv", "bhyve -c 1\na\x17b", "line 2: a character (0x17) that XML cannot hold"},
		{"bhyve-argv", "bhyve a\xff", "the text is not UTF-8"},
		{"nonesuch", "", "unsupported config type nonesuch"},
	} {
		_, err := From(c.format, xml.Source{Name: "in", Data: []byte(c.text)}, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v, want %q", c.format, c.text, err, c.want)
		}
	}
}

// FuzzFrom reads anything in any language: it ends without a panic, and what it
// takes is a document.
func FuzzFrom(f *testing.F) {
	for i, s := range samples {
		f.Add(uint8(i), []byte(s.text))
	}
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		name := formats[int(which)%len(formats)].name
		r, err := From(name, xml.Source{Name: "in", Data: text}, Options{})
		if err != nil {
			return
		}
		if _, err := xml.Parse(xml.Source{Name: "doc", Data: r.Doc}); err != nil {
			t.Errorf("%s: %v in\n%s", name, err, r.Doc)
		}
	})
}

// FuzzTo writes any document in any language: it ends without a panic.
func FuzzTo(f *testing.F) {
	for i, s := range samples {
		if r, err := From(s.format, xml.Source{Name: "in", Data: []byte(s.text)}, Options{}); err == nil {
			f.Add(uint8(i), r.Doc)
		}
	}
	f.Fuzz(func(_ *testing.T, which uint8, doc []byte) {
		_, _ = To(formats[int(which)%len(formats)].name, xml.Source{Name: "doc", Data: doc})
	})
}
