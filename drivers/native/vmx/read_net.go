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
	numbers, err := r.numbers("ethernet")
	if err != nil {
		return err
	}
	for _, n := range numbers {
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
func (r *reader) numbers(prefix string) ([]int, error) {
	var out []int
	for i := range r.Entries {
		e := &r.Entries[i]
		rest, ok := strings.CutPrefix(strings.ToLower(e.Name), prefix)
		if !ok {
			continue
		}
		digits, _, dot := strings.Cut(rest, ".")
		n, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || !dot {
			return nil, r.At(xml.Errorf(xml.CodeInternal, "failed to parse the index of the VMX key '%s'", e.Name), &e.Value)
		}
		out = append(out, int(n))
	}
	slices.SortFunc(out, cmp.Compare)
	return slices.Compact(out), nil
}

// cardModels are the models of network cards that VMware has.
var cardModels = strings.Fields("vlance vmxnet vmxnet3 e1000 e1000e")

func (r *reader) ethernet(name string) (*xml.Interface, error) {
	on, err := r.present(name)
	if err != nil || !on {
		return nil, err
	}
	v := &xml.Interface{MAC: &xml.MAC{Address: "00:00:00:00:00:00"}}
	if err := r.mac(v.MAC, name); err != nil {
		return nil, err
	}
	features, err := r.number(name+".features", 0)
	if err != nil {
		return nil, err
	}
	if model, ok := r.text(name + ".virtualDev"); ok {
		model = strings.ToLower(model)
		if !slices.Contains(cardModels, model) {
			return nil, r.fail(name+".virtualDev",
				"Expecting VMX entry '%s.virtualDev' to be 'vlance' or 'vmxnet' or 'vmxnet3' or 'e1000' or 'e1000e' but found '%s'", name, r.str(name+".virtualDev"))
		}
		if model == "vmxnet" && features == 15 {
			model = "vmxnet2"
		}
		v.Model = &xml.InterfaceModel{Type: model}
	}
	if err := r.connection(v, name); err != nil {
		return nil, err
	}
	return v, nil
}

// mac reads the card's address, from the entry that its kind says.
func (r *reader) mac(m *xml.MAC, name string) error {
	kind, typed := r.text(name + ".addressType")
	entry := name + ".generatedAddress"
	switch low := strings.ToLower(kind); {
	case !typed:
	case low == "generated", low == "vpx":
		m.Type = "generated"
	case low == "static":
		m.Type, entry = "static", name+".address"
	default:
		return r.fail(name+".addressType", "Expecting VMX entry '%s.addressType' to be 'generated' or 'static' or 'vpx' but found '%s'", name, kind)
	}
	if text, ok := r.text(entry); ok {
		if m.Address, ok = xml.ParseMAC(strings.TrimRight(text, blanks)); !ok {
			return r.fail(entry, "Expecting VMX entry '%s' to be MAC address but found '%s'", entry, text)
		}
	}
	if check, ok := r.text(name + ".checkMACAddress"); ok {
		m.Check = "no"
		if check == "true" {
			m.Check = "yes"
		}
	}
	return nil
}

// connection reads what the card is connected to.
func (r *reader) connection(v *xml.Interface, name string) error {
	kind, ok := r.text(name + ".connectionType")
	if r.Get(name+".dvs.switchId") != nil {
		if strings.EqualFold(kind, "custom") { // of which the peer wants to know more in any case
			if _, err := r.need(name + ".networkName"); err != nil {
				return err
			}
		}
		return r.distributed(v, name)
	}
	if !ok && r.Get(name+".networkName") == nil {
		v.Type = "null"
		return nil
	}
	switch low := strings.ToLower(kind); {
	case !ok, low == "bridged", low == "custom":
		v.Type = "bridge"
		if _, err := r.need(name + ".networkName"); err != nil {
			return err
		}
		v.Source = &xml.InterfaceSource{Bridge: r.given(name + ".networkName")}
		if low == "custom" {
			if _, err := r.need(name + ".vnet"); err != nil {
				return err
			}
			v.Target = &xml.InterfaceTarget{Dev: r.given(name + ".vnet")}
		}
	case low == "nat":
		v.Type = "user"
	case low == "hostonly":
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
