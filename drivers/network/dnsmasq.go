package network

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"virgo/xml"
)

// served tells whether anything is to be served in a network: one without an
// address needs no dnsmasq.
func served(def *xml.Network) bool { return OwnBridge(def) && len(def.IPs) > 0 }

// dnsmasqFiles names the files of one dnsmasq.
type dnsmasqFiles struct{ pid, leases string }

// dnsmasqConfig is the configuration of the dnsmasq that serves a network. All
// stands in this one file, which dnsmasq reads before it drops its rights:
// files beside it would have to be open to its user.
func dnsmasqConfig(def *xml.Network, files dnsmasqFiles) (string, error) {
	c := &conf{}
	c.line("strict-order")
	c.names(def)
	c.line("pid-file=" + files.pid)
	c.line("except-interface=lo")
	c.line("bind-dynamic")
	c.line("interface=" + def.Bridge.Name)
	if mode(def) == "none" { // no way out, so no router, no other names
		c.line("dhcp-option=3")
		c.line("no-resolv")
		c.line("ra-param=*,0,0")
	}
	c.records(def)
	leases := c.addresses(def)
	if leases > 0 {
		c.line("dhcp-lease-max=" + strconv.FormatUint(leases, 10))
	}
	if c.dhcp {
		c.line("dhcp-leasefile=" + files.leases)
	}
	if def.MTU != nil {
		c.line(fmt.Sprintf("dhcp-option=option:mtu,%d", def.MTU.Size))
	}
	c.announcements(def)
	if def.Dnsmasq != nil {
		for _, o := range def.Dnsmasq.Options {
			c.line(o.Value)
		}
	}
	return c.String(), c.err
}

// conf is a configuration in the making.
type conf struct {
	strings.Builder
	dhcp  bool // addresses are lent
	dhcp6 bool // of IPv6
	err   error
}

// line adds a line. A value that would begin another one is refused.
func (c *conf) line(text string) {
	if strings.ContainsAny(text, "\n\r\x00") {
		c.err = xml.Errorf(xml.CodeXML, "line break in a value for dnsmasq: %q", text)
		return
	}
	c.WriteString(text)
	c.WriteByte('\n')
}

// names says which names are asked of whom.
func (c *conf) names(def *xml.Network) {
	d := def.DNS
	if d != nil && d.Enable == "no" {
		c.line("port=0")
	}
	plain := false
	if d != nil {
		for _, f := range d.Forwarders {
			line := "server="
			if f.Domain != nil {
				line += "/" + *f.Domain + "/"
			}
			switch {
			case f.Addr.IsValid():
				line += f.Addr.String()
				plain = plain || f.Domain == nil
			default:
				line += "#"
			}
			c.line(line)
		}
	}
	if plain {
		c.line("no-resolv")
	}
	if n := def.Domain; n != nil && n.Name != nil {
		if n.LocalOnly == "yes" {
			c.line("local=/" + *n.Name + "/")
		}
		c.line("domain=" + *n.Name)
		c.line("expand-hosts")
	}
	if d != nil && d.ForwardPlainNames == "no" {
		c.line("domain-needed")
		c.line("local=//")
	}
	for i := range def.IPs {
		if def.IPs[i].LocalPtr == "yes" {
			if zone := reverseZone(&def.IPs[i]); zone != "" {
				c.line("local=/" + zone + "/")
			}
		}
	}
}

// reverseZone is the domain of an address's network in which its names are
// looked up; a prefix that ends within a label has none.
func reverseZone(ip *xml.NetworkIP) string {
	bits := Prefix(ip)
	text, per, tail := "", 8, "in-addr.arpa"
	bytes := ip.Address.AsSlice()
	if !ip.Address.Is4() {
		per, tail = 4, "ip6.arpa"
	}
	if bits%per != 0 {
		return ""
	}
	for i := 0; i < bits/per; i++ {
		label := strconv.Itoa(int(bytes[min(i, len(bytes)-1)]))
		if per == 4 {
			b := bytes[i/2]
			if i%2 == 0 {
				b >>= 4
			}
			label = strconv.FormatUint(uint64(b&15), 16)
		}
		text = label + "." + text
	}
	return text + tail
}

// records are the names that the network's definition has.
func (c *conf) records(def *xml.Network) {
	d := def.DNS
	if d == nil {
		return
	}
	for _, t := range d.TXTs {
		c.line("txt-record=" + t.Name + "," + t.Value)
	}
	for _, s := range d.SRVs {
		c.line(srvRecord(&s))
	}
	for _, h := range d.Hosts {
		names := h.Hostnames
		if n := def.Domain; n != nil && n.Name != nil { // as expand-hosts does it for a file of hosts
			names = nil
			for _, host := range h.Hostnames {
				names = append(names, host)
				if !strings.Contains(host, ".") {
					names = append(names, host+"."+*n.Name)
				}
			}
		}
		c.line("host-record=" + strings.Join(names, ",") + "," + h.IP.String())
	}
}

