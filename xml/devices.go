package xml

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Devices are the guest's devices. Their order here is that of printing.
type Devices struct {
	_           struct{}       `root:",pair"`
	Emulator    string         `el:"emulator" like:"/.+"`
	Disks       []Disk         `el:"disk,order=1"`
	Controllers []Controller   `el:"controller,order=2"`
	Leases      []Lease        `el:"lease,order=3"`
	Filesystems []Filesystem   `el:"filesystem,order=4"`
	Interfaces  []Interface    `el:"interface,order=5"`
	Smartcards  []Smartcard    `el:"smartcard,order=6"`
	Serials     []Chardev      `el:"serial,order=8"`
	Parallels   []Chardev      `el:"parallel,order=7"`
	Consoles    []Chardev      `el:"console,order=9"`
	Channels    []Chardev      `el:"channel,order=10"`
	Inputs      []Input        `el:"input,order=11"`
	TPMs        []TPM          `el:"tpm,order=21"`
	Graphics    []Graphics     `el:"graphics,order=12"`
	Sounds      []Sound        `el:"sound,order=13"`
	Audios      []Audio        `el:"audio,order=14"`
	Videos      []Video        `el:"video,order=15"`
	Hostdevs    []Hostdev      `el:"hostdev,order=16"`
	Redirdevs   []Redirdev     `el:"redirdev,order=24"`
	RedirFilter *RedirFilter   `el:"redirfilter,order=25"`
	Hubs        []Hub          `el:"hub,order=23"`
	Watchdogs   []Watchdog     `el:"watchdog,order=17"`
	Memballoon  *Memballoon    `el:"memballoon,order=18"`
	RNGs        []RNG          `el:"rng,order=19"`
	NVRAM       *NVRAM         `el:"nvram,order=22"`
	Panics      []Panic        `el:"panic,order=27"`
	Shmems      []Shmem        `el:"shmem,order=26"`
	Memories    []MemoryDevice `el:"memory,order=29"`
	Cryptos     []Crypto       `el:"crypto,order=20"`
	IOMMU       *IOMMU         `el:"iommu,order=30"`
	Vsock       *Vsock         `el:"vsock,order=31"`
	PStore      *PStore        `el:"pstore,order=32"`

	// Begun says that reading has come to the devices, Failed at which kind it
	// ended: the kind's place in the order of reading.
	Begun  bool
	Failed int
	// Doubled is the error of a device of which there can be one only, and of
	// which only the first is kept.
	Doubled error
}

// Alias is a device's name.
type Alias struct {
	Name string `el:"name,attr"`
}

// BootOrder is a device's place among those to boot from.
type BootOrder struct {
	Order    uint   `el:"order,attr,required,nonzero"`
	LoadParm string `el:"loadparm,attr"`
}

// CheckNode checks and canonicalises s390's boot parameter.
func (b *BootOrder) CheckNode(n *Node) error {
	if _, ok := n.Attr("loadparm"); !ok {
		return nil
	}
	b.LoadParm = strings.Map(func(r rune) rune { // letters of ASCII alone
		if r >= 'a' && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}, b.LoadParm)
	if len(b.LoadParm) < 1 || len(b.LoadParm) > 8 {
		return Errorf(CodeInternal, "loadparm value '%s' must be between 1 and 8 characters", b.LoadParm)
	}
	if strings.Trim(b.LoadParm, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789. ") != "" {
		return Errorf(CodeInternal, "invalid loadparm value '%s', expecting chars in set of [a-zA-Z0-9.] and blank spaces", b.LoadParm)
	}
	return nil
}

// ROM is a device's option ROM.
type ROM struct {
	Enabled YesNo   `el:"enabled,attr"`
	Bar     OnOff   `el:"bar,attr"`
	File    *string `el:"file,attr"`
}

// ACPIIndex is the number that the firmware tells the guest.
type ACPIIndex struct {
	Index uint `el:"index,attr,nonzero"`
}

// CheckNode takes none that has no number.
func (a *ACPIIndex) CheckNode(*Node) error {
	if a.Index == 0 {
		return errVoid
	}
	return nil
}

// VirtioDriver are the switches of any virtio device.
type VirtioDriver struct {
	IOMMU     OnOff `el:"iommu,attr"`
	ATS       OnOff `el:"ats,attr"`
	Packed    OnOff `el:"packed,attr"`
	PagePerVQ OnOff `el:"page_per_vq,attr"`
}

