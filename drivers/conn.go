package drivers

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"virgo/xml"
)

// Conn is an open connection to a hypervisor.
type Conn interface {
	// URI is the connection's own URI, as `virgo uri` prints it.
	URI() string
	// Objects gives the objects of a kind, or nil if the driver keeps none.
	// The value's further abilities are found with As.
	Objects(Kind) Objects
	Close() error
}

// Objects are all objects of one kind on a connection.
type Objects interface {
	// List gives the objects that the filter lets through: the active ones by
	// id, then the inactive ones by name.
	List(context.Context, Filter) ([]Entry, error)
	// Lookup finds one object; the error of a miss has the kind's
	// code: xml.CodeNoDomain, xml.CodeNoNetwork ...
	Lookup(context.Context, By, string) (Ref, error)
	// XML is the object's document, as printed.
	XML(context.Context, Ref, Flags) ([]byte, error)
}

// Kind is a kind of object.
type Kind uint8

// The twelve kinds.
const (
	Domain Kind = iota
	Network
	NetworkPort
	Pool
	Volume
	Secret
	NWFilter
	NWFilterBinding
	NodeDevice
	Interface
	Snapshot
	Checkpoint
)

// By says what a look-up's word is.
type By uint8

// The ways to name an object.
const (
	ByName By = iota
	ByUUID    // lower case, dashed
	ByID      // decimal
	ByKey     // a volume's key, an interface's MAC, a SCSI host's "WWNN,WWPN"
	ByPath    // a volume's path
)

// String is the word in the error of a miss: "no domain with matching uuid '...'".
func (b By) String() string { return [...]string{"name", "uuid", "id", "key", "path"}[b] }

// Ref names one object of a connection.
type Ref struct {
	Kind   Kind
	Name   string
	UUID   string // lower case, dashed; "" where the kind has none
	ID     int    // a running domain's id, else -1
	Parent *Ref   // the network of a port, the pool of a volume, the domain of a snapshot, the device above a device
}

// Entry is a Ref with what a listing shows beside it.
type Entry struct {
	Ref
	Active, Persistent, Autostart bool
	NoAutostart                   bool   // the driver cannot tell Autostart
	State                         State  // domains
	Reason                        Reason // domains
	Title                         string // only if Filter.Titles
	ManagedSave                   bool   // domains; only if Filter.Saves
	Snapshots, Checkpoints        int    // domains
	Bridge                        string // networks
	Type                          string // pools
	Path                          string // volumes
	MAC                           string // interfaces
	Caps                          string // node devices: their capabilities, with blanks
	UsageType, Usage              string // secrets; what they are for
	Ephemeral, Private            bool   // secrets
	Filter                        string // bindings
}

// Sort puts entries into the order of listings: what has an id by that, then the
// others by name.
func Sort(list []Entry) {
	slices.SortFunc(list, func(a, b Entry) int {
		if (a.ID >= 0) != (b.ID >= 0) {
			return cmp.Compare(b.ID, a.ID) // -1 comes last
		}
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Name, b.Name))
	})
}

// Tri is a filter's condition: Any, Yes or No.
type Tri int8

// The three answers.
const (
	Any Tri = 0
	Yes Tri = 1
	No  Tri = -1
)

// Admits tells whether a value meets the condition.
func (t Tri) Admits(v bool) bool { return t == Any || (t == Yes) == v }

// Filter says which objects a listing wants. The zero value is all.
type Filter struct {
	Active, Persistent, Autostart       Tri
	ManagedSave, Snapshots, Checkpoints Tri
	Ephemeral, Private                  Tri
	States                              []State  // domains: any of these; empty is all
	Types                               []string // pools: any of these; empty is all
	Caps                                []string // node devices: any of these; empty is all
	Parent                              *Ref
	Titles                              bool // Entry.Title is wanted too
	Saves                               bool // Entry.ManagedSave is wanted too
	Parents                             bool // node devices: Entry.Parent is wanted too
	UUIDs                               bool // Entry.UUID is wanted too, however many there are
}

// Admits tells whether an entry passes.
func (f Filter) Admits(e Entry) bool {
	if len(f.States) > 0 {
		found := false
		for _, s := range f.States {
			found = found || s == e.State
		}
		if !found {
			return false
		}
	}
	if len(f.Types) > 0 && !slices.Contains(f.Types, e.Type) {
		return false
	}
	if len(f.Caps) > 0 && !slices.ContainsFunc(strings.Fields(e.Caps), func(c string) bool { return slices.Contains(f.Caps, c) }) {
		return false
	}
	return f.Ephemeral.Admits(e.Ephemeral) && f.Private.Admits(e.Private) && f.Active.Admits(e.Active) && f.Persistent.Admits(e.Persistent) && f.Autostart.Admits(e.Autostart) &&
		f.ManagedSave.Admits(e.ManagedSave) && f.Snapshots.Admits(e.Snapshots > 0) && f.Checkpoints.Admits(e.Checkpoints > 0)
}

// Flags modify an operation. Each operation says which it takes.
type Flags uint32

// The flags.
const (
	Inactive       Flags = 1 << iota // XML: the definition, also of a running object
	SecurityInfo                     // XML: with passwords
	UpdateCPU                        // XML: the CPU as it comes to on this host
	MigratableXML                    // XML: what another host can take
	Validate                         // Define, Create: against the schema
	Paused                           // Start, Create: vCPUs stopped
	AutoDestroy                      // Start, Create: ends with the connection
	ResetNVRAM                       // Start, Create
	BypassCache                      // Start
	ForceBoot                        // Start: without the saved state
	Graceful                         // Destroy: only if the process ends by itself
	RemoveLogs                       // Destroy
	ManagedSaveToo                   // Undefine
	SnapshotsToo                     // Undefine
	CheckpointsToo                   // Undefine
	NVRAMToo                         // Undefine
	KeepNVRAM                        // Undefine
	TPMToo                           // Undefine
	KeepTPM                          // Undefine
	Live                             // a change: of the running object
	Config                           // a change: of the definition
	Force                            // Console: end another session; others as documented
	Safe                             // Console: only if the driver can be sure to be alone
	Build                            // pools, Create, Start: build it first
	Overwrite                        // pools, building: over what is there
	NoOverwrite                      // pools, building: only if nothing is there
	Prealloc                         // volumes: metadata in advance
	Reflink                          // volumes, cloning: share blocks
)

// Has tells whether all of g's bits are set.
func (f Flags) Has(g Flags) bool { return f&g == g }

// As gives v as an ability T. If v lacks it, the error is Unsupported(api).
func As[T any](v any, api string) (T, error) {
	if t, ok := v.(T); ok {
		return t, nil
	}
	var none T
	return none, Unsupported(api)
}

// Error is an error of one of libvirt's classes.
type Error = xml.Error

// ParamError is the error of a driver that is asked how many parameters there are
// before it is asked for them.
type ParamError struct {
	Err     error
	Counted bool // it could tell that
}

func (e *ParamError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *ParamError) Unwrap() error { return e.Err }

// Unsupported is the error for an operation that a driver does not have;
// errors.Is(err, errors.ErrUnsupported) holds. api is the peer's name of it,
// such as "virDomainSave".
func Unsupported(api string) error { return xml.Errorf(xml.CodeNoSupport, "%s", api) }
