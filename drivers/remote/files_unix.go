//go:build unix

package remote

import (
	"io"
	"net"
	"os"
	"syscall"

	"virgo/xml"
)

// sendFiles passes open files, each with a byte of its own as libvirt does it.
func sendFiles(conn io.ReadWriteCloser, files []*os.File) error {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return xml.Bare(xml.CodeInternal, "internal error: file descriptor passing is not supported on this connection")
	}
	for _, f := range files {
		if _, _, err := u.WriteMsgUnix([]byte{0}, syscall.UnixRights(int(f.Fd())), nil); err != nil {
			return err
		}
	}
	return nil
}
