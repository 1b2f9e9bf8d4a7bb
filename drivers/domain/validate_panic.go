package domain

import "virgo/xml"

// checkPanics checks what tells the host that the guest has crashed.
func checkPanics(d *xml.Domain, has func(string) bool) error {
	for i := range d.Devices.Panics {
		p := &d.Devices.Panics[i]
		switch p.Model {
		case "":
			return unsupported("no panic model provided, and no default for the architecture and machine type")
		case "isa":
			if !isX86(d) {
				return unsupported("the QEMU binary does not support the ISA panic device")
			}
			if p.Address != nil && p.Address.Type != "isa" {
				return unsupported("panic is supported only with ISA address type")
			}
		case "hyperv":
			if !isX86(d) {
				return unsupported("only i686 and x86_64 guests support panic device of model 'hyperv'")
			}
			if p.Address != nil {
				return unsupported("setting the panic device address is not supported for model 'hyperv'")
			}
		case "s390":
			if !isS390(d) {
				return unsupported("only S390 guests support panic device of model 's390'")
			}
			if p.Address != nil {
				return unsupported("setting the panic device address is not supported for model 's390'")
			}
		case "pseries":
			if !isPSeries(d) {
				return unsupported("only pSeries guests support panic device of model 'pseries'")
			}
			if p.Address != nil {
				return unsupported("setting the panic device address is not supported for model 'pseries'")
			}
		case "pvpanic":
			if !has("pvpanic-pci") {
				return unsupported("the QEMU binary does not support the PCI pvpanic device")
			}
			if p.Address == nil || p.Address.Type != "pci" {
				return unsupported("pvpanic is supported only with PCI address type")
			}
		}
	}
	return nil
}
