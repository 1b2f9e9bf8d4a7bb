package xml

// Devices are the guest's devices. Their order here is that of printing.
type Devices struct {
	_           struct{}       `root:",pair"`
	Emulator    string         `xml:"emulator"`
	Disks       []Disk         `xml:"disk,order=1"`
	Controllers []Controller   `xml:"controller,order=2"`
	Leases      []Lease        `xml:"lease,order=3"`
	Filesystems []Filesystem   `xml:"filesystem,order=4"`
	Interfaces  []Interface    `xml:"interface,order=5"`
	Smartcards  []Smartcard    `xml:"smartcard,order=6"`
	Serials     []Chardev      `xml:"serial,order=8"`
	Parallels   []Chardev      `xml:"parallel,order=7"`
	Consoles    []Chardev      `xml:"console,order=9"`
	Channels    []Chardev      `xml:"channel,order=10"`
	Inputs      []Input        `xml:"input,order=11"`
	TPMs        []TPM          `xml:"tpm,order=21"`
	Graphics    []Graphics     `xml:"graphics,order=12"`
	Sounds      []Sound        `xml:"sound,order=13"`
	Audios      []Audio        `xml:"audio,order=14"`
	Videos      []Video        `xml:"video,order=15"`
	Hostdevs    []Hostdev      `xml:"hostdev,order=16"`
	Redirdevs   []Redirdev     `xml:"redirdev,order=24"`
	RedirFilter *RedirFilter   `xml:"redirfilter,order=25"`
	Hubs        []Hub          `xml:"hub,order=23"`
	Watchdogs   []Watchdog     `xml:"watchdog,order=17"`
	Memballoon  *Memballoon    `xml:"memballoon,order=18"`
	RNGs        []RNG          `xml:"rng,order=19"`
	NVRAM       *NVRAM         `xml:"nvram,order=22"`
	Panics      []Panic        `xml:"panic,order=27"`
	Shmems      []Shmem        `xml:"shmem,order=26"`
	Memories    []MemoryDevice `xml:"memory,order=29"`
	Cryptos     []Crypto       `xml:"crypto,order=20"`
	IOMMU       *IOMMU         `xml:"iommu,order=30"`
	Vsock       *Vsock         `xml:"vsock,order=31"`
	PStore      *PStore        `xml:"pstore,order=32"`
}

// Alias is a device's name.
type Alias struct {
	Name string `xml:"name,attr"`
}

// BootOrder is a device's place among those to boot from.
type BootOrder struct {
	Order    uint   `xml:"order,attr,required,nonzero"`
	LoadParm string `xml:"loadparm,attr"`
}

// ROM is a device's option ROM.
type ROM struct {
	Enabled YesNo   `xml:"enabled,attr"`
	Bar     OnOff   `xml:"bar,attr"`
	File    *string `xml:"file,attr"`
}

// ACPIIndex is the number that the firmware tells the guest.
type ACPIIndex struct {
	Index uint `xml:"index,attr"`
}

// VirtioDriver are the switches of any virtio device.
type VirtioDriver struct {
	IOMMU     OnOff `xml:"iommu,attr"`
	ATS       OnOff `xml:"ats,attr"`
	Packed    OnOff `xml:"packed,attr"`
	PagePerVQ OnOff `xml:"page_per_vq,attr"`
}

// Input is a keyboard, mouse or tablet.
type Input struct {
	Type    string        `xml:"type,attr" missing:"internal error: missing input device type" enum:"mouse tablet keyboard passthrough evdev" unknown:"unsupported configuration: unknown input device type '%s'"`
	Bus     string        `xml:"bus,attr" enum:"ps2 usb xen parallels virtio none" unknown:"unsupported configuration: unknown input bus type '%s'"`
	Model   string        `xml:"model,attr" enum:"virtio virtio-transitional virtio-non-transitional"`
	Driver  *VirtioDriver `xml:"driver"`
	Source  *InputSource  `xml:"source"`
	Alias   *Alias        `xml:"alias"`
	Address *Address      `xml:"address"`
}

// InputSource is the host's device.
type InputSource struct {
	EvDev      string `xml:"evdev,attr"`
	Dev        string `xml:"dev,attr"`
	Grab       string `xml:"grab,attr" enum:"all"`
	GrabToggle string `xml:"grabToggle,attr" enum:"ctrl-ctrl alt-alt shift-shift meta-meta scrolllock ctrl-scrolllock"`
	Repeat     OnOff  `xml:"repeat,attr"`
}

// Hub is a USB hub.
type Hub struct {
	Type    string   `xml:"type,attr" enum:"usb" missing:"internal error: missing hub device type" unknown:"unsupported configuration: unknown hub device type '%s'"`
	Alias   *Alias   `xml:"alias"`
	Address *Address `xml:"address"`
}

