package nodedev

import (
	"slices"
	"strings"
	"testing"

	"virgo/xml"
)

func source(text string) xml.Source { return xml.Source{Name: "test", Data: []byte(text)} }

const card = `<device><name>pci_0</name><capability type='pci'><class>0x020000</class><domain>0</domain><bus>2</bus><slot>16</slot><function>7</function>
<product id='0x10ca'>P</product><vendor id='0x8086'/><capability type='mdev_types'><type id='t'><deviceAPI>vfio-pci</deviceAPI><availableInstances>1</availableInstances></type></capability>
<capability type='virt_functions' maxCount='7'><address domain='0' bus='2' slot='16' function='1'/></capability><numa node='1'/></capability></device>`

func TestKinds(t *testing.T) {
	d, err := Parse(source(card))
	if err != nil {
		t.Fatal(err)
	}
	if got := Kinds(d); !slices.Equal(got, []string{"pci", "virt_functions", "mdev_types"}) {
		t.Error(got)
	}
	if _, err := FibreChannel(d); err == nil || !strings.Contains(err.Error(), "not a fibre channel HBA") {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"<device><name>d</name></device>":                                                   "no device capabilities for 'd'",
		"<device><capability type='system'/></device>":                                      "missing name information",
		"<device><name>d</name><capability/></device>":                                      "Missing required attribute 'type'",
		"<device><name>d</name><capability type='x'/></device>":                             "Invalid value for attribute 'type' in element 'capability': 'x'.",
		"<device><name>d</name><capability type='mdev'/></device>":                          "missing type id attribute for 'd'",
		"<device><name>d</name><capability type='drm'><type>x</type></capability></device>": "unknown drm type 'x' for 'd'",
	} {
		if _, err := Parse(source(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// What is printed can be read again, and is the same.
func FuzzParse(f *testing.F) {
	f.Add(card)
	f.Add("<device><name>d</name><parent wwnn='1'/><capability type='ccw'><state>online</state><cssid>0x0</cssid><ssid>0x0</ssid><devno>0x1</devno></capability></device>")
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
