package domain

import (
	"slices"

	"virgo/xml"
)

// checkVideo checks a graphics card by itself.
func checkVideo(c *deviceCheck, v *xml.Video) error {
	m := v.Model
	if m == nil {
		m = &xml.VideoModel{}
	}
	none := func(v xml.Video) bool { return v.Model != nil && v.Model.Type == "none" }
	if len(c.d.Devices.Videos) > 1 && slices.ContainsFunc(c.d.Devices.Videos, none) {
		return unsupported("a 'none' video type must be the only video device defined for the domain")
	}
	vhost := v.Driver != nil && v.Driver.Name == "vhostuser"
	if vhost && m.Type != "virtio" && m.Type != "none" {
		return unsupported("'vhostuser' driver is only supported with 'virtio' device")
	}
	if a := m.Acceleration; a != nil && a.RenderNode != "" && !vhost {
		return unsupported("unsupported rendernode accel attribute without 'vhostuser'")
	}
	if err := videoMemory(m); err != nil {
		return err
	}
	if m.Type == "ramfb" && v.Address != nil {
		return unsupported("address not supported for video type ramfb")
	}
	if dr := v.Driver; dr != nil && m.Type != "virtio" {
		if err := noVirtioSwitches(dr.IOMMU, dr.ATS, dr.Packed, dr.PagePerVQ); err != nil {
			return err
		}
	}
	if m.Blob != "" && m.Type != "virtio" {
		return unsupported("video type '%s' does not support blob resources", m.Type)
	}
	return nil
}

// videoMemory refuses what only the model qxl has.
func videoMemory(m *xml.VideoModel) error {
	name := ""
	switch {
	case m.Type == "qxl" || m.Type == "none":
		return nil
	case m.RAM > 0:
		name = "ram"
	case m.VRAM64 > 0:
		name = "vram64"
	case m.VGAMem > 0:
		name = "vgamem"
	default:
		return nil
	}
	return unsupported("%s attribute only supported for video type qxl", name)
}

// videoDevices are the QOM types of video models, where a machine may lack them.
var videoDevices = [][2]string{{"bochs", "bochs-display"}, {"cirrus", "cirrus-vga"}, {"vga", "VGA"}, {"vmvga", "vmware-svga"}, {"ramfb", "ramfb"}}

// foreignVideos are the models that this QEMU lacks.
var foreignVideos = []string{"qxl", "xen", "vbox", "parallels", "gop"}

// secondaryVideos are the models that a card beside the first may have.
var secondaryVideos = []string{"virtio", "qxl", "none"}

// checkQEMUVideo checks what QEMU does not take.
func checkQEMUVideo(c *deviceCheck, v *xml.Video) error {
	m := v.Model
	if m == nil {
		return nil
	}
	lacks := contains(foreignVideos, m.Type)
	for _, d := range videoDevices {
		lacks = lacks || d[0] == m.Type && !isX86(c.d) && !c.has(d[1])
	}
	if lacks {
		return unsupported("domain configuration does not support video model '%s'", m.Type)
	}
	if v != &c.d.Devices.Videos[0] && !contains(secondaryVideos, m.Type) {
		return unsupported("video type '%s' is only valid as primary video device", m.Type)
	}
	if err := qemuVideoModel(m); err != nil {
		return err
	}
	if m.Type == "virtio" && m.Blob == "on" && (c.d.Backing == nil || c.d.Backing.Source != "memfd") {
		return unsupported("'blob' support for virtio-gpu devices requires a memfd memory backend")
	}
	if m.Type == "virtio" && m.Acceleration != nil && m.Acceleration.Accel3D == "yes" && (v.Driver == nil || v.Driver.Name != "vhostuser") {
		return unsupported("3d acceleration is not supported by this QEMU binary")
	}
	return nil
}

// fixedVideos are the models whose size of screen cannot be set.
var fixedVideos = []string{"cirrus", "vmvga", "ramfb"}

// qemuVideoModel checks what only some models have.
func qemuVideoModel(m *xml.VideoModel) error {
	switch m.Type {
	case "none":
		return nil
	case "vga", "cirrus", "vmvga", "bochs", "ramfb":
		if m.Heads != 1 {
			return unsupported("video type '%s' doesn't support multiple 'heads'", m.Type)
		}
	}
	if m.Resolution != nil && contains(fixedVideos, m.Type) {
		return xml.Errorf(xml.CodeXML, "model resolution is not supported")
	}
	if a := m.Acceleration; a != nil {
		if a.Accel2D != "" && a.Accel2D != "no" {
			return unsupported("qemu does not support the accel2d setting")
		}
		if a.Accel3D == "yes" && m.Type != "virtio" {
			return unsupported("3d acceleration is supported only with 'virtio' video device")
		}
	}
	if m.VRAM > 0 && m.VRAM < 1024 && (m.Type == "vga" || m.Type == "vmvga") {
		return unsupported("value for 'vram' must be at least 1 MiB (1024 KiB)")
	}
	return nil
}

// checkGraphics wants the audio backend to be there.
func checkGraphics(c *deviceCheck, g *xml.Graphics) error {
	for _, l := range g.Listens {
		switch {
		case l.Type == "network" && l.Network == "":
			return xml.Errorf(xml.CodeXML, "'network' attribute is required for listen type 'network'")
		case g.Type == "rdp" && (l.Type == "none" || l.Type == "socket"):
			return unsupported("listen type '%s' is not available for graphics type 'rdp'", l.Type)
		}
	}
	if a := g.Audio; a != nil && g.Type == "vnc" && !hasAudio(c.d, a.ID) {
		return xml.Errorf(xml.CodeXML, "no audio device with ID %d", a.ID)
	}
	return nil
}

// checkQEMUGraphics checks the displays.
func checkQEMUGraphics(c *deviceCheck, g *xml.Graphics) error {
	switch g.Type {
	case "vnc":
		if len(g.Passwd) > 8 {
			return unsupported("VNC password is %d characters long, only 8 permitted", len(g.Passwd))
		}
	case "dbus":
		for i := range c.d.Devices.Audios {
			if u := &c.d.Devices.Audios[i]; g.Audio != nil && u.ID == g.Audio.ID && u.Type != "dbus" {
				return unsupported("The associated audio is not of 'dbus' kind.")
			}
		}
	case "spice", "rdp", "desktop":
		return unsupported("%s graphics are not supported with this QEMU", g.Type)
	case "egl-headless":
		for i := range c.d.Devices.Graphics {
			if !contains([]string{"egl-headless", "vnc", "spice"}, c.d.Devices.Graphics[i].Type) {
				return unsupported("graphics type 'egl-headless' is only supported with one of: 'vnc', 'spice' graphics types")
			}
		}
	}
	return nil
}
