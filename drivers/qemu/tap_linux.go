package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/native/shell"
	"virgo/drivers/network"
	"virgo/xml"
)

// open makes the device and gives its descriptors in the order of the command
// line: queues, then vhost. A tap goes when its last descriptor is closed, that
// is with QEMU; what does not go by itself is noted in dir first.
func (t *Tap) open(ctx context.Context, dir string) (files []*os.File, err error) {
	defer func() {
		if err != nil {
			for _, f := range files {
				f.Close()
			}
			files = nil
		}
	}()
	switch t.Kind {
	case directTap:
		files, err = t.openDirect(dir)
	case passtTap:
		return t.startPasst(dir)
	case vsockTap:
		f, err := openVsock()
		return []*os.File{f}, err
	case vdpaTap:
		f, err := os.OpenFile(t.Link, os.O_RDWR, 0)
		if err != nil {
			return nil, xml.Errorf(xml.CodeSystem, "Unable to open '%s' for vdpa device: %s", t.Link, drivers.SystemText(unwrapPath(err)))
		}
		return []*os.File{f}, nil
	default:
		files, err = t.openTap(ctx, dir)
	}
	if err != nil {
		return files, err
	}
	if t.Bandwidth != nil && t.Switch == nil {
		if err := network.Limit(ctx, t.Name, t.Bandwidth); err != nil {
			return files, err
		}
	}
	for i := 0; t.VHost && i < t.Queues; i++ {
		f, err := os.OpenFile(vhostNet, os.O_RDWR, 0)
		if err != nil {
			return files, xml.Errorf(xml.CodeSystem, "Unable to open '%s': %s", vhostNet, drivers.SystemText(unwrapPath(err)))
		}
		files = append(files, f)
	}
	return files, nil
}

// openVsock opens the kernel's half of a socket device.
func openVsock() (*os.File, error) {
	f, err := os.OpenFile(vhostVsock, os.O_RDWR, 0)
	if err != nil {
		return nil, xml.Errorf(xml.CodeConfigUnsupported, "unable to open vhost-vsock device")
	}
	return f, nil
}

// vsockAddress gives a socket device its address if it may be any: 3 and on, of
// each guest of this root another.
func vsockAddress(v *xml.Vsock, id int) {
	if v != nil && v.CID != nil && v.CID.Auto == "yes" {
		v.CID.Address = uint(id) + 2
	}
}

// vhostNet lets the kernel move a guest's packets.
const vhostNet = "/dev/vhost-net"

// hasVHost tells whether this process may use it.
func hasVHost() bool { return unix.Access(vhostNet, unix.R_OK|unix.W_OK) == nil }

func (t *Tap) openTap(ctx context.Context, dir string) ([]*os.File, error) {
	if t.Kind == bridgeTap {
		if _, err := net.InterfaceByName(t.Bridge); err != nil {
			return nil, xml.Errorf(xml.CodeSystem, "Cannot get interface MTU on '%s': No such device", t.Bridge)
		}
	}
	files, err := t.queues()
	if err != nil || t.Unmanaged {
		return files, err
	}
	link, err := netlink.LinkByName(t.Name)
	if err != nil {
		return files, xml.Errorf(xml.CodeSystem, "Unable to get index for interface %s: %s", t.Name, drivers.SystemText(err))
	}
	if err := t.setUp(link); err != nil {
		return files, err
	}
	if t.Switch != nil {
		if err := note(dir, hostEnd{Dev: t.Name, Switch: true}); err != nil {
			return files, err
		}
		p := &network.SwitchPort{Bridge: t.Bridge, Dev: t.Name, MAC: t.MAC, Domain: t.Domain, Port: t.Switch, VLAN: t.VLAN, Bandwidth: t.Bandwidth}
		if err := network.PlugSwitch(ctx, p); err != nil {
			return files, err
		}
	}
	if t.Script != "" || t.DownScript != "" {
		if err := note(dir, hostEnd{DownScript: t.DownScript, Dev: t.Name}); err != nil {
			return files, err
		}
	}
	return files, runScript(ctx, t.Script, t.Name)
}