// Hub is a USB hub.
type Hub struct {
	Type    string     `el:"type,attr" enum:"usb" missing:"internal error: missing hub device type" unknown:"unsupported configuration: unknown hub device type '%s'"`
	Alias   *Alias     `el:"alias"`
	ACPI    *ACPIIndex `el:"acpi"`
	Address *Address   `el:"address"`
}

// Watchdog acts when the guest hangs.
type Watchdog struct {
	Model   string     `el:"model,attr,required" enum:"i6300esb ib700 diag288 itco"`
	Action  string     `el:"action,attr" enum:"reset shutdown poweroff pause dump none inject-nmi"`
	Alias   *Alias     `el:"alias"`
	ACPI    *ACPIIndex `el:"acpi"`
	Address *Address   `el:"address"`
}

// Memballoon gives memory back to the host.
type Memballoon struct {
	Model             string        `el:"model,attr,required" enum:"virtio xen none virtio-transitional virtio-non-transitional"`
	AutoDeflate       OnOff         `el:"autodeflate,attr"`
	FreePageReporting OnOff         `el:"freePageReporting,attr"`
	Stats             *BalloonStats `el:"stats"`
	Alias             *Alias        `el:"alias"`
	ACPI              *ACPIIndex    `el:"acpi"`
	Address           *Address      `el:"address"`
	Driver            *VirtioDriver `el:"driver"`
}

// BalloonStats is how often the guest reports.
type BalloonStats struct {
	Period int `el:"period,attr,anybase"`
}

// DecodeNode reads the balloon; what none there is has no place.
func (b *Memballoon) DecodeNode(n *Node) error {
	if model, _ := n.Attr("model"); model == "none" {
		bare := *n
		bare.Children = slices.DeleteFunc(slices.Clone(n.Children), func(c *Node) bool {
			return c.IsElement() && slices.Contains([]string{"alias", "acpi", "address"}, c.Name)
		})
		n = &bare
	}
	return DecodeFields(n, b)
}

// CheckNode takes a negative time for none.
func (s *BalloonStats) CheckNode(*Node) error {
	if s.Period < 0 {
		return errVoid
	}
	return nil
}

// RNG is a source of random numbers.
type RNG struct {
	Model   string        `el:"model,attr,required" enum:"virtio virtio-transitional virtio-non-transitional"`
	Rate    *RNGRate      `el:"rate"`
	Backend *RNGBackend   `el:"backend" missing:"XML error: only one RNG backend is supported"`
	Driver  *VirtioDriver `el:"driver"`
	Alias   *Alias        `el:"alias"`
	ACPI    *ACPIIndex    `el:"acpi"`
	Address *Address      `el:"address"`
}

// RNGRate limits what the guest takes.
type RNGRate struct {
	Bytes  uint `el:"bytes,attr"`
	Period uint `el:"period,attr,nonzero,blank"`
}

// DecodeNode reads it; what does not say how much is no limit.
func (r *RNGRate) DecodeNode(n *Node) error {
	text, _ := n.Attr("bytes")
	if v, err := parseUint(text, 10, 32); err != nil || v == 0 {
		return errVoid
	}
	return DecodeFields(n, r)
}

// RNGBackend is where the numbers come from: a file, or an EGD daemon.
type RNGBackend struct {
	Model   string     `el:"model,attr,required" enum:"random egd builtin"`
	Chardev CharSource // egd
	Path    string     // random
}

// TPM is a trusted platform module.
type TPM struct {
	Model   string      `el:"model,attr" enum:"tpm-tis tpm-crb tpm-spapr spapr-tpm-proxy"`
	Backend *TPMBackend `el:"backend" missing:"XML error: missing TPM device backend"`
	Alias   *Alias      `el:"alias"`
	ACPI    *ACPIIndex  `el:"acpi"`
	Address *Address    `el:"address"`
}

// TPMBackend is what the module is made of.
type TPMBackend struct {
	Type            string       `el:"type,attr,required" enum:"passthrough emulator external"`
	Version         string       `el:"version,attr" enum:"default 1.2 2.0"`
	PersistentState YesNo        `el:"persistent_state,attr" unknown:"internal error: Invalid persistent_state value, either 'yes' or 'no'"`
	Debug           uint         `el:"debug,attr"`
	Encryption      *TPMSecret   `el:"encryption"`
	PCRBanks        *TPMPCRBanks `el:"active_pcr_banks"`
	Source          *TPMSource   `el:"source"`
	Profile         *TPMProfile  `el:"profile"`
	Device          *TPMDevice   `el:"device"`
}

