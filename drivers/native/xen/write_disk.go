package xen

import (
	"strings"

	"virgo/xml"
)

func (w *writer) disks(d *xml.Domain) error {
	var out []string
	for i := range d.Devices.Disks {
		v := &d.Devices.Disks[i]
		if v.Device == "floppy" {
			continue // neither tool has them
		}
		if v.Transient != nil {
			return unsupported("transient disks not supported yet")
		}
		var text string
		var err error
		if w.dialect == XM {
			text = xmDiskText(v, w.named(v))
		} else {
			text, err = xlDiskText(v, w.named(v))
		}
		if err != nil {
			return err
		}
		out = append(out, text)
	}
	if len(out) > 0 {
		w.Strings("disk", out)
	}
	return nil
}

// named tells whether the document has a driver's name of a disk.
func (w *writer) named(v *xml.Disk) bool {
	for i := 0; ; i++ { // disks were sorted
		n := w.written("disk", i)
		target := n.Child("target")
		if target == nil {
			return false
		}
		if dev, _ := target.Attr("dev"); dev == v.Target.Dev {
			return has(n.Child("driver"), "name")
		}
	}
}

// driver is what the host serves a disk with; "" if nobody said.
func driver(v *xml.Disk) (name, format string) {
	if v.Driver != nil {
		name, format = v.Driver.Name, v.Driver.Type
	}
	return name, format
}

// image is the file or device of a disk.
func image(v *xml.Disk) (string, error) {
	s := v.Source
	if s == nil {
		return "", nil
	}
	switch v.Type {
	case "file":
		return s.File, nil
	case "block":
		return s.Dev, nil
	case "dir":
		return s.Dir, nil
	}
	return "", internal("unsupported storage type for this code path")
}

// xlDiskText describes a disk; named says that a driver is given, if only by an
// empty name.
func xlDiskText(v *xml.Disk, named bool) (string, error) {
	name, format := driver(v)
	switch format {
	case "qcow", "qcow2", "qed":
	case "vhd":
		format = "xvhd"
	default:
		format = "raw" // what xl does not know as well
	}
	access := "rw"
	switch {
	case v.Device == "cdrom", v.Readonly:
		access = "ro"
	case v.Shareable:
		access = "!"
	}
	out := "format=" + format + ",vdev=" + v.Target.Dev + ",access=" + access
	if v.Type == "network" && name == "" && !named {
		name = "qemu"
	}
	if name != "" || named {
		switch name {
		case "qemu", "file":
			name = "qdisk"
		case "tap", "phy":
		default:
			name = "" // xl has no other
		}
		out += ",backendtype=" + name
	}
	if v.Device == "cdrom" {
		out += ",devtype=cdrom"
	}
	path, err := "", error(nil)
	if v.Type == "network" && v.Source != nil {
		path, err = rbdText(v.Source)
	} else {
		path, err = image(v)
	}
	if err != nil {
		return "", err
	}
	if path != "" {
		out += ",target=" + path
	}
	return out, nil
}

// rbdText writes an image of a Ceph cluster. Xen's reader takes away one of two
// backslashes.
func rbdText(s *xml.DiskSource) (string, error) {
	if s.Protocol != "rbd" {
		return "", xml.Errorf(xml.CodeNoSupport, "Unsupported network block protocol '%s'", s.Protocol)
	}
	if pool, volume, ok := strings.Cut(s.Name, "/"); ok && strings.Contains(volume, ":") {
		return "", unsupported("':' not allowed in RBD source volume name '%s'", volume)
	} else if strings.Contains(pool, ":") {
		return "", unsupported("':' not allowed in RBD source pool name '%s'", pool)
	}
	out := "rbd:" + s.Name + ":auth_supported=none"
	for i, h := range s.Hosts {
		sep := `\\;`
		if i == 0 {
			sep = ":mon_host="
		}
		name := h.Name
		if strings.Contains(name, ":") {
			name = "[" + strings.ReplaceAll(name, ":", `\:`) + "]"
		}
		out += sep + name
		if h.Port != "" {
			out += `\\:` + h.Port
		}
	}
	return out, nil
}

// networkImage is an image's name on its server, without the pool or volume that
// has it.
func networkImage(s *xml.DiskSource) string {
	if s == nil {
		return ""
	}
	if s.Protocol == "rbd" || s.Protocol == "gluster" {
		if _, name, ok := strings.Cut(s.Name, "/"); ok {
			return name
		}
	}
	return s.Name
}

// xmDiskText is xlDiskText for the older tool.
func xmDiskText(v *xml.Disk, named bool) string {
	name, format := driver(v)
	var path string
	if v.Type == "network" {
		path = networkImage(v.Source)
		if name == "" && !named {
			name = "qemu"
		}
	} else {
		path, _ = image(v) // none of a type that the older tool lacks
	}
	out := ""
	if path != "" && (name != "" || named) {
		switch name {
		case "tap", "tap2":
			if format == "" || format == "raw" {
				format = "aio"
			}
			out = name + ":" + format + ":"
		default:
			out = name + ":"
		}
	}
	out += path + "," + v.Target.Dev
	if v.Device == "cdrom" {
		out += ":cdrom"
	}
	switch {
	case v.Readonly:
		return out + ",r"
	case v.Shareable:
		return out + ",!"
	}
	return out + ",w"
}
