package vmx

import (
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// interfaces writes the network cards.
func (w *writer) interfaces(d *xml.Domain) error {
	for i := range d.Devices.Interfaces {
		if err := w.ethernet(&d.Devices.Interfaces[i], "ethernet"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) ethernet(v *xml.Interface, name string) error {
	w.flag(name+".present", true)
	if v.Model != nil && v.Model.Type != "" {
		model := strings.ToLower(v.Model.Type)
		if model != "vmxnet2" && !slices.Contains(cardModels, model) {
			return internal("Expecting domain XML entry 'devices/interface/model' to be 'vlance' or 'vmxnet' or 'vmxnet2' or 'vmxnet3' or 'e1000' or 'e1000e' but found '%s'", v.Model.Type)
		}
		if model == "vmxnet2" {
			w.put(name+".virtualDev", "vmxnet")
			w.num(name+".features", 15)
		} else {
			w.put(name+".virtualDev", model)
		}
	}
	switch v.Type {
	case "bridge":
		w.put(name+".networkName", v.Source.Bridge)
		if v.Target != nil && v.Target.Dev != "" {
			w.put(name+".connectionType", "custom")
			w.put(name+".vnet", v.Target.Dev)
		} else {
			w.put(name+".connectionType", "bridged")
		}
	case "user":
		w.put(name+".connectionType", "nat")
	case "null":
	case "vds":
		w.distributed(v.Source, name)
	default:
		return unsupported("Unsupported net type '%s'", v.Type)
	}
	w.mac(v.MAC, name)
	return nil
}

func (w *writer) distributed(s *xml.InterfaceSource, name string) {
	w.put(name+".dvs.switchId", formatUUID(s.SwitchID))
	if s.PortID != "" && s.PortID != "0" || s.PortGroupID != "" || s.ConnectionID != "" && s.ConnectionID != "0" {
		w.put(name+".dvs.portId", zero(s.PortID))
		w.put(name+".dvs.portgroupId", s.PortGroupID)
		w.put(name+".dvs.connectionId", zero(s.ConnectionID))
	}
}

func zero(number string) string {
	if number == "" {
		return "0"
	}
	return number
}

// mac writes the address, as what it is said to be, else as what the range says
// that it is in. VMware checks the range unless told otherwise.
func (w *writer) mac(m *xml.MAC, name string) {
	kind := macKind(m.Address)
	check := m.Check
	if check == "" && kind == "" {
		check = "no"
	}
	switch {
	case m.Type == "static":
		kind = "static"
	case m.Type == "generated" && kind != "vpx":
		kind = "generated"
	case kind == "":
		kind = "static"
	}
	w.put(name+".addressType", kind)
	switch kind {
	case "static":
		w.put(name+".address", m.Address)
	case "vpx":
		w.put(name+".generatedAddress", m.Address)
	case "generated":
		w.put(name+".generatedAddress", m.Address)
		w.put(name+".generatedAddressOffset", "0")
		check = m.Check
	}
	if check != "" {
		w.flag(name+".checkMACAddress", check == "yes")
	}
}

// macKind tells which of VMware's ranges a lower-case address is in: what the
// machine's program made up, what vCenter did, what people may choose; "" is none.
func macKind(mac string) string {
	switch {
	case mac >= "00:0c:29:00:00:00" && mac <= "00:0c:29:ff:ff:ff":
		return "generated"
	case mac >= "00:50:56:80:00:00" && mac <= "00:50:56:bf:ff:ff":
		return "vpx"
	case mac >= "00:50:56:00:00:00" && mac <= "00:50:56:3f:ff:ff":
		return "static"
	}
	return ""
}
