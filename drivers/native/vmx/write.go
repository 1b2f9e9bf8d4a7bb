package vmx

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// writer writes one file and keeps its first error.
type writer struct {
	Options
	buf bytes.Buffer
}

// put writes an entry; what a string cannot have is escaped.
func (w *writer) put(name, value string) {
	fmt.Fprintf(&w.buf, "%s = \"%s\"\n", name, escape(value, '|', `"`))
}

func (w *writer) num(name string, v uint64) { w.put(name, strconv.FormatUint(v, 10)) }

func (w *writer) flag(name string, v bool) { w.put(name, strconv.FormatBool(v)) }

func unsupported(format string, args ...any) error {
	return xml.Errorf(xml.CodeConfigUnsupported, format, args...)
}

func internal(format string, args ...any) error { return xml.Errorf(xml.CodeInternal, format, args...) }

// To writes a domain, as drivers/domain completed it, as a configuration.
func To(d *xml.Domain, o Options) ([]byte, error) {
	w := &writer{Options: o}
	if w.HardwareVersion == 0 {
		w.HardwareVersion = 4
	}
	for _, step := range []func(*xml.Domain) error{
		w.head, w.memory, w.processors, w.graphics, w.disks, w.folders, w.interfaces, w.video, w.ports, w.bus,
	} {
		if err := step(d); err != nil {
			return nil, err
		}
	}
	return w.buf.Bytes(), nil
}

func (w *writer) head(d *xml.Domain) error {
	w.put(".encoding", "UTF-8")
	w.put("config.version", "8")
	w.num("virtualHW.version", uint64(w.HardwareVersion))
	os := "other"
	switch d.OS.Type.Arch {
	case "x86_64":
		os = "other-64"
	case "i686":
	default:
		return internal("Expecting domain XML attribute 'arch' of entry 'os/type' to be 'i686' or 'x86_64' but found '%s'", d.OS.Type.Arch)
	}
	w.put("guestOS", os)
	if s := d.OS.SMBIOS; s != nil {
		switch s.Mode {
		case "host":
			w.flag("smbios.reflecthost", true)
		case "", "emulate":
		default:
			return unsupported("Unsupported SMBIOS mode '%s'", s.Mode)
		}
	}
	if strings.Trim(d.UUID, "0-") == "" {
		w.put("uuid.action", "create")
	} else {
		w.put("uuid.bios", formatUUID(d.UUID))
	}
	w.put("displayName", escape(d.Name, '%', "/"))
	if d.Description != "" {
		w.put("annotation", d.Description)
	}
	return nil
}

// roundUp gives n in units, rounded up.
func roundUp(n, unit uint64) uint64 { return (n + unit - 1) / unit }

func (w *writer) memory(d *xml.Domain) error {
	kib := d.Memory.KiB
	size := roundUp(kib, 4096) * 4
	w.num("memsize", size)
	if now := roundUp(uint64(d.CurrentMem), 1024); uint64(d.CurrentMem) < size*1024 {
		w.num("sched.mem.max", now)
	}
	if t := d.MemTune; t != nil && t.MinGuarantee > 0 {
		w.num("sched.mem.minsize", roundUp(uint64(t.MinGuarantee), 1024))
	}
	return nil
}

func (w *writer) processors(d *xml.Domain) error {
	n := d.VCPU.Count
	if c := d.VCPU.Current; c != 0 && c != n {
		return unsupported("No support for domain XML entry 'vcpu' attribute 'current'")
	}
	if n == 0 {
		return internal("Expecting domain XML entry 'vcpu' to be greater than 0")
	}
	w.num("numvcpus", uint64(n))
	if d.CPU != nil && d.CPU.Topology != nil {
		t := d.CPU.Topology
		switch {
		case t.Threads > 1:
			return unsupported("Only 1 thread per core is supported")
		case t.Dies > 1:
			return unsupported("Only 1 die per socket is supported")
		case t.Clusters > 1:
			return unsupported("Only 1 cluster per die is supported")
		case t.Cores == 0 || uint(t.Sockets)*uint(t.Cores) != n:
			return internal("Expecting domain XML CPU sockets per core as %d but found %d", n/max(uint(t.Cores), 1), t.Sockets)
		}
		w.num("cpuid.coresPerSocket", uint64(t.Cores))
	}
	if set := d.VCPU.CPUSet; set != "" {
		if err := w.affinity(set.Set(), int(n)); err != nil {
			return err
		}
	}
	if d.CPUTune != nil && d.CPUTune.Shares != nil {
		w.put("sched.cpu.shares", sharesText(*d.CPUTune.Shares, uint64(n)))
	}
	return nil
}

func (w *writer) affinity(set xml.Set, n int) error {
	if set.Len() < n {
		return internal("Expecting domain XML attribute 'cpuset' of entry 'vcpu' to contain at least %d CPU(s)", n)
	}
	var cpus []string
	for i := 0; i <= set.Last(); i++ {
		if set.Has(i) {
			cpus = append(cpus, strconv.Itoa(i))
		}
	}
	w.put("sched.cpu.affinity", strings.Join(cpus, ","))
	return nil
}

// sharesText is the word for shares, or their number.
func sharesText(shares, vcpus uint64) string {
	for _, s := range shareWords {
		if hi, lo := bits.Mul64(s.share, vcpus); hi == 0 && lo == shares {
			return s.word
		}
	}
	return strconv.FormatUint(shares, 10)
}

