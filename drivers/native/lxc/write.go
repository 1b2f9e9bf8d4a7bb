package lxc

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"virgo/drivers/native/shell"
	"virgo/xml"
)

// writer writes one file. LXC has no words for some of what a domain has: that
// is said in comments at the file's end.
type writer struct {
	buf   bytes.Buffer
	notes []string
}

func (w *writer) put(key string, value any) {
	fmt.Fprintf(&w.buf, "%s = %s\n", key, strings.ReplaceAll(fmt.Sprint(value), "\n", " "))
}

func (w *writer) note(format string, args ...any) {
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}

// To writes a domain as a configuration, in the keys of LXC 2.1 and newer.
// Limits are written for both generations of control groups; LXC takes those
// that the host has.
func To(d *xml.Domain) ([]byte, error) {
	if d.OS.Type.Text != "exe" {
		return nil, xml.Errorf(xml.CodeConfigUnsupported, "LXC runs containers only: os type is '%s'", d.OS.Type.Text)
	}
	w := &writer{}
	w.general(d)
	if err := w.filesystems(d); err != nil {
		return nil, err
	}
	if err := w.networks(d); err != nil {
		return nil, err
	}
	w.idmap(d)
	w.limits(d)
	w.blkio(d)
	w.capabilities(d)
	w.unsaid(d)
	for _, n := range w.notes {
		fmt.Fprintf(&w.buf, "# LXC has no setting for: %s\n", strings.ReplaceAll(n, "\n", " "))
	}
	return w.buf.Bytes(), nil
}

func (w *writer) general(d *xml.Domain) {
	w.put("lxc.uts.name", d.Name)
	o := &d.OS
	if a := o.Type.Arch; a != "" {
		w.put("lxc.arch", a)
	}
	if o.Init != "" && (o.Init != "/sbin/init" || len(o.InitArgs) > 0) {
		w.put("lxc.init.cmd", shell.Join(append([]string{o.Init}, o.InitArgs...)))
	}
	for _, e := range []struct{ name, value string }{{"cwd", o.InitDir}, {"uid", o.InitUser}, {"gid", o.InitGroup}} {
		if e.value != "" {
			w.put("lxc.init."+e.name, e.value)
		}
	}
	for _, e := range o.InitEnv {
		w.put("lxc.environment", e.Name+"="+e.Value)
	}
	ttys := 0
	for i := range d.Devices.Consoles {
		if d.Devices.Consoles[i].Type == "pty" {
			ttys++
		} else {
			w.note("a console of type %s", d.Devices.Consoles[i].Type)
		}
	}
	if ttys > 0 {
		w.put("lxc.tty.max", ttys)
	}
}

func (w *writer) filesystems(d *xml.Domain) error {
	root := false
	for i := range d.Devices.Filesystems {
		f := &d.Devices.Filesystems[i]
		target := f.Target.Dir
		source := f.Source.Dir
		switch f.Type {
		case "block":
			source = f.Source.Dev
		case "file":
			source = "loop:" + f.Source.File
		}
		if strings.ContainsAny(source+target, " \t\n") && target != "/" {
			return xml.Errorf(xml.CodeConfigUnsupported, "LXC cannot mount '%s' on '%s': there are blanks in it", source, target)
		}
		inside := strings.TrimPrefix(target, "/")
		access := "rw"
		if f.Readonly {
			access = "ro"
		}
		switch {
		case target == "/" && (f.Type == "mount" || f.Type == "block" || f.Type == "file"):
			w.put("lxc.rootfs.path", source)
			root = true
		case f.Type == "ram":
			n, err := strconv.ParseUint(f.Source.Usage, 10, 64)
			if err != nil {
				return xml.Errorf(xml.CodeXML, "cannot parse usage '%s' for RAM filesystem", f.Source.Usage)
			}
			bytes, err := xml.Scale(n, f.Source.Units, 1024)
			if err != nil {
				return err
			}
			w.put("lxc.mount.entry", fmt.Sprintf("tmpfs %s tmpfs size=%dk,%s,create=dir 0 0", inside, bytes/1024, access))
		case f.Type == "mount", f.Type == "bind":
			w.put("lxc.mount.entry", fmt.Sprintf("%s %s none bind,%s 0 0", source, inside, access))
		case f.Type == "block":
			w.put("lxc.mount.entry", fmt.Sprintf("%s %s auto %s 0 0", source, inside, access))
		default:
			w.note("a file system of type %s on %s", f.Type, target)
		}
	}
	if !root {
		return xml.Errorf(xml.CodeConfigUnsupported, "LXC needs a root file system: a filesystem with the target '/'")
	}
	return nil
}

