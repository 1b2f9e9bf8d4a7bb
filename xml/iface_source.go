package xml

import (
	"slices"
	"strconv"
	"strings"
)

// DecodeNode reads the interface: what it is joined to before all else, as libvirt tells
// faults in that order.
func (i *Interface) DecodeNode(n *Node) error {
	n = withoutAddress(n)
	source, err := interfaceSource(n)
	if err != nil {
		return err
	}
	if kind, ok := n.Attr("type"); n.Child("virtualport") != nil && !slices.Contains(portTypes, kind) {
		if !ok {
			kind = "user"
		}
		return Errorf(CodeConfigUnsupported, "<virtualport> element unsupported for <interface type='%s'>", kind)
	}
	if err := DecodeFields(n, i); err != nil {
		return err
	}
	i.Source = source
	return nil
}

// withoutAddress is an interface without the address in its source, unless it is one of
// the host, which alone has one there.
func withoutAddress(n *Node) *Node {
	kind, _ := n.Attr("type")
	s := n.Child("source")
	if s == nil {
		return n
	}
	own := s.without(func(name string, attr bool) bool {
		if attr || name != "address" {
			return false
		}
		_, typed := s.Child("address").Attr("type")
		return kind != "hostdev" || !typed
	})
	if own == s {
		return n
	}
	c := *n
	c.Children = slices.Clone(n.Children)
	c.Children[slices.Index(c.Children, s)] = own
	return &c
}

// portTypes are the types of interfaces that are ports of a virtual switch.
var portTypes = []string{"network", "bridge", "direct", "hostdev"}

// interfaceSource reads what an interface is joined to.
func interfaceSource(n *Node) (*InterfaceSource, error) {
	kind, _ := n.Attr("type")
	if m := n.Child("model"); m != nil {
		if model, _ := m.Attr("type"); !only(model, "_-") {
			return nil, Errorf(CodeInvalidArg, "Model name contains invalid characters")
		}
	}
	c := n.Child("source")
	if c == nil {
		if need := neededSources[kind]; need != "" {
			return nil, Errorf(CodeXML, "interface type='%s' requires a 'source' element", kind)
		}
		if kind == "hostdev" {
			return nil, Errorf(CodeConfigUnsupported, "unknown host device source address type '(null)'")
		}
		return nil, nil
	}
	s := &InterfaceSource{}
	if err := Decode(c, s); err != nil {
		return nil, err
	}
	if err := s.check(c, kind, n); err != nil {
		return nil, err
	}
	if need, _, _ := strings.Cut(neededSources[kind], " "); need != "" {
		if v, _ := c.Attr(need); v == "" {
			return nil, located(Errorf(CodeXML, "Missing required attribute '%s' in element 'source'", need), c)
		}
	}
	return s, nil
}

// neededSources are the attributes that an interface's source must have, by its type.
var neededSources = map[string]string{"network": "network", "bridge": "bridge", "direct": "dev", "vdpa": "dev", "internal": "name",
	"server": "port", "client": "address port", "mcast": "address port", "udp": "address port", "vds": "switchid"}

// check looks at what each type of interface wants of its source.
func (s *InterfaceSource) check(n *Node, kind string, iface *Node) error {
	switch kind {
	case "hostdev":
		if s.PCI == nil {
			return Errorf(CodeConfigUnsupported, "unknown host device source address type '(null)'")
		}
	case "direct":
		if mode, ok := n.Attr("mode"); ok && !slices.Contains([]string{"vepa", "private", "bridge", "passthrough"}, mode) {
			return Errorf(CodeXML, "Invalid value for attribute 'mode' in element 'source': '%s'.", mode)
		}
	case "server", "client", "mcast", "udp":
		return s.checkSocket(n, kind)
	case "vds":
		return s.checkSwitch(n)
	case "vhostuser":
		return s.checkVHostUser(iface)
	}
	return nil
}

