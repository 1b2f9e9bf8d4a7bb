package xml

import (
	"net/netip"
	"strings"
)

// Check checks a route of what is named by of: a network, or a side of an
// interface.
func (r *NetworkRoute) Check(of string) error {
	fail := func(format string, args ...any) error {
		return Errorf(CodeXML, "%s: "+format+" in route definition", append([]any{of}, args...)...)
	}
	four := r.Address.Is4()
	switch family := strings.ToLower(r.Family); {
	case family == "" && !four:
		return fail("No family specified for non-IPv4 address '%s'", r.Address)
	case family == "" && !r.Gateway.Is4():
		return fail("No family specified for non-IPv4 gateway '%s'", r.Address) // the peer names the address
	case family == "ipv4" && !four:
		return fail("IPv4 family specified for non-IPv4 address '%s'", r.Address)
	case family == "ipv4" && !r.Gateway.Is4():
		return fail("IPv4 family specified for non-IPv4 gateway '%s'", r.Address)
	case family == "ipv6" && four:
		return fail("ipv6 family specified for non-IPv6 address '%s'", r.Address)
	case family == "ipv6" && r.Netmask.IsValid():
		return fail("Specifying netmask invalid for IPv6 address '%s'", r.Address)
	case family == "ipv6" && r.Gateway.Is4():
		return fail("ipv6 specified for non-IPv6 gateway address '%s'", r.Gateway)
	case family != "" && family != "ipv4" && family != "ipv6":
		return fail("Unrecognized family '%s'", r.Family)
	case r.Netmask.IsValid() && r.Prefix != nil:
		return Errorf(CodeXML, "%s: Route definition cannot have both a prefix and a netmask", of)
	}
	bits, most := r.bits(), 128
	if four {
		most = 32
	}
	if bits > most {
		return Errorf(CodeXML, "%s: Invalid prefix %d specified in route definition, must be 0 - %d", of, bits, most)
	}
	if !r.isNetworkAddress(bits) {
		return Errorf(CodeXML, "%s: Address '%s' in route definition is not a network address", of, r.Address)
	}
	return nil
}

// bits is the length of a route's prefix, 0 if it names none.
func (r *NetworkRoute) bits() int {
	switch {
	case r.Prefix != nil:
		return int(*r.Prefix)
	case r.Netmask.IsValid() && r.Netmask.Is4():
		m, n := r.Netmask.As4(), 0
		for n < 32 && m[n/8]&(0x80>>(n%8)) != 0 {
			n++
		}
		return n
	}
	return 0
}

// isNetworkAddress tells whether an address has no bits but those of its mask,
// which need not be contiguous.
func (r *NetworkRoute) isNetworkAddress(bits int) bool {
	if r.Netmask.IsValid() && r.Netmask.Is4() && r.Address.Is4() {
		address, mask := r.Address.As4(), r.Netmask.As4()
		for i := range address {
			if address[i]&^mask[i] != 0 {
				return false
			}
		}
		return true
	}
	return netip.PrefixFrom(r.Address.Addr, bits).Masked().Addr() == r.Address.Addr
}