// DecodeNode reads what a backend of this type has.
func (b *TPMBackend) DecodeNode(n *Node) error {
	kind, _ := n.Attr("type")
	foreign := map[string]string{"emulator": "device", "external": "version persistent_state debug encryption active_pcr_banks profile device",
		"passthrough": "version persistent_state debug encryption active_pcr_banks profile source"}[kind]
	return DecodeFields(n.without(func(name string, _ bool) bool { return slices.Contains(strings.Fields(foreign), name) }), b)
}

// TPMSecret is the key of the state.
type TPMSecret struct {
	Secret string `el:"secret,attr"`
}

// TPMPCRBanks are the banks of registers in use.
type TPMPCRBanks struct {
	SHA1   bool `el:"sha1"`
	SHA256 bool `el:"sha256"`
	SHA384 bool `el:"sha384"`
	SHA512 bool `el:"sha512"`
}

// DecodeNode reads the banks.
func (b *TPMPCRBanks) DecodeNode(n *Node) error {
	for _, c := range n.Children {
		if c.IsElement() && !slices.Contains([]string{"sha1", "sha256", "sha384", "sha512"}, c.Name) {
			return Errorf(CodeConfigUnsupported, "Unsupported PCR banks '%s'", c.Name)
		}
	}
	return DecodeFields(n, b)
}

// TPMSource is where the state, or an external module's socket, lies.
type TPMSource struct {
	Type      string           `el:"type,attr"`
	Mode      string           `el:"mode,attr"`
	Path      string           `el:"path,attr"`
	Host      string           `el:"host,attr"`
	Service   string           `el:"service,attr"`
	Reconnect *CharReconnect   `el:"reconnect"`
	SecLabels []SourceSecLabel `el:"seclabel"`
}

// TPMProfile is swtpm's.
type TPMProfile struct {
	Source         string `el:"source,attr"`
	RemoveDisabled string `el:"removeDisabled,attr" enum:"check fips-host"`
	Name           string `el:"name,attr"`
}

// TPMDevice is the host's device.
type TPMDevice struct {
	Path string `el:"path,attr"`
}

// NVRAM is the board's memory on POWER.
type NVRAM struct {
	_       struct{}   `root:",pair"`
	Alias   *Alias     `el:"alias"`
	ACPI    *ACPIIndex `el:"acpi"`
	Address *Address   `el:"address"`
}

// Panic tells the host that the guest crashed.
type Panic struct {
	Model   string     `el:"model,attr" enum:"default isa pseries hyperv s390 pvpanic" unknown:"unsupported configuration: unknown panic model '%s'"`
	Alias   *Alias     `el:"alias"`
	ACPI    *ACPIIndex `el:"acpi"`
	Address *Address   `el:"address"`
}

// Shmem is memory shared with other guests.
type Shmem struct {
	Name    string       `el:"name,attr,empty" missing:"XML error: shmem element must contain 'name' attribute"`
	Role    string       `el:"role,attr" enum:"peer master"`
	Model   *ShmemModel  `el:"model"`
	Size    *MiB         `el:"size"`
	Server  *ShmemServer `el:"server,bare"`
	MSI     *ShmemMSI    `el:"msi,bare"`
	Alias   *Alias       `el:"alias"`
	ACPI    *ACPIIndex   `el:"acpi"`
	Address *Address     `el:"address"`
}

// ShmemModel is the device's kind.
type ShmemModel struct {
	Type string `el:"type,attr,wanted" enum:"ivshmem ivshmem-plain ivshmem-doorbell"`
}

// CheckNode knows the model that is meant where none is named.
func (m *ShmemModel) CheckNode(*Node) error {
	if m.Type == "" {
		m.Type = "ivshmem"
	}
	return nil
}

// ShmemServer is the server's socket.
type ShmemServer struct {
	Path string `el:"path,attr"`
}

// ShmemMSI are the device's interrupts.
type ShmemMSI struct {
	Vectors   uint  `el:"vectors,attr"`
	IOEventFD OnOff `el:"ioeventfd,attr"`
}

// MemoryDevice is memory that can be plugged.
type MemoryDevice struct {
	Model   string        `el:"model,attr" enum:"dimm nvdimm virtio-pmem virtio-mem sgx-epc" missing:"XML error: Missing required attribute 'model' in element 'memory'"`
	Access  string        `el:"access,attr" enum:"shared private"`
	Discard YesNo         `el:"discard,attr"`
	UUID    string        `el:"uuid"`
	Source  *MemorySource `el:"source"`
	Target  *MemoryTarget `el:"target" missing:"XML error: missing <target> element for <memory> device"`
	Alias   *Alias        `el:"alias"`
	ACPI    *ACPIIndex    `el:"acpi"`
	Address *Address      `el:"address"`
}

