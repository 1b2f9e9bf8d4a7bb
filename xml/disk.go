package xml

// Disk is a disk, CD-ROM or floppy drive.
type Disk struct {
	Type          string         `el:"type,attr,order=1" enum:"file block dir network volume nvme vhostuser vhostvdpa"`
	Device        string         `el:"device,attr,order=5" enum:"disk cdrom floppy lun"`
	Model         string         `el:"model,attr,order=6" enum:"virtio virtio-transitional virtio-non-transitional"`
	RawIO         YesNo          `el:"rawio,attr,order=8"`
	SGIO          string         `el:"sgio,attr,order=9" enum:"filtered unfiltered"`
	Snapshot      string         `el:"snapshot,attr,order=7" enum:"no internal external manual"`
	Driver        *DiskDriver    `el:"driver,order=13"`
	Auth          *Auth          `el:"auth,order=2"`
	Source        *DiskSource    `el:"source"`
	BackingStore  *BackingStore  `el:"backingStore,bare,order=4"`
	BackendDomain *BackendDomain `el:"backenddomain"`
	Geometry      *Geometry      `el:"geometry,order=11"`
	BlockIO       *BlockIO       `el:"blockio,order=12"`
	Mirror        *Mirror        `el:"mirror"`
	Target        *DiskTarget    `el:"target,wanted,order=10"`
	IOTune        *IOTune        `el:"iotune,order=15"`
	Throttle      []ThrottleRef  `el:"throttlefilters>throttlefilter,order=16"`
	Readonly      bool           `el:"readonly"`
	Shareable     bool           `el:"shareable"`
	Transient     *Transient     `el:"transient,bare,order=14"`
	Serial        string         `el:"serial"`
	WWN           string         `el:"wwn"`
	Vendor        string         `el:"vendor"`
	Product       string         `el:"product"`
	Encryption    *Encryption    `el:"encryption,order=3"`
	Boot          *BootOrder     `el:"boot,order=17"`
	Alias         *Alias         `el:"alias,order=18"`
	ACPI          *ACPIIndex     `el:"acpi,order=19"`
	Address       *Address       `el:"address,order=20"`
}

// DiskDriver is how the host serves the disk.
type DiskDriver struct {
	Name           string           `el:"name,attr"`
	Type           string           `el:"type,attr,order=19" enum:"raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk aio" unknown:"unsupported configuration: unknown driver format value '%s'"`
	Cache          string           `el:"cache,attr,order=5" enum:"default none writethrough writeback directsync unsafe"`
	ErrorPolicy    string           `el:"error_policy,attr,nonzero,order=6" enum:"default stop report ignore enospace"`
	RErrorPolicy   string           `el:"rerror_policy,attr,nonzero,order=7" enum:"default stop report ignore enospace"`
	IO             string           `el:"io,attr,order=8" enum:"native threads io_uring"`
	IOEventFD      OnOff            `el:"ioeventfd,attr,order=9"`
	EventIdx       OnOff            `el:"event_idx,attr,order=10"`
	CopyOnRead     OnOff            `el:"copy_on_read,attr,order=11"`
	Discard        string           `el:"discard,attr,order=12" enum:"unmap ignore"`
	IOThread       uint             `el:"iothread,attr,nonzero,order=13"`
	DetectZeroes   string           `el:"detect_zeroes,attr,order=14" enum:"off on unmap"`
	DiscardNoUnref OnOff            `el:"discard_no_unref,attr,order=18"`
	Queues         uint             `el:"queues,attr,order=16"`
	QueueSize      uint             `el:"queue_size,attr,order=17"`
	IOMMU          OnOff            `el:"iommu,attr,order=1"`
	ATS            OnOff            `el:"ats,attr,order=2"`
	Packed         OnOff            `el:"packed,attr,order=3"`
	PagePerVQ      OnOff            `el:"page_per_vq,attr,order=4"`
	IOThreads      []DriverIOThread `el:"iothreads>iothread,order=15"`
	MetadataCache  *MetadataCache   `el:"metadata_cache"`
}

// CheckNode refuses what only writing can do about errors.
func (d *DiskDriver) CheckNode(*Node) error {
	if d.RErrorPolicy == "enospace" {
		return Errorf(CodeConfigUnsupported, "Invalid disk read error policy: '%s'", d.RErrorPolicy)
	}
	return nil
}

// DriverIOThread serves some of a device's queues.
type DriverIOThread struct {
	ID     uint          `el:"id,attr,empty,required"`
	Queues []DriverQueue `el:"queue"`
}

// DriverQueue is one queue.
type DriverQueue struct {
	ID uint `el:"id,attr,empty,required"`
}

