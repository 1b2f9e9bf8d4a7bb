package qemu

import (
	"fmt"
	"path/filepath"
	"strings"

	"virgo/drivers/qemu/block"
	"virgo/xml"
)

// A disk becomes one block node for its storage, one more for its format where
// that is not raw, and the device. Nodes are numbered downwards in the order
// of the disks, so that the last disk's top image is number 1.

// layer is one source of a disk's backing chain, the top first.
type layer struct {
	kind   string // file, block, network ...
	format string
	source *xml.DiskSource
	node   int
	index  *string // the node's number, in live documents
	last   bool    // the definition says that nothing is below
	data   string  // node of the file that holds its data
	cache  *xml.MetadataCache

	encryption *xml.Encryption
	key        string // the object that holds its key, ""
}

// chain lists a disk's images, the top first.
func chain(d *xml.Disk) []layer {
	if d.Source == nil {
		return []layer{{kind: d.Type, format: "raw", source: &xml.DiskSource{}, index: new(string)}}
	}
	top := layer{kind: d.Type, format: "raw", source: d.Source, index: &d.Source.Index}
	if d.Driver != nil && d.Driver.Type != "" {
		top.format = d.Driver.Type
	}
	if d.Driver != nil {
		top.cache = d.Driver.MetadataCache
	}
	images := []layer{top}
	for b := d.BackingStore; b != nil; b = b.BackingStore {
		if b.Source == nil {
			images[len(images)-1].last = true
			break
		}
		im := layer{kind: b.Type, format: "raw", source: b.Source, index: &b.Index}
		if b.Format != nil {
			im.format, im.cache = b.Format.Type, b.Format.MetadataCache
		}
		images = append(images, im)
	}
	return images
}

// numberNodes numbers the images. What only the headers of images tell comes
// behind what the definition says, and the files of transient disks, which are
// made last, behind all others.
func (a *args) numberNodes() {
	a.nodes = make(map[*xml.DiskSource]int)
	n := 0
	number := func(s *xml.DiskSource, probed bool) {
		if a.Probed[s] == probed {
			n++
			a.nodes[s] = n
		}
	}
	for _, probed := range []bool{false, true} {
		for i := len(a.d.Devices.Disks) - 1; i >= 0; i-- {
			d := &a.d.Devices.Disks[i]
			if d.Target != nil && d.Target.Bus == "sd" || a.unresolved(d) {
				continue
			}
			if d.Source == nil {
				if !probed {
					n++
				}
				continue
			}
			images := chain(d)
			if isOverlay(a.d.Name, d) {
				images = images[1:]
			}
			for _, im := range images {
				number(im.source, probed)
				if im.kind == "file" && im.source.FDGroup != "" {
					a.fail(xml.CodeInvalidArg, "file descriptor group '%s' was not associated with the domain", im.source.FDGroup)
					return
				}
				if im.source.DataStore != nil && im.source.DataStore.Source != nil {
					number(im.source.DataStore.Source, probed)
				}
			}
			if !probed {
				n += len(d.Throttle)
			}
		}
	}
	for _, sharing := range []bool{false, true} {
		for i := range a.d.Devices.Disks {
			if d := &a.d.Devices.Disks[i]; isOverlay(a.d.Name, d) && (d.Transient.ShareBacking == "yes") == sharing {
				n++
				a.nodes[d.Source] = n
			}
		}
	}
	a.backends = n
}

func (a *args) disks() {
	for i := range a.d.Devices.Disks {
		a.disk(&a.d.Devices.Disks[i])
	}
}

// absent tells whether a disk has its place in the order, but is not on the
// command line: it is plugged in once the guest is there, since what is written
// to it goes to a file of its own, or nobody found its volume.
func (a *args) absent(d *xml.Disk) bool {
	return !a.Live && d.Transient != nil && d.Transient.ShareBacking == "yes" || a.unresolved(d) && d.Device != "cdrom" && d.Device != "floppy"
}

// volume finds a volume's file or device.
func (a *args) volume(s *xml.DiskSource) (string, error) {
	if a.Volume == nil {
		return "", xml.Errorf(xml.CodeNoPool, "no storage pool with matching name '%s'", s.Pool)
	}
	return a.Volume(s.Pool, s.Volume)
}

