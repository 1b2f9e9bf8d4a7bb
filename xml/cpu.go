package xml

// CPU is the <cpu> element of a host or a guest. Words that are not there are
// "". A host has an Arch, a guest has none.
type CPU struct {
	Mode               string // guests: custom, host-model, host-passthrough, maximum
	Match              string // guests: exact, minimum, strict
	Check              string // guests: none, partial, full; "" is the default
	Migratable         string // host-passthrough, maximum: on, off
	DeprecatedFeatures string // on, off
	ShowMatch          bool   // print Match in modes where it does not count

	Arch        string
	Model       string
	Fallback    string // guests: allow, forbid
	VendorID    string // guests
	Vendor      string
	Microcode   uint32 // hosts; 0 is unknown
	Signature   *CPUSignature
	Counter     *CPUCounter
	Topology    *CPUTopology
	Cache       *CPUCache
	MaxPhysAddr *CPUMaxPhysAddr
	Features    []CPUFeature
	NUMA        *CPUNUMA // guests: read with a domain only

}

// CPUFeature is one feature; a host's has no policy.
type CPUFeature struct {
	Policy string // force, require, optional, disable, forbid
	Name   string
}

// CPUSignature is a host's family, model and stepping.
type CPUSignature struct{ Family, Model, Stepping uint32 }

// CPUCounter is a host's time stamp counter.
type CPUCounter struct {
	Frequency uint64 // Hz
	Scaling   string // yes, no; "" if unknown
}

// CPUTopology says how CPUs are grouped; no number is 0.
type CPUTopology struct{ Sockets, Dies, Clusters, Cores, Threads uint32 }

// CPUCache is the guest's view of a cache. Level is 0 if none is named.
type CPUCache struct {
	Level int
	Mode  string // emulate, passthrough, disable
}

// CPUMaxPhysAddr is the width of physical addresses; 0 means unset.
type CPUMaxPhysAddr struct {
	Mode        string // emulate, passthrough
	Bits, Limit int
	ZeroBits    bool // bits='0' was written out
}

// CPUKind says whose CPU an element is read as.
type CPUKind uint8

// The kinds. AnyCPU lets an <arch> child decide.
const (
	AnyCPU CPUKind = iota
	HostCPU
	GuestCPU
)

// IsHost tells a host's CPU from a guest's.
func (c *CPU) IsHost() bool { return c.Arch != "" }

// Clone copies c with all that belongs to it.
func (c *CPU) Clone() *CPU {
	d := *c
	d.Features = append([]CPUFeature(nil), c.Features...)
	d.Signature = clone(c.Signature)
	d.Counter = clone(c.Counter)
	d.Topology = clone(c.Topology)
	d.Cache = clone(c.Cache)
	d.MaxPhysAddr = clone(c.MaxPhysAddr)
	return &d
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// DecodeNode reads a guest's <cpu> of a domain, NUMA cells included.
func (c *CPU) DecodeNode(n *Node) error {
	cpu, err := DecodeCPU(n, GuestCPU)
	if err != nil {
		return err
	}
	*c = *cpu
	if numa := n.Child("numa"); numa != nil {
		c.NUMA = new(CPUNUMA)
		if err := c.NUMA.DecodeNode(numa); err != nil {
			return err
		}
	}
	return nil
}

// Architectures are the names that <arch> may have.
var Architectures = [...]string{
	"alpha", "armv6l", "armv7l", "armv7b", "aarch64", "cris", "i686", "ia64", "itanium", "lm32", "loongarch64",
	"m68k", "microblaze", "microblazeel", "mips", "mipsel", "mips64", "mips64el", "openrisc", "parisc", "parisc64",
	"ppc", "ppc64", "ppc64le", "ppcemb", "riscv32", "riscv64", "s390", "s390x", "sh4", "sh4eb", "sparc", "sparc64",
	"unicore32", "x86_64", "xtensa", "xtensaeb",
}

// KnownArchitecture tells whether name is in Architectures.
func KnownArchitecture(name string) bool { return oneOf(name, Architectures[:]) }

func oneOf(s string, list []string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
