package xml

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// OS is how the guest boots.
type OS struct {
	Firmware   string      `el:"firmware,attr" enum:"bios efi" unknown:"XML error: unknown firmware value %s"`
	Type       OSType      `el:"type,wanted"`
	Init       string      `el:"init"`
	InitArgs   []string    `el:"initarg"`
	InitEnv    []InitEnv   `el:"initenv"`
	InitDir    string      `el:"initdir"`
	InitUser   string      `el:"inituser"`
	InitGroup  string      `el:"initgroup"`
	FWFeatures []FWFeature `el:"firmware>feature"`
	Loader     *Loader     `el:"loader"`
	NVRAM      *NVRAMFile  `el:"nvram"`
	Kernel     string      `el:"kernel"`
	Initrd     string      `el:"initrd"`
	Cmdline    string      `el:"cmdline"`
	Shim       string      `el:"shim"`
	DTB        string      `el:"dtb"`
	Root       string      `el:"root"`
	ACPITables []ACPITable `el:"acpi>table"`
	Boot       []Boot      `el:"boot"`
	BootMenu   *BootMenu   `el:"bootmenu"`
	BIOS       *BIOS       `el:"bios"`
	SMBIOS     *SMBIOS     `el:"smbios"`
}

// DecodeNode reads how the guest boots: what only fully virtual guests have is
// not looked at with others, nor the firmware of a container.
func (o *OS) DecodeNode(n *Node) error {
	kind := ""
	if t := n.Child("type"); t != nil {
		kind = t.Value()
	}
	if kind == "hvm" {
		return DecodeFields(n, o)
	}
	ignored := []string{"boot", "bootmenu", "bios", "acpi"}
	if kind == "exe" {
		ignored = append(ignored, "loader", "nvram")
	}
	own := *n
	own.Attrs = slices.DeleteFunc(slices.Clone(n.Attrs), func(a Attr) bool { return a.Name == "firmware" })
	own.Children = slices.DeleteFunc(slices.Clone(n.Children), func(c *Node) bool { return slices.Contains(ignored, c.Name) })
	return DecodeFields(&own, o)
}

// OSType is what kind of guest runs, and on what.
type OSType struct {
	Arch    string `el:"arch,attr"`
	Machine string `el:"machine,attr"`
	Text    string `el:",text,blank" enum:"hvm xen linux exe uml xenpvh" unknown:"unsupported configuration: unknown OS type '%s'"`
}

// InitEnv is a variable of a container's first process.
type InitEnv struct {
	Name  string `el:"name,attr,required"`
	Value string `el:",text"`
}

// FWFeature is a feature that the firmware must have or lack.
type FWFeature struct {
	Enabled YesNo  `el:"enabled,attr,required"`
	Name    string `el:"name,attr,required" enum:"enrolled-keys secure-boot"`
}

// Loader is the firmware's code.
type Loader struct {
	Readonly  YesNo  `el:"readonly,attr"`
	Secure    YesNo  `el:"secure,attr"`
	Type      string `el:"type,attr" enum:"rom pflash"`
	Stateless YesNo  `el:"stateless,attr"`
	Format    string `el:"format,attr" enum:"none raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk"`
	Path      string `el:",text"`
}

// NVRAMFile is the firmware's variables.
type NVRAMFile struct {
	Template       string      `el:"template,attr"`
	TemplateFormat string      `el:"templateFormat,attr" enum:"none raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk"`
	Type           string      `el:"type,attr" enum:"file block dir network volume nvme vhostuser vhostvdpa"`
	Format         string      `el:"format,attr" enum:"none raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk"`
	Path           string      `el:",text"`
	Source         *DiskSource `el:"source"`
}

// ACPITable is a table given to the guest's firmware.
type ACPITable struct {
	Type string `el:"type,attr,required" enum:"raw rawset slic msdm"`
	Path string `el:",text"`
}

// Boot is a kind of device to boot from.
type Boot struct {
	Dev string `el:"dev,attr,required" enum:"fd cdrom hd network"`
}

// BootMenu is the firmware's menu.
type BootMenu struct {
	Enable  YesNo `el:"enable,attr"`
	Timeout *uint `el:"timeout,attr"`
}

// BIOS has settings of SeaBIOS.
type BIOS struct {
	UseSerial     YesNo `el:"useserial,attr"`
	RebootTimeout *int  `el:"rebootTimeout,attr"`
}

// SMBIOS says whose tables the guest sees.
type SMBIOS struct {
	Mode string `el:"mode,attr" enum:"emulate host sysinfo" unknown:"unsupported configuration: unknown smbios mode '%s'"`
}