// queues opens the tap once a queue; the first makes it.
func (t *Tap) queues() (files []*os.File, err error) {
	name := t.Name
	if name == "" || !t.Unmanaged && strings.Contains(name, "%d") {
		name = "vnet%d"
	}
	flags := uint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if t.Queues > 1 {
		flags |= unix.IFF_MULTI_QUEUE
	}
	for range t.Queues {
		f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
		if err != nil {
			return files, xml.Errorf(xml.CodeSystem, "Unable to open /dev/net/tun, is tun module loaded?: %s", drivers.SystemText(unwrapPath(err)))
		}
		files = append(files, f)
		req, err := unix.NewIfreq(name)
		if err == nil {
			req.SetUint16(flags)
			err = unix.IoctlIfreq(int(f.Fd()), unix.TUNSETIFF, req)
		}
		if err != nil {
			return files, xml.Errorf(xml.CodeSystem, "Unable to create tap device %s: %s", name, drivers.SystemText(err))
		}
		name = req.Name()
	}
	t.Name = name
	return files, nil
}

// setUp gives the host's end its address, size and place, and brings it up.
func (t *Tap) setUp(link netlink.Link) error {
	// The guest's address with a first byte of fe: a bridge takes the lowest
	// address of its ports, which must not come and go.
	if mac, err := net.ParseMAC(t.MAC); err == nil && len(mac) == 6 {
		mac[0] = 0xfe
		if err := netlink.LinkSetHardwareAddr(link, mac); err != nil {
			return xml.Errorf(xml.CodeSystem, "Cannot set interface MAC to %s on '%s': %s", mac, t.Name, drivers.SystemText(err))
		}
	}
	mtu := t.MTU
	if t.Kind == bridgeTap {
		br, err := netlink.LinkByName(t.Bridge)
		if err == nil && mtu == 0 {
			mtu = br.Attrs().MTU
		}
		if err == nil {
			err = setMTU(link, mtu)
		}
		if err == nil && t.Switch == nil {
			err = netlink.LinkSetMaster(link, br)
		}
		if err != nil {
			return xml.Errorf(xml.CodeSystem, "Unable to add bridge %s port %s: %s", t.Bridge, t.Name, drivers.SystemText(err))
		}
		if t.Switch == nil {
			if err := t.setPort(link); err != nil {
				return err
			}
		}
	} else if err := setMTU(link, mtu); err != nil {
		return xml.Errorf(xml.CodeSystem, "Cannot set interface MTU on '%s': %s", t.Name, drivers.SystemText(err))
	}
	if t.Down {
		return nil
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return xml.Errorf(xml.CodeSystem, "Cannot set interface flags on '%s': %s", t.Name, drivers.SystemText(err))
	}
	return nil
}

func setMTU(link netlink.Link, mtu int) error {
	if mtu == 0 || mtu == link.Attrs().MTU {
		return nil
	}
	return netlink.LinkSetMTU(link, mtu)
}

// setPort sets what a bridge keeps of its port.
func (t *Tap) setPort(link netlink.Link) error {
	if t.Isolated {
		if err := netlink.LinkSetIsolated(link, true); err != nil {
			return xml.Errorf(xml.CodeSystem, "Unable to set bridge %s port %s isolated to 1: %s", t.Bridge, t.Name, drivers.SystemText(err))
		}
	}
	if t.VLAN == nil || len(t.VLAN.Tags) == 0 {
		return nil
	}
	trunk := len(t.VLAN.Tags) > 1 || t.VLAN.Trunk == "yes"
	err := netlink.BridgeVlanDel(link, 1, true, true, false, true) // which every new port is in
	if errors.Is(err, unix.ENOENT) {
		err = nil
	}
	for _, tag := range t.VLAN.Tags {
		if err == nil {
			own := !trunk || tag.NativeMode != ""
			err = netlink.BridgeVlanAdd(link, uint16(tag.ID), own, !trunk || tag.NativeMode == "untagged", false, true)
		}
	}
	if err != nil {
		return xml.Errorf(xml.CodeSystem, "error adding vlan filter to interface %s: %s", t.Name, drivers.SystemText(err))
	}
	return nil
}

// macvtapModes are the words of definitions.
var macvtapModes = map[string]netlink.MacvlanMode{"": netlink.MACVLAN_MODE_VEPA, "vepa": netlink.MACVLAN_MODE_VEPA,
	"private": netlink.MACVLAN_MODE_PRIVATE, "bridge": netlink.MACVLAN_MODE_BRIDGE, "passthrough": netlink.MACVLAN_MODE_PASSTHRU}

