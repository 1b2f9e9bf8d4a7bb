// Package secret keeps secrets in a root: definitions that anyone may read, and
// apart from them the values. docs/state.md says where they lie.
package secret

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"virgo/drivers"
	"virgo/xml"
)

// Secrets are the secrets of a root. An ephemeral one lies with what runs, and
// so is gone when the host has been started anew.
type Secrets struct{ kept, passing *drivers.Shelf }

// New gives the secrets of a root.
func New(root drivers.Root, j func(path string) drivers.Journal) *Secrets {
	s := &Secrets{kept: drivers.Shelf{Kind: drivers.Secret, Noun: "secret", Short: "secret", Miss: xml.CodeNoSecret}.At(root, "secret", j)}
	s.kept.Store.History = nil // what is dropped of a secret is gone
	passing := *s.kept
	passing.Store = &drivers.Store{Dir: filepath.Join(root.Run, "secret", "ephemeral"), Locks: s.kept.Store.Locks,
		Index: filepath.Join(root.Run, "secret", "ephemeral.index")}
	s.passing = &passing
	return s
}

// of gives where a secret lies.
func (s *Secrets) of(uuid string) *drivers.Shelf {
	if s.passing.Store.Has(uuid) && !s.kept.Store.Has(uuid) {
		return s.passing
	}
	return s.kept
}

func valuePath(s *drivers.Shelf, uuid string) string {
	return filepath.Join(s.Store.Dir, uuid+".value")
}

// definitions reads all definitions, by UUID.
func (s *Secrets) definitions() ([]*xml.SecretDef, error) {
	var out []*xml.SecretDef
	seen := map[string]bool{}
	for _, shelf := range []*drivers.Shelf{s.kept, s.passing} {
		names, err := shelf.Store.Names()
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			def, err := read(shelf, n)
			if err != nil || seen[n] {
				continue // it was removed meanwhile
			}
			seen[n] = true
			out = append(out, def)
		}
	}
	return out, nil
}

func read(s *drivers.Shelf, uuid string) (*xml.SecretDef, error) {
	doc, err := s.Read(s.Ref(uuid, uuid))
	if err != nil {
		return nil, err
	}
	def := &xml.SecretDef{}
	return def, xml.Unmarshal(xml.Source{Name: uuid, Data: doc}, def)
}

// List gives the secrets.
func (s *Secrets) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	defs, err := s.definitions()
	if err != nil {
		return nil, err
	}
	var out []drivers.Entry
	for _, d := range defs {
		e := drivers.Entry{Ref: s.kept.Ref(string(d.UUID), string(d.UUID)), Persistent: true, Ephemeral: d.Ephemeral.Yes(), Private: d.Private.Yes()}
		if d.Usage != nil {
			e.UsageType, e.Usage = d.Usage.Type, d.Usage.ID()
		}
		if f.Admits(e) {
			out = append(out, e)
		}
	}
	return out, nil
}

// Lookup finds a secret by its UUID.
func (s *Secrets) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	if by != drivers.ByUUID {
		return drivers.Ref{}, s.kept.Missing(by, word)
	}
	ref, err := s.of(word).Lookup(ctx, drivers.ByName, word)
	if err != nil {
		return drivers.Ref{}, s.kept.Missing(by, word)
	}
	return ref, nil
}

// Find gives the secret for a usage, as disks and the like name it.
func (s *Secrets) Find(usageType, usage string) (drivers.Ref, error) {
	defs, err := s.definitions()
	if err != nil {
		return drivers.Ref{}, err
	}
	for _, d := range defs {
		if d.Usage != nil && d.Usage.Type == usageType && d.Usage.ID() == usage {
			return s.kept.Ref(string(d.UUID), string(d.UUID)), nil
		}
	}
	return drivers.Ref{}, xml.Errorf(xml.CodeNoSecret, "no secret with matching usage '%s'", usage)
}

// Reveal gives the value of the secret that a domain names by its UUID or, if
// that is "", by its usage. It has to be for that kind of use, or for none.
func (s *Secrets) Reveal(usageType, uuid, usage string) ([]byte, error) {
	if uuid == "" {
		ref, err := s.Find(usageType, usage)
		if err != nil {
			return nil, err
		}
		return s.Value(ref)
	}
	ref, err := s.Lookup(context.Background(), drivers.ByUUID, uuid)
	if err != nil {
		return nil, xml.Errorf(xml.CodeNoSecret, "no secret with matching uuid '%s'", uuid)
	}
	def, err := read(s.of(uuid), uuid)
	if err != nil {
		return nil, err
	}
	if def.Usage != nil && def.Usage.Type != "" && def.Usage.Type != "none" && def.Usage.Type != usageType {
		return nil, xml.Errorf(xml.CodeInvalidArg, "secret with uuid %s is of type '%s' not expected '%s' type", uuid, def.Usage.Type, usageType)
	}
	return s.Value(ref)
}

// XML prints a definition.
func (s *Secrets) XML(_ context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	return s.of(r.UUID).Read(r)
}

