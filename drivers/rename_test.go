package drivers

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestRenameCutShort: at whatever step a rename ends, the object has one name.
func TestRenameCutShort(t *testing.T) {
	const uuid = "11111111-2222-3333-4444-555555555555"
	doc := func(name string) []byte {
		return []byte("<domain><name>" + name + "</name><uuid>" + uuid + "</uuid></domain>\n")
	}
	begin := func(t *testing.T) (*Store, renaming) {
		dir := t.TempDir()
		s := &Store{Dir: filepath.Join(dir, "etc"), Locks: filepath.Join(dir, "locks"), Index: filepath.Join(dir, "index")}
		if err := s.Write("a", uuid, doc("a")); err != nil {
			t.Fatal(err)
		}
		if err := s.SetMark(AutostartMark, "a", true); err != nil {
			t.Fatal(err)
		}
		folder := [2]string{filepath.Join(dir, "snapshot/a"), filepath.Join(dir, "snapshot/b")}
		if err := MakeDir(folder[0]); err != nil {
			t.Fatal(err)
		}
		return s, renaming{"a", "b", uuid, [][2]string{folder}}
	}
	check := func(t *testing.T, s *Store, r renaming, want string) {
		t.Helper()
		if err := s.Settle(context.Background()); err != nil {
			t.Fatal(err)
		}
		names, err := s.Names()
		name, err2 := s.ByUUID(uuid)
		if err != nil || err2 != nil || len(names) != 1 || names[0] != want || name != want || !s.Marked(AutostartMark, want) {
			t.Errorf("%v, %s: want %s", names, name, want)
		}
		folder := map[string]int{"a": 0, "b": 1}[want]
		if _, err := os.Stat(r.Folders[0][folder]); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(s.Dir, renameFile)); err == nil {
			t.Error("the plan is still there")
		}
	}
	t.Run("whole", func(t *testing.T) {
		s, r := begin(t)
		if err := s.Rename("a", "b", uuid, doc("b"), r.Folders); err != nil {
			t.Fatal(err)
		}
		check(t, s, r, "b")
	})
	steps := []func(s *Store, r renaming){
		func(s *Store, r renaming) {
			plan, _ := json.Marshal(r)
			_ = os.WriteFile(filepath.Join(s.Dir, renameFile), plan, 0o600)
		},
		func(s *Store, r renaming) { _ = os.WriteFile(s.path("b"), doc("b"), 0o600) },
		func(s *Store, r renaming) { _ = s.SetMark(AutostartMark, "b", true) },
		func(s *Store, r renaming) { _ = s.SetMark(AutostartMark, "a", false) },
		func(s *Store, r renaming) { _ = os.Rename(r.Folders[0][0], r.Folders[0][1]) },
		func(s *Store, r renaming) { _ = os.Remove(s.path("a")) },
	}
	for n := 1; n <= len(steps); n++ {
		t.Run(string(rune('0'+n)), func(t *testing.T) {
			s, r := begin(t)
			for _, step := range steps[:n] {
				step(s, r)
			}
			want := "b"
			if n == 1 {
				want = "a"
			}
			check(t, s, r, want)
		})
	}
}
