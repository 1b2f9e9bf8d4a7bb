//go:build unix

package shell

import (
	"os"

	"golang.org/x/sys/unix"
)

// lock takes the file for this process alone.
func lock(f *os.File) (func(), error) {
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, err
	}
	return func() { _ = unix.Flock(int(f.Fd()), unix.LOCK_UN) }, nil
}
