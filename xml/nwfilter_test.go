package xml

import (
	"strings"
	"testing"
)

// TestFilterWords: what values become, "" for those that are refused.
func TestFilterWords(t *testing.T) {
	for _, c := range []struct{ protocol, name, value, want string }{
		{"tcp", "srcportstart", "0X10", "0x10"}, {"tcp", "srcportstart", "010", "10"}, {"tcp", "srcportstart", "65536", ""}, {"tcp", "srcportstart", "-1", ""},
		{"tcp", "dscp", "63", "63"}, {"tcp", "dscp", "64", ""}, {"tcp", "connlimit-above", "0x1", ""},
		{"tcp", "dscp", "$A", "$A"}, {"tcp", "dscp", "$A[@0]", "$A"}, {"tcp", "dscp", "$A[ @01 ]", "$A[@1]"}, {"tcp", "dscp", "$A b", ""}, {"tcp", "dscp", "$A[@1", ""},
		{"tcp", "srcmacaddr", "1:2:3:4:5:6", "01:02:03:04:05:06"}, {"mac", "srcmacmask", "ff:0:ff:0:0:0", ""}, {"mac", "srcmacmask", "ff:ff:80:0:0:0", "ff:ff:80:00:00:00"},
		{"tcp", "srcipaddr", "fe80::1", ""}, {"tcp", "srcipaddr", "::ffff:10.0.0.1", "10.0.0.1"}, {"tcp-ipv6", "srcipaddr", "FE80:0::1", "fe80::1"},
		{"tcp", "srcipmask", "255.255.0.0", "16"}, {"tcp", "srcipmask", "255.0.255.0", ""}, {"tcp", "srcipmask", "33", ""}, {"tcp-ipv6", "srcipmask", "ffff::", "16"},
		{"mac", "protocolid", "2054", "arp"}, {"mac", "protocolid", "0x5ff", ""}, {"vlan", "encap-protocol", "60", "60"}, {"vlan", "vlanid", "4096", ""},
		{"arp", "opcode", "reply", "Reply"}, {"arp", "opcode", "0x10", "16"}, {"arp", "gratuitous", "yes", "true"}, {"ip", "protocol", "0x11", "udp"},
		{"tcp", "state", "ESTABLISHED, new", "NEW,ESTABLISHED"}, {"tcp", "state", "NONE,NEW", "NONE"}, {"tcp", "state", "old", ""},
		{"tcp", "flags", "ack,syn/SYN", "SYN,ACK/SYN"}, {"tcp", "flags", "SYN,ACK,URG,PSH,FIN,RST/", "ALL/NONE"}, {"tcp", "flags", "SYN", ""},
		{"all", "ipset", strings.Repeat("a", 32), ""}, {"all", "ipsetflags", "SRC,dst", "src,dst"}, {"all", "ipsetflags", "src,", ""},
		{"all", "comment", strings.Repeat("é", 200), strings.Repeat("é", 128)},
	} {
		p := findFilterProtocol(c.protocol)
		if p == nil || attrIndex(p.attrs(), c.name) < 0 {
			t.Fatalf("there is no %s of %s", c.name, c.protocol)
		}
		got, ok := filterWord(c.value, p.attrs()[attrIndex(p.attrs(), c.name)])
		if !ok {
			got = ""
		}
		if got != c.want {
			t.Errorf("%s %s=%q: %q, want %q", c.protocol, c.name, c.value, got, c.want)
		}
	}
}

