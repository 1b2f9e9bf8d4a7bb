package xml

import "strconv"

// Pool is a storage pool.
type Pool struct {
	_          struct{}        `root:"pool"`
	Type       string          `el:"type,attr,required" enum:"dir fs netfs logical disk iscsi iscsi-direct scsi mpath rbd sheepdog gluster zfs vstorage"`
	FSSpace    string          `el:"xmlns:fs,attr"`
	RBDSpace   string          `el:"xmlns:rbd,attr"`
	Name       string          `el:"name"`
	UUID       UUID            `el:"uuid" unknown:"XML error: malformed uuid element"`
	Capacity   LiveSize        `el:"capacity,empty"`
	Allocation LiveSize        `el:"allocation,empty"`
	Available  LiveSize        `el:"available,empty"`
	Features   *PoolFeatures   `el:"features"`
	Source     *PoolSource     `el:"source,bare"`
	Target     *PoolTarget     `el:"target"`
	Refresh    *PoolRefresh    `el:"refresh"`
	MountOpts  *PoolMountOpts  `el:"fs:mount_opts"`
	ConfigOpts *PoolConfigOpts `el:"rbd:config_opts"`
}

// The namespaces of options that are passed on as they stand.
const (
	poolFSSpace  = "http://libvirt.org/schemas/storagepool/fs/1.0"
	poolRBDSpace = "http://libvirt.org/schemas/storagepool/rbd/1.0"
)

// DecodeNode reads the definition. Sizes are a running pool's, and not read.
func (p *Pool) DecodeNode(n *Node) error {
	err := DecodeFields(n.ours(poolFSSpace, "fs:").ours(poolRBDSpace, "rbd:"), p)
	if p.MountOpts != nil {
		p.FSSpace = poolFSSpace
	}
	if p.ConfigOpts != nil {
		p.RBDSpace = poolRBDSpace
	}
	return err
}

// LiveSize is a number of bytes that only a running object has: what is read is
// passed over.
type LiveSize uint64

// DecodeNode reads nothing.
func (b *LiveSize) DecodeNode(*Node) error { return nil }

// EncodeNode writes the number of bytes.
func (b *LiveSize) EncodeNode(name string) *Node { return (*ByteSize)(b).EncodeNode(name) }

// ByteSize is an element with a number of bytes, which has a unit when it is read.
type ByteSize uint64

// DecodeNode reads the number, of bytes if there is no unit.
func (b *ByteSize) DecodeNode(n *Node) error {
	v, err := SizeNode(n)
	*b = ByteSize(v)
	return err
}

// EncodeNode writes the number of bytes.
func (b *ByteSize) EncodeNode(name string) *Node {
	return TextElement(name, strconv.FormatUint(uint64(*b), 10)).With("unit", "bytes")
}

// SizeNode reads an element with a number of bytes, or of its unit.
func SizeNode(n *Node) (uint64, error) {
	v, err := parseUint(n.Value(), 10, 64)
	if err != nil {
		return 0, Errorf(CodeXML, "malformed capacity element")
	}
	unit, _ := n.Attr("unit")
	return Scale(v, unit, 1)
}

// PoolFeatures are switches of a pool.
type PoolFeatures struct {
	COW YesNo `el:"cow>state,attr"`
}

// PoolSource is where the storage comes from. Which fields count depends on
// the type of the pool.
type PoolSource struct {
	_         struct{}       `root:"source,pair"`
	Hosts     []PoolHost     `el:"host"`
	Devices   []PoolDevice   `el:"device"`
	Dir       *PoolDir       `el:"dir"`
	Adapter   *PoolAdapter   `el:"adapter"`
	Name      string         `el:"name"`
	Initiator *PoolInitiator `el:"initiator"`
	Format    *PoolFormat    `el:"format"`
	Auth      *PoolAuth      `el:"auth"`
	Protocol  *PoolProtocol  `el:"protocol"`
	Vendor    *PoolMaker     `el:"vendor"`
	Product   *PoolMaker     `el:"product"`
}

// PoolHost is a server.
type PoolHost struct {
	Name string `el:"name,attr,empty" missing:"XML error: missing storage pool host name"`
	Port int32  `el:"port,attr"`
}

// PoolDevice is a device of the host, or a target of a server.
type PoolDevice struct {
	Path          string       `el:"path,attr,empty" missing:"XML error: missing storage pool source device path"`
	PartSeparator YesNo        `el:"part_separator,attr"`
	FreeExtents   []FreeExtent `el:"freeExtent"`
}

// FreeExtent is a part of a device that no volume uses.
type FreeExtent struct {
	Start uint64 `el:"start,attr,empty"`
	End   uint64 `el:"end,attr,empty"`
}

// PoolDir is a folder of the server.
type PoolDir struct {
	Path string `el:"path,attr"`
}

