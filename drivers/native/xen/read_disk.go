package xen

import (
	"slices"
	"strings"

	"virgo/xml"
)

func (r *reader) disks(d *xml.Domain) error {
	list, err := r.list("disk", r.dialect == XL)
	if err != nil {
		return err
	}
	for i := range list {
		var v *xml.Disk
		if r.dialect == XM {
			v, err = r.xmDisk(list[i].Text)
		} else {
			v, err = r.xlDisk(list[i].Text)
		}
		if err != nil {
			return r.At(asError(err), &list[i])
		}
		d.Devices.Disks = append(d.Devices.Disks, *v)
	}
	return nil
}

func badDisk(text, why string) *xml.Error {
	return xml.Errorf(xml.CodeInvalidArg, "disk '%s': %s", text, why)
}

// target gives a disk its name and the bus that goes with it.
func (r *reader) target(v *xml.Disk, dev string) {
	v.Target = &xml.DiskTarget{Dev: dev, Bus: "ide"}
	switch {
	case strings.HasPrefix(dev, "xvd") || !r.hvm:
		v.Target.Bus = "xen"
	case strings.HasPrefix(dev, "sd"):
		v.Target.Bus = "scsi"
	}
}

// diskSpec are the parameters of a disk in xl's language.
type diskSpec struct {
	target, format, vdev, access string
	backend, backendDomain       string
	cdrom, hasTarget             bool
}

// xlFormats are the formats that xl knows.
var xlFormats = strings.Fields("raw qcow qcow2 vhd qed")

// xlDisk reads a disk as xl's language has it: up to four words by their
// place, then key=value, and target= with all that follows.
func (r *reader) xlDisk(text string) (*xml.Disk, error) {
	s, err := parseSpec(text)
	if err != nil {
		return nil, err
	}
	v := &xml.Disk{Type: "file", Device: "disk", Driver: &xml.DiskDriver{Name: "qemu", Type: "raw"}}
	if s.format != "" && s.format != "empty" {
		if !known(xlFormats, s.format) {
			return nil, badDisk(text, "unknown format '"+s.format+"'")
		}
		v.Driver.Type = s.format
	}
	switch s.access {
	case "", "rw", "w":
	case "ro", "r":
		v.Readonly = true
	default:
		return nil, badDisk(text, "unknown access '"+s.access+"'")
	}
	if s.cdrom {
		v.Device, v.Readonly = "cdrom", true
	}
	switch s.backend {
	case "", "qdisk":
	case "tap", "phy":
		v.Driver.Name = s.backend
	default:
		return nil, badDisk(text, "unknown backend type '"+s.backend+"'")
	}
	if s.vdev == "" {
		return nil, badDisk(text, "no vdev")
	}
	r.target(v, s.vdev)
	if s.backendDomain != "" {
		v.BackendDomain = &xml.BackendDomain{Name: s.backendDomain}
	}
	switch path := s.target; {
	case strings.HasPrefix(path, "rbd:"):
		v.Type = "network"
		v.Source, err = rbd(path)
	case s.backend == "phy":
		v.Type, v.Source = "block", &xml.DiskSource{Dev: path}
	default:
		v.Source = &xml.DiskSource{File: path}
	}
	if !s.hasTarget || s.target == "" {
		if !s.cdrom {
			return nil, badDisk(text, "no target")
		}
		v.Source = nil
	}
	return v, err
}

// prefixes are what may stand before a target by place: an older language.
// Each names a format, or nothing.
var prefixes = []struct{ word, format string }{
	{"phy:", ""}, {"file:", ""}, {"tap2:", ""}, {"tap:", ""}, {"aio:", "raw"}, {"raw:", "raw"}, {"qcow2:", "qcow2"}, {"qcow:", "qcow"}, {"vhd:", "vhd"},
}

func parseSpec(text string) (*diskSpec, error) {
	s := &diskSpec{}
	rest := text
	for place := 0; rest != ""; {
		rest = strings.TrimLeft(rest, " \t")
		if path, ok := strings.CutPrefix(rest, "target="); ok {
			s.target, s.hasTarget = path, true
			return s, nil
		}
		var part string
		part, rest, _ = strings.Cut(rest, ",")
		part = strings.TrimSpace(part)
		key, value, named := strings.Cut(part, "=")
		if named && !strings.ContainsAny(key, "/:") {
			if err := s.named(text, key, value); err != nil {
				return nil, err
			}
			continue
		}
		if s.flag(part) {
			continue
		}
		switch place {
		case 0:
			s.place0(part)
		case 1:
			if strings.HasPrefix(part, "hd") || strings.HasPrefix(part, "xvd") || strings.HasPrefix(part, "sd") {
				place++ // xm's order: no format
				s.device(part)
				break
			}
			s.format = part
		case 2:
			s.device(part)
		case 3:
			s.access = part
		default:
			return nil, badDisk(text, "unknown value '"+part+"'")
		}
		place++
	}
	return s, nil
}

func (s *diskSpec) place0(part string) {
	s.hasTarget = true
	for _, p := range prefixes {
		if after, ok := strings.CutPrefix(part, p.word); ok {
			if part = after; p.format != "" {
				s.format = p.format
			}
		}
	}
	s.target = part
}

