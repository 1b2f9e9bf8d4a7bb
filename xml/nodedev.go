package xml

import (
	"slices"
	"strconv"
)

// NodeDevice is a device of the host.
type NodeDevice struct {
	_        struct{}     `root:"device"`
	Name     string       `el:"name,wanted"`
	Path     string       `el:"path"`
	DevNodes []DevNode    `el:"devnode"`
	Parent   *NodeParent  `el:"parent"`
	Driver   *NodeDriver  `el:"driver"`
	Caps     []Capability `el:"capability"`
}

// DevNode is a file of the device, or a link to it.
type DevNode struct {
	Type string `el:"type,attr,required" enum:"dev link"`
	Path string `el:",text"`
}

// NodeParent is the device above: its name, or for a virtual SCSI host the
// names that fibre channel has for it.
type NodeParent struct {
	WWNN      string `el:"wwnn,attr"`
	WWPN      string `el:"wwpn,attr"`
	FabricWWN string `el:"fabric_wwn,attr"`
	Name      string `el:",text"`
}

// NodeDriver is the host's driver of the device.
type NodeDriver struct {
	Name string `el:"name"`
}

// Capability is something that a device is or can do. Is points to the type
// for its kind, such as *CapPCI.
type Capability struct {
	Type string
	Is   any
}

// capability makes the value for a kind of capability, nil for an unknown one.
func capability(kind string) any {
	switch kind {
	case "system":
		return &CapSystem{}
	case "pci":
		return &CapPCI{}
	case "usb_device":
		return &CapUSBDevice{}
	case "usb":
		return &CapUSBInterface{}
	case "net":
		return &CapNet{}
	case "scsi_host":
		return &CapSCSIHost{}
	case "scsi_target":
		return &CapSCSITarget{}
	case "scsi":
		return &CapSCSI{}
	case "storage":
		return &CapStorage{}
	case "scsi_generic":
		return &CapChar{}
	case "drm":
		return &CapDRM{}
	case "mdev":
		return &CapMdev{}
	case "ccw", "css":
		return &CapCCW{}
	case "ccwgroup":
		return &CapCCWGroup{}
	case "vdpa":
		return &CapVDPA{}
	case "ap_card", "ap_queue", "ap_matrix":
		return &CapAP{}
	case "fc_host":
		return &CapFCHost{}
	case "vport_ops":
		return &CapVports{}
	case "fc_remote_port":
		return &CapRemotePort{}
	case "mdev_types":
		return &CapMdevTypes{}
	case "vpd":
		return &CapVPD{}
	case "phys_function", "virt_functions":
		return &CapFunctions{}
	case "removable":
		return &CapRemovable{}
	case "ccwgroup_member":
		return &CapGroupMember{}
	case "qeth_generic", "qeth_layer2", "qeth_layer3":
		return &CapQeth{}
	case "pci-bridge", "cardbus-bridge", "hotpluggable", "80203", "80211":
		return &CapPlain{}
	}
	return nil
}

// DecodeNode reads a capability by its kind.
func (c *Capability) DecodeNode(n *Node) error {
	kind, ok := n.Attr("type")
	if !ok {
		return Errorf(CodeXML, "Missing required attribute 'type' in element 'capability'")
	}
	c.Type, c.Is = kind, capability(kind)
	if c.Is == nil {
		return Errorf(CodeXML, "Invalid value for attribute 'type' in element 'capability': '%s'.", kind)
	}
	return DecodeFields(n, c.Is)
}

// EncodeNode makes the element.
func (c *Capability) EncodeNode(name string) *Node {
	n := EncodeFields(c.Is, name)
	n.Attrs = append([]Attr{{Name: "type", Value: c.Type}}, n.Attrs...)
	n.Pair = c.Type == "ap_matrix"
	return n
}

// CapPlain is a capability that says no more than its kind.
type CapPlain struct{}

// CapSystem is the host itself.
type CapSystem struct {
	Product  string      `el:"product"`
	Hardware *SystemPart `el:"hardware"`
	Firmware *SystemPart `el:"firmware"`
}