// Sysinfo is what the guest's SMBIOS tables or fw_cfg hold.
type Sysinfo struct {
	Type       string         `el:"type,attr,required" enum:"smbios fwcfg"`
	BIOS       []SysinfoEntry `el:"bios>entry"`
	System     []SysinfoEntry `el:"system>entry"`
	BaseBoards []SysinfoBlock `el:"baseBoard"`
	Chassis    []SysinfoEntry `el:"chassis>entry"`
	OEMStrings []SysinfoEntry `el:"oemStrings>entry"`
	Entries    []SysinfoEntry `el:"entry"`
}

// SysinfoBlock is a repeated table.
type SysinfoBlock struct {
	Entries []SysinfoEntry `el:"entry"`
}

// SysinfoEntry is one value.
type SysinfoEntry struct {
	Name string `el:"name,attr"`
	File string `el:"file,attr"`
	Text string `el:",text"`
}

// Features are switches of the hypervisor and the board.
type Features struct {
	ACPI          bool           `el:"acpi"`
	APIC          *APIC          `el:"apic,bare"`
	PAE           bool           `el:"pae"`
	HAP           *State         `el:"hap"`
	Viridian      bool           `el:"viridian"`
	PrivNet       bool           `el:"privnet"`
	HyperV        *HyperV        `el:"hyperv"`
	KVM           *KVMFeatures   `el:"kvm"`
	PVSpinlock    *State         `el:"pvspinlock"`
	Capabilities  *LXCCaps       `el:"capabilities"`
	PMU           *State         `el:"pmu"`
	VMPort        *State         `el:"vmport"`
	GIC           *GIC           `el:"gic,bare"`
	SMM           *SMM           `el:"smm"`
	IOAPIC        *IOAPIC        `el:"ioapic,bare"`
	HPT           *HPT           `el:"hpt"`
	VMCoreInfo    *State         `el:"vmcoreinfo"`
	HTM           *State         `el:"htm"`
	NestedHV      *State         `el:"nested-hv"`
	MSRs          *MSRs          `el:"msrs"`
	CCFAssist     *State         `el:"ccf-assist"`
	Xen           *XenFeatures   `el:"xen,bare"`
	CFPC          *Workaround    `el:"cfpc"`
	SBBC          *Workaround    `el:"sbbc"`
	IBS           *IBS           `el:"ibs"`
	TCG           *TCGFeatures   `el:"tcg,bare"`
	AsyncTeardown *AsyncTeardown `el:"async-teardown,bare"`
	RAS           *State         `el:"ras"`
	PS2           *State         `el:"ps2"`
	AIA           *AIA           `el:"aia"`
}

// State is an element with the attribute state.
type State struct {
	State OnOff `el:"state,attr"`
}

// APIC is the interrupt controller of x86.
type APIC struct {
	EOI OnOff `el:"eoi,attr"`
}

// HyperV are the enlightenments for Windows.
type HyperV struct {
	_               struct{}  `root:",pair"`
	Mode            string    `el:"mode,attr" enum:"custom passthrough host-model"`
	Relaxed         *State    `el:"relaxed"`
	VAPIC           *State    `el:"vapic"`
	Spinlocks       *Spinlock `el:"spinlocks"`
	VPIndex         *State    `el:"vpindex"`
	Runtime         *State    `el:"runtime"`
	SyNIC           *State    `el:"synic"`
	STimer          *STimer   `el:"stimer"`
	Reset           *State    `el:"reset"`
	VendorID        *VendorID `el:"vendor_id"`
	Frequencies     *State    `el:"frequencies"`
	Reenlightenment *State    `el:"reenlightenment"`
	TLBFlush        *TLBFlush `el:"tlbflush"`
	IPI             *State    `el:"ipi"`
	EVMCS           *State    `el:"evmcs"`
	AVIC            *State    `el:"avic"`
	EMSRBitmap      *State    `el:"emsr_bitmap"`
	XMMInput        *State    `el:"xmm_input"`
}

// Spinlock is how often a guest spins before it tells the hypervisor.
type Spinlock struct {
	State   OnOff `el:"state,attr"`
	Retries uint  `el:"retries,attr"`
}

// STimer are synthetic timers.
type STimer struct {
	State  OnOff  `el:"state,attr"`
	Direct *State `el:"direct"`
}

// TLBFlush is the flush of other CPUs' translations.
type TLBFlush struct {
	State    OnOff  `el:"state,attr"`
	Direct   *State `el:"direct"`
	Extended *State `el:"extended"`
}

