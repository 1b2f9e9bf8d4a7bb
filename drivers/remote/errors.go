package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/xml"
)

// daemonError reads an error that the daemon sent: its class and its text, which
// is complete.
func daemonError(body []byte) error {
	d := decoder{buf: body}
	code, _ := d.uint32(), d.uint32()
	text := ""
	if d.uint32() != 0 {
		text = d.string()
	}
	if d.err != nil {
		return xml.Bare(xml.CodeRPC, "Unable to decode message payload")
	}
	if code == uint32(libvirt.ErrRPC) && strings.HasPrefix(text, "unknown procedure") {
		code = uint32(libvirt.ErrNoSupport) // an older daemon
	}
	if code == uint32(libvirt.ErrNoNetworkMetadata) {
		code = uint32(xml.CodeNoMetadata)
	}
	if text == "" {
		text = "Unknown problem"
	}
	return xml.Bare(xml.Code(code), "%s", text)
}

// lost is the error of a link that broke while it was read or written.
func lost(err error, writing bool) error {
	var wrong *packetError
	var known *xml.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &wrong):
		return xml.Bare(xml.CodeRPC, "%s", wrong.text)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed):
		return xml.Bare(xml.CodeSystem, "End of file while reading data: Input/output error")
	case writing:
		return xml.Bare(xml.CodeSystem, "Cannot write data: %s", systemText(err))
	}
	return xml.Bare(xml.CodeSystem, "Cannot recv data: %s", systemText(err))
}

// systemText is an error of the system in its own words, as libc has them.
func systemText(err error) string {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return err.Error()
	}
	text := no.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// stoppedError is that of a call whose context has ended; it wraps the context's.
type stoppedError struct{ error }

func (e stoppedError) Error() string {
	if errors.Is(e.error, context.DeadlineExceeded) {
		return "the daemon has not answered in time"
	}
	return "interrupted while the daemon was waited for"
}

func (e stoppedError) Unwrap() error { return e.error }

func stopped(ctx context.Context) error { return stoppedError{ctx.Err()} }