// SystemPart is the host's hardware or firmware.
type SystemPart struct {
	_           struct{} `root:",pair"`
	Vendor      string   `el:"vendor"`
	Version     string   `el:"version"`
	ReleaseDate string   `el:"release_date"`
	Serial      string   `el:"serial"`
	UUID        UUID     `el:"uuid" unknown:"internal error: malformed uuid element for '%N'"`
}

// NamedID is a number of a vendor or product, with its name.
type NamedID struct {
	ID   uint16 `el:"id,attr,hex=4,empty"`
	Name string `el:",text"`
}

// CapPCI is a PCI device.
type CapPCI struct {
	Class    *uint32      `el:"class,hex=6"`
	Domain   uint32       `el:"domain,empty"`
	Bus      uint32       `el:"bus,empty"`
	Slot     uint32       `el:"slot,empty"`
	Function uint32       `el:"function,empty"`
	Product  *NamedID     `el:"product"`
	Vendor   *NamedID     `el:"vendor"`
	Caps     []Capability `el:"capability"`
	IOMMU    *IOMMUGroup  `el:"iommuGroup"`
	NUMA     *DeviceNUMA  `el:"numa"`
	Express  *PCIExpress  `el:"pci-express,bare"`
}

// CheckNode puts the capabilities into their order, and drops what says nothing.
func (c *CapPCI) CheckNode(*Node) error {
	rank := func(k Capability) int {
		return slices.Index([]string{"phys_function", "virt_functions", "pci-bridge", "cardbus-bridge", "mdev_types", "vpd"}, k.Type)
	}
	slices.SortStableFunc(c.Caps, func(a, b Capability) int { return rank(a) - rank(b) })
	if c.IOMMU != nil && len(c.IOMMU.Addresses) == 0 {
		c.IOMMU = nil
	}
	return nil
}

// IOMMUGroup are devices that can only be given away together.
type IOMMUGroup struct {
	Number    uint         `el:"number,attr,empty"`
	Addresses []PCIAddress `el:"address"`
}

// DeviceNUMA is the node of the host that a device is near to.
type DeviceNUMA struct {
	Node *int `el:"node,attr"`
}

// PCIExpress are the links of a device.
type PCIExpress struct {
	Links []PCILink `el:"link"`
}

// PCILink is what a link could be, or is.
type PCILink struct {
	Validity string `el:"validity,attr" enum:"cap sta"`
	Port     *int32 `el:"port,attr"`
	Speed    string `el:"speed,attr" enum:"2.5 5 8 16"`
	Width    uint   `el:"width,attr,empty"`
}

// CapFunctions is the physical function of a virtual one, or the other way.
type CapFunctions struct {
	MaxCount  uint         `el:"maxCount,attr"`
	Addresses []PCIAddress `el:"address"`
}

// CapUSBDevice is a USB device.
type CapUSBDevice struct {
	Bus     uint     `el:"bus,empty"`
	Device  uint     `el:"device,empty"`
	Product *NamedID `el:"product"`
	Vendor  *NamedID `el:"vendor"`
}

// CapUSBInterface is an interface of a USB device.
type CapUSBInterface struct {
	Number      uint   `el:"number,empty"`
	Class       uint   `el:"class,empty"`
	Subclass    uint   `el:"subclass,empty"`
	Protocol    uint   `el:"protocol,empty"`
	Description string `el:"description"`
}

// CapNet is a network card.
type CapNet struct {
	Interface string       `el:"interface"`
	Address   string       `el:"address"`
	Link      *HostLink    `el:"link,bare"`
	Features  []NetFeature `el:"feature"`
	Caps      []Capability `el:"capability"`
}

// NetFeature is what a card does by itself.
type NetFeature struct {
	Name string `el:"name,attr"`
}

// CapSCSIHost is a SCSI host.
type CapSCSIHost struct {
	Host     uint         `el:"host,empty"`
	UniqueID *int32       `el:"unique_id"`
	Caps     []Capability `el:"capability"`
}

