package drivers

import (
	"context"
	"io"
	"os"
	"time"

	"virgo/xml"
)

// Abilities of Objects: what can be done to one object, or with its kind.
type (
	// Definer keeps definitions. Define replaces an object of the same name and
	// uuid. Flags: Validate; Undefine takes the ...Too and Keep... ones.
	Definer interface {
		Define(context.Context, xml.Source, Flags) (Ref, error)
		Undefine(context.Context, Ref, Flags) error
	}
	// Creator starts an object that is not kept. Flags: Validate, Paused, AutoDestroy, ResetNVRAM.
	Creator interface {
		Create(context.Context, xml.Source, Flags) (Ref, error)
	}
	// Starter starts a defined object. Flags: Paused, AutoDestroy, BypassCache, ForceBoot, ResetNVRAM.
	Starter interface {
		Start(context.Context, Ref, Flags) error
	}
	// Destroyer ends a running object at once. Flags: Graceful, RemoveLogs.
	Destroyer interface {
		Destroy(context.Context, Ref, Flags) error
	}
	// Autostarter marks objects to be started with the host.
	Autostarter interface {
		SetAutostart(context.Context, Ref, bool) error
	}
	// OnceAutostarter marks objects to be started with the host's next start only.
	OnceAutostarter interface {
		AutostartOnce(context.Context, Ref) (bool, error)
		SetAutostartOnce(context.Context, Ref, bool) error
	}
	// Shutter asks the guest to shut down or reboot. modes: acpi, agent,
	// initctl, signal, paravirt; none lets the driver choose.
	Shutter interface {
		Shutdown(ctx context.Context, r Ref, modes []string) error
		Reboot(ctx context.Context, r Ref, modes []string) error
	}
	// Resetter presses the reset button.
	Resetter interface {
		Reset(context.Context, Ref) error
	}
	// Pauser stops and continues vCPUs.
	Pauser interface {
		Suspend(context.Context, Ref) error
		Resume(context.Context, Ref) error
	}
	// DomainInfoer tells dominfo's values.
	DomainInfoer interface {
		Info(context.Context, Ref) (DomainInfo, error)
	}
	// Monitor passes commands to the hypervisor's own monitor. hmp: the human
	// protocol; the answer is text, else JSON.
	Monitor interface {
		MonitorCommand(ctx context.Context, r Ref, command string, hmp bool) (string, error)
	}
	// FileMonitor is Monitor with open files for the hypervisor.
	FileMonitor interface {
		MonitorCommandFiles(ctx context.Context, r Ref, command string, hmp bool, files []*os.File) (string, error)
	}
	// Consoler opens a console; device is an alias or "" for the first one.
	// Flags: Force, Safe.
	Consoler interface {
		Console(ctx context.Context, r Ref, device string, f Flags) (io.ReadWriteCloser, error)
	}
	// Eventer sends events until the context ends; then the channel is closed.
	// A nil Ref means all objects. names are the events that are wanted, nil is
	// all: others may come, too, but asking for few is cheaper.
	Eventer interface {
		Events(ctx context.Context, r *Ref, names []string) (<-chan Event, error)
	}
	// Entryer tells of one object what a listing does. Where it is missing, the
	// listing is asked for.
	Entryer interface {
		Entry(context.Context, Ref) (Entry, error)
	}
	// Stater tells a domain's state. Where it is missing, DomainInfoer does.
	Stater interface {
		State(context.Context, Ref) (State, Reason, error)
	}
	// FileStarter is Creator and Starter with open files for the guest.
	FileStarter interface {
		CreateWithFiles(ctx context.Context, src xml.Source, f Flags, files []*os.File) (Ref, error)
		StartWithFiles(ctx context.Context, r Ref, f Flags, files []*os.File) error
	}
)