// Sound is a sound card.
type Sound struct {
	Model        string        `xml:"model,attr,required" enum:"sb16 es1370 pcspk ac97 ich6 ich9 usb ich7 virtio"`
	MultiChannel YesNo         `xml:"multichannel,attr"`
	Streams      uint          `xml:"streams,attr"`
	Codecs       []SoundCodec  `xml:"codec"`
	Audio        *AudioRef     `xml:"audio"`
	Driver       *VirtioDriver `xml:"driver"`
	Alias        *Alias        `xml:"alias"`
	Address      *Address      `xml:"address"`
}

// SoundCodec is a part of an HDA card.
type SoundCodec struct {
	Type string `xml:"type,attr,required" enum:"duplex micro output"`
}

// AudioRef names an audio backend.
type AudioRef struct {
	ID uint `xml:"id,attr,required,nonzero"`
}

// Audio is a sound backend of the host.
type Audio struct {
	ID          uint       `xml:"id,attr,required,nonzero,order=2"`
	Type        string     `xml:"type,attr,required,order=1" enum:"none alsa coreaudio jack oss pulseaudio sdl spice file dbus pipewire"`
	TimerPeriod uint       `xml:"timerPeriod,attr,nonzero"`
	TryMMap     YesNo      `xml:"tryMMap,attr"`
	Exclusive   YesNo      `xml:"exclusive,attr"`
	DSPPolicy   *int       `xml:"dspPolicy,attr"`
	ServerName  string     `xml:"serverName,attr"`
	RuntimeDir  string     `xml:"runtimeDir,attr"`
	Driver      string     `xml:"driver,attr" enum:"esd alsa arts pulseaudio"`
	Path        string     `xml:"path,attr"`
	Input       *AudioSide `xml:"input"`
	Output      *AudioSide `xml:"output"`
}

// AudioSide is the recording or the playing side.
type AudioSide struct {
	MixingEngine  YesNo          `xml:"mixingEngine,attr"`
	FixedSettings YesNo          `xml:"fixedSettings,attr"`
	Voices        uint           `xml:"voices,attr,nonzero"`
	BufferLength  uint           `xml:"bufferLength,attr,nonzero"`
	Dev           string         `xml:"dev,attr"`
	BufferCount   uint           `xml:"bufferCount,attr,nonzero"`
	TryPoll       YesNo          `xml:"tryPoll,attr"`
	Name          string         `xml:"name,attr"`
	StreamName    string         `xml:"streamName,attr"`
	ServerName    string         `xml:"serverName,attr"`
	ClientName    string         `xml:"clientName,attr"`
	Latency       uint           `xml:"latency,attr,nonzero"`
	ConnectPorts  string         `xml:"connectPorts,attr"`
	ExactName     YesNo          `xml:"exactName,attr"`
	Settings      *AudioSettings `xml:"settings"`
}

// AudioSettings is the format of the samples.
type AudioSettings struct {
	Frequency uint   `xml:"frequency,attr,nonzero"`
	Channels  uint   `xml:"channels,attr,nonzero"`
	Format    string `xml:"format,attr" enum:"s8 u8 s16 u16 s32 u32 f32"`
}

// Watchdog acts when the guest hangs.
type Watchdog struct {
	Model   string   `xml:"model,attr,required" enum:"i6300esb ib700 diag288 itco"`
	Action  string   `xml:"action,attr" enum:"reset shutdown poweroff pause dump none inject-nmi"`
	Alias   *Alias   `xml:"alias"`
	Address *Address `xml:"address"`
}

// Memballoon gives memory back to the host.
type Memballoon struct {
	Model             string        `xml:"model,attr,required" enum:"virtio xen none virtio-transitional virtio-non-transitional"`
	AutoDeflate       OnOff         `xml:"autodeflate,attr"`
	FreePageReporting OnOff         `xml:"freePageReporting,attr"`
	Stats             *BalloonStats `xml:"stats"`
	Alias             *Alias        `xml:"alias"`
	Address           *Address      `xml:"address"`
	Driver            *VirtioDriver `xml:"driver"`
}

// BalloonStats is how often the guest reports.
type BalloonStats struct {
	Period int `xml:"period,attr"`
}

// RNG is a source of random numbers.
type RNG struct {
	Model   string        `xml:"model,attr,required" enum:"virtio virtio-transitional virtio-non-transitional"`
	Rate    *RNGRate      `xml:"rate"`
	Backend *RNGBackend   `xml:"backend" missing:"XML error: only one RNG backend is supported"`
	Driver  *VirtioDriver `xml:"driver"`
	Alias   *Alias        `xml:"alias"`
	Address *Address      `xml:"address"`
}

// RNGRate limits what the guest takes.
type RNGRate struct {
	Bytes  uint `xml:"bytes,attr,required,nonzero"`
	Period uint `xml:"period,attr,nonzero"`
}

