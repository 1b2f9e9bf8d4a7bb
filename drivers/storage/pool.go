package storage

import (
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// Traits say what a driver keeps of a definition.
type Traits struct {
	// Options: those for mount and librados are kept.
	Options bool
}

// ParsePool reads the definition of a pool, checks it, and adds what is not written.
func ParsePool(src xml.Source, t Traits) (*xml.Pool, error) {
	def := &xml.Pool{}
	if err := xml.Unmarshal(src, def); err != nil {
		return nil, err
	}
	if err := completePool(def, t); err != nil {
		return nil, xml.InFile(err, src.Name)
	}
	return def, nil
}

func completePool(def *xml.Pool, t Traits) error {
	k := kindOf(def.Type)
	if def.Source == nil {
		def.Source = &xml.PoolSource{}
		if k.formats != "" {
			def.Source.Format = &xml.PoolFormat{Type: defaultFormat(k.formats)}
		}
	} else if err := readSource(def.Source, k); err != nil {
		return err
	}
	if def.Name == "" && k.sourceName == may {
		def.Name = def.Source.Name
	}
	if def.Name == "" {
		return wrong("missing pool source name element")
	}
	if strings.Contains(def.Name, "/") {
		return wrong("name %s cannot contain '/'", def.Name)
	}
	if def.Features != nil && def.Features.COW != "" && k.name != "fs" && k.name != "dir" {
		return drivers.Unsupported("cow feature may only be used for 'fs' and 'dir' pools")
	}
	if def.UUID == "" {
		def.UUID = xml.UUID(drivers.NewUUID())
	}
	if err := settleSource(def, k); err != nil {
		return err
	}
	if err := settleTarget(def, k); err != nil {
		return err
	}
	if !t.Options || k.options != "fs" {
		def.MountOpts, def.FSSpace = nil, ""
	}
	if !t.Options || k.options != "rbd" {
		def.ConfigOpts, def.RBDSpace = nil, ""
	}
	return nil
}

// ParseSource reads the description of a source, for pools of a kind.
func ParseSource(src xml.Source, pool string) (*xml.PoolSource, error) {
	n, err := xml.Parse(src)
	if err != nil {
		return nil, err
	}
	if n.Name != "source" {
		return nil, wrong("expecting root element of 'source', not '%s'", n.Name)
	}
	k := kindOf(pool)
	if k == nil {
		return nil, xml.Errorf(xml.CodeInternal, "missing backend for pool type -1")
	}
	s := &xml.PoolSource{}
	if err := xml.Decode(n, s); err != nil {
		return nil, err
	}
	return s, readSource(s, k)
}

// readSource checks the parts of a source.
func readSource(s *xml.PoolSource, k *kind) error {
	if k.name == "rbd" && s.Name == "" {
		return wrong("element 'name' is mandatory for RBD pool")
	}
	if k.formats == "" {
		s.Format = nil
	} else {
		if s.Format == nil || s.Format.Type == "" {
			s.Format = &xml.PoolFormat{Type: defaultFormat(k.formats)}
		}
		if !hasFormat(k.formats, s.Format.Type) {
			return xml.Errorf(xml.CodeConfigUnsupported, "unknown pool format type %s", s.Format.Type)
		}
	}
	if s.Auth != nil && (s.Auth.Type == "" || s.Auth.Type == "none") {
		return xml.Errorf(xml.CodeConfigUnsupported, "storage pool missing auth type")
	}
	for i := range s.Devices {
		s.Devices[i].FreeExtents = nil
	}
	if s.Dir != nil {
		s.Dir.Path = cleanPath(s.Dir.Path)
	}
	return nil
}

// settleSource checks what the kind needs, and drops what it does not know.
func settleSource(def *xml.Pool, k *kind) error {
	s := def.Source
	switch {
	case k.host == must && len(s.Hosts) == 0:
		return wrong("missing storage pool source host name")
	case k.initiator == must && (s.Initiator == nil || s.Initiator.IQN == ""):
		return xml.Errorf(xml.CodeConfigUnsupported, "missing initiator IQN")
	case k.dir == must && (s.Dir == nil || s.Dir.Path == ""):
		return wrong("missing storage pool source path")
	}
	if k.dirDefault != "" && (s.Dir == nil || s.Dir.Path == "") {
		s.Dir = &xml.PoolDir{Path: k.dirDefault}
	}
	if k.sourceName == may && s.Name == "" {
		s.Name = def.Name
	}
	if k.adapter == must {
		if err := checkAdapter(s.Adapter); err != nil {
			return err
		}
	}
	if k.device == must && len(s.Devices) == 0 {
		return wrong("missing storage pool source device name")
	}
	if k.host == no {
		s.Hosts = nil
	}
	if k.device == no {
		s.Devices = nil
	}
	if k.dir == no {
		s.Dir = nil
	}
	if k.adapter == no {
		s.Adapter = nil
	}
	if k.sourceName == no {
		s.Name = ""
	}
	if k.initiator == no {
		s.Initiator = nil
	}
	return nil
}

func settleTarget(def *xml.Pool, k *kind) error {
	if k.target == no {
		def.Target = nil
		return nil
	}
	if def.Target == nil {
		def.Target = &xml.PoolTarget{}
	}
	t := def.Target
	switch {
	case k.targetAt != "":
		t.Path = cleanPath(k.targetAt + def.Source.Name)
	case t.Path == "":
		return wrong("missing storage pool target path")
	default:
		t.Path = cleanPath(t.Path)
	}
	t.Permissions = settlePermissions(t.Permissions)
	return nil
}

// cleanPath drops slashes that a path does not need; two at its start may mean something.
func cleanPath(p string) string {
	var b strings.Builder
	for i := range len(p) {
		double := i > 0 && p[i] == '/' && p[i-1] == '/'
		if !double || i == 1 && !strings.HasPrefix(p, "///") {
			b.WriteByte(p[i])
		}
	}
	out := b.String()
	if len(out) > 1 && out != "//" {
		out = strings.TrimSuffix(out, "/")
	}
	return out
}
