package lxc

import (
	"slices"
	"strconv"
	"strings"

	"virgo/drivers/native/conf"
	"virgo/xml"
)

// root reads the container's file system.
func (r *reader) root() error {
	v := r.first("lxc.rootfs.path", "lxc.rootfs")
	if v == nil {
		return internal("lxc.rootfs.path (or lxc.rootfs) is missing: the container has no file system")
	}
	kind, path, ok := strings.Cut(v.Text, ":") // since version 3 LXC writes what it is
	switch {
	case ok && (kind == "dir" || kind == "btrfs" || kind == "lvm"):
		r.mount(path, "/", false)
	case ok && kind == "loop":
		r.d.Devices.Filesystems = append(r.d.Devices.Filesystems, xml.Filesystem{Type: "file", AccessMode: "passthrough", Driver: &xml.FSDriver{Type: "loop", Format: "raw"},
			Source: &xml.FSSource{File: path}, Target: &xml.FSTarget{Dir: "/"}})
	default:
		r.mount(v.Text, "/", false)
	}
	return nil
}

// mount adds a folder of the host's, or a block device.
func (r *reader) mount(source, target string, readonly bool) {
	f := xml.Filesystem{Type: "mount", AccessMode: "passthrough", Source: &xml.FSSource{Dir: source}, Target: &xml.FSTarget{Dir: target}, Readonly: readonly}
	if strings.HasPrefix(source, "/dev/") {
		f.Type, f.Source = "block", &xml.FSSource{Dev: source}
	}
	r.d.Devices.Filesystems = append(r.d.Devices.Filesystems, f)
}

func (r *reader) mounts() error {
	if v := r.first("lxc.mount.fstab", "lxc.mount"); v != nil {
		return r.At(xml.Errorf(xml.CodeArgUnsupported, "lxc.mount.fstab or lxc.mount found, use lxc.mount.entry lines instead"), v)
	}
	return r.each(r.entry, "lxc.mount.entry")
}

// ownMounts are what every container has.
var ownMounts = []string{"proc", "/proc", "sys", "/sys"}

// entry reads a line of an fstab.
func (r *reader) entry(name string, v *conf.Value) error {
	parts := strings.Fields(v.Text)
	if len(parts) < 4 {
		return r.At(internal("invalid %s value: '%s', expecting source, target, type and options", name, v.Text), v)
	}
	source, target, kind, options := parts[0], parts[1], parts[2], strings.Split(parts[3], ",")
	if slices.Contains(ownMounts, target) {
		return nil
	}
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	readonly := slices.Contains(options, "ro")
	if kind != "tmpfs" {
		r.mount(source, target, readonly)
		return nil
	}
	for _, o := range options {
		text, ok := strings.CutPrefix(o, "size=")
		if !ok {
			continue
		}
		if strings.HasSuffix(text, "%") {
			return r.At(internal("can't convert relative size: '%s'", text), v)
		}
		kib, err := r.size(v, text)
		if err != nil {
			return err
		}
		r.d.Devices.Filesystems = append(r.d.Devices.Filesystems, xml.Filesystem{Type: "ram", AccessMode: "passthrough", Readonly: readonly,
			Source: &xml.FSSource{Usage: strconv.FormatUint(kib, 10), Units: "KiB"}, Target: &xml.FSTarget{Dir: target}})
		return nil
	}
	return r.At(internal("missing tmpfs size, set the size option"), v)
}

// network is what the file says about one network card.
type network struct {
	at                                      *conf.Value // for errors
	index                                   string
	kind, link, mac, name, flags, mode, vid string
	linked                                  bool // link is given, be it empty
	ips                                     []xml.InterfaceIP
	gateway4, gateway6                      string // of several the last
}

// routes are those to the gateways.
func (n *network) routes() []xml.Route {
	var out []xml.Route
	if n.gateway4 != "" {
		out = append(out, xml.Route{Family: "ipv4", Address: "0.0.0.0", Gateway: n.gateway4})
	}
	if n.gateway6 != "" {
		out = append(out, xml.Route{Family: "ipv6", Address: "::", Gateway: n.gateway6})
	}
	return out
}

