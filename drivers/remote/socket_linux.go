package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a connection that the thread which waits for an answer reads itself.
// Waking it by Go's poller costs as much as the daemon's answer takes to come; but
// each socket that is waited for has a thread: of many at once none is one.
type socket struct {
	use  sync.RWMutex // held while the descriptor is used; for writing, while it is closed
	fd   int
	unix bool
	over bool
}

// lookUp is after what time a waiting thread looks whether it is to stop.
var lookUp = unix.Timeval{Usec: 50_000}

// dialSocket connects to a path.
func dialSocket(ctx context.Context, path string) (*socket, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	for {
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
		if err != unix.EAGAIN && err != unix.EINTR {
			break
		}
		select { // so many others wait to be let in
		case <-ctx.Done():
			unix.Close(fd)
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	return newSocket(fd, true)
}

// ownSocket takes a connection over from Go's poller, if it can.
func ownSocket(conn net.Conn) (*socket, bool) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, false
	}
	fd := -1
	raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 3) })
	if fd < 0 || err != nil {
		return nil, false
	}
	s, err := newSocket(fd, false)
	if err != nil {
		return nil, false
	}
	conn.Close()
	return s, true
}

func newSocket(fd int, local bool) (*socket, error) {
	s := &socket{fd: fd, unix: local}
	err := unix.SetNonblock(fd, false)
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &lookUp)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return s, nil
}

// patient has reading wait as long as it takes.
func (s *socket) patient() {
	s.do(func() error { return unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{}) })
}

// do uses the descriptor.
func (s *socket) do(f func() error) error {
	s.use.RLock()
	defer s.use.RUnlock()
	if s.over {
		return os.ErrClosed
	}
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

// receive reads what is there, or waits for it: os.ErrDeadlineExceeded after a moment.
func (s *socket) receive(p []byte) (n int, files []*os.File, err error) {
	err = s.do(func() (err error) {
		if !s.unix {
			n, err = unix.Read(s.fd, p)
			return err
		}
		var beside [filesSpace]byte
		var size int
		n, size, _, _, err = unix.Recvmsg(s.fd, p, beside[:], unix.MSG_CMSG_CLOEXEC)
		if err == nil && size > 0 {
			files, err = filesOf(beside[:size])
		}
		return err
	})
	switch {
	case errors.Is(err, unix.EAGAIN):
		return 0, nil, os.ErrDeadlineExceeded
	case err != nil:
		return max(n, 0), files, err
	case n == 0:
		return 0, files, io.EOF
	}
	return n, files, nil
}

// Read reads as a stream's reader wants it.
func (s *socket) Read(p []byte) (int, error) {
	n, files, err := s.receive(p)
	closeFiles(files)
	return n, err
}

// try sends as much of a packet as goes at once.
func (s *socket) try(p []byte) (n int) {
	s.do(func() (err error) {
		n, err = unix.SendmsgN(s.fd, p, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		return err
	})
	return max(n, 0)
}

// Write sends all of it. Close ends that, too.
func (s *socket) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		err := s.do(func() error {
			n, err := unix.SendmsgN(s.fd, p[done:], nil, nil, unix.MSG_NOSIGNAL)
			done += max(n, 0)
			return err
		})
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// send passes an open file with a byte of its own.
func (s *socket) send(f *os.File) error {
	return s.do(func() error {
		return unix.Sendmsg(s.fd, []byte{0}, syscall.UnixRights(int(f.Fd())), nil, unix.MSG_NOSIGNAL)
	})
}

// Close ends the connection. Who reads or writes is woken first.
func (s *socket) Close() error {
	s.do(func() error { return unix.Shutdown(s.fd, unix.SHUT_RDWR) })
	s.use.Lock()
	defer s.use.Unlock()
	if s.over {
		return os.ErrClosed
	}
	s.over = true
	return unix.Close(s.fd)
}
