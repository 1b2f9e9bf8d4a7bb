package drivers

import "context"

// Abilities of domains that take their time: block jobs, jobs, migration.
type (
	// BlockJobber copies and joins the images of a running domain's disks. A
	// disk is named by its target or its source.
	BlockJobber interface {
		// BlockJob is the job of a disk, nil if it has none.
		BlockJob(ctx context.Context, r Ref, disk string) (*BlockJob, error)
		// AbortBlockJob ends a job; pivot goes over to the copy. It waits until
		// the job has ended unless async is set.
		AbortBlockJob(ctx context.Context, r Ref, disk string, pivot, async bool) error
		SetBlockJobSpeed(ctx context.Context, r Ref, disk string, bytesPerSecond uint64) error
		// BlockPull copies what lies below the top image into it, down to base
		// ("": all).
		BlockPull(ctx context.Context, r Ref, disk, base string, o BlockJobOptions) error
		// BlockCommit writes the images from top ("": the topmost) down to base
		// ("": the lowest) into base.
		BlockCommit(ctx context.Context, r Ref, disk, base, top string, o BlockJobOptions) error
		// BlockCopy copies the disk to a destination, a <disk> document.
		BlockCopy(ctx context.Context, r Ref, disk string, dest []byte, o BlockJobOptions) error
	}
	// BlockResizer sets a disk's size in bytes, 0 being that of the device
	// below. extend: never make it smaller.
	BlockResizer interface {
		BlockResize(ctx context.Context, r Ref, disk string, bytes uint64, extend bool) error
	}
	// BlockThresholder asks for an event once a disk's image has grown to a size.
	BlockThresholder interface {
		SetBlockThreshold(ctx context.Context, r Ref, disk string, bytes uint64) error
	}
	// Throttler keeps groups of disks' limits. Flags: Live, Config.
	Throttler interface {
		SetThrottleGroup(ctx context.Context, r Ref, group string, limits []Param, f Flags) error
		DelThrottleGroup(ctx context.Context, r Ref, group string, f Flags) error
	}
	// Jobber tells of the job that a domain is busy with, and ends it.
	Jobber interface {
		Job(context.Context, Ref) (Job, error)
		AbortJob(context.Context, Ref) error
	}
	// JobStatser is Jobber with more to ask for.
	JobStatser interface {
		JobStats(ctx context.Context, r Ref, o JobOptions) (Job, error)
		AbortPostcopy(context.Context, Ref) error
	}
	// Migrator moves a domain to another host.
	Migrator interface {
		Migrate(ctx context.Context, r Ref, m Migration) error
	}
	// MigrationTuner sets limits of migrations.
	MigrationTuner interface {
		// MaxDowntime is in milliseconds.
		MaxDowntime(context.Context, Ref) (uint64, error)
		SetMaxDowntime(ctx context.Context, r Ref, ms uint64) error
		// CompressionCache is in bytes.
		CompressionCache(context.Context, Ref) (uint64, error)
		SetCompressionCache(ctx context.Context, r Ref, bytes uint64) error
		// MaxSpeed is in MiB a second.
		MaxSpeed(ctx context.Context, r Ref, postcopy bool) (uint64, error)
		SetMaxSpeed(ctx context.Context, r Ref, mib uint64, postcopy bool) error
		StartPostcopy(context.Context, Ref) error
	}
	// DirtyRater measures how fast a domain's memory changes; the result is in
	// domstats. mode: page-sampling, dirty-bitmap, dirty-ring.
	DirtyRater interface {
		StartDirtyRate(ctx context.Context, r Ref, seconds int, mode string) error
	}
)

// BlockJob is a job under way on a disk.
type BlockJob struct {
	Kind      BlockJobKind
	Bandwidth uint64 // bytes a second, 0: no limit
	Cur, End  uint64 // what is done, and what there is to do
}

// Ready tells whether a copy has caught up with the disk.
func (j *BlockJob) Ready() bool { return j.Cur == j.End && j.End > 0 }

// BlockJobKind is a kind of block job. The numbers are libvirt's public ones.
type BlockJobKind int

// The kinds of block jobs.
const (
	UnknownBlockJob BlockJobKind = iota
	PullJob
	CopyJob
	CommitJob
	ActiveCommitJob
	BackupJob
)

// String is the kind as virsh names it.
func (k BlockJobKind) String() string {
	names := [...]string{"Unknown job", "Block Pull", "Block Copy", "Block Commit", "Active Block Commit", "Backup"}
	if k < 0 || int(k) >= len(names) {
		k = UnknownBlockJob
	}
	return names[k]
}

// BlockJobOptions modify a block job; each kind takes some.
type BlockJobOptions struct {
	Bandwidth    uint64 // bytes a second, 0: no limit
	Shallow      bool   // copy: the top image only; commit: one image only
	Reuse        bool   // copy: the destination is there already
	Active       bool   // commit: the top image is the active one
	Delete       bool   // commit: remove the files that are merged
	KeepRelative bool   // names of backing files stay relative
	Transient    bool   // copy: the job need not survive the domain's end
	Synchronous  bool   // copy: writes wait for the copy
	DestIsZero   bool   // copy: the destination reads as zeros
	Plain        bool   // copy: the destination is no more than a path, and at most raw
	Granularity  uint64 // copy: bytes
	BufSize      uint64 // copy: bytes
}

// JobType says how far a job can be told. The numbers are libvirt's public ones.
type JobType int

// The types of jobs.
const (
	NoJob JobType = iota
	BoundedJob
	UnboundedJob
	CompletedJob
	FailedJob
	CancelledJob
)

// Job is what a domain is busy with. Stats have libvirt's names of their fields.
type Job struct {
	Type  JobType
	Stats []Param
}

// JobOptions say which job is meant: the last one that was completed, whether
// it may be asked for again, and that older numbers are good enough.
type JobOptions struct{ Completed, Keep, Any bool }

// Migration says where a domain goes, and how.
type Migration struct {
	Dest    Conn     // the destination; nil where the source's daemon speaks to it
	URI     string   // of the destination
	Options []string // migrate's options that have no value, by name
	Params  []Param  // libvirt's names
}