// integer puts an attribute in the form in which it is printed, if it is there.
func integer(n *Node, name, kind string, bits int, to *string) error {
	text, ok := n.Attr(name)
	if !ok {
		return nil
	}
	v, err := strconv.ParseInt(strings.TrimLeft(text, " \t\n"), 10, bits)
	if err != nil {
		return located(Errorf(CodeXML, "Invalid value for attribute '%s' in element '%s': '%s'. Expected %s value", name, n.Name, text, kind), n)
	}
	*to = strconv.FormatInt(v, 10)
	return nil
}

// checkSocket looks at the ends of a tunnel between guests.
func (s *InterfaceSource) checkSocket(n *Node, kind string) error {
	missing := func(n *Node, names ...string) error {
		for _, name := range names {
			if _, ok := n.Attr(name); !ok {
				return located(Errorf(CodeXML, "Missing required attribute '%s' in element '%s'", name, n.Name), n)
			}
		}
		return nil
	}
	if err := missing(n, strings.Fields(neededSources[kind])...); err != nil {
		return err
	}
	if err := integer(n, "port", "integer", 32, &s.Port); err != nil || kind != "udp" {
		return err
	}
	l := n.Child("local")
	if l == nil {
		return Errorf(CodeXML, "'<local>' element missing for 'udp' socket interface")
	}
	if err := missing(l, "address", "port"); err != nil {
		return err
	}
	return integer(l, "port", "integer", 32, &s.Local.Port)
}

// checkSwitch looks at a port of VMware's distributed switch.
func (s *InterfaceSource) checkSwitch(n *Node) error {
	id, ok := n.Attr("switchid")
	if !ok {
		return nil
	}
	if s.SwitchID, ok = ParseUUID(id); !ok {
		return located(Errorf(CodeXML, "Invalid value for attribute 'switchid' in element 'source': '%s'. Expected UUID", id), n)
	}
	if err := integer(n, "portid", "long long integer", 64, &s.PortID); err != nil {
		return err
	}
	return integer(n, "connectionid", "long long integer", 64, &s.ConnectionID)
}

// checkVHostUser looks at the socket of a process that moves the packets.
func (s *InterfaceSource) checkVHostUser(iface *Node) error {
	if b := iface.Child("backend"); b != nil {
		if kind, _ := b.Attr("type"); kind == "passt" {
			return nil
		}
	}
	switch {
	case s.Type != "" && s.Type != "unix":
		return Errorf(CodeConfigUnsupported, "Type='%s' unsupported for <interface type='vhostuser'>", s.Type)
	case s.Mode != "" && s.Mode != "client" && s.Mode != "server":
		return Errorf(CodeXML, "Invalid value for attribute 'mode' in element 'source': '%s'.", s.Mode)
	}
	s.Type = "unix"
	if s.Mode == "" {
		s.Mode = "client"
	}
	var err error
	s.Reconnect, err = s.Reconnect.Settled()
	return err
}

// KeepSource drops what another type of interface is joined to. A running guest's document
// says more than a definition.
func (i *Interface) KeepSource() {
	s := i.Source
	if s == nil {
		return
	}
	keep := InterfaceSource{IPs: s.IPs, Routes: s.Routes}
	switch i.Type {
	case "network":
		keep.Network, keep.PortGroup, keep.PortID = s.Network, s.PortGroup, s.PortID
	case "bridge":
		keep.Bridge = s.Bridge
	case "internal":
		keep.Name = s.Name
	case "direct":
		keep.Dev, keep.Mode = s.Dev, s.Mode
	case "client", "server", "mcast":
		keep.Address, keep.Port = s.Address, s.Port
	case "udp":
		keep.Address, keep.Port, keep.Local = s.Address, s.Port, s.Local
	case "hostdev":
		keep.PCI = s.PCI
	case "vds":
		keep.SwitchID, keep.PortGroupID, keep.ConnectionID, keep.PortID = s.SwitchID, s.PortGroupID, s.ConnectionID, s.PortID
	case "vhostuser":
		keep.Dev, keep.Type, keep.Path, keep.Mode, keep.Reconnect = s.Dev, s.Type, s.Path, s.Mode, s.Reconnect
	case "ethernet", "null":
		if len(s.IPs)+len(s.Routes) == 0 {
			i.Source = nil
			return
		}
	default:
		keep.Dev = s.Dev
	}
	*s = keep
}
