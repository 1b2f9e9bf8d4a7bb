package nodedev

import (
	"bufio"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// pci is a PCI device.
func (h Host) pci(dir, base string) *found {
	addr, ok := pciAddress(base)
	if !ok {
		return nil
	}
	class := uint32(hexNumber(dir, "class"))
	c := &xml.CapPCI{Class: &class, Domain: uint32(addr.Domain), Bus: uint32(addr.Bus), Slot: uint32(addr.Slot), Function: uint32(addr.Function)}
	vendor, product := uint16(hexNumber(dir, "vendor")), uint16(hexNumber(dir, "device"))
	c.Product, c.Vendor = h.named(pciIDs, vendor, product)
	if p, ok := pciAddress(linkName(dir, "physfn")); ok {
		c.Caps = append(c.Caps, xml.Capability{Type: "phys_function", Is: &xml.CapFunctions{Addresses: []xml.PCIAddress{p}}})
	}
	if most, ok := number(dir, "sriov_totalvfs"); ok && most > 0 {
		f := &xml.CapFunctions{MaxCount: uint(most)}
		for i := 0; ; i++ {
			p, ok := pciAddress(linkName(dir, "virtfn"+strconv.Itoa(i)))
			if !ok {
				break
			}
			f.Addresses = append(f.Addresses, p)
		}
		c.Caps = append(c.Caps, xml.Capability{Type: "virt_functions", Is: f})
	}
	if types := h.mdevTypes(dir); types != nil {
		c.Caps = append(c.Caps, xml.Capability{Type: "mdev_types", Is: types})
	}
	c.IOMMU = h.group(dir)
	if n, err := strconv.Atoi(text(dir, "numa_node")); err == nil && n >= 0 {
		c.NUMA = &xml.DeviceNUMA{Node: &n}
	}
	config, _ := os.ReadFile(filepath.Join(dir, "config"))
	if len(config) > 0x0e {
		switch config[0x0e] & 0x7f { // the header's type
		case 1:
			c.Caps = append(c.Caps, xml.Capability{Type: "pci-bridge", Is: &xml.CapPlain{}})
		case 2:
			c.Caps = append(c.Caps, xml.Capability{Type: "cardbus-bridge", Is: &xml.CapPlain{}})
		}
	}
	c.Express = express(config)
	return &found{name: word("pci", base), def: one("pci", c)}
}

// pciAddress reads DOMAIN:BUS:SLOT.FUNCTION.
func pciAddress(text string) (a xml.PCIAddress, ok bool) {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == '.' })
	if len(parts) != 4 {
		return a, false
	}
	var n [4]uint64
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 16, 32)
		if err != nil {
			return a, false
		}
		n[i] = v
	}
	a.Domain, a.Bus, a.Slot, a.Function = uint32(n[0]), uint8(n[1]), uint8(n[2]), uint8(n[3])
	return a, true
}

// group is the IOMMU group of a device.
func (h Host) group(dir string) *xml.IOMMUGroup {
	n, err := strconv.ParseUint(linkName(dir, "iommu_group"), 10, 32)
	if err != nil {
		return nil
	}
	g := &xml.IOMMUGroup{Number: uint(n)}
	members, _ := os.ReadDir(filepath.Join(dir, "iommu_group", "devices"))
	for _, m := range members {
		if a, ok := pciAddress(m.Name()); ok {
			g.Addresses = append(g.Addresses, a)
		}
	}
	return g
}

// mdevTypes are the mediated devices that a device can be.
func (h Host) mdevTypes(dir string) *xml.CapMdevTypes {
	kinds, err := os.ReadDir(filepath.Join(dir, "mdev_supported_types"))
	if err != nil || len(kinds) == 0 {
		return nil
	}
	c := &xml.CapMdevTypes{}
	for _, k := range kinds {
		d := filepath.Join(dir, "mdev_supported_types", k.Name())
		n, _ := number(d, "available_instances")
		c.Types = append(c.Types, xml.MdevType{ID: k.Name(), Name: text(d, "name"), DeviceAPI: text(d, "device_api"), Available: uint(n)})
	}
	return c
}

