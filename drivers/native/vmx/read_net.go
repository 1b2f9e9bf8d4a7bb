package vmx

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// interfaces reads the network cards.
func (r *reader) interfaces(d *xml.Domain) error {
	for _, n := range r.numbers("ethernet") {
		v, err := r.ethernet("ethernet" + strconv.Itoa(n))
		if err != nil {
			return err
		}
		if v != nil {
			d.Devices.Interfaces = append(d.Devices.Interfaces, *v)
		}
	}
	return nil
}

// numbers are those that entries `prefixN.something` have, in order.
func (r *reader) numbers(prefix string) []int {
	var out []int
	for _, e := range r.Entries {
		low := strings.ToLower(e.Name)
		rest, ok := strings.CutPrefix(low, prefix)
		digits, _, dot := strings.Cut(rest, ".")
		n, err := strconv.ParseUint(digits, 10, 16)
		if ok && dot && err == nil {
			out = append(out, int(n))
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return slices.Compact(out)
}

// cardModels are the models of network cards that VMware has.
var cardModels = strings.Fields("vlance vmxnet vmxnet3 e1000 e1000e")

func (r *reader) ethernet(name string) (*xml.Interface, error) {
	on, err := r.flag(name+".present", false)
	if err != nil || !on {
		return nil, err
	}
	v := &xml.Interface{MAC: &xml.MAC{Address: "00:00:00:00:00:00"}}
	if err := r.mac(v.MAC, name); err != nil {
		return nil, err
	}
	if err := r.connection(v, name); err != nil {
		return nil, err
	}
	model, ok, err := r.text(name + ".virtualDev")
	if err != nil {
		return nil, err
	}
	if ok {
		model = strings.ToLower(model)
		if !slices.Contains(cardModels, model) {
			return nil, r.fail(name+".virtualDev",
				"Expecting VMX entry '%s.virtualDev' to be 'vlance' or 'vmxnet' or 'vmxnet3' or 'e1000' or 'e1000e' but found '%s'", name, r.str(name+".virtualDev"))
		}
		features, err := r.number(name+".features", 0)
		if err != nil {
			return nil, err
		}
		if model == "vmxnet" && features == 15 {
			model = "vmxnet2"
		}
		v.Model = &xml.InterfaceModel{Type: model}
	}
	return v, nil
}

// mac reads the card's address, from the entry that its kind says.
func (r *reader) mac(m *xml.MAC, name string) error {
	kind, _, err := r.text(name + ".addressType")
	if err != nil {
		return err
	}
	entry := name + ".generatedAddress"
	switch strings.ToLower(kind) {
	case "generated", "vpx":
		m.Type = "generated"
	case "static":
		m.Type, entry = "static", name+".address"
	case "":
	default:
		return r.fail(name+".addressType", "Expecting VMX entry '%s.addressType' to be 'generated' or 'static' or 'vpx' but found '%s'", name, kind)
	}
	text, ok, err := r.text(entry)
	if err != nil {
		return err
	}
	if ok {
		if m.Address, ok = xml.ParseMAC(text); !ok {
			return r.fail(entry, "Expecting VMX entry '%s' to be MAC address but found '%s'", entry, text)
		}
	}
	if check, ok, err := r.text(name + ".checkMACAddress"); err != nil {
		return err
	} else if ok {
		m.Check = "no"
		if strings.EqualFold(check, "true") {
			m.Check = "yes"
		}
	}
	return nil
}

// connection reads what the card is connected to.
func (r *reader) connection(v *xml.Interface, name string) error {
	if r.Get(name+".dvs.switchId") != nil {
		return r.distributed(v, name)
	}
	kind, ok, err := r.text(name + ".connectionType")
	if err != nil {
		return err
	}
	if !ok && r.Get(name+".networkName") == nil {
		v.Type = "null"
		return nil
	}
	switch low := strings.ToLower(kind); low {
	case "", "bridged", "custom":
		v.Type = "bridge"
		bridge, err := r.need(name + ".networkName")
		if err != nil {
			return err
		}
		v.Source = &xml.InterfaceSource{Bridge: bridge}
		if low == "custom" {
			dev, err := r.need(name + ".vnet")
			if err != nil {
				return err
			}
			v.Target = &xml.InterfaceTarget{Dev: dev}
		}
	case "nat":
		v.Type = "user"
	case "hostonly":
		return r.fail(name+".connectionType", "No yet handled value '%s' for VMX entry '%s.connectionType'", kind, name)
	default:
		return r.fail(name+".connectionType", "Invalid value '%s' for VMX entry '%s.connectionType'", kind, name)
	}
	return nil
}

// distributed reads a port of a distributed switch.
func (r *reader) distributed(v *xml.Interface, name string) error {
	v.Type = "vds"
	id, err := r.uuid(name + ".dvs.switchId")
	if err != nil {
		return err
	}
	port, err := r.number(name+".dvs.portId", 0)
	if err != nil {
		return err
	}
	connection, err := r.number(name+".dvs.connectionId", 0)
	if err != nil {
		return err
	}
	v.Source = &xml.InterfaceSource{SwitchID: id, PortID: strconv.FormatInt(port, 10),
		PortGroupID: r.str(name + ".dvs.portgroupId"), ConnectionID: strconv.FormatInt(connection, 10)}
	return nil
}
