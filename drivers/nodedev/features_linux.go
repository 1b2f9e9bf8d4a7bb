package nodedev

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"virgo/xml"
)

// What a card does by itself, and the question of ethtool for it (linux/ethtool.h).
var (
	questions = []struct {
		name string
		cmd  uint32
	}{{"rx", 0x14}, {"tx", 0x16}, {"sg", 0x18}, {"tso", 0x1e}, {"gso", 0x23}, {"gro", 0x2b}}
	flags = []struct {
		name string
		bit  uint32
	}{{"lro", 1 << 15}, {"rxvlan", 1 << 8}, {"txvlan", 1 << 7}, {"ntuple", 1 << 27}, {"rxhash", 1 << 28}}
)

const getFlags = 0x25

// cardFeatures asks the kernel.
func cardFeatures(name string) (list []xml.NetFeature) {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(s)
	ask := func(cmd uint32) uint32 {
		value := struct{ cmd, data uint32 }{cmd, 0}
		var req struct { // struct ifreq with a pointer
			name [unix.IFNAMSIZ]byte
			data unsafe.Pointer
			_    [16]byte
		}
		copy(req.name[:unix.IFNAMSIZ-1], name)
		req.data = unsafe.Pointer(&value)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(s), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req))); errno != 0 {
			return 0
		}
		return value.data
	}
	for _, q := range questions {
		if ask(q.cmd) != 0 {
			list = append(list, xml.NetFeature{Name: q.name})
		}
	}
	set := ask(getFlags)
	for _, f := range flags {
		if set&f.bit != 0 {
			list = append(list, xml.NetFeature{Name: f.name})
		}
	}
	return list
}
