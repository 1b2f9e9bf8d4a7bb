package drivers

import (
	"context"
	"time"

	"virgo/xml"
)

// More abilities of domains. What a driver lacks it does not have: there are
// no stubs.
type (
	// Renamer gives an inactive domain another name.
	Renamer interface {
		Rename(ctx context.Context, r Ref, name string) error
	}
	// Saver saves a running domain in a file and restores it. Flags: Running
	// and PausedState decide how it goes on; BypassCache, ResetNVRAM.
	Saver interface {
		Save(ctx context.Context, r Ref, path string, xml []byte, f Flags) error
		Restore(ctx context.Context, path string, xml []byte, f Flags) error
		SaveImageXML(ctx context.Context, path string, f Flags) ([]byte, error)
		SaveImageDefine(ctx context.Context, path string, src xml.Source, f Flags) error
	}
	// ManagedSaver saves a running domain in a file of the driver's own, from
	// which the next start goes on.
	ManagedSaver interface {
		ManagedSave(ctx context.Context, r Ref, f Flags) error
		HasManagedSave(ctx context.Context, r Ref) (bool, error)
		RemoveManagedSave(ctx context.Context, r Ref) error
	}
	// Dumper writes a domain's memory. Flags: Live, Crash, BypassCache, Reset, MemoryOnly.
	Dumper interface {
		Dump(ctx context.Context, r Ref, path, format string, f DumpFlags) error
	}
	// Screenshotter takes a picture of a screen.
	Screenshotter interface {
		Screenshot(ctx context.Context, r Ref, screen int) (mime string, data []byte, err error)
	}
	// LifecycleActor sets what follows poweroff, reboot and crash.
	LifecycleActor interface {
		SetLifecycleAction(ctx context.Context, r Ref, event, action string, f Flags) error
	}
	// NMIer sends a non-maskable interrupt.
	NMIer interface {
		InjectNMI(context.Context, Ref) error
	}
	// KeySender presses keys together.
	KeySender interface {
		SendKey(ctx context.Context, r Ref, codeset string, hold time.Duration, keys []uint) error
	}
	// Signaller sends a signal to a process of the guest.
	Signaller interface {
		SendSignal(ctx context.Context, r Ref, pid int64, signal int) error
	}
	// Passworder sets a user's password in the guest.
	Passworder interface {
		SetPassword(ctx context.Context, r Ref, user, password string, encrypted bool) error
	}
	// Tuner reads and sets parameters. Each group says its own names.
	// Flags: Live, Config.
	Tuner interface {
		Params(ctx context.Context, r Ref, g ParamGroup, device string, f Flags) ([]Param, error)
		SetParams(ctx context.Context, r Ref, g ParamGroup, device string, p []Param, f Flags) error
	}
	// Scheduler names the scheduler whose parameters are in the group Schedule.
	Scheduler interface {
		SchedulerType(context.Context, Ref) (string, error)
	}
	// VCPUer counts, changes and binds virtual CPUs. Flags: Live, Config.
	VCPUer interface {
		VCPUCount(ctx context.Context, r Ref, maximum, guest bool, f Flags) (int, error)
		SetVCPUs(ctx context.Context, r Ref, n int, c VCPUChange, f Flags) error
		VCPUs(ctx context.Context, r Ref) ([]VCPU, error)
		VCPUPins(ctx context.Context, r Ref, f Flags) ([]xml.Set, error)
		PinVCPU(ctx context.Context, r Ref, vcpu int, cpus xml.Set, f Flags) error
		EmulatorPin(ctx context.Context, r Ref, f Flags) (xml.Set, error)
		PinEmulator(ctx context.Context, r Ref, cpus xml.Set, f Flags) error
	}
	// Memorier changes the memory, in KiB. Flags: Live, Config.
	Memorier interface {
		SetMemory(ctx context.Context, r Ref, kib uint64, f Flags) error
		SetMaxMemory(ctx context.Context, r Ref, kib uint64, f Flags) error
	}
	// IOThreader keeps threads for disks. Flags: Live, Config.
	IOThreader interface {
		IOThreads(ctx context.Context, r Ref, f Flags) ([]IOThread, error)
		AddIOThread(ctx context.Context, r Ref, id int, f Flags) error
		DelIOThread(ctx context.Context, r Ref, id int, f Flags) error
		SetIOThread(ctx context.Context, r Ref, id int, p []Param, f Flags) error
		PinIOThread(ctx context.Context, r Ref, id int, cpus xml.Set, f Flags) error
	}
	// Metadataer keeps title, description and elements of applications.
	// Flags: Live, Config. A nil value removes.
	Metadataer interface {
		Metadata(ctx context.Context, r Ref, k MetadataKind, uri string, f Flags) (string, error)
		SetMetadata(ctx context.Context, r Ref, k MetadataKind, value *string, key, uri string, f Flags) error
	}
	// Attacher adds a device. Flags: Live, Config.
	Attacher interface {
		Attach(ctx context.Context, r Ref, src xml.Source, f Flags) error
	}
	// Detacher takes a device away. Flags: Live, Config.
	Detacher interface {
		Detach(ctx context.Context, r Ref, src xml.Source, f Flags) error
	}
	// AliasDetacher takes a device away by its alias. Flags: Live, Config.
	AliasDetacher interface {
		DetachAlias(ctx context.Context, r Ref, alias string, f Flags) error
	}
	// Updater changes a device. Flags: Live, Config, Force.
	Updater interface {
		UpdateDevice(ctx context.Context, r Ref, src xml.Source, f Flags) error
	}
	// Controller tells the state of the control interface.
	Controller interface {
		Control(context.Context, Ref) (state string, err error)
	}
	// Freezer freezes and thaws the guest's file systems.
	Freezer interface {
		Freeze(ctx context.Context, r Ref, mounts []string) (int, error)
		Thaw(ctx context.Context, r Ref, mounts []string) (int, error)
	}
	// Trimmer gives up unused blocks of the guest's file systems.
	Trimmer interface {
		Trim(ctx context.Context, r Ref, mount string, minimum uint64) error
	}
	// FSInfoer lists the guest's mounted file systems.
	FSInfoer interface {
		FSInfo(context.Context, Ref) ([]FSInfo, error)
	}
	// GuestClock reads and sets the guest's time.
	GuestClock interface {
		Time(context.Context, Ref) (time.Time, error)
		SetTime(ctx context.Context, r Ref, t time.Time, sync bool) error
	}
	// GuestHostnamer tells the guest's host name.
	GuestHostnamer interface {
		GuestHostname(ctx context.Context, r Ref, source string) (string, error)
	}
	// IfaceAddresser tells the addresses of the guest's interfaces.
	IfaceAddresser interface {
		IfaceAddresses(ctx context.Context, r Ref, source string) ([]IfaceAddress, error)
	}
	// DiskStatser tells of a disk's traffic and size.
	DiskStatser interface {
		// DiskStats are a disk's numbers; with extended the driver's own, else
		// the five that every driver has. A driver may not know the former.
		DiskStats(ctx context.Context, r Ref, disk string, extended bool) ([]Param, error)
		DiskInfo(ctx context.Context, r Ref, disk string) (capacity, allocation, physical uint64, err error)
	}
	// DiskErrorer tells which disks have errors.
	DiskErrorer interface {
		DiskErrors(context.Context, Ref) ([]DiskError, error)
	}
	// IfaceStatser tells of an interface's traffic.
	IfaceStatser interface {
		IfaceStats(ctx context.Context, r Ref, device string) ([]Param, error)
	}
	// MemoryStatser tells of the guest's memory.
	MemoryStatser interface {
		MemoryStats(context.Context, Ref) ([]Param, error)
		SetMemoryPeriod(ctx context.Context, r Ref, seconds int, f Flags) error
	}
	// CPUStatser tells how long the guest used each of the host's CPUs.
	CPUStatser interface {
		CPUStats(ctx context.Context, r Ref) (perCPU []uint64, total []Param, err error)
	}
	// AllStatser tells many values of many domains at once.
	AllStatser interface {
		AllStats(context.Context, StatsQuery) ([]DomainStats, error)
	}
	// ParamSaver is Saver with parameters by libvirt's names: file, dxml,
	// image_format, parallel.channels.
	ParamSaver interface {
		SaveWith(ctx context.Context, r Ref, p []Param, f Flags) error
		RestoreWith(ctx context.Context, p []Param, f Flags) error
	}
	// Statser tells many values of a domain at once; groups as domstats names them.
	// Flags: Force refuses groups that the driver does not have, BackingToo.
	Statser interface {
		Stats(ctx context.Context, r Ref, groups []string, f Flags) ([]Param, error)
	}
)