func (w *writer) graphics(d *xml.Domain) error {
	for i := range d.Devices.Graphics {
		g := &d.Devices.Graphics[i]
		if g.Type != "vnc" {
			return unsupported("Unsupported graphics type '%s'", g.Type)
		}
		if i > 0 {
			return unsupported("No support for multiple graphics devices")
		}
		w.flag("RemoteDisplay.vnc.enabled", true)
		if g.Port != nil && *g.Port >= 0 && g.Autoport != "yes" {
			w.num("RemoteDisplay.vnc.port", uint64(*g.Port))
		}
		for _, e := range []struct{ name, value string }{{"ip", g.Listen}, {"keymap", g.Keymap}, {"password", g.Passwd}} {
			if e.value != "" {
				w.put("RemoteDisplay.vnc."+e.name, e.value)
			}
		}
	}
	return nil
}

func (w *writer) folders(d *xml.Domain) error {
	list := d.Devices.Filesystems
	if len(list) == 0 {
		return nil
	}
	w.flag("isolation.tools.hgfs.disable", false)
	w.num("sharedFolder.maxNum", uint64(len(list)))
	for i := range list {
		f := &list[i]
		if f.Type != "mount" {
			return unsupported("Only '%s' filesystem type is supported", "mount")
		}
		name := "sharedFolder" + strconv.Itoa(i)
		w.flag(name+".present", true)
		w.flag(name+".enabled", true)
		w.flag(name+".readAccess", true)
		w.flag(name+".writeAccess", !f.Readonly)
		w.put(name+".hostPath", f.Source.Dir)
		w.put(name+".guestName", f.Target.Dir)
	}
	return nil
}

func (w *writer) ports(d *xml.Domain) error {
	for i := range d.Devices.Serials {
		c := &d.Devices.Serials[i]
		port := portOf(c)
		if port >= maxSerials {
			return internal("Serial port index %d out of [0..3] range", port)
		}
		if err := w.serial(c, "serial"+strconv.Itoa(int(port))); err != nil {
			return err
		}
	}
	for i := range d.Devices.Parallels {
		c := &d.Devices.Parallels[i]
		port := portOf(c)
		if port >= maxParallels {
			return internal("Parallel port index %d out of [0..2] range", port)
		}
		name := "parallel" + strconv.Itoa(int(port))
		w.flag(name+".present", true)
		switch c.Type {
		case "dev":
			w.put(name+".fileType", "device")
			w.put(name+".fileName", c.Path)
		case "file":
			path, err := w.path(c.Path)
			if err != nil {
				return err
			}
			w.put(name+".fileType", "file")
			w.put(name+".fileName", path)
		default:
			return unsupported("Unsupported character device type '%s'", c.Type)
		}
	}
	return nil
}

func portOf(c *xml.Chardev) uint {
	if c.Target == nil || c.Target.Port == nil {
		return 0
	}
	return *c.Target.Port
}

func (w *writer) serial(c *xml.Chardev, name string) error {
	w.flag(name+".present", true)
	switch c.Type {
	case "dev":
		w.put(name+".fileType", "device")
		w.put(name+".fileName", c.Path)
	case "file":
		path, err := w.path(c.Path)
		if err != nil {
			return err
		}
		w.put(name+".fileType", "file")
		w.put(name+".fileName", path)
	case "pipe":
		w.put(name+".fileType", "pipe")
		w.put(name+".pipe.endPoint", "client")
		w.flag(name+".tryNoRxLoss", false)
		w.put(name+".fileName", c.Path)
	case "tcp":
		// The last word for a protocol would be the longest one; the first is VMware's own.
		i := slices.IndexFunc(schemes, func(x struct{ word, protocol string }) bool { return x.protocol == c.Protocol })
		if i < 0 {
			return unsupported("Unsupported character device TCP protocol '%s'", c.Protocol)
		}
		w.put(name+".fileType", "network")
		w.put(name+".fileName", schemes[i].word+"://"+hostPort(c.Host, c.Service))
		end := "client"
		if c.Mode == "bind" {
			end = "server"
		}
		w.put(name+".network.endPoint", end)
	default:
		return unsupported("Unsupported character device type '%s'", c.Type)
	}
	w.flag(name+".yieldOnMsrRead", true)
	return nil
}

func (w *writer) video(d *xml.Domain) error {
	list := d.Devices.Videos
	if len(list) > 1 {
		return internal("No support for multiple video devices")
	}
	if len(list) == 1 {
		m := list[0].Model
		if m.Type != "vmvga" {
			return unsupported("Unsupported video device type '%s'", m.Type)
		}
		w.num("svga.vramSize", uint64(roundUp(uint64(m.VRAM), 64))*64*1024)
	}
	return nil
}

// bus writes the bridges that newer hardware needs for fast controllers, and
// the firmware.
func (w *writer) bus(d *xml.Domain) error {
	if d.OS.Firmware == "efi" {
		w.put("firmware", "efi")
		for _, f := range d.OS.FWFeatures {
			if f.Name == "secure-boot" && f.Enabled == "yes" {
				w.flag("uefi.secureBoot.enabled", true)
			}
		}
	}
	if w.HardwareVersion < 7 {
		return nil
	}
	for i := range d.Devices.Controllers {
		if d.Devices.Controllers[i].Type != "scsi" {
			continue
		}
		w.flag("pciBridge0.present", true)
		for n := 4; n < 8; n++ {
			name := "pciBridge" + strconv.Itoa(n)
			w.flag(name+".present", true)
			w.put(name+".virtualDev", "pcieRootPort")
			w.num(name+".functions", 8)
		}
		break
	}
	w.flag("vmci0.present", true)
	return nil
}
