package qemu

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/moment"
	"virgo/xml"
)

// moments are the snapshots, or the checkpoints, of the domains of a root. What
// is known of each is a file in a folder beside the domain's definition.
type moments struct {
	*Conn
	kind drivers.Kind
}

// snapshots are those that a domain can be taken back to.
type snapshots struct{ moments }

var (
	_ drivers.Objects  = moments{}
	_ drivers.Momenter = moments{}
	_ drivers.Reverter = snapshots{}
)

// currentFile holds the name of the current moment. Those of moments end in .xml.
const currentFile = "current"

func (m moments) domains() *domains { return &domains{m.Conn} }

// dir is the folder of a domain's moments.
func (m moments) dir(name string) string { return momentDir(m.layout, m.kind, name) }

func momentDir(l Layout, k drivers.Kind, name string) string {
	return filepath.Join(l.Etc, moment.Word(k), name)
}

func (m moments) path(r drivers.Ref) string {
	return filepath.Join(m.dir(r.Parent.Name), r.Name+".xml")
}

func (m moments) ref(dom drivers.Ref, name string) drivers.Ref {
	return drivers.Ref{Kind: m.kind, Name: name, ID: -1, Parent: &dom}
}

// checkMomentName refuses what cannot be a file's name, as the peer does.
func checkMomentName(k drivers.Kind, name string) error {
	switch {
	case strings.Contains(name, "/"):
		return xml.Errorf(xml.CodePlain, "invalid %s name '%s': name can't contain '/'", moment.Word(k), name)
	case strings.HasPrefix(name, "."):
		return xml.Errorf(xml.CodePlain, "invalid %s name '%s': name can't start with '.'", moment.Word(k), name)
	}
	return nil
}

// read reads a moment from its file.
func (m moments) read(r drivers.Ref) (*moment.Moment, error) {
	if err := checkMomentName(m.kind, r.Name); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(m.path(r))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, moment.NotFound(m.kind, r.Name)
	}
	if err != nil {
		return nil, drivers.SystemError("cannot read", m.path(r), err)
	}
	return moment.Parse(m.kind, xml.Source{Name: m.path(r), Data: data}, moment.Options{Redefine: true})
}

// load reads all moments of a domain. What a former domain of its name left, or
// somebody has broken, is passed over.
func (m moments) load(dom drivers.Ref) (*moment.Set, error) {
	set := &moment.Set{}
	files, err := os.ReadDir(m.dir(dom.Name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, drivers.SystemError("cannot read folder", m.dir(dom.Name), err)
	}
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".xml")
		if !ok {
			continue
		}
		one, err := m.read(m.ref(dom, name))
		if err == nil && one.Name == name && (one.Domain == nil || one.Domain.UUID == dom.UUID) {
			set.List = append(set.List, one)
		}
	}
	if name, err := os.ReadFile(filepath.Join(m.dir(dom.Name), currentFile)); err == nil {
		set.Current = set.Find(string(name))
	}
	return set, nil
}

// write keeps a moment.
func (m moments) write(dom drivers.Ref, one *moment.Moment) error {
	data, err := one.Print(&printTraits, drivers.SecurityInfo)
	if err == nil {
		err = drivers.MakeDir(m.dir(dom.Name))
	}
	if err == nil {
		err = drivers.WriteFile(m.path(m.ref(dom, one.Name)), data, 0o600)
	}
	return err
}

// point makes a moment the current one; nil: none is.
func (m moments) point(dom drivers.Ref, one *moment.Moment) error {
	path := filepath.Join(m.dir(dom.Name), currentFile)
	if one != nil {
		return drivers.WriteFile(path, []byte(one.Name), 0o600)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return drivers.SystemError("cannot remove", path, err)
	}
	return nil
}

// drop forgets a moment. Its children get their new parent first, so that
// whoever is interrupted leaves a whole tree.
func (m moments) drop(dom drivers.Ref, set *moment.Set, one *moment.Moment) error {
	current := set.Current
	for _, child := range set.Remove(one) {
		if err := m.write(dom, child); err != nil {
			return err
		}
	}
	if set.Current != current {
		if err := m.point(dom, set.Current); err != nil {
			return err
		}
	}
	path := m.path(m.ref(dom, one.Name))
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return drivers.SystemError("cannot remove", path, err)
	}
	drivers.SyncDir(m.dir(dom.Name))
	if len(set.List) == 0 {
		os.Remove(m.dir(dom.Name)) // fails, as it should, if anything else is in it
	}
	return nil
}

