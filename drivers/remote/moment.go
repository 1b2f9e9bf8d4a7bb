package remote

import (
	"context"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// moments are the snapshots or the checkpoints of a daemon's domains: both are a
// name and a domain to the daemon, and have procedures of the same form.
type moments struct {
	*Conn
	kind                                      drivers.Kind
	list, lookup, text1, create, parent, kill uint32
}

// snapshots are moments that a domain can be taken back to.
type snapshots struct{ moments }

func (c *Conn) snapshots() snapshots {
	return snapshots{moments{c, drivers.Snapshot, procDomainListAllSnapshots, procDomainSnapshotLookupByName, procDomainSnapshotGetXMLDesc,
		procDomainSnapshotCreateXML, procDomainSnapshotGetParent, procDomainSnapshotDelete}}
}

func (c *Conn) checkpoints() moments {
	return moments{c, drivers.Checkpoint, procDomainListAllCheckpoints, procDomainCheckpointLookupByName, procDomainCheckpointGetXMLDesc,
		procDomainCheckpointCreateXML, procDomainCheckpointGetParent, procDomainCheckpointDelete}
}

func moment(r drivers.Ref) libvirt.DomainSnapshot {
	return libvirt.DomainSnapshot{Name: r.Name, Dom: dom(*r.Parent)}
}

func (m moments) ref(x libvirt.DomainSnapshot) drivers.Ref {
	parent := domainRef(x.Dom)
	return drivers.Ref{Kind: m.kind, Name: x.Name, ID: -1, Parent: &parent}
}

// List gives a domain's moments.
func (m moments) List(ctx context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	if f.Parent == nil {
		return nil, nil
	}
	var list []libvirt.DomainSnapshot
	err := m.call(ctx, m.list, []any{dom(*f.Parent), int32(1), uint32(0)}, &list)
	if unsupported(err) && m.kind == drivers.Snapshot {
		err = m.call(ctx, procDomainSnapshotNum, []any{dom(*f.Parent), uint32(0)}) // the older way, whose failure is told
	}
	var out []drivers.Entry
	for _, x := range list {
		out = append(out, drivers.Entry{Ref: m.ref(x)})
	}
	return out, err
}

// Lookup finds none: a moment is found in its domain.
func (m moments) Lookup(_ context.Context, _ drivers.By, word string) (drivers.Ref, error) {
	if m.kind == drivers.Checkpoint {
		return drivers.Ref{}, xml.Errorf(xml.CodeNoDomainCheckpoint, "no domain checkpoint with matching name '%s'", word)
	}
	return drivers.Ref{}, xml.Errorf(xml.CodeNoDomainSnapshot, "no domain snapshot with matching name '%s'", word)
}

// Child finds a domain's moment by its name.
func (m moments) Child(ctx context.Context, parent drivers.Ref, name string) (drivers.Ref, error) {
	var x libvirt.DomainSnapshot
	err := m.call(ctx, m.lookup, []any{dom(parent), name, uint32(0)}, &x)
	return m.ref(x), err
}

// XML is the daemon's document.
func (m moments) XML(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	flags := bits(f, bit{drivers.SecurityInfo, 1})
	if m.kind == drivers.Checkpoint {
		flags |= bits(f, bit{drivers.NoDomain, 2}, bit{drivers.WithSize, 4})
	}
	return m.Conn.text(ctx, m.text1, moment(r), flags)
}

// CreateMoment makes a snapshot or checkpoint.
func (m moments) CreateMoment(ctx context.Context, domain drivers.Ref, src xml.Source, f drivers.MomentFlags) (drivers.Ref, error) {
	flags := when(f.Redefine, 1)
	if m.kind == drivers.Checkpoint {
		flags |= when(f.Quiesce, 2) | when(f.RedefineValidate, 4)
	} else {
		flags |= when(f.Current, 2) | when(f.NoMetadata, 4) | when(f.Halt, 8) | when(f.DiskOnly, 16) | when(f.Reuse, 32) | when(f.Quiesce, 64) |
			when(f.Atomic, 128) | when(f.Live, 256) | when(f.Validate, 512)
	}
	var x libvirt.DomainSnapshot
	err := m.call(ctx, m.create, []any{dom(domain), string(src.Data), flags}, &x)
	return m.ref(x), err
}

// CurrentMoment gives the current snapshot; the daemon knows no current checkpoint.
func (m moments) CurrentMoment(ctx context.Context, domain drivers.Ref) (drivers.Ref, error) {
	if m.kind == drivers.Checkpoint {
		return drivers.Ref{}, xml.Errorf(xml.CodeNoDomainCheckpoint, "domain has no current checkpoint")
	}
	var x libvirt.DomainSnapshot
	err := m.call(ctx, procDomainSnapshotCurrent, []any{dom(domain), uint32(0)}, &x)
	return m.ref(x), err
}

// DeleteMoment removes one.
func (m moments) DeleteMoment(ctx context.Context, r drivers.Ref, children, childrenOnly, metadataOnly bool) error {
	return m.call(ctx, m.kill, []any{moment(r), when(children, 1) | when(metadataOnly, 2) | when(childrenOnly, 4)})
}

// Revert takes a domain back to a snapshot.
func (s snapshots) Revert(ctx context.Context, r drivers.Ref, running, paused, force, resetNVRAM bool) error {
	flags := when(running, 1) | when(paused, 2) | when(force, 4) | when(resetNVRAM, 8)
	return s.call(ctx, procDomainRevertToSnapshot, []any{moment(r), flags})
}
