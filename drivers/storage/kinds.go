package storage

import (
	"slices"
	"strings"

	"virgo/xml"
)

// need says what a kind of pool does with a part of its source.
type need uint8

const (
	no need = iota
	may
	must
)

// kind is a kind of pool.
type kind struct {
	name                          string
	host, device, dir, adapter    need
	sourceName, initiator, target need
	// hosts: several may be named.
	hosts bool
	// devices: several may be named.
	devices bool
	// dirDefault is the folder where none is named.
	dirDefault string
	// targetAt is where volumes are, whatever the definition says: the source's
	// name follows.
	targetAt string
	formats  string // of the source; the first is the default
	// volumes are the formats of volumes; rawVolumes: there is none but the raw one.
	volumes string
	options string // what may be passed on: fs or rbd
	// volumeType is the type of its volumes.
	volumeType string
}

// The formats of volumes in files, and of file systems.
const (
	fileFormats = "none raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk"
	fsFormats   = "auto ext2 ext3 ext4 ufs iso9660 udf gfs gfs2 vfat hfs+ xfs ocfs2 vmfs"
	diskFormats = "unknown dos dvh gpt mac bsd pc98 sun lvm2"
	partFormats = "none linux fat16 fat32 linux-swap linux-lvm linux-raid extended"
)

// kinds are the kinds of pools, in the order in which capabilities list them.
var kinds = [...]kind{
	{name: "dir", target: must, volumes: fileFormats, volumeType: "file"},
	{name: "fs", device: must, target: must, formats: fsFormats, volumes: fileFormats, options: "fs", volumeType: "file"},
	{name: "netfs", host: must, dir: must, target: must, formats: "auto nfs glusterfs cifs", volumes: fileFormats, options: "fs", volumeType: "file"},
	{name: "logical", device: may, devices: true, sourceName: may, target: may, targetAt: "/dev/", formats: "lvm2 unknown", volumeType: "block"},
	{name: "disk", device: must, target: must, formats: diskFormats, volumes: partFormats, volumeType: "block"},
	{name: "iscsi", host: must, device: may, initiator: may, target: must, volumeType: "block"},
	{name: "iscsi-direct", host: must, device: may, initiator: must, volumeType: "network"},
	{name: "scsi", adapter: must, target: must, volumeType: "block"},
	{name: "mpath", target: must, volumeType: "block"},
	{name: "rbd", host: must, hosts: true, sourceName: may, options: "rbd", volumeType: "network"},
	{name: "sheepdog", host: must, sourceName: may, volumeType: "network"},
	{name: "gluster", host: must, dir: may, dirDefault: "/", sourceName: may, volumes: fileFormats, volumeType: "network"},
	{name: "zfs", device: may, sourceName: may, target: may, targetAt: "/dev/zvol/", volumeType: "block"},
	{name: "vstorage", sourceName: may, target: must, volumes: fileFormats, volumeType: "file"},
}

// kindOf finds a kind by its name.
func kindOf(name string) *kind {
	for i := range kinds {
		if kinds[i].name == name {
			return &kinds[i]
		}
	}
	return nil
}

// Kinds are the names of the kinds of pools.
func Kinds() []string {
	var out []string
	for i := range kinds {
		out = append(out, kinds[i].name)
	}
	return out
}

// defaultFormat is the first of a list.
func defaultFormat(list string) string {
	first, _, _ := strings.Cut(list, " ")
	return first
}

func hasFormat(list, name string) bool { return slices.Contains(strings.Fields(list), name) }

func wrong(format string, args ...any) error { return xml.Errorf(xml.CodeXML, format, args...) }
