package xml

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// errForm says that a text is not of a value's form. The field's tags have the
// words for it.
var errForm = errors.New("malformed")

// UUID is a universally unique identifier: lower case and dashed, or "".
type UUID string

// ParseValue reads it, with dashes or without.
func (u *UUID) ParseValue(text string) error {
	v, ok := ParseUUID(text)
	if !ok {
		return errForm
	}
	*u = UUID(v)
	return nil
}

// FormatValue is the UUID.
func (u *UUID) FormatValue() string { return string(*u) }

// MACAddress is an Ethernet address in lower case with two digits a byte.
type MACAddress string

// ParseValue reads it.
func (m *MACAddress) ParseValue(text string) error {
	v, ok := ParseMAC(text)
	if !ok {
		return errForm
	}
	*m = MACAddress(v)
	return nil
}

// FormatValue is the address.
func (m *MACAddress) FormatValue() string { return string(*m) }

// Multicast tells whether the address is of a group.
func (m MACAddress) Multicast() bool {
	v, err := strconv.ParseUint(string(m)[:min(len(m), 2)], 16, 8)
	return err == nil && v&1 == 1
}

// IP is an address of either family, or none.
type IP struct{ netip.Addr }

// ParseValue reads it in any form that the C library takes.
func (i *IP) ParseValue(text string) error {
	a, ok := ParseIP(text)
	if !ok {
		return errForm
	}
	i.Addr = a
	return nil
}

// FormatValue is the address in its shortest form.
func (i *IP) FormatValue() string {
	if !i.IsValid() {
		return ""
	}
	return i.String()
}

// ParseIP reads an address. Those of IPv4 may have fewer than four numbers, the
// last of which fills the rest, in octal and hexadecimal too.
func ParseIP(text string) (netip.Addr, bool) {
	if strings.Contains(text, ":") {
		a, err := netip.ParseAddr(text)
		return a, err == nil && a.Zone() == ""
	}
	parts := strings.Split(text, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var v uint64
	for i, p := range parts {
		limit := uint64(255)
		if i == len(parts)-1 {
			limit = 1<<(8*(4-uint(i))) - 1
		}
		if p == "" || p[0] < '0' || p[0] > '9' {
			return netip.Addr{}, false
		}
		n, err := parseUint(p, 0, 64)
		if err != nil || n > limit {
			return netip.Addr{}, false
		}
		if i == len(parts)-1 {
			v |= n
		} else {
			v |= n << (24 - 8*uint(i))
		}
	}
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}), true
}
