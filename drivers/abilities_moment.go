package drivers

import (
	"context"

	"virgo/xml"
)

// Momenter makes and uses the snapshots, or the checkpoints, of a domain.
type Momenter interface {
	CreateMoment(ctx context.Context, domain Ref, src xml.Source, f MomentFlags) (Ref, error)
	// CurrentMoment gives the current one; the error of none is CodeNoDomainSnapshot's.
	CurrentMoment(ctx context.Context, domain Ref) (Ref, error)
	DeleteMoment(ctx context.Context, r Ref, children, childrenOnly, metadataOnly bool) error
}

// Reverter takes a domain back to a snapshot.
type Reverter interface {
	Revert(ctx context.Context, r Ref, running, paused, force, resetNVRAM bool) error
}

// MomentFlags modify the making of a snapshot or checkpoint.
type MomentFlags struct {
	Redefine, Current, NoMetadata, Halt, DiskOnly, Reuse, Quiesce, Atomic, Live, Validate, RedefineValidate bool
}

// NoDomain is a flag of XML: a checkpoint without its domain.
const NoDomain Flags = 1 << 30

// WithSize is a flag of XML: a checkpoint with the sizes of its disks.
const WithSize Flags = 1 << 31
