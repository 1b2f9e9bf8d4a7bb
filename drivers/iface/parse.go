// Package iface knows the host's network interfaces: what a definition is
// checked for.
package iface

import (
	"slices"
	"strings"

	"virgo/xml"
)

// Parse reads the definition of an interface and checks it.
func Parse(src xml.Source) (*xml.HostInterface, error) {
	def := &xml.HostInterface{}
	if err := xml.Unmarshal(src, def); err != nil {
		return nil, err
	}
	if err := check(def, ""); err != nil {
		return nil, xml.InFile(err, src.Name)
	}
	return def, nil
}

func wrong(format string, args ...any) error { return xml.Errorf(xml.CodeXML, format, args...) }

// check checks an interface and drops what its type does not have; within is
// the type of the one that it is in.
func check(def *xml.HostInterface, within string) error {
	if within != "" {
		allowed := "ethernet bond vlan"
		if within == "bond" {
			allowed = "ethernet"
		}
		if !slices.Contains(strings.Fields(allowed), def.Type) {
			return wrong("interface has unsupported type '%s'", def.Type)
		}
		def.Start, def.MTU, def.Protocols = nil, nil, nil
	}
	for i := range def.Protocols {
		p := &def.Protocols[i]
		if p.Family == "ipv4" {
			p.Autoconf = false
		}
		p.IPs = slices.DeleteFunc(p.IPs, func(ip xml.HostIP) bool { return ip.Address == "" })
	}
	bridge, bond, vlan := def.Bridge, def.Bond, def.VLAN
	def.Bridge, def.Bond, def.VLAN = nil, nil, nil
	switch def.Type {
	case "bridge":
		if bridge == nil {
			return wrong("bridge interface misses the bridge element")
		}
		if bridge.STP != "on" && bridge.STP != "off" {
			bridge.STP = ""
		}
		def.Bridge = bridge
		return checkAll(bridge.Interfaces, "bridge")
	case "bond":
		if bond == nil {
			return wrong("bond interface misses the bond element")
		}
		if bond.MIIMon != nil {
			bond.ARPMon = nil
		}
		def.Bond = bond
		return checkAll(bond.Interfaces, "bond")
	case "vlan":
		if vlan == nil {
			return wrong("vlan interface misses the vlan element")
		}
		def.VLAN = vlan
	}
	return nil
}

func checkAll(list []xml.HostInterface, within string) error {
	for i := range list {
		if err := check(&list[i], within); err != nil {
			return err
		}
	}
	return nil
}
