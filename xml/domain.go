package xml

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Domain is a guest's definition.
type Domain struct {
	_           struct{}        `root:"domain"`
	Type        string          `el:"type,attr,filled,order=3" enum:"qemu kvm xen lxc test vmware hyperv vbox phyp parallels bhyve vz hvf kqemu uml openvz none" unknown:"unsupported configuration: invalid domain type %s" missing:"internal error: missing domain type attribute"`
	ID          *int            `el:"id,attr,blank"` // of a running guest
	QEMU        string          `el:"xmlns:qemu,attr"`
	Xen         string          `el:"xmlns:xen,attr"`
	Bhyve       string          `el:"xmlns:bhyve,attr"`
	Name        string          `el:"name,order=1"`
	UUID        string          `el:"uuid,order=2"`
	HWUUID      string          `el:"hwuuid"`
	GenID       *GenID          `el:"genid,order=5"`
	Title       string          `el:"title,order=6"`
	Description string          `el:"description,order=7"`
	Metadata    *Metadata       `el:"metadata"`
	MaxMemory   *MaxMemory      `el:"maxMemory,order=10"`
	Memory      *MemorySize     `el:"memory,order=9"`
	CurrentMem  KiB             `el:"currentMemory,order=11"`
	BlkioTune   *BlkioTune      `el:"blkiotune,order=13"`
	MemTune     *MemTune        `el:"memtune,order=14"`
	Backing     *MemoryBacking  `el:"memoryBacking,order=12"`
	VCPU        *VCPU           `el:"vcpu,order=15"`
	VCPUs       []VCPUState     `el:"vcpus>vcpu,order=16"`
	IOThreads   uint            `el:"iothreads,order=17,blank" unknown:"XML error: invalid iothreads count '%s'"`
	IOThreadIDs []IOThread      `el:"iothreadids>iothread,order=18"`
	DefaultIO   *DefaultIO      `el:"defaultiothread"`
	Throttle    []ThrottleGroup `el:"throttlegroups>throttlegroup,order=35"`
	CPUTune     *CPUTune        `el:"cputune,order=19"`
	NUMATune    *NUMATune       `el:"numatune,order=22"`
	Resource    *Resource       `el:"resource,order=23"`
	Sysinfo     []Sysinfo       `el:"sysinfo,order=42"`
	Bootloader  string          `el:"bootloader,order=31"`
	BootArgs    string          `el:"bootloader_args"`
	OS          OS              `el:"os,order=33"`
	IDMap       *IDMap          `el:"idmap,order=41"`
	Features    *Features       `el:"features,order=24"`
	CPU         *CPU            `el:"cpu,order=20"`
	Clock       *Clock          `el:"clock,order=32"`
	OnPoweroff  string          `el:"on_poweroff,order=26,blank" enum:"destroy restart rename-restart preserve coredump-destroy coredump-restart" unknown:"unsupported configuration: unknown on_poweroff action: %s"`
	OnReboot    string          `el:"on_reboot,order=25,blank" enum:"destroy restart rename-restart preserve coredump-destroy coredump-restart" unknown:"unsupported configuration: unknown on_reboot action: %s"`
	OnCrash     string          `el:"on_crash,order=27,blank" enum:"destroy restart rename-restart preserve coredump-destroy coredump-restart" unknown:"unsupported configuration: unknown on_crash action: %s"`
	OnLock      string          `el:"on_lockfailure,order=28,blank" enum:"poweroff restart pause ignore" unknown:"unsupported configuration: unknown on_lockfailure action: %s"`
	PM          *PM             `el:"pm,order=29"`
	Perf        []PerfEvent     `el:"perf>event,order=30"`
	Devices     Devices         `el:"devices,empty,order=40"`
	SecLabels   []SecLabel      `el:"seclabel,order=8"`
	KeyWrap     []KeyWrap       `el:"keywrap>cipher,order=43"`
	Security    *LaunchSecurity `el:"launchSecurity,order=39"`

	QEMUCommandline  *QEMUCommandline  `el:"qemu:commandline"`
	QEMUCapabilities *QEMUCapabilities `el:"qemu:capabilities"`
	QEMUOverride     []QEMUOverride    `el:"qemu:override>qemu:device"`
	QEMUDeprecation  *QEMUDeprecation  `el:"qemu:deprecation"`
	XenCommandline   *XenCommandline   `el:"xen:commandline"`
	BhyveCommandline *BhyveCommandline `el:"bhyve:commandline"`

	// Failed is the part at which reading ended with an error: its place in
	// the order of reading.
	Failed int
}

