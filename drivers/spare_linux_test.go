package drivers

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestSpare: from the third file on one was made ahead; what is written by it is a file like
// the others, over an old one too, and nothing of it is left at the end.
func TestSpare(t *testing.T) {
	s := newStore(t.TempDir())
	s.Lazy = true
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if fd := nameless(s.Dir); fd < 0 {
		t.Skip("this file system has no files without a name")
	} else {
		os.NewFile(uintptr(fd), "").Close()
	}
	before := descriptors(t)
	for i := range 5 {
		name := fmt.Sprint("d", i%4) // the last replaces the first
		if err := s.Write(name, fmt.Sprint(i), document(fmt.Sprint(i), "")); err != nil {
			t.Fatal(err)
		}
		if got, want := s.ahead.made != nil, i > 0; got != want {
			t.Errorf("after write %d one is made ahead: %v", i, got)
		}
	}
	s.Close()
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	for i := range 4 {
		path := filepath.Join(s.Dir, fmt.Sprintf("d%d.xml", i))
		want := document(fmt.Sprint(i), "")
		if i == 0 {
			want = document("4", "")
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %q, %v", path, got, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
		}
	}
	if all, err := filesIn(s.Dir); err != nil || len(all) != 4 {
		t.Errorf("left: %v, %v", all, err)
	}
}

// TestSpareFolderGone: a folder that went between two documents is an error of the open
// that follows, not of the file made ahead.
func TestSpareFolderGone(t *testing.T) {
	var s spare
	dir := t.TempDir()
	for range 3 {
		if f := s.take(dir); f != nil {
			f.Close()
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if f := s.take(dir); f != nil {
		t.Errorf("a file in a folder that is gone: %s", f.Name())
	}
	s.drop()
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
