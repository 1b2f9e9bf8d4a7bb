package xml

import "reflect"

// OS is how the guest boots.
type OS struct {
	Firmware   string      `xml:"firmware,attr" enum:"bios efi" unknown:"XML error: unknown firmware value %s"`
	Type       OSType      `xml:"type"`
	Init       string      `xml:"init"`
	InitArgs   []string    `xml:"initarg"`
	InitEnv    []InitEnv   `xml:"initenv"`
	InitDir    string      `xml:"initdir"`
	InitUser   string      `xml:"inituser"`
	InitGroup  string      `xml:"initgroup"`
	FWFeatures []FWFeature `xml:"firmware>feature"`
	Loader     *Loader     `xml:"loader"`
	NVRAM      *NVRAMFile  `xml:"nvram"`
	Kernel     string      `xml:"kernel"`
	Initrd     string      `xml:"initrd"`
	Cmdline    string      `xml:"cmdline"`
	Root       string      `xml:"root"`
	DTB        string      `xml:"dtb"`
	Shim       string      `xml:"shim"`
	ACPITables []ACPITable `xml:"acpi>table"`
	Boot       []Boot      `xml:"boot"`
	BootMenu   *BootMenu   `xml:"bootmenu"`
	BIOS       *BIOS       `xml:"bios"`
	SMBIOS     *SMBIOS     `xml:"smbios"`
}

// OSType is what kind of guest runs, and on what.
type OSType struct {
	Arch    string `xml:"arch,attr"`
	Machine string `xml:"machine,attr"`
	Text    string `xml:",text,blank" enum:"hvm xen linux exe uml xenpvh" unknown:"unsupported configuration: unknown OS type '%s'"`
}

// InitEnv is a variable of a container's first process.
type InitEnv struct {
	Name  string `xml:"name,attr,required"`
	Value string `xml:",text"`
}

// FWFeature is a feature that the firmware must have or lack.
type FWFeature struct {
	Enabled YesNo  `xml:"enabled,attr,required"`
	Name    string `xml:"name,attr,required" enum:"enrolled-keys secure-boot"`
}

// Loader is the firmware's code.
type Loader struct {
	Readonly  YesNo  `xml:"readonly,attr"`
	Secure    YesNo  `xml:"secure,attr"`
	Type      string `xml:"type,attr" enum:"rom pflash"`
	Stateless YesNo  `xml:"stateless,attr"`
	Format    string `xml:"format,attr"`
	Path      string `xml:",text"`
}

// NVRAMFile is the firmware's variables.
type NVRAMFile struct {
	Template       string      `xml:"template,attr"`
	TemplateFormat string      `xml:"templateFormat,attr"`
	Type           string      `xml:"type,attr"`
	Format         string      `xml:"format,attr"`
	Path           string      `xml:",text"`
	Source         *DiskSource `xml:"source"`
}

// ACPITable is a table given to the guest's firmware.
type ACPITable struct {
	Type string `xml:"type,attr,required" enum:"raw rawset slic msdm"`
	Path string `xml:",text"`
}

// Boot is a kind of device to boot from.
type Boot struct {
	Dev string `xml:"dev,attr,required" enum:"fd cdrom hd network"`
}

// BootMenu is the firmware's menu.
type BootMenu struct {
	Enable  YesNo `xml:"enable,attr"`
	Timeout *uint `xml:"timeout,attr"`
}

// BIOS has settings of SeaBIOS.
type BIOS struct {
	UseSerial     YesNo `xml:"useserial,attr"`
	RebootTimeout *int  `xml:"rebootTimeout,attr"`
}

// SMBIOS says whose tables the guest sees.
type SMBIOS struct {
	Mode string `xml:"mode,attr" enum:"emulate host sysinfo" unknown:"XML error: Invalid value for attribute 'mode' in element 'smbios': '%s'."`
}

