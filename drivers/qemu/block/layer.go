package block

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"virgo/drivers/image"
	"virgo/xml"
)

// Layer is one image of a disk.
type Layer struct {
	Type   string // file, block, network ...
	Format string
	Source *xml.DiskSource
	Index  string // the number of its block nodes
	Cache  *xml.MetadataCache
}

// Chain is the images of a disk, the top first. Ended: nothing is below the last
// one, which is not known else.
type Chain struct {
	Layers []Layer
	Ended  bool
}

// ChainOf reads the images of a disk out of a document.
func ChainOf(d *xml.Disk) Chain {
	if d.Source == nil {
		return Chain{}
	}
	top := Layer{Type: d.Type, Format: "raw", Source: d.Source, Index: d.Source.Index}
	if d.Encryption != nil && d.Source.Encryption == nil {
		source := *d.Source
		source.Encryption = d.Encryption
		top.Source = &source
	}
	if d.Driver != nil {
		top.Cache = d.Driver.MetadataCache
		if d.Driver.Type != "" {
			top.Format = d.Driver.Type
		}
	}
	return Chain{Layers: []Layer{top}}.below(d.BackingStore)
}

// below adds what lies below.
func (c Chain) below(b *xml.BackingStore) Chain {
	for ; b != nil; b = b.BackingStore {
		if b.Source == nil {
			c.Ended = true
			break
		}
		l := Layer{Type: b.Type, Format: "raw", Source: b.Source, Index: b.Index}
		if b.Format != nil {
			l.Format, l.Cache = b.Format.Type, b.Format.MetadataCache
		}
		c.Layers = append(c.Layers, l)
	}
	return c
}

// Put makes the images those of a disk.
func (c Chain) Put(d *xml.Disk) {
	top := c.Layers[0]
	driver := xml.DiskDriver{Name: "qemu"}
	if d.Driver != nil {
		driver = *d.Driver
	}
	driver.Type, driver.MetadataCache = top.Format, top.Cache
	source := *top.Source
	source.Index = top.Index
	if d.Source != nil && source.StartupPolicy == "" {
		source.StartupPolicy = d.Source.StartupPolicy
	}
	if d.Encryption != nil && (d.Source == nil || d.Source.Index != top.Index || d.Source.File != top.Source.File) {
		d.Encryption = nil
	} else if d.Encryption != nil {
		source.Encryption = nil
	}
	d.Type, d.Driver, d.Source = top.Type, &driver, &source
	d.BackingStore = c.store(1)
}

// store is the element of the images from the n-th on.
func (c Chain) store(n int) *xml.BackingStore {
	if n >= len(c.Layers) {
		if c.Ended {
			return &xml.BackingStore{}
		}
		return nil
	}
	l := c.Layers[n]
	source := *l.Source
	source.Index, source.StartupPolicy = "", ""
	return &xml.BackingStore{Type: l.Type, Index: l.Index, Format: &xml.DiskFormat{Type: l.Format, MetadataCache: l.Cache}, Source: &source, BackingStore: c.store(n + 1)}
}

// Cut is the chain without the images from one to before another.
func (c Chain) Cut(from, to int) Chain {
	c.Layers = slices.Delete(slices.Clone(c.Layers), from, to)
	return c
}

// at is the place of the image with a number, -1 if there is none.
func (c Chain) at(index string) int {
	return slices.IndexFunc(c.Layers, func(l Layer) bool { return l.Index == index })
}

// On is the chain with an image above it.
func (c Chain) On(l Layer) Chain {
	c.Layers = append([]Layer{l}, c.Layers...)
	return c
}

// Number is the number of a layer's nodes, 0 if it has none.
func (l *Layer) Number() int {
	n, _ := strconv.Atoi(l.Index)
	return n
}

// Path is the file or device of an image, "" if it lies elsewhere.
func (l *Layer) Path() string {
	switch l.Type {
	case "file", "":
		return l.Source.File
	case "block":
		return l.Source.Dev
	case "volume":
		return l.Source.Local
	}
	return ""
}

// Name is where an image lies, for people.
func (l *Layer) Name() string {
	if p := l.Path(); p != "" {
		return p
	}
	return l.Source.Name
}

// header is how the header of an image above names an image.
func (l *Layer) header() string {
	if p := l.Path(); p != "" {
		return p
	}
	s := l.Source
	u := url.URL{Scheme: s.Protocol, Path: "/" + s.Name, RawQuery: s.Query}
	if len(s.Hosts) > 0 {
		switch h := s.Hosts[0]; {
		case h.Transport == "unix":
			u.Scheme += "+unix"
			u.RawQuery = url.Values{"socket": {h.Socket}}.Encode()
		case h.Port != "":
			u.Host = net.JoinHostPort(h.Name, h.Port)
		default:
			u.Host = h.Name
		}
	}
	return u.String()
}

