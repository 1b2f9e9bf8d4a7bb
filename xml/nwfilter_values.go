package xml

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// filterProtocol is a protocol that rules may match, with its values.
type filterProtocol struct {
	name   string
	groups []int // of filterAttrs
}

// filterAttr is a value of packets: its form, and what it belongs to.
type filterAttr struct {
	name string
	form filterForm
	max  uint64
	of   string // a mask's address, an end's beginning
}

// filterForm is how a value is written.
type filterForm uint8

const (
	formNumber filterForm = iota
	formMAC
	formMACMask
	formIPv4
	formIPv4Mask
	formIPv6
	formIPv6Mask
	formEtherType
	formEncapsulated
	formOpcode
	formDecimal
	formIPProtocol
	formTruth
	formState
	formTCPFlags
	formSet
	formSetFlags
	formComment
)

// The groups of values that protocols share.
const (
	groupMACs = iota // of Ethernet; the masks go with the addresses
	groupFreeMACs
	groupMACType
	groupVLAN
	groupSTP
	groupARP
	groupIPv4
	groupIPv6
	groupEtherPorts // of Ethernet's IP
	groupDSCP
	groupICMPRange
	groupSource // the address of the next hop
	groupRange4
	groupRange6
	groupTrack
	groupPorts
	groupICMP
	groupTCPOption
	groupTCPFlags
	groupComment
)

const (
	max8, max16, max32 = 1<<8 - 1, 1<<16 - 1, 1<<32 - 1
	maxDSCP            = 63
	maxVLAN            = 4095
	maxSetName         = 31
	maxSetFlags        = 6
	maxFilterComment   = 256
	minEtherType       = 0x600
	minEncapsulated    = 60
)

