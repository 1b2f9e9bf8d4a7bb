package domain

import (
	"strings"

	"virgo/xml"
)

// readInterfaceParts checks what an interface says of addresses, rates and its
// partner.
func readInterfaceParts(n *xml.Interface) error {
	if n.VirtualPort != nil && n.VirtualPort.Type == "" && n.Type != "network" {
		return xml.Errorf(xml.CodeXML, "missing required virtualport type")
	}
	if err := readPort(n); err != nil {
		return err
	}
	if err := readBandwidth(n); err != nil {
		return err
	}
	if s := n.Source; s != nil {
		if err := readGuestNet("interface host IP", s.IPs, s.Routes); err != nil {
			return err
		}
	}
	if err := readGuestNet("guest interface", n.IPs, n.Routes); err != nil {
		return err
	}
	return readNetDriver(n)
}

// readPort refuses a port of a virtual switch that lacks what its kind wants;
// a network may have it.
func readPort(n *xml.Interface) error {
	v := n.VirtualPort
	if v == nil || n.Type == "network" {
		return nil
	}
	p := v.Parameters
	if p == nil {
		p = &xml.VirtualPortParams{}
	}
	missing := ""
	switch {
	case v.Type == "802.1Qbg" && p.ManagerID == nil:
		missing = "managerid"
	case v.Type == "802.1Qbg" && p.TypeID == nil:
		missing = "typeid"
	case v.Type == "802.1Qbg" && p.TypeIDVersion == nil:
		missing = "typeidversion"
	case v.Type == "802.1Qbh" && p.ProfileID == "":
		missing = "profileid"
	case v.Type == "midonet" && p.InterfaceID == "":
		missing = "interfaceid"
	default:
		return nil
	}
	return xml.Errorf(xml.CodeXML, "missing %s in <virtualport type='%s'>", missing, v.Type)
}

func readBandwidth(n *xml.Interface) error {
	b := n.Bandwidth
	if b == nil {
		return nil
	}
	if b.ClassID != nil {
		return xml.Errorf(xml.CodePlain, "classID attribute not supported on <bandwidth> in this usage context")
	}
	for _, r := range []*xml.Rate{b.Inbound, b.Outbound} {
		if r != nil && r.Average == 0 && (r.Peak > 0 || r.Burst > 0) {
			return unsupported("'peak' and 'burst' require 'average' attribute")
		}
	}
	if b.Outbound != nil && b.Outbound.Floor > 0 || b.Inbound != nil && b.Inbound.Floor > 0 && n.Type != "network" {
		return unsupported("floor attribute is not supported for this config")
	}
	return nil
}

// readNetDriver checks the driver's name, which is read of host devices and of
// virtio cards only.
func readNetDriver(n *xml.Interface) error {
	dr := n.Driver
	if dr == nil || dr.Name == "" {
		return nil
	}
	var known []string
	switch {
	case n.Type == "hostdev":
		known = []string{"kvm", "vfio", "xen"}
	case n.Model != nil && strings.HasPrefix(strings.ToLower(n.Model.Type), "virtio"):
		known = []string{"qemu", "vhost"}
	default:
		return nil
	}
	if !contains(known, dr.Name) {
		return xml.Errorf(xml.CodeXML, "Invalid value for attribute 'name' in element 'driver': '%s'.", dr.Name)
	}
	return nil
}

// readGuestNet checks addresses and routes.
func readGuestNet(of string, ips []xml.InterfaceIP, routes []xml.Route) error {
	for i := range ips {
		if err := readGuestIP(&ips[i]); err != nil {
			return err
		}
	}
	for i := range routes {
		r := &routes[i]
		if r.Address == "" {
			return xml.Errorf(xml.CodeXML, "%s: Missing required address attribute in route definition", of)
		}
		if r.Gateway == "" {
			return xml.Errorf(xml.CodeXML, "%s: Missing required gateway attribute in route definition", of)
		}
		if r.Metric != nil && *r.Metric == 0 {
			return xml.Errorf(xml.CodeXML, "Invalid value for attribute 'metric' in element 'route': Zero is not permitted")
		}
		route := xml.NetworkRoute{Family: r.Family, Prefix: r.Prefix}
		for _, a := range []struct {
			text, what string
			to         *xml.IP
		}{{r.Address, "network", &route.Address}, {r.Netmask, "netmask", &route.Netmask}, {r.Gateway, "gateway", &route.Gateway}} {
			if a.text != "" && a.to.ParseValue(a.text) != nil {
				return xml.Errorf(xml.CodeXML, "%s: Bad %s address '%s' in route definition", of, a.what, a.text)
			}
		}
		if err := route.Check(of); err != nil {
			return err
		}
	}
	return nil
}

func readGuestIP(ip *xml.InterfaceIP) error {
	address, ok := xml.ParseIP(ip.Address)
	if !ok || ip.Family == "ipv4" && !address.Is4() || ip.Family == "ipv6" && address.Is4() {
		return xml.Errorf(xml.CodeXML, "Invalid address '%s' in <ip>", ip.Address)
	}
	ip.Family = "ipv6"
	most := uint(128)
	if address.Is4() {
		ip.Family, most = "ipv4", 32
	}
	if ip.Prefix > most {
		return xml.Errorf(xml.CodeXML, "Invalid prefix value '%d' in <ip>", ip.Prefix)
	}
	if peer, ok := xml.ParseIP(ip.Peer); ip.Peer != "" && (!ok || peer.Is4() != address.Is4()) {
		return xml.Errorf(xml.CodeInvalidArg, "Invalid peer '%s' in <ip>", ip.Peer)
	}
	return nil
}
