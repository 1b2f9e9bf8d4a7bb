package domain

import (
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// dropForeign drops what only devices of another kind or type have, as reading
// does.
func dropForeign(d *xml.Domain) error {
	dev := &d.Devices
	for i := range dev.Sounds {
		if s := &dev.Sounds[i]; s.Model != "virtio" {
			s.Driver = nil
		}
	}
	if err := keepHostdevs(dev.Hostdevs); err != nil {
		return err
	}
	for i := range dev.Shmems {
		s := &dev.Shmems[i]
		if s.Model == nil {
			s.Model = &xml.ShmemModel{Type: "ivshmem"}
		}
		if s.Size != nil && *s.Size == 0 {
			s.Size = nil
		}
		if s.Model.Type == "ivshmem" {
			s.Role = ""
		}
	}
	if err := videosForeign(d); err != nil {
		return err
	}
	for i := range dev.Interfaces {
		interfaceForeign(&dev.Interfaces[i])
	}
	for i := range dev.Graphics {
		g := &dev.Graphics[i]
		graphicsForeign(g)
	}
	for i := range dev.Filesystems {
		filesystemForeign(&dev.Filesystems[i])
	}
	if m := dev.Memballoon; m != nil && m.Model == "none" {
		m.Alias, m.ACPI, m.Address = nil, nil, nil
	}
	for i := range dev.Memories {
		memoryForeign(&dev.Memories[i])
	}
	return nil
}

// videosForeign is dropForeign for video cards.
func videosForeign(d *xml.Domain) error {
	for i := range d.Devices.Videos {
		v := &d.Devices.Videos[i]
		if r := v.Driver; r != nil && d.Type != "bhyve" && (r.VGAConf != "on" && r.VGAConf != "off" || v.Model != nil && v.Model.Type == "none") {
			if r.VGAConf = ""; *r == (xml.VideoDriver{}) { // what is no word for it, and the default, does not count
				v.Driver = nil
			}
		}
		if v.Model == nil && v.Driver != nil && *v.Driver == (xml.VideoDriver{VGAConf: v.Driver.VGAConf}) {
			v.Driver = nil
		}
	}
	return nil
}

// spiceChannels are the channels of SPICE as they are printed, each once.
var spiceChannels = []string{"main", "display", "inputs", "cursor", "playback", "record", "smartcard", "usbredir"}

// graphicsForeign drops what says nothing.
func graphicsForeign(g *xml.Graphics) {
	no := func(v *xml.YesNo) {
		if *v == "no" {
			*v = ""
		}
	}
	no(&g.Fullscreen)
	no(&g.P2P)
	no(&g.ReplaceUser)
	no(&g.MultiUser)
	if g.DefaultMode == "any" {
		g.DefaultMode = ""
	}
	var kept []xml.GraphicsChannel
	for _, name := range spiceChannels {
		mode := ""
		for _, c := range g.Channels {
			if c.Name == name {
				mode = c.Mode
			}
		}
		if mode != "" && mode != "any" {
			kept = append(kept, xml.GraphicsChannel{Name: name, Mode: mode})
		}
	}
	g.Channels = kept
	for i := range g.Listens {
		l := &g.Listens[i]
		if l.Type != "address" {
			l.Address = ""
		}
		if l.Type == "network" {
			g.Listen = ""
		}
	}
}

// filesystemForeign drops limits that are none, and what only virtiofs has.
func filesystemForeign(f *xml.Filesystem) {
	for _, l := range []**xml.Bytes{&f.HardLimit, &f.SoftLimit} {
		if *l != nil && **l == 0 {
			*l = nil
		}
	}
	for _, m := range []*string{&f.FMode, &f.DMode} {
		if *m != "" && strings.Trim(*m, "0") == "" {
			*m = ""
		}
	}
	if f.MultiDevs == "default" {
		f.MultiDevs = ""
	}
	if dr := f.Driver; dr != nil {
		dr.Name = ""
		if dr.Type != "virtiofs" {
			dr.Queue = 0
		}
		if dr.Type == "" {
			dr.Format, dr.WRPolicy = "", ""
		}
	}
	if f.Driver == nil || f.Driver.Type != "virtiofs" {
		f.Binary, f.IDMap = nil, nil
	}
}

// interfaceForeign completes what printing shows of the source.
func interfaceForeign(n *xml.Interface) {
	if n.Type != "hostdev" || n.Managed != "yes" {
		n.Managed = ""
	}
	if n.Type == "user" && (n.Backend == nil || n.Backend.Type != "passt") {
		n.Source = nil
	}
	s := n.Source
	if s == nil {
		return
	}
	if n.Type == "vds" {
		setDefault(&s.PortID, "0")
		setDefault(&s.ConnectionID, "0")
	}
	if p := n.VirtualPort; p != nil && n.Type == "network" && p.Type == "" && p.Parameters != nil && p.Parameters.InstanceID == "" {
		p.Parameters.InstanceID = xml.UUID(drivers.NewUUID())
	}
	if p := n.VirtualPort; p != nil && p.Type == "802.1Qbg" && p.Parameters != nil && p.Parameters.InstanceID == "" {
		p.Parameters.InstanceID = xml.UUID(drivers.NewUUID())
	}
}

func keepHostdevs(list []xml.Hostdev) error {
	for i := range list {
		h := &list[i]
		if h.Source != nil {
			h.Source.Missing = "" // of a running guest
			if a := h.Source.Address; a != nil && h.Type == "usb" && a.Device == nil {
				return xml.Errorf(xml.CodeXML, "Missing required attribute 'device' in element 'address'")
			}
		}
		if err := readGuestNet("Domain hostdev device", h.IPs, h.Routes); err != nil {
			return err
		}
		hostdevForeign(h)
		if h.Mode == "capabilities" || h.Type != "scsi" {
			h.Readonly, h.Shareable = false, false
		}
	}
	return nil
}
