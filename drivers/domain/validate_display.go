package domain

import "virgo/xml"

// checkVideo checks a graphics card by itself.
func checkVideo(c *deviceCheck, v *xml.Video) error {
	m := v.Model
	if dr := v.Driver; dr != nil && (m == nil || m.Type != "virtio") {
		if err := noVirtioSwitches(dr.IOMMU, dr.ATS, dr.Packed, dr.PagePerVQ); err != nil {
			return err
		}
	}
	if m == nil {
		return nil
	}
	vhost := v.Driver != nil && v.Driver.Name == "vhostuser"
	if vhost && m.Type != "virtio" {
		return unsupported("'vhostuser' driver is only supported with 'virtio' device")
	}
	if a := m.Acceleration; a != nil {
		if *a == (xml.VideoAccel{}) {
			return unsupported("missing values for acceleration")
		}
		if a.RenderNode != "" && !vhost {
			return unsupported("unsupported rendernode accel attribute without 'vhostuser'")
		}
	}
	if m.Blob != "" && m.Type != "virtio" {
		return unsupported("video type '%s' does not support blob resources", m.Type)
	}
	if r := m.Resolution; r != nil && (r.X == 0 || r.Y == 0) {
		return unsupported("video resolution values must be greater than 0")
	}
	return nil
}

// videoDevices are the QOM types of video models, where a machine may lack them.
var videoDevices = [][2]string{{"bochs", "bochs-display"}, {"cirrus", "cirrus-vga"}, {"vga", "VGA"}, {"vmvga", "vmware-svga"}}

// secondaryVideos are the models that a card beside the first may have.
var secondaryVideos = []string{"virtio", "qxl", "bochs", "ramfb", "none"}

// checkQEMUVideo checks what QEMU does not take.
func checkQEMUVideo(c *deviceCheck, v *xml.Video) error {
	m := v.Model
	if m == nil {
		return nil
	}
	if v != &c.d.Devices.Videos[0] && !contains(secondaryVideos, m.Type) {
		return unsupported("video type '%s' is only valid as primary video device", m.Type)
	}
	lacks := m.Type == "qxl"
	for _, d := range videoDevices {
		lacks = lacks || d[0] == m.Type && !isX86(c.d) && !c.has(d[1])
	}
	if lacks {
		return unsupported("domain configuration does not support video model '%s'", m.Type)
	}
	if m.Type == "virtio" && m.Acceleration != nil && m.Acceleration.Accel3D == "yes" && (v.Driver == nil || v.Driver.Name != "vhostuser") {
		return unsupported("3d acceleration is not supported by this QEMU binary")
	}
	return nil
}

// checkQEMUGraphics checks the displays.
func checkQEMUGraphics(c *deviceCheck, g *xml.Graphics) error {
	switch g.Type {
	case "spice", "rdp":
		return unsupported("%s graphics are not supported with this QEMU", g.Type)
	case "egl-headless":
		vnc := false
		for i := range c.d.Devices.Graphics {
			vnc = vnc || c.d.Devices.Graphics[i].Type == "vnc"
		}
		if !vnc && len(c.d.Devices.Graphics) > 1 {
			return unsupported("graphics type 'egl-headless' is only supported with one of: 'vnc', 'spice' graphics types")
		}
	}
	return nil
}
