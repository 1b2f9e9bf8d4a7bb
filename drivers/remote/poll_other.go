//go:build !linux

package remote

import (
	"io"
	"syscall"
)

func rawOf(io.ReadWriteCloser) syscall.RawConn { return nil }

func poll(syscall.RawConn, bool, int) bool { return true }
