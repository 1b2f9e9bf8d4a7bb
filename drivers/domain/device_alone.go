package domain

import (
	"slices"

	"virgo/xml"
)

// CheckRead refuses what no device's document may say, before it is asked which
// device of a domain it means. use: it is to become one.
func CheckRead(d *xml.Domain, v *Device, use bool) error {
	only := *d
	only.Devices = xml.Devices{Emulator: d.Devices.Emulator}
	Add(&only, v)
	for _, s := range readSteps {
		if err := s.check(&only); err != nil {
			return err
		}
	}
	if g, ok := v.Value.(*xml.Graphics); ok && use && g.Type == "vnc" && g.Connected != "" && g.Connected != "keep" {
		return unsupported("VNC supports connected='keep' only")
	}
	if c, ok := v.Value.(*xml.Controller); ok && c.Type == "pci" {
		return pciAlone(c, use)
	}
	return nil
}

// pciAlone refuses a PCI controller that lacks what only a definition's are given
// later: the model's name, for one.
func pciAlone(v *xml.Controller, use bool) error {
	index := -1
	if v.Index != nil {
		index = int(*v.Index)
	}
	if (v.Model == "pci-root" || v.Model == "pcie-root") && index != 0 {
		return xml.Errorf(xml.CodeXML, "pci-root and pcie-root controllers should have index 0")
	}
	name := "none"
	if v.ModelName != nil && v.ModelName.Name != "" {
		name = v.ModelName.Name
	}
	t := v.Target
	if t == nil {
		t = &xml.ControllerTarget{}
	}
	port := v.Model == "pcie-root-port" || v.Model == "pcie-switch-downstream-port"
	for _, o := range []struct {
		name    string
		missing bool
	}{
		{"modelName", name == "none" && kindOf(v.Model).name != ""},
		{"busNr", t.BusNr == nil && (v.Model == "pci-expander-bus" || v.Model == "pcie-expander-bus")},
		{"chassisNr", t.ChassisNr == nil && v.Model == "pci-bridge"},
		{"chassis", t.Chassis == nil && port},
		{"port", t.Port == nil && port},
	} {
		if use && o.missing {
			return xml.Errorf(xml.CodeInternal, "Required option '%s' is not set for PCI controller with index '%d', model '%s' and modelName '%s'", o.name, index, v.Model, name)
		}
	}
	return nil
}

// CheckDevice checks a device by itself against the domain that it is not in, and
// may not get into: what the peer does before it says what cannot be done.
func CheckDevice(d *xml.Domain, v *Device, t *Traits) error {
	if err := CheckRead(d, v, true); err != nil {
		return err
	}
	whole, err := Clone(d)
	if err != nil {
		return err
	}
	if w, ok := v.Value.(*xml.Watchdog); ok { // that there is one already is told of the definition
		whole.Devices.Watchdogs = slices.DeleteFunc(whole.Devices.Watchdogs, func(o xml.Watchdog) bool { return o.Model == w.Model && o.Action == w.Action })
	}
	if v.Kind == "video" || v.Kind == "smartcard" { // which is never the first one
		Add(whole, v)
	}
	Add(whole, v)
	for _, s := range []func(*xml.Domain, *Traits) error{insertDevices, chooseEmulator, early, devices, checkDevices, checkAudios} {
		if err := s(whole, t); err != nil {
			return err
		}
	}
	if v.Kind == "memory" {
		return dimmSlots(whole)
	}
	return nil
}
