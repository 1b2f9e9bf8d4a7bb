package drivers

import (
	"context"
	"io"
	"time"

	"virgo/xml"
)

// Abilities of Objects of other kinds than domains. What a driver lacks it
// does not have: there are no stubs.
type (
	// ChildFinder finds an object inside of another: a port of a network by its
	// UUID, a volume of a pool by its name.
	ChildFinder interface {
		Child(ctx context.Context, parent Ref, name string) (Ref, error)
	}
	// ChildCreator makes an object inside of another: a port in a network.
	// Flags: Validate.
	ChildCreator interface {
		CreateChild(ctx context.Context, parent Ref, src xml.Source, f Flags) (Ref, error)
	}

	// NetworkUpdater changes one part of a network. Flags: Live, Config; neither
	// means whichever counts now.
	NetworkUpdater interface {
		UpdateNetwork(ctx context.Context, r Ref, u NetworkUpdate, f Flags) error
	}
	// Leaser tells the addresses that a network's DHCP server has lent; mac, if
	// not "", asks for one guest's.
	Leaser interface {
		Leases(ctx context.Context, network Ref, mac string) ([]Lease, error)
	}

	// PoolInfoer tells a pool's state and sizes.
	PoolInfoer interface {
		PoolInfo(context.Context, Ref) (PoolInfo, error)
	}
	// PoolBuilder makes the storage that a pool describes, and unmakes it.
	// Build's flags: Overwrite, NoOverwrite.
	PoolBuilder interface {
		BuildPool(ctx context.Context, r Ref, f Flags) error
		DeletePool(ctx context.Context, r Ref) error
	}
	// PoolRefresher looks anew at what is in a pool.
	PoolRefresher interface {
		RefreshPool(context.Context, Ref) error
	}
	// PoolSourcer looks for storage that pools of a type could use. spec is a
	// <source> document, or empty; the answer is a <sources> document.
	PoolSourcer interface {
		PoolSources(ctx context.Context, kind string, spec []byte) ([]byte, error)
	}

	// VolumeCreator makes volumes. Flags: Prealloc, Reflink, Validate.
	VolumeCreator interface {
		CreateVolume(ctx context.Context, pool Ref, src xml.Source, f Flags) (Ref, error)
		CreateVolumeFrom(ctx context.Context, pool Ref, src xml.Source, from Ref, f Flags) (Ref, error)
		// DeleteVolume's flags: SnapshotsToo.
		DeleteVolume(ctx context.Context, r Ref, f Flags) error
	}
	// VolumeInfoer tells a volume's type and sizes.
	VolumeInfoer interface {
		VolumeInfo(context.Context, Ref) (VolumeInfo, error)
	}
	// VolumePhysicaler tells a volume's size on its disk, in bytes.
	VolumePhysicaler interface {
		VolumePhysical(context.Context, Ref) (VolumeInfo, error)
	}
	// VolumeResizer changes a volume's capacity, in bytes.
	VolumeResizer interface {
		ResizeVolume(ctx context.Context, r Ref, bytes uint64, f ResizeFlags) error
	}
	// VolumeStreamer moves a volume's content. A side that knows holes is a
	// Holer: a hole then is a call and no bytes.
	VolumeStreamer interface {
		Download(ctx context.Context, r Ref, part Part, to io.Writer) error
		// Upload gives the volume to write into; Close ends the upload and says
		// whether all of it has arrived.
		Upload(ctx context.Context, r Ref, part Part) (io.WriteCloser, error)
	}
	// VolumeWiper destroys a volume's content by an algorithm, "" for the usual one.
	VolumeWiper interface {
		WipeVolume(ctx context.Context, r Ref, algorithm string) error
	}

	// DeviceUpdater changes a node device that is defined. Flags: Live, Config.
	DeviceUpdater interface {
		UpdateNodeDevice(ctx context.Context, r Ref, src xml.Source, f Flags) error
	}
	// DeviceDetacher takes a node device from the host's driver for a guest, and
	// gives it back. driver is the one to bind instead, "" for the usual one.
	DeviceDetacher interface {
		DetachDevice(ctx context.Context, r Ref, driver string) error
		ReattachDevice(context.Context, Ref) error
	}
	// DeviceResetter resets a node device.
	DeviceResetter interface {
		ResetDevice(context.Context, Ref) error
	}

	// InterfaceChanger makes changes of the host's interfaces that can be undone.
	InterfaceChanger interface {
		BeginInterfaces(context.Context) error
		CommitInterfaces(context.Context) error
		RollbackInterfaces(context.Context) error
	}

	// SecretKeeper reads and sets the value of a secret.
	SecretKeeper interface {
		SecretValue(context.Context, Ref) ([]byte, error)
		SetSecretValue(ctx context.Context, r Ref, value []byte) error
	}

	// Backuper copies a running domain's disks.
	Backuper interface {
		// BeginBackup starts; checkpoint is made at the same moment if it is not nil.
		BeginBackup(ctx context.Context, domain Ref, backup xml.Source, checkpoint *xml.Source, f BackupFlags) error
		BackupXML(ctx context.Context, domain Ref) ([]byte, error)
	}
)

