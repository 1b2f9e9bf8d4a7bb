package drivers

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestApart: the folder above the definitions is marked when they get theirs, where the file
// system has such marks, and one that is there already stays as it is.
func TestApart(t *testing.T) {
	flags := func(dir string) int {
		fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		f, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
		if err != nil {
			t.Skipf("this file system has no marks: %v", err)
		}
		return f
	}
	probe := t.TempDir()
	if mark(probe); flags(probe)&topDir == 0 {
		t.Skip("this file system has no such mark")
	}
	for _, there := range []bool{false, true} {
		root := t.TempDir()
		s := newStore(root)
		s.Dir = filepath.Join(root, "etc", "kind")
		if there {
			if err := MakeDir(s.Dir); err != nil {
				t.Fatal(err)
			}
		}
		if err := MakeDir(filepath.Join(root, "etc", tempPrefix+"killed")); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(root, "etc", tempPrefix+"file") // that another process is writing
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Write("a", "1", document("1", "")); err != nil {
				t.Fatal(err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(root, "etc", tempPrefix+"*")); !there && (len(left) != 1 || left[0] != file) {
			t.Errorf("left: %v", left)
		}
		if marked := flags(filepath.Dir(s.Dir))&topDir != 0; marked == there {
			t.Errorf("folder there before: %v, marked: %v", there, marked)
		}
	}
}