// The namespaces of what is passed to a hypervisor as it stands.
const (
	QEMUSpace  = "http://libvirt.org/schemas/domain/qemu/1.0"
	XenSpace   = "http://libvirt.org/schemas/domain/xen/1.0"
	BhyveSpace = "http://libvirt.org/schemas/domain/bhyve/1.0"
)

// DecodeNode reads the definition.
func (d *Domain) DecodeNode(n *Node) error {
	if err := d.decodeIDs(n); err != nil {
		return located(err, n)
	}
	own := n.ours(QEMUSpace, "qemu:").ours(XenSpace, "xen:").ours(BhyveSpace, "bhyve:")
	own.merge(mergedParts...)
	virt, _ := n.Attr("type")
	for i, c := range own.Children {
		if kind := c.Child("type"); c.Name == "os" && virt != "xen" && kind != nil && kind.Value() == "linux" {
			own.Children[i] = c.without(func(name string, attr bool) bool { return !attr && (name == "loader" || name == "nvram") })
		}
		if c.Name == "features" {
			f := *c
			f.merge("kvm", "hyperv", "xen")
			f.keepLast()
			own.Children[i] = &f
		}
	}
	own.mergeBoot()
	for _, name := range []string{"numatune", "resource"} {
		if len(own.Elements(name)) > 1 {
			return Errorf(CodeXML, "only one %s%s is supported", name, map[string]string{"resource": " element"}[name])
		}
	}
	if err := DecodeFields(own, d); err != nil {
		d.Failed = orderOf[Domain](n.partWith(err))
		return err
	}
	if d.QEMUCommandline != nil || d.QEMUCapabilities != nil || d.QEMUOverride != nil || d.QEMUDeprecation != nil {
		d.QEMU = QEMUSpace
	}
	if d.XenCommandline != nil {
		d.Xen = XenSpace
	}
	if d.BhyveCommandline != nil {
		d.Bhyve = BhyveSpace
	}
	return nil
}

// mergedParts are the elements of a domain that may be there in several pieces.
var mergedParts = []string{
	"devices", "features", "iothreadids", "cputune", "memtune", "blkiotune", "memoryBacking", "pm", "vcpus", "clock", "throttlegroups", "perf", "keywrap", "idmap",
}

// merge makes one element of several of a name, as the peer sees them: the
// attributes are the first one's.
func (n *Node) merge(names ...string) {
	for _, name := range names {
		if countChildren(n, name) < 2 {
			continue
		}
		var all *Node
		var kids []*Node
		for _, c := range n.Children {
			switch {
			case c.Name != name:
				kids = append(kids, c)
			case all == nil:
				first := *c
				first.Children = slices.Clone(c.Children)
				all = &first
				kids = append(kids, all)
			default:
				all.Children = append(all.Children, c.Children...)
			}
		}
		n.Children = kids
	}
}

// keepLast leaves of several elements of a name the last.
func (n *Node) keepLast() {
	var kept []*Node
	for i, c := range n.Children {
		if !c.IsElement() || !slices.ContainsFunc(n.Children[i+1:], func(o *Node) bool { return o.Name == c.Name }) {
			kept = append(kept, c)
		}
	}
	n.Children = kept
}

// mergeBoot moves the boot order of further <os> elements to the first, as the
// peer reads it.
func (n *Node) mergeBoot() {
	list := n.Elements("os")
	if len(list) < 2 {
		return
	}
	first := *list[0]
	first.Children = append([]*Node(nil), first.Children...)
	for _, o := range list[1:] {
		first.Children = append(first.Children, o.Elements("boot")...)
	}
	for i, c := range n.Children {
		if c == list[0] {
			n.Children[i] = &first
		}
	}
}

