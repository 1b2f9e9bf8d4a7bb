package xen

import (
	"slices"
	"strings"

	"virgo/drivers/native/conf"
	"virgo/xml"
)

func (r *reader) disks(d *xml.Domain) error {
	list := r.strings("disk")
	if v := r.Get("disk"); r.dialect == XM && v != nil {
		if v.Kind != conf.List {
			return r.fail("disk", internal("memory conf: expected a string list for 'disk' parameter"))
		}
		if len(list) < len(v.List) {
			return r.fail("disk", notStrings("disk"))
		}
	}
	for i := range list {
		var v *xml.Disk
		var err error
		if r.dialect == XM {
			v, err = r.xmDisk(list[i].Text)
		} else {
			v, err = r.xlDisk(list[i].Text)
		}
		if err != nil {
			return r.At(asError(err), &list[i])
		}
		if v != nil {
			d.Devices.Disks = append(d.Devices.Disks, *v)
		}
	}
	return nil
}

func badDisk(text, why string) *xml.Error {
	return xml.Errorf(xml.CodeInvalidArg, "disk '%s': %s", text, why)
}

// target gives a disk its name and the bus that goes with it.
func (r *reader) target(v *xml.Disk, dev string) error {
	v.Target = &xml.DiskTarget{Dev: dev, Bus: "ide"}
	switch {
	case strings.HasPrefix(dev, "xvd") || !r.hvm:
		v.Target.Bus = "xen"
	case strings.HasPrefix(dev, "sd"):
		v.Target.Bus = "scsi"
	}
	if dev == "" {
		return xml.Errorf(xml.CodeXML, "Unknown disk name '' and no address specified")
	}
	return nil
}

// diskSpec are the parameters of a disk in xl's language.
type diskSpec struct {
	target, format, vdev, access, backend string
	cdrom, hasTarget, hasVdev, prefixed   bool
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
	if !s.hasVdev {
		return nil, badDisk(text, "no vdev")
	}
	if err := r.target(v, s.vdev); err != nil {
		return nil, err
	}
	switch path := stated(s.target); {
	case !s.hasTarget && s.cdrom:
	case !s.hasTarget:
		return nil, badDisk(text, "no target")
	case strings.HasPrefix(path, "rbd:"):
		v.Type = "network"
		v.Source, err = rbd(path)
	case s.backend == "phy":
		v.Type, v.Source = "block", &xml.DiskSource{Dev: path}
	default:
		v.Source = &xml.DiskSource{File: path}
	}
	return v, err
}

// prefixes are what may stand before a target by place: an older language.
// Each names a format, or nothing.
var prefixes = []struct{ word, format string }{
	{"aio", "raw"}, {"drbd", ""}, {"enbd", ""}, {"file", ""}, {"iscsi", ""}, {"nbd", ""}, {"phy", ""}, {"qcow", "qcow"}, {"qcow2", "qcow2"}, {"qed", "qed"},
	{"raw", "raw"}, {"tap", ""}, {"tap2", ""}, {"tapdisk", ""}, {"vhd", "vhd"},
}

