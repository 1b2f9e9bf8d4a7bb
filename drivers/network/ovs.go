package network

import (
	"fmt"
	"strconv"
	"strings"

	"virgo/xml"
)

// SwitchPort is a device of the host to be put into an Open vSwitch.
type SwitchPort struct {
	Bridge, Dev, MAC, Domain string // Domain is the guest's UUID
	Port                     *xml.VirtualPort
	VLAN                     *xml.VLAN
	Bandwidth                *xml.Bandwidth
}

// ids are external-ids of an interface, in the form of ovs-vsctl(8).
func (p *SwitchPort) ids(pairs ...string) []string {
	var words []string
	for i := 0; i < len(pairs); i += 2 {
		words = append(words, "--", "set", "Interface", p.Dev, fmt.Sprintf("external-ids:%s=%s", pairs[i], pairs[i+1]))
	}
	return words
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, "") + `"` }

// add is the command that adds the port.
func (p *SwitchPort) add() []string {
	words := []string{"--timeout=5", "--", "--may-exist", "add-port", p.Bridge, p.Dev, "--", "set", "Port", p.Dev, "other_config:transient=true"}
	words = append(words, switchTags(p.VLAN)...)
	words = append(words, p.ids("attached-mac", quoted(p.MAC))...)
	params := p.Port.Parameters
	if params == nil {
		params = &xml.VirtualPortParams{}
	}
	words = append(words, p.ids("iface-id", quoted(string(params.InterfaceID)), "vm-id", quoted(p.Domain))...)
	if params.ProfileID != "" {
		words = append(words, p.ids("port-profile", quoted(params.ProfileID), "ifname", quoted(p.Dev))...)
	}
	return append(words, p.ids("iface-status", "active")...)
}

// switchTags are a port's VLANs: one that it is in, or several that it carries.
func switchTags(v *xml.VLAN) (words []string) {
	if v == nil || len(v.Tags) == 0 {
		return nil
	}
	var all []string
	native, mode := "", ""
	for _, t := range v.Tags {
		all = append(all, strconv.Itoa(int(t.ID)))
		if t.NativeMode != "" {
			native, mode = strconv.Itoa(int(t.ID)), "native-"+t.NativeMode
		}
	}
	if len(all) == 1 && v.Trunk != "yes" {
		return []string{"tag=" + all[0]}
	}
	if mode != "" {
		words = append(words, "vlan_mode="+mode, "tag="+native)
	}
	return append(words, "trunk="+strings.Join(all, ","))
}

// limits are the commands that limit the port's traffic.
func (p *SwitchPort) limits() (commands [][]string) {
	b := p.Bandwidth
	if b == nil {
		return nil
	}
	owner := []string{"external-ids:vm-id=" + quoted(p.Domain), "external-ids:ifname=" + quoted(p.Dev)}
	if r := b.Inbound; r != nil && r.Average > 0 {
		rates := []string{fmt.Sprintf("other_config:min-rate=%d", r.Average*8000)}
		if r.Burst > 0 {
			rates = append(rates, fmt.Sprintf("other_config:burst=%d", r.Burst*8*1024))
		}
		if r.Peak > 0 {
			rates = append(rates, fmt.Sprintf("other_config:max-rate=%d", r.Peak*8000))
		}
		words := append([]string{"--timeout=5", "set", "port", p.Dev, "qos=@qos1"}, owner...)
		words = append(append(words, "--", "--id=@qos1", "create", "qos", "type=linux-htb"), rates...)
		words = append(append(words, "queues:0=@queue0"), owner...)
		words = append(append(words, "--", "--id=@queue0", "create", "queue"), rates...)
		commands = append(commands, append(words, owner...))
	}
	police := []string{"--timeout=5", "set", "Interface", p.Dev}
	switch r := b.Outbound; {
	case r == nil || r.Average == 0:
		police = append(police, "ingress_policing_rate=0", "ingress_policing_burst=0")
	default:
		police = append(police, fmt.Sprintf("ingress_policing_rate=%d", r.Average*8))
		if r.Burst > 0 {
			police = append(police, fmt.Sprintf("ingress_policing_burst=%d", r.Burst*8))
		}
	}
	return append(commands, police)
}