// decodeIDs reads what the peer reads first.
func (d *Domain) decodeIDs(n *Node) error {
	if c := n.Child("name"); c == nil || c.Value() == "" {
		return Errorf(CodePlain, "missing name information")
	}
	if c := n.Child("uuid"); c != nil && c.Value() != "" {
		if _, ok := ParseUUID(c.Value()); !ok {
			return Errorf(CodeInternal, "malformed uuid element")
		}
	}
	if kind, _ := n.Attr("type"); !slices.Contains(enumOf[Domain]("Type"), kind) {
		return nil // which decoding tells
	}
	return n.decodeOSType()
}

// decodeOSType checks what kind of guest runs on what.
func (n *Node) decodeOSType() error {
	var kind *Node
	if os := n.Child("os"); os != nil {
		kind = os.Child("type")
	}
	if kind == nil || kind.Value() == "" {
		if b := n.Child("bootloader"); b == nil || b.Value() == "" {
			return Errorf(CodeXML, "an os <type> must be specified")
		}
	} else if !slices.Contains(enumOf[OSType]("Text"), kind.Value()) {
		return Errorf(CodeConfigUnsupported, "unknown OS type '%s'", kind.Value())
	}
	if kind == nil {
		return nil
	}
	if a, ok := kind.Attr("arch"); ok && a != "" && !KnownArchitecture(a) {
		return Errorf(CodeConfigUnsupported, "Unknown architecture %s", a)
	}
	return nil
}

// enumOf are the values that a field of T has.
func enumOf[T any](field string) []string {
	f, _ := reflect.TypeFor[T]().FieldByName(field)
	return strings.Fields(f.Tag.Get("enum"))
}

// GenID is the generation id: a UUID, or empty where one shall be made.
type GenID string

// ParseValue reads the UUID.
func (g *GenID) ParseValue(text string) error {
	if strings.TrimSpace(text) == "" {
		*g = ""
		return nil
	}
	u, ok := ParseUUID(text)
	if !ok {
		return Errorf(CodeInternal, "malformed genid element")
	}
	*g = GenID(u)
	return nil
}

// FormatValue is the UUID.
func (g *GenID) FormatValue() string { return string(*g) }

// MemorySize is the guest's memory.
type MemorySize struct {
	DumpCore OnOff  `el:"dumpCore,attr"`
	Unit     string `el:"unit,attr"` // always KiB
	KiB      uint64 `el:",text,empty"`
}

// DecodeNode reads the size in any unit.
func (m *MemorySize) DecodeNode(n *Node) error {
	if err := decodeAttrs(n, m); err != nil {
		return err
	}
	v, err := ScaledNode(n, 1024)
	m.Unit, m.KiB = "KiB", ToKiB(v)
	return err
}

// MaxMemory is how far memory can grow with memory devices.
type MaxMemory struct {
	Slots uint   `el:"slots,attr,blank" unknown:"XML error: Failed to parse memory slot count"`
	Unit  string `el:"unit,attr"` // always KiB
	KiB   uint64 `el:",text,empty"`
}

// DecodeNode reads the size in any unit.
func (m *MaxMemory) DecodeNode(n *Node) error {
	if err := decodeAttrs(n, m); err != nil {
		return err
	}
	v, err := ScaledNode(n, 1024)
	m.Unit, m.KiB = "KiB", ToKiB(v)
	return err
}

// decodeAttrs reads the attributes into v's fields, but for unit.
func decodeAttrs(n *Node, v any) error {
	c := Node{Name: n.Name, Line: n.Line, Column: n.Column, Children: []*Node{{Text: "0"}}}
	for _, a := range n.Attrs {
		if a.Name != "unit" {
			c.Attrs = append(c.Attrs, a)
		}
	}
	return DecodeFields(&c, v)
}

// BlkioTune is what disk traffic the guest gets.
type BlkioTune struct {
	Weight  uint          `el:"weight"`
	Devices []BlkioDevice `el:"device"`
}