// networks reads the cards: lxc.network.*, where each type begins the next one,
// or lxc.net.N.*.
func (r *reader) networks() error {
	var list []*network
	err := r.each(func(name string, v *conf.Value) error {
		key := strings.TrimPrefix(name, "lxc.network.")
		var n *network
		if key != name {
			if key == "type" {
				list = append(list, &network{at: v})
			}
			if len(list) == 0 {
				return r.At(internal("'%s' stands before any lxc.network.type", name), v)
			}
			n = list[len(list)-1]
		} else {
			index, rest, ok := strings.Cut(strings.TrimPrefix(name, "lxc.net."), ".")
			number, err := strconv.ParseUint(index, 10, 32)
			if err != nil || !ok {
				return r.At(internal("'%s' has no number of a network", name), v)
			}
			index = strconv.FormatUint(number, 10) // 00 is 0
			key = rest
			for _, o := range list {
				if o.index == index {
					n = o
				}
			}
			if n == nil {
				n = &network{at: v, index: index}
				list = append(list, n)
			}
		}
		return r.key(n, key, v)
	}, "lxc.network.", "lxc.net.")
	if err != nil {
		return err
	}
	private := true
	for _, n := range list {
		if n.kind == "empty" {
			continue // no card, but no network of the host's either
		}
		private = false
		if err := r.add(n); err != nil {
			return err
		}
	}
	r.d.Features.PrivNet = private
	return nil
}

// key reads one entry of a card.
func (r *reader) key(n *network, key string, v *conf.Value) error {
	switch key {
	case "type":
		n.kind = v.Text
	case "link":
		n.link, n.linked = v.Text, true
	case "hwaddr":
		n.mac = v.Text
	case "name":
		n.name = v.Text
	case "flags":
		n.flags = v.Text
	case "macvlan.mode":
		n.mode = v.Text
	case "vlan.id":
		n.vid = v.Text
	case "ipv4", "ipv4.address", "ipv6", "ipv6.address":
		ip, ok := cidr(v.Text, key[:4])
		if !ok {
			return r.At(xml.Errorf(xml.CodeInvalidArg, "Invalid CIDR address: '%s'", v.Text), v)
		}
		n.ips = append(n.ips, ip)
	case "ipv4.gateway":
		return r.gateway(&n.gateway4, false, v)
	case "ipv6.gateway":
		return r.gateway(&n.gateway6, true, v)
	}
	return nil
}

// cidr reads an address of a family and its prefix, behind which the network's
// broadcast address may stand.
func cidr(text, family string) (xml.InterfaceIP, bool) {
	text, _, _ = strings.Cut(text, " ")
	address, bits, _ := strings.Cut(text, "/")
	a, ok := xml.ParseIP(address)
	prefix, err := strconv.ParseUint(bits, 10, 32)
	if !ok || err != nil || a.Is6() != (family == "ipv6") {
		return xml.InterfaceIP{}, false
	}
	return xml.InterfaceIP{Address: a.String(), Family: family, Prefix: uint(prefix)}, true
}

// gateway reads one; the words auto and dev mean that it is worked out when the
// container starts.
func (r *reader) gateway(to *string, six bool, v *conf.Value) error {
	if v.Text == "auto" || v.Text == "dev" {
		return nil
	}
	a, ok := xml.ParseIP(v.Text)
	switch {
	case !ok:
		return r.At(xml.Errorf(xml.CodeXML, "Domain interface: Bad gateway address '%s' in route definition", v.Text), v)
	case six && !a.Is6():
		return r.At(xml.Errorf(xml.CodeXML, "Domain interface: ipv6 specified for non-IPv6 gateway address '%s' in route definition", v.Text), v)
	case !six && a.Is6(): // the peer names the route's address
		return r.At(xml.Errorf(xml.CodeXML, "Domain interface: IPv4 family specified for non-IPv4 gateway '0.0.0.0' in route definition"), v)
	}
	*to = a.String()
	return nil
}

// add makes a device of a card.
func (r *reader) add(n *network) error {
	switch n.kind {
	case "", "none":
		return nil
	case "phys", "vlan":
		return r.physical(n)
	}
	v := xml.Interface{Type: "user", MAC: &xml.MAC{Address: "00:00:00:00:00:00"}, IPs: n.ips, Routes: n.routes()}
	if m, ok := xml.ParseMAC(n.mac); ok {
		v.MAC.Address = m
	}
	switch n.kind {
	case "veth":
		if v.Type = "ethernet"; n.linked {
			v.Type, v.Source = "bridge", &xml.InterfaceSource{Bridge: n.link}
		}
	case "macvlan":
		if n.link == "" {
			return r.At(xml.Errorf(xml.CodeConfigUnsupported, "Missing 'link' attribute for NIC"), n.at)
		}
		v.Type, v.Source = "direct", &xml.InterfaceSource{Dev: n.link, Mode: macvlanMode(n.mode)}
	}
	if n.name != "" {
		v.Guest = &xml.InterfaceGuest{Dev: n.name}
	}
	v.Link = &xml.Link{State: "down"}
	if n.flags == "up" {
		v.Link.State = "up"
	}
	r.d.Devices.Interfaces = append(r.d.Devices.Interfaces, v)
	return nil
}