// PoolAdapter is a SCSI host.
type PoolAdapter struct {
	Type            string          `el:"type,attr" enum:"scsi_host fc_host"`
	Name            string          `el:"name,attr"`
	Parent          string          `el:"parent,attr"`
	ParentWWNN      string          `el:"parent_wwnn,attr"`
	ParentWWPN      string          `el:"parent_wwpn,attr"`
	ParentFabricWWN string          `el:"parent_fabric_wwn,attr"`
	Managed         YesNo           `el:"managed,attr"`
	WWNN            string          `el:"wwnn,attr"`
	WWPN            string          `el:"wwpn,attr"`
	ParentAddr      *AdapterAddress `el:"parentaddr"`
}

// DecodeNode reads an adapter. Whose address is given has a type.
func (a *PoolAdapter) DecodeNode(n *Node) error {
	if _, typed := n.Attr("type"); !typed && n.Child("parentaddr") != nil {
		return Errorf(CodeXML, "Use of 'parentaddr' element requires use of the adapter 'type'")
	}
	return DecodeFields(n, a)
}

// AdapterAddress is the PCI device that a SCSI host is on.
type AdapterAddress struct {
	UniqueID *uint       `el:"unique_id,attr" missing:"XML error: Missing or invalid scsi adapter 'unique_id' value" unknown:"XML error: Missing or invalid scsi adapter 'unique_id' value"`
	Address  *PCIAddress `el:"address" missing:"XML error: Missing scsi_host PCI address element"`
}

// PCIAddress is a PCI address that needs no type.
type PCIAddress struct {
	Domain   uint32 `el:"domain,attr,hex=4,empty"`
	Bus      uint8  `el:"bus,attr,hex=2,empty"`
	Slot     uint8  `el:"slot,attr,hex=2,empty"`
	Function uint8  `el:"function,attr,hex=1,empty"`
}

// PoolInitiator is who the host is to an iSCSI server.
type PoolInitiator struct {
	IQN string `el:"iqn>name,attr"`
}

// PoolFormat is the format of the source.
type PoolFormat struct {
	Type string `el:"type,attr"`
}

// PoolAuth is how the host says who it is.
type PoolAuth struct {
	Type     string      `el:"type,attr" enum:"none chap ceph" unknown:"unsupported configuration: unknown auth type '%s'"`
	Username string      `el:"username,attr,order=1" missing:"XML error: missing username for auth"`
	Secret   *PoolSecret `el:"secret" missing:"XML error: Missing <secret> element in auth"`
}

// PoolSecret names a secret.
type PoolSecret struct {
	Type  string `el:"type,attr"`
	UUID  UUID   `el:"uuid,attr" unknown:"XML error: invalid secret uuid '%s'"`
	Usage string `el:"usage,attr"`
}

// CheckNode wants one of the names.
func (s *PoolSecret) CheckNode(*Node) error { return oneSecret(s.UUID, s.Usage) }

// PoolProtocol is the version of the protocol of a network's file system.
type PoolProtocol struct {
	Version string `el:"ver,attr"`
}

// PoolMaker is who made the storage, or its model.
type PoolMaker struct {
	Name string `el:"name,attr"`
}

// PoolTarget is where the volumes appear.
type PoolTarget struct {
	Path        string       `el:"path"`
	Permissions *Permissions `el:"permissions"`
}

// Permissions are those of a file or folder.
type Permissions struct {
	Mode  *Octal `el:"mode" unknown:"XML error: malformed octal mode"`
	Owner *OwnID `el:"owner" unknown:"XML error: malformed owner element"`
	Group *OwnID `el:"group" unknown:"XML error: malformed group element"`
	Label string `el:"label"`
}

// Octal are the bits of permissions; NoMode says that none are named.
type Octal int32

// NoMode stands for a mode that is not named.
const NoMode Octal = -1

// ParseValue reads an octal number of at most three digits.
func (o *Octal) ParseValue(text string) error {
	if text == "" {
		*o = NoMode
		return nil
	}
	v, err := strconv.ParseUint(text, 8, 32)
	if err != nil || v&^0o777 != 0 {
		return errForm
	}
	*o = Octal(v)
	return nil
}

// FormatValue writes the digits behind a 0.
func (o *Octal) FormatValue() string {
	if *o == NoMode {
		return ""
	}
	return "0" + strconv.FormatUint(uint64(*o), 8)
}

// OwnID is a number of a user or group; -1 means that nobody cares.
type OwnID int64

// ParseValue reads the number.
func (i *OwnID) ParseValue(text string) error {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < -1 || v >= 1<<32 {
		return errForm
	}
	if v == 1<<32-1 {
		v = -1
	}
	*i = OwnID(v)
	return nil
}

// FormatValue is the number, nothing for -1.
func (i *OwnID) FormatValue() string {
	if *i < 0 {
		return ""
	}
	return strconv.FormatInt(int64(*i), 10)
}

