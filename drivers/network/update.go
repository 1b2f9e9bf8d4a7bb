package network

import (
	"slices"

	"virgo/drivers"
	"virgo/xml"
)

// Update changes one part of a definition and checks the whole again. The
// definition is left alone if anything is wrong.
func Update(def *xml.Network, u drivers.NetworkUpdate, t Traits) (*xml.Network, error) {
	clone, err := Clone(def)
	if err != nil {
		return nil, err
	}
	c := change{def: clone, u: u}
	for _, s := range sections {
		if s.name == u.Section {
			if s.run == nil {
				return nil, xml.Errorf(xml.CodeUnsupported, "can't update '%s' section of network '%s'", s.title, def.Name)
			}
			if err := s.run(&c); err != nil {
				return nil, xml.InFile(xml.Named(err, def.Name), u.Source.Name)
			}
			data, err := xml.Marshal(clone)
			if err != nil {
				return nil, err
			}
			return Parse(xml.Source{Name: u.Source.Name, Data: data}, t)
		}
	}
	return nil, xml.Errorf(xml.CodeUnsupported, "can't update unrecognized section of network '%s'", def.Name)
}

// Clone copies a definition.
func Clone(def *xml.Network) (*xml.Network, error) {
	data, err := xml.Marshal(def)
	if err != nil {
		return nil, err
	}
	c := &xml.Network{}
	return c, xml.Unmarshal(xml.Source{Name: def.Name, Data: data}, c)
}

// sections are the parts of a network; those without a function cannot be
// changed alone.
var sections = []struct {
	name, title string
	run         func(*change) error
}{
	{"bridge", "bridge", nil}, {"domain", "domain", nil}, {"ip", "ip", nil},
	{"ip-dhcp-host", "", (*change).dhcpHost}, {"ip-dhcp-range", "", (*change).dhcpRange},
	{"forward", "forward", nil}, {"forward-interface", "", (*change).forwardInterface}, {"forward-pf", "forward pf", nil},
	{"portgroup", "", (*change).portGroup}, {"dns-host", "", (*change).dnsHost}, {"dns-txt", "", (*change).dnsTXT}, {"dns-srv", "", (*change).dnsSRV},
}

// change is one change of a definition.
type change struct {
	def *xml.Network
	u   drivers.NetworkUpdate
}

func invalid(format string, args ...any) error {
	return xml.Errorf(xml.CodeOperationInvalid, format, args...)
}

// read reads the element that the change brings.
func (c *change) read(name string, into any) error {
	n, err := xml.Parse(c.u.Source)
	if err != nil {
		return err
	}
	if n.Name != name {
		return xml.Errorf(xml.CodeXML, "unexpected element <%s>, expecting <%s>, while updating network '%s'", n.Name, name, c.def.Name)
	}
	return xml.Decode(n, into)
}

func (c *change) adds() bool { return c.u.Command == "add-first" || c.u.Command == "add-last" }

// put adds to a list at the end that the command names.
func put[T any](c *change, list *[]T, item T) {
	if c.u.Command == "add-first" {
		*list = slices.Insert(*list, 0, item)
		return
	}
	*list = append(*list, item)
}

// fixed refuses to modify what can only be added or deleted.
func (c *change) fixed(what string) error {
	if c.u.Command == "modify" {
		return xml.Errorf(xml.CodeUnsupported, "%s cannot be modified, only added or deleted", what)
	}
	return nil
}

// ip finds the address whose DHCP is meant: that of the index, else the first
// with DHCP, else the first of IPv4.
func (c *change) ip(what string) (*xml.NetworkIP, error) {
	at := c.u.ParentIndex
	if at < 0 {
		at = slices.IndexFunc(c.def.IPs, func(ip xml.NetworkIP) bool { return ip.Address.Is4() && ip.DHCP != nil })
		if at < 0 {
			at = slices.IndexFunc(c.def.IPs, func(ip xml.NetworkIP) bool { return ip.Address.Is4() })
		}
	}
	if at < 0 || at >= len(c.def.IPs) {
		return nil, invalid("couldn't update %s entry - no <ip> element found at index %d in network '%s'", what, c.u.ParentIndex, c.def.Name)
	}
	return &c.def.IPs[at], nil
}

// soleDHCP refuses DHCP at a second address of IPv4.
func (c *change) soleDHCP(ip *xml.NetworkIP) error {
	for i := range c.def.IPs {
		o := &c.def.IPs[i]
		if o != ip && o.DHCP != nil && o.Address.Is4() && ip.Address.Is4() {
			return invalid("dhcp is supported only for a single IPv4 address on each network")
		}
	}
	if ip.DHCP == nil {
		ip.DHCP = &xml.DHCP{}
	}
	return nil
}

