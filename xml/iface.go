package xml

import (
	"slices"
	"strings"
)

// Interface is a network card.
type Interface struct {
	Type          string            `el:"type,attr" enum:"user ethernet vhostuser server client mcast network bridge internal direct hostdev udp vdpa null vds" unknown:"XML error: Invalid value for attribute 'type' in element 'interface': '%s'."`
	Managed       string            `el:"managed,attr" like:"yes|no"` // hostdev
	TrustGuest    YesNo             `el:"trustGuestRxFilters,attr"`
	MAC           *MAC              `el:"mac"`
	Source        *InterfaceSource  `el:"source"`
	VLAN          *VLAN             `el:"vlan"`
	VirtualPort   *VirtualPort      `el:"virtualport"`
	Bandwidth     *Bandwidth        `el:"bandwidth"`
	Port          *PortOptions      `el:"port"`
	IPs           []InterfaceIP     `el:"ip"`
	Routes        []Route           `el:"route"`
	PortForwards  []PortForward     `el:"portForward"`
	Script        *PathRef          `el:"script"`
	DownScript    *PathRef          `el:"downscript"`
	BackendDomain *BackendDomain    `el:"backenddomain"`
	Target        *InterfaceTarget  `el:"target"`
	Guest         *InterfaceGuest   `el:"guest"`
	Model         *InterfaceModel   `el:"model"`
	Driver        *InterfaceDriver  `el:"driver"`
	Backend       *InterfaceBackend `el:"backend"`
	FilterRef     *FilterRef        `el:"filterref"`
	Tune          *InterfaceTune    `el:"tune"`
	Teaming       *Teaming          `el:"teaming"`
	Link          *Link             `el:"link,bare"`
	MTU           *MTU              `el:"mtu"`
	Coalesce      *Coalesce         `el:"coalesce"`
	Boot          *BootOrder        `el:"boot"`
	Alias         *Alias            `el:"alias"`
	ROM           *ROM              `el:"rom"`
	ACPI          *ACPIIndex        `el:"acpi"`
	Address       *Address          `el:"address"`
}

// MAC is an Ethernet address.
type MAC struct {
	Address string `el:"address,attr,wanted" like:"[a-fA-F0-9][02468aAcCeE](:[a-fA-F0-9]{2}){5}"`
	Type    string `el:"type,attr" enum:"generated static"`
	Check   YesNo  `el:"check,attr"`
}

// InterfaceSource is the host's side. Which fields count depends on the type
// of the interface.
type InterfaceSource struct {
	Network      string          `el:"network,attr"`
	PortGroup    string          `el:"portgroup,attr"`
	SwitchID     string          `el:"switchid,attr"` // vds
	PortID       string          `el:"portid,attr"`   // network, vds
	Bridge       string          `el:"bridge,attr"`
	Name         string          `el:"name,attr"` // internal
	PortGroupID  string          `el:"portgroupid,attr"`
	ConnectionID string          `el:"connectionid,attr"`
	Type         string          `el:"type,attr"` // vhostuser
	Path         string          `el:"path,attr"`
	Address      string          `el:"address,attr"` // client, server, mcast, udp
	Port         string          `el:"port,attr"`
	Dev          string          `el:"dev,attr"`  // direct, vdpa, user with passt
	Mode         string          `el:"mode,attr"` // direct: vepa private bridge passthrough; vhostuser: client server
	Local        *InterfaceLocal `el:"local"`
	Reconnect    *CharReconnect  `el:"reconnect"`
	PCI          *Address        `el:"address"` // hostdev
	IPs          []InterfaceIP   `el:"ip"`
	Routes       []Route         `el:"route"`
}

// DecodeNode reads the source.
func (s *InterfaceSource) DecodeNode(n *Node) error {
	err := DecodeFields(n, s)
	if s.PCI != nil {
		s.PCI.host = true
	}
	return err
}

// InterfaceLocal is the near end of a UDP tunnel.
type InterfaceLocal struct {
	Address string `el:"address,attr"`
	Port    string `el:"port,attr"`
}

