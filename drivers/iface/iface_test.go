package iface

import (
	"strings"
	"testing"

	"virgo/xml"
)

func source(text string) xml.Source { return xml.Source{Name: "test", Data: []byte(text)} }

func TestErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no bridge", "<interface type='bridge' name='b'/>", "bridge interface misses the bridge element"},
		{"no bond", "<interface type='bond' name='b'/>", "bond interface misses the bond element"},
		{"no vlan", "<interface type='vlan' name='b'/>", "vlan interface misses the vlan element"},
		{"no name", "<interface type='ethernet'/>", "interface has no name"},
		{"empty tag", "<interface type='vlan' name='v'><vlan tag=''><interface name='e'/></vlan></interface>", "vlan interface misses the tag attribute"},
		{"empty base", "<interface type='vlan' name='v'><vlan tag='1'><interface name=''/></vlan></interface>", "vlan interface misses name attribute"},
		{"empty target", "<interface type='bond' name='b'><bond><arpmon interval='1' target=''/></bond></interface>", "bond interface arpmon target missing"},
		{"bridge in a bridge", "<interface type='bridge' name='b'><bridge><interface type='bridge' name='c'><bridge/></interface></bridge></interface>", "unsupported type 'bridge'"},
		{"start", "<interface type='ethernet' name='e'><start mode='x'/></interface>", "unknown interface startmode x"},
		{"miimon", "<interface type='bond' name='b'><bond><miimon freq='x'/></bond></interface>", "miimon freq missing or invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Parse(source(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// What is printed can be read again, and is the same.
func FuzzParse(f *testing.F) {
	f.Add("<interface type='bridge' name='b'><start mode='none'/><bridge stp='on'><interface type='vlan' name='v'><vlan tag='1'><interface name='e'/></vlan></interface></bridge></interface>")
	f.Add("<interface type='bridge' name=''><bridge><interface type='ethernet' name=''/></bridge></interface>")
	f.Fuzz(func(t *testing.T, text string) {
		def, err := Parse(source(text))
		if err != nil {
			return
		}
		once, _ := xml.Marshal(def)
		again, err := Parse(xml.Source{Data: once})
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if twice, _ := xml.Marshal(again); string(twice) != string(once) {
			t.Fatalf("printed once\n%s\nand again\n%s", once, twice)
		}
	})
}
