package xml

import (
	"strings"
	"testing"
)

// TestCheckSchema: what a schema minds though reading does not.
func TestCheckSchema(t *testing.T) {
	const good = `<domain type='qemu'><name>g</name><memory>1</memory><os><type>hvm</type></os><clock offset='utc'/><cpu><model>a</model></cpu>
<devices><emulator>/bin/q</emulator><disk type='file'><source file='/a'/><target dev='vda'/><readonly/></disk>
<interface type='user'><mac address='52:54:00:00:00:01'/></interface><controller type='usb'/></devices></domain>`
	for _, c := range []struct{ name, old, now, want string }{
		{"nothing", "", "", ""},
		{"an element twice", "<readonly/>", "<readonly/><readonly/>", "more than one <readonly>"},
		{"devices twice", "<clock offset='utc'/>", "<devices/>", "more than one <devices>"},
		{"a model twice", "<model>a</model>", "<model>a</model><model>b</model>", "<cpu> has more than one <model>"},
		{"text in a flag", "<readonly/>", "<readonly>x</readonly>", "takes no text"},
		{"text beside elements", "<devices>", "<devices>x", "takes no text"},
		{"no target", "<target dev='vda'/>", "", "<disk> lacks <target>"},
		{"no type of the guest", "<type>hvm</type>", "", "<os> lacks <type>"},
		{"no offset", "<clock offset='utc'/>", "<clock/>", "lacks attribute 'offset'"},
		{"a target that is no drive", "'vda'", "'x'", "attribute 'dev' of <target> cannot be 'x'"},
		{"an address of many", "52:54", "53:54", "attribute 'address' of <mac> cannot be"},
		{"an emulator without place", "/bin/q", "q", "<emulator> in "},
		{"a controller of no type", " type='usb'", "", "lacks attribute 'type'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := strings.Replace(good, c.old, c.now, 1)
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
