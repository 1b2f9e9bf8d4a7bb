package drivers

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virgo/xml"
)

type noJournal struct{ told []string }

func (j *noJournal) Append(e Event)                               { j.told = append(j.told, e.Ref.Name+" "+e.Detail) }
func (j *noJournal) Follow(context.Context) (<-chan Event, error) { return make(chan Event), nil }

func TestShelf(t *testing.T) {
	ctx := context.Background()
	j := &noJournal{}
	root := RootAt(t.TempDir())
	s := Shelf{Kind: Pool, Noun: "storage pool", Short: "pool", Miss: xml.CodeNoPool}.At(root, "storage", func(string) Journal { return j })
	const one, two = "11110000-3333-4444-5555-666677778888", "21110000-3333-4444-5555-666677778888"
	put := func(name, uuid string) error {
		_, err := s.Put(ctx, name, uuid, func() ([]byte, error) {
			return []byte("<pool><name>" + name + "</name><uuid>" + uuid + "</uuid></pool>"), nil
		})
		return err
	}
	expect := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	}
	if err := put("a", one); err != nil {
		t.Fatal(err)
	}
	expect("the name of another", put("a", two), "pool 'a' already exists with uuid "+one)
	expect("the UUID of another", put("b", one), "pool 'a' is already defined with uuid "+one)
	expect("a name that leaves the folder", put("../b", two), "cannot contain '/'")
	_, err := s.Lookup(ctx, ByUUID, two)
	expect("no such UUID", err, "no storage pool with matching uuid '"+two+"'")
	r, err := s.Lookup(ctx, ByUUID, one)
	if err != nil || r.Name != "a" {
		t.Fatal(r, err)
	}
	if err := s.SetAutostart(ctx, r, true); err != nil {
		t.Fatal(err)
	}
	// A document that somebody has broken is listed, and can be dropped.
	if err := os.WriteFile(filepath.Join(root.Etc, "storage", "broken.xml"), []byte("<pool"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := s.Entries(Filter{}, func(*Entry, []byte) {})
	if err != nil || len(all) != 2 || !all[0].Autostart || all[1].Name != "broken" {
		t.Fatal(all, err)
	}
	if err := s.Drop(ctx, all[1].Ref); err != nil {
		t.Fatal(err)
	}
	expect("a change that fails", s.Change(ctx, r, func([]byte) ([]byte, error) { return nil, xml.Errorf(xml.CodeXML, "no") }), "no")
	if doc, err := s.Read(r); err != nil || !strings.Contains(string(doc), "<name>a") {
		t.Fatal(string(doc), err)
	}
	s.Tell(r, "lifecycle", "Defined", "")
	if len(j.told) != 1 || j.told[0] != "a Defined" {
		t.Error(j.told)
	}
	if err := s.Drop(ctx, r); err != nil {
		t.Fatal(err)
	}
	expect("what is gone", s.Drop(ctx, r), "no storage pool with matching name 'a'")
}

// TestFollow: of the events of all objects those of one get through.
func TestFollow(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	j := feed(make(chan Event, 3))
	for _, n := range []string{"a", "b", "a"} {
		j <- Event{Ref: Ref{Name: n}}
	}
	close(j)
	events, err := Follow(ctx, j, &Ref{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for e := range events {
		n++
		if e.Ref.Name != "a" {
			t.Error(e.Ref.Name)
		}
	}
	if n != 2 {
		t.Error(n)
	}
}

type feed chan Event

func (feed) Append(Event)                                   {}
func (f feed) Follow(context.Context) (<-chan Event, error) { return f, nil }
