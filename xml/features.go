package xml

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

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
	IOAPIC        *IOAPIC        `el:"ioapic"`
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
	Value string `el:"value,attr,kept"`
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

// DecodeNode reads the ring.
func (d *DirtyRing) DecodeNode(n *Node) error { return DecodeFields(n.ifOn("size"), d) }

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

// lxcCaps are the names of capabilities, in the order in which they are printed.
var lxcCaps = strings.Fields("audit_control audit_write block_suspend chown dac_override dac_read_search fowner fsetid ipc_lock ipc_owner kill lease linux_immutable mac_admin " +
	"mac_override mknod net_admin net_bind_service net_broadcast net_raw setgid setfcap setpcap setuid sys_admin sys_boot sys_chroot sys_module sys_nice sys_pacct sys_ptrace " +
	"sys_rawio sys_resource sys_time sys_tty_config syslog wake_alarm")

// DecodeNode reads the capabilities.
func (l *LXCCaps) DecodeNode(n *Node) error {
	r := attrReader{n: n}
	if l.Policy = r.word("policy", []string{"default", "allow", "deny"}); r.err != nil {
		return r.err
	}
	if l.Policy == "" {
		l.Policy = "default"
	}
	for _, c := range n.Elements("") {
		if !slices.Contains(lxcCaps, c.Name) {
			return Errorf(CodeConfigUnsupported, "unexpected capability feature '%s'", c.Name)
		}
		state := attrReader{n: c}
		word := state.word("state", []string{"on", "off"})
		if state.err != nil {
			return state.err
		}
		if word == "" {
			word = "on"
		}
		l.Caps = slices.DeleteFunc(l.Caps, func(o LXCCap) bool { return o.Name == c.Name })
		l.Caps = append(l.Caps, LXCCap{c.Name, word})
	}
	slices.SortFunc(l.Caps, func(a, b LXCCap) int { return slices.Index(lxcCaps, a.Name) - slices.Index(lxcCaps, b.Name) })
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

// DecodeNode reads the mode; the memory of one that is off is not looked at.
func (s *SMM) DecodeNode(n *Node) error {
	state, _ := n.Attr("state")
	return DecodeFields(n.without(func(name string, attr bool) bool { return !attr && name == "tseg" && state == "off" }), s)
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
	n = n.withoutEmpty("maxpagesize")
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

// DecodeNode reads the switches.
func (t *TCGFeatures) DecodeNode(n *Node) error { return DecodeFields(n.withoutEmpty("tb-cache"), t) }

// withoutEmpty is the element without a child in which there is nothing.
func (n *Node) withoutEmpty(name string) *Node {
	if c := n.Child(name); c == nil || c.Value() != "" {
		return n
	}
	return n.without(func(other string, attr bool) bool { return !attr && other == name })
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

// CheckChild refuses unknown switches, and some that do not say their state.
func (f *Features) CheckChild(c *Node) error {
	if !planOf(reflect.TypeFor[Features]()).hasChild(c.Name) {
		return Errorf(CodeConfigUnsupported, "unexpected feature '%s'", c.Name)
	}
	switch c.Name {
	case "htm", "nested-hv", "ccf-assist", "ras", "ps2":
		return wantState(c)
	}
	return nil
}

// wantState wants a switch to say its state.
func wantState(c *Node) error {
	if _, ok := c.Attr("state"); !ok {
		return Errorf(CodeXML, "Missing required attribute 'state' in element '%s'", c.Name)
	}
	return nil
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

// CheckChild refuses unknown enlightenments, and those without a state. Of a guest that
// has all of the host's nothing else is looked at.
func (h *HyperV) CheckChild(c *Node) error {
	if h.Mode == "passthrough" {
		return errVoid
	}
	if !planOf(reflect.TypeFor[HyperV]()).hasChild(c.Name) {
		return Errorf(CodeConfigUnsupported, "unsupported HyperV Enlightenment feature: %s", c.Name)
	}
	return wantState(c)
}

// CheckChild refuses unknown switches, and those without a state.
func (k *KVMFeatures) CheckChild(c *Node) error {
	if !planOf(reflect.TypeFor[KVMFeatures]()).hasChild(c.Name) {
		return Errorf(CodeConfigUnsupported, "unsupported KVM feature: %s", c.Name)
	}
	return wantState(c)
}

// ifOn is the element without what counts only if it says that it is on.
func (n *Node) ifOn(names ...string) *Node {
	if state, _ := n.Attr("state"); state == "on" {
		return n
	}
	return n.without(func(name string, _ bool) bool { return slices.Contains(names, name) })
}

// DecodeNode reads how often a guest spins.
func (s *Spinlock) DecodeNode(n *Node) error {
	own := n.ifOn("retries")
	err := DecodeFields(own, s)
	switch {
	case err != nil || s.State != "on":
		return err
	case s.Retries == 0:
		return Errorf(CodeXML, "Missing required attribute 'retries' in element 'spinlocks'")
	case s.Retries < 4095:
		return Errorf(CodeXML, "HyperV spinlock retry count must be at least 4095")
	}
	return nil
}

// DecodeNode reads the timers.
func (s *STimer) DecodeNode(n *Node) error {
	own := n.ifOn("direct")
	if c := own.Child("direct"); c != nil {
		if err := wantState(c); err != nil {
			return err
		}
	}
	if err := DecodeFields(own, s); err != nil {
		return err
	}
	if s.Direct != nil && s.Direct.State == "off" {
		s.Direct = nil
	}
	return nil
}

// DecodeNode reads the flush.
func (f *TLBFlush) DecodeNode(n *Node) error {
	own := n.ifOn("direct", "extended")
	for _, c := range own.Elements("") {
		if c.Name == "direct" || c.Name == "extended" {
			if err := wantState(c); err != nil {
				return err
			}
		}
	}
	if err := DecodeFields(own, f); err != nil {
		return err
	}
	for _, s := range []**State{&f.Direct, &f.Extended} {
		if *s != nil && (*s).State == "off" {
			*s = nil
		}
	}
	return nil
}

// DecodeNode reads the name.
func (v *VendorID) DecodeNode(n *Node) error {
	err := DecodeFields(n.ifOn("value"), v)
	switch {
	case err != nil || v.State != "on":
		return err
	case v.Value == "":
		return Errorf(CodeXML, "missing 'value' attribute for HyperV feature 'vendor_id'")
	case len(v.Value) > 12:
		return Errorf(CodeXML, "HyperV vendor_id value must not be more than 12 characters.")
	case strings.Contains(v.Value, ","):
		return Errorf(CodeXML, "HyperV vendor_id value is invalid")
	}
	return nil
}
