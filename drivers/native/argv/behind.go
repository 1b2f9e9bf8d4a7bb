package argv

import (
	"slices"
	"strconv"
	"strings"
)

// behind tells whether a device that is passed is on a bus that the definition
// makes. QEMU makes what is written in JSON behind everything else, and drivers
// write it so: what needs such a bus must be written so too.
func (r *reader) behind(d *device) bool {
	if bus := d.peek("bus"); bus != "" {
		id, _, _ := strings.Cut(bus, ".")
		c, ok := r.named[id]
		return ok && (c.alias != nil || c.behind)
	}
	for _, kind := range []string{"usb-", "scsi-", "virtserialport", "virtconsole", "hda-", "ccid-card-", "u2f-", "sd-card"} {
		if strings.HasPrefix(d.base, kind) && d.base != "usb-ehci" {
			return true
		}
	}
	return false
}

// lastBus is the bus that a passed device without one is on, if there are
// several: the definition may have the controllers in another order.
func (r *reader) lastBus(d *device) string {
	kind := ""
	switch {
	case d.onUSB():
		kind = "usb"
	case strings.HasPrefix(d.base, "scsi-"):
		kind = "scsi"
	case strings.HasPrefix(d.base, "virtserialport"), strings.HasPrefix(d.base, "virtconsole"):
		kind = "virtio-serial"
	}
	c, ok := r.controllerOn(d, kind)
	if !ok || r.controllersOf(kind) < 2 {
		return ""
	}
	for id, n := range r.named {
		if n.kind == kind && n.index == c.index && n.alias != nil {
			return r.renamedBus(id + ".0")
		}
	}
	if kind == "usb" && c.index == 0 {
		return "usb.0"
	}
	return kind + utoa(c.index) + ".0"
}

// controllersOf counts the controllers of a kind, those to come too.
func (r *reader) controllersOf(kind string) int {
	count := 0
	if kind == "usb" && r.usb && !r.ownUSB() {
		count++
	}
	for _, d := range r.inOrder() {
		switch usb := slices.ContainsFunc(usbModels, func(m struct{ base, model string }) bool { return m.base == d.base }); {
		case kind == "usb" && usb && !d.has("masterbus"), kind == "scsi" && handlers.scsi(d.base), kind == "virtio-serial" && d.base == kind:
			count++
		}
	}
	return count
}

// texts are the properties of devices whose values are words, be they made of
// figures or a switch. All others are numbers, sizes and switches.
var texts = []string{"account-failed", "account-invalid", "addr", "audiodev", "backend", "backend_defaults", "bios-chs-trans", "bmc", "bootargs", "bus", "busnr", "canbus", "canbus0",
	"canbus1", "cdat", "chardev", "chardev0", "chardev1", "chardev2", "chardev3", "cryptodev", "db", "desc", "dev_id", "device_id", "devno", "disable-legacy", "display", "drive",
	"drive-type", "driver", "duplex", "eim", "enable-migration", "evdev", "failover_pair_id", "fd", "file", "filter", "frudatafile", "fsdev", "granule", "guid", "host", "host-path",
	"hostdevice", "hostport", "id", "initrd", "intremap", "iommufd", "iothread", "kernel", "loadparm", "lost_tick_policy", "mac", "master", "masterbus", "memdev", "model", "mount_tag",
	"msi", "msix", "name", "netdev", "nguid", "nqn", "osk", "pcap", "persistent-memdev", "primary-bus", "product", "rerror", "rng", "romfile", "rootdir", "sdrfile", "seqpacket", "serial",
	"subch_id", "sysfsdev", "tag", "target", "tpmdev", "tx", "unplugged-inaccessible", "uuid", "ver", "vf-token", "vhostdev", "vhostfd", "volatile-memdev", "werror", "world",
	"write-cache", "wwpn"}

// inJSON has a device written in JSON, in which numbers are no words.
func (d *device) inJSON() {
	d.props.json = true
	for i := range d.list {
		f := &d.list[i]
		_, isText := slices.BinarySearch(texts, f.key)
		if isText || f.key == "port" && strings.HasPrefix(d.base, "usb-") || (f.key == "vendor" || f.key == "ver") && strings.HasPrefix(d.base, "scsi-") {
			continue
		}
		if v, ok := size(f.value, 'b'); ok {
			f.value, f.bare = strconv.FormatUint(v, 10), true
		} else if v, err := strconv.ParseInt(f.value, 0, 64); err == nil {
			f.value, f.bare = strconv.FormatInt(v, 10), true
		} else if s := toSwitch(f.value); s != "" {
			f.value, f.bare = string(s), true
		}
	}
}
