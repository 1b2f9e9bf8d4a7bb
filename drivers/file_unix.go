//go:build unix

package drivers

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// OpenFile opens a regular file as os.OpenFile does, without asking the kernel
// whether the file could be waited for: half the system calls.
func OpenFile(path string, flag int, mode os.FileMode) (*os.File, error) {
	for {
		fd, err := unix.Open(path, flag|unix.O_CLOEXEC, uint32(mode.Perm()))
		if err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// temporary makes a new file in a folder, for this user alone.
func temporary(dir string) (*os.File, error) {
	for {
		f, err := OpenFile(filepath.Join(dir, tempPrefix+strconv.FormatUint(rand.Uint64(), 36)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, os.ErrExist) {
			return f, err
		}
	}
}

// rename replaces a file; unlike os.Rename it does not look first whether a
// folder stands there, which the kernel refuses anyway.
func rename(from, to string) error {
	for {
		err := unix.Rename(from, to)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
	}
}

// SyncDir makes the folder's entries durable. A folder that cannot be synced
// (some network file systems) is left to the kernel.
func SyncDir(dir string) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return
	}
	for errors.Is(unix.Fsync(fd), unix.EINTR) {
	}
	unix.Close(fd)
}