// device reads the guest's name of the disk, behind which :cdrom may stand.
func (s *diskSpec) device(part string) {
	dev, kind, _ := strings.Cut(part, ":")
	s.vdev, s.cdrom = dev, s.cdrom || kind == "cdrom"
}

// flag reads words without a value; those that a domain cannot have do not change the disk.
func (s *diskSpec) flag(word string) bool {
	switch word {
	case "cdrom":
		s.cdrom = true
	case "direct-io-safe", "discard", "no-discard", "colo", "no-colo":
	default:
		return false
	}
	return true
}

func (s *diskSpec) named(text, key, value string) error {
	switch key {
	case "format":
		s.format = value
	case "vdev":
		s.vdev = value
	case "access":
		s.access = value
	case "backendtype":
		s.backend = value
	case "backend":
		s.backendDomain = value
	case "devtype":
		if value != "cdrom" && value != "disk" {
			return badDisk(text, "unknown devtype '"+value+"'")
		}
		s.cdrom = value == "cdrom"
	case "script", "colo-host", "colo-port", "colo-export", "active-disk", "hidden-disk":
	default:
		return badDisk(text, "unknown key '"+key+"'")
	}
	return nil
}

// rbd reads an image of a Ceph cluster: rbd:pool/image:key=value..., in which
// characters that mean something stand behind backslashes.
func rbd(text string) (*xml.DiskSource, error) {
	parts := splitEscaped(strings.TrimPrefix(text, "rbd:"), ':')
	s := &xml.DiskSource{Protocol: "rbd", Name: plain(parts[0])}
	if name, snap, ok := strings.Cut(s.Name, "@"); ok {
		s.Name, s.Snapshot = name, &xml.NamedRef{Name: snap}
	}
	for _, p := range parts[1:] {
		key, value, _ := strings.Cut(p, "=")
		switch key {
		case "id":
			s.Auth = &xml.Auth{Username: plain(value), Secret: &xml.Secret{Type: "ceph"}}
		case "mon_host":
			for _, h := range strings.Split(plain(value), ";") {
				if h != "" {
					s.Hosts = append(s.Hosts, monitor(h))
				}
			}
		case "conf":
			s.Config = &xml.FileRef{File: plain(value)}
		}
	}
	return s, nil
}

// monitor reads host:port of one of a cluster's monitors.
func monitor(text string) xml.NetHost {
	host, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		host, port = text[:i], text[i+1:]
	}
	return xml.NetHost{Name: host, Port: port}
}

// splitEscaped splits at a character that has no backslash before it.
func splitEscaped(text string, sep byte) []string {
	var out []string
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			for i+1 < len(text) && text[i+1] == '\\' {
				i++ // a backslash may be doubled, for Xen's own reader
			}
			i++
		case sep:
			out = append(out, text[start:i])
			start = i + 1
		}
	}
	return append(out, text[start:])
}

// plain takes the backslashes away.
func plain(text string) string { return strings.ReplaceAll(text, `\`, "") }

// xmDisk reads a disk as xm's language has it: driver:path,device,mode.
func (r *reader) xmDisk(text string) (*xml.Disk, error) {
	i := strings.LastIndexByte(text, ',')
	if i < 0 {
		return nil, badDisk(text, "three words are needed: source,device,mode")
	}
	rest, mode := text[:i], text[i+1:]
	if i = strings.LastIndexByte(rest, ','); i < 0 {
		return nil, badDisk(text, "three words are needed: source,device,mode")
	}
	path, dev := rest[:i], strings.TrimPrefix(rest[i+1:], "ioemu:")
	v := &xml.Disk{Type: "block", Device: "disk", Driver: &xml.DiskDriver{Name: "phy", Type: "raw"}}
	dev, kind, _ := strings.Cut(dev, ":")
	if kind == "cdrom" {
		v.Device = "cdrom"
	}
	r.target(v, dev)
	if name, after, ok := strings.Cut(path, ":"); ok {
		v.Driver.Name, path = name, after
		if name == "tap" || name == "tap2" {
			format, image, ok := strings.Cut(strings.TrimPrefix(after, "tapdisk:"), ":")
			if format == "aio" {
				format = "raw"
			}
			if !ok || !slices.Contains(tapFormats, format) {
				return nil, badDisk(text, "unknown format '"+format+"'")
			}
			v.Driver.Type, path = format, image
		}
		if name != "phy" {
			v.Type = "file"
		}
	}
	if path != "" {
		v.Source = &xml.DiskSource{File: path}
		if v.Type == "block" {
			v.Source = &xml.DiskSource{Dev: path}
		}
	} else if kind != "cdrom" {
		return nil, badDisk(text, "no source")
	}
	switch mode = strings.TrimSpace(mode); mode {
	case "r", "ro":
		v.Readonly = true
	case "w!", "!":
		v.Shareable = true
	}
	if v.Device == "cdrom" {
		v.Readonly = true
	}
	return v, nil
}

// tapFormats are the formats that the tap drivers know.
var tapFormats = strings.Fields("raw qcow qcow2 vhd vmdk qed")