// VLAN are the tags of an interface, a network or a port group.
type VLAN struct {
	Trunk string    `el:"trunk,attr" enum:"yes no" unknown:"XML error: invalid \"trunk='%s'\" in <vlan> - must be yes or no"`
	Tags  []VLANTag `el:"tag"`
}

// VLANTag is one tag.
type VLANTag struct {
	ID         uint   `el:"id,attr,empty,required"`
	NativeMode string `el:"nativeMode,attr" enum:"tagged untagged"`
}

// VirtualPort is what a switch must be told.
type VirtualPort struct {
	Type       string             `el:"type,attr" enum:"none 802.1Qbg 802.1Qbh openvswitch midonet" unknown:"unsupported configuration: unknown virtualport type %s"`
	Parameters *VirtualPortParams `el:"parameters"`
}

// VirtualPortParams are its numbers.
type VirtualPortParams struct {
	ManagerID     *uint8 `el:"managerid,attr" unknown:"XML error: value of managerid out of range"`
	TypeID        *uint  `el:"typeid,attr" unknown:"XML error: value for typeid out of range"`
	TypeIDVersion *uint8 `el:"typeidversion,attr" unknown:"XML error: value of typeidversion out of range"`
	InstanceID    UUID   `el:"instanceid,attr" unknown:"XML error: cannot parse instanceid parameter as a uuid"`
	InterfaceID   UUID   `el:"interfaceid,attr" unknown:"XML error: cannot parse interfaceid parameter as a uuid"`
	ProfileID     string `el:"profileid,attr"`
}

// Bandwidth limits traffic.
type Bandwidth struct {
	_        struct{} `root:",pair"`
	ClassID  *uint    `el:"classID,attr"`
	Inbound  *Rate    `el:"inbound"`
	Outbound *Rate    `el:"outbound"`
}

// Rate is one direction's.
type Rate struct {
	Average uint64 `el:"average,attr"`
	Peak    uint64 `el:"peak,attr"`
	Floor   uint64 `el:"floor,attr"`
	Burst   uint64 `el:"burst,attr"`
}

// InterfaceIP is an address of the guest or of the host's end.
type InterfaceIP struct {
	Address string `el:"address,attr,wanted" missing:"XML error: Missing required address in <ip>"`
	Family  string `el:"family,attr"`
	Prefix  uint   `el:"prefix,attr"`
	Peer    string `el:"peer,attr"`
}

// Route is a route of a guest, host or network.
type Route struct {
	Family  string `el:"family,attr"`
	Address string `el:"address,attr"`
	Netmask string `el:"netmask,attr"`
	Prefix  *uint  `el:"prefix,attr"`
	Gateway string `el:"gateway,attr"`
	Metric  *uint  `el:"metric,attr"`
}

// PortForward are ports of the host that lead to the guest.
type PortForward struct {
	Proto   string         `el:"proto,attr,required" enum:"tcp udp"`
	Address string         `el:"address,attr"`
	Dev     string         `el:"dev,attr"`
	Ranges  []ForwardRange `el:"range"`
}

// ForwardRange is a range of ports.
type ForwardRange struct {
	Start   uint  `el:"start,attr,required,nonzero"`
	End     uint  `el:"end,attr,nonzero"`
	To      uint  `el:"to,attr,nonzero"`
	Exclude YesNo `el:"exclude,attr"`
}

// InterfaceTarget is the device on the host.
type InterfaceTarget struct {
	Dev     string `el:"dev,attr,wanted"`
	Managed YesNo  `el:"managed,attr"`
}

// InterfaceGuest is the device in a container.
type InterfaceGuest struct {
	Dev    string `el:"dev,attr"`
	Actual string `el:"actual,attr"`
}

// InterfaceModel is the card's kind.
type InterfaceModel struct {
	Type string `el:"type,attr"`
}

