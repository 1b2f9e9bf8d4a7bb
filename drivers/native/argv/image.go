package argv

import (
	"fmt"
	"path"
	"strings"

	"virgo/xml"
)

// image is what a disk shows: where its bytes are and how they are kept.
type image struct {
	kind           string // as disk types: file, block, network ...
	source         *xml.DiskSource
	format         string
	backing        *xml.BackingStore
	driver         xml.DiskDriver
	direct, noSync string // on, off; "" if not said
	readonly       bool
	guess          bool // the format is not said
}

// formats of images, as QEMU and XML name them.
var formats = []struct{ qemu, xml string }{
	{"bochs", "bochs"}, {"cloop", "cloop"}, {"dmg", "dmg"}, {"parallels", "ploop"}, {"qcow", "qcow"}, {"qcow2", "qcow2"}, {"qed", "qed"}, {"raw", "raw"}, {"vdi", "vdi"},
	{"vhdx", "vhdx"}, {"vmdk", "vmdk"}, {"vpc", "vhd"},
}

func formatName(qemu string) string {
	for _, f := range formats {
		if f.qemu == qemu {
			return f.xml
		}
	}
	return ""
}

// maxChain is how many nodes a disk can have below each other.
const maxChain = 200

// node reads a block node and what is below it. What it read counts as the
// device's own.
func (r *reader) node(d *device, p *props, depth int) (*image, bool) {
	d.deps = append(d.deps, p)
	if depth > maxChain {
		return nil, false
	}
	driver := p.take("driver")
	p.take("node-name", "auto-read-only")
	switch {
	case driver == "copy-on-read":
		im, ok := r.below(d, p, "file", depth)
		if ok {
			im.driver.CopyOnRead = "on"
			p.take("discard")
		}
		return im, ok
	case formatName(driver) != "":
		return r.formatNode(d, p, driver, depth)
	}
	im := &image{format: "raw"}
	ok := im.protocol(r, p, driver)
	r.nodeOptions(p, im)
	im.driver.IO = p.take("aio")
	return im, ok
}

// nodeOptions are those that all nodes have.
func (r *reader) nodeOptions(p *props, im *image) {
	if p.isOn("read-only", "readonly") {
		im.readonly = true
	}
	im.direct = string(p.onOff("cache.direct"))
	im.noSync = string(p.onOff("cache.no-flush"))
	im.driver.Discard = discard(p.take("discard"))
	im.driver.DetectZeroes = p.take("detect-zeroes")
	p.ignore("read-only", "off")
	p.ignore("readonly", "off")
	p.ignore("force-share", "off")
	p.ignore("locking", "auto")
}

func discard(word string) string {
	switch word {
	case "on":
		return "unmap"
	case "off":
		return "ignore"
	}
	return word
}

func (r *reader) formatNode(d *device, p *props, driver string, depth int) (*image, bool) {
	im, ok := r.below(d, p, "file", depth)
	if !ok {
		return nil, false
	}
	lower := im.driver
	im.driver = xml.DiskDriver{IO: lower.IO}
	im.format = formatName(driver)
	direct, noSync := im.direct, im.noSync
	r.nodeOptions(p, im)
	if im.direct == "" {
		im.direct = direct
	}
	if im.noSync == "" {
		im.noSync = noSync
	}
	if n := p.bytes("cache-size", 'b'); n > 0 {
		im.driver.MetadataCache = &xml.MetadataCache{MaxSize: &xml.Amount{Unit: "bytes", Value: n}}
	}
	im.driver.DiscardNoUnref = p.onOff("discard-no-unref")
	if driver == "raw" && p.has("size") {
		offset, _ := p.number("offset")
		length, _ := p.number("size")
		im.source.Slice = &xml.Slice{Type: "storage", Offset: offset, Size: length}
	}
	if p.has("data-file") || p.has("data-file.driver") {
		data, ok := r.below(d, p, "data-file", depth)
		if !ok {
			return nil, false
		}
		im.source.DataStore = &xml.DataStore{Type: data.kind, Format: &xml.DiskFormat{Type: data.format}, Source: data.source}
	}
	switch {
	case p.has("backing") && p.peek("backing") == "":
		p.take("backing")
		im.backing = &xml.BackingStore{}
	case p.has("backing") || p.has("backing.driver"):
		b, ok := r.below(d, p, "backing", depth)
		if !ok {
			return nil, false
		}
		im.backing = &xml.BackingStore{Type: b.kind, Format: &xml.DiskFormat{Type: b.format}, Source: b.source, BackingStore: b.backing}
	}
	return im, true
}

// below reads the node that a property names or describes.
func (r *reader) below(d *device, p *props, key string, depth int) (*image, bool) {
	if id := p.take(key); id != "" {
		n := byID(r.blockdevs, id)
		if n == nil {
			return nil, false
		}
		return r.node(d, n, depth+1)
	}
	sub := p.takePrefix(key + ".")
	if len(sub.list) == 0 {
		return nil, false
	}
	if !sub.has("driver") && sub.has("filename") {
		sub.set("driver", "file")
	}
	return r.node(d, sub, depth+1)
}

