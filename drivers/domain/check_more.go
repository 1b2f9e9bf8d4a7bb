package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// readSingles refuses what can be there only once.
func readSingles(d *xml.Domain) error {
	dev := &d.Devices
	if err := dev.Doubled; err != nil {
		return err
	}
	return nil
}

// readNUMACounts checks cells against the number of virtual CPUs.
func readNUMACounts(d *xml.Domain) error {
	if d.VCPU != nil && d.VCPU.None {
		return xml.Errorf(xml.CodeInternal, "CPU IDs in <numa> exceed the <vcpu> count")
	}
	if d.CPU == nil || d.CPU.NUMA == nil {
		return nil
	}
	count, total := 1, 0
	if d.VCPU != nil && d.VCPU.Count > 0 {
		count = int(d.VCPU.Count)
	}
	high := -1
	for i := range d.CPU.NUMA.Cells {
		s, err := xml.ParseSet(d.CPU.NUMA.Cells[i].CPUs)
		if err != nil {
			return err
		}
		total += s.Len()
		high = max(high, s.Last())
	}
	if total > count {
		return xml.Errorf(xml.CodeInternal, "Number of CPUs in <numa> exceeds the <vcpu> count")
	}
	if high >= count {
		return xml.Errorf(xml.CodeInternal, "CPU IDs in <numa> exceed the <vcpu> count")
	}
	return nil
}

// readHostdevSource checks what names the host's device.
func readHostdevSource(h *xml.Hostdev) error {
	s := h.Source
	switch h.Type {
	case "scsi":
		if !contains([]string{"", "adapter", "iscsi"}, s.Protocol) {
			return xml.Errorf(xml.CodeXML, "Invalid value for attribute 'protocol' in element 'source': '%s'.", s.Protocol)
		}
		if s.Protocol == "iscsi" {
			if s.Name == "" {
				return xml.Errorf(xml.CodeXML, "missing iSCSI hostdev source path name")
			}
			if len(s.Hosts) == 0 {
				return xml.Errorf(xml.CodeXML, "missing the host address for the iSCSI hostdev")
			}
			if len(s.Hosts) != 1 {
				return xml.Errorf(xml.CodeXML, "only one source host address may be specified for the iSCSI hostdev")
			}
			if s.Auth != nil {
				switch a := s.Auth; {
				case a.Username == "" || a.Secret == nil || contains([]string{"ceph", "iscsi"}, a.Secret.Type):
				case a.Secret.Type == "":
					return unsupported("invalid secret type (null)")
				default:
					return unsupported("invalid secret type %s", a.Secret.Type)
				}
				if err := checkAuth(s.Auth, nil); err != nil {
					return err
				}
				if s.Auth.Secret.Type != "iscsi" {
					return xml.Errorf(xml.CodeInternal, "hostdev invalid secret type '%s'", s.Auth.Secret.Type)
				}
			}
			return nil
		}
		if s.Address == nil {
			return xml.Errorf(xml.CodeXML, "'address' must be specified for scsi hostdev source")
		}
		for _, k := range []struct {
			missing bool
			name    string
		}{{s.Address.Bus == "", "bus"}, {s.Address.Target == nil, "target"}, {s.Address.Unit == nil, "unit"}} {
			if k.missing {
				return xml.Errorf(xml.CodeXML, "Missing required attribute '%s' in element 'address'", k.name)
			}
		}
		if s.Adapter == nil || s.Adapter.Name == "" {
			return xml.Errorf(xml.CodeXML, "'adapter' name must be specified for scsi hostdev source")
		}
	case "scsi_host":
		if s.Protocol == "" {
			return xml.Errorf(xml.CodeXML, "Missing required attribute 'protocol' in element 'source'")
		}
		if s.Protocol != "vhost" {
			return xml.Errorf(xml.CodeXML, "Invalid value for attribute 'protocol' in element 'source': '%s'.", s.Protocol)
		}
	case "mdev":
		if h.Model == "" {
			return xml.Errorf(xml.CodeXML, "Missing required attribute 'model' in element 'hostdev'")
		}
		if s.Address == nil {
			return unsupported("Missing <address> element")
		}
		if s.Address.UUID == "" {
			return unsupported("Missing 'uuid' attribute for element <address>")
		}
		if _, ok := xml.ParseUUID(s.Address.UUID); !ok {
			return xml.Errorf(xml.CodeInternal, "Cannot parse uuid attribute of element <address>")
		}
	}
	return nil
}

// readMdevPlaces refuses mediated devices on buses that their model does not have.
func readMdevPlaces(d *xml.Domain) error {
	for i := range d.Devices.Hostdevs {
		h := &d.Devices.Hostdevs[i]
		if a := h.Address; h.Type == "mdev" && a != nil && (h.Model == "vfio-pci" && a.Type != "pci" || h.Model == "vfio-ccw" && a.Type != "ccw") {
			return xml.Errorf(xml.CodeXML, "Unsupported address type '%s' with mediated device model '%s'", a.Type, h.Model)
		}
	}
	return nil
}

// checkPanicModels refuses two of a model.
func checkPanicModels(d *xml.Domain, t *Traits) error {
	list := d.Devices.Panics
	if t.QEMU != nil {
		for i := range list {
			if list[i].Model == "default" {
				list[i].Model = ""
			}
			setDefault(&list[i].Model, defaultPanic(d))
		}
	}
	for i := range list {
		for j := range i {
			if list[i].Model == list[j].Model {
				model := list[i].Model
				setDefault(&model, "default")
				return xml.Errorf(xml.CodeXML, "Multiple panic devices with model '%s'", model)
			}
		}
	}
	if t.QEMU == nil { // one of which nothing is said goes
		d.Devices.Panics = slices.DeleteFunc(list, func(p xml.Panic) bool { return p.Model == "" && p.Address == nil && p.Alias == nil })
	}
	return nil
}

// defaultPanic is the model of a panic device that has none; "" where the
// machine has none that fits.
func defaultPanic(d *xml.Domain) string {
	switch {
	case isPSeries(d):
		return "pseries"
	case isS390(d):
		return "s390"
	case isARMVirt(d):
		return "pvpanic"
	case isX86(d):
		return "isa"
	}
	return ""
}

// printable tells whether a text has only printable characters of ASCII.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