func TestFilters(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"masks are denied with their addresses", `<filter name='f'><rule action='drop' direction='in'><tcp match='no' srcipaddr='10.0.0.1'/><tcp srcipmask='8' dscp='1'/></rule></filter>`,
			"<tcp dscp='1'/>\n    <tcp match='no' srcipaddr='10.0.0.1' srcipmask='8'/>"},
		{"one protocol", `<filter name='f'><rule action='drop' direction='in'><udp/><tcp dscp='1'/></rule></filter>`, "<udp/>\n  </rule>"},
		{"priority of the chain", `<filter name='f' chain='arp-x'/>`, "chain='arp-x' priority='-500'"},
		{"a priority out of range", `<filter name='f'><rule action='drop' direction='in' priority='1001'/></filter>`, "priority='500'"},
		{"variables by name", `<filter name='f'><filterref filter='g'><parameter name='B' value='1'/><parameter name='A' value='2'/><parameter name='C' value='a b'/></filterref></filter>`,
			"<parameter name='A' value='2'/>\n    <parameter name='B' value='1'/>\n  </filterref>"},
		{"a set of addresses", `<filter name='f'><rule action='drop' direction='in'><tcp ipset='s' ipsetflags='dst'/></rule></filter>`, "<tcp ipset='s' ipsetflags='dst'/>"},
		{"no name", `<filter/>`, "error: internal error: filter has no name"},
		{"unknown chain", `<filter name='f' chain='x'/>`, "error: invalid argument: Invalid chain name 'x'"},
		{"long chain", `<filter name='f' chain='mac-abcdefghi'/>`, "longer than 12 characters"},
		{"the last of the bad values", `<filter name='f'><rule action='drop' direction='in'><tcp flags='x' dscp='x' option='y'/></rule></filter>`, "flags has illegal value x"},
		{"ports without a protocol", `<filter name='f'><rule action='drop' direction='in'><ip srcportstart='1'/></rule></filter>`, "IP rule with port specification"},
		{"action", `<filter name='f'><rule action='DROP' direction='in'/></filter>`, "Invalid value for attribute 'action'"},
	} {
		f := &NWFilter{}
		err := Unmarshal(Source{Data: []byte(c.doc)}, f)
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else if doc, err := Marshal(f); err != nil {
			t.Fatal(err)
		} else {
			got = string(doc)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

// FuzzNWFilter: what is printed is read as the same.
func FuzzNWFilter(f *testing.F) {
	f.Add(`<filter name='f' chain='ipv4' priority='5'><uuid>11110000-3333-4444-5555-666677778888</uuid><rule action='drop' direction='in' statematch='0'><tcp match='no' srcipaddr='$A[@1]' flags='SYN/ALL' state='NEW' ipset='s'/><tcp dscp='0x1'/></rule><filterref filter='g'><parameter name='A' value='1'/></filterref></filter>`)
	f.Add(`<filter name='f'><rule action='accept' direction='out' priority='-1'><stp root-priority='1' root-priority-hi='2' sender-address='1:2:3:4:5:6'/></rule></filter>`)
	f.Add(`<filter name='f'><rule action='accept' direction='out'><arp opcode='2' gratuitous='yes' arpsrcipaddr='1.2.3.4' arpsrcipmask='255.0.0.0'/></rule></filter>`)
	f.Fuzz(func(t *testing.T, doc string) {
		a, b := &NWFilter{}, &NWFilter{}
		if Unmarshal(Source{Data: []byte(doc)}, a) != nil {
			return
		}
		once, err := Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := Unmarshal(Source{Data: once}, b); err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if twice, err := Marshal(b); err != nil || string(twice) != string(once) {
			t.Fatalf("%v\n%s\n%s", err, once, twice)
		}
	})
}

// FuzzSecret is the same for secrets.
func FuzzSecret(f *testing.F) {
	f.Add(`<secret ephemeral='yes' private='no'><uuid>11110000-3333-4444-5555-666677778888</uuid><description>d</description><usage type='volume'><volume>/v</volume></usage></secret>`)
	f.Add(`<secret><usage type='none'/></secret>`)
	f.Fuzz(func(t *testing.T, doc string) {
		a, b := &SecretDef{}, &SecretDef{}
		if Unmarshal(Source{Data: []byte(doc)}, a) != nil {
			return
		}
		once, err := Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := Unmarshal(Source{Data: once}, b); err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
	})
}