// Sysinfo is what the guest's SMBIOS tables or fw_cfg hold.
type Sysinfo struct {
	Type       string         `xml:"type,attr,required" enum:"smbios fwcfg"`
	BIOS       []SysinfoEntry `xml:"bios>entry"`
	System     []SysinfoEntry `xml:"system>entry"`
	BaseBoards []SysinfoBlock `xml:"baseBoard"`
	Chassis    []SysinfoEntry `xml:"chassis>entry"`
	OEMStrings []SysinfoEntry `xml:"oemStrings>entry"`
	Entries    []SysinfoEntry `xml:"entry"`
}

// SysinfoBlock is a repeated table.
type SysinfoBlock struct {
	Entries []SysinfoEntry `xml:"entry"`
}

// SysinfoEntry is one value.
type SysinfoEntry struct {
	Name string `xml:"name,attr"`
	File string `xml:"file,attr"`
	Text string `xml:",text"`
}

// Features are switches of the hypervisor and the board.
type Features struct {
	ACPI          bool           `xml:"acpi"`
	APIC          *APIC          `xml:"apic,bare"`
	PAE           bool           `xml:"pae"`
	HAP           *State         `xml:"hap"`
	Viridian      bool           `xml:"viridian"`
	PrivNet       bool           `xml:"privnet"`
	HyperV        *HyperV        `xml:"hyperv"`
	KVM           *KVMFeatures   `xml:"kvm"`
	PVSpinlock    *State         `xml:"pvspinlock"`
	Capabilities  *LXCCaps       `xml:"capabilities"`
	PMU           *State         `xml:"pmu"`
	VMPort        *State         `xml:"vmport"`
	GIC           *GIC           `xml:"gic,bare"`
	SMM           *SMM           `xml:"smm"`
	IOAPIC        *IOAPIC        `xml:"ioapic,bare"`
	HPT           *HPT           `xml:"hpt"`
	VMCoreInfo    *State         `xml:"vmcoreinfo"`
	HTM           *State         `xml:"htm"`
	NestedHV      *State         `xml:"nested-hv"`
	MSRs          *MSRs          `xml:"msrs"`
	CCFAssist     *State         `xml:"ccf-assist"`
	Xen           *XenFeatures   `xml:"xen,bare"`
	CFPC          *Workaround    `xml:"cfpc"`
	SBBC          *Workaround    `xml:"sbbc"`
	IBS           *IBS           `xml:"ibs"`
	TCG           *TCGFeatures   `xml:"tcg,bare"`
	AsyncTeardown *AsyncTeardown `xml:"async-teardown,bare"`
	RAS           *State         `xml:"ras"`
	PS2           *State         `xml:"ps2"`
	AIA           *AIA           `xml:"aia"`
}

// State is an element with the attribute state.
type State struct {
	State OnOff `xml:"state,attr"`
}

// APIC is the interrupt controller of x86.
type APIC struct {
	EOI OnOff `xml:"eoi,attr"`
}

// HyperV are the enlightenments for Windows.
type HyperV struct {
	_               struct{}  `root:",pair"`
	Mode            string    `xml:"mode,attr" enum:"custom passthrough host-model"`
	Relaxed         *State    `xml:"relaxed"`
	VAPIC           *State    `xml:"vapic"`
	Spinlocks       *Spinlock `xml:"spinlocks"`
	VPIndex         *State    `xml:"vpindex"`
	Runtime         *State    `xml:"runtime"`
	SyNIC           *State    `xml:"synic"`
	STimer          *STimer   `xml:"stimer"`
	Reset           *State    `xml:"reset"`
	VendorID        *VendorID `xml:"vendor_id"`
	Frequencies     *State    `xml:"frequencies"`
	Reenlightenment *State    `xml:"reenlightenment"`
	TLBFlush        *TLBFlush `xml:"tlbflush"`
	IPI             *State    `xml:"ipi"`
	EVMCS           *State    `xml:"evmcs"`
	AVIC            *State    `xml:"avic"`
	EMSRBitmap      *State    `xml:"emsr_bitmap"`
	XMMInput        *State    `xml:"xmm_input"`
}