func (c *change) dhcpHost() error {
	ip, err := c.ip("dhcp host")
	if err != nil {
		return err
	}
	var h xml.DHCPHost
	if err := c.read("host", &h); err != nil {
		return err
	}
	if err := readHost(c.def.Name, ip, &h, c.u.Command == "delete"); err != nil {
		return err
	}
	if c.u.Command == "delete" {
		at := slices.IndexFunc(hosts(ip), func(o xml.DHCPHost) bool {
			return (h.MAC == "" || sameMAC(h.MAC, o.MAC)) && (h.Name == "" || h.Name == o.Name) && (!h.IP.IsValid() || h.IP == o.IP)
		})
		if at < 0 {
			return invalid("couldn't locate a matching dhcp host entry in network '%s'", c.def.Name)
		}
		ip.DHCP.Hosts = slices.Delete(ip.DHCP.Hosts, at, at+1)
		return nil
	}
	if c.adds() {
		if err := c.soleDHCP(ip); err != nil {
			return err
		}
		for _, o := range ip.DHCP.Hosts {
			if h.MAC != "" && sameMAC(h.MAC, o.MAC) || h.Name != "" && h.Name == o.Name || h.IP == o.IP {
				return invalid("there is an existing dhcp host entry in network '%s' that matches \"<host mac='%s' name='%s' ip='%s'/>\"",
					c.def.Name, orElse(h.MAC, "unknown"), orElse(h.Name, "(null)"), h.IP)
			}
		}
		put(c, &ip.DHCP.Hosts, h)
		return nil
	}
	at := slices.IndexFunc(hosts(ip), func(o xml.DHCPHost) bool {
		return h.MAC != "" && sameMAC(h.MAC, o.MAC) || h.Name != "" && h.Name == o.Name || h.IP == o.IP
	})
	if at < 0 {
		return invalid("couldn't locate an existing dhcp host entry with \"mac='%s'\" \"name='%s'\" \"ip='%s'\" in network '%s'",
			orElse(h.MAC, "unknown"), orElse(h.Name, "(null)"), h.IP, c.def.Name)
	}
	ip.DHCP.Hosts[at] = h
	return nil
}

func hosts(ip *xml.NetworkIP) []xml.DHCPHost {
	if ip.DHCP == nil {
		return nil
	}
	return ip.DHCP.Hosts
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func sameMAC(a, b string) bool {
	x, ok := xml.ParseMAC(a)
	y, ok2 := xml.ParseMAC(b)
	return ok && ok2 && x == y
}

func (c *change) dhcpRange() error {
	ip, err := c.ip("dhcp range")
	if err != nil {
		return err
	}
	if err := c.fixed("dhcp ranges"); err != nil {
		return err
	}
	var r xml.IPRange
	if err := c.read("range", &r); err != nil {
		return err
	}
	if err := readRange(c.def.Name, ip, &r); err != nil {
		return err
	}
	var list []xml.IPRange
	if ip.DHCP != nil {
		list = ip.DHCP.Ranges
	}
	at := slices.IndexFunc(list, func(o xml.IPRange) bool { return o.Start == r.Start && o.End == r.End })
	switch {
	case c.adds():
		if err := c.soleDHCP(ip); err != nil {
			return err
		}
		if at >= 0 {
			return invalid("there is an existing dhcp range entry in network '%s' that matches \"<range start='%s' end='%s'/>\"", c.def.Name, r.Start, r.End)
		}
		put(c, &ip.DHCP.Ranges, r)
	case at < 0:
		return invalid("couldn't locate a matching dhcp range entry in network '%s'", c.def.Name)
	default:
		ip.DHCP.Ranges = slices.Delete(list, at, at+1)
	}
	return nil
}

func (c *change) forwardInterface() error {
	if err := c.fixed("forward interface entries"); err != nil {
		return err
	}
	var i xml.ForwardDev
	if err := c.read("interface", &i); err != nil {
		return err
	}
	if i.Dev == "" {
		return xml.Errorf(xml.CodeXML, "missing dev attribute in <interface> element")
	}
	f := c.def.Forward
	if f == nil {
		f = &xml.Forward{Mode: "none"}
	}
	at := slices.IndexFunc(f.Interfaces, func(o xml.ForwardDev) bool { return o.Dev == i.Dev })
	switch {
	case c.adds() && at >= 0:
		return invalid("there is an existing interface entry in network '%s' that matches \"<interface dev='%s'>\"", c.def.Name, i.Dev)
	case c.adds():
		put(c, &f.Interfaces, i)
	case at < 0:
		return invalid("couldn't find an interface entry in network '%s' matching <interface dev='%s'>", c.def.Name, i.Dev)
	default:
		f.Interfaces = slices.Delete(f.Interfaces, at, at+1)
	}
	SettleForward(f)
	return nil
}

func (c *change) portGroup() error {
	var g xml.PortGroup
	if err := c.read("portgroup", &g); err != nil {
		return err
	}
	if err := readPortGroup(&g); err != nil {
		return err
	}
	list := &c.def.PortGroups
	at := slices.IndexFunc(*list, func(o xml.PortGroup) bool { return o.Name == g.Name })
	other := slices.IndexFunc(*list, func(o xml.PortGroup) bool { return o.Name != g.Name && o.Default == "yes" })
	switch {
	case at < 0 && !c.adds():
		return invalid("couldn't find a portgroup entry in network '%s' matching <portgroup name='%s'>", c.def.Name, g.Name)
	case at >= 0 && c.adds():
		return invalid("there is an existing portgroup entry in network '%s' that matches \"<portgroup name='%s'>\"", c.def.Name, g.Name)
	case c.u.Command != "delete" && g.Default == "yes" && other >= 0:
		return invalid("a different portgroup entry in network '%s' is already set as the default. Only one default is allowed.", c.def.Name)
	case c.adds():
		put(c, list, g)
	case c.u.Command == "modify":
		(*list)[at] = g
	default:
		*list = slices.Delete(*list, at, at+1)
	}
	return nil
}