// speeds are PCI Express's, by their code, in GT/s.
var speeds = []string{"", "2.5", "5", "8", "16"}

// express reads the PCI Express capability from the configuration space (PCI
// Express base specification, 7.5.3): what the link could be, and what it is.
// Only root may read the space beyond its header.
func express(config []byte) *xml.PCIExpress {
	var bare *xml.PCIExpress
	if len(config) > 256 { // the long space of PCI Express, whatever its lists say
		bare = &xml.PCIExpress{}
	}
	if len(config) < 0x40 || binary.LittleEndian.Uint16(config[6:])&0x10 == 0 {
		return bare
	}
	at := int(config[0x34]) &^ 3
	for range 48 {
		if at < 0x40 || at+0x14 > len(config) {
			return bare
		}
		if config[at] == 0x10 {
			break
		}
		at = int(config[at+1]) &^ 3
	}
	if at < 0x40 || config[at] != 0x10 {
		return bare
	}
	e := &xml.PCIExpress{}
	kind := config[at+2] >> 4 & 15
	if kind == 9 { // within the root complex: no link
		return e
	}
	could := binary.LittleEndian.Uint32(config[at+0xc:])
	is := binary.LittleEndian.Uint16(config[at+0x12:])
	speed := func(code uint32) string { return speeds[min(int(code&15), len(speeds)-1)] }
	port := int32(could >> 24)
	if could != 0 {
		e.Links = append(e.Links, xml.PCILink{Validity: "cap", Port: &port, Speed: speed(could), Width: uint(could >> 4 & 63)},
			xml.PCILink{Validity: "sta", Speed: speed(uint32(is)), Width: uint(is >> 4 & 63)})
	}
	return e
}

// The lists of names, where distributions put them.
var (
	pciIDs = []string{"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"}
	usbIDs = []string{"/usr/share/misc/usb.ids", "/usr/share/hwdata/usb.ids", "/var/lib/usbutils/usb.ids"}
)

// named gives numbers their names.
func (h Host) named(files []string, vendor, product uint16) (p, v *xml.NamedID) {
	p, v = &xml.NamedID{ID: product}, &xml.NamedID{ID: vendor}
	if h.Sys != "" {
		return p, v
	}
	for _, file := range files {
		if f, err := os.Open(file); err == nil {
			v.Name, p.Name = findIDs(bufio.NewScanner(f), vendor, product)
			f.Close()
			break
		}
	}
	return p, v
}

// findIDs looks in a list of lines "VENDOR  NAME" and, below, "<tab>PRODUCT  NAME".
func findIDs(lines *bufio.Scanner, vendor, product uint16) (v, p string) {
	hex := func(n uint16) string { return strconv.FormatUint(1<<16|uint64(n), 16)[1:] + "  " }
	for lines.Scan() {
		line := lines.Text()
		switch {
		case v == "":
			v, _ = strings.CutPrefix(line, hex(vendor))
			if v == line {
				v = ""
			}
		case strings.HasPrefix(line, "\t"):
			if name, ok := strings.CutPrefix(line, "\t"+hex(product)); ok {
				return v, name
			}
		case line != "" && line[0] != '#':
			return v, ""
		}
	}
	return v, ""
}

// usb is a USB device or an interface of one.
func (h Host) usb(dir, base string) *found {
	if strings.Contains(base, ":") {
		c := &xml.CapUSBInterface{Number: uint(hexNumber(dir, "bInterfaceNumber")), Class: uint(hexNumber(dir, "bInterfaceClass")),
			Subclass: uint(hexNumber(dir, "bInterfaceSubClass")), Protocol: uint(hexNumber(dir, "bInterfaceProtocol")), Description: text(dir, "interface")}
		return &found{name: word("usb", base), def: one("usb", c)}
	}
	bus, ok1 := number(dir, "busnum")
	dev, ok2 := number(dir, "devnum")
	if !ok1 || !ok2 {
		return nil
	}
	c := &xml.CapUSBDevice{Bus: uint(bus), Device: uint(dev)}
	c.Product, c.Vendor = h.named(usbIDs, uint16(hexNumber(dir, "idVendor")), uint16(hexNumber(dir, "idProduct")))
	for _, v := range []struct {
		at   *string
		file string
	}{{&c.Product.Name, "product"}, {&c.Vendor.Name, "manufacturer"}} {
		if *v.at == "" {
			*v.at = text(dir, v.file)
		}
	}
	return &found{name: word("usb", base), def: one("usb_device", c)}
}