// PoolRefresh says how volumes are looked at.
type PoolRefresh struct {
	Volume *RefreshVolume `el:"volume"`
}

// RefreshVolume says what a volume's allocation is.
type RefreshVolume struct {
	Allocation string `el:"allocation,attr" enum:"default capacity" unknown:"unsupported configuration: unknown storage pool volume refresh allocation type %s"`
}

// PoolMountOpts are options of mount.
type PoolMountOpts struct {
	Options []PoolMountOpt `el:"fs:option"`
}

// PoolMountOpt is one of them.
type PoolMountOpt struct {
	Name string `el:"name,attr"`
}

// PoolConfigOpts are options of librados.
type PoolConfigOpts struct {
	Options []PoolConfigOpt `el:"rbd:option"`
}

// PoolConfigOpt is one of them.
type PoolConfigOpt struct {
	Name  string `el:"name,attr"`
	Value string `el:"value,attr"`
}

// PoolSources are found storage.
type PoolSources struct {
	_       struct{}     `root:"sources"`
	Sources []PoolSource `el:"source"`
}

// Volume is a storage volume.
type Volume struct {
	_            struct{}            `root:"volume"`
	Type         string              `el:"type,attr,blank" enum:"file block dir network netdir ploop" unknown:"unsupported configuration: unknown volume type '%s'"`
	Name         string              `el:"name,order=1,filled" missing:"XML error: missing volume name element"`
	Key          string              `el:"key"`
	Source       *VolumeSource       `el:"source"`
	Capacity     *ByteSize           `el:"capacity"`
	Allocation   *ByteSize           `el:"allocation"`
	Physical     *ByteSize           `el:"physical"`
	Target       *VolumeTarget       `el:"target,wanted"`
	BackingStore *VolumeBackingStore `el:"backingStore"`
}

// DecodeNode reads a volume; sizes that are empty are not there.
func (v *Volume) DecodeNode(n *Node) error {
	own := *n
	own.Children = nil
	for _, c := range n.Children {
		if c.Name != "capacity" && c.Name != "allocation" || c.Value() != "" {
			own.Children = append(own.Children, c)
		}
	}
	return DecodeFields(&own, v)
}

// VolumeSource are the parts of devices that a volume is made of.
type VolumeSource struct {
	Devices []VolumeDevice `el:"device"`
}

// VolumeDevice is a device with a volume's parts of it.
type VolumeDevice struct {
	Path    string       `el:"path,attr"`
	Extents []FreeExtent `el:"extent"`
}

// VolumeTarget is what guests see.
type VolumeTarget struct {
	Path        string          `el:"path"`
	Format      *PoolFormat     `el:"format"`
	Permissions *Permissions    `el:"permissions"`
	Timestamps  *Timestamps     `el:"timestamps"`
	Encryption  *Encryption     `el:"encryption"`
	Compat      string          `el:"compat"`
	NoCOW       bool            `el:"nocow"`
	ClusterSize *ClusterSize    `el:"clusterSize"`
	Features    *VolumeFeatures `el:"features,bare"`
}

// Timestamps are a file's, in seconds with nine decimals.
type Timestamps struct {
	Access string `el:"atime"`
	Modify string `el:"mtime"`
	Change string `el:"ctime"`
	Birth  string `el:"btime"`
}

// VolumeFeatures are switches of qcow2.
type VolumeFeatures struct {
	LazyRefcounts bool `el:"lazy_refcounts"`
	ExtendedL2    bool `el:"extended_l2"`
	DataFile      bool `el:"data_file"`
}

// CheckNode refuses features that there are not.
func (f *VolumeFeatures) CheckNode(n *Node) error {
	for _, c := range n.Elements("") {
		if c.Name != "lazy_refcounts" && c.Name != "extended_l2" && c.Name != "data_file" {
			return Errorf(CodeConfigUnsupported, "unsupported feature %s", c.Name)
		}
	}
	return nil
}

// ClusterSize is the size of a qcow2 image's clusters in bytes.
type ClusterSize uint64

// DecodeNode reads the number, of bytes if there is no unit.
func (b *ClusterSize) DecodeNode(n *Node) error {
	if _, err := parseUint(n.Value(), 10, 64); err != nil {
		return Errorf(CodeXML, "Invalid value '%s' for element or attribute './target/clusterSize'", n.Value())
	}
	v, err := SizeNode(n)
	*b = ClusterSize(v)
	return err
}

// EncodeNode writes the number of bytes.
func (b *ClusterSize) EncodeNode(name string) *Node {
	return TextElement(name, strconv.FormatUint(uint64(*b), 10)).With("unit", "B")
}

// VolumeBackingStore is the volume below.
type VolumeBackingStore struct {
	Path        string       `el:"path"`
	Format      *PoolFormat  `el:"format"`
	Permissions *Permissions `el:"permissions"`
	Timestamps  *Timestamps  `el:"timestamps"`
}
