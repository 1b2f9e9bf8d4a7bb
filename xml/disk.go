package xml

// Disk is a disk, CD-ROM or floppy drive.
type Disk struct {
	Type          string         `xml:"type,attr" enum:"file block dir network volume nvme vhostuser vhostvdpa"`
	Device        string         `xml:"device,attr" enum:"disk cdrom floppy lun"`
	Model         string         `xml:"model,attr" enum:"virtio virtio-transitional virtio-non-transitional"`
	RawIO         YesNo          `xml:"rawio,attr"`
	SGIO          string         `xml:"sgio,attr" enum:"filtered unfiltered"`
	Snapshot      string         `xml:"snapshot,attr" enum:"no internal external manual"`
	Driver        *DiskDriver    `xml:"driver"`
	Auth          *Auth          `xml:"auth"`
	Source        *DiskSource    `xml:"source"`
	BackingStore  *BackingStore  `xml:"backingStore,bare"`
	BackendDomain *BackendDomain `xml:"backenddomain"`
	Geometry      *Geometry      `xml:"geometry"`
	BlockIO       *BlockIO       `xml:"blockio"`
	Mirror        *Mirror        `xml:"mirror"`
	Target        *DiskTarget    `xml:"target"`
	IOTune        *IOTune        `xml:"iotune"`
	Throttle      []ThrottleRef  `xml:"throttlefilters>throttlefilter"`
	Readonly      bool           `xml:"readonly"`
	Shareable     bool           `xml:"shareable"`
	Transient     *Transient     `xml:"transient,bare"`
	Serial        string         `xml:"serial"`
	WWN           string         `xml:"wwn"`
	Vendor        string         `xml:"vendor"`
	Product       string         `xml:"product"`
	Encryption    *Encryption    `xml:"encryption"`
	Boot          *BootOrder     `xml:"boot"`
	Alias         *Alias         `xml:"alias"`
	ACPI          *ACPIIndex     `xml:"acpi"`
	Address       *Address       `xml:"address"`
}

// DiskDriver is how the host serves the disk.
type DiskDriver struct {
	Name           string           `xml:"name,attr"`
	Type           string           `xml:"type,attr"`
	Cache          string           `xml:"cache,attr" enum:"default none writethrough writeback directsync unsafe"`
	ErrorPolicy    string           `xml:"error_policy,attr" enum:"default stop report ignore enospace"`
	RErrorPolicy   string           `xml:"rerror_policy,attr" enum:"default stop report ignore"`
	IO             string           `xml:"io,attr" enum:"native threads io_uring"`
	IOEventFD      OnOff            `xml:"ioeventfd,attr"`
	EventIdx       OnOff            `xml:"event_idx,attr"`
	CopyOnRead     OnOff            `xml:"copy_on_read,attr"`
	Discard        string           `xml:"discard,attr" enum:"unmap ignore"`
	DiscardNoUnref OnOff            `xml:"discard_no_unref,attr"`
	IOThread       uint             `xml:"iothread,attr,nonzero"`
	DetectZeroes   string           `xml:"detect_zeroes,attr" enum:"off on unmap"`
	Queues         uint             `xml:"queues,attr,nonzero"`
	QueueSize      uint             `xml:"queue_size,attr,nonzero"`
	IOMMU          OnOff            `xml:"iommu,attr"`
	ATS            OnOff            `xml:"ats,attr"`
	Packed         OnOff            `xml:"packed,attr"`
	PagePerVQ      OnOff            `xml:"page_per_vq,attr"`
	MaxSectors     uint             `xml:"max_sectors,attr"`
	IOThreads      []DriverIOThread `xml:"iothreads>iothread"`
	MetadataCache  *MetadataCache   `xml:"metadata_cache"`
}

// DriverIOThread serves some of a device's queues.
type DriverIOThread struct {
	ID     uint          `xml:"id,attr,required,nonzero"`
	Queues []DriverQueue `xml:"queue"`
}

// DriverQueue is one queue.
type DriverQueue struct {
	ID uint `xml:"id,attr,empty,required"`
}

// MetadataCache is how much of an image's tables is kept in memory.
type MetadataCache struct {
	MaxSize *Amount `xml:"max_size"`
}

// BackendDomain is the Xen guest that has the device.
type BackendDomain struct {
	Name string `xml:"name,attr"`
}

