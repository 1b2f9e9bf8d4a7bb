package drivers

import (
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// spare is a file without a name, made in the background while the one before is
// written. To make an inode can be the dearest step of a definition: ext4 without a
// journal looks at every one that was deleted in the last minutes. A kill leaves nothing.
type spare struct {
	mu    sync.Mutex
	found bool     // a file was asked for: more are likely
	made  chan int // receives its descriptor, -1 if there is none; nil: none is being made
}

// take gives the file that was made ahead, now under a temporary name in the folder, nil
// if there is none. From the second call on another is made.
func (s *spare) take(dir string) *os.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	fd := s.wait()
	if s.found {
		made := make(chan int, 1)
		s.made = made
		go func() { made <- nameless(dir) }()
	}
	s.found = true
	if fd < 0 {
		return nil
	}
	path := temporaryName(dir)
	err := unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	if err != nil { // /proc need not be there
		unix.Close(fd)
		return nil
	}
	return os.NewFile(uintptr(fd), path)
}

// drop closes a file that nobody took.
func (s *spare) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fd := s.wait(); fd >= 0 {
		unix.Close(fd)
	}
}

// wait gives the file that is being made, -1 if none is. The caller holds the lock.
func (s *spare) wait() int {
	if s.made == nil {
		return -1
	}
	fd := <-s.made
	s.made = nil
	return fd
}

// nameless makes a file without a name; -1: this file system has none, or another reason
// that an open of a file with a name will tell.
func nameless(dir string) int {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return -1
	}
	return fd
}
