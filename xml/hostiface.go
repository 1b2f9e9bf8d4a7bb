package xml

// HostInterface is a network interface of the host.
type HostInterface struct {
	_         struct{}       `root:"interface,pair"`
	Type      string         `el:"type,attr,order=1,required" enum:"ethernet bridge bond vlan"`
	Name      string         `el:"name,attr,order=2,empty" missing:"XML error: interface has no name"`
	Start     *HostStart     `el:"start"`
	MTU       *HostMTU       `el:"mtu"`
	Protocols []HostProtocol `el:"protocol"`
	Link      *HostLink      `el:"link"`
	MAC       *HostMAC       `el:"mac"`
	Bridge    *HostBridge    `el:"bridge"`
	Bond      *HostBond      `el:"bond"`
	VLAN      *HostVLAN      `el:"vlan"`
}

// HostStart says when the interface comes up.
type HostStart struct {
	Mode string `el:"mode,attr" enum:"none onboot hotplug" unknown:"XML error: unknown interface startmode %s"`
}

// HostMTU is the largest packet.
type HostMTU struct {
	Size uint `el:"size,attr"`
}

// CheckNode refuses a packet that no interface has.
func (m *HostMTU) CheckNode(*Node) error {
	if m.Size > 100000 {
		return Errorf(CodeXML, "value of the 'size' attribute of 'mtu' element must be at most 100000")
	}
	return nil
}

// HostMAC is an Ethernet address, as written.
type HostMAC struct {
	Address string `el:"address,attr"`
}

// HostLink is the state of the cable.
type HostLink struct {
	Speed uint   `el:"speed,attr"`
	State string `el:"state,attr" enum:"unknown notpresent down lowerlayerdown testing dormant up"`
}

// HostProtocol are the addresses of a family.
type HostProtocol struct {
	_        struct{}   `root:"protocol,pair"`
	Family   string     `el:"family,attr" enum:"ipv4 ipv6" unknown:"XML error: unsupported protocol family '%s'" missing:"XML error: protocol misses the family attribute"`
	Autoconf bool       `el:"autoconf"`
	DHCP     *HostDHCP  `el:"dhcp,bare"`
	IPs      []HostIP   `el:"ip"`
	Route    *HostRoute `el:"route"`
}

// HostDHCP has the addresses asked for.
type HostDHCP struct {
	PeerDNS YesNo `el:"peerdns,attr"`
}

// HostIP is an address.
type HostIP struct {
	Address string `el:"address,attr"`
	Prefix  int32  `el:"prefix,attr"`
}

// HostRoute is the way to others.
type HostRoute struct {
	Gateway string `el:"gateway,attr"`
}

// HostBridge joins interfaces.
type HostBridge struct {
	_          struct{}        `root:"bridge,pair"`
	STP        string          `el:"stp,attr"` // on or off; another word is none
	Delay      string          `el:"delay,attr"`
	Interfaces []HostInterface `el:"interface"`
}

// HostBond makes one interface of several.
type HostBond struct {
	_          struct{}        `root:"bond,pair"`
	Mode       string          `el:"mode,attr" enum:"balance-rr active-backup balance-xor broadcast 802.3ad balance-tlb balance-alb" unknown:"XML error: unknown bonding mode %s"`
	MIIMon     *MIIMon         `el:"miimon"`
	ARPMon     *ARPMon         `el:"arpmon"`
	Interfaces []HostInterface `el:"interface"`
}

// MIIMon watches the links of a bond.
type MIIMon struct {
	Freq      int32  `el:"freq,attr,empty" missing:"XML error: bond interface miimon freq missing or invalid" unknown:"XML error: bond interface miimon freq missing or invalid"`
	DownDelay int32  `el:"downdelay,attr" unknown:"XML error: bond interface miimon downdelay invalid"`
	UpDelay   int32  `el:"updelay,attr" unknown:"XML error: bond interface miimon updelay invalid"`
	Carrier   string `el:"carrier,attr" enum:"ioctl netif" unknown:"XML error: unknown mii bonding carrier %s"`
}

// ARPMon watches the links of a bond by asking for an address.
type ARPMon struct {
	Interval int32  `el:"interval,attr,empty" missing:"XML error: bond interface arpmon interval missing or invalid" unknown:"XML error: bond interface arpmon interval missing or invalid"`
	Target   string `el:"target,attr,filled" missing:"XML error: bond interface arpmon target missing"`
	Validate string `el:"validate,attr" enum:"none active backup all" unknown:"XML error: unknown arp bonding validate %s"`
}

// HostVLAN is a part of another interface.
type HostVLAN struct {
	Tag       string        `el:"tag,attr,filled" missing:"XML error: vlan interface misses the tag attribute"`
	Interface *HostVLANBase `el:"interface" missing:"XML error: vlan interface misses name attribute"`
}

// HostVLANBase is the interface that a VLAN is a part of.
type HostVLANBase struct {
	Name string `el:"name,attr,filled" missing:"XML error: vlan interface misses name attribute"`
}