// CapFCHost is a host on fibre channel.
type CapFCHost struct {
	WWNN      string `el:"wwnn"`
	WWPN      string `el:"wwpn"`
	FabricWWN string `el:"fabric_wwn"`
}

// CapVports are the virtual ports of a host.
type CapVports struct {
	Max    uint `el:"max_vports,empty"`
	Vports uint `el:"vports,empty"`
}

// CapSCSITarget is a SCSI target.
type CapSCSITarget struct {
	Target string       `el:"target"`
	Caps   []Capability `el:"capability"`
}

// CapRemotePort is a port of fibre channel elsewhere.
type CapRemotePort struct {
	RPort string `el:"rport"`
	WWPN  string `el:"wwpn"`
}

// CapSCSI is a SCSI unit.
type CapSCSI struct {
	Host   uint   `el:"host,empty"`
	Bus    uint   `el:"bus,empty"`
	Target uint   `el:"target,empty"`
	LUN    uint   `el:"lun,empty"`
	Type   string `el:"type"`
}

// CapStorage is a disk.
type CapStorage struct {
	Block            string       `el:"block"`
	Bus              string       `el:"bus"`
	DriveType        string       `el:"drive_type"`
	Model            string       `el:"model"`
	Vendor           string       `el:"vendor"`
	Serial           string       `el:"serial"`
	Removable        []Capability `el:"capability"`
	Size             *uint64      `el:"size"`
	LogicalBlockSize uint64       `el:"logical_block_size"`
	NumBlocks        uint64       `el:"num_blocks"`
}

// CapRemovable is what is in a drive.
type CapRemovable struct {
	MediaAvailable   uint   `el:"media_available,empty"`
	MediaSize        uint64 `el:"media_size,empty"`
	MediaLabel       string `el:"media_label"`
	LogicalBlockSize uint64 `el:"logical_block_size"`
	NumBlocks        uint64 `el:"num_blocks"`
}

// CapChar is a SCSI generic device.
type CapChar struct {
	Char string `el:"char"`
}

// CapDRM is a graphics device.
type CapDRM struct {
	Type string `el:"type" enum:"primary control render" unknown:"XML error: unknown drm type '%s' for '%N'"`
}

// CapMdev is a mediated device.
type CapMdev struct {
	Type       *MdevID     `el:"type" missing:"XML error: missing type id attribute for '%N'"`
	UUID       UUID        `el:"uuid" unknown:"XML error: Cannot parse uuid '%s' for '%N'"`
	ParentAddr string      `el:"parent_addr"`
	IOMMU      *IOMMUGroup `el:"iommuGroup"`
	Attrs      []MdevAttr  `el:"attr"`
}

// CheckNode gives the device a group.
func (c *CapMdev) CheckNode(*Node) error {
	if c.IOMMU == nil {
		c.IOMMU = &IOMMUGroup{}
	}
	return nil
}

// MdevID is a type of mediated devices.
type MdevID struct {
	ID string `el:"id,attr" missing:"XML error: missing type id attribute for '%N'"`
}

// MdevAttr is a setting of a mediated device.
type MdevAttr struct {
	Name  string `el:"name,attr"`
	Value string `el:"value,attr,empty"`
}

// CapMdevTypes are the types of mediated devices that a device can be.
type CapMdevTypes struct {
	Types []MdevType `el:"type"`
}

// MdevType is one of them.
type MdevType struct {
	ID        string `el:"id,attr"`
	Name      string `el:"name"`
	DeviceAPI string `el:"deviceAPI"`
	Available uint   `el:"availableInstances,empty"`
}

// CapCCW is a channel device, or a subchannel.
type CapCCW struct {
	State   string       `el:"state" enum:"online offline" unknown:"XML error: unknown ccw device state '%s' for '%N'"`
	CSSID   HexByte      `el:"cssid,empty"`
	SSID    HexByte      `el:"ssid,empty"`
	DevNo   HexWord      `el:"devno,empty"`
	Channel *ChannelAddr `el:"channel_dev_addr"`
	Caps    []Capability `el:"capability"`
}