// Geometry is the disk's geometry.
type Geometry struct {
	Cylinders uint   `xml:"cyls,attr,empty"`
	Heads     uint   `xml:"heads,attr,empty"`
	Sectors   uint   `xml:"secs,attr,empty"`
	Trans     string `xml:"trans,attr" enum:"none auto lba"`
}

// BlockIO are the sizes of blocks.
type BlockIO struct {
	Logical            uint  `xml:"logical_block_size,attr"`
	Physical           uint  `xml:"physical_block_size,attr"`
	DiscardGranularity *uint `xml:"discard_granularity,attr"`
}

// Mirror is a copy under way; only of running guests.
type Mirror struct {
	Type   string      `xml:"type,attr"`
	Job    string      `xml:"job,attr"`
	Ready  string      `xml:"ready,attr"`
	Format *DiskFormat `xml:"format"`
	Source *DiskSource `xml:"source"`
}

// DiskTarget is the disk as the guest names it.
type DiskTarget struct {
	Dev          string `xml:"dev,attr"`
	Bus          string `xml:"bus,attr" enum:"ide fdc scsi virtio xen usb uml sata sd"`
	Tray         string `xml:"tray,attr" enum:"closed open"`
	Removable    OnOff  `xml:"removable,attr"`
	RotationRate uint   `xml:"rotation_rate,attr"`
}

// ThrottleRef names a throttle group.
type ThrottleRef struct {
	Group string `xml:"group,attr,required"`
}

// Transient says that changes are dropped.
type Transient struct {
	ShareBacking YesNo `xml:"shareBacking,attr"`
}

// DiskFormat is an image's format.
type DiskFormat struct {
	Type          string         `xml:"type,attr,required"`
	MetadataCache *MetadataCache `xml:"metadata_cache"`
}

// BackingStore is the image below; without a type there is none.
type BackingStore struct {
	Type         string        `xml:"type,attr" enum:"file block dir network volume nvme vhostuser vhostvdpa" unknown:"XML error: unknown storage source type '%s'"`
	Index        string        `xml:"index,attr"`
	Format       *DiskFormat   `xml:"format"`
	Source       *DiskSource   `xml:"source"`
	BackingStore *BackingStore `xml:"backingStore,bare"`
}

// DiskSource is where a disk's data lies. Which fields count depends on the
// type of the disk.
type DiskSource struct {
	File          string           `xml:"file,attr"`
	Dev           string           `xml:"dev,attr"`
	Dir           string           `xml:"dir,attr"`
	Pool          string           `xml:"pool,attr"`
	Volume        string           `xml:"volume,attr"`
	Mode          string           `xml:"mode,attr"`
	Type          string           `xml:"type,attr"` // nvme, vhostuser
	Managed       YesNo            `xml:"managed,attr"`
	Namespace     string           `xml:"namespace,attr"`
	Protocol      string           `xml:"protocol,attr" enum:"nbd rbd sheepdog gluster iscsi http https ftp ftps tftp ssh vxhs nfs"`
	Name          string           `xml:"name,attr"`
	Query         string           `xml:"query,attr"`
	TLS           YesNo            `xml:"tls,attr"`
	TLSHostname   string           `xml:"tlsHostname,attr"`
	Path          string           `xml:"path,attr"` // vhostuser
	StartupPolicy string           `xml:"startupPolicy,attr" enum:"mandatory requisite optional"`
	FDGroup       string           `xml:"fdgroup,attr"`
	Index         string           `xml:"index,attr"` // live
	Hosts         []NetHost        `xml:"host"`
	Snapshot      *NamedRef        `xml:"snapshot"`
	Config        *FileRef         `xml:"config"`
	Initiator     string           `xml:"initiator>iqn>name,attr"`
	SSL           *SSL             `xml:"ssl"`
	Cookies       []Cookie         `xml:"cookies>cookie"`
	KnownHosts    *PathRef         `xml:"knownHosts"`
	Identity      *Identity        `xml:"identity"`
	Readahead     *Readahead       `xml:"readahead"`
	Timeout       *Timeout         `xml:"timeout"`
	Reconnect     *Reconnect       `xml:"reconnect"`
	Address       *Address         `xml:"address"` // nvme
	Slice         *Slice           `xml:"slices>slice"`
	SecLabels     []SourceSecLabel `xml:"seclabel"`
	Auth          *Auth            `xml:"auth"`
	Encryption    *Encryption      `xml:"encryption"`
	Reservations  *Reservations    `xml:"reservations"`
	DataStore     *DataStore       `xml:"dataStore"`
}