// isDevice tells whether a volume is a device.
func isDevice(path string) bool { return strings.HasPrefix(path, "/dev/") }

// unresolved tells whether a disk is a volume that cannot be had, and that the
// guest may do without.
func (a *args) unresolved(d *xml.Disk) bool {
	if d.Type != "volume" || d.Source == nil || d.Source.StartupPolicy != "optional" {
		return false
	}
	_, err := a.volume(d.Source)
	return err != nil
}

// dropOptional takes away images that are not there, where the definition says
// that the guest may do without: the disk, or the medium of a drive.
func dropOptional(dom *xml.Domain, gone func(*xml.Disk) bool) {
	kept := dom.Devices.Disks[:0]
	for _, d := range dom.Devices.Disks {
		if gone(&d) {
			if d.Device != "cdrom" && d.Device != "floppy" {
				continue
			}
			d.Type, d.Source = "file", nil
		}
		kept = append(kept, d)
	}
	dom.Devices.Disks = kept
}

func emptySource(s *xml.DiskSource) bool {
	return s == nil || s.File == "" && s.Dev == "" && s.Dir == "" && s.Protocol == "" && s.Pool == "" && s.Path == "" && s.Type == "" && s.Address == nil
}

func (a *args) disk(d *xml.Disk) {
	if d.Target == nil {
		return
	}
	if d.Target.Bus == "xen" || d.Target.Bus == "uml" {
		a.fail(xml.CodeInternal, "unsupported disk bus '%s' with device setup", d.Target.Bus)
		return
	}
	if d.Target.Bus == "sd" {
		a.sdCard(d)
		return
	}
	if a.absent(d) {
		indexFor(d.Boot, a.boot.disk, &a.boot.usedDisk) // it takes its place
		return
	}
	drive := ""
	switch {
	case d.Type == "vhostuser":
		a.vhostUserDisk(d)
		return
	case emptySource(d.Source) || a.unresolved(d):
	default:
		drive = a.blockChain(d)
	}
	a.diskDevice(d, drive)
}

// letters is the index of a disk's name: sda 0, sdz 25, sdaa 26.
func letters(dev string) int {
	name := strings.TrimRight(dev, "0123456789")
	if len(name) < 3 {
		return 0
	}
	n := 0
	for _, c := range name[2:] {
		if c < 'a' || c > 'z' {
			return 0
		}
		n = n*26 + int(c-'a') + 1
	}
	return max(0, n-1)
}

func (a *args) vhostUserDisk(d *xml.Disk) {
	id := aliasOf(d.Alias)
	char := "chr-vu-" + id
	opt := "socket,id=" + char + ",path=" + escapeComma(d.Source.Path)
	opt += diskReconnect(d.Source.Reconnect)
	a.add("-chardev", opt)
	p := newProps("driver", a.virtioName("vhost-user-blk", d.Model, d.Address))
	diskVirtioFlags(p, d.Driver)
	if v := d.Driver; v != nil {
		p.optFlag("event_idx", string(v.EventIdx)).optNum("num-queues", uint64(v.Queues)).optNum("queue-size", uint64(v.QueueSize))
	}
	a.where(p, d.Address, d.ACPI).str("chardev", char).str("id", id)
	p.optNum("bootindex", uint64(indexFor(d.Boot, a.boot.disk, &a.boot.usedDisk)))
	a.device(p)
}

func diskVirtioFlags(p *props, d *xml.DiskDriver) {
	if d != nil {
		p.virtio(d.IOMMU, d.ATS, d.Packed, d.PagePerVQ)
	}
}

// blockChain adds the nodes of a disk, the deepest first, and gives the name of the top one.
func (a *args) blockChain(d *xml.Disk) string {
	images := chain(d)
	backing := ""
	for i := len(images) - 1; i >= 0; i-- {
		im := images[i]
		im.node = a.nodes[im.source]
		backing = a.image(d, im, i == 0, backing)
	}
	if d.Driver != nil && isOn(d.Driver.CopyOnRead) && !diskReadonly(d) {
		name := block.CopyOnReadNode(d.Target.Dev)
		a.blockdev(newProps("driver", "copy-on-read").str("node-name", name).str("file", backing).str("discard", "unmap"))
		backing = name
	}
	for i := range d.Throttle {
		name := block.FilterNode(a.nodes[images[len(images)-1].source] + 1 + i)
		a.blockdev(newProps("driver", "throttle").str("node-name", name).str("throttle-group", "throttle-"+d.Throttle[i].Group).str("file", backing))
		backing = name
	}
	return backing
}