// DecodeNode reads of the target what the model has, and how much of it the guest uses
// only if that is a size: of a definition nobody looks at it.
func (m *MemoryDevice) DecodeNode(n *Node) error {
	t := n.Child("target")
	if t == nil {
		return DecodeFields(n, m)
	}
	model, _ := n.Attr("model")
	own := t.without(func(name string, attr bool) bool {
		switch name {
		case "block", "requested":
			return !attr && model != "virtio-mem"
		case "label":
			return !attr && model != "nvdimm"
		case "address":
			return !attr && model != "virtio-mem" && model != "virtio-pmem"
		case "current":
			if c := t.Child(name); !attr && c != nil {
				_, err := ScaledNode(c, 1024)
				return err != nil
			}
		}
		return false
	})
	if own != t {
		whole := *n
		whole.Children = slices.Clone(n.Children)
		whole.Children[slices.Index(whole.Children, t)] = own
		n = &whole
	}
	return DecodeFields(n, m)
}

// MemorySource is where the memory comes from.
type MemorySource struct {
	NodeMask  CPUSet `el:"nodemask"`
	PageSize  KiB    `el:"pagesize"`
	Path      string `el:"path"`
	AlignSize KiB    `el:"alignsize"`
	PMem      bool   `el:"pmem"`
}

// MemoryTarget is what the guest sees.
type MemoryTarget struct {
	DynamicMemslots YesNo          `el:"dynamicMemslots,attr"`
	Size            KiB            `el:"size,empty" missing:"XML error: missing element or attribute './size'"`
	Node            *uint          `el:"node" unknown:"XML error: invalid value of memory device node"`
	Label           *MemoryLabel   `el:"label"`
	Block           KiB            `el:"block"`
	Requested       *KiB           `el:"requested"`
	Current         *KiB           `el:"current"`
	Readonly        bool           `el:"readonly"`
	Address         *MemoryAddress `el:"address"`
}

// MemoryLabel is an NVDIMM's label area.
type MemoryLabel struct {
	Size KiB `el:"size"`
}

// DecodeNode reads the size, whose error tells more of where it stands.
func (l *MemoryLabel) DecodeNode(n *Node) error {
	if c := n.Child("size"); c != nil {
		if _, err := strconv.ParseUint(strings.TrimLeft(c.Value(), " \t\r\n"), 10, 64); err != nil {
			return Errorf(CodeXML, "Invalid value '%s' for element or attribute './label/size'", c.Value())
		}
	}
	return DecodeFields(n, l)
}

// MemoryAddress is where a virtio memory begins.
type MemoryAddress struct {
	Base uint64 `el:"base,attr,hex=1"`
}

// Crypto is an accelerator.
type Crypto struct {
	Model   string         `el:"model,attr,required" enum:"virtio"`
	Type    string         `el:"type,attr,required" enum:"qemu"`
	Backend *CryptoBackend `el:"backend" missing:"XML error: only one crypto backend is supported"`
	Driver  *VirtioDriver  `el:"driver"`
	Alias   *Alias         `el:"alias"`
	ACPI    *ACPIIndex     `el:"acpi"`
	Address *Address       `el:"address"`
}

// DecodeNode reads the accelerator; it has exactly one backend.
func (c *Crypto) DecodeNode(n *Node) error {
	if countChildren(n, "backend") > 1 {
		return Errorf(CodeXML, "only one crypto backend is supported")
	}
	return DecodeFields(n, c)
}

// CryptoBackend does the work.
type CryptoBackend struct {
	Model  string `el:"model,attr,required" enum:"builtin lkcf"`
	Queues uint   `el:"queues,attr"`
}

// IOMMU translates the devices' addresses.
type IOMMU struct {
	Model   string       `el:"model,attr,required" enum:"intel smmuv3 virtio"`
	Driver  *IOMMUDriver `el:"driver"`
	Alias   *Alias       `el:"alias"`
	ACPI    *ACPIIndex   `el:"acpi"`
	Address *Address     `el:"address"`
}

// IOMMUDriver are its switches.
type IOMMUDriver struct {
	IntRemap       OnOff `el:"intremap,attr"`
	CachingMode    OnOff `el:"caching_mode,attr"`
	EIM            OnOff `el:"eim,attr"`
	IOTLB          OnOff `el:"iotlb,attr"`
	AWBits         uint  `el:"aw_bits,attr"`
	DMATranslation OnOff `el:"dma_translation,attr"`
}

