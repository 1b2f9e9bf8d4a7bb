package network

import (
	"strings"
	"testing"

	"virgo/xml"
)

// TestHost: what a host cannot do, "" for what it can.
func TestHost(t *testing.T) {
	const lan = "<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.2' end='10.0.0.3'/></dhcp></ip>"
	const tag, ovs, qbh = "<vlan><tag id='4'/></vlan>", "<virtualport type='openvswitch'/>", "<virtualport type='802.1Qbh'><parameters profileid='x'/></virtualport>"
	bridge := func(inner string) string { return "<forward mode='bridge'/>" + inner }
	for _, c := range []struct{ name, inner, want string }{
		{"own bridge", lan, ""},
		{"two lenders", lan + strings.ReplaceAll(lan, "10.0.0", "10.0.1"), "Multiple IPv4 dhcp sections found"},
		{"address of a foreign bridge", bridge(lan), "Unsupported <ip> element in network t with forward mode='bridge'"},
		{"names of a foreign bridge", bridge("<dns><txt name='a' value='b'/></dns>"), "Unsupported <dns> element"},
		{"nothing about names", bridge("<dns enable='no'/>"), ""},
		{"address before all", bridge("<mac address='52:54:00:00:00:01'/>" + lan), "Unsupported <mac> element"},
		{"rate of no bridge", bridge("<bandwidth><inbound average='1'/></bandwidth>"), "Unsupported network-wide <bandwidth> element"},
		{"rate of a known bridge", bridge("<bridge name='b'/><bandwidth><inbound average='1'/></bandwidth>"), ""},
		{"rate too high", "<bandwidth><inbound average='1' burst='4194304'/></bandwidth>", "numerical overflow: value '4194304' is too big for 'burst' parameter, maximum is '4194303'"},
		{"PCI devices", "<forward mode='bridge'><address type='pci' bus='1'/></forward>", "lists a device by PCI address in the device pool"},
		{"names of devices", "<forward mode='hostdev'><interface dev='e0'/></forward>", "hostdev network 't' lists 'e0' in the device pool"},
		{"no virtual function", "<forward mode='hostdev'><address type='pci' domain='0xffff' bus='1'/></forward>", "device '/sys/bus/pci/devices/ffff:01:00.0' in network 't' is not an SR-IOV Virtual Function"},
		{"groups of one name", "<portgroup name='a'/><portgroup name='a'/>", "multiple <portgroup> elements with the same name (a)"},
		{"two defaults", "<portgroup name='a' default='yes'/><portgroup name='b' default='yes'/>", "multiple default <portgroup> elements (a and b)"},
		{"tags on an own bridge", tag, "type doesn't support vlan configuration"},
		{"tags on Open vSwitch", bridge(tag + ovs), ""},
		{"tags on another switch", bridge(tag + qbh), "type doesn't support vlan configuration"},
		{"tags of a group", "<forward mode='private'/><portgroup name='a'>" + tag + "</portgroup>", "type doesn't support vlan configuration"},
		{"tags of a card", "<forward mode='passthrough'/>" + tag, ""},
	} {
		def, err := Parse(xml.Source{Name: c.name, Data: []byte("<network><name>t</name>" + c.inner + "</network>")}, traits)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		err = checkHost(def)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// TestName: a bridge without a name gets one that nobody has.
func TestName(t *testing.T) {
	for _, c := range []struct{ inner, want string }{
		{"", "virbr"}, {"<bridge name='vq%d'/>", "vq1"}, {"<bridge name='lan'/>", "lan"}, {"<bridge name='vq0'/>", "error: internal error: bridge name 'vq0' already in use."},
		{"<forward mode='bridge'/><bridge name='vq0'/>", "vq0"},
	} {
		def, err := Parse(xml.Source{Data: []byte("<network><name>t</name>" + c.inner + "</network>")}, traits)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := name(def, []string{"vq0"}); err != nil {
			got = "error: " + err.Error()
		} else {
			got = def.Bridge.Name
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", c.inner, got, c.want)
		}
	}
}
