//go:build !unix

package remote

import (
	"io"
	"os"

	"virgo/xml"
)

func sendFiles(io.ReadWriteCloser, []*os.File) error {
	return xml.Bare(xml.CodeInternal, "internal error: file descriptor passing is not supported on this connection")
}