// BackupFlags modify a backup. Reuse: its files are there already. Preserve: a
// domain that shuts down stays, paused, until the backup is done.
type BackupFlags struct{ Reuse, Preserve bool }

// Abilities of Conn.
type (
	// PoolCapabler tells which kinds of pools there can be, as a document.
	PoolCapabler interface {
		PoolCapabilities(context.Context) ([]byte, error)
	}
	// PageAllocator sets how many huge pages the host has: count pages of a size
	// in KiB, in count cells from the first one on (-1: all). add adds to those there are.
	PageAllocator interface {
		AllocPages(ctx context.Context, size uint, count uint64, first, cells int, add bool) error
	}
	// NodeMemoryTuner reads and sets the host's parameters of shared memory.
	NodeMemoryTuner interface {
		NodeMemoryParams(context.Context) ([]Param, error)
		SetNodeMemoryParams(context.Context, []Param) error
	}
	// NodeMemoryStatser tells the host's memory, in KiB; cell -1 means all cells.
	NodeMemoryStatser interface {
		NodeMemoryStats(ctx context.Context, cell int) ([]Param, error)
	}
	// SEVInfoer tells what AMD's memory encryption offers.
	SEVInfoer interface {
		SEVInfo(context.Context) ([]Param, error)
	}
	// Suspender sends the host to sleep: mem, disk or hybrid.
	Suspender interface {
		SuspendHost(ctx context.Context, target string, d time.Duration) error
	}
)

// NetworkUpdate is a change of one part of a network.
type NetworkUpdate struct {
	Command     string // modify, delete, add-first, add-last
	Section     string // ip-dhcp-host, portgroup ..., as net-update names them
	ParentIndex int    // of several <ip>; -1: find it
	Source      xml.Source
}

// Lease is an address that a network has lent.
type Lease struct {
	Expiry                             time.Time
	MAC, IAID, Address, Hostname, DUID string
	Family, Prefix                     int // 4 or 6
}

// PoolState is a pool's state.
type PoolState int8

// The states.
const (
	PoolInactive PoolState = iota
	PoolBuilding
	PoolRunning
	PoolDegraded
	PoolInaccessible
)

var poolStates = [...]string{"inactive", "building", "running", "degraded", "inaccessible"}

// String is the state as pool-info prints it.
func (s PoolState) String() string {
	if s >= 0 && int(s) < len(poolStates) {
		return poolStates[s]
	}
	return "unknown"
}

// PoolInfo is a pool's state and sizes in bytes.
type PoolInfo struct {
	State                           PoolState
	Capacity, Allocation, Available uint64
}

// VolumeInfo is a volume's type (file, block, dir, network, netdir, ploop) and
// sizes in bytes.
type VolumeInfo struct {
	Type                 string
	Capacity, Allocation uint64 // of VolumePhysicaler the second is the physical size
}

// ResizeFlags modify the resizing of a volume.
type ResizeFlags struct{ Allocate, Delta, Shrink bool }

// Part is a part of a volume: Length bytes from Offset on, to the end if
// Length is 0. Sparse asks for holes.
type Part struct {
	Offset, Length uint64
	Sparse         bool
}

// Aborter gives up what is being written, in place of closing it.
type Aborter interface{ Abort() }

// Holer takes a hole of n bytes, which read as zero.
type Holer interface{ Hole(n int64) error }

// Historian keeps what definitions were before they changed, and those of objects
// that are defined no more. Objects are named by name alone: a former one is not
// there to be looked up.
type Historian interface {
	// Former lists the objects that are defined no more and can be brought back, by name.
	Former(context.Context) ([]FormerObject, error)
	// Revisions are an object's former definitions, the oldest first.
	Revisions(ctx context.Context, name string) ([]Revision, error)
	// Revision is one of them, empty where there was none. Flags: SecurityInfo.
	Revision(ctx context.Context, name string, number int, f Flags) ([]byte, error)
	// Undo brings back a former definition, the one before the last change if
	// number is 0. gone: there was none, and there is none now.
	Undo(ctx context.Context, name string, number int) (r Ref, gone bool, err error)
}

// Previewer tells what Define would keep of a document, and keeps nothing. The
// answer has no passwords.
type Previewer interface {
	Preview(context.Context, xml.Source) ([]byte, error)
}

// Linter tells what speaks against a document of the kind on this host, beyond
// what its schema says. The error is the one that Define would give.
type Linter interface {
	Lint(context.Context, xml.Source) ([]xml.Finding, error)
}
