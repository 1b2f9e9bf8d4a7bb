package network

import (
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/xml"
)

func source(text string) xml.Source { return xml.Source{Name: "test", Data: []byte(text)} }

// What is wrong with a network is told in the peer's words.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ name, inside, want string }{
		{"no address", "<forward/>", "XML error: nat forwarding requested, but no IP address provided for network 't'"},
		{"nat elsewhere", "<forward mode='route'><nat/></forward>", "The <nat> element can only be used when <forward> 'mode' is 'nat' in network t"},
		{"two cards", "<forward mode='nat'><interface dev='a'/><interface dev='b'/></forward><ip address='10.0.0.1' prefix='8'/>", "only one is supported"},
		{"the same card twice", "<forward mode='bridge'><interface dev='a'/><interface dev='a'/></forward>", "interface 'a' can only be listed once in network t"},
		{"open with a card", "<forward mode='open' dev='a'/>", "forward dev not allowed for network 't' with forward mode='open'"},
		{"foreign bridge's delay", "<forward mode='bridge'/><bridge name='b' delay='3'/>", "bridge delay/stp/zone options only allowed in"},
		{"name in a tag", "<mtu size='x'/>", "XML error: Invalid mtu size 'x' in network 't'"},
		{"group's address", "<mac address='01:00:00:00:00:00'/>", "Invalid multicast bridge mac address '01:00:00:00:00:00' in network 't'"},
		{"family", "<ip family='ipv6' address='10.0.0.1'/>", "Family 'ipv6' specified for non-IPv6 address '10.0.0.1' in network 't'"},
		{"mask and prefix", "<ip address='10.0.0.1' prefix='8' netmask='255.0.0.0'/>", "cannot have both a prefix and a netmask"},
		{"range outside", "<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.2' end='10.0.1.2'/></dhcp></ip>", "is not entirely within network 10.0.0.1/24"},
		{"range reversed", "<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.9' end='10.0.0.2'/></dhcp></ip>", "is reversed"},
		{"range too large", "<ip address='10.0.0.1' prefix='8'><dhcp><range start='10.0.0.2' end='10.9.0.2'/></dhcp></ip>", "is too large (> 65535)"},
		{"broadcast", "<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.2' end='10.0.0.255'/></dhcp></ip>", "is the broadcast address"},
		{"short lease", "<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.2' end='10.0.0.3'><lease expiry='1'/></range></dhcp></ip>", "minimum lease time"},
		{"guest without address", "<ip address='10.0.0.1' prefix='24'><dhcp><host name='a'/></dhcp></ip>", "Missing IP address in static host definition for network 't'"},
		{"guest without name", "<ip family='ipv6' address='fe80::1' prefix='64'><dhcp><host ip='fe80::2'/></dhcp></ip>", "must have id or name attribute"},
		{"data in disabled DNS", "<dns enable='no'><txt name='a' value='b'/></dns>", "Extra data in disabled network 't'"},
		{"record's port", "<dns><srv service='s' protocol='tcp' target='a' port='x'/></dns>", "invalid DNS SRV port attribute for service 's' in network 't'"},
		{"far gateway", "<ip address='10.1.0.1' prefix='16'/><route address='10.2.0.0' prefix='16' gateway='10.3.0.1'/>", "unreachable static route gateway '10.3.0.1'"},
		{"host as a route", "<route address='10.2.0.1' prefix='16' gateway='10.3.0.1'/>", "t: Address '10.2.0.1' in route definition is not a network address"},
		{"tags without trunk", "<vlan trunk='no'><tag id='1'/><tag id='2'/></vlan>", "trunk='yes' is required"},
		{"floor", "<bandwidth><inbound average='1' floor='1'/></bandwidth>", "floor attribute is not supported"},
		{"slash", "<title/><!-- -->", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(source("<network><name>t</name>"+c.inside+"</network>"), Traits{})
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

const whole = `<network><name>n</name><uuid>11111111-2222-4333-8444-555555555555</uuid>
<dns><txt name='t' value='v'/><srv service='s' protocol='tcp'/><srv service='s' protocol='udp'/><host ip='10.0.0.9'><hostname>h</hostname></host></dns>
<ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.100' end='10.0.0.120'/><host mac='52:54:00:00:00:01' name='a' ip='10.0.0.2'/></dhcp></ip>
<ip address='10.0.1.1' prefix='24'/><portgroup name='p' default='yes'/></network>`

// Parts change, and a change that is wrong changes nothing.
func TestUpdate(t *testing.T) {
	for _, c := range []struct{ command, section, text, want, err string }{
		{"add-last", "ip-dhcp-host", "<host mac='52:54:0:0:0:2' ip='10.0.0.3'/>", "<host mac='52:54:0:0:0:2' ip='10.0.0.3'/>\n    </dhcp>", ""},
		{"add-first", "ip-dhcp-range", "<range start='10.0.0.3' end='10.0.0.5'/>", "<dhcp>\n      <range start='10.0.0.3' end='10.0.0.5'/>", ""},
		{"modify", "ip-dhcp-host", "<host mac='52:54:00:00:00:01' ip='10.0.0.7'/>", "<host mac='52:54:00:00:00:01' ip='10.0.0.7'/>", ""},
		{"delete", "dns-host", "<host ip='10.0.0.9'/>", "<srv service='s' protocol='udp'/>\n  </dns>", ""},
		{"delete", "dns-srv", "<srv protocol='tcp'/>", "<txt name='t' value='v'/>\n    <srv service='s' protocol='udp'/>", ""},
		{"modify", "dns-txt", "<txt name='t' value='w'/>", "<txt name='t' value='w'/>", ""},
		{"modify", "portgroup", "<portgroup name='p'/>", "<portgroup name='p'>", ""},
		{"add-last", "portgroup", "<portgroup name='q' default='yes'/>", "", "already set as the default"},
		{"add-last", "ip-dhcp-host", "<host mac='52:54:00:00:00:01' ip='10.0.0.3'/>", "", "name='(null)' ip='10.0.0.3'"},
		{"delete", "ip-dhcp-host", "<host/>", "", "At least one of name, mac, or ip"},
		{"delete", "dns-srv", "<srv service='s'/>", "", "multiple DNS SRV records"},
		{"modify", "dns-srv", "<srv service='s'/>", "", "cannot be modified, only added or deleted"},
		{"add-last", "bridge", "<bridge/>", "", "can't update 'bridge' section of network 'n'"},
		{"add-last", "portgroup", "<x/>", "", "unexpected element <x>, expecting <portgroup>"},
		{"add-last", "nothing", "<x/>", "", "unrecognized section"},
	} {
		t.Run(c.command+" "+c.section+" "+c.text, func(t *testing.T) {
			def, err := Parse(source(whole), Traits{})
			if err != nil {
				t.Fatal(err)
			}
			before, _ := xml.Marshal(def)
			changed, err := Update(def, drivers.NetworkUpdate{Command: c.command, Section: c.section, ParentIndex: -1, Source: source(c.text)}, Traits{})
			if after, _ := xml.Marshal(def); string(after) != string(before) {
				t.Errorf("the definition itself was changed:\n%s", after)
			}
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if doc, _ := xml.Marshal(changed); !strings.Contains(string(doc), c.want) {
				t.Errorf("no %s in\n%s", c.want, doc)
			}
		})
	}
}

// A second address with DHCP is refused where the index names it.
func TestUpdateIndex(t *testing.T) {
	def, err := Parse(source(whole), Traits{})
	if err != nil {
		t.Fatal(err)
	}
	for index, want := range map[int]string{1: "only for a single IPv4 address", 5: "no <ip> element found at index 5"} {
		_, err := Update(def, drivers.NetworkUpdate{Command: "add-last", Section: "ip-dhcp-host", ParentIndex: index,
			Source: source("<host name='z' ip='10.0.1.3'/>")}, Traits{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("index %d: %v, want %s", index, err, want)
		}
	}
}

// What is printed can be read again, and is the same.
func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add("<network><name>t</name><forward mode='hostdev'><pf dev='a'/></forward><virtualport type='openvswitch'/></network>")
	f.Fuzz(func(t *testing.T, text string) {
		def, err := Parse(source(text), Traits{Dnsmasq: true})
		if err != nil {
			return
		}
		once, err := xml.Marshal(def)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(xml.Source{Data: once}, Traits{Dnsmasq: true})
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if twice, _ := xml.Marshal(again); string(twice) != string(once) {
			t.Fatalf("printed once\n%s\nand again\n%s", once, twice)
		}
	})
}

func FuzzUpdate(f *testing.F) {
	f.Add("add-last", "dns-srv", "<srv service='s2' protocol='tcp'/>", -1)
	f.Add("delete", "ip-dhcp-host", "<host name='a'/>", 0)
	f.Fuzz(func(t *testing.T, command, section, text string, index int) {
		def, err := Parse(source(whole), Traits{})
		if err != nil {
			t.Fatal(err)
		}
		changed, err := Update(def, drivers.NetworkUpdate{Command: command, Section: section, ParentIndex: index, Source: source(text)}, Traits{})
		if err == nil && changed == nil {
			t.Fatal("nothing and no error")
		}
	})
}

// TestRoot: a document of another kind is refused.
func TestRoot(t *testing.T) {
	_, err := Parse(xml.Source{Data: []byte("<domain type='test'><name>x</name></domain>")}, Traits{})
	if err == nil || err.Error() != "XML error: expecting root element of 'network', not 'domain'" {
		t.Error(err)
	}
}
