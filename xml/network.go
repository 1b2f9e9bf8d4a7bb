package xml

// Network is a virtual network of the host.
type Network struct {
	_            struct{}        `root:"network"`
	DnsmasqSpace string          `el:"xmlns:dnsmasq,attr"`
	Connections  LiveCount       `el:"connections,attr"` // live
	IPv6         YesNo           `el:"ipv6,attr" unknown:"XML error: Invalid ipv6 setting '%s' in network '%N'"`
	TrustGuest   YesNo           `el:"trustGuestRxFilters,attr"`
	Name         string          `el:"name,order=1,filled" missing:"missing name information"`
	UUID         UUID            `el:"uuid,order=2" unknown:"internal error: malformed uuid element"`
	Title        string          `el:"title,order=3"`
	Description  string          `el:"description"`
	Metadata     *Metadata       `el:"metadata"`
	Forward      *Forward        `el:"forward,bare"`
	Bridge       *Bridge         `el:"bridge,order=4"`
	MTU          *NetworkMTU     `el:"mtu"`
	MAC          *NetworkMAC     `el:"mac"`
	Domain       *NetworkDomain  `el:"domain"`
	DNS          *DNS            `el:"dns,order=5"`
	VLAN         *VLAN           `el:"vlan"`
	Bandwidth    *Bandwidth      `el:"bandwidth"`
	Port         *PortOptions    `el:"port"`
	IPs          []NetworkIP     `el:"ip"`
	Routes       []NetworkRoute  `el:"route"`
	VirtualPort  *VirtualPort    `el:"virtualport,bare"`
	PortGroups   []PortGroup     `el:"portgroup"`
	Dnsmasq      *DnsmasqOptions `el:"dnsmasq:options"`
}

// dnsmasqSpace is the namespace of what is passed to dnsmasq as it stands.
const dnsmasqSpace = "http://libvirt.org/schemas/network/dnsmasq/1.0"

// DecodeNode reads the definition.
func (d *Network) DecodeNode(n *Node) error {
	err := DecodeFields(n.ours(dnsmasqSpace, "dnsmasq:"), d)
	if d.Dnsmasq != nil {
		d.DnsmasqSpace = dnsmasqSpace
	}
	return err
}

// LiveCount is a number that only a running object has: what is read is
// passed over.
type LiveCount uint

// ParseValue reads nothing.
func (c *LiveCount) ParseValue(string) error { return nil }

// FormatValue is the number.
func (c *LiveCount) FormatValue() string { return utoa(uint(*c)) }

// Forward is how the network reaches others.
type Forward struct {
	Dev        string         `el:"dev,attr"`
	Mode       string         `el:"mode,attr,blank" enum:"none nat route bridge private vepa passthrough hostdev open" unknown:"unsupported configuration: unknown forwarding type '%s'"`
	Managed    string         `el:"managed,attr"`
	Driver     *HostdevDriver `el:"driver"`
	PFs        []ForwardDev   `el:"pf"`
	NATs       []NAT          `el:"nat"`
	Interfaces []ForwardDev   `el:"interface"`
	Addresses  []Address      `el:"address"`
}

// ForwardDev is a card to go out by, or one with virtual functions.
type ForwardDev struct {
	Dev          string    `el:"dev,attr"`
	DnsmasqSpace string    `el:"xmlns:dnsmasq,attr"`
	Connections  LiveCount `el:"connections,attr"`
}

// NAT are the addresses and ports that guests appear with.
type NAT struct {
	IPv6      YesNo        `el:"ipv6,attr"`
	Addresses []NATAddress `el:"address"`
	Ports     []PortRange  `el:"port"`
}

// NATAddress is a range of IPv4 addresses.
type NATAddress struct {
	Start IP `el:"start,attr,filled" missing:"XML error: missing 'start' attribute in <address> element in <nat> in <forward> in network %N" unknown:"XML error: Bad ipv4 start address '%s' in <nat> in <forward> in network '%N'"`
	End   IP `el:"end,attr,filled" missing:"XML error: missing 'end' attribute in <address> element in <nat> in <forward> in network %N" unknown:"XML error: Bad ipv4 end address '%s' in <nat> in <forward> in network '%N'"`
}

// IPRange is a range of addresses.
type IPRange struct {
	Start IP       `el:"start,attr" missing:"XML error: Missing 'start' attribute in dhcp range for network '%N'" unknown:"Cannot parse socket address '%s': Name or service not known"`
	End   IP       `el:"end,attr" missing:"XML error: Missing 'end' attribute in dhcp range for network '%N'" unknown:"Cannot parse socket address '%s': Name or service not known"`
	Lease *IPLease `el:"lease"`
}