// Spinlock is how often a guest spins before it tells the hypervisor.
type Spinlock struct {
	State   OnOff `xml:"state,attr"`
	Retries uint  `xml:"retries,attr"`
}

// STimer are synthetic timers.
type STimer struct {
	State  OnOff  `xml:"state,attr"`
	Direct *State `xml:"direct"`
}

// TLBFlush is the flush of other CPUs' translations.
type TLBFlush struct {
	State    OnOff  `xml:"state,attr"`
	Direct   *State `xml:"direct"`
	Extended *State `xml:"extended"`
}

// VendorID is the hypervisor's name as the guest sees it.
type VendorID struct {
	State OnOff  `xml:"state,attr"`
	Value string `xml:"value,attr"`
}

// KVMFeatures are switches of KVM.
type KVMFeatures struct {
	Hidden        *State     `xml:"hidden"`
	HintDedicated *State     `xml:"hint-dedicated"`
	PollControl   *State     `xml:"poll-control"`
	PVIPI         *State     `xml:"pv-ipi"`
	DirtyRing     *DirtyRing `xml:"dirty-ring"`
}

// DirtyRing is how KVM reports written pages.
type DirtyRing struct {
	State OnOff `xml:"state,attr"`
	Size  uint  `xml:"size,attr"`
}

// XenFeatures are switches of Xen.
type XenFeatures struct {
	E820Host    *State          `xml:"e820_host"`
	Passthrough *XenPassthrough `xml:"passthrough"`
}

// XenPassthrough is whether devices can be given to the guest.
type XenPassthrough struct {
	State OnOff  `xml:"state,attr"`
	Mode  string `xml:"mode,attr" enum:"sync_pt share_pt"`
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

// DecodeNode reads the capabilities.
func (l *LXCCaps) DecodeNode(n *Node) error {
	l.Policy = "default"
	if p, ok := n.Attr("policy"); ok {
		if p != "default" && p != "allow" && p != "deny" {
			return Errorf(CodeConfigUnsupported, "unknown capabilities policy attribute '%s'", p)
		}
		l.Policy = p
	}
	for _, c := range n.Elements("") {
		state := "on"
		if s, ok := c.Attr("state"); ok {
			state = s
		}
		l.Caps = append(l.Caps, LXCCap{c.Name, state})
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
	Version string `xml:"version,attr"`
}

// SMM is the system management mode.
type SMM struct {
	State OnOff `xml:"state,attr"`
	TSEG  *TSEG `xml:"tseg"`
}

// TSEG is the memory of the system management mode.
type TSEG struct {
	Unit  string `xml:"unit,attr"`
	Value uint64 `xml:",text,empty"`
}

// IOAPIC says who emulates it.
type IOAPIC struct {
	Driver string `xml:"driver,attr" enum:"qemu kvm"`
}

// HPT is the hash page table of POWER.
type HPT struct {
	Resizing    string `xml:"resizing,attr" enum:"enabled disabled required"`
	MaxPageSize KiB    `xml:"maxpagesize"`
}

// MSRs says what happens on access to an unknown register.
type MSRs struct {
	Unknown string `xml:"unknown,attr,required" enum:"ignore fault"`
}

// Workaround is a mitigation on POWER.
type Workaround struct {
	Value string `xml:"value,attr,required" enum:"broken workaround fixed"`
}

// IBS is a mitigation on POWER.
type IBS struct {
	Value string `xml:"value,attr,required" enum:"broken workaround fixed-ibs fixed-ccd fixed-na"`
}

// TCGFeatures are switches of QEMU's translator.
type TCGFeatures struct {
	TBCache KiB `xml:"tb-cache"`
}

// AsyncTeardown is whether memory is given back by a process of its own.
type AsyncTeardown struct {
	Enabled YesNo `xml:"enabled,attr"`
}

// AIA is the interrupt controller of RISC-V.
type AIA struct {
	Value string `xml:"value,attr,required" enum:"none aplic aplic-imsic"`
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