// MetadataCache is how much of an image's tables is kept in memory.
type MetadataCache struct {
	MaxSize *Amount `el:"max_size"`
}

// BackendDomain is the Xen guest that has the device.
type BackendDomain struct {
	Name string `el:"name,attr"`
}

// Geometry is the disk's geometry.
type Geometry struct {
	Cylinders uint   `el:"cyls,attr,empty"`
	Heads     uint   `el:"heads,attr,empty"`
	Sectors   uint   `el:"secs,attr,empty"`
	Trans     string `el:"trans,attr" enum:"none auto lba"`
}

// BlockIO are the sizes of blocks.
type BlockIO struct {
	Logical            uint  `el:"logical_block_size,attr"`
	Physical           uint  `el:"physical_block_size,attr"`
	DiscardGranularity *uint `el:"discard_granularity,attr"`
}

// Mirror is a copy under way; only of running guests.
type Mirror struct {
	Type         string        `el:"type,attr"`
	File         string        `el:"file,attr"`   // once more, of a copy
	FormatName   string        `el:"format,attr"` // once more, of a copy
	Job          string        `el:"job,attr"`
	Ready        string        `el:"ready,attr"`
	Format       *DiskFormat   `el:"format"`
	Source       *DiskSource   `el:"source"`
	BackingStore *BackingStore `el:"backingStore,bare"`
}

// DiskTarget is the disk as the guest names it.
type DiskTarget struct {
	Dev          string `el:"dev,attr,wanted" like:"(ioemu:)?(fd|hd|sd|vd|xvd|ubd)[a-zA-Z0-9_]+"`
	Bus          string `el:"bus,attr" enum:"ide fdc scsi virtio xen usb uml sata sd"`
	Tray         string `el:"tray,attr" enum:"closed open"`
	Removable    OnOff  `el:"removable,attr"`
	RotationRate uint   `el:"rotation_rate,attr"`
	// Ejectable is Removable of a SCSI disk, which is not printed.
	Ejectable OnOff
	// Blank tells a name that is written without a letter from one that is not written.
	Blank bool
}

// CheckNode notes how the name is written.
func (t *DiskTarget) CheckNode(n *Node) error {
	_, given := n.Attr("dev")
	t.Blank = given && t.Dev == ""
	return nil
}

// ThrottleRef names a throttle group.
type ThrottleRef struct {
	Group string `el:"group,attr"`
}

// Transient says that changes are dropped.
type Transient struct {
	ShareBacking YesNo `el:"shareBacking,attr"`
}

// DiskFormat is an image's format.
type DiskFormat struct {
	Type          string         `el:"type,attr" enum:"raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk" unknown:"XML error: unknown storage source format '%s'"`
	MetadataCache *MetadataCache `el:"metadata_cache"`
}

// BackingStore is the image below; without a type there is none.
type BackingStore struct {
	Type         string        `el:"type,attr" enum:"file block dir network volume nvme vhostuser vhostvdpa" unknown:"XML error: unknown storage source type '%s'"`
	Index        string        `el:"index,attr"`
	Format       *DiskFormat   `el:"format"`
	Source       *DiskSource   `el:"source"`
	BackingStore *BackingStore `el:"backingStore,bare"`
}

// DiskSource is where a disk's data lies. Which fields count depends on the
// type of the disk.
type DiskSource struct {
	File          string           `el:"file,attr"`
	Dev           string           `el:"dev,attr"`
	Dir           string           `el:"dir,attr"`
	Pool          string           `el:"pool,attr"`
	Volume        string           `el:"volume,attr"`
	Mode          string           `el:"mode,attr" enum:"host direct"`
	Type          string           `el:"type,attr,order=1"` // nvme, vhostuser
	Managed       YesNo            `el:"managed,attr,order=3"`
	Namespace     string           `el:"namespace,attr,order=2"`
	Protocol      string           `el:"protocol,attr,order=4" enum:"nbd rbd sheepdog gluster iscsi http https ftp ftps tftp ssh vxhs nfs"`
	Name          string           `el:"name,attr,order=5"`
	Query         string           `el:"query,attr"`
	TLS           YesNo            `el:"tls,attr,order=6"`
	TLSHostname   string           `el:"tlsHostname,attr,order=7"`
	Path          string           `el:"path,attr"` // vhostuser
	StartupPolicy string           `el:"startupPolicy,attr" enum:"mandatory requisite optional"`
	FDGroup       string           `el:"fdgroup,attr"`
	Index         string           `el:"index,attr"` // live
	Hosts         []NetHost        `el:"host,order=8"`
	Snapshot      *NamedRef        `el:"snapshot,order=9"`
	Config        *FileRef         `el:"config,order=10"`
	Initiator     string           `el:"initiator>iqn>name,attr,order=11"`
	SSL           *SSL             `el:"ssl,order=12"`
	Cookies       []Cookie         `el:"cookies>cookie,order=13"`
	KnownHosts    *KnownHosts      `el:"knownHosts,order=16"`
	Identity      *Identity        `el:"identity,order=17"`
	Readahead     *Readahead       `el:"readahead,order=14"`
	Timeout       *Timeout         `el:"timeout,order=15"`
	Reconnect     *Reconnect       `el:"reconnect,order=18"`
	Address       *Address         `el:"address,order=19"` // nvme
	Slice         *Slice           `el:"slices>slice,order=23"`
	SecLabels     []SourceSecLabel `el:"seclabel,order=24"`
	Auth          *Auth            `el:"auth,order=20"`
	Encryption    *Encryption      `el:"encryption,order=21"`
	Reservations  *Reservations    `el:"reservations,order=22"`
	DataStore     *DataStore       `el:"dataStore,order=25"`
	// Local is the file or device of a volume, once somebody has looked for it.
	Local string
}

