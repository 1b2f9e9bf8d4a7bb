package remote

import (
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawOf gives what poll takes, nil if the connection has none.
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

// poll waits until something has come, or can be sent, at most so many
// milliseconds. The thread itself waits: that costs a third of what waking it by
// Go's poller does, and an answer takes no longer than that.
func poll(raw syscall.RawConn, send bool, milliseconds int) bool {
	n := 0
	wait := func(fd uintptr) bool {
		events := int16(unix.POLLIN)
		if send {
			events = unix.POLLOUT
		}
		n, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, milliseconds)
		return true
	}
	var err error
	if send {
		err = raw.Write(wait)
	} else {
		err = raw.Read(wait)
	}
	return err != nil || n > 0 // an error is that of what follows, too
}
