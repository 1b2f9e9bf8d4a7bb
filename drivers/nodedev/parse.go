// Package nodedev knows the host's devices: what their definitions are checked
// for, and what they can do.
package nodedev

import (
	"slices"

	"virgo/drivers"
	"virgo/xml"
)

// Parse reads the description of a device.
func Parse(src xml.Source) (*xml.NodeDevice, error) { return parse(src, false) }

// ParseNew reads the description of a device that is to be made: it needs no name.
func ParseNew(src xml.Source) (*xml.NodeDevice, error) { return parse(src, true) }

func parse(src xml.Source, create bool) (*xml.NodeDevice, error) {
	def := &xml.NodeDevice{}
	if err := xml.Unmarshal(src, def); err != nil {
		return nil, err
	}
	if create {
		def.Name = "new device"
	}
	if err := check(def); err != nil {
		return nil, xml.InFile(err, src.Name)
	}
	return def, nil
}

func check(def *xml.NodeDevice) error {
	switch {
	case def.Name == "":
		return xml.Errorf(xml.CodePlain, "missing name information")
	case len(def.Caps) == 0:
		return xml.Errorf(xml.CodeXML, "no device capabilities for '%s'", def.Name)
	}
	return nil
}

// Ref names a device and the one above it.
func Ref(d *xml.NodeDevice) drivers.Ref {
	r := drivers.Ref{Kind: drivers.NodeDevice, Name: d.Name, ID: -1}
	if d.Parent != nil {
		r.Parent = &drivers.Ref{Kind: drivers.NodeDevice, Name: d.Parent.Name, ID: -1}
	}
	return r
}

// Kinds are the kinds of what a device is and can do, as nodedev-list --cap
// names them.
func Kinds(d *xml.NodeDevice) []string {
	var out []string
	var add func([]xml.Capability)
	add = func(list []xml.Capability) {
		for _, c := range list {
			name := c.Type
			if name == "vport_ops" {
				name = "vports"
			}
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
			switch is := c.Is.(type) {
			case *xml.CapSCSIHost:
				add(is.Caps)
			case *xml.CapPCI:
				add(is.Caps)
			case *xml.CapCCW:
				add(is.Caps)
			case *xml.CapAP:
				add(is.Caps)
			}
		}
	}
	add(d.Caps)
	return out
}

// FibreChannel gives the names that a device has on fibre channel.
func FibreChannel(d *xml.NodeDevice) (*xml.CapFCHost, error) {
	for _, c := range d.Caps {
		h, ok := c.Is.(*xml.CapSCSIHost)
		if !ok {
			continue
		}
		for _, c := range h.Caps {
			if fc, ok := c.Is.(*xml.CapFCHost); ok {
				return fc, nil
			}
		}
	}
	return nil, xml.Errorf(xml.CodeInternal, "Device is not a fibre channel HBA")
}