// NetHost is a server.
type NetHost struct {
	Name      string `el:"name,attr"`
	Port      string `el:"port,attr"`
	Transport string `el:"transport,attr" enum:"tcp unix rdma"`
	Socket    string `el:"socket,attr"`

	blank bool // the name is written with nothing in it
}

// EncodeNode makes the element, with a name that is empty if it was written so.
func (h *NetHost) EncodeNode(name string) *Node {
	n := Element(name).With("name", h.Name)
	if h.blank && h.Name == "" && h.Socket == "" {
		n.Attrs = append(n.Attrs, Attr{Name: "name"})
	}
	return n.With("port", h.Port, "transport", h.Transport, "socket", h.Socket)
}

// NamedRef is an element with a name.
type NamedRef struct {
	Name string `el:"name,attr"`
}

// FileRef is an element with a file.
type FileRef struct {
	File string `el:"file,attr"`
}

// PathRef is an element with a path.
type PathRef struct {
	Path string `el:"path,attr"`
}

// KnownHosts is the file with the keys of SSH's servers.
type KnownHosts struct {
	Path string `el:"path,attr,required"`
}

// SSL says whether a server's certificate is checked.
type SSL struct {
	Verify YesNo `el:"verify,attr"`
}

// Cookie is sent to a web server.
type Cookie struct {
	Name string `el:"name,attr"`
	Text string `el:",text"`
}

// Identity is who logs in to a server.
type Identity struct {
	User      string `el:"user,attr"`
	Group     string `el:"group,attr"`
	Username  string `el:"username,attr"`
	AgentSock string `el:"agentsock,attr"`
	Keyfile   string `el:"keyfile,attr"`
}

// Readahead is how much is read in advance.
type Readahead struct {
	Size uint64 `el:"size,attr,blank" unknown:"XML error: invalid readahead size or timeout"`
}

// Timeout is how long an answer may take.
type Timeout struct {
	Seconds uint64 `el:"seconds,attr,blank" unknown:"XML error: invalid readahead size or timeout"`
}

// Reconnect is what happens when a connection is lost.
type Reconnect struct {
	Enabled YesNo `el:"enabled,attr"`
	Timeout uint  `el:"timeout,attr"`
	Delay   uint  `el:"delay,attr"`
}

// DecodeNode reads what a vhost-user socket has, which is enabled, or NBD's delay.
func (r *Reconnect) DecodeNode(n *Node) error {
	enabled, given := n.Attr("enabled")
	if err := DecodeFields(n.without(func(name string, _ bool) bool {
		return name == "delay" && given || name == "timeout" && enabled != "yes"
	}), r); err != nil {
		return err
	}
	if _, ok := n.Attr("timeout"); enabled == "yes" && !ok {
		return Errorf(CodeXML, "Missing required attribute 'timeout' in element 'reconnect'")
	}
	return nil
}

// Slice is a part of a file that holds the image.
type Slice struct {
	Type   string `el:"type,attr"`
	Offset uint64 `el:"offset,attr,empty"`
	Size   uint64 `el:"size,attr,empty"`
}

// SourceSecLabel is the security label of one file.
type SourceSecLabel struct {
	Model     string `el:"model,attr"`
	LabelSkip YesNo  `el:"labelskip,attr"`
	Relabel   YesNo  `el:"relabel,attr"`
	Label     string `el:"label"`
}