// IPLease is how long an address is lent; 0 is for ever.
type IPLease struct {
	Expiry *uint64 `el:"expiry,attr"`
	Unit   string  `el:"unit,attr" enum:"seconds minutes hours"`
}

// PortRange is a range of ports.
type PortRange struct {
	Start uint16 `el:"start,attr" missing:"Missing or invalid 'start' attribute in <port> in <nat> in <forward> in network %N" unknown:"Missing or invalid 'start' attribute in <port> in <nat> in <forward> in network %N"`
	End   uint16 `el:"end,attr" missing:"Missing or invalid 'end' attribute in <port> in <nat> in <forward> in network %N" unknown:"Missing or invalid 'end' attribute in <port> in <nat> in <forward> in network %N"`
}

// Bridge is the network's bridge on the host.
type Bridge struct {
	Name            string  `el:"name,attr"`
	Zone            string  `el:"zone,attr"`
	STP             string  `el:"stp,attr"` // on, if it is not off
	Delay           *uint64 `el:"delay,attr" unknown:"XML error: Invalid delay value in network '%N'"`
	MACTableManager string  `el:"macTableManager,attr" enum:"kernel libvirt" unknown:"XML error: Invalid macTableManager setting '%s' in network '%N'"`
}

// NetworkMTU is the largest packet.
type NetworkMTU struct {
	Size uint `el:"size,attr" unknown:"XML error: Invalid mtu size '%s' in network '%N'"`
}

// NetworkMAC is the bridge's Ethernet address.
type NetworkMAC struct {
	Address MACAddress `el:"address,attr" unknown:"XML error: Invalid bridge mac address '%s' in network '%N'"`
}

// NetworkDomain is the network's DNS domain.
type NetworkDomain struct {
	Name      *string `el:"name,attr"`
	LocalOnly YesNo   `el:"localOnly,attr"`
	Register  YesNo   `el:"register,attr"`
}

// DNS is what the network's name server answers.
type DNS struct {
	Enable            YesNo          `el:"enable,attr"`
	ForwardPlainNames YesNo          `el:"forwardPlainNames,attr"`
	Forwarders        []DNSForwarder `el:"forwarder"`
	TXTs              []DNSTXT       `el:"txt"`
	SRVs              []DNSSRV       `el:"srv"`
	Hosts             []DNSHost      `el:"host"`
}

// DNSForwarder is a server that is asked for others.
type DNSForwarder struct {
	Domain *string `el:"domain,attr"`
	Addr   IP      `el:"addr,attr" unknown:"XML error: Invalid forwarder IP address '%s' in network '%N'"`
}

// DNSTXT is a TXT record.
type DNSTXT struct {
	_     struct{} `root:"txt"`
	Name  string   `el:"name,attr,empty" missing:"missing required name attribute in DNS TXT record of network %N"`
	Value string   `el:"value,attr,empty" missing:"missing required value attribute in DNS TXT record named '%{name}' of network %N"`
}

// DNSSRV is a SRV record.
type DNSSRV struct {
	_        struct{} `root:"srv"`
	Service  string   `el:"service,attr,empty" missing:"missing required service attribute in DNS SRV record of network '%N'"`
	Protocol string   `el:"protocol,attr,empty" missing:"missing required protocol attribute in DNS SRV record '%{service}' of network '%N'"`
	Domain   *string  `el:"domain,attr"`
	Target   *string  `el:"target,attr"`
	Port     *uint16  `el:"port,attr" unknown:"invalid DNS SRV port attribute for service '%{service}' in network '%N'"`
	Priority *uint16  `el:"priority,attr" unknown:"Invalid DNS SRV priority attribute for service '%{service}' in network '%N'"`
	Weight   *uint16  `el:"weight,attr" unknown:"invalid DNS SRV weight attribute for service '%{service}' in network '%N'"`
}

// DNSHost is an address with its names.
type DNSHost struct {
	_         struct{} `root:"host"`
	IP        IP       `el:"ip,attr" unknown:"Invalid IP address in network '%N' DNS HOST record"`
	Hostnames []string `el:"hostname"`
}

// NetworkIP is an address of the host in the network.
type NetworkIP struct {
	_        struct{} `root:",pair"`
	Family   string   `el:"family,attr"`
	Address  IP       `el:"address,attr" missing:"XML error: Missing required address attribute in network '%N'" unknown:"XML error: Invalid address '%s' in network '%N'"`
	Netmask  IP       `el:"netmask,attr,blank" unknown:"XML error: Invalid netmask '%s' in network '%N'"`
	Prefix   uint     `el:"prefix,attr"`
	LocalPtr YesNo    `el:"localPtr,attr"`
	TFTP     *TFTP    `el:"tftp"`
	DHCP     *DHCP    `el:"dhcp"`
}