func (w *writer) networks(d *xml.Domain) error {
	n := 0
	key := func(name string) string { return "lxc.net." + strconv.Itoa(n) + "." + name }
	addresses := func(ips []xml.InterfaceIP, routes []xml.Route) {
		for _, a := range ips {
			prefix := a.Prefix
			family := "ipv4"
			if a.Family == "ipv6" || strings.Contains(a.Address, ":") {
				family = "ipv6"
			}
			if prefix == 0 {
				prefix = map[string]uint{"ipv4": 24, "ipv6": 64}[family]
			}
			w.put(key(family+".address"), a.Address+"/"+strconv.Itoa(int(prefix)))
		}
		for _, r := range routes {
			if r.Address == "0.0.0.0" || r.Address == "::" || r.Address == "" {
				w.put(key(r.Family+".gateway"), r.Gateway)
			} else {
				w.note("the route to %s", r.Address)
			}
		}
	}
	for i := range d.Devices.Interfaces {
		v := &d.Devices.Interfaces[i]
		switch v.Type {
		case "bridge":
			w.put(key("type"), "veth")
			w.put(key("link"), v.Source.Bridge)
		case "ethernet":
			w.put(key("type"), "veth")
		case "direct":
			w.put(key("type"), "macvlan")
			w.put(key("link"), v.Source.Dev)
			w.put(key("macvlan.mode"), strings.Replace(v.Source.Mode, "passthrough", "passthru", 1))
		default:
			return xml.Errorf(xml.CodeConfigUnsupported, "LXC has no interfaces of type '%s'", v.Type)
		}
		if v.MAC != nil && strings.Trim(v.MAC.Address, "0:") != "" {
			w.put(key("hwaddr"), v.MAC.Address)
		}
		if v.Guest != nil && v.Guest.Dev != "" {
			w.put(key("name"), v.Guest.Dev)
		}
		if v.Link == nil || v.Link.State != "down" {
			w.put(key("flags"), "up")
		}
		addresses(v.IPs, v.Routes)
		n++
	}
	for i := range d.Devices.Hostdevs {
		h := &d.Devices.Hostdevs[i]
		if h.Mode != "capabilities" || h.Type != "net" || h.Source == nil {
			w.note("a device of the host, of type %s", h.Type)
			continue
		}
		w.put(key("type"), "phys")
		w.put(key("link"), h.Source.Interface)
		addresses(h.IPs, h.Routes)
		n++
	}
	if n == 0 {
		if d.Features != nil && d.Features.PrivNet {
			w.put(key("type"), "empty")
		} else {
			w.put(key("type"), "none")
		}
	}
	return nil
}

func (w *writer) idmap(d *xml.Domain) {
	if d.IDMap == nil {
		return
	}
	for _, m := range d.IDMap.UIDs {
		w.put("lxc.idmap", fmt.Sprintf("u %d %d %d", m.Start, m.Target, m.Count))
	}
	for _, m := range d.IDMap.GIDs {
		w.put("lxc.idmap", fmt.Sprintf("g %d %d %d", m.Start, m.Target, m.Count))
	}
}

func (w *writer) limits(d *xml.Domain) {
	t := d.MemTune
	if t == nil {
		t = &xml.MemTune{}
	}
	of := func(limit *xml.KiB) uint64 {
		if limit == nil {
			return 0
		}
		return uint64(*limit)
	}
	hard, soft, swap := of(t.HardLimit), of(t.SoftLimit), of(t.SwapHardLimit)
	if hard == 0 && d.Memory != nil && d.Memory.KiB != noLimit {
		hard = d.Memory.KiB
	}
	if hard > 0 {
		w.put("lxc.cgroup.memory.limit_in_bytes", hard*1024)
		w.put("lxc.cgroup2.memory.max", hard*1024)
	}
	if soft > 0 {
		w.put("lxc.cgroup.memory.soft_limit_in_bytes", soft*1024)
		w.put("lxc.cgroup2.memory.low", soft*1024)
	}
	if swap > 0 {
		w.put("lxc.cgroup.memory.memsw.limit_in_bytes", swap*1024)
		if swap > hard {
			w.put("lxc.cgroup2.memory.swap.max", (swap-hard)*1024)
		}
	}
	w.cpu(d)
}

