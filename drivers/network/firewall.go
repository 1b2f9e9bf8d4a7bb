package network

import (
	"fmt"
	"net/netip"
	"strings"

	"virgo/xml"
)

// A network's rules are one table of nftables, or chains of iptables, of its
// own: they come in one transaction and go in one, and nobody else's are touched.

// filtered tells whether a network has rules: an open one leaves them to its user.
func filtered(def *xml.Network) bool { return OwnBridge(def) && mode(def) != "open" }

// family is one of the two kinds of addresses in the words of the tools.
type family struct {
	six        bool
	table      string // of nftables
	tool       string // iptables's
	multicast  []string
	reject     string
	serverPort int // DHCP's
	clientPort int
}

var families = [2]family{
	{false, "ip", "iptables", []string{"224.0.0.0/24", "255.255.255.255/32"}, "icmp-port-unreachable", 67, 68},
	{true, "ip6", "ip6tables", []string{"ff02::/16"}, "icmp6-port-unreachable", 547, 546},
}

// used tells whether a network has addresses of the family, or lets guests use it among themselves.
func (f *family) used(def *xml.Network) bool {
	if !f.six || def.IPv6 == "yes" {
		return true
	}
	return len(f.addresses(def)) > 0
}

func (f *family) addresses(def *xml.Network) (list []netip.Prefix) {
	for i := range def.IPs {
		if ip := &def.IPs[i]; ip.Address.Is4() != f.six {
			list = append(list, netip.PrefixFrom(ip.Address.Addr, Prefix(ip)).Masked())
		}
	}
	return list
}

// masked tells whether addresses of the family appear to others as the host's.
func (f *family) masked(def *xml.Network) bool {
	if mode(def) != "nat" {
		return false
	}
	return !f.six || len(def.Forward.NATs) > 0 && def.Forward.NATs[0].IPv6 == "yes"
}

// nat are the addresses and ports that guests appear with.
func (f *family) nat(def *xml.Network) (addresses, ports string) {
	ports = "1024-65535"
	if len(def.Forward.NATs) == 0 {
		return "", ports
	}
	n := &def.Forward.NATs[0]
	if len(n.Addresses) > 0 && !f.six {
		addresses = n.Addresses[0].Start.String()
		if end := n.Addresses[0].End.String(); end != addresses {
			addresses += "-" + end
		}
	}
	if len(n.Ports) > 0 {
		ports = fmt.Sprintf("%d-%d", n.Ports[0].Start, n.Ports[0].End)
	}
	return addresses, ports
}

// way is the card that guests go out by, or "".
func way(def *xml.Network) string {
	if def.Forward == nil {
		return ""
	}
	return def.Forward.Dev
}