// NetHost is a server.
type NetHost struct {
	Name      string `xml:"name,attr"`
	Port      string `xml:"port,attr"`
	Transport string `xml:"transport,attr"`
	Socket    string `xml:"socket,attr"`
}

// NamedRef is an element with a name.
type NamedRef struct {
	Name string `xml:"name,attr"`
}

// FileRef is an element with a file.
type FileRef struct {
	File string `xml:"file,attr"`
}

// PathRef is an element with a path.
type PathRef struct {
	Path string `xml:"path,attr"`
}

// SSL says whether a server's certificate is checked.
type SSL struct {
	Verify YesNo `xml:"verify,attr"`
}

// Cookie is sent to a web server.
type Cookie struct {
	Name string `xml:"name,attr"`
	Text string `xml:",text"`
}

// Identity is who logs in to a server.
type Identity struct {
	User      string `xml:"user,attr"`
	Group     string `xml:"group,attr"`
	Username  string `xml:"username,attr"`
	AgentSock string `xml:"agentsock,attr"`
	Keyfile   string `xml:"keyfile,attr"`
}

// Readahead is how much is read in advance.
type Readahead struct {
	Size uint64 `xml:"size,attr,required"`
}

// Timeout is how long an answer may take.
type Timeout struct {
	Seconds uint64 `xml:"seconds,attr,required"`
}

// Reconnect is what happens when a connection is lost.
type Reconnect struct {
	Enabled YesNo `xml:"enabled,attr"`
	Timeout uint  `xml:"timeout,attr"`
	Delay   uint  `xml:"delay,attr"`
}

// Slice is a part of a file that holds the image.
type Slice struct {
	Type   string `xml:"type,attr,required"`
	Offset uint64 `xml:"offset,attr,empty"`
	Size   uint64 `xml:"size,attr"`
}

// SourceSecLabel is the security label of one file.
type SourceSecLabel struct {
	Model     string `xml:"model,attr"`
	LabelSkip YesNo  `xml:"labelskip,attr"`
	Relabel   YesNo  `xml:"relabel,attr"`
	Label     string `xml:"label"`
}

// Auth is who logs in, and with which secret.
type Auth struct {
	Username string  `xml:"username,attr"`
	Secret   *Secret `xml:"secret"`
}

// Secret names a secret of the host, by UUID or by usage.
type Secret struct {
	Type  string `xml:"type,attr"`
	UUID  string `xml:"uuid,attr"`
	Usage string `xml:"usage,attr"`
}

// Encryption is how an image is encrypted.
type Encryption struct {
	Format  string   `xml:"format,attr" enum:"default qcow luks luks2 luks-any" missing:"XML error: unknown volume encryption format" unknown:"unsupported configuration: unknown volume encryption format type %s"`
	Engine  string   `xml:"engine,attr" enum:"qemu librbd"`
	Cipher  *Cipher  `xml:"cipher"`
	IVGen   *IVGen   `xml:"ivgen"`
	Secrets []Secret `xml:"secret"`
}

// Cipher is a cipher.
type Cipher struct {
	Name string `xml:"name,attr,required"`
	Size uint   `xml:"size,attr"`
	Mode string `xml:"mode,attr"`
	Hash string `xml:"hash,attr"`
}

// IVGen makes the cipher's initial vectors.
type IVGen struct {
	Name string `xml:"name,attr,required"`
	Hash string `xml:"hash,attr"`
}

// Reservations are SCSI's persistent reservations.
type Reservations struct {
	Managed YesNo             `xml:"managed,attr"`
	Source  *ReservationsFrom `xml:"source"`
}

// ReservationsFrom is the helper's socket.
type ReservationsFrom struct {
	Type string `xml:"type,attr"`
	Path string `xml:"path,attr"`
	Mode string `xml:"mode,attr"`
}

// DataStore is the file with a qcow2 image's data.
type DataStore struct {
	Type   string      `xml:"type,attr"`
	Format *DiskFormat `xml:"format"`
	Source *DiskSource `xml:"source"`
}
