package xml

import "strings"

// Checkpoint is a moment from which on changed blocks of disks are noted.
type Checkpoint struct {
	_            struct{}         `root:"domaincheckpoint"`
	Name         MomentName       `el:"name"`
	Description  string           `el:"description"`
	Parent       string           `el:"parent>name"`
	CreationTime *uint64          `el:"creationTime"`
	Disks        []CheckpointDisk `el:"disks>disk"`
	Domain       *Domain          `el:"domain"`
}

// CheckNode wants a disk where disks are named.
func (c *Checkpoint) CheckNode(n *Node) error {
	if d := n.Child("disks"); d != nil && len(c.Disks) == 0 {
		return Errorf(CodeSchema, "Unable to validate doc against domaincheckpoint.rng\nthere is no disk in <disks>")
	}
	return nil
}

// CheckpointDisk says what becomes of one disk.
type CheckpointDisk struct {
	Name       string  `el:"name,attr,required" missing:"internal error: missing name from disk checkpoint element"`
	Checkpoint string  `el:"checkpoint,attr" enum:"no bitmap"`
	Bitmap     string  `el:"bitmap,attr"`
	Size       *uint64 `el:"size,attr"`
}

// CheckNode wants a bitmap's name only where there is a bitmap.
func (d *CheckpointDisk) CheckNode(*Node) error {
	if d.Checkpoint == "no" && d.Bitmap != "" {
		return Errorf(CodeSchema, "Unable to validate doc against domaincheckpoint.rng\ndisk %s has a bitmap and no checkpoint", d.Name)
	}
	return nil
}

// Snapshot is a moment to which a domain can be taken back.
type Snapshot struct {
	_              struct{}        `root:"domainsnapshot"`
	Name           string          `el:"name"`
	Description    string          `el:"description"`
	State          string          `el:"state" enum:"running blocked paused shutdown shutoff crashed pmsuspended disk-snapshot" unknown:"unsupported configuration: Invalid state '%s' in domain snapshot XML"`
	Parent         string          `el:"parent>name"`
	CreationTime   *int64          `el:"creationTime"`
	Memory         *SnapshotMemory `el:"memory"`
	Disks          []SnapshotDisk  `el:"disks>disk"`
	RevertDisks    []SnapshotDisk  `el:"revertDisks>disk"`
	Active         string          `el:"active"`
	Domain         *Domain         `el:"domain"`
	InactiveDomain *Domain         `el:"inactiveDomain"`
	Cookie         *SnapshotCookie `el:"cookie,bare"`
}

// SnapshotMemory says what becomes of the memory.
type SnapshotMemory struct {
	Snapshot string `el:"snapshot,attr" enum:"no internal external manual"`
	File     string `el:"file,attr"`
}

// SnapshotDisk says what becomes of one disk.
type SnapshotDisk struct {
	Name     string          `el:"name,attr,required" missing:"internal error: missing name from disk snapshot element"`
	Snapshot string          `el:"snapshot,attr" enum:"no internal external manual"`
	Type     string          `el:"type,attr" enum:"none file block dir network volume nvme vhostuser vhostvdpa"`
	Deleted  bool            `el:"snapshotDeleteInProgress"`
	Driver   *SnapshotDriver `el:"driver"`
	Source   *DiskSource     `el:"source"`
}

// SnapshotDriver is the format of the new file.
type SnapshotDriver struct {
	Type          string         `el:"type,attr" enum:"none raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk" unknown:"unsupported configuration: unknown disk snapshot driver '%s'"`
	MetadataCache *MetadataCache `el:"metadata_cache"`
}

// SnapshotCookie is what a driver must know to bring the moment back.
type SnapshotCookie struct {
	CPU         *CPU `el:"cpu"`
	SlirpHelper bool `el:"slirpHelper"`
}

// MomentName is a name that can be a file's: letters, digits, _ - and, but for
// the first place, dots.
type MomentName string

// ParseValue checks the name.
func (m *MomentName) ParseValue(text string) error {
	*m = MomentName(text)
	for i, r := range text {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.' && i > 0 {
			continue
		}
		return Errorf(CodeXML, "name %s cannot be that of a file", text)
	}
	return nil
}

// FormatValue is the name.
func (m *MomentName) FormatValue() string { return string(*m) }

// Backup is a copy of a running domain's disks, or an offer of them to others.
type Backup struct {
	_           struct{}      `root:"domainbackup"`
	Mode        string        `el:"mode,attr" enum:"push pull"`
	ID          uint          `el:"id,attr"` // live
	Incremental string        `el:"incremental"`
	Server      *BackupServer `el:"server"`
	Disks       []BackupDisk  `el:"disks>disk"`
}

// BackupServer is where a pull backup is offered.
type BackupServer struct {
	TLS       YesNo  `el:"tls,attr"`
	Transport string `el:"transport,attr" enum:"tcp unix fd"`
	Name      string `el:"name,attr"`
	Port      uint   `el:"port,attr"`
	Socket    string `el:"socket,attr"`
	FDGroup   string `el:"fdgroup,attr"`
}

// BackupDisk is one disk.
type BackupDisk struct {
	Name         string        `el:"name,attr,required"`
	Backup       YesNo         `el:"backup,attr"`
	State        string        `el:"state,attr"` // live
	Type         string        `el:"type,attr" enum:"file block"`
	BackupMode   string        `el:"backupmode,attr" enum:"full incremental"`
	Incremental  string        `el:"incremental,attr"`
	ExportName   string        `el:"exportname,attr"`
	ExportBitmap string        `el:"exportbitmap,attr"`
	Index        uint          `el:"index,attr"` // live
	Driver       *PoolFormat   `el:"driver"`
	Target       *BackupTarget `el:"target"`
	Scratch      *BackupTarget `el:"scratch"`
}

// BackupTarget is where a backup's blocks go.
type BackupTarget struct {
	File       string           `el:"file,attr"`
	Dev        string           `el:"dev,attr"`
	SecLabels  []SourceSecLabel `el:"seclabel"`
	Encryption *Encryption      `el:"encryption"`
}

// CheckNode wants a pull backup's parts of a pull backup alone.
func (b *Backup) CheckNode(n *Node) error {
	if d := n.Child("disks"); d != nil && len(b.Disks) == 0 {
		return Errorf(CodeSchema, "Unable to validate doc against domainbackup.rng\nthere is no disk in <disks>")
	}
	pull := b.Mode == "pull"
	if b.Server != nil && !pull {
		return Errorf(CodeXML, "use of <server> requires pull mode backup")
	}
	if pull && b.Server == nil {
		return Errorf(CodeXML, "a pull mode backup needs a <server>")
	}
	for _, d := range b.Disks {
		if pull && d.Target != nil || !pull && d.Scratch != nil {
			return Errorf(CodeXML, "disk %s has a part of another mode of backup", strings.TrimSpace(d.Name))
		}
	}
	return nil
}
