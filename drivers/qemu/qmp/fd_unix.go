//go:build unix

package qmp

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// SendFile is Send with a file passed beside the command, as getfd and add-fd
// take it; file may be nil.
func (c *Conn) SendFile(command string, args any, file *os.File) (*Pending, error) {
	cmd := map[string]any{"execute": command}
	if args != nil {
		cmd["arguments"] = args
	}
	if file == nil {
		return c.send(cmd, command, c.write)
	}
	sock, ok := c.rw.(*net.UnixConn)
	if !ok {
		return nil, errors.New("files can be passed through a unix socket only")
	}
	return c.send(cmd, command, func(line []byte) error {
		_, _, err := sock.WriteMsgUnix(line, unix.UnixRights(int(file.Fd())), nil)
		return err
	})
}
