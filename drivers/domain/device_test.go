package domain

import (
	"reflect"
	"slices"
	"testing"

	"virgo/xml"
)

const deviceDomain = `<domain type='test'><name>g</name><memory>1024</memory><os><type>hvm</type></os><devices>
<disk><source file='/a'/><target dev='vda' bus='virtio'/></disk>
<disk><source file='/c'/><target dev='vdc' bus='virtio'/></disk>
<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/></interface></devices></domain>`

func TestDevices(t *testing.T) {
	traits := &Traits{}
	d, err := Parse(xml.Source{Name: "g", Data: []byte(deviceDomain)}, traits)
	if err != nil {
		t.Fatal(err)
	}
	v, err := ReadDevice(xml.Source{Name: "disk", Data: []byte("<disk><source file='/b'/><target dev='vdb' bus='virtio'/></disk>")})
	if err != nil {
		t.Fatal(err)
	}
	whole, joined, err := Join(d, v, traits)
	if err != nil {
		t.Fatal(err)
	}
	if joined.Alias() != "" || len(whole.Devices.Disks) != 3 || whole.Devices.Disks[1].Target.Dev != "vdb" {
		t.Errorf("joined: %d disks, alias %q", len(whole.Devices.Disks), joined.Alias())
	}
	if len(d.Devices.Disks) != 2 {
		t.Error("Join has changed the domain")
	}
	Insert(d, joined)
	if d.Devices.Disks[1].Target.Dev != "vdb" {
		t.Errorf("inserted behind %s", d.Devices.Disks[1].Target.Dev)
	}
	Remove(d, All(d, "disk")[1])
	Remove(d, All(d, "interface")[0])
	if len(d.Devices.Disks) != 2 || len(d.Devices.Interfaces) != 0 || d.Devices.Disks[1].Target.Dev != "vdc" {
		t.Errorf("removed: %v", d.Devices.Disks)
	}
}

func TestDeviceErrors(t *testing.T) {
	traits := &Traits{}
	d, err := Parse(xml.Source{Name: "g", Data: []byte(deviceDomain)}, traits)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, doc, want string }{
		{"no device", "<domain/>", "unsupported configuration: unknown device type 'domain'"},
		{"part of the devices", "<emulator>/x</emulator>", "unsupported configuration: unknown device type 'emulator'"},
		{"twice", "<disk><source file='/b'/><target dev='vda'/></disk>", "XML error: target 'vda' duplicated for disk sources '/a' and '/b'"},
		{"no target", "<disk/>", "missing target information for device"},
		{"no USB", "<redirdev bus='usb' type='spicevmc'/>", "unsupported configuration: cannot add redirected USB device: USB is disabled for this domain"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := ReadDevice(xml.Source{Name: "device", Data: []byte(tt.doc)})
			if err == nil {
				_, _, err = Join(d, v, traits)
			}
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func FuzzReadDevice(f *testing.F) {
	f.Add("<disk type='file'><source file='/a'/><target dev='vda'/></disk>")
	f.Add("<interface type='user'/>")
	f.Add("<memballoon model='virtio'/>")
	f.Fuzz(func(t *testing.T, doc string) {
		v, err := ReadDevice(xml.Source{Name: "device", Data: []byte(doc)})
		if err != nil {
			return
		}
		d := &xml.Domain{Name: "g"}
		Insert(d, v)
		for _, v := range All(d, v.Kind) {
			Remove(d, v)
		}
		if n := len(All(d, v.Kind)); n != 0 {
			t.Errorf("%d devices are left", n)
		}
	})
}

// Every device that can have an alias is gone over, and every kind is one that
// can be attached, found and taken away by its element's name.
func TestEachDevice(t *testing.T) {
	d := &xml.Domain{}
	var want []string
	for _, k := range deviceKinds() {
		Add(d, &Device{k.name, reflect.New(k.device).Interface()})
		if len(All(d, k.name)) != 1 {
			t.Errorf("there are %d of the only <%s>", len(All(d, k.name)), k.name)
		}
		if k.alias >= 0 {
			want = append(want, k.name)
		}
	}
	var got []string
	eachDevice(d, func(v deviceView) { got = append(got, v.kind) })
	if !slices.Equal(got, want) {
		t.Errorf("eachDevice goes over\n%v, and not over\n%v", got, want)
	}
}