// List gives the moments of the filter's parent, by name.
func (m moments) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	if f.Parent == nil {
		return nil, nil
	}
	set, err := m.load(*f.Parent)
	if err != nil {
		return nil, err
	}
	out := make([]drivers.Entry, 0, len(set.List))
	for _, one := range set.List {
		out = append(out, drivers.Entry{Ref: m.ref(*f.Parent, one.Name)})
	}
	return out, nil
}

// Lookup cannot know the domain: List and the name have to do.
func (m moments) Lookup(_ context.Context, _ drivers.By, word string) (drivers.Ref, error) {
	return drivers.Ref{}, moment.NotFound(m.kind, word)
}

// XML prints a moment.
func (m moments) XML(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	if f.Has(drivers.WithSize) {
		if _, running := m.touch(ctx, r.Parent.Name); !running {
			return nil, notRunning()
		}
	}
	one, err := m.read(r)
	if err == nil && f.Has(drivers.WithSize) {
		err = m.sized(ctx, *r.Parent, one)
	}
	if err != nil {
		return nil, err
	}
	return one.Print(&printTraits, f)
}

// CurrentMoment gives the current one.
func (m moments) CurrentMoment(_ context.Context, dom drivers.Ref) (drivers.Ref, error) {
	set, err := m.load(dom)
	if err == nil && set.Current == nil {
		err = moment.NoCurrent(m.kind)
	}
	if err != nil {
		return drivers.Ref{}, err
	}
	return m.ref(dom, set.Current.Name), nil
}

// complete adds to a moment's definition what define adds.
func (m moments) complete(ctx context.Context) func(*xml.Node, *xml.Domain) error {
	return func(n *xml.Node, d *xml.Domain) error { return domain.Complete(d, m.traits(ctx, n)) }
}

// locked runs fn with the domain locked; running: it runs.
func (m moments) locked(ctx context.Context, dom drivers.Ref, fn func(lock *drivers.Lock, set *moment.Set, running bool) error) error {
	lock, err := m.lockObject(ctx, dom.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	_, running := m.mend(ctx, dom.Name, lock)
	set, err := m.load(dom)
	if err != nil {
		return err
	}
	return fn(lock, set, running)
}

// DeleteMoment removes a moment, or its descendants, or both.
func (m moments) DeleteMoment(ctx context.Context, r drivers.Ref, children, only, metadata bool) error {
	if err := moment.CheckDelete(m.kind, children, only); err != nil {
		return err
	}
	return m.locked(ctx, *r.Parent, func(lock *drivers.Lock, set *moment.Set, running bool) error {
		one := set.Find(r.Name)
		if one == nil {
			return moment.NotFound(m.kind, r.Name)
		}
		if m.kind == drivers.Checkpoint && !metadata && !running {
			return xml.Errorf(xml.CodeUnsupported, "cannot delete checkpoint for inactive domain")
		}
		if !metadata && m.kind == drivers.Snapshot {
			if err := m.checkDelete(set, one, children, only); err != nil {
				return err
			}
		}
		for _, x := range set.Doomed(one, children, only) {
			if !metadata {
				if err := m.discard(ctx, *r.Parent, set, x, running, lock); err != nil {
					return err
				}
			}
			if err := m.drop(*r.Parent, set, x); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkMoments refuses to forget a domain that has moments; f may tell to
// forget them, too.
func (d *domains) checkMoments(r drivers.Ref, f drivers.Flags) error {
	for _, k := range momentKinds {
		if f.Has(k.flag) {
			continue
		}
		set, err := moments{d.Conn, k.kind}.load(r)
		if err != nil {
			return err
		}
		if n := len(set.List); n > 0 {
			return xml.Errorf(xml.CodeOperationInvalid, "cannot delete inactive domain with %d %ss", n, moment.Word(k.kind))
		}
	}
	return nil
}

var momentKinds = []struct {
	kind drivers.Kind
	flag drivers.Flags
}{{drivers.Snapshot, drivers.SnapshotsToo}, {drivers.Checkpoint, drivers.CheckpointsToo}}

// forgetMoments drops what is known of a domain's moments.
func (d *domains) forgetMoments(name string) {
	for _, k := range momentKinds {
		os.RemoveAll(momentDir(d.layout, k.kind, name))
	}
}
