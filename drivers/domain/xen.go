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
