package network

import (
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"virgo/xml"
)

func definition(t *testing.T, doc string) *xml.Network {
	t.Helper()
	def, err := Parse(xml.Source{Name: "test", Data: []byte(doc)}, Traits{Dnsmasq: true})
	if err == nil {
		err = name(def, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return def
}

const inLab = `<network><name>n</name><forward mode='nat' dev='eth0'><nat><address start='1.2.3.4' end='1.2.3.5'/><port start='500' end='600'/></nat></forward>
<bridge name='br0'/><mtu size='1400'/><domain name='lab' localOnly='yes'/>
<dns forwardPlainNames='no'><forwarder addr='8.8.8.8'/><forwarder domain='d'/><txt name='a' value='b'/><srv service='s' protocol='tcp' target='t' port='1'/>
<host ip='10.0.0.5'><hostname>h</hostname></host></dns>
<ip address='10.0.0.1' prefix='24' localPtr='yes'><tftp root='/tmp'/><dhcp><range start='10.0.0.9' end='10.0.0.20'><lease expiry='0'/></range>
<host mac='52:54:00:00:00:01' name='g' ip='10.0.0.8'><lease expiry='3' unit='hours'/></host><bootp file='p' server='10.0.0.2'/></dhcp></ip>
<ip family='ipv6' address='fd00::1' prefix='64'><dhcp><host id='0:1' name='s' ip='fd00::5'/></dhcp></ip></network>`

// The words are dnsmasq's (dnsmasq(8)), which the peer writes in the same order.
func TestDnsmasqConfig(t *testing.T) {
	got, err := dnsmasqConfig(definition(t, inLab), dnsmasqFiles{pid: "/p", leases: "/l"})
	if err != nil {
		t.Fatal(err)
	}
	want := `strict-order
server=8.8.8.8
server=/d/#
no-resolv
local=/lab/
domain=lab
expand-hosts
domain-needed
local=//
local=/0.0.10.in-addr.arpa/
pid-file=/p
except-interface=lo
bind-dynamic
interface=br0
txt-record=a,b
srv-host=_s._tcp,t,1
host-record=h,h.lab,10.0.0.5
enable-tftp
tftp-root=/tmp
dhcp-range=10.0.0.9,10.0.0.20,255.255.255.0,infinite
dhcp-no-override
dhcp-authoritative
dhcp-boot=p,,10.0.0.2
dhcp-host=52:54:00:00:00:01,10.0.0.8,g,3h
dhcp-range=fd00::1,static,64
dhcp-host=id:0:1,s,[fd00::5]
dhcp-lease-max=12
dhcp-leasefile=/l
dhcp-option=option:mtu,1400
enable-ra
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
	bad := definition(t, inLab)
	bad.DNS.TXTs[0].Value = "x\ndhcp-script=/bin/evil"
	if _, err := dnsmasqConfig(bad, dnsmasqFiles{}); err == nil {
		t.Error("a line break in a value was taken")
	}
}

func TestRules(t *testing.T) {
	def := definition(t, inLab)
	nft := nftables(def)
	for _, want := range []string{
		`oifname "br0" iifname "eth0" ip daddr 10.0.0.0/24 ct state related,established counter accept`,
		`iifname "br0" oifname "eth0" ip saddr 10.0.0.0/24 counter accept`,
		`oifname "eth0" meta l4proto udp ip saddr 10.0.0.0/24 ip daddr != 10.0.0.0/24 counter snat to 1.2.3.4-1.2.3.5:500-600`,
		`oifname "br0" iifname "eth0" ip6 daddr fd00::/64 counter accept`,
	} {
		if !strings.Contains(nft, want) {
			t.Errorf("nft rules lack %s:\n%s", want, nft)
		}
	}
	ip4 := families[0].iptables(def)
	for _, want := range []string{":VIRGO-br0-F - [0:0]\n-I FORWARD -j VIRGO-br0-F", "-A VIRGO-br0-I -i br0 -p udp -m udp --dport 69 -j ACCEPT",
		"-A VIRGO-br0-N -s 10.0.0.0/24 ! -d 10.0.0.0/24 -o eth0 -p tcp -j SNAT --to-source 1.2.3.4-1.2.3.5:500-600", "CHECKSUM --checksum-fill"} {
		if !strings.Contains(ip4, want) {
			t.Errorf("iptables rules lack %s:\n%s", want, ip4)
		}
	}
	if _, err := exec.LookPath("nft"); err == nil {
		cmd := exec.Command("unshare", "-n", "nft", "-c", "-f", "-")
		cmd.Stdin = strings.NewReader(nft)
		if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(string(out), "Operation not permitted") {
			t.Errorf("nft refuses: %v: %s", err, out)
		}
	}
	if filtered(definition(t, "<network><name>o</name><forward mode='open'/><bridge name='b'/><ip address='10.0.0.1'/></network>")) {
		t.Error("an open network has rules")
	}
}

func TestParseLeases(t *testing.T) {
	text := "2000000000 52:54:00:00:00:01 10.0.0.9 one 01:52:54:00:00:00:01\n1000 52:54:00:00:00:02 10.0.0.10 old *\nhalf a li\n" +
		"duid 00:01:00:01:2b:38:12:34:52:54:00:00:00:ff\n0 7654321 fd00::9 six 00:01:00:01:2b:38:12:34:52:54:00:00:00:03\n"
	got := parseLeases(text, time.Unix(1_900_000_000, 0), func(netip.Addr) int { return 24 })
	if len(got) != 2 {
		t.Fatalf("%d leases: %+v", len(got), got)
	}
	if l := got[0]; l.MAC != "52:54:00:00:00:01" || l.Hostname != "one" || l.Family != 4 || l.Prefix != 24 || l.Expiry.Unix() != 2_000_000_000 {
		t.Errorf("%+v", l)
	}
	if l := got[1]; l.MAC != "52:54:00:00:00:03" || l.IAID != "7654321" || l.Family != 6 || !l.Expiry.IsZero() {
		t.Errorf("%+v", l)
	}
}

// FuzzLeases: no file of leases, however broken, makes more of a line than is in it.
func FuzzLeases(f *testing.F) {
	f.Add("2000000000 52:54:00:00:00:01 10.0.0.9 one 01:52\n0 T7 fd00::9 * 00:03:00:01:52:54:00:00:00:03\nduid 00")
	f.Fuzz(func(t *testing.T, text string) {
		for _, l := range parseLeases(text, time.Unix(0, 0), func(netip.Addr) int { return 1 }) {
			if !strings.Contains(text, l.Hostname) || !strings.Contains(text, l.DUID) {
				t.Errorf("%+v is not in %q", l, text)
			}
		}
	})
}

// The words are those that the peer gives to ovs-vsctl.
func TestSwitchPort(t *testing.T) {
	p := &SwitchPort{Bridge: "br", Dev: "vnet0", MAC: "52:54:00:00:00:01", Domain: "U",
		Port:      &xml.VirtualPort{Type: "openvswitch", Parameters: &xml.VirtualPortParams{InterfaceID: "I", ProfileID: "P"}},
		VLAN:      &xml.VLAN{Trunk: "yes", Tags: []xml.VLANTag{{ID: 1, NativeMode: "untagged"}, {ID: 2}}},
		Bandwidth: &xml.Bandwidth{Inbound: &xml.Rate{Average: 100, Peak: 200, Burst: 50}, Outbound: &xml.Rate{Average: 20}}}
	got := strings.Join(p.add(), " ")
	for _, want := range []string{"--may-exist add-port br vnet0 -- set Port vnet0 other_config:transient=true vlan_mode=native-untagged tag=1 trunk=1,2",
		`external-ids:iface-id="I"`, `external-ids:port-profile="P" -- set Interface vnet0 external-ids:ifname="vnet0"`, "external-ids:iface-status=active"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
	limits := p.limits()
	if len(limits) != 2 || !strings.Contains(strings.Join(limits[0], " "), "other_config:min-rate=800000 other_config:burst=409600 other_config:max-rate=1600000") ||
		strings.Join(limits[1], " ") != "--timeout=5 set Interface vnet0 ingress_policing_rate=160" {
		t.Errorf("%q", limits)
	}
	p.VLAN = &xml.VLAN{Tags: []xml.VLANTag{{ID: 42}}}
	if got := strings.Join(p.add(), " "); !strings.Contains(got, " tag=42 ") {
		t.Error(got)
	}
}
