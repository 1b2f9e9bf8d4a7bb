package network

import (
	"encoding/binary"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// Traits say what a driver adds to and takes of a definition.
type Traits struct {
	// Dnsmasq: options for dnsmasq are kept.
	Dnsmasq bool
}

// Parse reads a definition, checks it, and adds what is not written.
func Parse(src xml.Source, t Traits) (*xml.Network, error) {
	root, err := xml.Parse(src)
	if err != nil {
		return nil, err
	}
	if err := checkFirst(root); err != nil {
		return nil, xml.InFile(err, src.Name)
	}
	def := &xml.Network{}
	if err := xml.DecodeRoot(root, src.Name, def); err != nil {
		return nil, err
	}
	if !t.Dnsmasq {
		def.Dnsmasq, def.DnsmasqSpace = nil, ""
	}
	for _, step := range []func(*xml.Network) error{readHead, readParts, readIPs, readRoutes, readForward, checkForward, checkRoutes} {
		if err := step(def); err != nil {
			return nil, xml.InFile(err, src.Name)
		}
	}
	if def.UUID == "" {
		def.UUID = xml.UUID(drivers.NewUUID())
	}
	return def, nil
}

// checkFirst refuses what the peer refuses before it reads addresses and rates:
// names that are registered though they are not local, classes of traffic.
func checkFirst(root *xml.Node) error {
	name := root.Child("name")
	if root.Name != "network" || name == nil {
		return nil
	}
	if d := root.Child("domain"); d != nil {
		register, _ := d.Attr("register")
		local, _ := d.Attr("localOnly")
		if register == "yes" && local != "yes" {
			return xml.Errorf(xml.CodeConfigUnsupported, "attribute 'register=yes' in <domain> element requires 'localOnly=yes' in network %s", name.Value())
		}
	}
	if err := checkClass(root); err != nil {
		return err
	}
	if b := root.Child("bandwidth"); b != nil && floorAlone(b.Child("inbound"), b.Child("outbound")) {
		return xml.Errorf(xml.CodeConfigUnsupported, "floor attribute is not supported for this config")
	}
	if v := root.Child("virtualport"); v != nil {
		if _, ok := v.Attr("type"); !ok {
			return xml.Errorf(xml.CodeXML, "missing required virtualport type")
		}
	}
	for _, g := range root.Elements("portgroup") {
		if err := checkClass(g); err != nil {
			return err
		}
	}
	return nil
}

// checkClass refuses a class of traffic.
func checkClass(n *xml.Node) error {
	if b := n.Child("bandwidth"); b != nil {
		if _, ok := b.Attr("classID"); ok {
			return xml.Errorf(xml.CodePlain, "classID attribute not supported on <bandwidth> in this usage context")
		}
	}
	return nil
}

// floorAlone tells whether a rate has a floor, and nothing that is wrong before
// the floor is looked at.
func floorAlone(rates ...*xml.Node) bool {
	floor := false
	for _, r := range rates {
		if r == nil {
			continue
		}
		_, average := r.Attr("average")
		_, peak := r.Attr("peak")
		_, burst := r.Attr("burst")
		_, has := r.Attr("floor")
		if !average && (peak || burst || !has) {
			return false
		}
		floor = floor || has
	}
	return floor
}

// readHead reads what stands beside the addresses.
func readHead(def *xml.Network) error {
	if def.IPv6 == "no" {
		def.IPv6 = ""
	}
	if d := def.Domain; d != nil && d.Name == nil {
		def.Domain = nil
	}
	if m := def.MTU; m != nil && m.Size == 0 {
		def.MTU = nil
	}
	if m := def.MAC; m != nil && m.Address == "" {
		def.MAC = nil
	}
	if b := def.Bridge; b != nil && b.STP != "" && b.STP != "off" {
		b.STP = "on"
	}
	return readDNS(def)
}

func readDNS(def *xml.Network) error {
	d := def.DNS
	if d == nil {
		return nil
	}
	for i := range d.Hosts {
		if err := readDNSHost(def.Name, &d.Hosts[i], false); err != nil {
			return err
		}
	}
	for i := range d.SRVs {
		readSRV(&d.SRVs[i])
	}
	if d.Enable == "no" && len(d.Forwarders)+len(d.Hosts)+len(d.SRVs)+len(d.TXTs) > 0 {
		return xml.Errorf(xml.CodeXML, "Extra data in disabled network '%s'", def.Name)
	}
	return nil
}

// readSRV makes numbers that say nothing absent ones.
func readSRV(s *xml.DNSSRV) {
	for _, v := range []**uint16{&s.Port, &s.Priority, &s.Weight} {
		if *v != nil && **v == 0 {
			*v = nil
		}
	}
}

// readDNSHost checks an address with its names. A partial one does to find
// another by.
func readDNSHost(network string, h *xml.DNSHost, partial bool) error {
	var names []string
	for _, n := range h.Hostnames {
		if n != "" {
			names = append(names, n)
		}
	}
	h.Hostnames = names
	switch {
	case partial && len(names) == 0 && !h.IP.IsValid():
		return xml.Errorf(xml.CodePlain, "Missing ip and hostname in network '%s' DNS HOST record", network)
	case !partial && len(names) == 0:
		return xml.Errorf(xml.CodePlain, "Missing hostname in network '%s' DNS HOST record", network)
	case !partial && !h.IP.IsValid():
		return xml.Errorf(xml.CodePlain, "Missing IP address in network '%s' DNS HOST record", network)
	}
	return nil
}

// readParts reads what networks, port groups and ports share.
func readParts(def *xml.Network) error {
	if err := readBandwidth(def.Bandwidth); err != nil {
		return err
	}
	for i := range def.PortGroups {
		if err := readPortGroup(&def.PortGroups[i]); err != nil {
			return err
		}
	}
	return readVirtualPort(def.VirtualPort)
}

func readPortGroup(g *xml.PortGroup) error {
	if g.Default != "yes" {
		g.Default = ""
	}
	return readBandwidth(g.Bandwidth)
}

func readBandwidth(b *xml.Bandwidth) error {
	switch {
	case b == nil:
		return nil
	case b.ClassID != nil:
		return xml.Errorf(xml.CodePlain, "classID attribute not supported on <bandwidth> in this usage context")
	case b.Inbound != nil && b.Inbound.Floor > 0, b.Outbound != nil && b.Outbound.Floor > 0:
		return xml.Errorf(xml.CodeConfigUnsupported, "floor attribute is not supported for this config")
	}
	return nil
}

func readVirtualPort(v *xml.VirtualPort) error {
	if v != nil && (v.Type == "" || v.Type == "none") {
		return xml.Errorf(xml.CodeXML, "missing required virtualport type")
	}
	return nil
}

// mode is how a network forwards.
func mode(def *xml.Network) string {
	if def.Forward == nil {
		return "none"
	}
	return def.Forward.Mode
}

// OwnBridge tells whether a network has a bridge of its own.
func OwnBridge(def *xml.Network) bool {
	switch mode(def) {
	case "none", "nat", "route", "open":
		return true
	}
	return false
}

// readForward reads the ways out.
func readForward(def *xml.Network) error {
	f := def.Forward
	if f == nil {
		return nil
	}
	if f.Mode == "" {
		f.Mode = "nat"
	}
	if f.Managed != "yes" {
		f.Managed = "no"
	}
	if f.Mode != "hostdev" {
		f.Managed = ""
	}
	if len(f.NATs) > 0 && f.Mode != "nat" {
		return xml.Errorf(xml.CodeXML, "The <nat> element can only be used when <forward> 'mode' is 'nat' in network %s", def.Name)
	}
	for _, t := range f.NATs {
		for _, a := range t.Addresses {
			if a.End.Less(a.Start.Addr) {
				return xml.Errorf(xml.CodeInternal, "range %s - %s is reversed ", a.Start, a.End)
			}
			if s, e := a.Start.As4(), a.End.As4(); binary.BigEndian.Uint32(e[:])-binary.BigEndian.Uint32(s[:]) > 65535 {
				return xml.Errorf(xml.CodeInternal, "range %s - %s is too large (> 65535)", a.Start, a.End)
			}
		}
	}
	if len(f.NATs) > 0 && f.NATs[0].IPv6 == "" && len(f.NATs[0].Addresses)+len(f.NATs[0].Ports) == 0 {
		f.NATs = nil
	}
	if err := readForwardDevs(def, f); err != nil {
		return err
	}
	if f.Mode == "none" {
		def.Forward = nil
	}
	return nil
}

func readForwardDevs(def *xml.Network, f *xml.Forward) error {
	if f.Dev != "" && len(f.Addresses)+len(f.PFs) > 0 {
		return xml.Errorf(xml.CodeXML, "the <forward> 'dev' attribute cannot be used when <address> or <pf> sub-elements are present in network %s", def.Name)
	}
	if f.Dev != "" && len(f.Interfaces) > 0 && f.Interfaces[0].Dev != f.Dev {
		return xml.Errorf(xml.CodeXML, "<forward dev='%s'> must match first <interface dev='%s'/> in network %s", f.Dev, f.Interfaces[0].Dev, def.Name)
	}
	seen := map[string]bool{}
	for _, i := range f.Interfaces {
		if seen[i.Dev] {
			return xml.Errorf(xml.CodeXML, "interface '%s' can only be listed once in network %s", i.Dev, def.Name)
		}
		seen[i.Dev] = true
	}
	if f.Dev != "" && len(f.Interfaces) == 0 {
		f.Interfaces = []xml.ForwardDev{{Dev: f.Dev}}
	}
	SettleForward(f)
	return nil
}

// SettleForward keeps of the ways out those that count: interfaces before
// addresses before cards with virtual functions.
func SettleForward(f *xml.Forward) {
	f.Dev = ""
	switch {
	case len(f.Interfaces) > 0:
		f.Dev = f.Interfaces[0].Dev
		f.PFs, f.Addresses = nil, nil
	case len(f.Addresses) > 0:
		f.PFs = nil
	}
}

// checkForward checks what goes with the mode, and adds the bridge.
func checkForward(def *xml.Network) error {
	m := mode(def)
	switch m {
	case "nat", "route":
		if len(def.IPs) == 0 {
			return xml.Errorf(xml.CodeXML, "%s forwarding requested, but no IP address provided for network '%s'", m, def.Name)
		}
		if len(def.Forward.Interfaces) > 1 {
			return xml.Errorf(xml.CodeXML, "multiple forwarding interfaces specified for network '%s', only one is supported", def.Name)
		}
	case "open":
		if len(def.Forward.Interfaces)+len(def.Forward.Addresses) > 0 {
			return xml.Errorf(xml.CodeXML, "forward dev not allowed for network '%s' with forward mode='%s'", def.Name, m)
		}
	}
	if OwnBridge(def) {
		if def.Bridge == nil {
			def.Bridge = &xml.Bridge{}
		}
		if def.Bridge.STP == "" {
			def.Bridge.STP = "on"
		}
		if def.Bridge.Delay == nil {
			def.Bridge.Delay = new(uint64)
		}
		return nil
	}
	return checkForeignBridge(def, m)
}

// checkForeignBridge refuses what a bridge that is not the network's own cannot have.
func checkForeignBridge(def *xml.Network, m string) error {
	only := "only allowed in open, route, nat, and isolated mode, not in"
	if b := def.Bridge; b != nil {
		if m != "bridge" {
			for _, v := range []struct{ value, what string }{{b.Name, "bridge name"}, {b.Zone, "bridge zone"}, {b.MACTableManager, "bridge macTableManager setting"}} {
				if v.value != "" {
					return xml.Errorf(xml.CodeXML, "%s not allowed in %s mode (network '%s')", v.what, m, def.Name)
				}
			}
		}
		if b.Delay != nil || b.STP != "" || b.Zone != "" {
			return xml.Errorf(xml.CodeXML, "bridge delay/stp/zone options %s %s (network '%s')", only, m, def.Name)
		}
		if f := def.Forward; b.Name != "" && len(f.Interfaces)+len(f.Addresses)+len(f.PFs) > 0 {
			return xml.Errorf(xml.CodeXML, "A network with forward mode='%s' can specify a bridge name or a forward dev, but not both (network '%s')", m, def.Name)
		}
		if *b == (xml.Bridge{}) {
			def.Bridge = nil
		}
	}
	if def.MTU != nil {
		return xml.Errorf(xml.CodeXML, "mtu size %s %s (network '%s')", only, m, def.Name)
	}
	return nil
}

// objectFamily tells the family that a word means: 4, 6, or 0 for an unknown word.
func objectFamily(word string) int {
	switch strings.ToLower(word) {
	case "", "ipv4":
		return 4
	case "ipv6":
		return 6
	}
	return 0
}
