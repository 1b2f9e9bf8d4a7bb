//go:build unix

package drivers

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"virgo/xml"
)

// LockFile takes the lock of that file, which is made if need be and stays. The
// kernel frees it when the holder dies.
func LockFile(ctx context.Context, path string) (*Lock, error) {
	return lockOpened(ctx, path, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
}

// lockOpened opens a lock file, and asks for a lock on it until it is had.
func lockOpened(ctx context.Context, path string, ask func(fd int) error) (*Lock, error) {
	f, err := OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, SystemError("cannot open lock file", path, err)
	}
	// Locks are held for milliseconds as a rule: ask often at first.
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		err = ask(int(f.Fd()))
		if err == nil {
			return &Lock{file: f}, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, SystemError("cannot lock", path, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, xml.Errorf(xml.CodeTimeout, "cannot acquire lock %s: %v", path, ctx.Err())
		case <-time.After(wait):
		}
	}
}

// TryLockFile takes the lock if it is free; nil, nil is "held by another".
func TryLockFile(path string) (*Lock, error) {
	f, err := OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, SystemError("cannot open lock file", path, err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return &Lock{file: f}, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, SystemError("cannot lock", path, err)
}