var filterAttrs = [...][]filterAttr{
	groupMACs: {{name: "srcmacaddr", form: formMAC}, {name: "srcmacmask", form: formMACMask, of: "srcmacaddr"},
		{name: "dstmacaddr", form: formMAC}, {name: "dstmacmask", form: formMACMask, of: "dstmacaddr"}},
	groupFreeMACs: {{name: "srcmacaddr", form: formMAC}, {name: "srcmacmask", form: formMACMask},
		{name: "dstmacaddr", form: formMAC}, {name: "dstmacmask", form: formMACMask}},
	groupMACType: {{name: "protocolid", form: formEtherType}},
	groupVLAN:    {{name: "vlanid", max: maxVLAN}, {name: "encap-protocol", form: formEncapsulated}},
	groupSTP: {{name: "srcmacaddr", form: formMAC}, {name: "srcmacmask", form: formMACMask, of: "srcmacaddr"},
		{name: "type", max: max8}, {name: "flags", max: max8},
		{name: "root-priority", max: max16}, {name: "root-priority-hi", max: max16, of: "root-priority"},
		{name: "root-address", form: formMAC}, {name: "root-address-mask", form: formMACMask, of: "root-address"},
		{name: "root-cost", max: max32}, {name: "root-cost-hi", max: max32, of: "root-cost"},
		{name: "sender-priority", max: max16}, {name: "sender-priority-hi", max: max16, of: "sender-priority"},
		{name: "sender-address", form: formMAC}, {name: "sender-address-mask", form: formMACMask, of: "sender-address"},
		{name: "port", max: max16}, {name: "port-hi", max: max16, of: "port"}, {name: "age", max: max16}, {name: "age-hi", max: max16, of: "age"},
		{name: "max-age", max: max16}, {name: "max-age-hi", max: max16, of: "max-age"},
		{name: "hello-time", max: max16}, {name: "hello-time-hi", max: max16, of: "hello-time"},
		{name: "forward-delay", max: max16}, {name: "forward-delay-hi", max: max16, of: "forward-delay"}},
	groupARP: {{name: "hwtype", max: max16}, {name: "protocoltype", max: max16}, {name: "opcode", form: formOpcode},
		{name: "arpsrcmacaddr", form: formMAC}, {name: "arpdstmacaddr", form: formMAC},
		{name: "arpsrcipaddr", form: formIPv4}, {name: "arpsrcipmask", form: formIPv4Mask},
		{name: "arpdstipaddr", form: formIPv4}, {name: "arpdstipmask", form: formIPv4Mask}, {name: "gratuitous", form: formTruth}},
	groupIPv4: {{name: "srcipaddr", form: formIPv4}, {name: "srcipmask", form: formIPv4Mask, of: "srcipaddr"},
		{name: "dstipaddr", form: formIPv4}, {name: "dstipmask", form: formIPv4Mask, of: "dstipaddr"}},
	groupIPv6: {{name: "srcipaddr", form: formIPv6}, {name: "srcipmask", form: formIPv6Mask, of: "srcipaddr"},
		{name: "dstipaddr", form: formIPv6}, {name: "dstipmask", form: formIPv6Mask, of: "dstipaddr"}},
	groupEtherPorts: {{name: "protocol", form: formIPProtocol}, {name: "srcportstart", max: max16}, {name: "srcportend", max: max16},
		{name: "dstportstart", max: max16}, {name: "dstportend", max: max16}},
	groupDSCP: {{name: "dscp", max: maxDSCP}},
	groupICMPRange: {{name: "type", max: max8}, {name: "typeend", max: max8, of: "type"},
		{name: "code", max: max8, of: "type"}, {name: "codeend", max: max8, of: "type"}},
	groupSource: {{name: "srcmacaddr", form: formMAC}},
	groupRange4: {{name: "srcipfrom", form: formIPv4}, {name: "srcipto", form: formIPv4, of: "srcipfrom"},
		{name: "dstipfrom", form: formIPv4}, {name: "dstipto", form: formIPv4, of: "dstipfrom"}},
	groupRange6: {{name: "srcipfrom", form: formIPv6}, {name: "srcipto", form: formIPv6, of: "srcipfrom"},
		{name: "dstipfrom", form: formIPv6}, {name: "dstipto", form: formIPv6, of: "dstipfrom"}},
	groupTrack: {{name: "dscp", max: maxDSCP}, {name: "connlimit-above", form: formDecimal, max: max16}, {name: "state", form: formState},
		{name: "ipset", form: formSet}, {name: "ipsetflags", form: formSetFlags}},
	groupPorts: {{name: "srcportstart", max: max16}, {name: "srcportend", max: max16, of: "srcportstart"},
		{name: "dstportstart", max: max16, of: "srcportstart"}, {name: "dstportend", max: max16, of: "srcportstart"}},
	groupICMP:      {{name: "type", max: max8}, {name: "code", max: max8, of: "type"}},
	groupTCPOption: {{name: "option", max: max8}},
	groupTCPFlags:  {{name: "flags", form: formTCPFlags}},
	groupComment:   {{name: "comment", form: formComment}},
}

// filterProtocols are the protocols.
func filterProtocols() []filterProtocol {
	ether := func(name string, groups ...int) filterProtocol {
		return filterProtocol{name, append(groups, groupComment)}
	}
	out := []filterProtocol{
		ether("mac", groupMACs, groupMACType), ether("vlan", groupMACs, groupVLAN), ether("stp", groupSTP),
		ether("arp", groupFreeMACs, groupARP), ether("rarp", groupFreeMACs, groupARP),
		ether("ip", groupFreeMACs, groupIPv4, groupEtherPorts, groupDSCP), ether("ipv6", groupFreeMACs, groupIPv6, groupEtherPorts, groupICMPRange),
	}
	for _, p := range []struct {
		name, name6 string
		more, more6 []int
	}{
		{"tcp", "tcp-ipv6", []int{groupPorts, groupTCPOption, groupTCPFlags}, []int{groupPorts, groupTCPOption}},
		{"udp", "udp-ipv6", []int{groupPorts}, []int{groupPorts}}, {"sctp", "sctp-ipv6", []int{groupPorts}, []int{groupPorts}},
		{"icmp", "icmpv6", []int{groupICMP}, []int{groupICMP}}, {"igmp", "", nil, nil},
		{"udplite", "udplite-ipv6", nil, nil}, {"esp", "esp-ipv6", nil, nil}, {"ah", "ah-ipv6", nil, nil}, {"all", "all-ipv6", nil, nil},
	} {
		out = append(out, ether(p.name, append([]int{groupSource, groupIPv4, groupRange4, groupTrack}, p.more...)...))
		if p.name6 != "" {
			out = append(out, ether(p.name6, append([]int{groupSource, groupIPv6, groupRange6, groupTrack}, p.more6...)...))
		}
	}
	return out
}