// CheckLabels refuses labels that contradict themselves or each other. absent is what
// the errors call a model that is not given.
func CheckLabels(list []SourceSecLabel, absent string) error {
	for i, l := range list {
		for _, o := range list[:i] {
			if l.Model != "" && o.Model == l.Model {
				return Errorf(CodePlain, "seclabel for model %s is already provided", l.Model)
			}
		}
		model := l.Model
		if model == "" {
			model = absent
		}
		if l.Relabel == "yes" && l.Label == "" {
			return Errorf(CodeXML, "Cannot specify relabel if label is missing. model=%s", model)
		}
		if l.Relabel == "no" && l.Label != "" || l.LabelSkip == "yes" && l.Label != "" {
			return Errorf(CodeXML, "Cannot specify a label if relabelling is turned off. model=%s", model)
		}
	}
	return nil
}

// KeepLabels leaves the labels that say something of a guest that does not run.
func KeepLabels(list []SourceSecLabel) []SourceSecLabel {
	kept := list[:0]
	for _, l := range list {
		if l.Label != "" {
			l.Relabel = "yes"
		}
		if l.LabelSkip != "yes" && l.Relabel != "" {
			l.LabelSkip = ""
			kept = append(kept, l)
		}
	}
	return kept
}

// Auth is who logs in, and with which secret.
type Auth struct {
	Username string  `el:"username,attr,filled" missing:"XML error: missing username for auth"`
	Secret   *Secret `el:"secret,required" missing:"XML error: Missing <secret> element in auth"`
}

// Secret names a secret of the host, by UUID or by usage.
type Secret struct {
	Type  string `el:"type,attr"`
	UUID  UUID   `el:"uuid,attr" unknown:"XML error: invalid secret uuid '%s'"`
	Usage string `el:"usage,attr"`
}

// CheckNode wants one of the names.
func (s *Secret) CheckNode(*Node) error { return oneSecret(s.UUID, s.Usage) }

// Encryption is how an image is encrypted.
type Encryption struct {
	_       struct{}           `root:"encryption,pair"`
	Format  string             `el:"format,attr,filled" enum:"default qcow luks luks2 luks-any" missing:"XML error: unknown volume encryption format" unknown:"unsupported configuration: unknown volume encryption format type %s"`
	Engine  string             `el:"engine,attr" enum:"qemu librbd"`
	Secrets []EncryptionSecret `el:"secret"`
	Cipher  *Cipher            `el:"cipher"`
	IVGen   *IVGen             `el:"ivgen"`
}

// DecodeNode reads it without what the format does not have.
func (e *Encryption) DecodeNode(n *Node) error {
	format, _ := n.Attr("format")
	err := DecodeFields(n.without(func(name string, attr bool) bool {
		return !attr && format != "luks" && (name == "cipher" || name == "ivgen")
	}), e)
	if err == nil && e.IVGen != nil && e.Cipher == nil {
		return Errorf(CodeXML, "ivgen element found, but cipher is missing")
	}
	return err
}

// EncryptionSecret names the secret that an image is encrypted with.
type EncryptionSecret struct {
	Type  string `el:"type,attr" enum:"passphrase" missing:"XML error: unknown volume encryption secret type" unknown:"unsupported configuration: unknown volume encryption secret type %s"`
	UUID  UUID   `el:"uuid,attr" unknown:"XML error: invalid secret uuid '%s'"`
	Usage string `el:"usage,attr"`
}

// CheckNode wants one of the names.
func (s *EncryptionSecret) CheckNode(*Node) error { return oneSecret(s.UUID, s.Usage) }

// oneSecret checks that a secret is named by its UUID or by its usage.
func oneSecret(uuid UUID, usage string) error {
	switch {
	case uuid == "" && usage == "":
		return Errorf(CodeXML, "missing secret uuid or usage attribute")
	case uuid != "" && usage != "":
		return Errorf(CodeXML, "either secret uuid or usage expected")
	}
	return nil
}

// Cipher is a cipher.
type Cipher struct {
	Name string `el:"name,attr" missing:"XML error: cipher info missing 'name' attribute"`
	Size uint   `el:"size,attr,required"`
	Mode string `el:"mode,attr"`
	Hash string `el:"hash,attr"`
}

// IVGen makes the cipher's initial vectors.
type IVGen struct {
	Name string `el:"name,attr,required"`
	Hash string `el:"hash,attr"`
}

// Reservations are SCSI's persistent reservations.
type Reservations struct {
	Managed YesNo             `el:"managed,attr,required"`
	Source  *ReservationsFrom `el:"source"`
}

// ReservationsFrom is the helper's socket.
type ReservationsFrom struct {
	Type string `el:"type,attr"`
	Path string `el:"path,attr"`
	Mode string `el:"mode,attr"`
}

// DataStore is the file with a qcow2 image's data.
type DataStore struct {
	Type   string      `el:"type,attr"`
	Format *DiskFormat `el:"format"`
	Source *DiskSource `el:"source"`
}
