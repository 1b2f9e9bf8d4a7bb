package qemu

import (
	"reflect"
	"slices"
	"strconv"

	"virgo/xml"
)

// diskFields are what an update cannot change of a running guest's disk, by the peer's
// names. What a document does not say is no change.
var diskFields = []struct {
	name string
	of   func(*xml.Disk) string
}{
	{"device", func(d *xml.Disk) string { return d.Device }},
	{"bus", func(d *xml.Disk) string { return target(d).Bus }},
	{"tray", func(d *xml.Disk) string { return target(d).Tray }},
	{"removable", func(d *xml.Disk) string { return string(target(d).Removable) }},
	{"rotation_rate", func(d *xml.Disk) string { return nonZero(uint64(target(d).RotationRate)) }},
	{"cache", func(d *xml.Disk) string { return driver(d).Cache }},
	{"error_policy", func(d *xml.Disk) string { return driver(d).ErrorPolicy }},
	{"rerror_policy", func(d *xml.Disk) string { return driver(d).RErrorPolicy }},
	{"io", func(d *xml.Disk) string { return driver(d).IO }},
	{"ioeventfd", func(d *xml.Disk) string { return string(driver(d).IOEventFD) }},
	{"event_idx", func(d *xml.Disk) string { return string(driver(d).EventIdx) }},
	{"copy_on_read", func(d *xml.Disk) string { return string(driver(d).CopyOnRead) }},
	{"discard", func(d *xml.Disk) string { return driver(d).Discard }},
	{"iothread", func(d *xml.Disk) string { return nonZero(uint64(driver(d).IOThread)) }},
	{"geometry cylinders", func(d *xml.Disk) string { return nonZero(uint64(geometry(d).Cylinders)) }},
	{"geometry heads", func(d *xml.Disk) string { return nonZero(uint64(geometry(d).Heads)) }},
	{"geometry sectors", func(d *xml.Disk) string { return nonZero(uint64(geometry(d).Sectors)) }},
	{"blockio logical_block_size", func(d *xml.Disk) string { return nonZero(uint64(blockIO(d).Logical)) }},
	{"blockio physical_block_size", func(d *xml.Disk) string { return nonZero(uint64(blockIO(d).Physical)) }},
	{"serial", func(d *xml.Disk) string { return d.Serial }},
	{"wwn", func(d *xml.Disk) string { return d.WWN }},
	{"vendor", func(d *xml.Disk) string { return d.Vendor }},
	{"product", func(d *xml.Disk) string { return d.Product }},
	{"readonly", func(d *xml.Disk) string { return set(diskReadonly(d)) }},
	{"shared", func(d *xml.Disk) string { return set(d.Shareable) }},
	{"transient", func(d *xml.Disk) string { return set(d.Transient != nil) }},
}

func target(d *xml.Disk) xml.DiskTarget { return valueOf(d.Target) }
func driver(d *xml.Disk) xml.DiskDriver { return valueOf(d.Driver) }
func geometry(d *xml.Disk) xml.Geometry { return valueOf(d.Geometry) }
func blockIO(d *xml.Disk) xml.BlockIO   { return valueOf(d.BlockIO) }

func valueOf[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func nonZero(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

func set(on bool) string {
	if on {
		return "yes"
	}
	return ""
}

// fixedDisk refuses changes of a disk beyond its medium.
func fixedDisk(o, k *xml.Disk) error {
	if ejectable(k) && !ejectable(o) {
		return xml.Errorf(xml.CodeConfigUnsupported, "disk type of '%s' does not support ejectable media", target(k).Dev)
	}
	fixed := func(name string) error {
		return xml.Errorf(xml.CodeUnsupported, "cannot modify field '%s' of the disk", name)
	}
	for _, f := range diskFields {
		if now := f.of(k); now != "" && now != f.of(o) {
			return fixed(f.name)
		}
	}
	if k.Address != nil && !reflect.DeepEqual(k.Address, o.Address) {
		return fixed("address")
	}
	if name := changedLimit(o.IOTune, k.IOTune); name != "" {
		return fixed("blkdeviotune " + name)
	}
	if k.Alias != nil && aliasOf(k.Alias) != aliasOf(o.Alias) {
		return xml.Errorf(xml.CodeForbidden, "changing device alias is not allowed")
	}
	return fixedIndex(o.ACPI, k.ACPI)
}

// fixedIndex refuses another number of a device in the firmware's tables.
func fixedIndex(o, k *xml.ACPIIndex) error {
	if k != nil && (o == nil || o.Index != k.Index) {
		return xml.Errorf(xml.CodeForbidden, "changing device 'acpi index' is not allowed")
	}
	return nil
}

// changedLimit names a limit that a document gives another value, "" if there is none.
func changedLimit(o, k *xml.IOTune) string {
	if k == nil {
		return ""
	}
	if o == nil {
		o = &xml.IOTune{}
	}
	a, b := reflect.ValueOf(*o), reflect.ValueOf(*k)
	for i := range b.NumField() {
		if b.Field(i).IsZero() || reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			continue
		}
		name := b.Type().Field(i).Tag.Get("el")
		if name == "group_name" {
			return "group name"
		}
		return name
	}
	return ""
}

// ejectable tells whether a disk's medium can be taken out.
func ejectable(d *xml.Disk) bool { return slices.Contains([]string{"cdrom", "floppy"}, d.Device) }

// sameMedium tells whether two disks have the same image at their top.
func sameMedium(a, b *xml.Disk) bool {
	if emptySource(a.Source) || emptySource(b.Source) {
		return emptySource(a.Source) == emptySource(b.Source)
	}
	x, y := *a.Source, *b.Source
	return sourceKind(a) == sourceKind(b) && x.File == y.File && x.Dev == y.Dev && x.Dir == y.Dir && x.Protocol == y.Protocol && x.Name == y.Name &&
		x.Pool == y.Pool && x.Volume == y.Volume && x.Path == y.Path && reflect.DeepEqual(x.Hosts, y.Hosts)
}

func sourceKind(d *xml.Disk) string {
	if d.Type == "" {
		return "file"
	}
	return d.Type
}
