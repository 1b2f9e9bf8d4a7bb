package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// overlaysFile, in the run folder, names the files that go with the guest. Who
// has locked the domain writes it.
const overlaysFile = "overlays.json"

// madeFile is a file that was made for a guest. The inode tells it from one that
// somebody has put in its place.
type madeFile struct {
	Path   string `json:"path"`
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
}

// fileOf is the file that fi is of, without its path.
func fileOf(fi fs.FileInfo) (m madeFile) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		m.Device, m.Inode = uint64(st.Dev), st.Ino
	}
	return m
}

func (m madeFile) same(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && uint64(st.Dev) == m.Device && st.Ino == m.Inode
}

func madeFiles(dir string) []madeFile {
	var list []madeFile
	if data, err := os.ReadFile(filepath.Join(dir, overlaysFile)); err == nil {
		_ = json.Unmarshal(data, &list) // one that is broken names nothing
	}
	return list
}

// removeMade takes away the files of a guest that has ended.
func removeMade(dir string) {
	for _, m := range madeFiles(dir) {
		if fi, err := os.Lstat(m.Path); err == nil && m.same(fi) {
			os.Remove(m.Path)
		}
	}
}

// makeOverlay makes a transient disk's own file, and notes it in the run folder
// before there is anything in it: an empty one that was not noted harms nobody.
// One that was left behind is replaced, unless a QEMU has it open.
func makeOverlay(ctx context.Context, dir string, f drivers.StartFile, owner *user, lock *drivers.Lock) error {
	if err := dropLeftover(f.Path); err != nil {
		return err
	}
	fail := func(err error) error {
		return xml.Errorf(xml.CodeSystem, "failed to create file '%s': %s", f.Path, drivers.SystemText(unwrapPath(err)))
	}
	file, err := os.OpenFile(f.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fail(err)
	}
	fi, err := file.Stat()
	if err == nil && owner != nil {
		err = file.Chown(int(owner.UID), int(owner.GID))
	}
	file.Close()
	if err != nil {
		os.Remove(f.Path)
		return fail(err)
	}
	made := fileOf(fi)
	made.Path = f.Path
	data, err := json.Marshal(append(madeFiles(dir), made))
	if err == nil {
		err = drivers.ReplaceFile(filepath.Join(dir, overlaysFile), data, 0o600)
	}
	if err == nil {
		err = qemuImg(ctx, lock, overlayArgs(f)...)
	}
	if err != nil {
		os.Remove(f.Path)
	}
	return err
}

// dropLeftover removes what a guest that ended without a word, as with the whole
// machine, has left in an overlay's place.
func dropLeftover(path string) error {
	fi, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !fi.Mode().IsRegular():
		return xml.Errorf(xml.CodeOperationInvalid, "'%s', where the transient disk's own data would lie, is not a file", path)
	case err != nil:
		return xml.Errorf(xml.CodeSystem, "cannot access '%s': %s", path, drivers.SystemText(unwrapPath(err)))
	}
	if lockedImage(path) {
		return xml.Errorf(xml.CodeOperationInvalid, "'%s', where the transient disk's own data would lie, is in use by another guest", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return xml.Errorf(xml.CodeSystem, "cannot remove '%s': %s", path, drivers.SystemText(unwrapPath(err)))
	}
	return nil
}

// lockedImage tells whether a QEMU has an image open: it holds locks of bytes
// from the hundredth on.
func lockedImage(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	l := unix.Flock_t{Type: unix.F_WRLCK, Start: 100, Len: 200}
	return unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &l) == nil && l.Type != unix.F_UNLCK
}
