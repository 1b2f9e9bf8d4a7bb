package xml

// Network is a virtual network of the host.
type Network struct {
	_           struct{}        `root:"network"`
	Connections uint            `xml:"connections,attr"` // live
	IPv6        YesNo           `xml:"ipv6,attr"`
	TrustGuest  YesNo           `xml:"trustGuestRxFilters,attr"`
	Name        string          `xml:"name" missing:"missing name information"`
	UUID        string          `xml:"uuid"`
	Title       string          `xml:"title"`
	Description string          `xml:"description"`
	Metadata    *Metadata       `xml:"metadata"`
	Forward     *Forward        `xml:"forward,bare"`
	Bridge      *Bridge         `xml:"bridge"`
	MTU         *MTU            `xml:"mtu"`
	MAC         *NetworkMAC     `xml:"mac"`
	Domain      *NetworkDomain  `xml:"domain"`
	DNS         *DNS            `xml:"dns,bare"`
	VLAN        *VLAN           `xml:"vlan"`
	Bandwidth   *Bandwidth      `xml:"bandwidth"`
	Port        *PortOptions    `xml:"port"`
	IPs         []NetworkIP     `xml:"ip"`
	Routes      []Route         `xml:"route"`
	VirtualPort *VirtualPort    `xml:"virtualport"`
	PortGroups  []PortGroup     `xml:"portgroup"`
	Dnsmasq     *DnsmasqOptions `xml:"dnsmasq:options"`
}

// Forward is how the network reaches others.
type Forward struct {
	Dev        string         `xml:"dev,attr"`
	Mode       string         `xml:"mode,attr" enum:"none nat route bridge private vepa passthrough hostdev open" unknown:"XML error: unknown forwarding type '%s'"`
	Managed    YesNo          `xml:"managed,attr"`
	Driver     *HostdevDriver `xml:"driver"`
	PFs        []ForwardPF    `xml:"pf"`
	NAT        *NAT           `xml:"nat"`
	Interfaces []ForwardDev   `xml:"interface"`
	Addresses  []Address      `xml:"address"`
}

// ForwardPF is a card with virtual functions.
type ForwardPF struct {
	Dev         string `xml:"dev,attr"`
	Connections uint   `xml:"connections,attr"`
}

// ForwardDev is a card to go out by.
type ForwardDev struct {
	Dev         string `xml:"dev,attr"`
	Connections uint   `xml:"connections,attr"`
}

// NAT are the addresses and ports that guests appear with.
type NAT struct {
	IPv6      YesNo       `xml:"ipv6,attr"`
	Addresses []IPRange   `xml:"address"`
	Ports     []PortRange `xml:"port"`
}

// IPRange is a range of addresses.
type IPRange struct {
	Start string   `xml:"start,attr"`
	End   string   `xml:"end,attr"`
	Lease *IPLease `xml:"lease"`
}

// IPLease is how long an address is lent.
type IPLease struct {
	Expiry string `xml:"expiry,attr"`
	Unit   string `xml:"unit,attr" enum:"seconds minutes hours"`
}

// PortRange is a range of ports.
type PortRange struct {
	Start uint `xml:"start,attr"`
	End   uint `xml:"end,attr"`
}

// Bridge is the network's bridge on the host.
type Bridge struct {
	Name            string `xml:"name,attr"`
	Zone            string `xml:"zone,attr"`
	STP             OnOff  `xml:"stp,attr"`
	Delay           string `xml:"delay,attr"`
	MACTableManager string `xml:"macTableManager,attr" enum:"kernel libvirt"`
}

// NetworkMAC is the bridge's Ethernet address.
type NetworkMAC struct {
	Address string `xml:"address,attr"`
}

// NetworkDomain is the network's DNS domain.
type NetworkDomain struct {
	Name      string `xml:"name,attr"`
	LocalOnly YesNo  `xml:"localOnly,attr"`
	Register  YesNo  `xml:"register,attr"`
}

// DNS is what the network's name server answers.
type DNS struct {
	Enable            YesNo          `xml:"enable,attr"`
	ForwardPlainNames YesNo          `xml:"forwardPlainNames,attr"`
	Forwarders        []DNSForwarder `xml:"forwarder"`
	TXTs              []DNSTXT       `xml:"txt"`
	SRVs              []DNSSRV       `xml:"srv"`
	Hosts             []DNSHost      `xml:"host"`
}

// DNSForwarder is a server that is asked for others.
type DNSForwarder struct {
	Domain string `xml:"domain,attr"`
	Addr   string `xml:"addr,attr"`
}

// DNSTXT is a TXT record.
type DNSTXT struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

// DNSSRV is a SRV record.
type DNSSRV struct {
	Service  string `xml:"service,attr"`
	Protocol string `xml:"protocol,attr"`
	Domain   string `xml:"domain,attr"`
	Target   string `xml:"target,attr"`
	Port     uint   `xml:"port,attr"`
	Priority uint   `xml:"priority,attr"`
	Weight   uint   `xml:"weight,attr"`
}

// DNSHost is an address with its names.
type DNSHost struct {
	IP        string   `xml:"ip,attr"`
	Hostnames []string `xml:"hostname"`
}

// NetworkIP is an address of the host in the network.
type NetworkIP struct {
	_        struct{} `root:",pair"`
	Family   string   `xml:"family,attr"`
	Address  string   `xml:"address,attr"`
	Netmask  string   `xml:"netmask,attr"`
	Prefix   *uint    `xml:"prefix,attr"`
	LocalPtr YesNo    `xml:"localPtr,attr"`
	TFTP     *TFTP    `xml:"tftp"`
	DHCP     *DHCP    `xml:"dhcp,bare"`
}

// TFTP is a folder served to guests.
type TFTP struct {
	Root string `xml:"root,attr"`
}

// DHCP are the addresses lent to guests.
type DHCP struct {
	Ranges []IPRange  `xml:"range"`
	Hosts  []DHCPHost `xml:"host"`
	BootP  *BootP     `xml:"bootp"`
}

// DHCPHost is a guest that always gets the same address.
type DHCPHost struct {
	MAC   string   `xml:"mac,attr"`
	ID    string   `xml:"id,attr"`
	Name  string   `xml:"name,attr"`
	IP    string   `xml:"ip,attr"`
	Lease *IPLease `xml:"lease"`
}

// BootP is what guests boot from.
type BootP struct {
	File   string `xml:"file,attr"`
	Server string `xml:"server,attr"`
}

// PortGroup is a class of connections.
type PortGroup struct {
	_           struct{}     `root:",pair"`
	Name        string       `xml:"name,attr"`
	Default     YesNo        `xml:"default,attr"`
	TrustGuest  YesNo        `xml:"trustGuestRxFilters,attr"`
	VLAN        *VLAN        `xml:"vlan"`
	Bandwidth   *Bandwidth   `xml:"bandwidth"`
	Port        *PortOptions `xml:"port"`
	VirtualPort *VirtualPort `xml:"virtualport"`
}

// DnsmasqOptions are passed to dnsmasq as they stand.
type DnsmasqOptions struct {
	Space   string          `xml:"xmlns:dnsmasq,attr"`
	Options []DnsmasqOption `xml:"dnsmasq:option"`
}

// DnsmasqOption is one line.
type DnsmasqOption struct {
	Value string `xml:"value,attr"`
}
