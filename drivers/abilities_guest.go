package drivers

import (
	"context"
	"io"
	"os"
	"time"

	"virgo/xml"
)

// Abilities that need the guest's agent, or reach into the hypervisor.
type (
	// AgentCommander passes a command to the guest's agent; timeout is in
	// seconds, or one of the constants Agent...
	AgentCommander interface {
		AgentCommand(ctx context.Context, r Ref, command string, timeout int) (string, error)
	}
	// AgentTimeouter sets how long the agent may take for an answer.
	AgentTimeouter interface {
		SetAgentTimeout(ctx context.Context, r Ref, timeout int) error
	}
	// GuestInfoer asks the agent about the guest; kinds are guestinfo's options.
	// None means whatever the agent can tell.
	GuestInfoer interface {
		GuestInfo(ctx context.Context, r Ref, kinds []string) ([]Param, error)
	}
	// GuestVCPUer tells which virtual CPUs the guest uses, and changes that.
	GuestVCPUer interface {
		GuestVCPUs(context.Context, Ref) ([]Param, error)
		SetGuestVCPUs(ctx context.Context, r Ref, cpus string, on bool) error
	}
	// VCPUSwitcher plugs single virtual CPUs in and out. Flags: Live, Config.
	VCPUSwitcher interface {
		SwitchVCPUs(ctx context.Context, r Ref, cpus string, on bool, f Flags) error
	}
	// SSHKeyer keeps a user's authorized keys in the guest.
	SSHKeyer interface {
		SSHKeys(ctx context.Context, r Ref, user string) ([]string, error)
		SetSSHKeys(ctx context.Context, r Ref, user string, keys []string, how SSHKeyChange) error
	}
	// PMSuspender sends the guest to sleep. target: mem, disk, hybrid.
	PMSuspender interface {
		PMSuspend(ctx context.Context, r Ref, target string, d time.Duration) error
	}
	// PMWakeuper wakes a guest that sleeps.
	PMWakeuper interface {
		PMWakeup(context.Context, Ref) error
	}
	// LaunchSecurer tells the parameters of a confidential guest's launch.
	LaunchSecurer interface {
		LaunchSecurity(context.Context, Ref) ([]Param, error)
	}
	// LaunchSecretSetter injects a secret into a confidential guest.
	LaunchSecretSetter interface {
		SetLaunchSecret(ctx context.Context, r Ref, p []Param) error
	}
	// Enterer runs a command within a container's namespaces. One that fails is an
	// error.
	Enterer interface {
		Enter(ctx context.Context, r Ref, command []string, o EnterOptions) error
	}
	// ProcessAttacher takes over a hypervisor's process that somebody else started.
	ProcessAttacher interface {
		AttachProcess(ctx context.Context, pid uint32) (Ref, error)
	}
	// MonitorEventer sends the hypervisor's own events until the context ends;
	// then the channel is closed. A nil Ref means all domains.
	MonitorEventer interface {
		MonitorEvents(context.Context, *Ref) (<-chan MonitorEvent, error)
	}
	// FDAssociator gives a domain open files for the sources that name the group.
	FDAssociator interface {
		AssociateFiles(ctx context.Context, r Ref, group string, files []*os.File, writableLabel, restoreLabel bool) error
	}
	// GraphicsReloader has a display read its certificates again. kind is
	// libvirt's number of it.
	GraphicsReloader interface {
		ReloadGraphics(ctx context.Context, r Ref, kind uint32) error
	}
	// Announcer has interfaces announce themselves to the network.
	Announcer interface {
		Announce(ctx context.Context, r Ref, a Announcement) error
	}
	// ManagedSaveEditor reads and changes the document in a managed save.
	// Flags: SecurityInfo; Running (Live) and Paused.
	ManagedSaveEditor interface {
		ManagedSaveXML(ctx context.Context, r Ref, f Flags) ([]byte, error)
		DefineManagedSave(ctx context.Context, r Ref, src xml.Source, f Flags) error
	}
)

// Timeouts of the agent that are no number of seconds.
const (
	AgentBlock   = -2 // wait for ever
	AgentDefault = -1 // as long as the driver finds right
	AgentNoWait  = 0  // do not wait
)

// Announcement says which interface announces itself, "" for all, and how:
// times in milliseconds, zero for what is usual.
type Announcement struct {
	Interface                  string
	Initial, Max, Rounds, Step uint32
}

// SSHKeyChange says what SetSSHKeys does with the keys.
type SSHKeyChange uint8

// The changes of keys.
const (
	AppendKeys SSHKeyChange = iota
	ReplaceKeys
	RemoveKeys
)

// EnterOptions are the streams of a command in a container.
type EnterOptions struct {
	In              io.Reader
	Out, Err        io.Writer
	NoSecurityLabel bool
}

// MonitorEvent is an event of the hypervisor itself; Details is JSON, "" for none.
type MonitorEvent struct {
	Ref     Ref
	Name    string
	Details string
	Time    time.Time
}

// StartPlanner tells what Start would do, and does nothing of it.
type StartPlanner interface {
	// StartPlan: byHand asks for a start that needs nothing of virgo, which Script
	// does. Flags: Paused; SecurityInfo, with which Script may hold secrets.
	StartPlan(ctx context.Context, r Ref, byHand bool, f Flags) (*StartPlan, error)
}

// StartPlan is all that a start of a guest comes to.
type StartPlan struct {
	Argv, Env []string
	Files     []StartFile // to be made before, in this order
	Beside    [][]string  // programs that are started before it and serve its devices
	Inherited []string    // what the process inherits as descriptors, from 3 on
	User      string      // who it runs as, "" for the caller
	Script    string      // a shell script that does all that; "" unless by hand
}

// StartFile is a file or folder that a start makes.
type StartFile struct {
	Path string
	Kind StartFileKind
	From string // StartCopy: what it is copied from, unless it is there; StartOverlay: the image below
	// Format is that of From.
	Format string
}

// StartFileKind says what a file is.
type StartFileKind string

// The kinds.
const (
	StartFolder StartFileKind = "folder"
	StartKey    StartFileKind = "key" // random, made anew for each start
	StartCopy   StartFileKind = "copy"
	// StartOverlay is made anew for each start, and gone at its end.
	StartOverlay StartFileKind = "overlay"
)
