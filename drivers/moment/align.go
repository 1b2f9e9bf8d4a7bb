package moment

import (
	"os"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

func unsupported(format string, args ...any) error {
	return xml.Errorf(xml.CodeConfigUnsupported, format, args...)
}

// Align gives each disk of the domain its place in the moment: what the
// description says, or, for the others, the mode: "internal", which all must
// have then, or "external".
func (m *Moment) Align(mode string) error {
	if m.Kind == drivers.Checkpoint {
		return m.alignMarks()
	}
	disks := m.Domain.Devices.Disks
	if len(m.Disks) > len(disks) {
		return unsupported("too many disk snapshot requests for domain")
	}
	given := make([]*xml.SnapshotDisk, len(disks))
	for i := range m.Disks {
		d := &m.Disks[i]
		at := find(disks, d.Name)
		if at < 0 {
			return unsupported("no disk named '%s'", d.Name)
		}
		if given[at] != nil {
			return unsupported("disk '%s' specified twice", disks[at].Target.Dev)
		}
		given[at] = d
		own := ownMode(&disks[at], mode)
		if d.Snapshot == "" {
			d.Snapshot = own
		} else if mode == "internal" && d.Snapshot != mode && d.Snapshot != own && (m.Offline() || m.Memory.Snapshot != "no") {
			return unsupported("disk '%s' must use snapshot mode 'internal'", d.Name)
		}
		if d.Source != nil && d.Source.File != "" && d.Snapshot != "external" {
			return unsupported("file '%s' for disk '%s' requires use of external snapshot mode", d.Source.File, d.Name)
		}
		d.Name = disks[at].Target.Dev
	}
	all := make([]xml.SnapshotDisk, 0, len(disks))
	for i := range disks {
		d := given[i]
		if d == nil {
			if disks[i].Target == nil {
				continue
			}
			d = &xml.SnapshotDisk{Name: disks[i].Target.Dev, Snapshot: ownMode(&disks[i], mode)}
		}
		if d.Snapshot != "external" {
			d.Type = ""
		} else if d.Type == "" {
			d.Type = "file"
		}
		all = append(all, *d)
	}
	m.Disks = all
	return m.nameFiles()
}

// Mode is the mode that a snapshot's disks have if nothing else is said of them.
func (m *Moment) Mode() string {
	if m.External() || m.State == "disk-snapshot" {
		return "external"
	}
	return "internal"
}

// ownMode is what becomes of a disk of which the description says nothing.
func ownMode(d *xml.Disk, mode string) string {
	switch {
	case d.Snapshot != "":
		return d.Snapshot
	case d.Readonly || empty(d):
		return "no"
	}
	return mode
}

// empty tells whether a drive has no medium.
func empty(d *xml.Disk) bool {
	s := d.Source
	return s == nil || d.Type != "network" && s.File == "" && s.Dev == "" && s.Dir == "" && s.Volume == "" && s.Name == "" && s.Type == ""
}

// find gives the place of the disk that has the target or the source, or -1.
func find(disks []xml.Disk, name string) int {
	for i := range disks {
		d := &disks[i]
		if d.Target != nil && (d.Target.Dev == name || d.Source != nil && name != "" && (d.Source.File == name || d.Source.Dev == name)) {
			return i
		}
	}
	return -1
}

// nameFiles names the new files that the description does not name: the disk's
// own, with the snapshot's name in the place of what follows the last dot.
func (m *Moment) nameFiles() error {
	for i := range m.Disks {
		d := &m.Disks[i]
		if d.Snapshot != "external" || d.Source != nil {
			continue
		}
		if d.Type != "file" {
			return unsupported("cannot generate external snapshot name for disk '%s' on a '%s' device", d.Name, d.Type)
		}
		disk := &m.Domain.Devices.Disks[find(m.Domain.Devices.Disks, d.Name)]
		if empty(disk) || disk.Type == "volume" {
			return unsupported("cannot generate external snapshot name for disk '%s' without source", d.Name)
		}
		base := Image(disk)
		if !regular(base) {
			return unsupported("source for disk '%s' is not a regular file; refusing to generate external snapshot name", d.Name)
		}
		path := Beside(base, m.Name)
		for j := range m.Disks {
			if o := &m.Disks[j]; o.Source != nil && o.Source.File == path {
				return unsupported("cannot generate external snapshot name for disk '%s': collision with disk '%s'", d.Name, o.Name)
			}
		}
		d.Source = &xml.DiskSource{File: path}
	}
	return nil
}

func regular(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular()
}

// Image is the local file or block device of a disk, or "".
func Image(d *xml.Disk) string {
	if d.Source == nil {
		return ""
	}
	switch d.Type {
	case "", "file":
		return d.Source.File
	case "block":
		return d.Source.Dev
	case "volume":
		return d.Source.Local
	}
	return ""
}

// Beside is the path of the file with another ending.
func Beside(path, ending string) string {
	if dot := strings.LastIndexByte(path, '.'); dot > strings.LastIndexByte(path, '/') {
		path = path[:dot]
	}
	return path + "." + ending
}

// alignMarks does the same for a checkpoint.
func (m *Moment) alignMarks() error {
	if m.Domain == nil {
		return nil
	}
	disks := m.Domain.Devices.Disks
	if len(m.Marks) > len(disks) {
		return unsupported("too many disk checkpoint requests for domain")
	}
	given := make([]*xml.CheckpointDisk, len(disks))
	for i := range m.Marks {
		d := &m.Marks[i]
		at := find(disks, d.Name)
		if at < 0 {
			return unsupported("no disk named '%s'", d.Name)
		}
		if given[at] != nil {
			return unsupported("disk '%s' specified twice", disks[at].Target.Dev)
		}
		if (empty(&disks[at]) || disks[at].Readonly) && d.Checkpoint != "no" {
			return unsupported("disk '%s' is empty or readonly", disks[at].Target.Dev)
		}
		d.Name, given[at] = disks[at].Target.Dev, d
	}
	var all []xml.CheckpointDisk
	for i := range disks {
		switch d := given[i]; {
		case d != nil:
			all = append(all, *d)
		case disks[i].Target == nil:
		case len(m.Marks) > 0 || empty(&disks[i]) || disks[i].Readonly:
			all = append(all, xml.CheckpointDisk{Name: disks[i].Target.Dev, Checkpoint: "no"})
		default:
			all = append(all, xml.CheckpointDisk{Name: disks[i].Target.Dev, Checkpoint: "bitmap", Bitmap: m.Name})
		}
	}
	m.Marks = all
	return nil
}
