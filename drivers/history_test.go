//go:build unix

package drivers

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// withHistory is a store that keeps former definitions; config is its root's configuration.
func withHistory(t *testing.T, config string) *Store {
	root := RootAt(t.TempDir())
	step := 0
	root.By = func() string { step++; return fmt.Sprintf("step %d/%%", step) }
	s := root.Store("qemu")
	if config != "" {
		if err := MakeDir(root.Etc); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.History.Config, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *Store) mustWrite(t *testing.T, name, more string) {
	t.Helper()
	if err := s.Write(name, "u", document("u", more)); err != nil {
		t.Fatal(err)
	}
}

// story is an object's history in a line.
func story(t *testing.T, s *Store, name string) string {
	t.Helper()
	list, err := s.Revisions(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range list {
		data, _, err := s.Revision(name, r.Number)
		if err != nil {
			t.Fatal(err)
		}
		text := "-"
		if len(data) > 0 {
			text = strings.TrimSuffix(strings.Split(string(data), "\n")[2], "</domain>")
		}
		out = append(out, fmt.Sprintf("%d %s %s", r.Number, r.Change, text))
	}
	return strings.Join(out, ", ")
}

func undo(t *testing.T, s *Store, name string, number int) (gone bool, err error) {
	t.Helper()
	_, gone, err = s.Undo(name, number, func([]byte) error { return nil })
	return gone, err
}

func TestHistory(t *testing.T) {
	s := withHistory(t, "")
	s.mustWrite(t, "a", "1")
	s.mustWrite(t, "a", "1") // says nothing new
	if got := story(t, s, "a"); got != "" {
		t.Errorf("of one definition: %s", got)
	}
	if _, err := undo(t, s, "a", 0); err == nil {
		t.Error("undone, though nothing was before it")
	}
	s.mustWrite(t, "a", "2")
	if err := s.SetMark(AutostartMark, "a", true); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove("a"); err != nil {
		t.Fatal(err)
	}
	if got := story(t, s, "a"); got != "1 changed 1, 2 undefined 2" {
		t.Errorf("undefined: %s", got)
	}
	former, err := s.Former()
	if err != nil || len(former) != 1 || former[0].Name != "a" || former[0].Last.Command != "step 2/%" {
		t.Errorf("former: %v %v", former, err)
	}
	if gone, err := undo(t, s, "a", 0); gone || err != nil || !s.Has("a") || !s.Marked(AutostartMark, "a") {
		t.Errorf("undo of undefine: %v %v", gone, err)
	}
	if gone, err := undo(t, s, "a", 0); !gone || err != nil || s.Has("a") {
		t.Errorf("undo of that: %v %v", gone, err)
	}
	if gone, err := undo(t, s, "a", 1); gone || err != nil {
		t.Errorf("undo to a number: %v %v", gone, err)
	}
	if gone, err := undo(t, s, "a", 1); gone || err == nil {
		t.Error("the same once more")
	}
	if former, _ := s.Former(); former != nil {
		t.Errorf("former: %v", former)
	}
	if got := story(t, s, "a"); got != "1 changed 1, 2 undefined 2, 3 restored -, 4 undefined 2, 5 restored -" {
		t.Error(got)
	}
	if _, _, err := s.Undo("a", 2, func([]byte) error { return os.ErrPermission }); err != os.ErrPermission {
		t.Errorf("refused: %v", err)
	}
}

// TestHistoryBounds: the oldest revisions go, and the objects that have been gone for longest.
func TestHistoryBounds(t *testing.T) {
	s := withHistory(t, "history = 3 # revisions\nhistory_undefined=4\n")
	for i := range 10 {
		s.mustWrite(t, "a", fmt.Sprint(i))
	}
	if got := story(t, s, "a"); got != "7 changed 6, 8 changed 7, 9 changed 8" {
		t.Error(got)
	}
	for i := range 12 {
		name := fmt.Sprint("gone", i)
		s.mustWrite(t, name, "x")
		if err := s.Remove(name); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	former, err := s.Former()
	if err != nil || len(former) < 4 || len(former) > 6 || former[len(former)-1].Name != "gone9" {
		t.Errorf("former: %v %v", former, err)
	}
	off := withHistory(t, "history = 0\n")
	off.mustWrite(t, "a", "1")
	off.mustWrite(t, "a", "2")
	if err := off.Remove("a"); err != nil {
		t.Fatal(err)
	}
	if got := story(t, off, "a"); got != "" {
		t.Errorf("turned off: %s", got)
	}
}

// TestHistoryCutShort: what a kill leaves between two steps is no revision.
func TestHistoryCutShort(t *testing.T) {
	s := withHistory(t, "")
	s.mustWrite(t, "a", "1")
	dir := filepath.Join(s.History.Dir, "a")
	if err := MakeDir(dir); err != nil {
		t.Fatal(err)
	}
	r := Revision{Number: 1, Time: time.Now(), Change: Redefined}
	if err := os.Link(s.path("a"), filepath.Join(dir, r.fileName(""))); err != nil {
		t.Fatal(err)
	}
	if got := story(t, s, "a"); got != "" {
		t.Errorf("a link to what stands: %s", got)
	}
	s.mustWrite(t, "a", "2")
	if got := story(t, s, "a"); got != "1 changed 1" {
		t.Error(got)
	}
	if err := s.Remove("a"); err != nil {
		t.Fatal(err)
	}
	if err := s.markAbsence("a"); err != nil {
		t.Fatal(err)
	}
	if got := story(t, s, "a"); got != "1 changed 1, 2 undefined 2" {
		t.Errorf("a mark of a definition that never came: %s", got)
	}
	if gone, err := undo(t, s, "a", 0); gone || err != nil {
		t.Fatal(gone, err)
	}
	if got := story(t, s, "a"); got != "1 changed 1, 2 undefined 2, 3 restored -" {
		t.Error(got)
	}
}

// TestHistoryNames: the longest name that can be defined has a history, and no
// name leaves its folder.
func TestHistoryNames(t *testing.T) {
	s := withHistory(t, "")
	long := strings.Repeat("n", 251)
	s.mustWrite(t, long, "1")
	s.mustWrite(t, long, "2")
	if got := story(t, s, long); got != "1 changed 1" {
		t.Error(got)
	}
	for _, name := range []string{long, "a~000001.1.u.x", "@at", "per%cent", "ümlaut", "line\nbreak", "\xff"} {
		if err := s.Write(name, "u", []byte("<domain>\n  <name>"+name+"</name>\n3</domain>")); err != nil {
			t.Fatal(err)
		}
		if err := s.Remove(name); err != nil {
			t.Fatal(err)
		}
		if got := story(t, s, name); !strings.HasSuffix(got, " undefined 3") && !strings.Contains(name, "\n") {
			t.Errorf("%q: %s", name, got)
		}
		former, err := s.Former()
		if found := slices.ContainsFunc(former, func(f FormerObject) bool { return f.Name == name }); err != nil || found == strings.Contains(name, "\xff") {
			t.Errorf("%q among %v: %v", name, former, err)
		}
		if _, err := undo(t, s, name, 0); err != nil || !s.Has(name) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"..", "../qemu", "a/b", ""} {
		if _, err := undo(t, s, name, 0); err == nil {
			t.Errorf("%q undone", name)
		}
	}
}

// FuzzRevision: names of files are read without harm, and what is written reads back.
func FuzzRevision(f *testing.F) {
	f.Add("000001.1795641271078386.c.define %2Ftmp.xml", "define /a.xml")
	f.Add("1.2.u%.%", "%")
	f.Add("x.y.z", "a\x00\n/%41")
	f.Fuzz(func(t *testing.T, file, command string) {
		parseRevision(file)
		r := Revision{Number: 3, Time: time.UnixMicro(1795641271078386), Change: Dropped, Autostart: true, Command: command}
		name := r.fileName(keyOf(file))
		if len(name) > 255 || strings.ContainsAny(name, "/\x00\n") {
			t.Fatalf("%q makes %q", command, name)
		}
		got, ok := parseRevision(strings.TrimPrefix(name, keyOf(file)))
		if !ok || got.Number != 3 || !got.Time.Equal(r.Time) || got.Change != Dropped || !got.Autostart {
			t.Fatalf("%q: %+v", name, got)
		}
		if len(command) < 60 && !strings.Contains(command, "\ufffd") && strings.ToValidUTF8(command, "") == command && got.Command != command {
			t.Fatalf("%q became %q", command, got.Command)
		}
	})
}
