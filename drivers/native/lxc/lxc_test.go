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
	} {
		t.Run(name, func(t *testing.T) {
			d, err := From(xml.Source{Name: "f", Data: []byte(c.text)})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v %+v, want %s", err, d, c.want)
			}
		})
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
