package network

import (
	"math/big"
	"net/netip"

	"virgo/xml"
)

// readIPs checks the addresses of the network.
func readIPs(def *xml.Network) error {
	for i := range def.IPs {
		if err := readIP(def.Name, &def.IPs[i]); err != nil {
			return err
		}
	}
	return nil
}

func unsupported(format string, args ...any) error {
	return xml.Errorf(xml.CodeConfigUnsupported, format, args...)
}

func readIP(network string, ip *xml.NetworkIP) error {
	switch {
	case ip.Family == "" && !ip.Address.Is4():
		return unsupported("no family specified for non-IPv4 address '%s' in network '%s'", ip.Address, network)
	case ip.Family == "ipv4" && !ip.Address.Is4():
		return unsupported("ipv4 family specified for non-IPv4 address '%s' in network '%s'", ip.Address, network)
	case ip.Family == "ipv6" && ip.Address.Is4():
		return unsupported("Family 'ipv6' specified for non-IPv6 address '%s' in network '%s'", ip.Address, network)
	case objectFamily(ip.Family) == 0:
		return xml.Errorf(xml.CodeXML, "Unrecognized family '%s' in network '%s'", ip.Family, network)
	}
	if ip.Netmask.IsValid() {
		switch {
		case !ip.Address.Is4():
			return unsupported("netmask not allowed for IPv6 address '%s' in network '%s'", ip.Address, network)
		case ip.Prefix > 0:
			return unsupported("Network '%s' IP address cannot have both a prefix and a netmask", network)
		case !ip.Netmask.Is4():
			return unsupported("Invalid netmask '%s' for address '%s' in network '%s' (both must be IPv4)", ip.Netmask, ip.Address, network)
		}
	}
	switch {
	case ip.Address.Is4() && ip.Prefix > 32:
		return unsupported("Invalid IPv4 prefix '%d' in network '%s'", ip.Prefix, network)
	case ip.Prefix > 128:
		return unsupported("Invalid IPv6 prefix '%d' in network '%s'", ip.Prefix, network)
	}
	if ip.TFTP != nil && ip.TFTP.Root == "" {
		ip.TFTP = nil
	}
	if ip.TFTP != nil && !ip.Address.Is4() {
		return unsupported("Unsupported <tftp> element in an IPv6 element in network '%s'", network)
	}
	return readDHCP(network, ip)
}

func readDHCP(network string, ip *xml.NetworkIP) error {
	d := ip.DHCP
	if d == nil {
		return nil
	}
	for i := range d.Ranges {
		if err := readRange(network, ip, &d.Ranges[i]); err != nil {
			return err
		}
	}
	for i := range d.Hosts {
		if err := readHost(network, ip, &d.Hosts[i], false); err != nil {
			return err
		}
	}
	if len(d.Ranges)+len(d.Hosts) == 0 {
		ip.DHCP = nil // there is nothing to lend, so nobody boots
	}
	return nil
}

// Prefix is the length of the network's prefix at an address: as written, or
// that of the address's class.
func Prefix(ip *xml.NetworkIP) int {
	switch {
	case ip.Prefix > 0:
		return int(ip.Prefix)
	case ip.Netmask.IsValid():
		m := ip.Netmask.As4()
		n := 0
		for n < 32 && m[n/8]&(0x80>>(n%8)) != 0 {
			n++
		}
		return n
	case !ip.Address.Is4():
		return 64
	}
	switch b := ip.Address.As4()[0]; {
	case b < 128:
		return 8
	case b < 192:
		return 16
	case b < 224:
		return 24
	}
	return 32
}

func readLease(l **xml.IPLease) error {
	v := *l
	if v == nil {
		return nil
	}
	if v.Expiry == nil {
		*l = nil
		return nil
	}
	if *v.Expiry == 0 {
		v.Unit = ""
		return nil
	}
	if v.Unit == "" {
		v.Unit = "minutes"
	}
	if v.Unit == "seconds" && *v.Expiry < 120 || v.Unit == "minutes" && *v.Expiry < 2 {
		return unsupported("The minimum lease time should be greater than 2 minutes")
	}
	return nil
}

// readRange checks a range of addresses to lend.
func readRange(network string, ip *xml.NetworkIP, r *xml.IPRange) error {
	if err := checkRange(ip, r.Start.Addr, r.End.Addr); err != nil {
		return err
	}
	return readLease(&r.Lease)
}

