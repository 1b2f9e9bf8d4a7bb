package drivers

import (
	"context"
	"errors"
	"hash/fnv"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// objectLocks is the file whose bytes are the locks of a store's objects.
const objectLocks = "objects.lock"

// lockNamed takes the lock of a name: the byte of one file that the name's hash
// says. A file for each would be made at the object's first use, and that is dear:
// the fsync of the definition that follows has to carry it along. Two names of one
// hash only share a lock. As with LockFile the lock belongs to the open file, and so
// to every process that has inherited it.
func lockNamed(ctx context.Context, dir, name string) (*Lock, error) {
	h := fnv.New64a()
	h.Write([]byte(name))
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: int64(h.Sum64() >> 2), Len: 1}
	l, err := lockOpened(ctx, filepath.Join(dir, objectLocks), func(fd int) error {
		return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &lock)
	})
	if errors.Is(err, unix.EINVAL) { // a kernel without such locks, as some sandboxes have
		return lockOwn(ctx, dir, name)
	}
	return l, err
}