// protocol reads where the bytes are.
func (im *image) protocol(r *reader, p *props, driver string) bool {
	im.source = &xml.DiskSource{}
	s := im.source
	switch driver {
	case "file":
		im.kind, s.File = "file", r.absolute(p.take("filename"))
	case "host_device", "host_cdrom":
		im.kind, s.Dev = "block", r.absolute(p.take("filename"))
		if o := byID(r.objects, p.peek("pr-manager")); o != nil && o.peek("qom-type") == "pr-manager-helper" {
			s.Reservations = &xml.Reservations{Managed: "no", Source: &xml.ReservationsFrom{Type: "unix", Path: o.peek("path"), Mode: "client"}}
			if strings.HasSuffix(o.peek("path"), "/pr-helper0.sock") {
				s.Reservations = &xml.Reservations{Managed: "yes"}
			}
			o.spent = true
			p.take("pr-manager")
		}
	case "vvfat":
		im.kind, s.Dir, im.format = "dir", r.absolute(p.take("dir")), "fat"
		p.ignore("floppy", "on", "off")
		p.ignore("rw", "off")
	case "nvme":
		im.kind, s.Type, s.Managed, s.Namespace = "nvme", "pci", "yes", p.take("namespace")
		a := hostAddress(p.take("device"))
		s.Address = a
		return a != nil && s.Namespace != ""
	default:
		im.kind = "network"
		return im.network(p, driver)
	}
	return s.File+s.Dev+s.Dir != ""
}

// file is a path; those below /dev are devices.
func (im *image) file(r *reader, name string) {
	name = strings.TrimPrefix(name, "file:")
	if strings.HasPrefix(name, "/dev/") && !strings.HasPrefix(name, "/dev/shm/") {
		im.kind, im.source.Dev = "block", name
		return
	}
	im.kind, im.source.File = "file", r.absolute(name)
}

// hostAddress reads 0000:01:00.0.
func hostAddress(text string) *xml.Address {
	a := &xml.Address{}
	if n, _ := fmt.Sscanf(text, "%x:%x:%x.%x", &a.Domain, &a.Bus, &a.Slot, &a.Function); n == 4 {
		return a
	}
	*a = xml.Address{}
	if n, _ := fmt.Sscanf(text, "%x:%x.%x", &a.Bus, &a.Slot, &a.Function); n == 3 {
		return a
	}
	return nil
}

// driveImage reads what -drive says of an image. An empty drive has none.
func (r *reader) driveImage(d *device, p *props) (*image, bool) {
	d.deps = append(d.deps, p)
	format := p.take("format", "driver")
	im := &image{kind: "file"}
	ok := true
	switch file := p.take("file"); {
	case file != "":
		if n := byID(r.blockdevs, file); n != nil {
			im, ok = r.node(d, n, 0)
		} else {
			im, ok = r.location(d, file)
		}
		sub := p.takePrefix("file.")
		if len(sub.list) > 0 && ok {
			im.driver.IO = sub.take("aio")
			sub.ignore("locking", "auto", "off")
			d.deps = append(d.deps, sub)
		}
	case p.has("file.driver") || p.has("file.filename"):
		im, ok = r.below(d, p, "file", 0)
	case p.has("filename"): // the driver is that of a file
		im, ok = r.node(d, &props{list: []property{{key: "driver", value: format}, {key: "filename", value: p.take("filename")}}}, 0)
		format = "raw"
	}
	if !ok {
		return nil, false
	}
	if v := p.take("aio"); v != "" {
		im.driver.IO = v
	}
	driver := im.driver
	r.nodeOptions(p, im)
	if im.driver.Discard == "" {
		im.driver.Discard = driver.Discard
	}
	im.driver.Cache = p.take("cache")
	im.driver.CopyOnRead = p.onOff("copy-on-read")
	p.ignore("copy-on-read", "off")
	if n := p.bytes("cache-size", 'b'); n > 0 {
		im.driver.MetadataCache = &xml.MetadataCache{MaxSize: &xml.Amount{Unit: "bytes", Value: n}}
	}
	im.driver.DiscardNoUnref = p.onOff("discard-no-unref")
	if im.kind == "dir" {
		return im, true
	}
	switch {
	case im.source == nil:
	case format != "":
		im.format = formatName(format)
		if im.format == "" && (format == "file" || format == "host_device") {
			im.format = "raw"
		}
	default:
		im.format, im.guess = r.guessFormat(im)
	}
	return im, im.format != "" || im.source == nil
}

// guessFormat is what QEMU would find out: the image's own format.
func (r *reader) guessFormat(im *image) (format string, guess bool) {
	name := im.source.File + im.source.Dev + im.source.Name
	if im.source.File+im.source.Dev != "" && r.o.Format != nil {
		if f := r.o.Format(name); f != "" {
			return f, false
		}
	}
	ends := []struct{ end, format string }{{".qcow2", "qcow2"}, {".qcow", "qcow2"}, {".vmdk", "vmdk"}, {".vdi", "vdi"}, {".vhd", "vhd"}, {".vhdx", "vhdx"}, {".qed", "qed"}}
	for _, e := range ends {
		if path.Ext(name) == e.end {
			return e.format, true
		}
	}
	return "raw", path.Ext(name) != ".iso" && im.kind != "block"
}

// cacheMode is the mode that the properties of nodes and of the device make up.
func (im *image) cacheMode(writeCache string) string {
	if im.driver.Cache != "" {
		return im.driver.Cache
	}
	through := writeCache == "off"
	switch {
	case im.direct == "on" && through:
		return "directsync"
	case im.direct == "on":
		return "none"
	case im.noSync == "on":
		return "unsafe"
	case through:
		return "writethrough"
	case im.direct != "" || im.noSync != "":
		return "writeback"
	}
	return ""
}
