package cpu

import (
	"virgo/xml"
)

// Answer is the outcome of a comparison.
type Answer uint8

// The answers: a host can or cannot give a CPU, gives exactly it, or more.
const (
	Incompatible Answer = iota
	Identical
	Superset
)

// Result is a comparison's answer. Reason says why CPUs are incompatible, in
// the peer's words; it may be empty. The lists are what it was found with.
type Result struct {
	Answer Answer
	Reason string

	Missing   []string // required features that the host lacks
	Forbidden []string // forbidden features that the host has
	Extra     []string // features of the host that the CPU does not name
}

// Err is the result as an error: nil unless CPUs are incompatible.
func (r Result) Err() error {
	if r.Answer != Incompatible {
		return nil
	}
	if r.Reason == "" {
		return xml.Errorf(xml.CodePlain, "the CPU is incompatible with host CPU")
	}
	return &xml.Error{Code: xml.CodeCPUIncompatible, Msg: r.Reason}
}

// Compare tells whether a host can give a CPU: a guest's, or another host's.
// arch is the host's architecture where host is itself a guest's CPU, such as
// one that QEMU reported; else it may be empty.
func Compare(host, other *xml.CPU, arch string) (Result, error) {
	if host != nil && host.IsHost() {
		arch = host.Arch
	}
	switch family(arch) {
	case famX86:
		return compareX86(host, other)
	case famPPC:
		return comparePPC(host, other, arch)
	case famARM:
		return compareARM(host, other), nil
	case famS390, famRISCV, famLoong:
		return Result{Answer: Identical}, nil
	}
	return Result{}, NoModels(arch)
}

type families uint8

const (
	famNone families = iota
	famX86
	famPPC
	famARM
	famS390
	famRISCV
	famLoong
)

func family(arch string) families {
	switch arch {
	case "x86_64", "i686":
		return famX86
	case "ppc64", "ppc64le":
		return famPPC
	case "armv6l", "armv7l", "armv7b", "aarch64":
		return famARM
	case "s390", "s390x":
		return famS390
	case "riscv64":
		return famRISCV
	case "loongarch64":
		return famLoong
	}
	return famNone
}

// HasModels tells whether CPU models mean anything on an architecture.
func HasModels(arch string) bool { return family(arch) != famNone }

// NoModels says that CPU models mean nothing on an architecture.
func NoModels(arch string) error {
	return xml.Errorf(xml.CodeNoSupport, "'%s' architecture is not supported by CPU driver", arch)
}

func incompatible(reason string) Result { return Result{Answer: Incompatible, Reason: reason} }

func compareX86(host, other *xml.CPU) (Result, error) {
	if host == nil || host.Model == "" {
		return incompatible("unknown host CPU"), nil
	}
	if other.IsHost() && !IsX86(other.Arch) {
		return incompatible("CPU arch " + other.Arch + " does not match host arch"), nil
	}
	if other.Vendor != "" && host.Vendor != other.Vendor {
		return incompatible("host CPU vendor does not match required CPU vendor " + other.Vendor), nil
	}
	h, err := parse(host)
	if err != nil {
		return Result{}, err
	}
	c, err := parse(other)
	if err != nil {
		return Result{}, err
	}
	has := h.has()
	if both := c.lists[forbid].and(&has); !both.empty() {
		r := incompatible("Host CPU provides forbidden features: " + join(&both, ", "))
		r.Forbidden = both.names()
		return r, nil
	}
	named := c.lists[force].or(&c.lists[optional])
	named = named.or(&c.lists[disable])
	required := c.lists[require]
	if c.model != nil {
		required = required.or(&c.model.features)
	}
	required = required.minus(&named)
	if missing := required.minus(&has); !missing.empty() {
		r := incompatible("Host CPU does not provide required features: " + join(&missing, ", "))
		r.Missing = missing.names()
		return r, nil
	}
	extra := has.minus(&required)
	extra = extra.minus(&named)
	if extra.empty() {
		return Result{Answer: Identical}, nil
	}
	if !other.IsHost() && other.Match == "strict" {
		r := incompatible("Host CPU does not strictly match guest CPU: Extra features: " + join(&extra, ", "))
		r.Extra = extra.names()
		return r, nil
	}
	return Result{Answer: Superset, Extra: extra.names()}, nil
}

// compareARM trusts guests; two hosts must be of one model.
func compareARM(host, other *xml.CPU) Result {
	if !other.IsHost() || host == nil || host.Vendor == other.Vendor && host.Model == other.Model {
		return Result{Answer: Identical}
	}
	return incompatible("Host CPU model does not match required CPU vendor " + other.Vendor + " or(and) model " + other.Model)
}
