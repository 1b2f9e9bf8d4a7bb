package xml

// Hostdev is a device of the host that the guest gets.
type Hostdev struct {
	Mode      string         `el:"mode,attr" enum:"subsystem capabilities"`
	Type      string         `el:"type,attr,required"`
	Managed   string         `el:"managed,attr"`
	SGIO      string         `el:"sgio,attr" enum:"filtered unfiltered"`
	RawIO     YesNo          `el:"rawio,attr"`
	Model     string         `el:"model,attr"`
	Display   OnOff          `el:"display,attr"`
	RAMFB     OnOff          `el:"ramfb,attr"`
	Driver    *HostdevDriver `el:"driver"`
	Source    *HostdevSource `el:"source" missing:"XML error: Missing <source> element in hostdev device"`
	Teaming   *Teaming       `el:"teaming"`
	IPs       []InterfaceIP  `el:"ip"`
	Routes    []Route        `el:"route"`
	Readonly  bool           `el:"readonly"`
	Shareable bool           `el:"shareable"`
	Boot      *BootOrder     `el:"boot"`
	Alias     *Alias         `el:"alias"`
	ROM       *ROM           `el:"rom"`
	ACPI      *ACPIIndex     `el:"acpi"`
	Address   *Address       `el:"address"`
}

// HostdevDriver is the host's driver.
type HostdevDriver struct {
	Name    string `el:"name,attr" enum:"kvm vfio xen"`
	Model   string `el:"model,attr"`
	IOMMUFD YesNo  `el:"iommufd,attr"`
}

// HostdevSource names the host's device. Which fields count depends on the
// type of the hostdev.
type HostdevSource struct {
	StartupPolicy  string       `el:"startupPolicy,attr" enum:"mandatory requisite optional"` // usb
	Missing        string       `el:"missing,attr"`                                           // live, usb
	GuestReset     string       `el:"guestReset,attr" enum:"off uninitialized on"`            // usb
	WriteFiltering YesNo        `el:"writeFiltering,attr"`                                    // pci
	Protocol       string       `el:"protocol,attr"`                                          // scsi, scsi_host
	WWPN           string       `el:"wwpn,attr"`                                              // scsi_host
	Name           string       `el:"name,attr"`                                              // iscsi
	Vendor         *HexID       `el:"vendor"`                                                 // usb
	Product        *HexID       `el:"product"`
	Adapter        *NamedRef    `el:"adapter"` // scsi
	Address        *HostAddress `el:"address"`
	Hosts          []NetHost    `el:"host"` // iscsi
	Auth           *Auth        `el:"auth"`
	Initiator      string       `el:"initiator>iqn>name,attr"`
	Block          string       `el:"block"` // capabilities
	Char           string       `el:"char"`
	Interface      string       `el:"interface"`
}

// HexID is a vendor's or product's number.
type HexID struct {
	ID *uint `el:"id,attr,hex=4"`
}

// HostAddress is where the device sits on the host.
type HostAddress struct {
	Domain   *uint   `el:"domain,attr,hex=4"`
	Bus      string  `el:"bus,attr"`
	Slot     *uint   `el:"slot,attr,hex=2"`
	Function *uint   `el:"function,attr,hex=1"`
	Port     string  `el:"port,attr"`
	Device   *uint   `el:"device,attr,anybase"`
	Target   *uint   `el:"target,attr"`
	Unit     *uint64 `el:"unit,attr"`
	UUID     string  `el:"uuid,attr"`
}

// DecodeNode reads the address. A PCI bus is printed in hexadecimal, others
// in decimal.
func (a *HostAddress) DecodeNode(n *Node) error {
	if err := DecodeFields(n, a); err != nil {
		return err
	}
	var v uint64
	if a.Bus != "" {
		var err error
		if v, err = parseUint(a.Bus, 0, 32); err != nil {
			return Errorf(CodeXML, "Invalid value for attribute 'bus' in element 'address': '%s'. Expected non-negative integer value", a.Bus)
		}
	}
	if err := a.inRange(v); err != nil || a.Bus == "" {
		return err
	}
	if a.Slot != nil || a.Function != nil || a.Domain != nil {
		a.Bus = hexText(v, 2)
	} else {
		a.Bus = utoa(uint(v))
	}
	return nil
}

// inRange refuses numbers that no place on a PCI bus has.
func (a *HostAddress) inRange(bus uint64) error {
	switch {
	case a.Slot == nil && a.Function == nil && a.Domain == nil:
	case bus > 0xff:
		return Errorf(CodeXML, "Invalid PCI address bus='0x%x', must be <= 0xFF", bus)
	case a.Slot != nil && *a.Slot > 0x1f:
		return Errorf(CodeXML, "Invalid PCI address slot='0x%x', must be <= 0x1F", *a.Slot)
	case a.Function != nil && *a.Function > 7:
		return Errorf(CodeXML, "Invalid PCI address function=0x%x, must be <= 7", *a.Function)
	}
	return nil
}

// usbSource checks what names a USB device: its place, or vendor and product.
func (s *HostdevSource) usbSource() error {
	if v := s.Vendor; v != nil && v.ID != nil && *v.ID == 0 {
		return Errorf(CodeXML, "Invalid value for attribute 'id' in element 'vendor': Zero is not permitted")
	}
	for _, id := range []struct {
		name string
		id   *HexID
	}{{"vendor", s.Vendor}, {"product", s.Product}} {
		if id.id != nil && id.id.ID == nil {
			return Errorf(CodeXML, "Missing required attribute 'id' in element '%s'", id.name)
		}
	}
	switch {
	case s.Vendor != nil && s.Product == nil:
		return Errorf(CodeInternal, "missing product")
	case s.Vendor == nil && s.Product != nil:
		return Errorf(CodeInternal, "missing vendor")
	case s.Vendor != nil || s.Address == nil:
	case s.Address.Bus == "":
		return Errorf(CodeXML, "Missing required attribute 'bus' in element 'address'")
	case s.Address.Device == nil:
		return Errorf(CodeXML, "Missing required attribute 'device' in element 'address'")
	}
	return nil
}

// DecodeNode reads the device; which types there are depends on the mode.
func (h *Hostdev) DecodeNode(n *Node) error {
	types := []string{"usb", "pci", "scsi", "scsi_host", "mdev"}
	mode, _ := n.Attr("mode")
	if mode == "capabilities" {
		types = []string{"storage", "misc", "net"}
	}
	r := attrReader{n: n}
	if mode, ok := n.Attr("mode"); ok && mode != "subsystem" && mode != "capabilities" {
		r.fail("mode", mode, "")
	}
	if r.word("type", types); r.err != nil {
		return r.err
	}
	kind, _ := n.Attr("type")
	if src := n.Child("source"); src != nil && mode != "capabilities" && kind != "usb" {
		if _, ok := src.Attr("startupPolicy"); ok {
			return Errorf(CodeConfigUnsupported, "Setting startupPolicy is only allowed for USB devices")
		}
	}
	screen, card, bus := kind == "pci" || kind == "mdev", mode == "capabilities" && kind == "net", kind == "pci"
	foreign := func(name string, attr bool) bool {
		switch name {
		case "display", "ramfb":
			return attr && !screen
		case "ip", "route":
			return !attr && !card
		case "driver":
			return !attr && !bus
		}
		return false
	}
	if err := DecodeFields(n.without(foreign), h); err != nil {
		return err
	}
	if h.Mode == "" {
		h.Mode = "subsystem"
	}
	if h.Type == "usb" && h.Source != nil {
		return h.Source.usbSource()
	}
	return nil
}
