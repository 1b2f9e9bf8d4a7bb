package nodedev

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// Host are the devices of this machine, as /sys shows them. What udev found out
// beside that is taken from its data in /run/udev, where it runs.
type Host struct {
	Sys, Udev string // the folders; "" for /sys and /run/udev/data
}

func (h Host) sys(words ...string) string {
	root := h.Sys
	if root == "" {
		root = "/sys"
	}
	return filepath.Join(append([]string{root}, words...)...)
}

// found is a device on the way to its description.
type found struct {
	dir  string // below /sys/devices, without links
	name string
	def  *xml.NodeDevice
}

// reader reads the devices of one class or bus.
type reader struct {
	folder string // below /sys, with links to devices
	read   func(h Host, dir, base string) *found
}

var readers = []reader{
	{"bus/pci/devices", Host.pci}, {"bus/usb/devices", Host.usb}, {"class/net", Host.net}, {"class/block", Host.block},
	{"class/scsi_host", Host.scsiHost}, {"bus/scsi/devices", Host.scsi}, {"class/scsi_generic", Host.scsiGeneric},
	{"class/drm", Host.drm}, {"bus/mdev/devices", Host.mdev}, {"bus/vdpa/devices", Host.vdpa}, {"bus/ccw/devices", Host.ccw}, {"bus/css/devices", Host.ccw},
}

// Devices lists the machine's devices, by name, each with its parent.
func (h Host) Devices() []*xml.NodeDevice {
	all := []*found{{name: "computer", def: h.computer()}}
	byDir := map[string]string{}
	for _, r := range readers {
		links, err := os.ReadDir(h.sys(r.folder))
		if err != nil {
			continue
		}
		for _, l := range links {
			dir, err := filepath.EvalSymlinks(h.sys(r.folder, l.Name()))
			if err != nil {
				continue
			}
			f := r.read(h, dir, l.Name())
			if f == nil || byDir[dir] != "" {
				continue
			}
			f.dir, f.def.Name = dir, f.name
			f.def.Path = h.shown(dir)
			if f.def.Driver == nil {
				if d := linkName(dir, "driver"); d != "" {
					f.def.Driver = &xml.NodeDriver{Name: d}
				}
			}
			f.def.DevNodes = h.nodes(dir)
			byDir[dir] = f.name
			all = append(all, f)
		}
	}
	for _, f := range all[1:] {
		f.def.Parent = &xml.NodeParent{Name: parent(byDir, f.dir)}
	}
	slices.SortFunc(all, func(a, b *found) int { return strings.Compare(a.name, b.name) })
	out := make([]*xml.NodeDevice, len(all))
	for i, f := range all {
		out[i] = f.def
	}
	return out
}

// parent is the nearest known device above.
func parent(byDir map[string]string, dir string) string {
	for up := filepath.Dir(dir); up != "/" && up != "."; up = filepath.Dir(up) {
		if name := byDir[up]; name != "" {
			return name
		}
	}
	return "computer"
}

// shown is a folder's path as it is in /sys.
func (h Host) shown(dir string) string {
	if h.Sys == "" {
		return dir
	}
	root, err := filepath.EvalSymlinks(h.Sys)
	if err != nil {
		return dir
	}
	return "/sys" + strings.TrimPrefix(dir, root)
}

// nodes are the device's files.
func (h Host) nodes(dir string) (list []xml.DevNode) {
	info := fields(filepath.Join(dir, "uevent"))
	if info["DEVNAME"] == "" {
		return nil
	}
	list = append(list, xml.DevNode{Type: "dev", Path: "/dev/" + info["DEVNAME"]})
	for _, l := range h.udev(dir).links {
		list = append(list, xml.DevNode{Type: "link", Path: "/dev/" + l})
	}
	return list
}

// udevData is what udev keeps of a device.
type udevData struct {
	links  []string
	values map[string]string
}

// udev reads the data of a device that has a file, or of a network card.
func (h Host) udev(dir string) udevData {
	u := udevData{values: map[string]string{}}
	root := h.Udev
	if root == "" && h.Sys == "" {
		root = "/run/udev/data"
	}
	key := ""
	if dev := text(dir, "dev"); dev != "" {
		key = "c" + dev
		if linkName(dir, "subsystem") == "block" {
			key = "b" + dev
		}
	} else if index := text(dir, "ifindex"); index != "" {
		key = "n" + index
	} else if sub := linkName(dir, "subsystem"); sub != "" {
		key = "+" + sub + ":" + filepath.Base(dir)
	}
	f, err := os.Open(filepath.Join(root, key))
	if root == "" || key == "" || err != nil {
		return u
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		kind, rest, _ := strings.Cut(lines.Text(), ":")
		switch kind {
		case "S":
			u.links = append(u.links, rest)
		case "E":
			k, v, _ := strings.Cut(rest, "=")
			u.values[k] = v
		}
	}
	slices.Sort(u.links)
	return u
}