func diskReadonly(d *xml.Disk) bool { return d.Readonly || d.Device == "cdrom" }

// image adds the nodes of one image.
func (a *args) image(d *xml.Disk, im layer, top bool, backing string) string {
	prefix := fmt.Sprintf("libvirt-%d", im.node)
	readonly := diskReadonly(d) || !top
	s := im.source
	im.encryption = s.Encryption
	if top && d.Encryption != nil {
		im.encryption = d.Encryption
	}
	encrypted := im.encryption != nil && (im.encryption.Engine != "librbd" || s.Protocol != "rbd" && len(im.encryption.Secrets) > 0)
	single := im.format == "raw" && !encrypted
	data := a.dataFile(d, s, readonly, top)
	storage := a.storage(d, im, prefix)
	if storage == nil {
		return ""
	}
	node := prefix + "-storage"
	storage.str("node-name", node)
	im.data = data
	if encrypted {
		im.key = a.imageKeys(im.encryption, prefix+"-format")
	}
	if s.Slice != nil {
		a.blockdev(storage.flag("auto-read-only", true).str("discard", "unmap").cache(cacheMode(d)))
		storage = newProps("driver", "raw").str("file", node).num("offset", s.Slice.Offset).num("size", s.Slice.Size)
		node = prefix + "-slice-sto"
		storage.str("node-name", node)
	}
	if !single {
		a.blockdev(storage.flag("auto-read-only", true).str("discard", "unmap").cache(cacheMode(d)))
		return a.formatNode(d, im, node, readonly, top, backing)
	}
	a.blockdev(discard(storage.flag("read-only", readonly), d, top).cache(cacheMode(d)))
	return node
}

// cacheMode is a disk's; what several guests write must not lie in a cache.
func cacheMode(d *xml.Disk) string {
	if d.Driver != nil && d.Driver.Cache != "" {
		return d.Driver.Cache
	}
	if d.Shareable && !diskReadonly(d) {
		return "none"
	}
	return ""
}

// tellCache puts the mode that a disk has by being shared into its document, as the
// peer does once a guest has the disk.
func tellCache(d *xml.Disk) {
	if mode := cacheMode(d); mode != "" && (d.Driver == nil || d.Driver.Cache != mode) {
		driver := xml.DiskDriver{Name: "qemu"}
		if d.Driver != nil {
			driver = *d.Driver
		}
		driver.Cache, d.Driver = mode, &driver
	}
}

// discard says what becomes of discarded blocks, which holds for all images of a
// disk, and of zeroed ones, which only the top is asked.
func discard(p *props, d *xml.Disk, top bool) *props {
	if d.Driver == nil {
		return p
	}
	p.opt("discard", d.Driver.Discard)
	if top {
		p.opt("detect-zeroes", zeroes(d.Driver))
	}
	return p
}

// formatNode adds the node that reads an image's format out of another node.
func (a *args) formatNode(d *xml.Disk, im layer, storage string, readonly, top bool, backing string) string {
	name := fmt.Sprintf("libvirt-%d-format", im.node)
	p := discard(newProps("node-name", name).flag("read-only", readonly), d, top)
	p.cache(cacheMode(d))
	switch {
	case im.key == "":
		p.str("driver", qemuFormat(im.format))
	case im.format == "raw":
		p.str("driver", "luks").str("key-secret", im.key)
	default:
		p.str("driver", qemuFormat(im.format)).obj("encrypt", newProps("format", "luks").str("key-secret", im.key))
	}
	if m := im.cache; m != nil && m.MaxSize != nil {
		p.num("cache-size", m.MaxSize.Value)
	}
	if d.Driver != nil && im.format == "qcow2" {
		p.optFlag("discard-no-unref", string(d.Driver.DiscardNoUnref))
	}
	p.opt("data-file", im.data).str("file", storage)
	switch {
	case backing != "":
		p.str("backing", backing)
	case im.last && backingFormat(im.format):
		p.raw("backing", "null")
	}
	a.blockdev(p)
	return name
}