// DecodeNode reads the weights; one that is no number does not count.
func (b *BlkioTune) DecodeNode(n *Node) error {
	if c := n.Child("weight"); c != nil {
		if _, err := parseUint(c.Value(), 10, 32); err != nil {
			n = n.without(func(name string, attr bool) bool { return !attr && name == "weight" })
		}
	}
	return DecodeFields(n, b)
}

// BlkioDevice is that of one device of the host.
type BlkioDevice struct {
	Path       string `el:"path"`
	Weight     uint   `el:"weight,blank" unknown:"unsupported configuration: could not parse weight %s"`
	ReadIOPS   uint   `el:"read_iops_sec,blank" unknown:"unsupported configuration: could not parse read iops sec %s"`
	WriteIOPS  uint   `el:"write_iops_sec,blank" unknown:"unsupported configuration: could not parse write iops sec %s"`
	ReadBytes  uint64 `el:"read_bytes_sec,blank" unknown:"unsupported configuration: could not parse read bytes sec %s"`
	WriteBytes uint64 `el:"write_bytes_sec,blank" unknown:"unsupported configuration: could not parse write bytes sec %s"`
}

// DecodeNode reads them, once it is known what they are of.
func (b *BlkioDevice) DecodeNode(n *Node) error {
	if c := n.Child("path"); c == nil || c.Value() == "" {
		return Errorf(CodeConfigUnsupported, "missing per-device path")
	}
	return DecodeFields(n, b)
}

// MemTune limits the memory of the guest's process.
type MemTune struct {
	HardLimit     *KiB `el:"hard_limit"` // nil: none
	SoftLimit     *KiB `el:"soft_limit"`
	MinGuarantee  KiB  `el:"min_guarantee"`
	SwapHardLimit *KiB `el:"swap_hard_limit"`
}

// MemoryBacking says where the guest's memory comes from.
type MemoryBacking struct {
	HugePages    *HugePages  `el:"hugepages,bare"`
	NoSharePages bool        `el:"nosharepages"`
	Locked       bool        `el:"locked"`
	Source       string      `el:"source>type,attr,blank" enum:"anonymous file memfd" unknown:"unsupported configuration: unknown memoryBacking/source/type '%s'"`
	Access       string      `el:"access>mode,attr,blank" enum:"shared private" unknown:"unsupported configuration: unknown memoryBacking/access/mode '%s'"`
	Allocation   *Allocation `el:"allocation"`
	Discard      bool        `el:"discard"`
}

// Allocation says when memory is taken.
type Allocation struct {
	Mode    string `el:"mode,attr,blank" enum:"immediate ondemand" unknown:"unsupported configuration: unknown memoryBacking/allocation/mode '%s'"`
	Threads uint   `el:"threads,attr,nonzero"`
}

// HugePages asks for large pages.
type HugePages struct {
	Pages []HugePage `el:"page"`
}

// HugePage is a page size, and the guest's NUMA nodes that it is for.
type HugePage struct {
	Size    uint64 `el:"size,attr" unknown:"XML error: Invalid value '%s' for element or attribute './@size'"`
	Unit    string `el:"unit,attr"` // always KiB
	NodeSet CPUSet `el:"nodeset,attr"`
}

// DecodeNode reads the size in any unit.
func (h *HugePage) DecodeNode(n *Node) error {
	if size, _ := n.Attr("size"); size == "" {
		return Errorf(CodeXML, "missing element or attribute './@size'")
	}
	if err := DecodeFields(n, h); err != nil {
		return err
	}
	v, err := Scale(h.Size, h.Unit, 1024)
	h.Size, h.Unit = ToKiB(v), "KiB"
	return err
}

// VCPU is the number of virtual CPUs.
type VCPU struct {
	Placement string `el:"placement,attr" enum:"static auto"`
	CPUSet    CPUSet `el:"cpuset,attr"`
	Current   uint   `el:"current,attr,order=2"`
	Count     uint   `el:",text,order=1" unknown:"XML error: maximum vcpus count must be an integer"`

	None    bool // 0 is written, which is more than no number
	Offline bool // none of them runs
}

