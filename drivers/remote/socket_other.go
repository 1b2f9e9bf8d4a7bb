//go:build !linux

package remote

import (
	"context"
	"errors"
	"net"
	"os"
)

// socket is for systems on which a thread may wait for an answer itself.
type socket struct {
	net.Conn
	unix bool
}

func dialSocket(context.Context, string) (*socket, error) { return nil, errors.ErrUnsupported }

func ownSocket(net.Conn) (*socket, bool) { return nil, false }

func (s *socket) patient() {}

func (s *socket) receive(p []byte) (int, []*os.File, error) {
	n, err := s.Read(p)
	return n, nil, err
}

func (s *socket) try([]byte) int { return 0 }

func (s *socket) send(*os.File) error { return errors.ErrUnsupported }
