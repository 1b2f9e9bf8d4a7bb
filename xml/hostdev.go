package xml

import (
	"slices"
	"strings"
)

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

// hostdevKind refuses attributes that only other types have.
func hostdevKind(kind string, n *Node) error {
	if n.Child("source") == nil || !slices.Contains([]string{"usb", "pci", "scsi", "scsi_host", "mdev"}, kind) {
		return nil
	}
	_, sgio := n.Attr("sgio")
	_, rawio := n.Attr("rawio")
	_, model := n.Attr("model")
	switch {
	case sgio && kind != "scsi":
		return Errorf(CodeXML, "sgio is only supported for scsi host device")
	case rawio && kind != "scsi":
		return Errorf(CodeXML, "rawio is only supported for scsi host device")
	case model && kind != "mdev" && kind != "scsi_host":
		return Errorf(CodeXML, "'model' attribute in <hostdev> is only supported when type='%s'", kind)
	}
	return nil
}

// hostdevSource wants what a source of the type cannot do without, and no more.
func hostdevSource(kind string, n *Node) error {
	protocol, _ := n.Attr("protocol")
	_, named := n.Attr("name")
	_, policy := n.Attr("startupPolicy")
	switch {
	case policy && kind != "usb" && slices.Contains([]string{"pci", "scsi", "scsi_host", "mdev"}, kind):
		return Errorf(CodeConfigUnsupported, "Setting startupPolicy is only allowed for USB devices")
	case kind == "scsi" && protocol == "iscsi" && !named:
		return Errorf(CodeXML, "missing iSCSI hostdev source path name")
	case kind == "scsi_host" && protocol == "vhost":
		wwpn, given := n.Attr("wwpn")
		digits, naa := strings.CutPrefix(wwpn, "naa.")
		switch {
		case !given:
			return Errorf(CodeXML, "missing vhost-scsi hostdev source wwpn")
		case !naa || len(digits) != 16 || strings.Trim(digits, "0123456789abcdefABCDEF") != "":
			return Errorf(CodeXML, "malformed 'wwpn' value")
		}
	case kind == "mdev":
		if c := n.Child("address"); c != nil {
			if uuid, given := c.Attr("uuid"); given && uuid == "" {
				return Errorf(CodeInternal, "Cannot parse uuid attribute of element <address>")
			}
		}
	case kind == "scsi" && protocol != "iscsi":
		if c := n.Child("address"); c != nil {
			for _, name := range []string{"bus", "target", "unit"} {
				if _, given := c.Attr(name); !given {
					return Errorf(CodeXML, "Missing required attribute '%s' in element '%s'", name, c.Name)
				}
			}
		}
	}
	for _, c := range []struct{ kind, name, what string }{{"storage", "block", "storage"}, {"misc", "char", "character"}, {"net", "interface", "net"}} {
		if c.kind == kind && n.Child(c.name) == nil {
			return Errorf(CodeXML, "Missing <%s> element in hostdev %s device", c.name, c.what)
		}
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
	screen, card, bus := kind == "pci" || kind == "mdev", mode == "capabilities" && kind == "net", kind == "pci"
	own := n.without(func(name string, attr bool) bool {
		switch name {
		case "display", "ramfb":
			return attr && !screen
		case "ip", "route":
			return !attr && !card
		case "driver":
			return !attr && !bus
		}
		return false
	})
	if c := own.Child("source"); c != nil {
		own = own.without(func(name string, attr bool) bool { return !attr && name == "source" }).plus(c.without(func(name string, attr bool) bool {
			return attr && (name == "guestReset" && kind != "usb" || name == "writeFiltering" && kind != "pci")
		}))
		if err := hostdevSource(kind, c); err != nil {
			return err
		}
	}
	if err := hostdevKind(kind, own); err != nil {
		return err
	}
	if kind == "mdev" && own.Child("source") != nil {
		if r.word("model", []string{"vfio-pci", "vfio-ccw", "vfio-ap"}); r.err != nil {
			return r.err
		}
	}
	if _, given := own.Attr("model"); given && kind == "scsi_host" && own.Child("source") != nil {
		if r.word("model", []string{"virtio", "virtio-transitional", "virtio-non-transitional"}); r.err != nil {
			return r.err
		}
	}
	if err := DecodeFields(own, h); err != nil {
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
