package storage

import (
	"strings"

	"virgo/xml"
)

// ParseVolume reads the definition of a volume of a pool, checks it, and adds
// what is not written. Key, path and what a running volume tells are dropped.
// needsCapacity: the volume has to say how large it is.
func ParseVolume(src xml.Source, pool *xml.Pool, needsCapacity bool) (*xml.Volume, error) {
	root, err := xml.Parse(src)
	if err != nil {
		return nil, err
	}
	if needsCapacity && root.Name == "volume" && root.Child("name") != nil && root.Child("capacity") == nil {
		return nil, xml.InFile(wrong("missing capacity element"), src.Name) // before what its parts say
	}
	v := &xml.Volume{}
	if err := xml.Decode(root, v); err != nil {
		return nil, xml.InFile(err, src.Name)
	}
	if err := completeVolume(v, kindOf(pool.Type), needsCapacity); err != nil {
		return nil, xml.InFile(err, src.Name)
	}
	return v, nil
}

func completeVolume(v *xml.Volume, k *kind, needsCapacity bool) error {
	v.Source, v.Physical, v.Key = nil, nil, ""
	if v.Type == "" {
		v.Type = k.volumeType
	}
	if err := completeBacking(v, k); err != nil {
		return err
	}
	if v.Capacity == nil {
		if needsCapacity {
			return wrong("missing capacity element")
		}
		v.Capacity = new(xml.ByteSize)
	}
	if v.Allocation == nil {
		size := *v.Capacity
		v.Allocation = &size
	}
	if v.Target == nil {
		v.Target = &xml.VolumeTarget{}
	}
	t := v.Target
	t.Path, t.Timestamps = "", nil
	if t.ClusterSize != nil && *t.ClusterSize == 0 {
		t.ClusterSize = nil
	}
	if err := completeFormat(&t.Format, k); err != nil {
		return err
	}
	t.Permissions = settlePermissions(t.Permissions)
	return completeFeatures(t)
}

func completeBacking(v *xml.Volume, k *kind) error {
	b := v.BackingStore
	if b == nil || b.Path == "" {
		v.BackingStore = nil
		return nil
	}
	b.Timestamps = nil
	b.Permissions = settlePermissions(b.Permissions)
	return completeFormat(&b.Format, k)
}

// completeFormat checks a volume's format; the usual one is raw.
func completeFormat(f **xml.PoolFormat, k *kind) error {
	switch {
	case *f == nil || (*f).Type == "":
		*f = &xml.PoolFormat{Type: "raw"}
	case k.volumes == "":
		(*f).Type = "raw"
	case !hasFormat(k.volumes, (*f).Type) || (*f).Type == "none" && k.name != "disk":
		return xml.Errorf(xml.CodeConfigUnsupported, "unknown volume format type %s", (*f).Type)
	}
	return nil
}

// settlePermissions drops what says nothing.
func settlePermissions(p *xml.Permissions) *xml.Permissions {
	if p == nil {
		return nil
	}
	if p.Mode != nil && *p.Mode == xml.NoMode {
		p.Mode = nil
	}
	if p.Owner != nil && *p.Owner < 0 {
		p.Owner = nil
	}
	if p.Group != nil && *p.Group < 0 {
		p.Group = nil
	}
	if p.Mode == nil && p.Owner == nil && p.Group == nil && p.Label == "" {
		return nil
	}
	return p
}

// completeFeatures checks what only qcow2 has. What a file system does is not kept.
func completeFeatures(t *xml.VolumeTarget) error {
	t.NoCOW = false
	if t.Features != nil && t.Compat == "" {
		t.Compat = "1.1"
	}
	if major, minor, ok := strings.Cut(t.Compat, "."); t.Compat != "" && (!ok || !digits(major) || !digits(minor)) {
		return wrong("forbidden characters in 'compat' attribute")
	}
	return nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// VolumeType is the type of a pool's volumes.
func VolumeType(pool *xml.Pool) string { return kindOf(pool.Type).volumeType }