// text reads a small file of /sys, "" if it is not there.
func text(dir, name string) string {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// number reads a number in any base that the C language writes.
func number(dir, name string) (uint64, bool) {
	v, err := strconv.ParseUint(text(dir, name), 0, 64)
	return v, err == nil
}

func hexNumber(dir, name string) uint64 {
	v, _ := strconv.ParseUint(strings.TrimPrefix(text(dir, name), "0x"), 16, 64)
	return v
}

// linkName is the last part of where a link goes.
func linkName(dir, name string) string {
	to, err := os.Readlink(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return filepath.Base(to)
}

// fields reads lines KEY=VALUE.
func fields(file string) map[string]string {
	out := map[string]string{}
	b, err := os.ReadFile(file)
	if err != nil {
		return out
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			out[k] = v
		}
	}
	return out
}

// word makes a name's part of whatever stands in a device's.
func word(parts ...string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, strings.Join(parts, "_"))
}

// computer is the machine itself.
func (h Host) computer() *xml.NodeDevice {
	dmi := h.sys("class", "dmi", "id")
	c := &xml.CapSystem{Product: text(dmi, "product_name"),
		Hardware: &xml.SystemPart{Vendor: text(dmi, "sys_vendor"), Version: text(dmi, "product_version"), Serial: text(dmi, "product_serial"),
			UUID: xml.UUID(strings.ToLower(text(dmi, "product_uuid")))},
		Firmware: &xml.SystemPart{Vendor: text(dmi, "bios_vendor"), Version: text(dmi, "bios_version"), ReleaseDate: text(dmi, "bios_date")}}
	if c.Hardware.UUID == "" {
		c.Hardware.UUID = "00000000-0000-0000-0000-000000000000"
	}
	return &xml.NodeDevice{Name: "computer", Caps: []xml.Capability{{Type: "system", Is: c}}}
}

func one(kind string, is any) *xml.NodeDevice {
	return &xml.NodeDevice{Caps: []xml.Capability{{Type: kind, Is: is}}}
}

// net is a network card.
func (h Host) net(dir, base string) *found {
	c := &xml.CapNet{Interface: base, Address: text(dir, "address")}
	state := text(dir, "operstate")
	c.Link = &xml.HostLink{State: state}
	if speed, err := strconv.ParseUint(text(dir, "speed"), 10, 32); err == nil && state == "up" {
		c.Link.Speed = uint(speed)
	} else if state == "up" && strings.HasPrefix(text(dir, "speed"), "-") {
		c.Link.Speed = 1<<32 - 1 // the kernel does not know
	}
	if h.Sys == "" {
		c.Features = cardFeatures(base)
	}
	kind := "80203"
	if fields(filepath.Join(dir, "uevent"))["DEVTYPE"] == "wlan" {
		kind = "80211"
	}
	c.Caps = []xml.Capability{{Type: kind, Is: &xml.CapPlain{}}}
	return &found{name: word("net", base, c.Address), def: one("net", c)}
}

// block is a disk; a partition or a device of the kernel's own is none.
func (h Host) block(dir, base string) *found {
	if _, err := os.Stat(filepath.Join(dir, "partition")); err == nil {
		return nil
	}
	u := h.udev(dir).values
	c := &xml.CapStorage{Block: "/dev/" + strings.ReplaceAll(base, "!", "/"), Bus: u["ID_BUS"], Serial: u["ID_SERIAL"],
		Vendor: text(dir, "device/vendor"), Model: text(dir, "device/model")}
	switch {
	case u["ID_CDROM"] == "1", strings.HasPrefix(base, "sr"):
		c.DriveType = "cdrom"
	case u["ID_DRIVE_FLOPPY"] == "1":
		c.DriveType = "floppy"
	case u["ID_DRIVE_FLASH_SD"] == "1", strings.HasPrefix(base, "mmcblk"):
		c.DriveType = "sd"
	case u["ID_TYPE"] != "":
		c.DriveType = u["ID_TYPE"]
	default:
		for _, p := range []string{"sd", "vd", "xvd", "hd", "dasd", "nvme"} {
			if strings.HasPrefix(base, p) {
				c.DriveType = "disk"
			}
		}
	}
	if c.DriveType == "" {
		return nil
	}
	sectors, _ := number(dir, "size") // of 512 bytes, whatever the device's are
	size := sectors * 512
	logical, _ := number(dir, "queue/logical_block_size")
	blocks := uint64(0)
	if logical > 0 {
		blocks = size / logical
	}
	if removable, _ := number(dir, "removable"); removable == 1 || c.DriveType == "cdrom" || c.DriveType == "floppy" {
		r := &xml.CapRemovable{}
		if u["ID_CDROM_MEDIA"] == "1" || u["ID_CDROM"] == "" && size > 0 {
			r.MediaAvailable, r.MediaSize, r.MediaLabel = 1, size, u["ID_FS_LABEL"]
			r.LogicalBlockSize, r.NumBlocks = logical, blocks
		}
		c.Removable = []xml.Capability{{Type: "removable", Is: r}}
	} else {
		c.Size, c.LogicalBlockSize, c.NumBlocks = &size, logical, blocks
	}
	name := word("block", base)
	if c.Serial != "" {
		name = word("block", base, c.Serial)
	}
	return &found{name: name, def: one("storage", c)}
}

