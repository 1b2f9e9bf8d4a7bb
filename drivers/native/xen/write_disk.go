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
		var text string
		var err error
		if w.dialect == XM {
			text, err = xmDiskText(v)
		} else {
			text, err = xlDiskText(v)
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
	return "", unsupported("unsupported storage type '%s' of disk '%s'", v.Type, v.Target.Dev)
}

func xlDiskText(v *xml.Disk) (string, error) {
	name, format := driver(v)
	if format == "" {
		format = "raw"
	}
	if !known(xlFormats, format) {
		return "", unsupported("xl has no disks of format '%s'", format)
	}
	access := "rw"
	switch {
	case v.Device == "cdrom", v.Readonly:
		access = "ro"
	case v.Shareable:
		access = "!"
	}
	out := "format=" + format + ",vdev=" + v.Target.Dev + ",access=" + access
	switch name {
	case "":
	case "qemu", "file":
		out += ",backendtype=qdisk"
	case "tap", "phy":
		out += ",backendtype=" + name
	default:
		return "", unsupported("xl has no disk driver '%s'", name)
	}
	if v.BackendDomain != nil && v.BackendDomain.Name != "" {
		out += ",backend=" + v.BackendDomain.Name
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
	if s.Auth != nil && s.Auth.Secret != nil {
		return "", unsupported("the key of rbd user '%s' is not in the document and cannot be written", s.Auth.Username)
	}
	out := "rbd:" + strings.NewReplacer(":", `\\:`, "@", `\\@`).Replace(s.Name)
	if s.Snapshot != nil {
		out += "@" + s.Snapshot.Name
	}
	out += ":auth_supported=none"
	for i, h := range s.Hosts {
		sep := `\\;`
		if i == 0 {
			sep = ":mon_host="
		}
		out += sep + h.Name
		if h.Port != "" {
			out += `\\:` + h.Port
		}
	}
	if s.Config != nil {
		out += ":conf=" + s.Config.File
	}
	return out, nil
}

func xmDiskText(v *xml.Disk) (string, error) {
	path, err := image(v)
	if err != nil {
		return "", err
	}
	out := ""
	if path != "" {
		name, format := driver(v)
		switch name {
		case "":
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
		return out + ",r", nil
	case v.Shareable:
		return out + ",!", nil
	}
	return out + ",w", nil
}