// Vsock connects guest and host.
type Vsock struct {
	Model   string        `el:"model,attr" enum:"virtio virtio-transitional virtio-non-transitional"`
	CID     *VsockCID     `el:"cid"`
	Alias   *Alias        `el:"alias"`
	ACPI    *ACPIIndex    `el:"acpi"`
	Address *Address      `el:"address"`
	Driver  *VirtioDriver `el:"driver"`
}

// VsockCID is the guest's address.
type VsockCID struct {
	Auto    YesNo `el:"auto,attr"`
	Address uint  `el:"address,attr,nonzero"`
}

// PStore keeps the guest's last words.
type PStore struct {
	Backend string     `el:"backend,attr,required" enum:"acpi-erst"`
	Path    string     `el:"path"`
	Size    KiB        `el:"size" missing:"XML error: missing element or attribute './size'"`
	Alias   *Alias     `el:"alias"`
	ACPI    *ACPIIndex `el:"acpi"`
	Address *Address   `el:"address"`
}

// Lease is a lock held for the guest.
type Lease struct {
	Lockspace string       `el:"lockspace"`
	Key       string       `el:"key" missing:"XML error: Missing 'key' element for lease"`
	Target    *LeaseTarget `el:"target" missing:"XML error: Missing 'target' element for lease"`
}

// LeaseTarget is the lock's file.
type LeaseTarget struct {
	Path   string `el:"path,attr" missing:"XML error: Missing 'path' attribute to 'target' element for lease"`
	Offset uint64 `el:"offset,attr"`
}

// Amount is a number with the unit that it is printed in.
type Amount struct {
	Unit  string `el:"unit,attr"`
	Value uint64 `el:",text,empty"`
}

// singles are devices of which there are at most so many, with the peer's words,
// in the order of reading.
var singles = []struct {
	name string
	most int
	text string
}{
	{"memballoon", 1, "internal error: only a single memory balloon device is supported"},
	{"tpm", 2, "XML error: a maximum of two TPM devices is supported, one of them being a TPM Proxy device"},
	{"nvram", 1, "internal error: only a single nvram device is supported"},
	{"redirfilter", 1, "internal error: only one set of redirection filter rule is supported"},
	{"iommu", 1, "XML error: only a single IOMMU device is supported"},
	{"vsock", 1, "XML error: only a single vsock device is supported"},
	{"pstore", 1, "XML error: only a single pstore device is supported"},
}

// DecodeNode reads the devices.
func (d *Devices) DecodeNode(n *Node) error {
	d.Begun = true
	usb, none := 0, false
	for _, c := range n.Elements("controller") {
		if t, _ := c.Attr("type"); t == "usb" {
			m, _ := c.Attr("model")
			usb, none = usb+1, none || m == "none"
		}
	}
	if none && usb > 1 {
		return Errorf(CodePlain, "Can't add another USB controller: USB is disabled for this domain")
	}
	err := DecodeFields(n, d)
	if d.Failed = math.MaxInt; err != nil {
		d.Failed = orderOf[Devices](n.partWith(err))
	}
	for _, s := range singles {
		if countChildren(n, s.name) <= s.most {
			continue
		}
		switch place := orderOf[Devices](s.name); {
		case err == nil:
			d.Doubled = raise(s.text)
			return nil
		case place <= d.Failed: // they are counted before the first one is read
			d.Failed = place
			return raise(s.text)
		}
	}
	return err
}

// partWith is the name of the child in which a fault lies.
func (n *Node) partWith(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	name := ""
	for _, c := range n.Children {
		if c.IsElement() && (int(c.Line) < e.Line || int(c.Line) == e.Line && int(c.Column) <= e.Column) {
			name = c.Name
		}
	}
	return name
}

// orderOf is the place of a child of a T in the order of reading.
func orderOf[T any](kind string) int {
	for _, f := range planOf(reflect.TypeFor[T]()).kids {
		if f.name == kind {
			return f.order
		}
	}
	return 0
}

// DecodeNode reads the source; it has exactly one backend.
func (r *RNG) DecodeNode(n *Node) error {
	if err := DecodeFields(n, r); err != nil {
		return err
	}
	if len(n.Elements("backend")) > 1 {
		return Errorf(CodeXML, "only one RNG backend is supported")
	}
	return nil
}

// DecodeNode reads the module; it has exactly one backend.
func (t *TPM) DecodeNode(n *Node) error {
	if len(n.Elements("backend")) > 1 {
		return Errorf(CodeXML, "only one TPM backend is supported")
	}
	return DecodeFields(n, t)
}