// scsiHost is an adapter.
func (h Host) scsiHost(dir, base string) *found {
	n, err := strconv.ParseUint(strings.TrimPrefix(base, "host"), 10, 32)
	if err != nil {
		return nil
	}
	c := &xml.CapSCSIHost{Host: uint(n)}
	if id, ok := number(dir, "unique_id"); ok {
		v := int32(id)
		c.UniqueID = &v
	}
	if fc := h.sys("class", "fc_host", base); text(fc, "port_name") != "" {
		bare := func(name string) string { return strings.TrimPrefix(text(fc, name), "0x") }
		c.Caps = append(c.Caps, xml.Capability{Type: "fc_host", Is: &xml.CapFCHost{WWNN: bare("node_name"), WWPN: bare("port_name"), FabricWWN: bare("fabric_name")}})
		if most, ok := number(fc, "max_npiv_vports"); ok {
			used, _ := number(fc, "npiv_vports_inuse")
			c.Caps = append(c.Caps, xml.Capability{Type: "vport_ops", Is: &xml.CapVports{Max: uint(most), Vports: uint(used)}})
		}
	}
	return &found{name: word("scsi", base), def: one("scsi_host", c)}
}

// scsiTypes are the types of units, by their number (SPC-4, table 139).
var scsiTypes = map[uint64]string{0: "disk", 1: "tape", 4: "worm", 5: "cdrom", 7: "optical", 8: "changer", 12: "raid", 14: "disk"}

// scsi is a target or a unit.
func (h Host) scsi(dir, base string) *found {
	if strings.HasPrefix(base, "target") {
		return &found{name: word("scsi", base), def: one("scsi_target", &xml.CapSCSITarget{Target: base})}
	}
	parts := strings.Split(base, ":")
	if len(parts) != 4 {
		return nil
	}
	var n [4]uint
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return nil
		}
		n[i] = uint(v)
	}
	c := &xml.CapSCSI{Host: n[0], Bus: n[1], Target: n[2], LUN: n[3]}
	if t, ok := number(dir, "type"); ok {
		c.Type = scsiTypes[t]
	}
	return &found{name: word("scsi", base), def: one("scsi", c)}
}

func (h Host) scsiGeneric(_, base string) *found {
	return &found{name: word("scsi_generic", base), def: one("scsi_generic", &xml.CapChar{Char: "/dev/" + base})}
}

// drm is a graphics device's file.
func (h Host) drm(_, base string) *found {
	kind := map[string]string{"card": "primary", "controlD": "control", "renderD": "render"}[strings.TrimRight(base, "0123456789")]
	if kind == "" {
		return nil // a connector
	}
	return &found{name: word("drm", base), def: one("drm", &xml.CapDRM{Type: kind})}
}

// mdev is a mediated device.
func (h Host) mdev(dir, base string) *found {
	c := &xml.CapMdev{Type: &xml.MdevID{ID: linkName(dir, "mdev_type")}, UUID: xml.UUID(base), ParentAddr: filepath.Base(filepath.Dir(dir)), IOMMU: &xml.IOMMUGroup{}}
	if g, err := strconv.ParseUint(linkName(dir, "iommu_group"), 10, 32); err == nil {
		c.IOMMU.Number = uint(g)
	}
	return &found{name: word("mdev", base, c.ParentAddr), def: one("mdev", c)}
}

func (h Host) vdpa(dir, base string) *found {
	c := &xml.CapVDPA{}
	if files, _ := filepath.Glob(filepath.Join(dir, "vhost-vdpa-*")); len(files) > 0 {
		c.CharDev = "/dev/" + filepath.Base(files[0])
	}
	return &found{name: word("vdpa", base), def: one("vdpa", c)}
}

// ccw is a channel device or a subchannel of s390: CSSID.SSID.NUMBER.
func (h Host) ccw(dir, base string) *found {
	parts := strings.Split(base, ".")
	if len(parts) != 3 {
		return nil
	}
	var n [3]uint64
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 16, 32)
		if err != nil {
			return nil
		}
		n[i] = v
	}
	kind := linkName(dir, "subsystem")
	c := &xml.CapCCW{CSSID: xml.HexByte(n[0]), SSID: xml.HexByte(n[1]), DevNo: xml.HexWord(n[2])}
	if kind == "ccw" {
		c.State = map[string]string{"1": "online", "0": "offline"}[text(dir, "online")]
	}
	return &found{name: word(kind, base), def: one(kind, c)}
}
