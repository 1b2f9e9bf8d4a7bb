package domain

import (
	"reflect"
	"strconv"
	"strings"

	"virgo/xml"
)

// diskPort is the port of a network disk's server.
func diskPort(protocol string) string {
	switch protocol {
	case "http":
		return "80"
	case "https":
		return "443"
	case "ftp":
		return "21"
	case "ftps":
		return "990"
	case "tftp":
		return "69"
	case "nbd":
		return "10809"
	case "ssh":
		return "22"
	case "iscsi":
		return "3260"
	case "gluster":
		return "24007"
	case "sheepdog":
		return "7000"
	case "vxhs":
		return "9999"
	}
	return ""
}

func disk(d *xml.Domain, v *xml.Disk, t *Traits) error {
	setDefault(&v.Type, "file")
	setDefault(&v.Device, "disk")
	if v.Target != nil {
		if v.Target.Bus == "" {
			v.Target.Bus = busOf(d, v)
		}
		if v.Target.Tray == "closed" {
			v.Target.Tray = ""
		}
	}
	if v.Device == "cdrom" && !t.built {
		v.Readonly = true
	}
	if empty(v) && !t.built {
		v.Type, v.Source = "file", nil
	}
	if v.Type == "vhostuser" {
		setDefault(&v.Snapshot, "no")
	}
	if v.Source != nil && !t.built && reflect.ValueOf(*v.Source).IsZero() {
		v.Source = nil
	}
	if v.Snapshot == "no" && v.Readonly {
		v.Snapshot = ""
	}
	if v.Target != nil && v.Target.Bus == "scsi" && v.Device == "disk" {
		v.Target.Ejectable, v.Target.Removable = v.Target.Removable, ""
	}
	v.Mirror = nil
	if g := v.Geometry; g != nil && (g.Cylinders == 0 || g.Heads == 0 || g.Sectors == 0) {
		v.Geometry = nil
	}
	if b := v.BlockIO; b != nil && b.DiscardGranularity != nil && *b.DiscardGranularity == 0 {
		b.DiscardGranularity = nil
	}
	if v.IOTune != nil && *v.IOTune == (xml.IOTune{}) {
		v.IOTune = nil
	}
	if v.Transient != nil && v.Transient.ShareBacking == "no" {
		v.Transient.ShareBacking = ""
	}
	if v.Driver != nil {
		diskDriver(v)
		if reflect.ValueOf(*v.Driver).IsZero() {
			v.Driver = nil
		}
	}
	for b := v.BackingStore; b != nil; b = b.BackingStore {
		b.Index = ""
	}
	if s := v.Source; s != nil && s.Protocol == "iscsi" {
		s.Name = withLUN(s.Name)
	}
	for _, s := range diskSources(v) {
		sourcePorts(s)
	}
	if t.QEMU != nil {
		qemuDisk(d, v)
	}
	return nil
}

// busOf is the bus that the disk's name means.
func busOf(d *xml.Domain, v *xml.Disk) string {
	if v.Device == "floppy" {
		return "fdc"
	}
	for _, p := range diskPrefixes {
		if strings.HasPrefix(v.Target.Dev, p.prefix) && p.bus != "sd" && p.bus != "fdc" {
			return p.bus
		}
	}
	return "ide"
}

func diskDriver(v *xml.Disk) {
	dr := v.Driver
	if dr.Cache == "default" {
		dr.Cache = ""
	}
	if dr.ErrorPolicy == "default" {
		dr.ErrorPolicy = ""
	}
	if dr.RErrorPolicy == "default" {
		dr.RErrorPolicy = ""
	}
	if dr.Type == "aio" {
		dr.Type = "raw"
	}
}

// diskSources are the sources of a disk and of the images below.
func diskSources(v *xml.Disk) []*xml.DiskSource {
	var out []*xml.DiskSource
	if v.Source != nil {
		out = append(out, v.Source)
	}
	for b := v.BackingStore; b != nil; b = b.BackingStore {
		if b.Source != nil {
			out = append(out, b.Source)
		}
	}
	if v.Mirror != nil && v.Mirror.Source != nil {
		out = append(out, v.Mirror.Source)
	}
	for _, s := range out {
		if s.DataStore != nil && s.DataStore.Source != nil {
			out = append(out, s.DataStore.Source)
		}
	}
	return out
}

// empty tells whether a drive has no medium, whatever type is written.
func empty(v *xml.Disk) bool {
	switch s := v.Source; {
	case s == nil:
		return true
	case v.Type == "network":
		return s.Protocol == ""
	}
	return false
}

// withLUN adds the unit that an iSCSI name means if it names none.
func withLUN(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return name + "/0"
}

func sourcePorts(s *xml.DiskSource) {
	s.Index = ""
	s.SecLabels = xml.KeepLabels(s.SecLabels)
	port := diskPort(s.Protocol)
	for i := range s.Hosts {
		h := &s.Hosts[i]
		if v, err := strconv.ParseUint(h.Port, 10, 32); err == nil {
			if h.Port = strconv.FormatUint(v, 10); v == 0 {
				h.Port = ""
			}
		}
		if h.Transport == "unix" {
			h.Name, h.Port = "", ""
		}
		if h.Port == "" && port != "" && (h.Transport == "" || h.Transport == "tcp") && h.Socket == "" {
			h.Port = port
		}
		if h.Transport == "tcp" {
			h.Transport = ""
		}
	}
}

// assignDrives gives disks on drive buses the address that their name means.
func assignDrives(d *xml.Domain, t *Traits) error {
	for i := range d.Devices.Disks {
		v := &d.Devices.Disks[i]
		if v.Address != nil || v.Target == nil || v.Target.Dev == "" && !v.Target.Blank {
			continue
		}
		a := driveAddress(v.Target.Bus, diskIndex(v.Target.Dev), t)
		switch v.Target.Bus {
		case "ide", "scsi", "sata", "fdc":
			if diskIndex(v.Target.Dev) < 0 {
				return xml.Errorf(xml.CodeXML, "Unknown disk name '%s' and no address specified", v.Target.Dev)
			}
			v.Address = a
		default:
			if diskIndex(v.Target.Dev) < 0 {
				return xml.Errorf(xml.CodeXML, "Unknown disk name '%s' and no address specified", v.Target.Dev)
			}
		}
	}
	return nil
}

// driveAddress is where the disk of an index sits on a bus.
func driveAddress(bus string, index int, t *Traits) *xml.Address {
	i := uint(max(index, 0))
	a := &xml.Address{Type: "drive"}
	switch {
	case bus == "scsi" && t.WideSCSI:
		if a.Controller, a.Unit = i/15, i%15; a.Unit >= 7 {
			a.Unit++ // 7 is the controller's own
		}
		return a
	case bus == "sata" && t.Driver == "bhyve":
		a.Controller, a.Unit = i/32, i%32
		return a
	}
	switch bus {
	case "ide":
		a.Controller, a.Bus, a.Unit = i/4, i%4/2, i%2
	case "scsi":
		a.Controller, a.Unit = i/7, i%7
	case "sata":
		a.Controller, a.Unit = i/6, i%6
	case "fdc":
		a.Controller, a.Unit = i/2, i%2
	}
	return a
}