func macvlanMode(mode string) string {
	switch mode {
	case "":
		return "private"
	case "private", "bridge":
		return mode
	case "passthru":
		return "passthrough"
	}
	return "vepa"
}

// physical moves a card of the host's into the container.
func (r *reader) physical(n *network) error {
	if !n.linked {
		return r.At(xml.Errorf(xml.CodeConfigUnsupported, "Missing 'link' attribute for NIC"), n.at)
	}
	link := n.link
	if n.kind == "vlan" && n.vid != "" {
		link += "." + n.vid
	}
	r.d.Devices.Hostdevs = append(r.d.Devices.Hostdevs, xml.Hostdev{Mode: "capabilities", Type: "net",
		Source: &xml.HostdevSource{Interface: link}, IPs: n.ips, Routes: n.routes()})
	return nil
}

func (r *reader) consoles() error {
	v := r.first("lxc.tty.max", "lxc.tty")
	if v == nil {
		return nil
	}
	n, err := strconv.ParseUint(v.Text, 10, 10)
	if err != nil {
		return r.At(internal("failed to parse int: '%s'", v.Text), v)
	}
	for i := range uint(n) {
		r.d.Devices.Consoles = append(r.d.Devices.Consoles, xml.Chardev{CharSource: xml.CharSource{Type: "pty"},
			Target: &xml.CharTarget{Type: "lxc", Port: &i}})
	}
	return nil
}

// idmap reads the maps of users and groups: kind, a number in the container, a
// number on the host, how many. The peer takes the two numbers the other way
// round; read so, an ordinary file would make users of the container root of
// the host. The lower number is the container's: both readings agree with that
// where it matters.
func (r *reader) idmap() error {
	return r.each(func(name string, v *conf.Value) error {
		parts := strings.Fields(v.Text)
		var n [3]uint64
		bad := len(parts) != 4
		for i := 1; i < len(parts) && !bad; i++ {
			var err error
			n[i-1], err = strconv.ParseUint(parts[i], 10, 32)
			bad = err != nil
		}
		if bad || parts[0] != "u" && parts[0] != "g" && parts[0] != "b" {
			return r.At(internal("invalid %s: '%s'", name, v.Text), v)
		}
		m := xml.IDRange{Start: uint(min(n[0], n[1])), Target: uint(max(n[0], n[1])), Count: uint(n[2])}
		if r.d.IDMap == nil {
			r.d.IDMap = &xml.IDMap{}
		}
		if parts[0] != "g" {
			r.d.IDMap.UIDs = append(r.d.IDMap.UIDs, m)
		}
		if parts[0] != "u" {
			r.d.IDMap.GIDs = append(r.d.IDMap.GIDs, m)
		}
		return nil
	}, "lxc.idmap", "lxc.id_map")
}

// capabilityNames are the capabilities that domains have words for.
var capabilityNames = strings.Fields("audit_control audit_write block_suspend chown dac_override dac_read_search fowner fsetid ipc_lock ipc_owner " +
	"kill lease linux_immutable mac_admin mac_override mknod net_admin net_bind_service net_broadcast net_raw setgid setfcap setpcap setuid " +
	"sys_admin sys_boot sys_chroot sys_module sys_nice sys_pacct sys_ptrace sys_rawio sys_resource sys_time sys_tty_config syslog wake_alarm")

// capabilities reads what is taken from the container; what is kept alone means
// that all else is taken.
func (r *reader) capabilities() error {
	c := r.d.Features.Capabilities
	add := func(state string) func(string, *conf.Value) error {
		return func(_ string, v *conf.Value) error {
			for _, n := range strings.Fields(v.Text) {
				if slices.Contains(capabilityNames, n) && !slices.ContainsFunc(c.Caps, func(x xml.LXCCap) bool { return x.Name == n }) {
					c.Caps = append(c.Caps, xml.LXCCap{Name: n, State: state})
				}
			}
			return nil
		}
	}
	if err := r.each(add("off"), "lxc.cap.drop"); err != nil {
		return err
	}
	if len(c.Caps) == 0 && r.Get("lxc.cap.keep") != nil {
		c.Policy = "deny"
		if err := r.each(add("on"), "lxc.cap.keep"); err != nil {
			return err
		}
	}
	slices.SortFunc(c.Caps, func(a, b xml.LXCCap) int { return strings.Compare(a.Name, b.Name) })
	return nil
}
