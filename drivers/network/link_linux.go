package network

import (
	"bufio"
	"encoding/binary"
	"errors"
	"math/bits"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// makeBridge makes the network's bridge and gives its index.
func makeBridge(def *xml.Network) (int, error) {
	mac, err := net.ParseMAC(string(def.MAC.Address))
	if err != nil {
		return 0, xml.Errorf(xml.CodeXML, "Invalid bridge mac address '%s' in network '%s'", def.MAC.Address, def.Name)
	}
	br := &netlink.Bridge{LinkAttrs: netlink.NewLinkAttrs()}
	br.Name, br.HardwareAddr = def.Bridge.Name, mac
	if def.MTU != nil {
		br.MTU = int(def.MTU.Size)
	}
	if err := netlink.LinkAdd(br); err != nil {
		return 0, plain(err, "error creating bridge interface %s", br.Name)
	}
	link, err := netlink.LinkByName(br.Name)
	if err != nil {
		return 0, plain(err, "Unable to get index for interface %s", br.Name)
	}
	return link.Attrs().Index, nil
}

// plain is an error of the system behind what could not be done, in libvirt's form.
func plain(err error, format string, args ...any) error {
	e := xml.Errorf(xml.CodeSystem, format, args...)
	return &drivers.Error{Code: xml.CodeSystem, Msg: e.Error() + ": " + drivers.SystemText(err), Err: err}
}

// setUpBridge gives the bridge what the definition says, and brings it up.
func setUpBridge(def *xml.Network, index int) error {
	b := def.Bridge
	if err := setSpanning(index, uint64At(b.Delay), b.STP != "off"); err != nil {
		return plain(err, "Unable to set bridge %s forward_delay", b.Name)
	}
	if err := setIPv6(def); err != nil {
		return err
	}
	link, err := netlink.LinkByIndex(index)
	if err != nil {
		return plain(err, "Unable to get index for interface %s", b.Name)
	}
	for i := range def.IPs {
		if err := addAddress(link, &def.IPs[i]); err != nil {
			return plain(err, "Failed to add IP address %s/%d to %s", def.IPs[i].Address, Prefix(&def.IPs[i]), b.Name)
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return plain(err, "Unable to set interface %s up", b.Name)
	}
	for i := range def.Routes {
		r := &def.Routes[i]
		to := &net.IPNet{IP: net.IP(r.Address.AsSlice()), Mask: net.CIDRMask(routePrefix(r), len(r.Address.AsSlice())*8)}
		metric := int(r.Metric)
		if metric == 0 {
			metric = 1
		}
		err := netlink.RouteAdd(&netlink.Route{LinkIndex: index, Dst: to, Gw: net.IP(r.Gateway.AsSlice()), Priority: metric, Protocol: unix.RTPROT_STATIC})
		if err != nil {
			return plain(err, "Failed to add route %s via %s to %s", to, r.Gateway, b.Name)
		}
	}
	return forwardPackets(def)
}

func uint64At(p *uint64) uint64 {
	if p == nil {
		return 0
	}
	return *p
}

// setSpanning sets the forward delay, in seconds, and the spanning tree
// protocol, in this order: with the protocol on, the kernel allows no delay below 2 s.
func setSpanning(index int, delay uint64, on bool) error {
	stp := uint32(0)
	if on {
		stp = 1
	}
	const userHZ = 100
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(index)
	req.AddData(msg)
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("bridge"))
	data := info.AddRtAttr(nl.IFLA_INFO_DATA, nil)
	data.AddRtAttr(nl.IFLA_BR_FORWARD_DELAY, nl.Uint32Attr(uint32(delay*userHZ)))
	data.AddRtAttr(nl.IFLA_BR_STP_STATE, nl.Uint32Attr(stp))
	req.AddData(info)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

func routePrefix(r *xml.NetworkRoute) int {
	if r.Prefix != nil {
		return int(*r.Prefix)
	}
	return Prefix(&xml.NetworkIP{Family: r.Family, Address: r.Address, Netmask: r.Netmask})
}

func addAddress(link netlink.Link, ip *xml.NetworkIP) error {
	n := Prefix(ip)
	a := &netlink.Addr{IPNet: &net.IPNet{IP: net.IP(ip.Address.AsSlice()), Mask: net.CIDRMask(n, len(ip.Address.AsSlice())*8)}}
	if ip.Address.Is4() {
		v := ip.Address.As4()
		last := binary.BigEndian.Uint32(v[:]) | ^uint32(0)>>n
		if n == 32 {
			last = binary.BigEndian.Uint32(v[:])
		}
		a.Broadcast = net.IP(binary.BigEndian.AppendUint32(nil, last))
	} else {
		a.Flags = unix.IFA_F_NODAD // nobody else is on a bridge that has just been made
	}
	return netlink.AddrAdd(link, a)
}

// setIPv6 keeps the kernel from taking part in IPv6 by itself: a bridge without
// such addresses has none at all, and none heeds its guests' advertisements.
func setIPv6(def *xml.Network) error {
	dir := filepath.Join("/proc/sys/net/ipv6/conf", def.Bridge.Name)
	if _, err := os.Stat(dir); err != nil {
		return nil // a kernel without IPv6
	}
	off := "1"
	for i := range def.IPs {
		if !def.IPs[i].Address.Is4() {
			off = "0"
		}
	}
	for _, v := range [][2]string{{"disable_ipv6", off}, {"accept_ra", "0"}, {"autoconf", "0"}} {
		if err := os.WriteFile(filepath.Join(dir, v[0]), []byte(v[1]), 0); err != nil {
			return plain(errors.Unwrap(err), "cannot write to %s", filepath.Join(dir, v[0]))
		}
	}
	return nil
}

// forwardPackets lets the host pass packets on, for networks with a way out.
func forwardPackets(def *xml.Network) error {
	if mode(def) == "none" {
		return nil
	}
	done := map[string]bool{}
	for i := range def.IPs {
		file := "/proc/sys/net/ipv4/ip_forward"
		if !def.IPs[i].Address.Is4() {
			file = "/proc/sys/net/ipv6/conf/all/forwarding"
		}
		if done[file] {
			continue
		}
		done[file] = true
		if old, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(old)) == "1" {
			continue
		}
		if err := os.WriteFile(file, []byte("1"), 0); err != nil {
			return plain(errors.Unwrap(err), "cannot enable IP forwarding")
		}
	}
	return nil
}

// inUse refuses a network that the host has a route to already.
func inUse(def *xml.Network) error {
	f, err := os.Open("/proc/net/route")
	if err != nil {
		return nil // a host without IPv4
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	for lines.Scan() {
		w := strings.Fields(lines.Text())
		if len(w) < 8 {
			continue
		}
		dest, err1 := strconv.ParseUint(w[1], 16, 32)
		mask, err2 := strconv.ParseUint(w[7], 16, 32)
		if err1 != nil || err2 != nil {
			continue
		}
		var raw [4]byte
		binary.NativeEndian.PutUint32(raw[:], uint32(dest))
		route := netip.PrefixFrom(netip.AddrFrom4(raw), bits.OnesCount32(uint32(mask)))
		for i := range def.IPs {
			if ip := &def.IPs[i]; ip.Address.Is4() && netip.PrefixFrom(ip.Address.Addr, Prefix(ip)).Masked() == route {
				return xml.Errorf(xml.CodeInternal, "Network is already in use by interface %s", w[0])
			}
		}
	}
	return nil
}

// removeLink takes away a link that virgo made. One that is gone or has
// another's index is left alone.
func removeLink(name string, index int) {
	link, err := netlink.LinkByName(name)
	if err == nil && link.Attrs().Index == index {
		_ = netlink.LinkDel(link)
	}
}

// linkIndex is the index of a link in this network namespace, 0 for none.
func linkIndex(name string) int {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(s)
	req, err := unix.NewIfreq(name)
	if err != nil || unix.IoctlIfreq(s, unix.SIOCGIFINDEX, req) != nil {
		return 0
	}
	return int(req.Uint32())
}
