// Package bhyve turns command lines of FreeBSD's hypervisor bhyve, and of its
// loaders, into domains and back. It is pure.
package bhyve

import (
	"strings"

	"virgo/xml"
)

// The programs, where FreeBSD has them.
const (
	programPath = "/usr/sbin/bhyve"
	loaderPath  = "/usr/sbin/bhyveload"
)

func failed(format string, args ...any) error {
	return xml.Errorf(xml.CodeOperationFailed, format, args...)
}

func unsupported(format string, args ...any) error {
	return xml.Errorf(xml.CodeConfigUnsupported, format, args...)
}

// base is a path's last part.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
