package xml

// Hostdev is a device of the host that the guest gets.
type Hostdev struct {
	Mode      string         `xml:"mode,attr" enum:"subsystem capabilities"`
	Type      string         `xml:"type,attr,required"`
	Managed   string         `xml:"managed,attr"`
	SGIO      string         `xml:"sgio,attr" enum:"filtered unfiltered"`
	RawIO     YesNo          `xml:"rawio,attr"`
	Model     string         `xml:"model,attr"`
	Display   OnOff          `xml:"display,attr"`
	RAMFB     OnOff          `xml:"ramfb,attr"`
	Driver    *HostdevDriver `xml:"driver"`
	Source    *HostdevSource `xml:"source" missing:"XML error: Missing <source> element in hostdev device"`
	Teaming   *Teaming       `xml:"teaming"`
	IPs       []InterfaceIP  `xml:"ip"`
	Routes    []Route        `xml:"route"`
	Readonly  bool           `xml:"readonly"`
	Shareable bool           `xml:"shareable"`
	Boot      *BootOrder     `xml:"boot"`
	Alias     *Alias         `xml:"alias"`
	ACPI      *ACPIIndex     `xml:"acpi"`
	ROM       *ROM           `xml:"rom"`
	Address   *Address       `xml:"address"`
}

// HostdevDriver is the host's driver.
type HostdevDriver struct {
	Name    string `xml:"name,attr" enum:"kvm vfio xen"`
	Model   string `xml:"model,attr"`
	IOMMUFD YesNo  `xml:"iommufd,attr"`
}

// HostdevSource names the host's device. Which fields count depends on the
// type of the hostdev.
type HostdevSource struct {
	StartupPolicy  string       `xml:"startupPolicy,attr" enum:"mandatory requisite optional"` // usb
	GuestReset     string       `xml:"guestReset,attr" enum:"off uninitialized on"`            // usb
	WriteFiltering YesNo        `xml:"writeFiltering,attr"`                                    // pci
	Protocol       string       `xml:"protocol,attr" enum:"adapter iscsi none vhost"`          // scsi, scsi_host
	WWPN           string       `xml:"wwpn,attr"`                                              // scsi_host
	Name           string       `xml:"name,attr"`                                              // iscsi
	Vendor         *HexID       `xml:"vendor"`                                                 // usb
	Product        *HexID       `xml:"product"`
	Adapter        *NamedRef    `xml:"adapter"` // scsi
	Address        *HostAddress `xml:"address"`
	Hosts          []NetHost    `xml:"host"` // iscsi
	Auth           *Auth        `xml:"auth"`
	Initiator      string       `xml:"initiator>iqn>name,attr"`
	Block          string       `xml:"block"` // capabilities
	Char           string       `xml:"char"`
	Interface      string       `xml:"interface"`
}

// HexID is a vendor's or product's number.
type HexID struct {
	ID *uint `xml:"id,attr,hex=4"`
}

// HostAddress is where the device sits on the host.
type HostAddress struct {
	Domain   *uint   `xml:"domain,attr,hex=4"`
	Bus      string  `xml:"bus,attr"`
	Slot     *uint   `xml:"slot,attr,hex=2"`
	Function *uint   `xml:"function,attr,hex=1"`
	Port     string  `xml:"port,attr"`
	Device   *uint   `xml:"device,attr"`
	Target   *uint   `xml:"target,attr"`
	Unit     *uint64 `xml:"unit,attr"`
	UUID     string  `xml:"uuid,attr"`
}

// DecodeNode reads the address. A PCI bus is printed in hexadecimal, others
// in decimal.
func (a *HostAddress) DecodeNode(n *Node) error {
	if err := DecodeFields(n, a); err != nil {
		return err
	}
	if a.Bus == "" {
		return nil
	}
	v, err := parseUint(a.Bus, 0, 32)
	if err != nil {
		return Errorf(CodeXML, "Invalid value for attribute 'bus' in element 'address': '%s'. Expected non-negative integer value", a.Bus)
	}
	if a.Slot != nil || a.Function != nil || a.Domain != nil {
		a.Bus = hexText(v, 2)
	} else {
		a.Bus = utoa(uint(v))
	}
	return nil
}

// DecodeNode reads the device; which types there are depends on the mode.
func (h *Hostdev) DecodeNode(n *Node) error {
	types := []string{"usb", "pci", "scsi", "scsi_host", "mdev"}
	if mode, _ := n.Attr("mode"); mode == "capabilities" {
		types = []string{"storage", "misc", "net"}
	}
	r := attrReader{n: n}
	if mode, ok := n.Attr("mode"); ok && mode != "subsystem" && mode != "capabilities" {
		r.fail("mode", mode, "")
	}
	if r.word("type", types); r.err != nil {
		return r.err
	}
	return DecodeFields(n, h)
}
