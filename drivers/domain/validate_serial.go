package domain

import "virgo/xml"

// serialKinds are the types that models of serial ports have.
var serialKinds = [][2]string{{"isa-serial", "isa-serial"}, {"usb-serial", "usb-serial"}, {"pci-serial", "pci-serial"}, {"spapr-vty", "spapr-vio-serial"},
	{"pl011", "system-serial"}, {"16550a", "system-serial"}, {"sclpconsole", "sclp-serial"}, {"sclplmconsole", "sclp-serial"}, {"isa-debugcon", "isa-debug"}}

// serialBuses are the types of address that types of serial ports need.
var serialBuses = [][2]string{{"isa-serial", "isa"}, {"usb-serial", "usb"}, {"pci-serial", "pci"}, {"spapr-vio-serial", "spapr-vio"}, {"isa-debug", "isa"}}

// checkSerial checks a serial port's type, model and address against each other
// and against the machine.
func checkSerial(d *xml.Domain, s *xml.Chardev) error {
	t := s.Target
	for _, k := range serialKinds {
		if t.Model == k[0] && t.Type != k[1] {
			return unsupported("Target model '%s' requires target type '%s'", t.Model, k[1])
		}
	}
	if err := checkSerialAddress(s); err != nil {
		return err
	}
	bad := false
	switch t.Type {
	case "isa-debug":
		bad = !isX86(d)
	case "spapr-vio-serial":
		bad = !isPSeries(d)
	case "sclp-serial":
		bad = !isS390(d)
	case "system-serial":
		bad = t.Model == "pl011" && !isARMVirt(d) || t.Model == "16550a" && !isRISCVVirt(d) && !isLoongArchVirt(d)
	}
	if bad {
		return unsupported("Serial device with target type '%s' and target model '%s' not compatible with guest architecture or machine type", t.Type, t.Model)
	}
	return nil
}

func checkSerialAddress(s *xml.Chardev) error {
	a := s.Address
	if a == nil {
		return nil
	}
	switch s.Target.Type {
	case "system-serial", "sclp-serial":
		return unsupported("Target type '%s' cannot have an associated address", s.Target.Type)
	}
	for _, b := range serialBuses {
		if s.Target.Type == b[0] && a.Type != b[1] {
			return unsupported("Target type '%s' requires address type '%s'", b[0], b[1])
		}
	}
	return nil
}