// VendorID is the hypervisor's name as the guest sees it.
type VendorID struct {
	State OnOff  `el:"state,attr"`
	Value string `el:"value,attr"`
}

// KVMFeatures are switches of KVM.
type KVMFeatures struct {
	_             struct{}   `root:",pair"`
	Hidden        *State     `el:"hidden"`
	HintDedicated *State     `el:"hint-dedicated"`
	PollControl   *State     `el:"poll-control"`
	PVIPI         *State     `el:"pv-ipi"`
	DirtyRing     *DirtyRing `el:"dirty-ring"`
}

// DirtyRing is how KVM reports written pages.
type DirtyRing struct {
	State OnOff `el:"state,attr"`
	Size  uint  `el:"size,attr"`
}

// XenFeatures are switches of Xen.
type XenFeatures struct {
	_           struct{}        `root:",pair"`
	E820Host    *State          `el:"e820_host"`
	Passthrough *XenPassthrough `el:"passthrough"`
}

// DecodeNode reads the switches, each of which must be known and say its state.
func (x *XenFeatures) DecodeNode(n *Node) error {
	for _, c := range n.Elements("") {
		if c.Name != "e820_host" && c.Name != "passthrough" {
			return Errorf(CodeConfigUnsupported, "unsupported Xen feature: %s", c.Name)
		}
		if _, ok := c.Attr("state"); !ok {
			return Errorf(CodeXML, "Missing required attribute 'state' in element '%s'", c.Name)
		}
	}
	if err := DecodeFields(n, x); err != nil {
		return err
	}
	if p := x.Passthrough; p != nil && p.State == "on" && p.Mode != "" && p.Mode != "sync_pt" && p.Mode != "share_pt" {
		return Errorf(CodeXML, "Invalid value for attribute 'mode' in element 'passthrough': '%s'.", p.Mode)
	}
	return nil
}

// XenPassthrough is whether devices can be given to the guest.
type XenPassthrough struct {
	State OnOff  `el:"state,attr"`
	Mode  string `el:"mode,attr"`
}

// LXCCaps are the capabilities of a container.
type LXCCaps struct {
	Policy string
	Caps   []LXCCap
}

// LXCCap is one of them.
type LXCCap struct {
	Name  string
	State string
}

// lxcCaps are the capabilities of Linux that a container may have or not, as they are
// printed.
const lxcCaps = "audit_control audit_write block_suspend chown dac_override dac_read_search fowner fsetid ipc_lock ipc_owner kill lease " +
	"linux_immutable mac_admin mac_override mknod net_admin net_bind_service net_broadcast net_raw setgid setfcap setpcap setuid sys_admin " +
	"sys_boot sys_chroot sys_module sys_nice sys_pacct sys_ptrace sys_rawio sys_resource sys_time sys_tty_config syslog wake_alarm"

// DecodeNode reads the capabilities. The last word on one counts.
func (l *LXCCaps) DecodeNode(n *Node) error {
	r := attrReader{n: n}
	if r.word("policy", []string{"default", "allow", "deny"}); r.err != nil {
		return r.err
	}
	if l.Policy, _ = n.Attr("policy"); l.Policy == "" {
		l.Policy = "default"
	}
	states := map[string]string{}
	names := strings.Fields(lxcCaps)
	for _, c := range n.Elements("") {
		if !slices.Contains(names, c.Name) {
			return Errorf(CodeConfigUnsupported, "unexpected capability feature '%s'", c.Name)
		}
		r := attrReader{n: c}
		if r.word("state", []string{"on", "off"}); r.err != nil {
			return r.err
		}
		states[c.Name] = "on"
		if s, ok := c.Attr("state"); ok {
			states[c.Name] = s
		}
	}
	for _, name := range names {
		if s, ok := states[name]; ok {
			l.Caps = append(l.Caps, LXCCap{name, s})
		}
	}
	return nil
}

// EncodeNode makes the element.
func (l *LXCCaps) EncodeNode(name string) *Node {
	n := Element(name).With("policy", l.Policy)
	for _, c := range l.Caps {
		n.Add(Element(c.Name).With("state", c.State))
	}
	return n
}

// GIC is the interrupt controller of ARM.
type GIC struct {
	Version string `el:"version,attr" enum:"2 3 host"`
}

// SMM is the system management mode.
type SMM struct {
	State OnOff `el:"state,attr"`
	TSEG  *TSEG `el:"tseg"`
}

// TSEG is the memory of the system management mode.
type TSEG struct {
	Unit  string `el:"unit,attr"`
	Value uint64 `el:",text,empty"`
}

