//go:build !unix

package remote

import (
	"errors"
	"io"
	"os"
	"os/exec"
)

func passesFiles(io.ReadWriteCloser) bool { return false }

func areOpen([]*os.File) error { return nil }

func sendFiles(io.ReadWriteCloser, []*os.File) error { return errors.ErrUnsupported }

func receive(conn io.ReadWriteCloser, p []byte) (int, []*os.File, error) {
	n, err := conn.Read(p)
	return n, nil, err
}

func writable(os.FileInfo) bool { return false }

func apart(*exec.Cmd) {}