// RNGBackend is where the numbers come from: a file, or an EGD daemon.
type RNGBackend struct {
	Model   string     `xml:"model,attr,required" enum:"random egd builtin"`
	Chardev CharSource // egd
	Path    string     // random
}

// TPM is a trusted platform module.
type TPM struct {
	Model   string      `xml:"model,attr" enum:"default tpm-tis tpm-crb tpm-spapr spapr-tpm-proxy"`
	Backend *TPMBackend `xml:"backend" missing:"XML error: missing TPM device backend"`
	Alias   *Alias      `xml:"alias"`
	Address *Address    `xml:"address"`
}

// TPMBackend is what the module is made of.
type TPMBackend struct {
	Type            string       `xml:"type,attr,required" enum:"default passthrough emulator external"`
	Version         string       `xml:"version,attr" enum:"default 1.2 2.0"`
	PersistentState YesNo        `xml:"persistent_state,attr"`
	Debug           uint         `xml:"debug,attr"`
	Encryption      *TPMSecret   `xml:"encryption"`
	PCRBanks        *TPMPCRBanks `xml:"active_pcr_banks"`
	Source          *TPMSource   `xml:"source"`
	Profile         *TPMProfile  `xml:"profile"`
	Device          *TPMDevice   `xml:"device"`
}

// TPMSecret is the key of the state.
type TPMSecret struct {
	Secret string `xml:"secret,attr"`
}

// TPMPCRBanks are the banks of registers in use.
type TPMPCRBanks struct {
	SHA1   bool `xml:"sha1"`
	SHA256 bool `xml:"sha256"`
	SHA384 bool `xml:"sha384"`
	SHA512 bool `xml:"sha512"`
}

// TPMSource is where the state, or an external module's socket, lies.
type TPMSource struct {
	Type      string           `xml:"type,attr"`
	Mode      string           `xml:"mode,attr"`
	Path      string           `xml:"path,attr"`
	Host      string           `xml:"host,attr"`
	Service   string           `xml:"service,attr"`
	Reconnect *CharReconnect   `xml:"reconnect"`
	SecLabels []SourceSecLabel `xml:"seclabel"`
}

// TPMProfile is swtpm's.
type TPMProfile struct {
	Source         string `xml:"source,attr"`
	RemoveDisabled string `xml:"removeDisabled,attr"`
	Name           string `xml:"name,attr"`
}

// TPMDevice is the host's device.
type TPMDevice struct {
	Path string `xml:"path,attr"`
}

// NVRAM is the board's memory on POWER.
type NVRAM struct {
	Alias   *Alias   `xml:"alias"`
	Address *Address `xml:"address"`
}

// Panic tells the host that the guest crashed.
type Panic struct {
	Model   string   `xml:"model,attr" enum:"default isa pseries hyperv s390 pvpanic" unknown:"unsupported configuration: unknown panic model '%s'"`
	Alias   *Alias   `xml:"alias"`
	Address *Address `xml:"address"`
}

// Shmem is memory shared with other guests.
type Shmem struct {
	Name    string       `xml:"name,attr" missing:"XML error: shmem element must contain 'name' attribute"`
	Role    string       `xml:"role,attr" enum:"peer master"`
	Model   *ShmemModel  `xml:"model"`
	Size    *MiB         `xml:"size"`
	Server  *ShmemServer `xml:"server,bare"`
	MSI     *ShmemMSI    `xml:"msi"`
	Alias   *Alias       `xml:"alias"`
	Address *Address     `xml:"address"`
}

// ShmemModel is the device's kind.
type ShmemModel struct {
	Type string `xml:"type,attr,required" enum:"ivshmem ivshmem-plain ivshmem-doorbell"`
}

// ShmemServer is the server's socket.
type ShmemServer struct {
	Path string `xml:"path,attr"`
}

// ShmemMSI are the device's interrupts.
type ShmemMSI struct {
	Vectors   uint  `xml:"vectors,attr"`
	IOEventFD OnOff `xml:"ioeventfd,attr"`
}

// MemoryDevice is memory that can be plugged.
type MemoryDevice struct {
	Model   string        `xml:"model,attr" enum:"dimm nvdimm virtio-pmem virtio-mem sgx-epc" missing:"XML error: Missing required attribute 'model' in element 'memory'"`
	Access  string        `xml:"access,attr" enum:"shared private"`
	Discard YesNo         `xml:"discard,attr"`
	UUID    string        `xml:"uuid"`
	Source  *MemorySource `xml:"source"`
	Target  *MemoryTarget `xml:"target" missing:"XML error: missing <target> element for <memory> device"`
	Alias   *Alias        `xml:"alias"`
	Address *Address      `xml:"address"`
}