// DecodeNode reads the size in any unit, and keeps it in the largest of which it
// is a whole number.
func (t *TSEG) DecodeNode(n *Node) error {
	text := strings.TrimLeft(n.Value(), " \t\r\n")
	if text == "" {
		return errVoid
	}
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return Errorf(CodeXML, "Invalid value '%s' for element or attribute 'string(./features/smm/tseg)'", n.Value())
	}
	unit, _ := n.Attr("unit")
	if v, err = Scale(v, unit, 1<<20); err != nil {
		return err
	}
	t.Unit = "B"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"} {
		if v == 0 || v%1024 != 0 {
			break
		}
		t.Unit, v = u, v/1024
	}
	t.Value = v
	return nil
}

// IOAPIC says who emulates it.
type IOAPIC struct {
	Driver string `el:"driver,attr" enum:"qemu kvm"`
}

// HPT is the hash page table of POWER.
type HPT struct {
	Resizing    string `el:"resizing,attr" enum:"enabled disabled required"`
	MaxPageSize KiB    `el:"maxpagesize"`
}

// DecodeNode reads the page table's features.
func (h *HPT) DecodeNode(n *Node) error {
	if c := n.Child("maxpagesize"); c != nil {
		if _, err := ScaledNode(c, 1024); err != nil {
			return Errorf(CodeConfigUnsupported, "Unable to parse HPT maxpagesize setting")
		}
	}
	return DecodeFields(n, h)
}

// MSRs says what happens on access to an unknown register.
type MSRs struct {
	Unknown string `el:"unknown,attr,required" enum:"ignore fault"`
}

// Workaround is a mitigation on POWER.
type Workaround struct {
	Value string `el:"value,attr,wanted" enum:"broken workaround fixed"`
}

// CheckNode takes one that says nothing for none.
func (w *Workaround) CheckNode(*Node) error { return voidWithout(w.Value) }

// IBS is a mitigation on POWER.
type IBS struct {
	Value string `el:"value,attr,wanted" enum:"broken workaround fixed-ibs fixed-ccd fixed-na"`
}

// CheckNode takes one that says nothing for none.
func (i *IBS) CheckNode(*Node) error { return voidWithout(i.Value) }

// TCGFeatures are switches of QEMU's translator.
type TCGFeatures struct {
	TBCache KiB `el:"tb-cache"`
}

// AsyncTeardown is whether memory is given back by a process of its own.
type AsyncTeardown struct {
	Enabled YesNo `el:"enabled,attr"`
}

// AIA is the interrupt controller of RISC-V.
type AIA struct {
	Value string `el:"value,attr,wanted" enum:"none aplic aplic-imsic"`
}

// CheckNode takes one that says nothing for none.
func (a *AIA) CheckNode(*Node) error { return voidWithout(a.Value) }

// voidWithout drops an element whose one attribute is missing.
func voidWithout(value string) error {
	if value == "" {
		return errVoid
	}
	return nil
}

// DecodeNode reads the switches and refuses unknown ones.
func (f *Features) DecodeNode(n *Node) error {
	known := planOf(reflect.TypeFor[Features]())
	for _, c := range n.Children {
		if c.IsElement() && !known.hasChild(c.Name) {
			return Errorf(CodeConfigUnsupported, "unexpected feature '%s'", c.Name)
		}
		switch _, ok := c.Attr("state"); c.Name {
		case "htm", "nested-hv", "ccf-assist", "ras", "ps2":
			if !ok {
				return Errorf(CodeXML, "Missing required attribute 'state' in element '%s'", c.Name)
			}
		}
	}
	return DecodeFields(n, f)
}

// hasChild tells whether an element may have that child.
func (p *plan) hasChild(name string) bool {
	for _, f := range p.kids {
		if f.name == name {
			return true
		}
	}
	return false
}

// DecodeNode reads the enlightenments, each of which needs a state.
func (h *HyperV) DecodeNode(n *Node) error {
	if err := needStates(n); err != nil {
		return err
	}
	return DecodeFields(n, h)
}

// DecodeNode reads the switches, each of which needs a state.
func (k *KVMFeatures) DecodeNode(n *Node) error {
	if err := needStates(n); err != nil {
		return err
	}
	return DecodeFields(n, k)
}

func needStates(n *Node) error {
	for _, c := range n.Children {
		if _, ok := c.Attr("state"); c.IsElement() && !ok {
			return Errorf(CodeXML, "Missing required attribute 'state' in element '%s'", c.Name)
		}
	}
	return nil
}
