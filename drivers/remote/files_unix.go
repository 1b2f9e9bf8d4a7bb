//go:build unix

package remote

import (
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"virgo/xml"
)

// filesSpace is the room for open files beside what is read at once: libvirt
// passes each on its own.
const filesSpace = 256

// areOpen looks whether files are open, before anything of a call is sent.
func areOpen(files []*os.File) error {
	for _, f := range files {
		if _, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil {
			return xml.Bare(xml.CodeSystem, "Cannot duplicate FD %d: %s", int(f.Fd()), systemText(err))
		}
	}
	return nil
}

// sendFiles passes open files, each with a byte of its own as libvirt does it.
func sendFiles(conn io.ReadWriteCloser, files []*os.File) error {
	var send func(*os.File) error
	switch c := conn.(type) {
	case *socket:
		send = c.send
	case *net.UnixConn:
		send = func(f *os.File) error {
			_, _, err := c.WriteMsgUnix([]byte{0}, syscall.UnixRights(int(f.Fd())), nil)
			return err
		}
	}
	for _, f := range files {
		if err := send(f); err != nil {
			return err
		}
	}
	return nil
}

// receive reads bytes and the open files that come with them.
func receive(conn io.ReadWriteCloser, p []byte) (int, []*os.File, error) {
	switch c := conn.(type) {
	case *socket:
		return c.receive(p)
	case *net.UnixConn:
		var beside [filesSpace]byte
		n, size, _, _, err := c.ReadMsgUnix(p, beside[:])
		if err != nil || size == 0 {
			if n == 0 && err == nil {
				err = io.EOF
			}
			return max(n, 0), nil, err
		}
		files, err := filesOf(beside[:size])
		return n, files, err
	}
	n, err := conn.Read(p)
	return n, nil, err
}

// filesOf opens what came beside bytes.
func filesOf(beside []byte) ([]*os.File, error) {
	list, err := syscall.ParseSocketControlMessage(beside)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, m := range list {
		fds, err := syscall.ParseUnixRights(&m)
		if err != nil {
			continue // something else, which nobody asked for
		}
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files, nil
}

// passesFiles tells whether open files can go over a connection.
func passesFiles(conn io.ReadWriteCloser) bool {
	switch c := conn.(type) {
	case *socket:
		return c.unix
	case *net.UnixConn:
		return true
	}
	return false
}

// writable tells whether others than the user may write a file.
func writable(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid != 0 && int(st.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0
}

// apart has a program outlive this one and its terminal.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