func checkRange(ip *xml.NetworkIP, start, end netip.Addr) error {
	fail := func(format string, args ...any) error {
		return xml.Errorf(xml.CodeInternal, format, append([]any{start, end}, args...)...)
	}
	at, bits := ip.Address.Addr, Prefix(ip)
	if start.Is4() != at.Is4() || end.Is4() != at.Is4() {
		return fail("mismatch of address family in range %s - %s for network %s", at)
	}
	if end.Less(start) {
		if at.Is4() {
			return fail("range %s - %s is reversed ")
		}
		return fail("range %s - %s start larger than end")
	}
	net := netip.PrefixFrom(at, bits).Masked()
	if !net.Contains(start) || !net.Contains(end) {
		return fail("range %s - %s is not entirely within network %s/%d", at, bits)
	}
	if at.Is4() && bits < 31 {
		if start == net.Addr() {
			return fail("start of range %s - %s in network %s/%d is the network address", at, bits)
		}
		if end == last(net) {
			return fail("end of range %s - %s in network %s/%d is the broadcast address", at, bits)
		}
	}
	if size(start, end).Cmp(big.NewInt(65535)) > 0 {
		return fail("range %s - %s is too large (> 65535)")
	}
	return nil
}

// last is the highest address of a network.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

// size is how many addresses a range has.
func size(start, end netip.Addr) *big.Int {
	a, b := new(big.Int).SetBytes(start.AsSlice()), new(big.Int).SetBytes(end.AsSlice())
	return b.Sub(b, a).Add(b, big.NewInt(1))
}

// readHost checks a guest with a fixed address. A partial one does to find
// another by.
func readHost(network string, ip *xml.NetworkIP, h *xml.DHCPHost, partial bool) error {
	six := !ip.Address.Is4()
	if h.MAC != "" {
		mac, ok := xml.ParseMAC(h.MAC)
		switch {
		case six:
			return xml.Errorf(xml.CodeXML, "Invalid to specify MAC address '%s' in network '%s' IPv6 static host definition", h.MAC, network)
		case !ok:
			return xml.Errorf(xml.CodeXML, "Cannot parse MAC address '%s' in network '%s'", h.MAC, network)
		case xml.MACAddress(mac).Multicast():
			return xml.Errorf(xml.CodeXML, "expected unicast mac address, found multicast '%s' in network '%s'", h.MAC, network)
		}
	}
	for i := range len(h.ID) {
		if c := h.ID[i]; !(c == ':' || c >= '0' && c <= '9' || c|32 >= 'a' && c|32 <= 'f') {
			return xml.Errorf(xml.CodeXML, "Invalid character '%c' in id '%s' of network '%s'", c, h.ID, network)
		}
	}
	if partial {
		if h.MAC == "" && h.Name == "" && !h.IP.IsValid() {
			return xml.Errorf(xml.CodeXML, "At least one of name, mac, or ip attribute must be specified for static host definition in network '%s'", network)
		}
		return readLease(&h.Lease)
	}
	switch {
	case six && h.ID == "" && h.Name == "":
		return xml.Errorf(xml.CodeXML, "Static host definition in IPv6 network '%s' must have id or name attribute", network)
	case !six && h.MAC == "" && h.Name == "":
		return xml.Errorf(xml.CodeXML, "Static host definition in IPv4 network '%s' must have mac or name attribute", network)
	case !h.IP.IsValid():
		return xml.Errorf(xml.CodeXML, "Missing IP address in static host definition for network '%s'", network)
	}
	return readLease(&h.Lease)
}

// readRoutes checks the routes.
func readRoutes(def *xml.Network) error {
	for i := range def.Routes {
		if err := def.Routes[i].Check("%N"); err != nil {
			return xml.Named(err, def.Name)
		}
	}
	return nil
}

// checkRoutes checks that the network can reach the gateways.
func checkRoutes(def *xml.Network) error {
	for _, r := range def.Routes {
		near := false
		for i := range def.IPs {
			ip := &def.IPs[i]
			near = near || netip.PrefixFrom(ip.Address.Addr, Prefix(ip)).Contains(r.Gateway.Addr)
		}
		if !near {
			return unsupported("unreachable static route gateway '%s' specified for network '%s'", r.Gateway, def.Name)
		}
	}
	return nil
}
