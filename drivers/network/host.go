package network

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// checkHost refuses what a host cannot do.
func checkHost(def *xml.Network) error {
	for _, step := range []func(*xml.Network) error{checkForeign, checkRates, checkDHCP, checkDevices, checkPortGroups, checkVLAN} {
		if err := step(def); err != nil {
			return err
		}
	}
	return nil
}

// checkForeign refuses what only a bridge that is the network's own can have.
func checkForeign(def *xml.Network) error {
	if OwnBridge(def) {
		return nil
	}
	refuse := func(what string) error {
		return unsupported("Unsupported <%s> element in network %s with forward mode='%s'", what, def.Name, def.Forward.Mode)
	}
	switch d := def.DNS; {
	case def.MAC != nil:
		return refuse("mac")
	case len(def.IPs) > 0:
		return refuse("ip")
	case d != nil && len(d.Forwarders)+len(d.TXTs)+len(d.SRVs)+len(d.Hosts) > 0:
		return refuse("dns")
	case def.Domain != nil:
		return refuse("domain")
	case def.Bandwidth != nil && !hasBridge(def):
		return unsupported("Unsupported network-wide <bandwidth> element in network %s with forward mode='%s'", def.Name, def.Forward.Mode)
	}
	return nil
}

// hasBridge tells whether guests are plugged into a bridge that is known.
func hasBridge(def *xml.Network) bool {
	return OwnBridge(def) || mode(def) == "bridge" && def.Bridge != nil && def.Bridge.Name != ""
}

// checkRates refuses rates that the kernel cannot count.
func checkRates(def *xml.Network) error {
	if def.Bandwidth == nil {
		return nil
	}
	for _, r := range []*xml.Rate{def.Bandwidth.Inbound, def.Bandwidth.Outbound} {
		if r == nil {
			continue
		}
		for _, v := range []struct {
			value uint64
			what  string
			limit uint64
		}{{r.Average, "average", maxRate}, {r.Peak, "peak", maxRate}, {r.Burst, "burst", maxBurst}} {
			if v.value > v.limit {
				return xml.Errorf(xml.CodeOverflow, "value '%d' is too big for '%s' parameter, maximum is '%d'", v.value, v.what, v.limit)
			}
		}
	}
	return nil
}

// The limits in KiB a second and KiB: bytes a second in 64 bits, bytes in 32.
const (
	maxRate  = 1 << 54
	maxBurst = 1<<22 - 1
)

// checkDHCP refuses to lend addresses of more than one address of a family.
func checkDHCP(def *xml.Network) error {
	seen := map[bool]bool{}
	for i := range def.IPs {
		ip := &def.IPs[i]
		if ip.DHCP == nil {
			continue
		}
		v4, word := ip.Address.Is4(), "IPv6"
		if v4 {
			word = "IPv4"
		}
		if seen[v4] {
			return unsupported("Multiple %s dhcp sections found -- dhcp is supported only for a single %s address on each network", word, word)
		}
		seen[v4] = true
	}
	return nil
}

// checkDevices wants the devices to be named in the way that goes with the mode.
func checkDevices(def *xml.Network) error {
	f := def.Forward
	if f == nil {
		return nil
	}
	switch {
	case f.Mode != "hostdev" && len(f.Addresses) > 0:
		return unsupported("network '%s' has forward mode '%s' but lists a device by PCI address in the device pool. This is only supported for networks with forward mode 'hostdev'", def.Name, f.Mode)
	case f.Mode == "hostdev" && len(f.Interfaces) > 0:
		return unsupported("hostdev network '%s' lists '%s' in the device pool, but hostdev networks require all devices to be listed by PCI address, not network device name", def.Name, f.Interfaces[0].Dev)
	}
	for _, a := range f.Addresses {
		dir := fmt.Sprintf("/sys/bus/pci/devices/%04x:%02x:%02x.%x", a.Domain, a.Bus, a.Slot, a.Function)
		if _, err := os.Stat(filepath.Join(dir, "physfn")); err != nil {
			return unsupported("device '%s' in network '%s' is not an SR-IOV Virtual Function", dir, def.Name)
		}
	}
	return nil
}

func checkPortGroups(def *xml.Network) error {
	byDefault := ""
	for i := range def.PortGroups {
		g := &def.PortGroups[i]
		for _, o := range def.PortGroups[:i] {
			if o.Name == g.Name {
				return unsupported("multiple <portgroup> elements with the same name (%s) in network '%s'", g.Name, def.Name)
			}
		}
		if g.Default == "yes" {
			if byDefault != "" {
				return unsupported("network '%s' has multiple default <portgroup> elements (%s and %s), but only one default is allowed", def.Name, byDefault, g.Name)
			}
			byDefault = g.Name
		}
		if !hasBridge(def) && g.Bandwidth != nil {
			return unsupported("Unsupported <bandwidth> element in network '%s' in portgroup '%s' with forward mode='%s'", def.Name, g.Name, def.Forward.Mode)
		}
	}
	return nil
}

// checkVLAN wants tags only where something can set them.
func checkVLAN(def *xml.Network) error {
	m, plain := mode(def), false
	openVSwitch := func(v *xml.VirtualPort) bool { return m == "bridge" && v.Type == "openvswitch" }
	switch m {
	case "hostdev", "passthrough":
		plain = true
	case "bridge":
		plain = def.VirtualPort == nil || openVSwitch(def.VirtualPort)
	}
	bad := def.VLAN != nil && !plain
	for i := range def.PortGroups {
		g := &def.PortGroups[i]
		can := plain
		if g.VirtualPort != nil {
			can = openVSwitch(g.VirtualPort)
		}
		bad = bad || (def.VLAN != nil || g.VLAN != nil) && !can
	}
	if bad {
		return unsupported("<vlan> element specified for network %s, whose type doesn't support vlan configuration", def.Name)
	}
	return nil
}

// name gives a network's own bridge a name that is not taken, and an address.
// others are the bridges of other definitions.
func name(def *xml.Network, others []string) error {
	taken := map[string]bool{}
	for _, o := range others {
		taken[o] = true
	}
	if !OwnBridge(def) {
		return nil
	}
	if def.MAC == nil {
		def.MAC = &xml.NetworkMAC{Address: xml.MACAddress(drivers.NewMAC())}
	}
	b := def.Bridge
	pattern := b.Name
	if pattern == "" {
		pattern = "virbr%d"
	}
	if strings.Count(pattern, "%") != 1 || !strings.Contains(pattern, "%d") {
		if taken[b.Name] {
			return xml.Errorf(xml.CodeInternal, "bridge name '%s' already in use.", b.Name)
		}
		return nil
	}
	for i := range maxBridges {
		n := strings.Replace(pattern, "%d", fmt.Sprint(i), 1)
		if _, err := net.InterfaceByName(n); err != nil && !taken[n] {
			b.Name = n
			return nil
		}
	}
	return xml.Errorf(xml.CodeInternal, "Bridge generation exceeded max id %d", maxBridges-1)
}

// maxBridges is how many numbers are tried for the name of a bridge.
const maxBridges = 256