// openDirect makes a macvtap on a card. It does not go by itself.
func (t *Tap) openDirect(dir string) (files []*os.File, err error) {
	card, err := netlink.LinkByName(t.Link)
	if err != nil {
		return nil, xml.Errorf(xml.CodeSystem, "Unable to get index for interface %s: No such device", t.Link)
	}
	mac, err := net.ParseMAC(t.MAC)
	if err != nil {
		return nil, xml.Errorf(xml.CodeXML, "unable to parse mac address '%s'", t.MAC)
	}
	for i := 0; t.Name == "" && i < 1024; i++ {
		if n := fmt.Sprintf("macvtap%d", i); !exists(n) {
			t.Name = n
		}
	}
	link := &netlink.Macvtap{Macvlan: netlink.Macvlan{LinkAttrs: netlink.NewLinkAttrs(), Mode: macvtapModes[t.Mode]}}
	link.Name, link.ParentIndex, link.HardwareAddr = t.Name, card.Attrs().Index, mac
	if err := note(dir, hostEnd{Dev: t.Name, MAC: t.MAC}); err != nil {
		return nil, err
	}
	if err := netlink.LinkAdd(link); err != nil {
		return nil, xml.Errorf(xml.CodeSystem, "error creating macvtap interface %s@%s (%s): %s", t.Name, t.Link, t.MAC, drivers.SystemText(err))
	}
	made, err := netlink.LinkByName(t.Name)
	if err == nil {
		err = netlink.LinkSetUp(made)
	}
	if err != nil {
		return nil, xml.Errorf(xml.CodeSystem, "Cannot set interface flags on '%s': %s", t.Name, drivers.SystemText(err))
	}
	path := fmt.Sprintf("/dev/tap%d", made.Attrs().Index)
	for range t.Queues {
		f, err := openSoon(path)
		if err != nil {
			return files, xml.Errorf(xml.CodeSystem, "cannot open macvtap tap device %s: %s", path, drivers.SystemText(unwrapPath(err)))
		}
		files = append(files, f)
		req, err := unix.NewIfreq(t.Name)
		if err == nil {
			flags := uint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
			if t.Queues > 1 {
				flags |= unix.IFF_MULTI_QUEUE
			}
			req.SetUint16(flags)
			err = unix.IoctlIfreq(int(f.Fd()), unix.TUNSETIFF, req)
		}
		if err != nil {
			return files, xml.Errorf(xml.CodeSystem, "unable to set vnet or multiqueue flag on macvtap %s: %s", t.Name, drivers.SystemText(err))
		}
	}
	return files, nil
}

func exists(name string) bool {
	_, err := net.InterfaceByName(name)
	return err == nil
}

// openSoon opens a device that udev is about to make.
func openSoon(path string) (f *os.File, err error) {
	for range 100 {
		if f, err = os.OpenFile(path, os.O_RDWR, 0); err == nil || !errors.Is(err, os.ErrNotExist) {
			return f, err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, err
}

// runScript runs an interface's script with the device's name.
func runScript(ctx context.Context, script, dev string) error {
	if script == "" {
		return nil
	}
	if out, err := exec.CommandContext(ctx, script, dev).CombinedOutput(); err != nil {
		return xml.Errorf(xml.CodeInternal, "Child process (%s %s) failed: %v: %s", script, dev, err, out)
	}
	return nil
}

// startPasst starts a passt and gives the socket to it. It ends when QEMU closes that.
func (t *Tap) startPasst(dir string) ([]*os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "passt"), os.NewFile(uintptr(pair[1]), "passt")
	defer theirs.Close()
	c := companion{What: "passt", Argv: append([]string{"passt"}, t.Passt...)}
	path, err := c.program()
	if err != nil {
		ours.Close()
		return nil, err
	}
	var words bytes.Buffer
	cmd := &exec.Cmd{Path: path, Args: append([]string{path}, t.Passt...), Dir: "/", ExtraFiles: []*os.File{theirs}, SysProcAttr: &unix.SysProcAttr{Setsid: true},
		Stdout: &words, Stderr: &words, WaitDelay: time.Second}
	if err := cmd.Start(); err != nil {
		ours.Close()
		return nil, xml.Errorf(xml.CodeInternal, "cannot run %s: %v", path, err)
	}
	end := make(chan error, 1)
	go func() { end <- cmd.Wait() }()
	if p, err := drivers.FindProcess(cmd.Process.Pid); err == nil {
		if err := note(dir, hostEnd{Process: &p}); err != nil {
			ours.Close()
			return nil, err
		}
	}
	select {
	case <-end:
		ours.Close()
		return nil, xml.Errorf(xml.CodeInternal, "Child process (%s) unexpected %s: %s", shell.Join(cmd.Args), cmd.ProcessState, words.String())
	case <-time.After(200 * time.Millisecond): // what it cannot do it says at once
		return []*os.File{ours}, nil
	}
}