// Define keeps a definition. A value that there is stays.
func (s *Secrets) Define(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	def := &xml.SecretDef{}
	if err := drivers.CheckSchema(f, src, &xml.SecretDef{}, "secret"); err != nil {
		return drivers.Ref{}, err
	}
	if err := xml.Unmarshal(src, def); err != nil {
		return drivers.Ref{}, err
	}
	if def.UUID == "" {
		def.UUID = xml.UUID(drivers.NewUUID())
	}
	doc, err := xml.Marshal(def)
	if err != nil {
		return drivers.Ref{}, err
	}
	lock, err := s.kept.Store.LockNames(ctx)
	if err != nil {
		return drivers.Ref{}, err
	}
	defer lock.Unlock()
	if err := s.check(def); err != nil {
		return drivers.Ref{}, err
	}
	uuid := string(def.UUID)
	if err := s.put(uuid, doc, def.Ephemeral.Yes()); err != nil {
		return drivers.Ref{}, err
	}
	ref := s.kept.Ref(uuid, uuid)
	s.kept.Tell(ref, "lifecycle", "Defined", "")
	return ref, nil
}

// check compares a definition with those that there are.
func (s *Secrets) check(def *xml.SecretDef) error {
	defs, err := s.definitions()
	if err != nil {
		return err
	}
	for _, o := range defs {
		switch {
		case o.UUID != def.UUID:
			if o.Usage != nil && def.Usage != nil && *o.Usage == *def.Usage {
				return xml.Errorf(xml.CodeInternal, "a secret with UUID %s already defined for use with %s", o.UUID, o.Usage.ID())
			}
		case o.Usage.ID() != def.Usage.ID():
			use := "(null)"
			if o.Usage != nil {
				use = o.Usage.ID()
			}
			return xml.Errorf(xml.CodeInternal, "a secret with UUID %s is already defined for use with %s", o.UUID, use)
		case o.Private.Yes() && !def.Private.Yes():
			return xml.Errorf(xml.CodeInternal, "cannot change private flag on existing secret")
		}
	}
	return nil
}

// put writes a definition where it belongs, and takes it from where it was. A
// value comes before its definition and goes after it, so that no kill loses it.
func (s *Secrets) put(uuid string, doc []byte, ephemeral bool) error {
	from, to := s.passing, s.kept
	if ephemeral {
		from, to = to, from
	}
	moves := from.Store.Has(uuid)
	if moves && s.of(uuid) == from { // else a kill left it behind, and the value that counts is there already
		value, err := os.ReadFile(valuePath(from, uuid))
		if err == nil {
			err = writeValue(to, uuid, value)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := to.Store.Write(uuid, uuid, doc); err != nil {
		return err
	}
	if !moves {
		return nil
	}
	if err := from.Store.Remove(uuid); err != nil {
		return err
	}
	return remove(from, uuid)
}

func writeValue(s *drivers.Shelf, uuid string, value []byte) error {
	if err := drivers.MakeDir(s.Store.Dir); err != nil {
		return err
	}
	return drivers.WriteFile(valuePath(s, uuid), value, 0o600)
}

// remove takes away a value, then its definition.
func remove(s *drivers.Shelf, uuid string) error {
	if err := os.Remove(valuePath(s, uuid)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return drivers.SystemError("cannot remove", valuePath(s, uuid), err)
	}
	if !s.Store.Has(uuid) {
		return nil
	}
	return s.Store.Remove(uuid)
}

// Undefine forgets a secret and its value.
func (s *Secrets) Undefine(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return s.with(ctx, r, func(*drivers.Shelf) error {
		for _, shelf := range []*drivers.Shelf{s.kept, s.passing} {
			if err := remove(shelf, r.UUID); err != nil {
				return err
			}
		}
		s.kept.Tell(r, "lifecycle", "Undefined", "")
		return nil
	})
}

// with runs f on a secret while no other process changes it.
func (s *Secrets) with(ctx context.Context, r drivers.Ref, f func(*drivers.Shelf) error) error {
	lock, err := s.kept.Store.LockNames(ctx)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	shelf := s.of(r.UUID)
	if !shelf.Store.Has(r.UUID) {
		return s.kept.Missing(drivers.ByUUID, r.UUID)
	}
	return f(shelf)
}

// SecretValue gives the value, but not a private one's.
func (s *Secrets) SecretValue(_ context.Context, r drivers.Ref) ([]byte, error) {
	def, err := read(s.of(r.UUID), r.UUID)
	if err != nil {
		return nil, err
	}
	if def.Private.Yes() {
		return nil, xml.Errorf(xml.CodeInvalidSecret, "secret is private")
	}
	return s.Value(r)
}

// Value gives the value to a driver that needs it, a private one's too.
func (s *Secrets) Value(r drivers.Ref) ([]byte, error) {
	path := valuePath(s.of(r.UUID), r.UUID)
	value, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(value) == 0:
		return nil, xml.Errorf(xml.CodeNoSecret, "secret '%s' does not have a value", r.UUID)
	case err != nil:
		return nil, drivers.SystemError("cannot read", path, err)
	}
	return value, nil
}

// SetSecretValue keeps a value, for nobody but this user to read.
func (s *Secrets) SetSecretValue(ctx context.Context, r drivers.Ref, value []byte) error {
	return s.with(ctx, r, func(shelf *drivers.Shelf) error {
		if err := writeValue(shelf, r.UUID, value); err != nil {
			return err
		}
		s.kept.Tell(r, "value-changed", "", "")
		return nil
	})
}

// Events follows what becomes of secrets.
func (s *Secrets) Events(ctx context.Context, only *drivers.Ref, _ []string) (<-chan drivers.Event, error) {
	return s.kept.Events(ctx, only)
}
