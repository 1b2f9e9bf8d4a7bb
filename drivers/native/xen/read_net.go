package xen

import (
	"net/netip"
	"strconv"
	"strings"

	"virgo/xml"
)

func (r *reader) interfaces(d *xml.Domain) error {
	list, err := r.list("vif", r.dialect == XL)
	if err != nil {
		return err
	}
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
	var kind, model, bridge, ips string
	for _, f := range fields(text) {
		switch f.key {
		case "mac":
			m, ok := xml.ParseMAC(f.value)
			if !ok {
				return nil, internal("malformed mac address '%s'", f.value)
			}
			v.MAC.Address = m
		case "bridge":
			bridge = f.value
		case "script":
			v.Script = &xml.PathRef{Path: f.value}
		case "model":
			model = f.value
		case "type":
			kind = f.value
		case "vifname":
			if !strings.HasPrefix(f.value, "vif") { // those are the host's own choice
				v.Target = &xml.InterfaceTarget{Dev: f.value}
			}
		case "ip":
			ips = f.value
		case "backend":
			v.BackendDomain = &xml.BackendDomain{Name: f.value}
		case "rate":
			kib, err := rate(f.value)
			if err != nil {
				return nil, err
			}
			v.Bandwidth = &xml.Bandwidth{Outbound: &xml.Rate{Average: kib}}
		}
	}
	if bridge != "" {
		if err := vlan(v, bridge); err != nil {
			return nil, err
		}
	}
	if model == "" && kind == r.frontend() {
		model = "netfront"
	}
	if model != "" {
		v.Model = &xml.InterfaceModel{Type: model}
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
	v.Source = &xml.InterfaceSource{Bridge: text}
	name, tags := text, ""
	trunk := false
	if i := strings.IndexByte(text, '.'); i >= 0 {
		name, tags = text[:i], text[i+1:]
	} else if i := strings.IndexByte(text, ':'); i >= 0 {
		name, tags, trunk = text[:i], text[i+1:], true
	}
	if tags == "" {
		return nil
	}
	v.Source.Bridge = name
	v.VLAN = &xml.VLAN{}
	for _, t := range strings.Split(tags, ":") {
		id, err := strconv.ParseUint(t, 10, 12)
		if err != nil {
			return xml.Errorf(xml.CodeInvalidArg, "bridge '%s': '%s' is not a VLAN's number", text, t)
		}
		v.VLAN.Tags = append(v.VLAN.Tags, xml.VLANTag{ID: uint(id)})
	}
	if trunk {
		v.VLAN.Trunk = "yes"
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
