package domain

import (
	"slices"

	"virgo/xml"
)

// xenMachine is the machine of a kind of guest.
func xenMachine(kind string) string {
	switch kind {
	case "hvm":
		return "xenfv"
	case "xenpvh":
		return "xenpvh"
	}
	return "xenpv"
}

// xenCapable refuses kinds of guests that Xen on x86 does not run.
func xenCapable(d *xml.Domain, _ *Traits) error {
	kind, x86 := d.OS.Type.Text, d.OS.Type.Arch == "x86_64" || d.OS.Type.Arch == "i686"
	if d.Type == "xen" && x86 && (kind == "hvm" || kind == "linux" || kind == "xenpvh") {
		return nil
	}
	switch {
	case kind == "hvm":
		kind = ""
	case kind == "linux" && d.Type == "xen":
		kind = "ostype=xen "
	default:
		kind = "ostype=" + kind + " "
	}
	return xml.Errorf(xml.CodeInvalidArg, "could not find capabilities for %sarch=%s domaintype=%s ", kind, d.OS.Type.Arch, d.Type)
}

// xenBootOrders refuses two ways of telling the order of boot early; a place that
// two devices have is found later.
func xenBootOrders(d *xml.Domain, _ *Traits) error {
	if _, err := bootOrders(d); err != nil && len(d.OS.Boot) > 0 {
		return err
	}
	return nil
}

// xenHostDevices refuses devices of the host that Xen cannot pass on.
func xenHostDevices(d *xml.Domain, _ *Traits) error {
	for i := range d.Devices.Hostdevs {
		h := &d.Devices.Hostdevs[i]
		if h.Mode == "capabilities" {
			return unsupported("hostdev mode '%s' is not supported in xen", h.Mode)
		}
		if h.Type == "pci" && h.Driver != nil && h.Driver.Name != "" && h.Driver.Name != "xen" {
			return unsupported("XEN does not support device assignment mode '%s'", h.Driver.Name)
		}
	}
	return nil
}

// xenSounds are the sound cards that a guest's first one may be.
var xenSounds = []string{"sb16", "es1370", "ac97", "ich6"}

// xenRefused is what Xen's driver does not take of the rest.
func xenRefused(d *xml.Domain) error {
	if l := d.OS.Loader; l != nil && l.Type == "pflash" && l.Secure == "yes" {
		return unsupported("Secure boot is not supported on Xen")
	}
	for _, t := range d.OS.ACPITables {
		if t.Type != "slic" && t.Type != "rawset" {
			return unsupported("ACPI table type '%s' is not supported", t.Type)
		}
	}
	if list := d.Devices.Sounds; len(list) > 0 && !slices.Contains(xenSounds, list[0].Model) {
		return unsupported("unsupported audio model %s", list[0].Model)
	}
	return nil
}

// xenDevices adds Xen's own bus, pointer and keyboard, the console of a guest
// that has no serial port, and the balloon.
func xenDevices(d *xml.Domain) {
	dev := &d.Devices
	bus := "xen"
	if d.OS.Type.Text == "hvm" {
		bus = "ps2"
	}
	for _, kind := range []string{"mouse", "keyboard"} {
		found := false
		for i := range dev.Inputs {
			found = found || dev.Inputs[i].Type == kind && (dev.Inputs[i].Bus == bus || dev.Inputs[i].Bus == "" && bus == "ps2")
		}
		if !found {
			dev.Inputs = append(dev.Inputs, xml.Input{Type: kind, Bus: bus})
		}
	}
	if d.OS.Type.Text != "hvm" && len(dev.Consoles) == 0 {
		dev.Consoles = []xml.Chardev{{CharSource: xml.CharSource{Type: "pty"}, Target: &xml.CharTarget{Type: "xen", Port: ptr(uint(0))}}}
	}
	if findController(d, "xenbus", 0) == nil {
		dev.Controllers = slices.Insert(dev.Controllers, 0, xml.Controller{Type: "xenbus", Index: ptr(uint(0))})
	}
	if dev.Memballoon == nil {
		dev.Memballoon = &xml.Memballoon{Model: "xen"}
	}
}

// xenFirmware completes the loader of a fully virtual guest.
func xenFirmware(d *xml.Domain) {
	if d.OS.Type.Text == "hvm" && d.OS.Loader != nil {
		setDefault(&d.OS.Loader.Format, "raw")
	}
}
