package domain

import "virgo/xml"

// lateDefaults completes what depends on the devices as they are now.
func lateDefaults(d *xml.Domain, t *Traits) error {
	if t.QEMU != nil {
		firmware(d, t.QEMU)
		return qemuLate(d, t.QEMU)
	}
	return otherLate(d, t)
}

// selectFirmware picks a firmware where only its kind is given, before anything is completed.
func selectFirmware(d *xml.Domain, t *Traits) error {
	switch {
	case t.QEMU == nil || d.OS.Firmware == "":
		return nil
	case t.QEMU.Autoselect == nil:
		return xml.Errorf(xml.CodeOperationFailed, "Unable to find '%s' firmware that is compatible with the current configuration", d.OS.Firmware)
	}
	return t.QEMU.Autoselect(d)
}

// MoveInterfaces gives a complete definition's network cards their addresses
// anew, as the peer does where it shows a command line: of a card only its
// model and MAC address count then.
func MoveInterfaces(d *xml.Domain, t *Traits) error {
	if len(d.Devices.Interfaces) == 0 {
		return nil
	}
	for i := range d.Devices.Interfaces {
		if n := &d.Devices.Interfaces[i]; n.Type != "hostdev" {
			n.Address = nil
		}
	}
	if err := spaprAddresses(d); err != nil {
		return err
	}
	return assignAddresses(d, t)
}

// assignAddresses gives devices their places.
func assignAddresses(d *xml.Domain, t *Traits) error {
	if t.QEMU == nil {
		return otherAddresses(d, t)
	}
	if err := assignSerials(d); err != nil {
		return err
	}
	if err := assignCCW(d); err != nil {
		return err
	}
	e, err := t.QEMU.find(d)
	if err != nil {
		return err
	}
	if err := assignPCI(d, e); err != nil {
		return err
	}
	if err := assignZPCI(d); err != nil {
		return err
	}
	if dev := &d.Devices; len(dev.Consoles) > 0 && len(dev.Serials) > 0 && dev.Consoles[0].Target.Type == "serial" && d.OS.Type.Text == "hvm" {
		dev.Consoles[0].Address = dev.Serials[0].Address
	}
	for i := range d.Devices.Hubs { // those that took a place of another bus get one of USB
		if a := d.Devices.Hubs[i].Address; a != nil && a.Type != "usb" {
			d.Devices.Hubs[i].Address = nil
		}
	}
	if err := assignUSB(d, t.KeepUSB); err != nil {
		return err
	}
	return dimmSlots(d)
}
