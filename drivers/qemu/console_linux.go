package qemu

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// Console opens a guest's terminal. One session holds it; with Force a new one
// takes it over.
func (d *domains) Console(ctx context.Context, r drivers.Ref, device string, f drivers.Flags) (io.ReadWriteCloser, error) {
	if _, running := d.touch(ctx, r.Name); !running {
		return nil, notRunning()
	}
	data, err := d.document(r, true, 0)
	if err != nil {
		return nil, err
	}
	dom, err := readDomain(xml.Source{Name: r.Name, Data: data})
	if err != nil {
		return nil, err
	}
	dev := findConsole(dom, device)
	if dev == nil {
		if device == "" {
			return nil, xml.Errorf(xml.CodeInternal, "cannot find character device %s", "(null)")
		}
		return nil, xml.Errorf(xml.CodeInternal, "cannot find character device %s", device)
	}
	if dev.Type != "pty" {
		return nil, xml.Errorf(xml.CodeInternal, "character device %s is not using a PTY or UNIX domain socket", aliasOf(dev.Alias))
	}
	lock := filepath.Join(d.layout.guest(r.Name), "console-"+aliasOf(dev.Alias)+".lock")
	held, err := drivers.TryLockFile(lock)
	if err != nil {
		return nil, err
	}
	if held == nil {
		if !f.Has(drivers.Force) {
			return nil, xml.Errorf(xml.CodeOperationFailed, "Active console session exists for this domain")
		}
		// The holder watches its lock file and lets go when it is taken away.
		os.Remove(lock)
		if held, err = drivers.TryLockFile(lock); err != nil || held == nil {
			return nil, xml.Errorf(xml.CodeOperationFailed, "Active console session exists for this domain")
		}
	}
	tty, err := os.OpenFile(dev.Path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		held.Unlock()
		return nil, xml.Errorf(xml.CodeSystem, "unable to open tty %s: %s", dev.Path, drivers.SystemText(unwrapPath(err)))
	}
	rawMode(tty)
	s := &session{tty: tty, lock: held}
	s.watch(lock)
	return s, nil
}

// rawMode keeps the host's line discipline out of the way of the guest's.
func rawMode(tty *os.File) {
	conn, err := tty.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		t, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		if err != nil {
			return
		}
		t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
		t.Oflag &^= unix.OPOST
		t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
		t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
		_ = unix.IoctlSetTermios(int(fd), unix.TCSETS, t)
	})
}

// findConsole finds a device by alias, or the first console.
func findConsole(dom *xml.Domain, device string) *xml.Chardev {
	v := &dom.Devices
	if device == "" {
		if len(v.Consoles) > 0 {
			return &v.Consoles[0]
		}
		if len(v.Serials) > 0 {
			return &v.Serials[0]
		}
		return nil
	}
	for _, list := range [][]xml.Chardev{v.Consoles, v.Serials, v.Parallels} {
		for i := range list {
			if aliasOf(list[i].Alias) == device {
				return &list[i]
			}
		}
	}
	return nil
}

// session is an open console. The guest's end of a terminal hangs up with it.
type session struct {
	tty    *os.File
	lock   *drivers.Lock
	notify *os.File
	taken  atomic.Bool // another one has it now
}

// Read gives what the guest says; it ends with the guest.
func (s *session) Read(p []byte) (int, error) {
	n, err := s.tty.Read(p)
	switch {
	case err == nil:
	case s.taken.Load():
		err = xml.Errorf(xml.CodeRPC, "stream had I/O failure")
	default: // the terminal has hung up
		err = io.EOF
	}
	return n, err
}

func (s *session) Write(p []byte) (int, error) { return s.tty.Write(p) }

// watch ends the session when another one takes its lock file away.
func (s *session) watch(lock string) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return
	}
	s.notify = os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, lock, unix.IN_DELETE_SELF|unix.IN_ATTRIB); err != nil {
		return
	}
	go func() {
		// Closing the session ends the read, and with it this.
		if _, err := s.notify.Read(make([]byte, 4096)); err == nil {
			s.taken.Store(true)
			s.tty.Close()
		}
	}()
}

// Close ends the session.
func (s *session) Close() error {
	if s.notify != nil {
		s.notify.Close()
	}
	s.lock.Unlock()
	return s.tty.Close()
}
