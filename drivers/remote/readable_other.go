//go:build !linux

package remote

import (
	"io"
	"syscall"
)

func rawOf(io.ReadWriteCloser) syscall.RawConn { return nil }

func readable(syscall.RawConn, int) bool { return true }