// Storage is the node that reaches the bytes of an image.
func (l *Layer) Storage() string { return "libvirt-" + l.Index + "-storage" }

// Node is the node through which an image is read.
func (l *Layer) Node() string {
	switch {
	case l.Format != "raw" || l.Source.Encryption != nil && l.Source.Encryption.Engine != "librbd":
		return "libvirt-" + l.Index + "-format"
	case l.Source.Slice != nil:
		return "libvirt-" + l.Index + "-slice-sto"
	}
	return l.Storage()
}

// same tells whether two images are the same one.
func same(a, b *Layer) bool {
	if a.Path() != "" || b.Path() != "" {
		return a.Path() == b.Path()
	}
	return a.Source.Protocol == b.Source.Protocol && a.Source.Name == b.Source.Name
}

// invalid is the class of most refusals.
func invalid(format string, args ...any) error {
	return xml.Errorf(xml.CodeInvalidArg, format, args...)
}

// Find finds the image that a word means, below the n-th one: its path, its name
// in the header above it, or dev[N] with the number of its nodes. from is -1 for
// any image.
func (c Chain) Find(dev, word string, from int) (int, error) {
	if number, ok := strings.CutPrefix(word, dev+"["); ok {
		if number, ok = strings.CutSuffix(number, "]"); ok && strings.Trim(number, "0123456789") == "" && strings.Trim(number, "0") != "" {
			for i := from + 1; i < len(c.Layers); i++ {
				if c.Layers[i].Index == number {
					return i, nil
				}
			}
			return 0, invalid("could not find backing store index '%s' in chain for '%s'", number, dev)
		}
	}
	for i := from + 1; i < len(c.Layers); i++ {
		if c.Layers[i].Name() == word || word != "" && c.relative(i) == word {
			return i, nil
		}
	}
	if from >= 0 {
		return 0, invalid("could not find image '%s' beneath '%s' in chain for '%s'", word, c.Layers[from].Name(), dev)
	}
	return 0, invalid("could not find image '%s' in chain for '%s'", word, dev)
}

// Between finds the images that a commit is about: from top ("": the topmost) down to
// base ("": the lowest or, shallow, the next below, which is top where there is none).
func (c Chain) Between(dev, base, top string, shallow bool) (at, to int, err error) {
	if len(c.Layers) == 0 {
		return 0, 0, invalid("could not find base image in chain for '%s'", dev)
	}
	if top != "" {
		if at, err = c.Find(dev, top, -1); err != nil {
			return 0, 0, err
		}
	}
	last := len(c.Layers) - 1
	switch {
	case base != "":
		to, err = c.Find(dev, base, at)
	case shallow:
		to = min(at+1, last)
	case at == last:
		err = invalid("could not find base image in chain for '%s'", dev)
	default:
		to = last
	}
	return at, to, err
}

// relative is the name by which the image above calls an image, "" if that does
// not depend on where it lies.
func (c Chain) relative(i int) string {
	if i == 0 || c.Layers[i-1].Path() == "" {
		return ""
	}
	info, err := image.Open(c.Layers[i-1].Path())
	if err != nil || !image.Relative(info.Backing) {
		return ""
	}
	return info.Backing
}

// RelativeName is the name by which the image above the i-th can call the one
// at base, if all of them are called by names that depend on where they lie.
func (c Chain) RelativeName(i, base int) (string, error) {
	name := ""
	for ; i <= base; i++ {
		r := c.relative(i)
		if r == "" {
			return "", xml.Errorf(xml.CodeOperationInvalid, "can't keep relative backing relationship")
		}
		if dir := filepath.Dir(name); name != "" && dir != "." {
			r = dir + "/" + r
		}
		name = r
	}
	return name, nil
}

// DiskOf finds a disk by its target or its source.
func DiskOf(d *xml.Domain, word string) (*xml.Disk, error) {
	for i := range d.Devices.Disks {
		k := &d.Devices.Disks[i]
		if k.Target != nil && k.Target.Dev == word {
			return k, nil
		}
		if k.Source != nil && word != "" && (k.Source.File == word || k.Source.Dev == word) {
			return k, nil
		}
	}
	return nil, invalid("disk '%s' not found in domain", word)
}

// CopyOnReadNode is the node above the images of a disk that keeps what is read.
func CopyOnReadNode(dev string) string { return "libvirt-CoR-" + dev }

// FilterNode is a node above the images of a disk that limits what goes through it.
func FilterNode(number int) string { return fmt.Sprintf("libvirt-%d-filter", number) }

// isFilter tells whether a node is one of those, by its name.
func isFilter(node string) bool {
	return strings.HasPrefix(node, CopyOnReadNode("")) || strings.HasSuffix(node, "-filter")
}

// jobName is the id of a job on a disk, as the peer has it.
func jobName(kind, dev, node string) string { return fmt.Sprintf("%s-%s-%s", kind, dev, node) }