func findFilterProtocol(name string) *filterProtocol {
	all := filterProtocols()
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}

// attrs are the protocol's values in order.
func (p *filterProtocol) attrs() []filterAttr {
	var out []filterAttr
	for _, g := range p.groups {
		out = append(out, filterAttrs[g]...)
	}
	return out
}

// filterWord reads a value, or a variable in its place, and gives it in the form
// in which it is printed.
func filterWord(text string, a filterAttr) (string, bool) {
	if name, ok := strings.CutPrefix(text, "$"); ok && a.form != formComment {
		return filterVariable(name)
	}
	switch a.form {
	case formMAC:
		return ParseMAC(strings.TrimRight(text, blanks))
	case formMACMask:
		return macMask(strings.TrimRight(text, blanks))
	case formIPv4, formIPv6:
		return filterAddress(text, a.form == formIPv4)
	case formIPv4Mask:
		return filterMask(text, 32)
	case formIPv6Mask:
		return filterMask(text, 128)
	case formEtherType:
		return namedNumber(text, etherTypes, minEtherType, max16)
	case formEncapsulated:
		return namedNumber(text, etherTypes, minEncapsulated, max16)
	case formOpcode:
		v, ok := namedNumber(text, arpOpcodes, 0, max16)
		return inDecimal(v), ok
	case formDecimal:
		v, ok := namedNumber(text, nil, 0, a.max)
		return v, ok && !strings.HasPrefix(v, "0x")
	case formIPProtocol:
		return namedNumber(text, ipProtocols, 0, max8)
	case formTruth:
		return strconv.FormatBool(slices.Contains([]string{"1", "true", "yes"}, text)), true
	case formState:
		return filterState(text)
	case formTCPFlags:
		return tcpFlags(text)
	case formSet:
		return text, len(text) <= maxSetName && only(text, "_.:-+ ")
	case formSetFlags:
		return setFlags(text)
	case formComment:
		return cut(text, maxFilterComment), true
	}
	return namedNumber(text, nil, 0, a.max)
}

// cut shortens a text to so many bytes.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// filterVariable reads what follows the $: a name, and which of its values is
// meant: NAME[@1].
func filterVariable(text string) (string, bool) {
	name, index, indexed := strings.Cut(text, "[")
	if !only(name, "_") {
		return "", false
	}
	if !indexed {
		return "$" + name, true
	}
	number, _, closed := strings.Cut(index, "]")
	number = strings.Trim(number, blanks)
	if !closed {
		return "", false
	}
	if v, err := strconv.ParseUint(number, 10, 31); err == nil {
		return fmt.Sprintf("$%s[%d]", name, v), true
	}
	number, ok := strings.CutPrefix(number, "@")
	v, err := strconv.ParseUint(strings.TrimLeft(number, blanks), 10, 31)
	switch {
	case !ok || err != nil:
		return "", false
	case v == 0:
		return "$" + name, true
	}
	return fmt.Sprintf("$%s[@%d]", name, v), true
}

// filterNumber reads a number, in hexadecimal after 0x.
func filterNumber(text string) (v uint64, hex, ok bool) {
	text = strings.TrimPrefix(strings.TrimLeft(text, blanks), "+")
	base := 10
	if len(text) > 1 && (text[:2] == "0x" || text[:2] == "0X") {
		text, base, hex = text[2:], 16, true
	}
	if text == "" || strings.ContainsAny(text, "_+-") {
		return 0, hex, false
	}
	v, err := strconv.ParseUint(text, base, 64)
	return v, hex, err == nil
}

// inDecimal gives a number without a name as those are printed that have names.
func inDecimal(text string) string {
	if v, hex, ok := filterNumber(text); ok && hex {
		return strconv.FormatUint(v, 10)
	}
	return text
}

// numberName is a number that has a name.
type numberName struct {
	value uint64
	name  string
}

