//go:build unix

package drivers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func newStore(dir string) *Store {
	return &Store{Dir: filepath.Join(dir, "etc"), Locks: filepath.Join(dir, "locks"), Index: filepath.Join(dir, "cache", "index")}
}

func document(uuid, more string) []byte {
	return []byte("<domain>\n  <uuid>" + uuid + "</uuid>\n" + more + "</domain>\n")
}

func put(t *testing.T, s *Store, name, uuid string) {
	t.Helper()
	lock, err := s.LockNames(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	if err := s.Write(name, uuid, document(uuid, "")); err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) {
	s := newStore(t.TempDir())
	if names, err := s.Names(); err != nil || names != nil {
		t.Fatalf("empty: %v %v", names, err)
	}
	put(t, s, "b", "u-b")
	put(t, s, "a", "u-a")
	if name, err := s.ByUUID("u-a"); err != nil || name != "a" {
		t.Errorf("ByUUID: %q %v", name, err)
	}
	put(t, s, "with\nnewline and\ttab", "u-c")
	if name, err := s.ByUUID("u-c"); err != nil || name != "with\nnewline and\ttab" {
		t.Errorf("ByUUID: %q %v", name, err)
	}
	if err := s.Remove("a"); err != nil {
		t.Fatal(err)
	}
	if name, _ := s.ByUUID("u-a"); name != "" {
		t.Errorf("removed, and found: %q", name)
	}
	if _, err := s.Read("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read: %v", err)
	}
	all, err := s.UUIDs()
	if err != nil || len(all) != 2 || all["b"] != "u-b" {
		t.Errorf("UUIDs: %v %v", all, err)
	}
}

