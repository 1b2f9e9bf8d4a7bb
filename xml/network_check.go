package xml

import (
	"strconv"
	"strings"
)

// single refuses a second child element of that name.
func (n *Node) single(name, in, network string) error {
	if len(n.Elements(name)) > 1 {
		return Errorf(CodeXML, "Only one <%s> element is allowed in %s network %s", name, in, network)
	}
	return nil
}

// CheckNode refuses a name that cannot be one, and a title of several lines.
func (d *Network) CheckNode(*Node) error {
	if strings.Contains(d.Name, "/") {
		return Errorf(CodePlain, "invalid char in name: /")
	}
	if strings.Contains(d.Title, "\n") {
		return Errorf(CodeXML, "Network title can't contain newlines")
	}
	return nil
}

// CheckNode refuses what may stand only once.
func (f *Forward) CheckNode(n *Node) error {
	for _, name := range []string{"nat", "pf"} {
		if err := n.single(name, "<forward> of", "%N"); err != nil {
			return err
		}
	}
	for i := range f.Interfaces {
		if f.Interfaces[i].Dev == "" {
			return Errorf(CodeXML, "Missing required dev attribute in <forward> <interface> element of network %%N")
		}
	}
	for i := range f.PFs {
		if f.PFs[i].Dev == "" {
			return Errorf(CodeXML, "Missing required dev attribute in <pf> element of network '%%N'")
		}
	}
	return nil
}

// DecodeNode reads a forward; of addresses the type comes first.
func (f *Forward) DecodeNode(n *Node) error {
	for _, a := range n.Elements("address") {
		switch t, _ := a.Attr("type"); t {
		case "pci":
		case "":
			return Errorf(CodeXML, "missing address type in network %%N")
		default:
			return Errorf(CodeConfigUnsupported, "unknown address type '%s' in network %%N", t)
		}
	}
	return DecodeFields(n, f)
}

// CheckNode refuses what may stand only once, and ranges that are none.
func (t *NAT) CheckNode(n *Node) error {
	for _, name := range []string{"address", "port"} {
		if err := n.single(name, "<nat> in <forward> in", "%N"); err != nil {
			return err
		}
	}
	for _, r := range t.Ports {
		if r.End < r.Start {
			return Errorf(CodePlain, "Missing or invalid 'end' attribute in <port> in <nat> in <forward> in network %%N")
		}
	}
	return nil
}

// CheckNode refuses addresses of the other family.
func (a *NATAddress) CheckNode(*Node) error {
	if !a.Start.Is4() {
		return Errorf(CodeXML, "Bad ipv4 start address '%s' in <nat> in <forward> in network '%%N'", a.Start)
	}
	if !a.End.Is4() {
		return Errorf(CodeXML, "Bad ipv4 end address '%s' in <nat> in <forward> in network '%%N'", a.End)
	}
	return nil
}

// CheckNode refuses a group's address.
func (m *NetworkMAC) CheckNode(*Node) error {
	if m.Address.Multicast() {
		return Errorf(CodeXML, "Invalid multicast bridge mac address '%s' in network '%%N'", m.Address)
	}
	return nil
}

// CheckNode refuses a forwarder that forwards nothing.
func (f *DNSForwarder) CheckNode(*Node) error {
	if f.Domain == nil && !f.Addr.IsValid() {
		return Errorf(CodeXML, "Invalid forwarder element, must contain at least one of addr or domain")
	}
	return nil
}

// CheckNode refuses names that no record has.
func (t *DNSTXT) CheckNode(*Node) error {
	if strings.ContainsAny(t.Name, " ") {
		return Errorf(CodePlain, "prohibited character in DNS TXT record name '%s' of network %%N", t.Name)
	}
	return nil
}

// CheckNode refuses details of a target that is not named.
func (s *DNSSRV) CheckNode(*Node) error {
	for _, v := range []struct {
		name  string
		value *uint16
	}{{"port", s.Port}, {"priority", s.Priority}, {"weight", s.Weight}} {
		if v.value != nil && s.Target == nil {
			return Errorf(CodePlain, "DNS SRV %s attribute not permitted without target for service '%s' in network '%%N'", v.name, s.Service)
		}
	}
	return nil
}

// CheckNode completes and checks the tags.
func (v *VLAN) CheckNode(*Node) error {
	if len(v.Tags) == 0 {
		return Errorf(CodeXML, "missing tag id - each <vlan> must have at least one <tag id='n'/> subelement")
	}
	native := false
	for _, t := range v.Tags {
		if t.ID > 4095 {
			return Errorf(CodeXML, "vlan tag id %d too large (maximum 4095)", t.ID)
		}
		if t.NativeMode != "" && native {
			return Errorf(CodeXML, "duplicate native vlan setting")
		}
		native = native || t.NativeMode != ""
	}
	switch {
	case v.Trunk == "no" && len(v.Tags) > 1:
		return Errorf(CodeXML, "invalid \"trunk='no'\" in <vlan> - trunk='yes' is required for more than one vlan tag")
	case v.Trunk == "no" && native:
		return Errorf(CodeXML, "invalid configuration in <vlan> - \"trunk='no'\" is not allowed with a native vlan id")
	case len(v.Tags) > 1:
		v.Trunk = "yes"
	case v.Trunk == "no":
		v.Trunk = ""
	}
	return nil
}

// CheckNode finds out whether there is a limit.
func (b *Bandwidth) CheckNode(*Node) error {
	if b.Inbound == nil && b.Outbound == nil && b.ClassID == nil {
		return errVoid
	}
	return nil
}

// CheckNode refuses a rate that says nothing.
func (r *Rate) CheckNode(n *Node) error {
	_, average := n.Attr("average")
	if _, floor := n.Attr("floor"); !average && !floor {
		return Errorf(CodePlain, "Missing mandatory average or floor attributes")
	}
	return nil
}

// DecodeNode reads the numbers of 802.1Qbg, which may be hexadecimal.
func (p *VirtualPortParams) DecodeNode(n *Node) error {
	for _, v := range []struct {
		name, beyond string
		most         uint64
	}{{"managerid", "value of managerid out of range", 255}, {"typeid", "value for typeid out of range", 1<<24 - 1},
		{"typeidversion", "value of typeidversion out of range", 255}} {
		text, ok := n.Attr(v.name)
		if !ok {
			continue
		}
		number, err := strconv.ParseUint(text, 0, 64)
		switch {
		case err != nil:
			return Errorf(CodeXML, "cannot parse value of %s parameter", v.name)
		case number > v.most:
			return Errorf(CodeXML, "%s", v.beyond)
		}
		n.setAttr(v.name, strconv.FormatUint(number, 10))
	}
	return DecodeFields(n, p)
}

// CheckNode refuses parameters that the kind of port does not have.
func (v *VirtualPort) CheckNode(n *Node) error {
	p := n.Child("parameters")
	if p == nil {
		return nil
	}
	known := ""
	switch v.Type {
	case "802.1Qbg":
		known = "managerid typeid typeidversion instanceid"
	case "802.1Qbh":
		known = "profileid"
	case "openvswitch":
		known = "interfaceid profileid"
	case "midonet":
		known = "interfaceid"
	default:
		return nil
	}
	for _, name := range strings.Fields("managerid typeid typeidversion instanceid profileid interfaceid") {
		if _, ok := p.Attr(name); ok && !contains(strings.Fields(known), name) {
			return Errorf(CodeXML, "extra %s unsupported in <virtualport type='%s'>", name, v.Type)
		}
	}
	return nil
}