// BackingToo is a flag of Stats: of the images below those of disks, too.
const BackingToo Flags = 1 << 28

// StatsQuery says which values of which domains are wanted.
type StatsQuery struct {
	Domains                  []Ref  // nil: those that Filter lets through
	Filter                   Filter //
	Groups                   []string
	Enforce, Backing, NoWait bool // domstats' options of these names
}

// DomainStats are the values of a domain.
type DomainStats struct {
	Ref
	Params []Param
}

// DumpFlags modify a dump.
type DumpFlags struct{ Live, Crash, BypassCache, Reset, MemoryOnly bool }

// VCPUChange says what SetVCPUs changes.
// Current: whichever counts now was asked for.
type VCPUChange struct{ Maximum, Guest, Hotpluggable, Current bool }

// VCPU is one virtual CPU.
type VCPU struct {
	Number, CPU int // CPU is the host's, -1 if it is not running
	State       string
	Time        time.Duration
	HasTime     bool
	Affinity    xml.Set
}

// IOThread is one thread for disks.
type IOThread struct {
	ID       int
	Affinity xml.Set
}

// ParamGroup is a group of parameters.
type ParamGroup uint8

// The groups; the last two are of one device.
const (
	Schedule ParamGroup = iota
	MemoryLimits
	BlockWeights
	NUMA
	PerfEvents
	IfaceBandwidth
	DiskLimits
)

// Param is a named value: int32, uint32, int64, uint64, float64, bool, string.
type Param struct {
	Name  string
	Value any
}

// MetadataKind is a kind of metadata.
type MetadataKind uint8

// The kinds of metadata.
const (
	Description MetadataKind = iota
	Title
	Element
)

// FSInfo is a mounted file system.
type FSInfo struct {
	Mount, Name, Type string
	Targets           []string
}

// IfaceAddress is an interface of the guest with its addresses.
type IfaceAddress struct {
	Name, MAC string
	Addrs     []IPAddress
}

// IPAddress is an address with the length of its network's prefix.
type IPAddress struct {
	Version int // 4 or 6
	Addr    string
	Prefix  int
}

// DiskError is a disk that has an error.
type DiskError struct{ Disk, Error string }