func (w *writer) cpu(d *xml.Domain) {
	if c := d.CPUTune; c != nil {
		if c.Shares != nil {
			w.put("lxc.cgroup.cpu.shares", *c.Shares)
			w.put("lxc.cgroup2.cpu.weight", 1+(min(max(*c.Shares, 2), 262144)-2)*9999/262142)
		}
		if c.Period > 0 {
			w.put("lxc.cgroup.cpu.cfs_period_us", c.Period)
		}
		if c.Quota != 0 {
			w.put("lxc.cgroup.cpu.cfs_quota_us", c.Quota)
		}
		if c.Quota > 0 {
			period := c.Period
			if period == 0 {
				period = 100000
			}
			w.put("lxc.cgroup2.cpu.max", fmt.Sprintf("%d %d", c.Quota, period))
		}
	}
	both := func(name, value string) {
		if value != "" {
			w.put("lxc.cgroup."+name, value)
			w.put("lxc.cgroup2."+name, value)
		}
	}
	if d.VCPU != nil {
		both("cpuset.cpus", string(d.VCPU.CPUSet))
	}
	if n := d.NUMATune; n != nil && n.Memory != nil {
		both("cpuset.mems", string(n.Memory.NodeSet))
	}
}

func (w *writer) blkio(d *xml.Domain) {
	t := d.BlkioTune
	if t == nil {
		return
	}
	if t.Weight > 0 {
		w.put("lxc.cgroup.blkio.weight", t.Weight)
	}
	for _, b := range t.Devices {
		name, ok := strings.CutPrefix(b.Path, "/dev/block/")
		if !ok {
			w.note("limits of %s, whose numbers only the host knows (name it /dev/block/MAJOR:MINOR)", b.Path)
			continue
		}
		for _, e := range []struct {
			key   string
			value uint64
		}{{"device_weight", uint64(b.Weight)}, {"throttle.read_bps_device", b.ReadBytes}, {"throttle.write_bps_device", b.WriteBytes},
			{"throttle.read_iops_device", uint64(b.ReadIOPS)}, {"throttle.write_iops_device", uint64(b.WriteIOPS)}} {
			if e.value > 0 {
				w.put("lxc.cgroup.blkio."+e.key, name+" "+strconv.FormatUint(e.value, 10))
			}
		}
	}
}

func (w *writer) capabilities(d *xml.Domain) {
	if d.Features == nil || d.Features.Capabilities == nil {
		return
	}
	c := d.Features.Capabilities
	var on, off []string
	for _, x := range c.Caps {
		if x.State == "off" {
			off = append(off, x.Name)
		} else {
			on = append(on, x.Name)
		}
	}
	switch {
	case c.Policy == "deny" && len(on) == 0:
		w.put("lxc.cap.keep", "none")
	case c.Policy == "deny":
		w.put("lxc.cap.keep", strings.Join(on, " "))
	case len(off) > 0:
		w.put("lxc.cap.drop", strings.Join(off, " "))
	}
}

// unsaid notes the devices that are left.
func (w *writer) unsaid(d *xml.Domain) {
	dev := &d.Devices
	for _, e := range []struct {
		n    int
		what string
	}{{len(dev.Disks), "disks"}, {len(dev.Serials), "serial ports"}, {len(dev.Channels), "channels"}, {len(dev.Graphics), "displays"}, {len(dev.Sounds), "sound cards"},
		{len(dev.Videos), "video cards"}, {len(dev.RNGs), "random number generators"}, {len(dev.TPMs), "TPM devices"}} {
		if e.n > 0 {
			w.note("%d %s", e.n, e.what)
		}
	}
}
