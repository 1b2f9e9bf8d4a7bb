package xen

import (
	"net/netip"
	"strconv"
	"strings"

	"virgo/xml"
)

func (r *reader) interfaces(d *xml.Domain) error {
	list := r.strings("vif")
	for i := range list {
		v, err := r.vif(list[i].Text)
		if err != nil {
			return r.At(asError(err), &list[i])
		}
		d.Devices.Interfaces = append(d.Devices.Interfaces, *v)
	}
	return nil
}

func (r *reader) vif(text string) (*xml.Interface, error) {
	v := &xml.Interface{Type: "ethernet", MAC: &xml.MAC{Address: "00:00:00:00:00:00"}}
	var kind, ips string
	for _, part := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(strings.TrimLeft(part, " \t"), "=")
		if !ok && text != "" {
			return nil, xml.Errorf(xml.CodeInvalidArg, "vif '%s': '%s' is no key=value", text, part)
		}
		f := field{key, value}
		switch f.key {
		case "mac":
			m, ok := xml.ParseMAC(strings.TrimRight(f.value, " \t"))
			if !ok {
				return nil, internal("malformed mac address '%s'", f.value)
			}
			v.MAC.Address = m
		case "bridge":
			if err := vlan(v, f.value); err != nil {
				return nil, err
			}
		case "script":
			v.Script = &xml.PathRef{Path: f.value}
			if f.value == "vif-bridge" {
				v.Type = "bridge"
			}
		case "model":
			v.Model = &xml.InterfaceModel{Type: stated(f.value)}
		case "type":
			kind = f.value
		case "vifname":
			if !strings.HasPrefix(f.value, "vif") { // those are the host's own choice
				v.Target = &xml.InterfaceTarget{Dev: f.value}
			}
		case "ip":
			ips = f.value
		case "rate":
			kib, err := rate(f.value)
			if err != nil {
				return nil, err
			}
			v.Bandwidth = &xml.Bandwidth{Outbound: &xml.Rate{Average: kib}}
		}
	}
	if (v.Model == nil || v.Model.Type == xml.Blank) && kind == r.frontend() {
		v.Model = &xml.InterfaceModel{Type: "netfront"}
	}
	if v.Model != nil && v.Model.Type != xml.Blank && strings.Trim(v.Model.Type, modelLetters) != "" {
		return nil, xml.Errorf(xml.CodeInvalidArg, "Model name contains invalid characters")
	}
	for _, t := range strings.Fields(ips) {
		a, err := netip.ParseAddr(t)
		if err != nil {
			return nil, xml.Errorf(xml.CodeSystem, "Cannot parse socket address '%s': Name or service not known", t)
		}
		family := "ipv4"
		if a.Is6() {
			family = "ipv6"
		}
		v.IPs = append(v.IPs, xml.InterfaceIP{Address: t, Family: family})
	}
	return v, nil
}

// modelLetters are what models' names are made of.
const modelLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// stated is a text that is there, Blank if it is empty.
func stated(text string) string {
	if text == "" {
		return xml.Blank
	}
	return text
}

// frontend is the tool's word for a card without an emulated one beside it.
func (r *reader) frontend() string {
	if r.dialect == XM {
		return "netfront"
	}
	return "vif"
}

// vlan reads a bridge, behind which Open vSwitch's VLANs may stand: bridge.42,
// or bridge:42:43 for a trunk.
func vlan(v *xml.Interface, text string) error {
	v.Type = "bridge"
	v.Source = &xml.InterfaceSource{Bridge: stated(text)}
	name, tag, one := strings.Cut(text, ".")
	tags := []string{tag}
	if !one {
		var list string
		var trunk bool
		if name, list, trunk = strings.Cut(text, ":"); !trunk {
			return nil
		}
		tags = strings.Split(list, ":")
	}
	v.Source.Bridge = stated(name)
	v.VLAN = &xml.VLAN{}
	if !one {
		v.VLAN.Trunk = "yes"
	}
	for _, t := range tags {
		id, err := strconv.ParseUint(t, 10, 32)
		if err != nil {
			return xml.Errorf(xml.CodeInvalidArg, "bridge '%s': '%s' is not a VLAN's number", text, t)
		}
		v.VLAN.Tags = append(v.VLAN.Tags, xml.VLANTag{ID: uint(id)})
	}
	v.VirtualPort = &xml.VirtualPort{Type: "openvswitch"}
	return nil
}

// rate reads a rate such as 10MB/s, 100Mb/s or 1GB/s@20ms, in KiB a second.
func rate(text string) (uint64, error) {
	bad := internal("Invalid rate '%s' specified", text)
	value, _, _ := strings.Cut(text, "@")
	digits := value[:len(value)-len(strings.TrimLeft(value, "0123456789"))]
	n, err := strconv.ParseUint(digits, 10, 40)
	unit, ok := strings.CutSuffix(value[len(digits):], "/s")
	if err != nil || !ok {
		return 0, bad
	}
	switch {
	case strings.HasPrefix(unit, "G"):
		n *= 1 << 20
	case strings.HasPrefix(unit, "M"):
		n *= 1 << 10
	}
	switch strings.TrimLeft(unit, "GMK") {
	case "B":
	case "b":
		n /= 8
	default:
		return 0, bad
	}
	return n, nil
}