// ChannelAddr is the device behind a subchannel.
type ChannelAddr struct {
	CSSID HexByte `el:"cssid,empty"`
	SSID  HexByte `el:"ssid,empty"`
	DevNo HexWord `el:"devno,empty"`
}

// HexByte and HexWord are numbers printed with 0x and as many digits as they
// need, or four.
type (
	HexByte uint32
	HexWord uint32
)

// ParseValue reads the number.
func (h *HexByte) ParseValue(text string) error {
	v, err := parseUint(text, 0, 32)
	*h = HexByte(v)
	return err
}

// FormatValue writes the number.
func (h *HexByte) FormatValue() string { return "0x" + strconv.FormatUint(uint64(*h), 16) }

// ParseValue reads the number.
func (h *HexWord) ParseValue(text string) error {
	v, err := parseUint(text, 0, 32)
	*h = HexWord(v)
	return err
}

// FormatValue writes the number.
func (h *HexWord) FormatValue() string { return hexText(uint64(*h), 4) }

// CapGroupMember says of which group a channel device is.
type CapGroupMember struct {
	GroupDevice string `el:"group_device"`
}

// CapCCWGroup are channel devices that work together.
type CapCCWGroup struct {
	State   string           `el:"state" enum:"online offline"`
	CSSID   HexByte          `el:"cssid,empty"`
	SSID    HexByte          `el:"ssid,empty"`
	DevNo   HexWord          `el:"devno,empty"`
	Members *CCWGroupMembers `el:"members"`
	Caps    []Capability     `el:"capability"`
}

// CCWGroupMembers are the devices of a group.
type CCWGroupMembers struct {
	Devices []CCWGroupMember `el:"ccw_device"`
}

// CCWGroupMember is one of them.
type CCWGroupMember struct {
	Ref  string `el:"ref,attr"`
	Name string `el:",text"`
}

// CapQeth is a network card of s390.
type CapQeth struct {
	CardType string `el:"card_type"`
	CHPID    string `el:"chpid"`
}

// CapVDPA is a device that speaks virtio.
type CapVDPA struct {
	CharDev string `el:"chardev"`
}

// CapAP is a cryptographic card, queue or matrix of s390.
type CapAP struct {
	Adapter *HexAP       `el:"ap-adapter"`
	Domain  *HexDomain   `el:"ap-domain"`
	Caps    []Capability `el:"capability"`
}

// HexAP and HexDomain are numbers of two and four hexadecimal digits.
type (
	HexAP     uint32
	HexDomain uint32
)

// ParseValue reads the number.
func (h *HexAP) ParseValue(text string) error {
	v, err := parseUint(text, 0, 32)
	*h = HexAP(v)
	return err
}

// FormatValue writes the number.
func (h *HexAP) FormatValue() string { return hexText(uint64(*h), 2) }

// ParseValue reads the number.
func (h *HexDomain) ParseValue(text string) error {
	v, err := parseUint(text, 0, 32)
	*h = HexDomain(v)
	return err
}

// FormatValue writes the number.
func (h *HexDomain) FormatValue() string { return hexText(uint64(*h), 4) }

// CapVPD are the vital product data of a PCI device.
type CapVPD struct {
	Name   string     `el:"name"`
	Fields []VPDField `el:"fields"`
}

// VPDField are fields that can be written, or not.
type VPDField struct {
	Access        string     `el:"access,attr" enum:"readonly readwrite"`
	ChangeLevel   string     `el:"change_level"`
	ManufactureID string     `el:"manufacture_id"`
	PartNumber    string     `el:"part_number"`
	SerialNumber  string     `el:"serial_number"`
	AssetTag      string     `el:"asset_tag"`
	Vendor        []VPDIndex `el:"vendor_field"`
	System        []VPDIndex `el:"system_field"`
}

// VPDIndex is a field with a letter.
type VPDIndex struct {
	Index string `el:"index,attr"`
	Text  string `el:",text"`
}