// DecodeNode notes a number of 0. Where vCPUs run is not looked at if it is not said here.
func (v *VCPU) DecodeNode(n *Node) error {
	placement, _ := n.Attr("placement")
	err := DecodeFields(n.without(func(name string, attr bool) bool { return name == "cpuset" && placement == "auto" }), v)
	v.None = v.Count == 0 && n.Value() != ""
	current, given := n.Attr("current")
	v.Offline = err == nil && given && v.Current == 0 && current != "" && v.Count > 1
	return err
}

// VCPUState is one virtual CPU.
type VCPUState struct {
	ID           uint  `el:"id,attr,empty,required"`
	Enabled      YesNo `el:"enabled,attr,required"`
	Hotpluggable YesNo `el:"hotpluggable,attr"`
	Order        uint  `el:"order,attr"`
}

// IOThread is a thread for disk traffic.
type IOThread struct {
	ID   uint          `el:"id,attr,required,nonzero"`
	Min  *int          `el:"thread_pool_min,attr"`
	Max  *int          `el:"thread_pool_max,attr"`
	Poll *IOThreadPoll `el:"poll"`
}

// IOThreadPoll is how long a thread polls before it sleeps.
type IOThreadPoll struct {
	Max    *uint64 `el:"max,attr"`
	Grow   *uint64 `el:"grow,attr"`
	Shrink *uint64 `el:"shrink,attr"`
}

// DefaultIO is the thread pool of QEMU's main loop.
type DefaultIO struct {
	Min *int `el:"thread_pool_min,attr"`
	Max *int `el:"thread_pool_max,attr"`
}

// Resource is where the guest's process is accounted.
type Resource struct {
	Partition string `el:"partition"`
	AppID     string `el:"fibrechannel>appid,attr"`
}

// CheckNode wants one of them.
func (r *Resource) CheckNode(*Node) error {
	switch {
	case r.Partition == "" && r.AppID == "":
		return Errorf(CodePlain, "An error occurred, but the cause is unknown")
	case len(r.AppID) > 128 && !strings.ContainsFunc(r.AppID, unprintable):
		return Errorf(CodeInvalidArg, "Fibre Channel 'appid' string length must be between [1, 128]")
	case strings.ContainsFunc(r.AppID, unprintable):
		return Errorf(CodeXML, "Fibre Channel 'appid' is not a printable string")
	}
	return nil
}

// unprintable tells whether a character is none that ASCII has a sign for.
func unprintable(c rune) bool { return c < ' ' || c > '~' }

// IDMap maps users and groups of a container.
type IDMap struct {
	UIDs []IDRange `el:"uid"`
	GIDs []IDRange `el:"gid"`
}

// Sort puts the ranges in the order of their first users.
func (m *IDMap) Sort() {
	for _, list := range [][]IDRange{m.UIDs, m.GIDs} {
		slices.SortStableFunc(list, func(a, b IDRange) int { return int(a.Start) - int(b.Start) })
	}
}

// IDRange is one range of a map.
type IDRange struct {
	Start  uint `el:"start,attr,empty,required" missing:"XML error: invalid idmap start/target/count settings" unknown:"XML error: invalid idmap start/target/count settings"`
	Target uint `el:"target,attr,empty,required" missing:"XML error: invalid idmap start/target/count settings" unknown:"XML error: invalid idmap start/target/count settings"`
	Count  uint `el:"count,attr,empty,required" missing:"XML error: invalid idmap start/target/count settings" unknown:"XML error: invalid idmap start/target/count settings"`
}

// Clock is the guest's clock.
type Clock struct {
	Offset     string  `el:"offset,attr,blank,wanted" enum:"utc localtime variable timezone absolute" unknown:"unsupported configuration: unknown clock offset '%s'"`
	Timezone   string  `el:"timezone,attr"`
	Start      *uint64 `el:"start,attr" unknown:"internal error: missing 'start' attribute for clock with offset='absolute'"`
	Adjustment string  `el:"adjustment,attr"` // seconds, or reset
	Basis      string  `el:"basis,attr,blank" enum:"utc localtime" unknown:"unsupported configuration: unknown clock basis '%s'"`
	Timers     []Timer `el:"timer"`
}

