package qemu

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"

	"virgo/drivers"
	"virgo/drivers/nodedev"
	"virgo/xml"
)

// Where the host's devices are looked for; tests have their own.
var hostSys, hostVFIO = "/sys", "/dev/vfio/vfio"

// hostDevices finds the devices of the host that a guest is to have, and takes
// those that are managed from the host's drivers. What is taken is noted in dir.
func hostDevices(dom *xml.Domain, dir string) error {
	used := map[string]bool{}
	for i := range dom.Devices.Hostdevs {
		if err := hostDevice(&dom.Devices.Hostdevs[i], dir, used); err != nil {
			return err
		}
	}
	for i := range dom.Devices.Disks {
		k := &dom.Devices.Disks[i]
		if k.Type == "nvme" && k.Source != nil && k.Source.Address != nil {
			if err := takeNVMe(pciName(k.Source.Address), k.Source.Managed == "yes", dir); err != nil {
				return err
			}
		}
	}
	for i := range dom.Devices.Interfaces {
		if err := hostCard(&dom.Devices.Interfaces[i], dir); err != nil {
			return err
		}
	}
	return nil
}

// hostCard takes the host's card that an interface is, if it is one.
func hostCard(n *xml.Interface, dir string) error {
	if n.Type != "hostdev" || n.Source == nil || n.Source.PCI == nil {
		return nil
	}
	addr := pciName(n.Source.PCI)
	if err := takePCI(addr, n.Managed == "yes", dir); err != nil {
		return err
	}
	return setFunction(addr, n)
}

// hostDevice does so for one device; used are the USB devices that the guest has.
func hostDevice(h *xml.Hostdev, dir string, used map[string]bool) error {
	if h.Mode != "subsystem" || h.Source == nil {
		return nil
	}
	switch h.Type {
	case "usb":
		if err := findUSB(h.Source); err != nil {
			return err
		}
		if a := h.Source.Address; a != nil && a.Device != nil {
			where := usbWhere(a)
			if used[where] {
				return xml.Errorf(xml.CodeInternal, "Device %s is already in use", where)
			}
			used[where] = true
		}
	case "pci":
		if h.Source.Address != nil {
			return takePCI(hostPCIName(h.Source.Address), h.Managed == "yes", dir)
		}
	case "mdev":
		if !hasVFIO() {
			return xml.Errorf(xml.CodeConfigUnsupported, "Mediated host device assignment requires VFIO support")
		}
	}
	return nil
}

func usbWhere(a *xml.HostAddress) string {
	bus, _ := strconv.Atoi(a.Bus)
	return fmt.Sprintf("%03d:%03d", bus, number(a.Device))
}

// usbDevice is what /sys says of one.
type usbDevice struct{ vendor, product, bus, device uint64 }

func usbDevices() ([]usbDevice, error) {
	folder := filepath.Join(hostSys, "bus/usb/devices")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, xml.Errorf(xml.CodeSystem, "cannot open directory '%s': %s", folder, drivers.SystemText(unwrapPath(err)))
	}
	var list []usbDevice
	for _, e := range entries {
		read := func(name string, base int) uint64 {
			b, _ := os.ReadFile(filepath.Join(folder, e.Name(), name))
			v, err := strconv.ParseUint(strings.TrimSpace(string(b)), base, 32)
			if err != nil {
				return 0
			}
			return v
		}
		if d := (usbDevice{read("idVendor", 16), read("idProduct", 16), read("busnum", 10), read("devnum", 10)}); d.device > 0 {
			list = append(list, d)
		}
	}
	return list, nil
}

// findUSB finds a device by its numbers, its place, or both: the place stands in
// the source from then on.
func findUSB(s *xml.HostdevSource) error {
	all, err := usbDevices()
	if err != nil {
		return err
	}
	s.Missing = ""
	var found []usbDevice
	named, placed := s.Vendor != nil && s.Product != nil, s.Address != nil && s.Address.Device != nil
	bus := uint64(0)
	if placed {
		bus, _ = strconv.ParseUint(s.Address.Bus, 10, 32)
	}
	for _, d := range all {
		if named && (d.vendor != uint64(number(s.Vendor.ID)) || d.product != uint64(number(s.Product.ID))) {
			continue
		}
		if placed && (d.bus != bus || d.device != uint64(number(s.Address.Device))) {
			continue
		}
		found = append(found, d)
	}
	what := ""
	if named {
		what = fmt.Sprintf(" %04x:%04x", number(s.Vendor.ID), number(s.Product.ID))
	}
	if placed {
		what += fmt.Sprintf(" bus:%d device:%d", bus, number(s.Address.Device))
	}
	switch {
	case len(found) == 0 && s.StartupPolicy == "optional":
		s.Missing = "yes"
		return nil
	case len(found) == 0:
		return xml.Errorf(xml.CodeInternal, "Did not find USB device%s", what)
	case len(found) > 1:
		return xml.Errorf(xml.CodeOperationFailed, "Multiple USB devices for%s, use <address> to specify one", what)
	}
	device := uint(found[0].device)
	s.Address = &xml.HostAddress{Bus: strconv.FormatUint(found[0].bus, 10), Device: &device}
	return nil
}

