package qemu

import (
	"net"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// open makes the device, puts it into the bridge and brings it up. The device
// goes when its last descriptor is closed, that is with QEMU.
func (t *Tap) open() (*os.File, error) {
	if _, err := net.InterfaceByName(t.Bridge); err != nil {
		return nil, xml.Errorf(xml.CodeSystem, "Cannot get interface MTU on '%s': No such device", t.Bridge)
	}
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return nil, xml.Errorf(xml.CodeSystem, "Unable to open /dev/net/tun, is tun module loaded?: %s", drivers.SystemText(unwrapPath(err)))
	}
	name := t.Name
	if name == "" {
		name = "vnet%d"
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
		err = unix.IoctlIfreq(int(f.Fd()), unix.TUNSETIFF, req)
	}
	if err != nil {
		f.Close()
		return nil, xml.Errorf(xml.CodeSystem, "Unable to create tap device %s: %s", name, drivers.SystemText(err))
	}
	t.Name = req.Name()
	if err := t.plug(); err != nil {
		f.Close()
		return nil, xml.Errorf(xml.CodeSystem, "Unable to add bridge %s port %s: %s", t.Bridge, t.Name, drivers.SystemText(err))
	}
	return f, nil
}

func (t *Tap) plug() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	iface, err := net.InterfaceByName(t.Name)
	if err != nil {
		return err
	}
	if err := t.setMAC(s); err != nil {
		return err
	}
	br, err := unix.NewIfreq(t.Bridge)
	if err != nil {
		return err
	}
	br.SetUint32(uint32(iface.Index))
	if err := unix.IoctlIfreq(s, unix.SIOCBRADDIF, br); err != nil {
		return err
	}
	up, err := unix.NewIfreq(t.Name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(s, unix.SIOCGIFFLAGS, up); err != nil {
		return err
	}
	up.SetUint16(up.Uint16() | unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, up)
}

// setMAC gives the host's end the guest's address with a first byte of fe: a
// bridge takes the lowest address of its ports, which must not come and go.
func (t *Tap) setMAC(s int) error {
	mac, err := net.ParseMAC(t.MAC)
	if err != nil || len(mac) != 6 {
		return nil
	}
	var req struct { // struct ifreq with a struct sockaddr
		name   [unix.IFNAMSIZ]byte
		family uint16
		data   [14]byte
		_      [8]byte
	}
	copy(req.name[:], t.Name)
	req.family = unix.ARPHRD_ETHER
	copy(req.data[:], mac)
	req.data[0] = 0xfe
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(s), unix.SIOCSIFHWADDR, uintptr(unsafe.Pointer(&req)))
	if errno != 0 {
		return errno
	}
	return nil
}
