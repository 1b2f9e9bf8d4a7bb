// Package moment is what drivers that keep snapshots and checkpoints of domains
// have in common: reading, completing and printing them, and who comes from
// whom. It is pure: what becomes of disks and memory is the driver's.
package moment

import (
	"strconv"
	"time"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

// Moment is one snapshot or checkpoint.
type Moment struct {
	Kind                      drivers.Kind
	Name, Description, Parent string
	State                     string // of a snapshot: "running", "shutoff", "disk-snapshot"
	Created                   int64  // seconds since 1970
	Memory                    xml.SnapshotMemory
	Disks                     []xml.SnapshotDisk   // of a snapshot
	Reverted                  []xml.SnapshotDisk   // the files above its disks since it was returned to; nil: those of Disks
	Marks                     []xml.CheckpointDisk // of a checkpoint
	Domain                    *xml.Domain          // as it was; nil: a checkpoint that does not tell
	Inactive                  *xml.Domain          // what it would have been after its end, or nil
	Cookie                    *xml.SnapshotCookie
}

// Word is the kind's noun.
func Word(k drivers.Kind) string {
	if k == drivers.Checkpoint {
		return "checkpoint"
	}
	return "snapshot"
}

// NotFound is the error that a domain has no such moment.
func NotFound(k drivers.Kind, name string) error {
	code := xml.CodeNoDomainSnapshot
	if k == drivers.Checkpoint {
		code = xml.CodeNoDomainCheckpoint
	}
	return xml.Errorf(code, "no domain %s with matching name '%s'", Word(k), name)
}

// NoCurrent is the error that none is the current one.
func NoCurrent(k drivers.Kind) error {
	return xml.Errorf(xml.CodeNoDomainSnapshot, "the domain does not have a current %s", Word(k))
}

// External tells whether anything of a snapshot lies in a file of its own.
func (m *Moment) External() bool {
	if m.Memory.Snapshot == "external" {
		return true
	}
	for i := range m.Disks {
		if m.Disks[i].Snapshot == "external" {
			return true
		}
	}
	return false
}

// Offline tells whether a snapshot holds no state of a running guest.
func (m *Moment) Offline() bool {
	return m.State == "shutoff" || m.State == "disk-snapshot"
}

// Print prints the moment as its dumpxml command does.
func (m *Moment) Print(t *domain.Traits, f drivers.Flags) ([]byte, error) {
	shown := func(d *xml.Domain) *xml.Domain {
		if d == nil || f.Has(drivers.NoDomain) {
			return nil
		}
		return domain.Shown(d, t, f&drivers.SecurityInfo)
	}
	if m.Kind == drivers.Checkpoint {
		at := uint64(m.Created)
		return xml.Marshal(&xml.Checkpoint{Name: xml.MomentName(m.Name), Description: m.Description, Parent: m.Parent, CreationTime: &at,
			Disks: m.Marks, Domain: shown(m.Domain)})
	}
	doc := &xml.Snapshot{Name: m.Name, Description: m.Description, State: m.State, Parent: m.Parent, CreationTime: &m.Created,
		Disks: m.Disks, RevertDisks: m.Reverted, Domain: shown(m.Domain), InactiveDomain: shown(m.Inactive), Cookie: m.Cookie}
	if m.Memory.Snapshot != "" {
		doc.Memory = &m.Memory
	}
	return xml.Marshal(doc)
}

// Options say how a description is to be read.
type Options struct {
	Redefine bool // of a moment that was made already, by whomever
	// Complete adds to the definition in it what define adds; nil: nothing, it
	// was stored so.
	Complete func(*xml.Node, *xml.Domain) error
}

// Parse reads the description of a moment. Of a new one only what a user may
// choose is read.
func Parse(k drivers.Kind, src xml.Source, o Options) (*Moment, error) {
	doc, err := xml.Parse(src)
	if err != nil {
		return nil, err
	}
	if root := "domain" + Word(k); doc.Name != root {
		return nil, xml.Errorf(xml.CodeXML, "expecting root element of '%s', not '%s'", root, doc.Name)
	}
	m, err := Read(k, doc, o)
	return m, xml.InFile(err, src.Name)
}

// Read is Parse of an element.
func Read(k drivers.Kind, doc *xml.Node, o Options) (*Moment, error) {
	m := &Moment{Kind: k, Created: time.Now().Unix()}
	n := without(doc)
	if name := doc.Child("name"); name == nil || name.Value() == "" {
		if o.Redefine {
			return nil, xml.Errorf(xml.CodeXML, "a redefined %s must have a name", Word(k))
		}
		m.Name = strconv.FormatInt(m.Created, 10)
	}
	if o.Redefine {
		if err := readKnown(m, doc); err != nil {
			return nil, err
		}
	} else {
		n = without(doc, "state", "parent", "creationTime", "domain", "inactiveDomain", "cookie", "revertDisks")
	}
	var err error
	if k == drivers.Checkpoint {
		err = m.readCheckpoint(n)
	} else {
		err = m.readSnapshot(n, o.Redefine)
	}
	if err != nil {
		return nil, err
	}
	if o.Complete != nil {
		for _, d := range []struct {
			element string
			def     *xml.Domain
		}{{"domain", m.Domain}, {"inactiveDomain", m.Inactive}} {
			if d.def != nil {
				if err := o.Complete(doc.Child(d.element), d.def); err != nil {
					return nil, err
				}
			}
		}
	}
	return m, nil
}

// without is the element without some of its children.
func without(n *xml.Node, names ...string) *xml.Node {
	c := *n
	c.Children = nil
	for _, child := range n.Children {
		keep := true
		for _, name := range names {
			keep = keep && child.Name != name
		}
		if child.Name == "domain" || child.Name == "inactiveDomain" { // without type it is none
			_, typed := child.Attr("type")
			keep = keep && typed
		}
		if keep {
			c.Children = append(c.Children, child)
		}
	}
	return &c
}

// readKnown reads what only a moment that was made already has.
func readKnown(m *Moment, doc *xml.Node) error {
	at := doc.Child("creationTime")
	if at != nil {
		n, err := strconv.ParseInt(at.Value(), 10, 64)
		m.Created = n
		if err != nil {
			at = nil
		}
	}
	if at == nil {
		return xml.Errorf(xml.CodeInternal, "missing creationTime from existing %s", Word(m.Kind))
	}
	if s := doc.Child("state"); m.Kind == drivers.Snapshot && (s == nil || s.Value() == "") {
		return xml.Errorf(xml.CodeXML, "missing state from existing snapshot")
	}
	return nil
}

func (m *Moment) readCheckpoint(n *xml.Node) error {
	var doc xml.Checkpoint
	if err := xml.Decode(n, &doc); err != nil {
		return err
	}
	if doc.Name != "" {
		m.Name = string(doc.Name)
	}
	m.Description, m.Parent, m.Marks, m.Domain = doc.Description, doc.Parent, doc.Disks, doc.Domain
	for i := range m.Marks {
		d := &m.Marks[i]
		d.Size = nil // told on request, never kept
		if d.Checkpoint == "" {
			d.Checkpoint = "bitmap"
		}
		if d.Checkpoint == "bitmap" && d.Bitmap == "" {
			d.Bitmap = m.Name
		}
	}
	return nil
}

func (m *Moment) readSnapshot(n *xml.Node, redefine bool) error {
	var doc xml.Snapshot
	if err := xml.Decode(n, &doc); err != nil {
		return err
	}
	if doc.Name != "" {
		m.Name = doc.Name
	}
	m.Description, m.Parent, m.State, m.Disks = doc.Description, doc.Parent, doc.State, doc.Disks
	m.Reverted = doc.RevertDisks
	m.Domain, m.Inactive, m.Cookie = doc.Domain, doc.InactiveDomain, doc.Cookie
	if doc.Memory != nil {
		m.Memory = *doc.Memory
	}
	if err := m.checkMemory(doc.Memory != nil && doc.Memory.Snapshot != ""); err != nil {
		return err
	}
	if redefine && m.Memory.Snapshot == "" {
		m.Memory.Snapshot = "internal"
		if m.Offline() {
			m.Memory.Snapshot = "no"
		}
	}
	for i := range m.Disks {
		if err := checkDisk(&m.Disks[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkMemory reads what becomes of the memory; given: it is said.
func (m *Moment) checkMemory(given bool) error {
	v := &m.Memory
	switch {
	case !given && v.File != "":
		v.Snapshot = "external"
	case v.Snapshot == "external" && v.File == "":
		return xml.Errorf(xml.CodeXML, "external memory snapshots require a filename")
	case given && v.Snapshot != "external" && v.File != "":
		return xml.Errorf(xml.CodeXML, "memory filename '%s' requires external snapshot", v.File)
	case v.Snapshot == "manual":
		return xml.Errorf(xml.CodeXML, "'manual' memory snapshot mode not supported")
	}
	return m.CheckMemory()
}

// CheckMemory refuses a memory where none is kept, once the state is known.
func (m *Moment) CheckMemory() error {
	v := &m.Memory
	if m.Offline() && (v.Snapshot == "internal" || v.Snapshot == "external") {
		return xml.Errorf(xml.CodeXML, "memory state cannot be saved with offline or disk-only snapshot")
	}
	if m.State != "" && v.File != "" && v.File[0] != '/' {
		return xml.Errorf(xml.CodeXML, "memory snapshot file path (%s) must be absolute", v.File)
	}
	return nil
}

func checkDisk(d *xml.SnapshotDisk) error {
	switch d.Type {
	case "", "file", "block", "network":
	default:
		return xml.Errorf(xml.CodeXML, "unsupported disk snapshot type '%s'", d.Type)
	}
	if d.Driver != nil && d.Driver.Type == "" && d.Driver.MetadataCache == nil {
		d.Driver = nil
	}
	if d.Source != nil {
		if d.Source.File == "" && d.Source.Dev == "" && d.Source.Name == "" && d.Source.Protocol == "" {
			d.Source = nil
		} else if d.Source.File != "" && d.Source.File[0] != '/' {
			return xml.Errorf(xml.CodeXML, "disk snapshot image path '%s' must be absolute", d.Source.File)
		}
	}
	if d.Source != nil && d.Snapshot == "" {
		d.Snapshot = "external"
	}
	return nil
}