func srvRecord(s *xml.DNSSRV) string {
	line := "srv-host=_" + s.Service + "._" + s.Protocol
	if s.Domain != nil {
		line += "." + *s.Domain
	}
	if s.Target == nil || *s.Target == "." {
		return line
	}
	line += "," + *s.Target
	for _, v := range []*uint16{s.Port, s.Priority, s.Weight} {
		if v == nil {
			break
		}
		line += "," + strconv.Itoa(int(*v))
	}
	return line
}

// addresses says what is lent and served, and gives how many addresses are in
// the ranges.
func (c *conf) addresses(def *xml.Network) (leases uint64) {
	for i := range def.IPs {
		ip := &def.IPs[i]
		if ip.TFTP != nil {
			c.line("enable-tftp")
			c.line("tftp-root=" + ip.TFTP.Root)
		}
		d := ip.DHCP
		if d == nil {
			continue
		}
		for _, r := range d.Ranges {
			leases += rangeSize(r.Start.Addr, r.End.Addr)
			c.line("dhcp-range=" + r.Start.String() + "," + r.End.String() + "," + extent(ip) + leaseTime(r.Lease))
		}
		static := len(d.Ranges) == 0 && len(d.Hosts) > 0
		if static {
			line := "dhcp-range=" + ip.Address.String() + ",static"
			if !ip.Address.Is4() {
				line += "," + strconv.Itoa(Prefix(ip))
			}
			c.line(line)
		}
		if len(d.Ranges) == 0 && !static {
			continue
		}
		c.dhcp, c.dhcp6 = true, c.dhcp6 || !ip.Address.Is4()
		if ip.Address.Is4() {
			c.line("dhcp-no-override")
			c.line("dhcp-authoritative")
			if b := d.BootP; b != nil {
				line := "dhcp-boot=" + b.File
				if b.Server.IsValid() {
					line += ",," + b.Server.String()
				}
				c.line(line)
			}
		}
		for _, h := range d.Hosts {
			c.line("dhcp-host=" + dhcpHost(&h))
		}
	}
	return leases
}

// extent is how far a range's network reaches: a mask, or a prefix of IPv6.
func extent(ip *xml.NetworkIP) string {
	n := Prefix(ip)
	if !ip.Address.Is4() {
		return strconv.Itoa(n)
	}
	m := ^uint32(0) << (32 - n)
	return netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}).String()
}

// rangeSize is how many addresses a range has; huge ones of IPv6 are cut.
func rangeSize(from, to netip.Addr) uint64 {
	a, b := from.As16(), to.As16()
	var n uint64
	for i := range a {
		n = n<<8 + uint64(b[i]) - uint64(a[i])
	}
	return n + 1
}

// leaseTime is the end of a line: how long an address is lent.
func leaseTime(l *xml.IPLease) string {
	switch {
	case l == nil || l.Expiry == nil:
		return ""
	case *l.Expiry == 0:
		return ",infinite"
	}
	unit := map[string]string{"seconds": "s", "hours": "h"}[l.Unit]
	if unit == "" {
		unit = "m"
	}
	return "," + strconv.FormatUint(*l.Expiry, 10) + unit
}

// dhcpHost is a guest that always gets the same address.
func dhcpHost(h *xml.DHCPHost) string {
	var parts []string
	six := h.IP.IsValid() && !h.IP.Is4()
	switch {
	case h.ID != "":
		parts = append(parts, "id:"+h.ID)
	case h.MAC != "":
		parts = append(parts, h.MAC)
	}
	if six {
		if h.Name != "" {
			parts = append(parts, h.Name)
		}
		parts = append(parts, "["+h.IP.String()+"]")
	} else {
		if h.IP.IsValid() {
			parts = append(parts, h.IP.String())
		}
		if h.Name != "" {
			parts = append(parts, h.Name)
		}
	}
	return strings.Join(parts, ",") + leaseTime(h.Lease)
}

// announcements tell guests of IPv6: routers advertise themselves, with DHCP or
// with addresses that guests make themselves.
func (c *conf) announcements(def *xml.Network) {
	if c.dhcp6 {
		c.line("enable-ra")
		return
	}
	for i := range def.IPs {
		if ip := &def.IPs[i]; !ip.Address.Is4() {
			c.line("dhcp-range=" + ip.Address.String() + ",ra-only")
		}
	}
}