// MemorySource is where the memory comes from.
type MemorySource struct {
	NodeMask  CPUSet `xml:"nodemask"`
	PageSize  KiB    `xml:"pagesize"`
	Path      string `xml:"path"`
	AlignSize KiB    `xml:"alignsize"`
	PMem      bool   `xml:"pmem"`
}

// MemoryTarget is what the guest sees.
type MemoryTarget struct {
	DynamicMemslots YesNo          `xml:"dynamicMemslots,attr"`
	Size            KiB            `xml:"size" missing:"XML error: missing element or attribute './size'"`
	Node            *uint          `xml:"node"`
	Label           *MemoryLabel   `xml:"label"`
	Block           KiB            `xml:"block"`
	Requested       *KiB           `xml:"requested"`
	Current         *KiB           `xml:"current"`
	Readonly        bool           `xml:"readonly"`
	Address         *MemoryAddress `xml:"address"`
}

// MemoryLabel is an NVDIMM's label area.
type MemoryLabel struct {
	Size KiB `xml:"size"`
}

// MemoryAddress is where a virtio memory begins.
type MemoryAddress struct {
	Base uint64 `xml:"base,attr,hex=1"`
}

// Crypto is an accelerator.
type Crypto struct {
	Model   string         `xml:"model,attr,required" enum:"virtio"`
	Type    string         `xml:"type,attr,required" enum:"qemu"`
	Backend *CryptoBackend `xml:"backend" missing:"XML error: only one crypto backend is supported"`
	Driver  *VirtioDriver  `xml:"driver"`
	Alias   *Alias         `xml:"alias"`
	Address *Address       `xml:"address"`
}

// CryptoBackend does the work.
type CryptoBackend struct {
	Model  string `xml:"model,attr,required" enum:"builtin lkcf"`
	Queues uint   `xml:"queues,attr"`
}

// IOMMU translates the devices' addresses.
type IOMMU struct {
	Model   string       `xml:"model,attr,required" enum:"intel smmuv3 virtio"`
	Driver  *IOMMUDriver `xml:"driver"`
	Alias   *Alias       `xml:"alias"`
	Address *Address     `xml:"address"`
}

// IOMMUDriver are its switches.
type IOMMUDriver struct {
	IntRemap       OnOff `xml:"intremap,attr"`
	CachingMode    OnOff `xml:"caching_mode,attr"`
	EIM            OnOff `xml:"eim,attr"`
	IOTLB          OnOff `xml:"iotlb,attr"`
	AWBits         uint  `xml:"aw_bits,attr"`
	DMATranslation OnOff `xml:"dma_translation,attr"`
}

// Vsock connects guest and host.
type Vsock struct {
	Model   string        `xml:"model,attr" enum:"virtio virtio-transitional virtio-non-transitional"`
	CID     *VsockCID     `xml:"cid"`
	Alias   *Alias        `xml:"alias"`
	Address *Address      `xml:"address"`
	Driver  *VirtioDriver `xml:"driver"`
}

// VsockCID is the guest's address.
type VsockCID struct {
	Auto    YesNo `xml:"auto,attr"`
	Address uint  `xml:"address,attr"`
}

// PStore keeps the guest's last words.
type PStore struct {
	Backend string   `xml:"backend,attr,required" enum:"acpi-erst"`
	Path    string   `xml:"path"`
	Size    KiB      `xml:"size"`
	Alias   *Alias   `xml:"alias"`
	Address *Address `xml:"address"`
}

// Lease is a lock held for the guest.
type Lease struct {
	Lockspace string       `xml:"lockspace"`
	Key       string       `xml:"key" missing:"XML error: Missing 'key' element for lease"`
	Target    *LeaseTarget `xml:"target"`
}

// LeaseTarget is the lock's file.
type LeaseTarget struct {
	Path   string `xml:"path,attr"`
	Offset uint64 `xml:"offset,attr"`
}

// Amount is a number with the unit that it is printed in.
type Amount struct {
	Unit  string `xml:"unit,attr"`
	Value uint64 `xml:",text,empty"`
}

// singles are devices of which there is at most one, with the peer's words.
var singles = []struct{ name, text string }{
	{"memballoon", "internal error: only a single memory balloon device is supported"},
	{"nvram", "internal error: only a single nvram device is supported"},
	{"redirfilter", "internal error: only one set of redirection filter rule is supported"},
	{"iommu", "XML error: only a single IOMMU device is supported"},
	{"vsock", "XML error: only a single vsock device is supported"},
	{"pstore", "XML error: only a single pstore device is supported"},
}

// DecodeNode reads the devices.
func (d *Devices) DecodeNode(n *Node) error {
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
	if err := DecodeFields(n, d); err != nil {
		return err
	}
	for _, s := range singles {
		if len(n.Elements(s.name)) > 1 {
			return raise(s.text)
		}
	}
	return nil
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