// nftables are the rules as commands for nft: tables that first go if they are
// there, so that the same text can be given twice.
func nftables(def *xml.Network) string {
	b := &strings.Builder{}
	for i := range families {
		f := &families[i]
		if !f.used(def) {
			continue
		}
		table := f.table + " " + nftTable(def.Bridge.Name)
		fmt.Fprintf(b, "table %s {}\ndelete table %s\ntable %s {\n", table, table, table)
		fmt.Fprintf(b, "\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n")
		f.nftForward(b, def)
		b.WriteString("\t}\n")
		if f.masked(def) {
			b.WriteString("\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n")
			f.nftMask(b, def)
			b.WriteString("\t}\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// nftTable is the name of a network's tables.
func nftTable(bridge string) string {
	return "virgo_" + strings.Map(func(r rune) rune {
		if r < 128 && (r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '_'
	}, bridge)
}

func (f *family) nftForward(b *strings.Builder, def *xml.Network) {
	bridge := quoteName(def.Bridge.Name)
	in, out := "", ""
	if w := way(def); w != "" {
		in, out = " iifname "+quoteName(w), " oifname "+quoteName(w)
	}
	fmt.Fprintf(b, "\t\tiifname %s oifname %s counter accept\n", bridge, bridge)
	if mode(def) != "none" {
		state := ""
		if f.masked(def) {
			state = " ct state related,established"
		}
		for _, net := range f.addresses(def) {
			fmt.Fprintf(b, "\t\toifname %s%s %s daddr %s%s counter accept\n", bridge, in, f.table, net, state)
		}
	}
	fmt.Fprintf(b, "\t\toifname %s counter reject\n", bridge)
	if mode(def) != "none" {
		for _, net := range f.addresses(def) {
			fmt.Fprintf(b, "\t\tiifname %s%s %s saddr %s counter accept\n", bridge, out, f.table, net)
		}
	}
	fmt.Fprintf(b, "\t\tiifname %s counter reject\n", bridge)
}

func (f *family) nftMask(b *strings.Builder, def *xml.Network) {
	addresses, ports := f.nat(def)
	out := ""
	if w := way(def); w != "" {
		out = "oifname " + quoteName(w) + " "
	}
	for _, net := range f.addresses(def) {
		for _, m := range f.multicast {
			fmt.Fprintf(b, "\t\t%s%s saddr %s %s daddr %s counter return\n", out, f.table, net, f.table, m)
		}
		for _, p := range []string{"tcp", "udp", ""} {
			target := "masquerade"
			if addresses != "" {
				target = "snat to " + addresses
			}
			match := ""
			if p != "" {
				match = "meta l4proto " + p + " "
				if addresses != "" {
					target += ":" + ports
				} else {
					target += " to :" + ports
				}
			}
			fmt.Fprintf(b, "\t\t%s%s%s saddr %s %s daddr != %s counter %s\n", out, match, f.table, net, f.table, net, target)
		}
	}
}

// quoteName puts an interface's name into quotes for nft; the kernel allows no
// quote in a name that virgo makes, and one that others made is refused.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, "") + `"` }

// chains are the chains of iptables that a network has: table, built-in chain,
// what the name ends in.
var chains = []struct{ table, hook, end string }{
	{"filter", "INPUT", "I"}, {"filter", "OUTPUT", "O"}, {"filter", "FORWARD", "F"}, {"nat", "POSTROUTING", "N"}, {"mangle", "POSTROUTING", "M"},
}

// chainName is at most 28 bytes long, which a name of 15 allows.
func chainName(bridge, end string) string { return "VIRGO-" + bridge + "-" + end }

// iptables are the rules of a family as iptables-restore --noflush reads them.
// They are for networks whose chains are not there.
func (f *family) iptables(def *xml.Network) string {
	if !f.used(def) {
		return ""
	}
	rules := map[string][]string{}
	add := func(end, format string, args ...any) { rules[end] = append(rules[end], fmt.Sprintf(format, args...)) }
	br := def.Bridge.Name
	f.services(def, add)
	in, out := "", ""
	if w := way(def); w != "" {
		in, out = " -i "+w, " -o "+w
	}
	add("F", "-i %s -o %s -j ACCEPT", br, br)
	if mode(def) != "none" {
		state := ""
		if f.masked(def) {
			state = " -m conntrack --ctstate RELATED,ESTABLISHED"
		}
		for _, net := range f.addresses(def) {
			add("F", "-d %s%s -o %s%s -j ACCEPT", net, in, br, state)
		}
	}
	add("F", "-o %s -j REJECT --reject-with %s", br, f.reject)
	if mode(def) != "none" {
		for _, net := range f.addresses(def) {
			add("F", "-s %s -i %s%s -j ACCEPT", net, br, out)
		}
	}
	add("F", "-i %s -j REJECT --reject-with %s", br, f.reject)
	if f.masked(def) {
		f.masks(def, out, add)
	}
	b := &strings.Builder{}
	for _, table := range []string{"filter", "nat", "mangle"} {
		begun := false
		for _, c := range chains {
			if c.table != table || len(rules[c.end]) == 0 {
				continue
			}
			if !begun {
				fmt.Fprintf(b, "*%s\n", table)
				begun = true
			}
			fmt.Fprintf(b, ":%s - [0:0]\n-I %s -j %s\n", chainName(br, c.end), c.hook, chainName(br, c.end))
			for _, r := range rules[c.end] {
				fmt.Fprintf(b, "-A %s %s\n", chainName(br, c.end), r)
			}
		}
		if begun {
			b.WriteString("COMMIT\n")
		}
	}
	return b.String()
}

// services lets guests reach what the network serves.
func (f *family) services(def *xml.Network, add func(end, format string, args ...any)) {
	br := def.Bridge.Name
	if f.six && len(f.addresses(def)) == 0 {
		return
	}
	udp := []int{53, f.serverPort}
	for i := range def.IPs {
		if def.IPs[i].TFTP != nil && !f.six {
			udp = append(udp, 69)
		}
		if d := def.IPs[i].DHCP; d != nil && !f.six {
			// some DHCP clients of guests do not bear packets without a checksum
			add("M", "-o %s -p udp -m udp --dport 68 -j CHECKSUM --checksum-fill", br)
		}
	}
	for _, port := range udp {
		add("I", "-i %s -p udp -m udp --dport %d -j ACCEPT", br, port)
		if port == f.serverPort {
			port = f.clientPort
		}
		add("O", "-o %s -p udp -m udp --dport %d -j ACCEPT", br, port)
	}
	tcp := []int{53}
	if !f.six {
		tcp = append(tcp, f.serverPort)
	}
	for _, port := range tcp {
		add("I", "-i %s -p tcp -m tcp --dport %d -j ACCEPT", br, port)
		if port == f.serverPort {
			port = f.clientPort
		}
		add("O", "-o %s -p tcp -m tcp --dport %d -j ACCEPT", br, port)
	}
}

func (f *family) masks(def *xml.Network, out string, add func(end, format string, args ...any)) {
	addresses, ports := f.nat(def)
	for _, net := range f.addresses(def) {
		for _, m := range f.multicast {
			add("N", "-s %s -d %s%s -j RETURN", net, m, out)
		}
		for _, p := range []string{"tcp", "udp", ""} {
			target, match := "MASQUERADE", ""
			if addresses != "" {
				target = "SNAT --to-source " + addresses
			}
			if p != "" {
				match = " -p " + p
				if addresses != "" {
					target += ":" + ports
				} else {
					target += " --to-ports " + ports
				}
			}
			add("N", "-s %s ! -d %s%s%s -j %s", net, net, out, match, target)
		}
	}
}