var (
	etherTypes  = []numberName{{0x800, "ipv4"}, {0x806, "arp"}, {0x8035, "rarp"}, {0x8100, "vlan"}, {0x86dd, "ipv6"}}
	arpOpcodes  = []numberName{{1, "Request"}, {2, "Reply"}, {3, "Request_Reverse"}, {4, "Reply_Reverse"}, {5, "DRARP_Request"}, {6, "DRARP_Reply"}, {7, "DRARP_Error"}, {8, "InARP_Request"}, {9, "ARP_NAK"}}
	ipProtocols = []numberName{{1, "icmp"}, {2, "igmp"}, {6, "tcp"}, {17, "udp"}, {50, "esp"}, {51, "ah"}, {58, "icmpv6"}, {132, "sctp"}, {136, "udplite"}}
)

func namedNumber(text string, names []numberName, low, high uint64) (string, bool) {
	for _, n := range names {
		if strings.EqualFold(n.name, text) {
			return n.name, true
		}
	}
	v, hex, ok := filterNumber(text)
	if !ok || v < low || v > high {
		return "", false
	}
	for _, n := range names {
		if n.value == v {
			return n.name, true
		}
	}
	if hex && v != 0 {
		return fmt.Sprintf("0x%x", v), true
	}
	return strconv.FormatUint(v, 10), true
}

// macMask reads a mask: ones, then zeros.
func macMask(text string) (string, bool) {
	m, ok := ParseMAC(text)
	if !ok {
		return "", false
	}
	v, err := strconv.ParseUint(strings.ReplaceAll(m, ":", ""), 16, 48)
	rest := ^v & (1<<48 - 1)
	return m, err == nil && rest&(rest+1) == 0
}

func filterAddress(text string, v4 bool) (string, bool) {
	a, ok := ParseIP(text)
	if ok && v4 {
		a = a.Unmap()
	}
	return a.String(), ok && a.Is4() == v4
}

// filterMask reads the length of a prefix or a mask, and gives the length.
func filterMask(text string, bits int) (string, bool) {
	if v, hex, ok := filterNumber(text); ok {
		return strconv.FormatUint(v, 10), !hex && v <= uint64(bits)
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.BitLen() != bits {
		return "", false
	}
	n, ended := 0, false
	for _, b := range a.AsSlice() {
		for i := 7; i >= 0; i-- {
			one := b>>i&1 == 1
			switch {
			case one && ended:
				return "", false
			case one:
				n++
			default:
				ended = true
			}
		}
	}
	return strconv.Itoa(n), true
}

// words splits a list at commas and blanks.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || strings.ContainsRune(blanks, r) })
}

// pickWords gives those of the known words that a text has, in their order;
// false if it has others. extra is one that counts for none.
func pickWords(text string, known []string, extra ...string) ([]string, bool) {
	var out []string
	for _, w := range words(text) {
		if !slices.ContainsFunc(append(known[:len(known):len(known)], extra...), func(k string) bool { return strings.EqualFold(k, w) }) {
			return nil, false
		}
	}
	for _, k := range known {
		if slices.ContainsFunc(words(text), func(w string) bool { return strings.EqualFold(w, k) }) {
			out = append(out, k)
		}
	}
	return out, true
}

func filterState(text string) (string, bool) {
	known, ok := pickWords(text, []string{"NEW", "ESTABLISHED", "RELATED", "INVALID", "NONE"})
	if slices.Contains(known, "NONE") {
		return "NONE", ok
	}
	return strings.Join(known, ","), ok
}

// tcpFlags reads two sets of flags: those that are looked at, and those that must be set.
func tcpFlags(text string) (string, bool) {
	mask, set, ok := strings.Cut(text, "/")
	all := []string{"FIN", "SYN", "RST", "PSH", "ACK", "URG"}
	one := func(text string) string {
		known, good := pickWords(text, append(all[:len(all):len(all)], "ALL"), "NONE")
		ok = ok && good
		switch {
		case len(known) == 0:
			return "NONE"
		case slices.Contains(known, "ALL"), len(known) == len(all):
			return "ALL"
		}
		return strings.Join(known, ",")
	}
	return one(mask) + "/" + one(set), ok
}

func setFlags(text string) (string, bool) {
	all := strings.Split(strings.ToLower(text), ",")
	for _, w := range all {
		if w != "src" && w != "dst" {
			return "", false
		}
	}
	return strings.Join(all, ","), len(all) <= maxSetFlags
}
