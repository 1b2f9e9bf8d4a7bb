package lxc

import (
	"strings"
	"testing"

	"virgo/xml"
)

const head = "lxc.uts.name = x\nlxc.rootfs.path = /r\n"

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no root": {"lxc.uts.name = x", "lxc.rootfs.path"},
		"no name": {"lxc.rootfs.path = /r", "uts.name"},
		"fstab":   {head + "lxc.mount.fstab = /f", "lxc.mount.entry"},
		"mount":   {head + "lxc.mount.entry = /a b", "expecting source, target, type and options"},
		"tmpfs":   {head + "lxc.mount.entry = tmpfs t tmpfs rw 0 0", "missing tmpfs size"},
		"half":    {head + "lxc.mount.entry = tmpfs t tmpfs size=50% 0 0", "relative size: '50%'"},
		"map":     {head + "lxc.idmap = u 0", "lxc.idmap"},
		"memory":  {head + "lxc.cgroup.memory.limit_in_bytes = lots", "lots"},
		"syntax":  {"lxc.uts.name", "memory conf:1:"},
		"old map": {head + "lxc.id_map = u 0", "invalid lxc.id_map: 'u 0'"},
		"gateway": {head + "lxc.net.0.type = veth\nlxc.net.0.ipv4.gateway = x", "Domain interface: Bad gateway address 'x' in route definition"},
		"rate":    {head + "lxc.cgroup.blkio.throttle.read_bps_device = 8:0 x", "failed to parse read_bps_device: 'x'"},
		"iops":    {head + "lxc.cgroup.blkio.throttle.read_iops_device = 8:0 4294967296", "failed to parse read_iops_device: '4294967296'"},
		"weight":  {head + "lxc.cgroup.blkio.weight = 4294967296", "failed to parse integer"},
		"string":  {head + "lxc.pts = 'x", "unterminated string"},
		"quotes":  {head + "lxc.pts = 'x' y", "expecting a separator"},
		"family":  {head + "lxc.net.0.type = veth\nlxc.net.0.ipv4.address = 1::/12", "Invalid CIDR address: '1::/12'"},
		"four":    {head + "lxc.net.0.ipv4.gateway = 1::", "IPv4 family specified for non-IPv4 gateway '0.0.0.0' in route definition"},
		"six":     {head + "lxc.net.0.ipv6.gateway = 1.2.3.4", "ipv6 specified for non-IPv6 gateway address '1.2.3.4' in route definition"},
		"no CPUs": {head + "lxc.cgroup.cpuset.cpus =", "Failed to parse bitmap ''"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := From(xml.Source{Name: "f", Data: []byte(c.text)})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v %+v, want %s", err, d, c.want)
			}
		})
	}
}

// TestRead: what entries become in a domain.
func TestRead(t *testing.T) {
	for text, ok := range map[string]func(*xml.Domain) bool{
		"lxc.mount.entry = x proc none bind 0 0":              func(d *xml.Domain) bool { return len(d.Devices.Filesystems) == 1 },
		"lxc.mount.entry = x /proc none bind 0 0":             func(d *xml.Domain) bool { return len(d.Devices.Filesystems) == 1 },
		"lxc.cgroup.blkio.device_weight = 8:0 100 more":       func(d *xml.Domain) bool { return d.BlkioTune.Devices[0].Weight == 100 },
		"lxc.cgroup.blkio.weight = -1":                        func(d *xml.Domain) bool { return d.BlkioTune.Weight == 1<<32-1 },
		"lxc.cgroup.cpu.shares = -1":                          func(d *xml.Domain) bool { return *d.CPUTune.Shares == 1<<64-1 },
		"lxc.cgroup.memory.soft_limit_in_bytes = 512":         func(d *xml.Domain) bool { return *d.MemTune.SoftLimit == 0 },
		"lxc.tty.max = 300":                                   func(d *xml.Domain) bool { return len(d.Devices.Consoles) == 300 },
		"lxc.net.0.type = veth\nlxc.net.0.ipv4.gateway = dev": func(d *xml.Domain) bool { return len(d.Devices.Interfaces[0].Routes) == 0 },
		"lxc.net.0.type = phys\nlxc.net.0.link = e\nlxc.net.0.ipv6.gateway = ::1\nlxc.net.0.ipv4.gateway = 10.1\nlxc.net.00.ipv4.gateway = 10.2": func(d *xml.Domain) bool {
			routes := d.Devices.Hostdevs[0].Routes // IPv4's first, of several the last
			return len(routes) == 2 && routes[0].Gateway == "10.0.0.2" && routes[1].Gateway == "::1"
		},
		"lxc.net.0.type = veth\nlxc.net.0.ipv6.address = FE80:0::1/08": func(d *xml.Domain) bool {
			ip := d.Devices.Interfaces[0].IPs[0]
			return ip.Address == "fe80::1" && ip.Prefix == 8
		},
		"lxc.cgroup.blkio.device_weight = 8:0 0":        func(d *xml.Domain) bool { return d.BlkioTune == nil },
		"lxc.net.0.type = empty\nlxc.net.1.type = veth": func(d *xml.Domain) bool { return !d.Features.PrivNet },
		"lxc.net.0.type = empty":                        func(d *xml.Domain) bool { return d.Features.PrivNet },
		"lxc.net.0.type = veth\nlxc.net.0.link =":       func(d *xml.Domain) bool { return d.Devices.Interfaces[0].Type == "bridge" },
		"lxc.init.cmd = /x 'a":                          func(d *xml.Domain) bool { return d.OS.Init == "/x" },
	} {
		d, err := From(xml.Source{Data: []byte(head + text + "\n")})
		if err != nil || !ok(d) {
			t.Errorf("%s: %+v %v", text, d, err)
		}
	}
}

// TestNotes: what LXC has no word for stands in the file as a comment.
func TestNotes(t *testing.T) {
	d, err := From(xml.Source{Data: []byte(head)})
	if err != nil {
		t.Fatal(err)
	}
	d.Devices.Graphics = []xml.Graphics{{Type: "vnc"}}
	text, err := To(d)
	if err != nil || !strings.Contains(string(text), "# ") {
		t.Errorf("%v\n%s", err, text)
	}
}

// FuzzFrom: any file is read or refused, and what was read is written or refused.
func FuzzFrom(f *testing.F) {
	f.Add([]byte(head + "lxc.net.0.type = veth\nlxc.net.0.link = b\nlxc.idmap = u 0 1 2\nlxc.cgroup2.memory.max = 1G\nlxc.mount.entry = tmpfs t tmpfs size=1M 0 0"))
	f.Add([]byte("lxc.utsname = o\nlxc.rootfs = /dev/x\nlxc.network.type = phys\nlxc.network.link = e\nlxc.init.cmd = /sbin/init 'a b'\nlxc.cap.keep = sys_time"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if d, err := From(xml.Source{Data: data}); err == nil {
			_, _ = To(d)
		}
	})
}