// TestIndexStale: what others put into the folder is found.
func TestIndexStale(t *testing.T) {
	s := newStore(t.TempDir())
	put(t, s, "a", "u-a")
	if _, err := s.ByUUID("u-a"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond) // past the clock's grain of the file system
	if err := os.WriteFile(s.path("copied"), document("u-x", ""), 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, s, "after", "u-y") // must not make the stale index look whole
	for uuid, want := range map[string]string{"u-x": "copied", "u-y": "after", "u-a": "a"} {
		if name, err := s.ByUUID(uuid); err != nil || name != want {
			t.Errorf("%s: %q %v", uuid, name, err)
		}
	}
	if err := os.WriteFile(s.Index, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if name, err := s.ByUUID("u-y"); err != nil || name != "after" {
		t.Errorf("after garbage: %q %v", name, err)
	}
}

func TestClash(t *testing.T) {
	s := newStore(t.TempDir())
	put(t, s, "a", "u-a")
	for _, c := range []struct{ name, uuid, want string }{
		{"a", "u-a", ""},
		{"b", "u-b", ""},
		{"a", "u-b", "operation failed: domain 'a' already exists with uuid u-a"},
		{"b", "u-a", "operation failed: domain 'a' is already defined with uuid u-a"},
	} {
		err := s.Clash("domain", c.name, c.uuid)
		if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%s %s: %v", c.name, c.uuid, err)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"", "a/b", "..", ".", "a\x00b", "/"} {
		if CheckName(name) == nil {
			t.Errorf("%q is allowed", name)
		}
		if s := newStore(t.TempDir()); s.Write(name, "u", nil) == nil {
			t.Errorf("%q is written", name)
		}
	}
	for _, name := range []string{"a", "..a", "a b", "ü"} {
		if err := CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestConcurrent: many writers and readers, no lock file is in the way of readers.
func TestConcurrent(t *testing.T) {
	s := newStore(t.TempDir())
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 25 {
				put(t, s, fmt.Sprintf("n%d-%d", w, i), fmt.Sprintf("u%d-%d", w, i))
				if _, err := s.ByUUID("u0-0"); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	all, err := s.UUIDs()
	if err != nil || len(all) != 100 {
		t.Fatalf("%d of 100: %v", len(all), err)
	}
	for name, uuid := range all {
		if got, _ := s.ByUUID(uuid); got != name {
			t.Errorf("%s: %q", uuid, got)
		}
	}
}

// TestKilledWriter kills a process that replaces one file again and again: the
// file is always whole.
func TestKilledWriter(t *testing.T) {
	if dir := os.Getenv("VIRGO_TEST_WRITER"); dir != "" {
		s := newStore(dir)
		for i := 0; ; i++ {
			doc := document("u", strings.Repeat(fmt.Sprintf("<n>%d</n>\n", i), 500))
			if err := s.Write("victim", "u", doc); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir := t.TempDir()
	s := newStore(dir)
	put(t, s, "victim", "u")
	for i := range 20 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWriter$")
		cmd.Env = append(os.Environ(), "VIRGO_TEST_WRITER="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(10+3*i) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		data, err := s.Read("victim")
		if err != nil || !strings.HasSuffix(string(data), "</domain>\n") {
			t.Fatalf("step %d: half a file, %v: %q", i, err, data)
		}
		if name, err := s.ByUUID("u"); err != nil || name != "victim" {
			t.Fatalf("step %d: index: %q %v", i, name, err)
		}
		if names, _ := s.Names(); len(names) != 1 {
			t.Fatalf("step %d: %v", i, names)
		}
	}
	put(t, s, "other", "v")
	if left, _ := filepath.Glob(filepath.Join(s.Dir, tempPrefix+"*")); len(left) > 0 {
		t.Errorf("left by killed writers: %v", left)
	}
}

// FuzzIndex: no index, however broken, makes a look-up fail or invent a name
// that no line has.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("u-a 1\ta\n- 2\ta\nu-b 3\tb\n"), "u-a")
	f.Add([]byte("\n\n \t\nu"), "u")
	f.Fuzz(func(t *testing.T, log []byte, uuid string) {
		name := findUUID(log, uuid)
		if name != "" && !strings.Contains(string(log), uuid) {
			t.Errorf("found %q", name)
		}
		lastStamp(log)
	})
}

func TestLockWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	held, err := LockFile(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := LockFile(ctx, path); err == nil {
		t.Fatal("taken twice")
	}
	if l, err := TryLockFile(path); l != nil || err != nil {
		t.Fatalf("taken twice: %v", err)
	}
	held.Unlock()
	again, err := LockFile(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	again.Unlock()
}

// TestLockObject: objects have locks of their own, and a child that was handed one
// holds it after its parent has let go.
func TestLockObject(t *testing.T) {
	s := newStore(t.TempDir())
	taken := func(name string) bool {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		defer cancel()
		l, err := s.LockObject(ctx, name)
		l.Unlock()
		return err != nil
	}
	a, err := s.LockObject(context.Background(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if !taken("a") || taken("b") || taken(strings.Repeat("a", 250)) {
		t.Error("not the lock of one name")
	}
	child := exec.Command("cat")
	child.ExtraFiles = []*os.File{a.File()}
	in, err := child.StdinPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	a.Unlock()
	if !taken("a") {
		t.Error("the child does not hold it")
	}
	in.Close()
	if err := child.Wait(); err != nil || taken("a") {
		t.Errorf("held after the child's end, %v", err)
	}
}

func TestUndo(t *testing.T) {
	var got []int
	run := func(done bool) {
		var u Undo
		defer u.Run()
		u.Add(func() { got = append(got, 1) })
		u.Add(func() { got = append(got, 2) })
		if done {
			u.Done()
		}
	}
	run(true)
	run(false)
	if fmt.Sprint(got) != "[2 1]" {
		t.Error(got)
	}
}

// TestIndexFollowed: what a store has read of the index holds beside other
// processes that add to it, replace it, or make it anew.
func TestIndexFollowed(t *testing.T) {
	dir := t.TempDir()
	s := newStore(dir)
	find := func(uuid, want string) {
		t.Helper()
		if name, err := s.ByUUID(uuid); err != nil || name != want {
			t.Errorf("%s: %q %v, want %q", uuid, name, err, want)
		}
	}
	put(t, s, "a", "u-a")
	find("u-a", "a")
	other := newStore(dir)
	put(t, other, "b", "u-b")
	find("u-b", "b")
	if err := other.Remove("a"); err != nil {
		t.Fatal(err)
	}
	find("u-a", "")
	if err := os.Remove(s.Index); err != nil {
		t.Fatal(err)
	}
	put(t, newStore(dir), "c", "u-c")
	find("u-c", "c")
	find("u-b", "b")
	// Names come and go until most of the index is about what is gone.
	for i := range 3000 {
		name := fmt.Sprintf("many-%040d", i%10)
		other.note(fmt.Sprintf("u-%d", i), name)
		other.note("-", name)
	}
	long, _ := os.Stat(s.Index)
	find("u-c", "c")
	find("u-2999", "")
	short, err := os.Stat(s.Index)
	if err != nil || short.Size() > 1000 || long.Size() < 128<<10 {
		t.Errorf("%d bytes became %d, %v", long.Size(), short.Size(), err)
	}
	find("u-b", "b")
}

// The table of a session answers as the text does, whatever comes and goes.
func TestIndexTable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var log []byte
		var e entries
		for step := range 60 {
			uuid, name := fmt.Sprint("u", r.IntN(8)), fmt.Sprint("n", r.IntN(8))
			switch r.IntN(12) {
			case 0:
				log = fmt.Appendf(nil, "- %d\t/\n", step) // made anew
			case 1, 2, 3:
				log = fmt.Appendf(log, "- %d\t%s\n", step, name)
			default:
				log = fmt.Appendf(log, "%s %d\t%s\n", uuid, step, name)
			}
			for i := range 8 {
				u := fmt.Sprint("u", i)
				if got, want := e.find(log, u), findUUID(log, u); got != want {
					t.Fatalf("%s: %q, want %q in\n%s", u, got, want, log)
				}
			}
		}
	}
}