// InterfaceDriver are switches of virtio cards.
type InterfaceDriver struct {
	Name          string   `el:"name,attr"`
	TXMode        string   `el:"txmode,attr" enum:"iothread timer"`
	IOEventFD     OnOff    `el:"ioeventfd,attr"`
	EventIdx      OnOff    `el:"event_idx,attr"`
	Queues        uint     `el:"queues,attr"`
	RXQueueSize   uint     `el:"rx_queue_size,attr"`
	TXQueueSize   uint     `el:"tx_queue_size,attr"`
	RSS           OnOff    `el:"rss,attr"`
	RSSHashReport OnOff    `el:"rss_hash_report,attr"`
	IOMMU         OnOff    `el:"iommu,attr"`
	ATS           OnOff    `el:"ats,attr"`
	Packed        OnOff    `el:"packed,attr"`
	PagePerVQ     OnOff    `el:"page_per_vq,attr"`
	Host          *Offload `el:"host"`
	Guest         *Offload `el:"guest"`
}

// Offload is work that is left to the other side.
type Offload struct {
	CSum     OnOff `el:"csum,attr"`
	GSO      OnOff `el:"gso,attr"`
	TSO4     OnOff `el:"tso4,attr"`
	TSO6     OnOff `el:"tso6,attr"`
	ECN      OnOff `el:"ecn,attr"`
	UFO      OnOff `el:"ufo,attr"`
	MrgRxBuf OnOff `el:"mrg_rxbuf,attr"`
}

// InterfaceBackend is what moves the packets on the host.
type InterfaceBackend struct {
	Type     string `el:"type,attr" enum:"default passt"`
	Tap      string `el:"tap,attr"`
	Vhost    string `el:"vhost,attr"`
	LogFile  string `el:"logFile,attr"`
	Hostname string `el:"hostname,attr"`
	FQDN     string `el:"fqdn,attr"`
}

// FilterRef names a network filter.
type FilterRef struct {
	Filter     string        `el:"filter,attr,empty"`
	Parameters []FilterParam `el:"parameter"`
}

// FilterParam is a variable of the filter.
type FilterParam struct {
	Name  string `el:"name,attr,empty"`
	Value string `el:"value,attr"`
}

// DecodeNode reads the reference. It drops variables of a form that no filter could use,
// and puts the others in order of their names; several with one name are a list.
func (f *FilterRef) DecodeNode(n *Node) error {
	if err := DecodeFields(n, f); err != nil {
		return err
	}
	if _, ok := n.Attr("filter"); !ok {
		return errVoid
	}
	f.Parameters = nil
	for _, c := range n.Children {
		name, named := c.Attr("name")
		value, _ := c.Attr("value")
		if c.IsElement() && c.Name == "parameter" && named && only(name, "_") && value != "" && only(value, "_.:") {
			f.Parameters = append(f.Parameters, FilterParam{name, value})
		}
	}
	slices.SortStableFunc(f.Parameters, func(a, b FilterParam) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// InterfaceTune are settings of the tap device.
type InterfaceTune struct {
	SndBuf *uint64 `el:"sndbuf" unknown:"XML error: sndbuf must be a positive integer"`
}

// Teaming pairs a card that can migrate with one that cannot.
type Teaming struct {
	Type       string `el:"type,attr" enum:"persistent transient" unknown:"unsupported configuration: unknown teaming type '%s'"`
	Persistent string `el:"persistent,attr"`
}

// DecodeNode reads it; without a word it is as good as absent.
func (t *Teaming) DecodeNode(n *Node) error {
	kind, _ := n.Attr("type")
	persistent, _ := n.Attr("persistent")
	switch {
	case kind == "" && persistent == "":
		return errVoid
	case kind == "":
		return Errorf(CodeConfigUnsupported, "unknown teaming type '(null)'")
	}
	return DecodeFields(n, t)
}

// Link is the cable.
type Link struct {
	State string `el:"state,attr" enum:"up down default" unknown:"unsupported configuration: unknown interface link state '%s'"`
}

// MTU is the largest packet.
type MTU struct {
	Size uint `el:"size,attr"`
}

// Coalesce gathers packets into one interrupt.
type Coalesce struct {
	RX *CoalesceRX `el:"rx"`
}

// CoalesceRX is that of received packets.
type CoalesceRX struct {
	Frames *CoalesceFrames `el:"frames"`
}

// CoalesceFrames are the limits.
type CoalesceFrames struct {
	Max *uint `el:"max,attr"`
}

// PortOptions are a bridge port's.
type PortOptions struct {
	Isolated YesNo `el:"isolated,attr"`
}
