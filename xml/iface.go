package xml

// Interface is a network card.
type Interface struct {
	Type          string            `xml:"type,attr" enum:"user ethernet vhostuser server client mcast network bridge internal direct hostdev udp vdpa null vds" unknown:"XML error: Invalid value for attribute 'type' in element 'interface': '%s'."`
	Managed       YesNo             `xml:"managed,attr"` // hostdev
	TrustGuest    YesNo             `xml:"trustGuestRxFilters,attr"`
	MAC           *MAC              `xml:"mac"`
	Source        *InterfaceSource  `xml:"source"`
	VLAN          *VLAN             `xml:"vlan"`
	VirtualPort   *VirtualPort      `xml:"virtualport"`
	Bandwidth     *Bandwidth        `xml:"bandwidth"`
	Port          *PortOptions      `xml:"port"`
	IPs           []InterfaceIP     `xml:"ip"`
	Routes        []Route           `xml:"route"`
	PortForwards  []PortForward     `xml:"portForward"`
	Script        *PathRef          `xml:"script"`
	DownScript    *PathRef          `xml:"downscript"`
	BackendDomain *BackendDomain    `xml:"backenddomain"`
	Target        *InterfaceTarget  `xml:"target"`
	Guest         *InterfaceGuest   `xml:"guest"`
	Model         *InterfaceModel   `xml:"model"`
	Driver        *InterfaceDriver  `xml:"driver"`
	Backend       *InterfaceBackend `xml:"backend"`
	FilterRef     *FilterRef        `xml:"filterref"`
	Tune          *InterfaceTune    `xml:"tune"`
	Teaming       *Teaming          `xml:"teaming"`
	Link          *Link             `xml:"link,bare"`
	MTU           *MTU              `xml:"mtu"`
	Coalesce      *Coalesce         `xml:"coalesce"`
	Boot          *BootOrder        `xml:"boot"`
	Alias         *Alias            `xml:"alias"`
	ACPI          *ACPIIndex        `xml:"acpi"`
	ROM           *ROM              `xml:"rom"`
	Address       *Address          `xml:"address"`
}

// MAC is an Ethernet address.
type MAC struct {
	Address string `xml:"address,attr"`
	Type    string `xml:"type,attr" enum:"generated static"`
	Check   YesNo  `xml:"check,attr"`
}

// InterfaceSource is the host's side. Which fields count depends on the type
// of the interface.
type InterfaceSource struct {
	Network      string          `xml:"network,attr"`
	PortGroup    string          `xml:"portgroup,attr"`
	PortID       string          `xml:"portid,attr"`
	Bridge       string          `xml:"bridge,attr"`
	Name         string          `xml:"name,attr"`     // internal
	SwitchID     string          `xml:"switchid,attr"` // vds
	PortGroupID  string          `xml:"portgroupid,attr"`
	ConnectionID string          `xml:"connectionid,attr"`
	Type         string          `xml:"type,attr"` // vhostuser
	Path         string          `xml:"path,attr"`
	Address      string          `xml:"address,attr"` // client, server, mcast, udp
	Port         string          `xml:"port,attr"`
	Dev          string          `xml:"dev,attr"`  // direct, vdpa, user with passt
	Mode         string          `xml:"mode,attr"` // direct: vepa private bridge passthrough; vhostuser: client server
	Local        *InterfaceLocal `xml:"local"`
	Reconnect    *CharReconnect  `xml:"reconnect"`
	PCI          *Address        `xml:"address"` // hostdev
	IPs          []InterfaceIP   `xml:"ip"`
	Routes       []Route         `xml:"route"`
}

// InterfaceLocal is the near end of a UDP tunnel.
type InterfaceLocal struct {
	Address string `xml:"address,attr"`
	Port    string `xml:"port,attr"`
}

// VLAN are the tags of an interface, a network or a port group.
type VLAN struct {
	Trunk YesNo     `xml:"trunk,attr"`
	Tags  []VLANTag `xml:"tag"`
}

// VLANTag is one tag.
type VLANTag struct {
	ID         uint   `xml:"id,attr,empty,required"`
	NativeMode string `xml:"nativeMode,attr" enum:"tagged untagged"`
}

// VirtualPort is what a switch must be told.
type VirtualPort struct {
	Type       string             `xml:"type,attr" enum:"none 802.1Qbg 802.1Qbh openvswitch midonet" unknown:"unsupported configuration: unknown virtualport type %s"`
	Parameters *VirtualPortParams `xml:"parameters"`
}

// VirtualPortParams are its numbers.
type VirtualPortParams struct {
	ManagerID     *uint  `xml:"managerid,attr"`
	TypeID        *uint  `xml:"typeid,attr"`
	TypeIDVersion *uint  `xml:"typeidversion,attr"`
	InstanceID    string `xml:"instanceid,attr"`
	InterfaceID   string `xml:"interfaceid,attr"`
	ProfileID     string `xml:"profileid,attr"`
}

// Bandwidth limits traffic.
type Bandwidth struct {
	ClassID  uint  `xml:"classID,attr"`
	Inbound  *Rate `xml:"inbound"`
	Outbound *Rate `xml:"outbound"`
}

