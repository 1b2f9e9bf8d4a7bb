package drivers

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"virgo/xml"
)

// Journal takes the events of all processes of a root, and gives them to whoever
// follows. Adding one never fails.
type Journal interface {
	Append(Event)
	// Follow sends the events from now on until ctx ends; then it closes the channel.
	Follow(context.Context) (<-chan Event, error)
}

// Follow gives a journal's events of one object, or of all if only is nil.
func Follow(ctx context.Context, j Journal, only *Ref) (<-chan Event, error) {
	all, err := j.Follow(ctx)
	if err != nil || only == nil {
		return all, err
	}
	mine := make(chan Event)
	go func() {
		defer close(mine)
		for e := range all {
			if e.Ref.Name == only.Name {
				select {
				case mine <- e:
				case <-ctx.Done():
				}
			}
		}
	}()
	return mine, nil
}

// Shelf keeps the definitions of one kind of objects: what looking them up,
// listing, keeping and dropping them have in common, whatever the kind.
type Shelf struct {
	Kind  Kind
	Store *Store
	Noun  string   // where there is none: "no storage pool with ..."
	Short string   // where another has the name: "pool 'x' already exists ..."
	Miss  xml.Code // of the error that there is no such object
	Journal
	// Check, if not nil, refuses a former definition that no longer fits beside the others.
	Check func(doc []byte) error
}

// At puts the shelf into a root. folder is the name of the kind's folders.
func (s Shelf) At(root Root, folder string, j func(path string) Journal) *Shelf {
	s.Store, s.Journal = root.Store(folder), j(filepath.Join(root.Run, folder, "events"))
	return &s
}

// Tell adds an event of the object to the journal.
func (s *Shelf) Tell(r Ref, name, detail, reason string) {
	if MakeDir(filepath.Dir(s.Store.Locks)) == nil {
		s.Append(Event{Ref: r, Name: name, Detail: detail, Reason: reason, Time: time.Now()})
	}
}

// Events follows the journal.
func (s *Shelf) Events(ctx context.Context, only *Ref) (<-chan Event, error) {
	return Follow(ctx, s.Journal, only)
}

// Missing is the error that there is no such object.
func (s *Shelf) Missing(by By, word string) error {
	what := "name"
	if by == ByUUID {
		what = "uuid"
	}
	return xml.Errorf(s.Miss, "no %s with matching %s '%s'", s.Noun, what, word)
}

// Ref names an object of the shelf.
func (s *Shelf) Ref(name, uuid string) Ref {
	return Ref{Kind: s.Kind, Name: name, UUID: uuid, ID: -1}
}

// Lookup finds an object by name or UUID.
func (s *Shelf) Lookup(_ context.Context, by By, word string) (Ref, error) {
	name := word
	if by == ByUUID {
		var err error
		if name, err = s.Store.ByUUID(word); err != nil {
			return Ref{}, err
		}
	}
	if name == "" || by != ByUUID && by != ByName {
		return Ref{}, s.Missing(by, word)
	}
	doc, err := s.Store.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Ref{}, s.Missing(by, word)
	}
	if err != nil {
		return Ref{}, err
	}
	return s.Ref(name, DocumentUUID(doc)), nil
}

// Read gives the document of an object.
func (s *Shelf) Read(r Ref) ([]byte, error) {
	doc, err := s.Store.Read(r.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.Missing(ByName, r.Name)
	}
	return doc, err
}

// Entries lists what is kept and passes the filter, by name. fill, if not nil,
// adds what the document says. One that somebody has broken by hand is listed
// all the same: it is there to be mended or undefined.
func (s *Shelf) Entries(f Filter, fill func(e *Entry, doc []byte)) ([]Entry, error) {
	names, err := s.Store.Names()
	if err != nil {
		return nil, err
	}
	uuids, err := s.Store.UUIDs()
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, n := range names {
		e := Entry{Ref: s.Ref(n, uuids[n]), Persistent: true, Autostart: s.Store.Marked(AutostartMark, n)}
		if fill != nil {
			doc, err := s.Read(e.Ref)
			if xml.CodeOf(err) == s.Miss {
				continue // it was removed meanwhile
			}
			if err != nil {
				return nil, err
			}
			fill(&e, doc)
		}
		if f.Admits(e) {
			out = append(out, e)
		}
	}
	return out, nil
}

// Put keeps a document under a name and UUID that no other object has. doc
// makes it while names are locked.
func (s *Shelf) Put(ctx context.Context, name, uuid string, doc func() ([]byte, error)) (Ref, error) {
	if err := CheckName(name); err != nil {
		return Ref{}, err
	}
	lock, err := s.Store.LockNames(ctx)
	if err != nil {
		return Ref{}, err
	}
	defer lock.Unlock()
	if err := s.Store.Clash(s.Short, name, uuid); err != nil {
		return Ref{}, err
	}
	data, err := doc()
	if err != nil {
		return Ref{}, err
	}
	return s.Ref(name, uuid), s.Store.Write(name, uuid, data)
}

// Change replaces the document of an object by what f makes of it. No other
// process changes it meanwhile.
func (s *Shelf) Change(ctx context.Context, r Ref, f func([]byte) ([]byte, error)) error {
	lock, err := s.Store.LockNames(ctx)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	old, err := s.Read(r)
	if err != nil {
		return err
	}
	data, err := f(old)
	if err != nil {
		return err
	}
	return s.Store.Write(r.Name, r.UUID, data)
}

// Drop forgets an object.
func (s *Shelf) Drop(ctx context.Context, r Ref) error {
	lock, err := s.Store.LockNames(ctx)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if _, err := s.Read(r); err != nil {
		return err
	}
	return s.Store.Remove(r.Name)
}

// SetAutostart sets or takes away an object's autostart mark.
func (s *Shelf) SetAutostart(ctx context.Context, r Ref, on bool) error {
	lock, err := s.Store.LockNames(ctx)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if _, err := s.Read(r); err != nil {
		return err
	}
	return s.Store.SetMark(AutostartMark, r.Name, on)
}

// Former lists the objects that are defined no more and can be brought back.
func (s *Shelf) Former(context.Context) ([]FormerObject, error) { return s.Store.Former() }

// Revisions are an object's former definitions.
func (s *Shelf) Revisions(_ context.Context, name string) ([]Revision, error) {
	return s.Store.Revisions(name)
}

// Revision is one of them.
func (s *Shelf) Revision(_ context.Context, name string, number int, _ Flags) ([]byte, error) {
	doc, _, err := s.Store.Revision(name, number)
	return doc, err
}

// Undo brings back a former definition.
func (s *Shelf) Undo(ctx context.Context, name string, number int) (Ref, bool, error) {
	lock, err := s.Store.LockNames(ctx)
	if err != nil {
		return Ref{}, false, err
	}
	defer lock.Unlock()
	uuid, gone, err := s.Store.Undo(name, number, func(doc []byte) error {
		if err := s.Store.Clash(s.Short, name, DocumentUUID(doc)); err != nil || s.Check == nil {
			return err
		}
		return s.Check(doc)
	})
	ref := s.Ref(name, uuid)
	if err == nil {
		event := "Defined"
		if gone {
			event = "Undefined"
		}
		s.Tell(ref, "lifecycle", event, "")
	}
	return ref, gone, err
}