func backingFormat(format string) bool {
	return format == "qcow2" || format == "qcow" || format == "qed" || format == "vmdk"
}

// dataFile adds the node of the file in which an image keeps its data.
func (a *args) dataFile(d *xml.Disk, s *xml.DiskSource, readonly, top bool) string {
	if s.DataStore == nil || s.DataStore.Source == nil {
		return ""
	}
	prefix := fmt.Sprintf("libvirt-%d", a.nodes[s.DataStore.Source])
	p := a.storage(d, layer{kind: s.DataStore.Type, format: "raw", source: s.DataStore.Source}, prefix)
	if p == nil {
		return ""
	}
	a.blockdev(discard(p.str("node-name", prefix+"-storage").flag("read-only", readonly), d, top).cache(cacheMode(d)))
	return prefix + "-storage"
}

// prManager is QEMU's end of the helper for reservations.
// reservations adds the helper of one image's reservations, and names it.
func (a *args) reservations(r *xml.Reservations, prefix string) string {
	if r == nil {
		return ""
	}
	if r.Managed == "yes" || r.Source == nil {
		return prManager
	}
	id := "pr-helper-" + prefix + "-storage"
	a.object(newProps("qom-type", "pr-manager-helper").str("id", id).str("path", r.Source.Path))
	return id
}

const prManager = "pr-helper0"

// prManagers adds the helper for reservations that all disks share.
func (a *args) prManagers() {
	for i := range a.d.Devices.Disks {
		s := a.d.Devices.Disks[i].Source
		if s != nil && s.Reservations != nil && s.Reservations.Managed == "yes" {
			a.object(newProps("qom-type", "pr-manager-helper").str("id", prManager).str("path", filepath.Join(a.libDir(), reservationSock)))
			return
		}
	}
}

// qemuFormat is QEMU's name of an image format.
func qemuFormat(format string) string {
	switch format {
	case "vhd":
		return "vhdx"
	case "fat":
		return "raw" // the storage node makes it
	case "ploop":
		return "parallels"
	}
	return format
}

// cache adds what a cache mode means for a node.
func (p *props) cache(mode string) *props {
	direct, noFlush := false, false
	switch mode {
	case "none", "directsync":
		direct = true
	case "unsafe":
		noFlush = true
	case "writeback", "writethrough":
	default:
		return p
	}
	return p.obj("cache", (&props{}).flag("direct", direct).flag("no-flush", noFlush))
}

// writeCache is the device's part of a cache mode.
func writeCache(mode string) string {
	switch mode {
	case "none", "writeback", "unsafe":
		return "on"
	case "writethrough", "directsync":
		return "off"
	}
	return ""
}

// storage begins the node that reaches the bytes of an image.
func (a *args) storage(d *xml.Disk, im layer, prefix string) *props {
	s := im.source
	io := ""
	if d.Driver != nil {
		io = d.Driver.IO
	}
	prs := a.reservations(s.Reservations, prefix)
	switch im.kind {
	case "file":
		return newProps("driver", "file").str("filename", s.File).opt("aio", io)
	case "block":
		return newProps("driver", "host_device").str("filename", s.Dev).opt("aio", io).opt("pr-manager", prs)
	case "dir":
		p := newProps("driver", "vvfat").str("dir", s.Dir).flag("floppy", d.Device == "floppy")
		return p.flag("rw", false)
	case "network":
		return a.network(s, prefix)
	case "nvme":
		if s.Address != nil {
			return newProps("driver", "nvme").str("device", fmt.Sprintf("%04x:%02x:%02x.%x", s.Address.Domain, s.Address.Bus, s.Address.Slot, s.Address.Function)).
				raw("namespace", strings.TrimLeft(s.Namespace, "0"))
		}
	case "volume":
		path, err := a.volume(s)
		if err != nil {
			if a.err == nil {
				a.err = err
			}
			return nil
		}
		if isDevice(path) {
			return newProps("driver", "host_device").str("filename", path).opt("aio", io)
		}
		return newProps("driver", "file").str("filename", path).opt("aio", io)
	}
	a.fail(xml.CodeConfigUnsupported, "disk type '%s' is not supported", im.kind)
	return nil
}