// TFTP is a folder served to guests.
type TFTP struct {
	Root string `el:"root,attr"`
}

// DHCP are the addresses lent to guests.
type DHCP struct {
	Ranges []IPRange  `el:"range"`
	Hosts  []DHCPHost `el:"host"`
	BootP  *BootP     `el:"bootp"`
}

// DHCPHost is a guest that always gets the same address.
type DHCPHost struct {
	_     struct{} `root:"host"`
	MAC   string   `el:"mac,attr"`
	ID    string   `el:"id,attr"`
	Name  string   `el:"name,attr"`
	IP    IP       `el:"ip,attr" unknown:"XML error: Invalid IP address in static host definition for network '%N'"`
	Lease *IPLease `el:"lease"`
}

// BootP is what guests boot from.
type BootP struct {
	File   string `el:"file,attr,required"`
	Server IP     `el:"server,attr" unknown:"Cannot parse socket address '%s': Name or service not known"`
}

// NetworkRoute is a route of the host into the network.
type NetworkRoute struct {
	Family  string `el:"family,attr"`
	Address IP     `el:"address,attr" missing:"XML error: %N: Missing required address attribute in route definition" unknown:"XML error: %N: Bad network address '%s' in route definition"`
	Netmask IP     `el:"netmask,attr,blank" unknown:"XML error: %N: Bad netmask address '%s' in route definition"`
	Prefix  *uint  `el:"prefix,attr"`
	Gateway IP     `el:"gateway,attr" missing:"XML error: %N: Missing required gateway attribute in route definition" unknown:"XML error: %N: Bad gateway address '%s' in route definition"`
	Metric  uint32 `el:"metric,attr,nonzero"`
}

// PortGroup is a class of connections.
type PortGroup struct {
	_           struct{}     `root:"portgroup,pair"`
	Name        string       `el:"name,attr,filled" missing:"XML error: Missing required name attribute in portgroup"`
	Default     string       `el:"default,attr"`
	TrustGuest  YesNo        `el:"trustGuestRxFilters,attr"`
	VLAN        *VLAN        `el:"vlan"`
	VirtualPort *VirtualPort `el:"virtualport,bare"`
	Bandwidth   *Bandwidth   `el:"bandwidth"`
}

// DnsmasqOptions are passed to dnsmasq as they stand.
type DnsmasqOptions struct {
	Options []DnsmasqOption `el:"dnsmasq:option"`
}

// DnsmasqOption is one line.
type DnsmasqOption struct {
	Value string `el:"value,attr"`
}

// NetworkPort is a connection to a network.
type NetworkPort struct {
	_           struct{}          `root:"networkport"`
	UUID        UUID              `el:"uuid" unknown:"internal error: malformed uuid element"`
	Owner       *NetworkPortOwner `el:"owner"`
	MAC         *NetworkPortMAC   `el:"mac"`
	Group       string            `el:"group"`
	RXFilters   *RXFilters        `el:"rxfilters"`
	VirtualPort *VirtualPort      `el:"virtualport,bare"`
	VLAN        *VLAN             `el:"vlan"`
	Bandwidth   *Bandwidth        `el:"bandwidth"`
	Port        *PortOptions      `el:"port"`
	Plug        *Plug             `el:"plug"`
}

// NetworkPortOwner is the domain that a port belongs to.
type NetworkPortOwner struct {
	Name string `el:"name" missing:"XML error: Missing network port owner name"`
	UUID UUID   `el:"uuid" missing:"XML error: Missing network port owner UUID" unknown:"XML error: Unable to parse UUID '%s'"`
}

// NetworkPortMAC is the guest's Ethernet address.
type NetworkPortMAC struct {
	Address MACAddress `el:"address,attr" missing:"XML error: Missing network port MAC" unknown:"XML error: Unable to parse MAC '%s'"`
}

// RXFilters tells whether the guest may change its filters.
type RXFilters struct {
	TrustGuest YesNo `el:"trustGuest,attr"`
}

// Plug is what the port is plugged into on the host.
type Plug struct {
	Type            string         `el:"type,attr,required" enum:"none network bridge direct hostdev-pci"`
	Bridge          string         `el:"bridge,attr"`
	MACTableManager string         `el:"macTableManager,attr" enum:"kernel libvirt"`
	Dev             string         `el:"dev,attr"`
	Mode            string         `el:"mode,attr" enum:"vepa private bridge passthrough"`
	Managed         YesNo          `el:"managed,attr"`
	Driver          *HostdevDriver `el:"driver"`
	Address         *Address       `el:"address"`
}
