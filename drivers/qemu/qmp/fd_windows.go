package qmp

import (
	"errors"
	"os"
)

// SendFile is Send; a file cannot be passed on this system.
func (c *Conn) SendFile(command string, args any, file *os.File) (*Pending, error) {
	if file != nil {
		return nil, errors.New("files cannot be passed on this system")
	}
	cmd := map[string]any{"execute": command}
	if args != nil {
		cmd["arguments"] = args
	}
	return c.send(cmd, command, c.write)
}
