package drivers

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// LockFile takes the lock of that file, which is made if need be and stays. The
// system frees it when the holder dies.
func LockFile(_ context.Context, path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, SystemError("cannot open lock file", path, err)
	}
	if err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped)); err != nil {
		f.Close()
		return nil, SystemError("cannot lock", path, err)
	}
	return &Lock{file: f}, nil
}

// TryLockFile takes the lock if it is free; nil, nil is "held by another".
func TryLockFile(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, SystemError("cannot open lock file", path, err)
	}
	const mode = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	if err := windows.LockFileEx(windows.Handle(f.Fd()), mode, 0, 1, 0, new(windows.Overlapped)); err != nil {
		f.Close()
		if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
			return nil, nil
		}
		return nil, SystemError("cannot lock", path, err)
	}
	return &Lock{file: f}, nil
}