// Rate is one direction's.
type Rate struct {
	Average uint64 `xml:"average,attr"`
	Peak    uint64 `xml:"peak,attr"`
	Floor   uint64 `xml:"floor,attr"`
	Burst   uint64 `xml:"burst,attr"`
}

// InterfaceIP is an address of the guest or of the host's end.
type InterfaceIP struct {
	Address string `xml:"address,attr,required"`
	Family  string `xml:"family,attr"`
	Prefix  uint   `xml:"prefix,attr"`
	Peer    string `xml:"peer,attr"`
}

// Route is a route of a guest, host or network.
type Route struct {
	Family  string `xml:"family,attr"`
	Address string `xml:"address,attr"`
	Netmask string `xml:"netmask,attr"`
	Prefix  *uint  `xml:"prefix,attr"`
	Gateway string `xml:"gateway,attr"`
	Metric  *uint  `xml:"metric,attr"`
}

// PortForward are ports of the host that lead to the guest.
type PortForward struct {
	Proto   string         `xml:"proto,attr,required" enum:"tcp udp"`
	Address string         `xml:"address,attr"`
	Dev     string         `xml:"dev,attr"`
	Ranges  []ForwardRange `xml:"range"`
}

// ForwardRange is a range of ports.
type ForwardRange struct {
	Start   uint  `xml:"start,attr,required,nonzero"`
	End     uint  `xml:"end,attr,nonzero"`
	To      uint  `xml:"to,attr,nonzero"`
	Exclude YesNo `xml:"exclude,attr"`
}

// InterfaceTarget is the device on the host.
type InterfaceTarget struct {
	Dev     string `xml:"dev,attr"`
	Managed YesNo  `xml:"managed,attr"`
}

// InterfaceGuest is the device in a container.
type InterfaceGuest struct {
	Dev    string `xml:"dev,attr"`
	Actual string `xml:"actual,attr"`
}

// InterfaceModel is the card's kind.
type InterfaceModel struct {
	Type string `xml:"type,attr"`
}

// InterfaceDriver are switches of virtio cards.
type InterfaceDriver struct {
	Name          string   `xml:"name,attr" enum:"qemu vhost"`
	TXMode        string   `xml:"txmode,attr" enum:"iothread timer"`
	IOEventFD     OnOff    `xml:"ioeventfd,attr"`
	EventIdx      OnOff    `xml:"event_idx,attr"`
	Queues        uint     `xml:"queues,attr"`
	RXQueueSize   uint     `xml:"rx_queue_size,attr"`
	TXQueueSize   uint     `xml:"tx_queue_size,attr"`
	RSS           OnOff    `xml:"rss,attr"`
	RSSHashReport OnOff    `xml:"rss_hash_report,attr"`
	IOMMU         OnOff    `xml:"iommu,attr"`
	ATS           OnOff    `xml:"ats,attr"`
	Packed        OnOff    `xml:"packed,attr"`
	PagePerVQ     OnOff    `xml:"page_per_vq,attr"`
	Host          *Offload `xml:"host"`
	Guest         *Offload `xml:"guest"`
}

// Offload is work that is left to the other side.
type Offload struct {
	CSum     OnOff `xml:"csum,attr"`
	GSO      OnOff `xml:"gso,attr"`
	TSO4     OnOff `xml:"tso4,attr"`
	TSO6     OnOff `xml:"tso6,attr"`
	ECN      OnOff `xml:"ecn,attr"`
	UFO      OnOff `xml:"ufo,attr"`
	MrgRxBuf OnOff `xml:"mrg_rxbuf,attr"`
}

// InterfaceBackend is what moves the packets on the host.
type InterfaceBackend struct {
	Type     string `xml:"type,attr" enum:"default passt"`
	Tap      string `xml:"tap,attr"`
	Vhost    string `xml:"vhost,attr"`
	LogFile  string `xml:"logFile,attr"`
	Hostname string `xml:"hostname,attr"`
	FQDN     string `xml:"fqdn,attr"`
}

// FilterRef names a network filter.
type FilterRef struct {
	Filter     string        `xml:"filter,attr"`
	Parameters []FilterParam `xml:"parameter"`
}

// FilterParam is a variable of the filter.
type FilterParam struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

// InterfaceTune are settings of the tap device.
type InterfaceTune struct {
	SndBuf *uint64 `xml:"sndbuf"`
}

// Teaming pairs a card that can migrate with one that cannot.
type Teaming struct {
	Type       string `xml:"type,attr,required" enum:"persistent transient"`
	Persistent string `xml:"persistent,attr"`
}

// Link is the cable.
type Link struct {
	State string `xml:"state,attr" enum:"up down default" unknown:"unsupported configuration: unknown interface link state '%s'"`
}

// MTU is the largest packet.
type MTU struct {
	Size uint `xml:"size,attr"`
}

// Coalesce gathers packets into one interrupt.
type Coalesce struct {
	RX *CoalesceRX `xml:"rx"`
}

// CoalesceRX is that of received packets.
type CoalesceRX struct {
	Frames *CoalesceFrames `xml:"frames"`
}

// CoalesceFrames are the limits.
type CoalesceFrames struct {
	Max *uint `xml:"max,attr"`
}

// PortOptions are a bridge port's.
type PortOptions struct {
	Isolated YesNo `xml:"isolated,attr"`
}