func parseSpec(text string) (*diskSpec, error) {
	s := &diskSpec{}
	rest := text
	for place := 0; rest != ""; {
		rest = strings.TrimLeft(rest, " \t")
		if path, ok := strings.CutPrefix(rest, "target="); ok {
			if s.hasTarget {
				return nil, badDisk(text, "two targets")
			}
			s.target, s.hasTarget = path, true
			return s, nil
		}
		var part string
		part, rest, _ = strings.Cut(rest, ",")
		key, value, named := strings.Cut(part, "=")
		var err error
		switch {
		case named && !strings.ContainsAny(key, "/:"):
			err = s.named(text, key, value)
		case s.flag(part):
		default:
			place, err = s.placed(text, part, place)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// placed reads what has its meaning by its place, and gives the next place.
func (s *diskSpec) placed(text, part string, place int) (int, error) {
	var err error
	switch place {
	case 0:
		err = s.older(text, part)
	case 1:
		if s.prefixed || s.format != "" { // which is known: as in xm's order
			place++
			err = s.device(text, part)
			break
		}
		if part != "" {
			err = s.setFormat(text, part)
		}
	case 2:
		err = s.device(text, part)
	case 3:
		s.access = part
	default:
		if part != "" {
			err = badDisk(text, "unknown value '"+part+"'")
		}
	}
	return place + 1, err
}

func (s *diskSpec) setFormat(text, format string) error {
	if s.format != "" && s.format != format {
		return badDisk(text, "two formats")
	}
	s.format = format
	return nil
}

// older reads a target, before which words may stand.
func (s *diskSpec) older(text, part string) error {
	s.hasTarget = true
	for {
		word, after, ok := strings.Cut(part, ":")
		if !ok || word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || word[0] <= '9' {
			s.target = part
			return nil
		}
		at := slices.IndexFunc(prefixes, func(p struct{ word, format string }) bool { return p.word == word })
		if at < 0 {
			return badDisk(text, "unknown prefix '"+word+":'")
		}
		s.prefixed = true
		if f := prefixes[at].format; f != "" {
			if err := s.setFormat(text, f); err != nil {
				return err
			}
		}
		if part = after; slices.Contains(scripts, word) {
			s.target = part
			return nil
		}
	}
}

// scripts are prefixes that name a script, to which the rest is left.
var scripts = []string{"drbd", "enbd", "iscsi", "nbd"}

// device reads the guest's name of the disk, behind which :cdrom may stand.
func (s *diskSpec) device(text, part string) error {
	dev, kind, _ := strings.Cut(strings.TrimPrefix(part, "ioemu:"), ":")
	if s.hasVdev {
		return badDisk(text, "two names")
	}
	s.vdev, s.hasVdev, s.cdrom = dev, true, s.cdrom || kind == "cdrom"
	return nil
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
		return s.setFormat(text, value)
	case "vdev":
		return s.device(text, value)
	case "access":
		s.access = value
	case "backendtype":
		if s.backend = value; value == "" {
			return badDisk(text, "unknown backend type ''")
		}
	case "devtype":
		if value != "cdrom" && value != "disk" {
			return badDisk(text, "unknown devtype '"+value+"'")
		}
		s.cdrom = value == "cdrom"
	case "backend", "script", "colo-host", "colo-port", "colo-export", "active-disk", "hidden-disk":
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

// xmDisk reads a disk as xm's language has it: driver:path,device,mode. What has
// fewer words, or a format that is not known, is no disk.
func (r *reader) xmDisk(text string) (*xml.Disk, error) {
	parts := strings.SplitN(text, ",", 3)
	if len(parts) < 3 {
		return nil, nil
	}
	v := &xml.Disk{Type: "block", Device: "disk", Driver: &xml.DiskDriver{Name: "phy", Type: "raw"}}
	path, mode := parts[0], strings.TrimSpace(parts[2])
	dev, kind, _ := strings.Cut(strings.TrimPrefix(parts[1], "ioemu:"), ":")
	if kind == "cdrom" {
		v.Device = "cdrom"
	}
	if name, after, ok := strings.Cut(path, ":"); ok {
		v.Driver.Name, path = name, stated(after)
		if name == "tap" || name == "tap2" {
			format, image, ok := strings.Cut(after, ":")
			if format == "aio" {
				format = "raw"
			}
			if !ok || !slices.Contains(tapFormats, format) {
				return nil, nil
			}
			v.Driver.Type, path = format, stated(image)
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
	}
	switch mode {
	case "r", "ro":
		v.Readonly = true
	case "w!", "!":
		v.Shareable = true
	}
	if v.Device == "cdrom" {
		v.Readonly = true
	}
	return v, r.target(v, dev)
}

// tapFormats are the formats that the tap drivers know.
var tapFormats = strings.Fields("raw qcow qcow2 vhd vmdk qed")
