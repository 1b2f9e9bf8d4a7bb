package drivers

// State is a domain's state. The numbers are libvirt's public ones.
type State int8

// The states.
const (
	NoState State = iota
	Running
	Blocked
	PausedState
	ShuttingDown
	ShutOff
	Crashed
	PMSuspended
)

var stateNames = [...]string{"no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended"}

// String is the state as virsh prints it.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "no state"
}

// Reason says why a domain is in its state; its numbers count per state, as
// libvirt's do.
type Reason int8

// reasonNames holds virsh's words, by state and number.
var reasonNames = [...][]string{
	NoState:      {"unknown"},
	Running:      {"unknown", "booted", "migrated", "restored", "from snapshot", "unpaused", "migration canceled", "save canceled", "event wakeup", "crashed", "post-copy", "post-copy failed"},
	Blocked:      {"unknown"},
	PausedState:  {"unknown", "user", "migrating", "saving", "dumping", "I/O error", "watchdog", "from snapshot", "shutting down", "creating snapshot", "crashed", "starting up", "post-copy", "post-copy failed", "api error"},
	ShuttingDown: {"unknown", "user"},
	ShutOff:      {"unknown", "shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "from snapshot", "daemon"},
	Crashed:      {"unknown", "panicked"},
	PMSuspended:  {"unknown"},
}

// The reasons that drivers give.
const (
	RunningBooted       Reason = 1
	RunningRestored     Reason = 3
	RunningFromSnapshot Reason = 4
	RunningUnpaused     Reason = 5
	RunningWakeup       Reason = 8
	RunningSaveCanceled Reason = 7
	RunningCrashed      Reason = 9
	PausedUser          Reason = 1
	PausedMigrating     Reason = 2
	PausedSaving        Reason = 3
	PausedDumping       Reason = 4
	PausedIOError       Reason = 5
	PausedWatchdog      Reason = 6
	PausedFromSnapshot  Reason = 7
	PausedShuttingDown  Reason = 8
	PausedSnapshot      Reason = 9
	PausedCrashed       Reason = 10
	PausedStartingUp    Reason = 11
	ShuttingDownUser    Reason = 1
	ShutOffShutdown     Reason = 1
	ShutOffDestroyed    Reason = 2
	ShutOffCrashed      Reason = 3
	ShutOffSaved        Reason = 5
	ShutOffFailed       Reason = 6
	ShutOffFromSnapshot Reason = 7
	CrashedPanicked     Reason = 1
)

// Text is the reason as `domstate --reason` prints it.
func (r Reason) Text(s State) string {
	if int(s) < len(reasonNames) && int(r) < len(reasonNames[s]) {
		return reasonNames[s][r]
	}
	return "unknown"
}
