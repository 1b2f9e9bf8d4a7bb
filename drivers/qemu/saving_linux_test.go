package qemu

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSweepSaves: only what nobody writes and nobody can use goes.
func TestSweepSaves(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	write := func(name, content string, at time.Time) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	gone := []string{write(".virgo-save-1", unfinished, old), write(".virgo-edit-1", saveMagic, old)}
	kept := []string{write(".virgo-save-2", saveMagic, old), write(".virgo-save-3", unfinished, time.Now()), write("other", unfinished, old)}
	busy := write(".virgo-save-4", unfinished, old)
	f, err := os.Open(busy)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	sweepSaves(dir)
	for _, path := range gone {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	for _, path := range append(kept, busy) {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// TestSettle: what a save came to whose watcher was killed.
func TestSettle(t *testing.T) {
	for _, c := range []struct {
		name  string
		temp  string
		dump  bool
		whole bool
	}{{"half", unfinished, false, false}, {"whole", saveMagic, false, true}, {"dump", saveMagic, true, false}} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s := saving{Temp: filepath.Join(dir, "temp"), Path: filepath.Join(dir, "file"), Dump: c.dump}
			if err := os.WriteFile(s.Temp, []byte(c.temp), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := s.settle(); got != c.whole {
				t.Errorf("whole: %v", got)
			}
			if _, err := os.Stat(s.Temp); err == nil {
				t.Error("the temporary file is still there")
			}
			if _, err := os.Stat(s.Path); (err == nil) != c.whole {
				t.Error(err)
			}
		})
	}
}