// Detach takes a PCI device from its driver and binds it to another, Reattach
// gives it to the one that the kernel would choose.
func (h Host) Detach(d *xml.NodeDevice, driver string) error { return h.rebind(d, driver) }

// Reattach undoes Detach.
func (h Host) Reattach(d *xml.NodeDevice) error { return h.rebind(d, "") }

func (h Host) rebind(d *xml.NodeDevice, driver string) error {
	base, _, err := h.pciDir(d)
	if err != nil {
		return err
	}
	if driver != "" {
		groups, err := os.ReadDir(h.sys("kernel/iommu_groups"))
		if err != nil || len(groups) == 0 {
			return xml.Errorf(xml.CodeArgUnsupported, "VFIO device assignment is currently not supported on this system")
		}
	}
	return h.Bind(base, driver)
}

// Bind gives the PCI device of that address to a driver; "" is the one that the
// kernel would choose.
func (h Host) Bind(base, driver string) error {
	dir := h.sys("bus/pci/devices", base)
	write := func(file, text string) error {
		if err := os.WriteFile(file, []byte(text), 0); err != nil {
			return xml.Errorf(xml.CodeSystem, "Failed to bind PCI device '%s' to %s: cannot write %s: %v", base, driver, file, unwrap(err))
		}
		return nil
	}
	override := driver
	if driver == "" {
		override = "\n"
	} else {
		if linkName(dir, "driver") == driver {
			return nil
		}
		if _, err := os.Stat(h.sys("bus/pci/drivers", driver)); err != nil {
			return xml.Errorf(xml.CodePlain, "Failed to load PCI driver module %s: load it with modprobe", driver)
		}
	}
	if err := write(filepath.Join(dir, "driver_override"), override); err != nil {
		return err
	}
	if linkName(dir, "driver") != "" {
		if err := write(filepath.Join(dir, "driver", "unbind"), base); err != nil {
			return err
		}
	}
	return write(h.sys("bus/pci/drivers_probe"), base)
}

func unwrap(err error) error {
	if e, ok := err.(interface{ Unwrap() error }); ok {
		return e.Unwrap()
	}
	return err
}

// Reset resets a PCI device by the kernel's best means.
func (h Host) Reset(d *xml.NodeDevice) error {
	base, dir, err := h.pciDir(d)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "reset")); err != nil {
		return xml.Errorf(xml.CodeInternal, "Unable to reset PCI device %s: no FLR, PM reset or bus reset available", base)
	}
	if driver := linkName(dir, "driver"); driver != "" && !slices.Contains([]string{"vfio-pci", "pci-stub", "pciback"}, driver) {
		return xml.Errorf(xml.CodeInternal, "Not resetting active device %s", base)
	}
	if err := os.WriteFile(filepath.Join(dir, "reset"), []byte("1"), 0); err != nil {
		return xml.Errorf(xml.CodeInternal, "Unable to reset PCI device %s: %v", base, unwrap(err))
	}
	return nil
}

// pciDir is the folder of a PCI device.
func (h Host) pciDir(d *xml.NodeDevice) (base, dir string, err error) {
	for _, c := range d.Caps {
		if c.Type == "pci" {
			base = filepath.Base(d.Path)
			return base, h.sys("bus/pci/devices", base), nil
		}
	}
	return "", "", xml.Errorf(xml.CodeInvalidArg, "device %s is not a PCI device", d.Name)
}
