package xml

// Network is a virtual network of the host.
type Network struct {
	_           struct{}        `root:"network"`
	Connections uint            `el:"connections,attr"` // live
	IPv6        YesNo           `el:"ipv6,attr"`
	TrustGuest  YesNo           `el:"trustGuestRxFilters,attr"`
	Name        string          `el:"name" missing:"missing name information"`
	UUID        string          `el:"uuid"`
	Title       string          `el:"title"`
	Description string          `el:"description"`
	Metadata    *Metadata       `el:"metadata"`
	Forward     *Forward        `el:"forward,bare"`
	Bridge      *Bridge         `el:"bridge"`
	MTU         *MTU            `el:"mtu"`
	MAC         *NetworkMAC     `el:"mac"`
	Domain      *NetworkDomain  `el:"domain"`
	DNS         *DNS            `el:"dns,bare"`
	VLAN        *VLAN           `el:"vlan"`
	Bandwidth   *Bandwidth      `el:"bandwidth"`
	Port        *PortOptions    `el:"port"`
	IPs         []NetworkIP     `el:"ip"`
	Routes      []Route         `el:"route"`
	VirtualPort *VirtualPort    `el:"virtualport"`
	PortGroups  []PortGroup     `el:"portgroup"`
	Dnsmasq     *DnsmasqOptions `el:"dnsmasq:options"`
}

// Forward is how the network reaches others.
type Forward struct {
	Dev        string         `el:"dev,attr"`
	Mode       string         `el:"mode,attr" enum:"none nat route bridge private vepa passthrough hostdev open" unknown:"XML error: unknown forwarding type '%s'"`
	Managed    YesNo          `el:"managed,attr"`
	Driver     *HostdevDriver `el:"driver"`
	PFs        []ForwardPF    `el:"pf"`
	NAT        *NAT           `el:"nat"`
	Interfaces []ForwardDev   `el:"interface"`
	Addresses  []Address      `el:"address"`
}

// ForwardPF is a card with virtual functions.
type ForwardPF struct {
	Dev         string `el:"dev,attr"`
	Connections uint   `el:"connections,attr"`
}

// ForwardDev is a card to go out by.
type ForwardDev struct {
	Dev         string `el:"dev,attr"`
	Connections uint   `el:"connections,attr"`
}

// NAT are the addresses and ports that guests appear with.
type NAT struct {
	IPv6      YesNo       `el:"ipv6,attr"`
	Addresses []IPRange   `el:"address"`
	Ports     []PortRange `el:"port"`
}

// IPRange is a range of addresses.
type IPRange struct {
	Start string   `el:"start,attr"`
	End   string   `el:"end,attr"`
	Lease *IPLease `el:"lease"`
}

// IPLease is how long an address is lent.
type IPLease struct {
	Expiry string `el:"expiry,attr"`
	Unit   string `el:"unit,attr" enum:"seconds minutes hours"`
}

// PortRange is a range of ports.
type PortRange struct {
	Start uint `el:"start,attr"`
	End   uint `el:"end,attr"`
}

// Bridge is the network's bridge on the host.
type Bridge struct {
	Name            string `el:"name,attr"`
	Zone            string `el:"zone,attr"`
	STP             OnOff  `el:"stp,attr"`
	Delay           string `el:"delay,attr"`
	MACTableManager string `el:"macTableManager,attr" enum:"kernel libvirt"`
}

// NetworkMAC is the bridge's Ethernet address.
type NetworkMAC struct {
	Address string `el:"address,attr"`
}

// NetworkDomain is the network's DNS domain.
type NetworkDomain struct {
	Name      string `el:"name,attr"`
	LocalOnly YesNo  `el:"localOnly,attr"`
	Register  YesNo  `el:"register,attr"`
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
	Domain string `el:"domain,attr"`
	Addr   string `el:"addr,attr"`
}

// DNSTXT is a TXT record.
type DNSTXT struct {
	Name  string `el:"name,attr"`
	Value string `el:"value,attr"`
}

// DNSSRV is a SRV record.
type DNSSRV struct {
	Service  string `el:"service,attr"`
	Protocol string `el:"protocol,attr"`
	Domain   string `el:"domain,attr"`
	Target   string `el:"target,attr"`
	Port     uint   `el:"port,attr"`
	Priority uint   `el:"priority,attr"`
	Weight   uint   `el:"weight,attr"`
}

// DNSHost is an address with its names.
type DNSHost struct {
	IP        string   `el:"ip,attr"`
	Hostnames []string `el:"hostname"`
}

// NetworkIP is an address of the host in the network.
type NetworkIP struct {
	_        struct{} `root:",pair"`
	Family   string   `el:"family,attr"`
	Address  string   `el:"address,attr"`
	Netmask  string   `el:"netmask,attr"`
	Prefix   *uint    `el:"prefix,attr"`
	LocalPtr YesNo    `el:"localPtr,attr"`
	TFTP     *TFTP    `el:"tftp"`
	DHCP     *DHCP    `el:"dhcp,bare"`
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
	MAC   string   `el:"mac,attr"`
	ID    string   `el:"id,attr"`
	Name  string   `el:"name,attr"`
	IP    string   `el:"ip,attr"`
	Lease *IPLease `el:"lease"`
}

// BootP is what guests boot from.
type BootP struct {
	File   string `el:"file,attr"`
	Server string `el:"server,attr"`
}

// PortGroup is a class of connections.
type PortGroup struct {
	_           struct{}     `root:",pair"`
	Name        string       `el:"name,attr"`
	Default     YesNo        `el:"default,attr"`
	TrustGuest  YesNo        `el:"trustGuestRxFilters,attr"`
	VLAN        *VLAN        `el:"vlan"`
	Bandwidth   *Bandwidth   `el:"bandwidth"`
	Port        *PortOptions `el:"port"`
	VirtualPort *VirtualPort `el:"virtualport"`
}

// DnsmasqOptions are passed to dnsmasq as they stand.
type DnsmasqOptions struct {
	Space   string          `el:"xmlns:dnsmasq,attr"`
	Options []DnsmasqOption `el:"dnsmasq:option"`
}

// DnsmasqOption is one line.
type DnsmasqOption struct {
	Value string `el:"value,attr"`
}
