package remote

import (
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawOf gives what readable takes, nil if the connection has none.
func rawOf(conn io.ReadWriteCloser) syscall.RawConn {
	s, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// readable waits until something has come, at most so many milliseconds. The
// thread itself waits: that costs a third of what waking it by Go's poller does,
// and an answer takes no longer than that.
func readable(raw syscall.RawConn, milliseconds int) bool {
	n := 0
	err := raw.Read(func(fd uintptr) bool {
		n, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, milliseconds)
		return true
	})
	return err != nil || n > 0 // an error is the next read's, too
}
