package network

import (
	"slices"

	"virgo/xml"
)

// dns is the network's; one that is not there is made.
func (c *change) dns() *xml.DNS {
	if c.def.DNS == nil {
		c.def.DNS = &xml.DNS{}
	}
	return c.def.DNS
}

func (c *change) dnsHost() error {
	var h xml.DNSHost
	if err := c.read("host", &h); err != nil {
		return err
	}
	if err := readDNSHost(c.def.Name, &h, c.u.Command == "delete"); err != nil {
		return err
	}
	list := &c.dns().Hosts
	var found []int
	for i, o := range *list {
		if h.IP.IsValid() && h.IP == o.IP || !h.IP.IsValid() && shares(h.Hostnames, o.Hostnames) {
			found = append(found, i)
		}
	}
	switch {
	case c.adds() && len(found) > 0:
		return invalid("there is already at least one DNS HOST record with a matching field in network %s", c.def.Name)
	case c.adds():
		put(c, list, h)
	case len(found) == 0:
		return invalid("couldn't locate a matching DNS HOST record in network %s", c.def.Name)
	case len(found) > 1:
		return invalid("multiple matching DNS HOST records were found in network %s", c.def.Name)
	case c.u.Command == "modify":
		(*list)[found[0]] = h
	default:
		*list = slices.Delete(*list, found[0], found[0]+1)
	}
	return nil
}

func shares(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

func (c *change) dnsTXT() error {
	n, err := xml.Parse(c.u.Source)
	if err != nil {
		return err
	}
	if _, ok := n.Attr("value"); !ok && c.u.Command == "delete" {
		n.With("value", "-") // the name is enough to find one
		c.u.Source.Data = n.Print()
	}
	var t xml.DNSTXT
	if err := c.read("txt", &t); err != nil {
		return err
	}
	list := &c.dns().TXTs
	at := slices.IndexFunc(*list, func(o xml.DNSTXT) bool { return o.Name == t.Name })
	switch {
	case c.adds() && at >= 0:
		return invalid("there is already a DNS TXT record with name '%s' in network %s", t.Name, c.def.Name)
	case c.adds():
		put(c, list, t)
	case at < 0:
		return invalid("couldn't locate a matching DNS TXT record in network %s", c.def.Name)
	case c.u.Command == "modify":
		(*list)[at] = t
	default:
		*list = slices.Delete(*list, at, at+1)
	}
	return nil
}

func (c *change) dnsSRV() error {
	if err := c.fixed("DNS SRV records"); err != nil {
		return err
	}
	s, err := c.readSRV()
	if err != nil {
		return err
	}
	list := &c.dns().SRVs
	var found []int
	for i, o := range *list {
		if within(s.Domain, o.Domain) && (s.Service == "" || s.Service == o.Service) && (s.Protocol == "" || s.Protocol == o.Protocol) &&
			within(s.Target, o.Target) && within(s.Port, o.Port) && within(s.Priority, o.Priority) && within(s.Weight, o.Weight) {
			found = append(found, i)
		}
	}
	switch {
	case c.adds() && len(found) > 0:
		return invalid("there is already at least one DNS SRV record matching all specified fields in network %s", c.def.Name)
	case c.adds():
		put(c, list, s)
	case len(found) == 0:
		return invalid("couldn't locate a matching DNS SRV record in network %s", c.def.Name)
	case len(found) > 1:
		return invalid("multiple DNS SRV records matching all specified fields were found in network %s", c.def.Name)
	default:
		*list = slices.Delete(*list, found[0], found[0]+1)
	}
	return nil
}

// readSRV reads a record; one to delete may lack what others must have.
func (c *change) readSRV() (xml.DNSSRV, error) {
	var s xml.DNSSRV
	if c.u.Command == "delete" {
		n, err := xml.Parse(c.u.Source)
		if err != nil {
			return s, err
		}
		for _, name := range []string{"service", "protocol"} {
			if _, ok := n.Attr(name); !ok {
				n.Attrs = append(n.Attrs, xml.Attr{Name: name})
			}
		}
		c.u.Source.Data = n.Print()
	}
	err := c.read("srv", &s)
	readSRV(&s)
	return s, err
}

// within tells whether a value that is asked for is the one there is.
func within[T comparable](asked, have *T) bool {
	return asked == nil || have != nil && *asked == *have
}