// Abilities of Conn: what a host can do.
type (
	// Capabler tells the host's capabilities, as a document.
	Capabler interface {
		Capabilities(context.Context) ([]byte, error)
	}
	// DomainCapabler tells what an emulator offers, as a document. Empty words mean the default.
	DomainCapabler interface {
		DomainCapabilities(ctx context.Context, q EmulatorQuery) ([]byte, error)
	}
	// HostCPUer tells the host's CPU, as cpu-compare and cpu-baseline of this connection mean it.
	HostCPUer interface {
		HostCPU(context.Context) (*xml.CPU, error)
	}
	// CPUModeler lists the CPU models of an architecture; all is true if every name is accepted.
	CPUModeler interface {
		CPUModels(ctx context.Context, arch string) (names []string, all bool, err error)
	}
	// CPUComputer compares CPUs and finds what they have in common by itself, as
	// a daemon elsewhere does. Where it is missing, virgo computes.
	CPUComputer interface {
		// CompareCPU's results are libvirt's: 0 incompatible, 1 identical, 2 superset.
		CompareCPU(ctx context.Context, cpu []byte, f CPUFlags) (int, error)
		BaselineCPU(ctx context.Context, cpus []string, f CPUFlags) ([]byte, error)
		CompareHypervisorCPU(ctx context.Context, q EmulatorQuery, cpu []byte, f CPUFlags) (int, error)
		BaselineHypervisorCPU(ctx context.Context, q EmulatorQuery, cpus []string, f CPUFlags) ([]byte, error)
	}
	// DaemonVersioner is a connection to a daemon, whose version it tells
	// (major*1000000 + minor*1000 + release).
	DaemonVersioner interface {
		DaemonVersion(context.Context) (uint64, error)
	}
	// Loser is a connection that can break; Lost says why it is over, nil if it is not.
	Loser interface{ Lost() error }
	// HypervisorCPUer tells what the hypervisor makes of CPUs.
	HypervisorCPUer interface {
		// HypervisorCPU is the CPU that comparisons are made with, and the models that can be had.
		HypervisorCPU(context.Context, EmulatorQuery) (HypervisorCPU, error)
	}
	// Hoster tells about the host.
	Hoster interface {
		NodeInfo(context.Context) (NodeInfo, error)
		Hostname(context.Context) (string, error)
	}
	// Versioner tells the hypervisor's name (QEMU, Test) and version (major*1000000 + minor*1000 + release).
	Versioner interface {
		Version(context.Context) (name string, version uint64, err error)
	}
	// Converter turns documents into native formats and back.
	Converter interface {
		ToNative(ctx context.Context, format string, domain xml.Source) ([]byte, error)
		// FromNative also tells what the document does not say.
		FromNative(ctx context.Context, format string, config xml.Source) (doc []byte, notes []string, err error)
	}
)

// DomainInfo is what dominfo prints.
type DomainInfo struct {
	State             State
	Reason            Reason
	StateSince        time.Time // zero if unknown
	OSType            string
	VCPUs             int
	CPUTime           time.Duration // zero unless it runs
	HasCPUTime        bool
	MaxMemory, Memory uint64 // KiB
	Persistent        bool
	Autostart         bool
	AutostartOnce     *bool // nil: the driver has no such mark
	ManagedSave       bool
	SecurityModel     string // "" is "none"
	SecurityDOI       string
	SecurityLabels    []string
	Messages          []string // taints and deprecations
	Unknown           DomainUnknown
}

// DomainUnknown says which of dominfo's values the driver could not tell.
type DomainUnknown struct{ OSType, Persistent, Autostart, ManagedSave, Security bool }

// CPUFlags modify the work with CPUs.
type CPUFlags struct {
	FailIncompatible     bool // CompareCPU: an incompatible CPU is an error
	Validate             bool // CompareCPU: against the schema
	Features, Migratable bool // BaselineCPU: expand them; only those that can migrate
	IgnoreHost           bool // BaselineCPU
}

// NodeInfo is what nodeinfo prints.
type NodeInfo struct {
	Model                                       string
	CPUs, MHz, Sockets, CoresPerSocket, Threads int
	NUMACells                                   int
	Memory                                      uint64 // KiB
}

// EmulatorQuery names an emulator as domcapabilities does; empty words mean the default.
type EmulatorQuery struct {
	VirtType, Emulator, Arch, Machine string
	NoDeprecated                      bool // without deprecated CPU features
	ExpandCPU                         bool // host-model with the features that its model means, too
	SupportedCPU                      bool // host-model with all that can be had, also what a guest does not get by itself
}

// HypervisorCPU is what a hypervisor offers of CPUs.
type HypervisorCPU struct {
	Arch     string
	Host     *xml.CPU   // host-model as domain capabilities name it; nil if unknown
	Models   []CPUModel // nil: the hypervisor does not tell
	Features []string   // every feature that it can name, libvirt's names

	// Migratable are those of Features that do not block migration; nil: it does not tell.
	Migratable []string

	// Offered are those of Features that a guest can have here; nil: it does not tell.
	Offered []string
}

// CPUModel is a CPU model of a hypervisor.
type CPUModel struct {
	Name       string
	Usable     Tri      // Any: unknown
	Blockers   []string // features that are in the way, libvirt's names
	Deprecated bool
	Vendor     string
	Canonical  string
}

// Event is one event of an object.
type Event struct {
	Ref    Ref
	Name   string // "lifecycle", "reboot", ...
	Detail string // "Started", "Stopped", ...
	Reason string // "Booted", "Shutdown", ...
	Time   time.Time
}

// Current is a flag of changes: whichever definition counts now was asked for,
// as against not having been asked for any.
const Current Flags = 1 << 29
