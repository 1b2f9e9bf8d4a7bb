package vmx

import (
	"fmt"
	"strconv"
	"strings"

	"virgo/drivers/native/conf"
	"virgo/xml"
)

// From reads a configuration. The domain has what the file says; what a driver
// adds to every domain is drivers/domain's business.
func From(src xml.Source, o Options) (*xml.Domain, error) {
	f, err := conf.Parse(src, conf.VMX)
	if err != nil {
		return nil, err
	}
	r := &reader{File: f, Options: o}
	encoding, ok := r.text(".encoding")
	if !ok {
		encoding = "UTF-8"
	}
	data, err := decode(src.Data, encoding)
	if err != nil {
		return nil, r.At(asError(err), r.Get(".encoding"))
	}
	if f, err = conf.Parse(xml.Source{Name: src.Name, Data: data}, conf.VMX); err != nil {
		return nil, err
	}
	r.File = f
	d := &xml.Domain{Type: "vmware", OnPoweroff: "destroy", OnReboot: "restart", OnCrash: "destroy", Clock: &xml.Clock{Offset: "utc"}}
	for _, step := range []func(*xml.Domain) error{
		r.versions, r.names, r.memory, r.processors, r.system, r.graphics, r.disks, r.folders, r.interfaces, r.video, r.serials, r.parallels, r.firmware,
	} {
		if err := step(d); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func asError(err error) *xml.Error {
	e, _ := err.(*xml.Error)
	return e
}

// versions refuses files of products that are too old.
func (r *reader) versions(*xml.Domain) error {
	if _, err := r.need("config.version"); err != nil {
		return err
	}
	v, err := r.number("config.version", 0)
	if err != nil {
		return err
	}
	if v != 8 {
		return r.fail("config.version", "Expecting VMX entry 'config.version' to be 8 but found %d", v)
	}
	if _, err := r.need("virtualHW.version"); err != nil {
		return err
	}
	if r.hardware, err = r.number("virtualHW.version", 0); err != nil {
		return err
	}
	if r.hardware < 4 {
		return r.fail("virtualHW.version", "Expecting VMX entry 'virtualHW.version' to be 4 or higher but found %d", r.hardware)
	}
	return nil
}

func (r *reader) names(d *xml.Domain) (err error) {
	if d.UUID, err = r.uuid("uuid.bios"); err != nil {
		return err
	}
	if err = r.generation(d); err != nil {
		return err
	}
	if d.Name, err = r.prose("displayName", "name", "%|"); err != nil {
		return err
	}
	d.Description, err = r.prose("annotation", "annotation", "|")
	if d.Description == "" && r.Get("annotation") != nil {
		d.Description = xml.Blank
	}
	return err
}

// generation reads the generation's id, which two numbers make.
func (r *reader) generation(d *xml.Domain) error {
	high, err := r.number("vm.genid", 0)
	if err != nil {
		return err
	}
	low, err := r.number("vm.genidX", 0)
	if err != nil {
		return err
	}
	if high != 0 || low != 0 {
		hex := fmt.Sprintf("%016x%016x", uint64(high), uint64(low))
		id, _ := xml.ParseUUID(hex)
		g := xml.GenID(id)
		d.GenID = &g
	}
	return nil
}

func (r *reader) memory(d *xml.Domain) error {
	size, err := r.number("memsize", 32)
	if err != nil {
		return err
	}
	if size <= 0 || size%4 != 0 {
		return r.fail("memsize", "Expecting VMX entry 'memsize' to be an unsigned integer (multiple of 4) but found %d", size)
	}
	limit, err := r.number("sched.mem.max", size)
	if err != nil {
		return err
	}
	if limit <= 0 || limit > size {
		limit = size
	}
	d.Memory = &xml.MemorySize{Unit: "KiB", KiB: uint64(size) * 1024}
	d.CurrentMem = xml.KiB(limit * 1024)
	least, err := r.number("sched.mem.minsize", 0)
	if err != nil {
		return err
	}
	if least > 0 {
		d.MemTune = &xml.MemTune{MinGuarantee: xml.KiB(min(least, size) * 1024)}
	}
	return nil
}

func (r *reader) processors(d *xml.Domain) error {
	n, err := r.number("numvcpus", 1)
	if err != nil {
		return err
	}
	if n <= 0 || n > 1<<32 {
		return r.fail("numvcpus", "Expecting VMX entry 'numvcpus' to be an unsigned integer greater than 0 but found %d", n)
	}
	d.VCPU = &xml.VCPU{Placement: "static", Count: uint(n)}
	cores, err := r.number("cpuid.coresPerSocket", 0)
	if err != nil {
		return err
	}
	if cores > n {
		return r.fail("cpuid.coresPerSocket", "VMX entry 'cpuid.coresPerSocket' smaller than 'numvcpus'")
	}
	if cores > 1 {
		d.CPU = &xml.CPU{Topology: &xml.CPUTopology{Sockets: uint32(n / cores), Dies: 1, Clusters: 1, Cores: uint32(cores), Threads: 1}}
	}
	if err := r.affinity(d); err != nil {
		return err
	}
	return r.shares(d)
}

// affinity reads the host's CPUs that the guest's run on.
func (r *reader) affinity(d *xml.Domain) error {
	const name = "sched.cpu.affinity"
	text, ok := r.text(name)
	if !ok || strings.EqualFold(text, "all") {
		return nil
	}
	var set xml.Set
	count := uint(0)
	for rest := text; rest != ""; count++ {
		digits, after := leadingNumber(rest)
		cpu, err := strconv.ParseUint("0"+digits, 10, 32)
		after = strings.TrimLeft(after, blanks)
		next, more := strings.CutPrefix(after, ",")
		letter := after != "" && (after[0] >= 'a' && after[0] <= 'z')
		if err != nil || letter || more && (digits == "" || strings.Trim(next, blanks) == "") {
			return r.fail(name, "Expecting VMX entry '%s' to be a comma separated list of unsigned integers but found '%s'", name, text)
		}
		if cpu >= 1<<14 {
			return r.fail(name, "VMX entry '%s' contains a %d, this value is too large", name, cpu)
		}
		set.Add(int(cpu))
		if rest = next; !more { // the peer reads no further than it understands
			rest = ""
		}
	}
	if count < d.VCPU.Count {
		return r.fail(name, "Expecting VMX entry '%s' to contain at least as many values as 'numvcpus' (%d) but found only %d value(s)", name, d.VCPU.Count, count)
	}
	d.VCPU.CPUSet = xml.CPUSet(set.String())
	return nil
}

// leadingNumber cuts a number, with the blanks and the sign before it, off a text.
func leadingNumber(text string) (digits, after string) {
	text = strings.TrimPrefix(strings.TrimLeft(text, blanks), "+")
	after = strings.TrimLeft(text, "0123456789")
	return text[:len(text)-len(after)], after
}

// shareWords are the shares of one CPU that words mean.
var shareWords = []struct {
	word  string
	share uint64
}{{"low", 500}, {"normal", 1000}, {"high", 2000}}

func (r *reader) shares(d *xml.Domain) error {
	const name = "sched.cpu.shares"
	text, ok := r.text(name)
	if !ok {
		return nil
	}
	for _, w := range shareWords {
		if strings.EqualFold(text, w.word) {
			n := w.share * uint64(d.VCPU.Count)
			d.CPUTune = &xml.CPUTune{Shares: &n}
			return nil
		}
	}
	number := strings.TrimPrefix(strings.TrimLeft(text, blanks), "+")
	n, err := strconv.ParseUint(number, 10, 64)
	if rest, ok := strings.CutPrefix(number, "-"); ok { // the peer counts below nothing from the highest number
		n, err = strconv.ParseUint(rest, 10, 64)
		n = -n
	}
	if err != nil {
		return r.fail(name, "Expecting VMX entry '%s' to be an unsigned integer or 'low', 'normal' or 'high' but found '%s'", name, text)
	}
	d.CPUTune = &xml.CPUTune{Shares: &n}
	return nil
}

// system reads what the machine is.
func (r *reader) system(d *xml.Domain) error {
	d.OS.Type = xml.OSType{Text: "hvm", Arch: "i686"}
	if os := r.str("guestOS"); hasSuffix(os, "-64") {
		d.OS.Type.Arch = "x86_64"
	}
	host, err := r.flag("smbios.reflecthost", false)
	if err != nil {
		return err
	}
	if host {
		d.OS.SMBIOS = &xml.SMBIOS{Mode: "host"}
	}
	return nil
}

func (r *reader) firmware(d *xml.Domain) error {
	text, ok := r.text("firmware")
	if ok && text != "efi" { // the peer refuses "bios" too
		return r.fail("firmware", "VMX entry 'firmware' has unknown value '%s'", text)
	}
	secure, err := r.flag("uefi.secureBoot.enabled", false)
	if err != nil || text != "efi" {
		return err
	}
	d.OS.Firmware = "efi"
	if secure {
		d.OS.FWFeatures = []xml.FWFeature{{Enabled: "yes", Name: "enrolled-keys"}, {Enabled: "yes", Name: "secure-boot"}}
	}
	return nil
}

func (r *reader) graphics(d *xml.Domain) error {
	on, err := r.flag("RemoteDisplay.vnc.enabled", false)
	if err != nil || !on {
		return err
	}
	g := xml.Graphics{Type: "vnc"}
	port, err := r.number("RemoteDisplay.vnc.port", -1)
	if err != nil {
		return err
	}
	p := int(port)
	g.Port, g.Autoport = &p, "no"
	if p < 0 {
		p, g.Autoport = -1, "yes"
	}
	g.Listen, g.Keymap, g.Passwd = r.given("RemoteDisplay.vnc.ip"), r.given("RemoteDisplay.vnc.keymap"), r.given("RemoteDisplay.vnc.password")
	d.Devices.Graphics = []xml.Graphics{g}
	return nil
}

func (r *reader) video(d *xml.Domain) error {
	bytes, err := r.number("svga.vramSize", 4<<20)
	if err != nil {
		return err
	}
	bytes = min(max(bytes, 0), 1<<40)
	kib := uint(1)
	for int64(kib)<<10 < bytes { // the next power of two
		kib *= 2
	}
	if bytes == 0 {
		kib = 4096
	}
	d.Devices.Videos = []xml.Video{{Model: &xml.VideoModel{Type: "vmvga", VRAM: kib, Primary: "yes"}}}
	return nil
}

// folders reads the host's folders that the guest sees.
func (r *reader) folders(d *xml.Domain) error {
	off, err := r.flag("isolation.tools.hgfs.disable", true)
	if err != nil || off {
		return err
	}
	count, err := r.number("sharedFolder.maxNum", 0)
	if err != nil {
		return err
	}
	for i := range min(count, 1<<10) {
		name := "sharedFolder" + strconv.FormatInt(i, 10)
		present, err := r.flag(name+".present", false)
		if err != nil {
			return err
		}
		enabled, err := r.flag(name+".enabled", false)
		if err != nil {
			return err
		}
		if !present || !enabled {
			continue
		}
		for _, key := range []string{".hostPath", ".guestName"} {
			if _, err := r.need(name + key); err != nil {
				return err
			}
		}
		write, err := r.flag(name+".writeAccess", false)
		if err != nil {
			return err
		}
		d.Devices.Filesystems = append(d.Devices.Filesystems, xml.Filesystem{Type: "mount", AccessMode: "passthrough",
			Source: &xml.FSSource{Dir: r.given(name + ".hostPath")}, Target: &xml.FSTarget{Dir: r.given(name + ".guestName")}, Readonly: !write})
	}
	return nil
}