// hasVFIO tells whether this host can give devices to guests: it has IOMMU
// groups and the kernel's VFIO.
func hasVFIO() bool {
	groups, err := os.ReadDir(filepath.Join(hostSys, "kernel/iommu_groups"))
	if err != nil || len(groups) == 0 {
		return false
	}
	_, err = os.Stat(hostVFIO)
	return err == nil
}

func pciName(a *xml.Address) string {
	return fmt.Sprintf("%04x:%02x:%02x.%x", a.Domain, a.Bus, a.Slot, a.Function)
}

func hostPCIName(a *xml.HostAddress) string {
	bus, _ := strconv.ParseUint(a.Bus, 0, 32)
	return fmt.Sprintf("%04x:%02x:%02x.%x", number(a.Domain), bus, number(a.Slot), number(a.Function))
}

// vfioDriver is the driver of devices that guests have.
const vfioDriver = "vfio-pci"

// takeNVMe makes a controller ready that is a guest's disk.
func takeNVMe(addr string, managed bool, dir string) error {
	config := filepath.Join(hostSys, "bus/pci/devices", addr, "config")
	if _, err := os.Stat(config); err != nil {
		return xml.Errorf(xml.CodeSystem, "Device %s not found: could not access %s: %s", addr, config, drivers.SystemText(unwrapPath(err)))
	}
	return takePCI(addr, managed, dir)
}

// takePCI makes a PCI device ready for a guest. One that is managed goes back to
// its driver when the guest ends.
func takePCI(addr string, managed bool, dir string) error {
	if !hasVFIO() {
		return xml.Errorf(xml.CodeConfigUnsupported, "host doesn't support passthrough of host PCI devices")
	}
	folder := filepath.Join(hostSys, "bus/pci/devices", addr)
	if _, err := os.Stat(filepath.Join(folder, "config")); err != nil {
		return xml.Errorf(xml.CodeInternal, "Device %s not found: could not access %s: %s", addr, filepath.Join(folder, "config"), drivers.SystemText(unwrapPath(err)))
	}
	driver, err := os.Readlink(filepath.Join(folder, "driver"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if driver = filepath.Base(driver); driver == vfioDriver {
		return nil
	}
	if !managed {
		return xml.Errorf(xml.CodeOperationInvalid, "Unmanaged PCI device %s must be manually detached from the host", addr)
	}
	if err := note(dir, hostEnd{PCI: addr}); err != nil {
		return err
	}
	return nodedev.Host{Sys: hostSys}.Bind(addr, vfioDriver)
}

// setFunction gives a virtual function the guest's Ethernet address and tag,
// which its physical function's driver does.
func setFunction(addr string, n *xml.Interface) error {
	folder := filepath.Join(hostSys, "bus/pci/devices", addr)
	physical, err := os.Readlink(filepath.Join(folder, "physfn"))
	if err != nil {
		return xml.Errorf(xml.CodeConfigUnsupported, "Interface type hostdev is currently supported on SR-IOV Virtual Functions only")
	}
	physical = filepath.Join(hostSys, "bus/pci/devices", filepath.Base(physical))
	cards, err := os.ReadDir(filepath.Join(physical, "net"))
	if err != nil || len(cards) == 0 {
		return xml.Errorf(xml.CodeInternal, "The PF device for VF %s has no network device name", folder)
	}
	number := -1
	for i := 0; number < 0; i++ {
		vf, err := os.Readlink(filepath.Join(physical, fmt.Sprintf("virtfn%d", i)))
		if err != nil {
			return xml.Errorf(xml.CodeInternal, "Unable to find VF Index for device %s", addr)
		}
		if filepath.Base(vf) == addr {
			number = i
		}
	}
	card, err := netlink.LinkByName(cards[0].Name())
	if err == nil && n.MAC != nil {
		var mac net.HardwareAddr
		if mac, err = net.ParseMAC(n.MAC.Address); err == nil {
			err = netlink.LinkSetVfHardwareAddr(card, number, mac)
		}
	}
	if err == nil && n.VLAN != nil && len(n.VLAN.Tags) == 1 {
		err = netlink.LinkSetVfVlan(card, number, int(n.VLAN.Tags[0].ID))
	}
	if err != nil {
		return xml.Errorf(xml.CodeSystem, "Cannot set interface MAC/vlanid to %s/%d for ifname %s vf %d: %s", macOf(n), 0, cards[0].Name(), number, drivers.SystemText(err))
	}
	return nil
}

func macOf(n *xml.Interface) string {
	if n.MAC == nil {
		return ""
	}
	return n.MAC.Address
}