// DecodeNode reads what a clock of this offset has.
func (c *Clock) DecodeNode(n *Node) error {
	offset, _ := n.Attr("offset")
	own := n.without(func(name string, attr bool) bool {
		switch {
		case !attr:
			return false
		case name == "start":
			return offset != "absolute"
		case name == "timezone":
			return offset != "timezone"
		case name == "basis":
			return offset != "variable"
		}
		return name == "adjustment" && (offset == "absolute" || offset == "timezone")
	})
	if err := DecodeFields(own.without(func(name string, attr bool) bool { return !attr }), c); err != nil {
		return err
	}
	if err := c.settle(); err != nil {
		return err
	}
	return DecodeFields(own.without(func(name string, attr bool) bool { return attr }), c)
}

// settle checks what sets the clock.
func (c *Clock) settle() error {
	switch c.Offset {
	case "timezone":
		if c.Timezone == "" {
			return Errorf(CodeInternal, "missing 'timezone' attribute for clock with offset='timezone'")
		}
	case "variable":
		// as the C library reads a number: what comes first of it
		text := c.Adjustment
		n := 0
		for n < len(text) && (text[n] >= '0' && text[n] <= '9' || n == 0 && (text[n] == '-' || text[n] == '+')) {
			n++
		}
		v, _ := strconv.ParseInt(text[:n], 10, 64)
		c.Adjustment = strconv.FormatInt(v, 10)
	case "absolute":
		if c.Start == nil {
			return Errorf(CodeInternal, "missing 'start' attribute for clock with offset='absolute'")
		}
	default:
		if c.Adjustment == "" || c.Adjustment == "reset" {
			return nil
		}
		v, err := strconv.ParseInt(c.Adjustment, 10, 64)
		if err != nil {
			return Errorf(CodeXML, "unknown clock adjustment '%s'", c.Adjustment)
		}
		c.Adjustment = strconv.FormatInt(v, 10)
	}
	return nil
}

// Timer is one of the guest's timers.
type Timer struct {
	Name       string   `el:"name,attr,required" enum:"platform pit rtc hpet tsc kvmclock hypervclock armvtimer"`
	Present    YesNo    `el:"present,attr"`
	TickPolicy string   `el:"tickpolicy,attr" enum:"delay catchup merge discard"`
	Track      string   `el:"track,attr" enum:"boot guest wall realtime"`
	Frequency  uint64   `el:"frequency,attr"`
	Mode       string   `el:"mode,attr" enum:"auto native emulate paravirt smpsafe"`
	Catchup    *Catchup `el:"catchup"`
}

// Catchup is how a timer makes up for lost ticks.
type Catchup struct {
	Threshold uint64 `el:"threshold,attr"`
	Slew      uint64 `el:"slew,attr"`
	Limit     uint64 `el:"limit,attr"`
}

// CheckNode takes one that says nothing for none.
func (c *Catchup) CheckNode(*Node) error {
	if *c == (Catchup{}) {
		return errVoid
	}
	return nil
}

// PM says which sleeping states the guest is offered.
type PM struct {
	Mem  *Enabled `el:"suspend-to-mem"`
	Disk *Enabled `el:"suspend-to-disk"`
}

// Enabled is an element with the attribute enabled.
type Enabled struct {
	Enabled YesNo `el:"enabled,attr"`
}

// PerfEvent is a counter of the host that watches the guest.
type PerfEvent struct {
	Name    string `el:"name,attr,required" enum:"cmt mbmt mbml cpu_cycles instructions cache_references cache_misses branch_instructions branch_misses bus_cycles stalled_cycles_frontend stalled_cycles_backend ref_cpu_cycles cpu_clock task_clock page_faults context_switches cpu_migrations page_faults_min page_faults_maj alignment_faults emulation_faults"`
	Enabled YesNo  `el:"enabled,attr,required"`
}

// SecLabel is a security label of the guest or of one of its files.
type SecLabel struct {
	Type       string `el:"type,attr" enum:"none dynamic static"`
	Model      string `el:"model,attr"`
	Relabel    YesNo  `el:"relabel,attr"`
	Label      string `el:"label"`
	ImageLabel string `el:"imagelabel"`
	BaseLabel  string `el:"baselabel"`
}

