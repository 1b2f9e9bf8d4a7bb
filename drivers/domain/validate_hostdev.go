package domain

import "virgo/xml"

// checkHostdev checks one of the host's devices by itself.
func checkHostdev(c *deviceCheck, h *xml.Hostdev) error {
	if h.Mode == "subsystem" {
		if h.SGIO == "unfiltered" {
			return unsupported("unfiltered sgio is no longer supported")
		}
		if err := hostdevAddress(h); err != nil {
			return err
		}
	}
	if t := h.Teaming; t != nil && *t != (xml.Teaming{}) {
		switch {
		case t.Type != "transient":
			return unsupported("teaming hostdev devices must have type='transient'")
		case t.Persistent == "":
			return unsupported("missing required persistent attribute in hostdev teaming element")
		case h.Mode != "subsystem" || h.Type != "pci":
			return unsupported("teaming is only supported for pci hostdev devices")
		}
	}
	return checkROM(h.ROM)
}

func hostdevAddress(h *xml.Hostdev) error {
	if h.Address == nil {
		return nil
	}
	kind := h.Address.Type
	switch h.Type {
	case "pci":
		if kind != "pci" && kind != "unassigned" {
			return xml.Errorf(xml.CodeInternal, "PCI host devices must use 'pci' or 'unassigned' address type")
		}
	case "usb":
		if kind != "usb" {
			return unsupported("USB host device must use 'usb' address type")
		}
	case "scsi":
		if kind != "drive" {
			return unsupported("SCSI host device must use 'drive' address type")
		}
	case "scsi_host":
		if kind != "pci" && kind != "ccw" {
			return unsupported("SCSI_host host device must use 'pci' or 'ccw' address type")
		}
	}
	return nil
}

// checkQEMUHostdev checks what QEMU does not take.
func checkQEMUHostdev(c *deviceCheck, h *xml.Hostdev) error {
	if err := checkQEMUROM(h.ROM, h.Address); err != nil {
		return err
	}
	if h.Mode != "subsystem" {
		return unsupported("hostdev mode 'capabilities' is not supported in %s", c.d.Type)
	}
	if h.Source != nil && h.Source.WriteFiltering != "" {
		return unsupported("Write filtering of PCI device configuration space is not supported by qemu")
	}
	if err := checkMdev(c, h); err != nil {
		return err
	}
	if h.Model == "vfio-pci" && h.Display == "on" && len(c.d.Devices.Graphics) == 0 {
		return unsupported("graphics device is needed for attribute value 'display=on' in <hostdev>")
	}
	if h.Type == "scsi_host" && h.Boot != nil {
		return unsupported("booting from assigned devices is not supported by vhost SCSI devices")
	}
	if h.Type == "scsi" && h.Address != nil {
		return scsiPlace(c.d, h.Address)
	}
	return nil
}

// checkMdev checks a mediated device against the emulator.
func checkMdev(c *deviceCheck, h *xml.Hostdev) error {
	if h.Mode != "subsystem" || h.Type != "mdev" {
		return nil
	}
	switch {
	case h.Model == "vfio-ccw" && !c.has("vfio-ccw"):
		return unsupported("VFIO CCW device assignment is not supported by this version of QEMU")
	case h.Model == "vfio-ap" && !c.has("vfio-ap"):
		return unsupported("VFIO AP device assignment is not supported by this version of QEMU")
	case h.Model != "vfio-ccw" && h.Boot != nil:
		return unsupported("booting from assigned devices is not supported by mediated devices of model %s", h.Model)
	}
	return nil
}