// KeyWrap switches the wrapping of a kind of keys.
type KeyWrap struct {
	Name  string `el:"name,attr,required" enum:"aes dea"`
	State OnOff  `el:"state,attr,required"`
}

// LaunchSecurity is how the guest's memory is protected from the host.
type LaunchSecurity struct {
	Type         string  `el:"type,attr,required" enum:"sev sev-snp s390-pv"`
	KernelHashes YesNo   `el:"kernelHashes,attr"`
	AuthorKey    YesNo   `el:"authorKey,attr"`
	VCEK         YesNo   `el:"vcek,attr"`
	CBitPos      *uint   `el:"cbitpos" unknown:"XML error: Invalid format for launch security cbitpos"`
	ReducedBits  *uint   `el:"reducedPhysBits" unknown:"XML error: Invalid format for launch security reduced-phys-bits"`
	Policy       *Policy `el:"policy"`
	DHCert       string  `el:"dhCert"`
	Session      string  `el:"session"`
	GuestVisible string  `el:"guestVisibleWorkarounds"`
	IDBlock      string  `el:"idBlock"`
	IDAuth       string  `el:"idAuth"`
	HostData     string  `el:"hostData"`
}

// DecodeNode reads what a guest of this type has.
func (l *LaunchSecurity) DecodeNode(n *Node) error {
	kind, _ := n.Attr("type")
	foreign := map[string]string{
		"sev":     "authorKey vcek guestVisibleWorkarounds idBlock idAuth hostData",
		"sev-snp": "dhCert session",
		"s390-pv": "kernelHashes authorKey vcek cbitpos reducedPhysBits policy dhCert session guestVisibleWorkarounds idBlock idAuth hostData",
	}[kind]
	err := DecodeFields(n.without(func(name string, _ bool) bool { return slices.Contains(strings.Fields(foreign), name) }), l)
	if l.Policy != nil && kind == "sev-snp" {
		l.Policy.Digits = 8
	}
	return err
}

// Policy is a number in hexadecimal, printed with at least so many digits.
type Policy struct {
	Bits   uint64
	Digits int
}

// QEMUCommandline is passed to QEMU as it stands.
type QEMUCommandline struct {
	Args []QEMUArg `el:"qemu:arg"`
	Env  []QEMUEnv `el:"qemu:env"`
}

// QEMUArg is one word.
type QEMUArg struct {
	Value string `el:"value,attr,empty" missing:"internal error: No qemu command-line argument specified"`
}

// QEMUEnv is one variable.
type QEMUEnv struct {
	Name  string  `el:"name,attr" missing:"internal error: No qemu environment name specified"`
	Value *string `el:"value,attr"`
}

// CheckNode wants a name that a shell takes.
func (e *QEMUEnv) CheckNode(*Node) error {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
	switch {
	case e.Name == "" || strings.Trim(e.Name[:1], letters) != "":
		return Errorf(CodeInternal, "Invalid environment name, it must begin with a letter or underscore")
	case strings.Trim(e.Name, letters+"0123456789") != "":
		return Errorf(CodeInternal, "Invalid environment name, it must contain only alphanumerics and underscore")
	}
	return nil
}

// QEMUCapabilities overrides what was found out about QEMU.
type QEMUCapabilities struct {
	Add []QEMUCapability `el:"qemu:add"`
	Del []QEMUCapability `el:"qemu:del"`
}

// QEMUCapability is one of them.
type QEMUCapability struct {
	Capability string `el:"capability,attr" missing:"internal error: missing capability name"`
}

// QEMUOverride sets properties of a device.
type QEMUOverride struct {
	Alias      string         `el:"alias,attr,required"`
	Properties []QEMUProperty `el:"qemu:frontend>qemu:property"`
}

// QEMUProperty is one property.
type QEMUProperty struct {
	Name  string `el:"name,attr,required"`
	Type  string `el:"type,attr" enum:"string unsigned signed bool remove"`
	Value string `el:"value,attr"`
}

// QEMUDeprecation says what QEMU does when something deprecated is used.
type QEMUDeprecation struct {
	Behavior string `el:"behavior,attr"` // none, omit, reject, crash; others say nothing
}
