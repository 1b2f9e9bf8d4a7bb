//go:build !(linux && amd64)

package cpu

import (
	"runtime"

	"virgo/xml"
)

// Host is this machine's CPU. On this system it cannot be told.
func Host() (*xml.CPU, error) {
	return nil, xml.Errorf(xml.CodeUnsupported, "the host CPU cannot be read on %s/%s", runtime.GOOS, runtime.GOARCH)
}

// HostModel is Host without what comparisons do not need.
func HostModel() (*xml.CPU, error) { return Host() }

// HostData is this machine's CPU as data that can be asked. On this system it
// cannot be told.
func HostData() (Data, error) {
	_, err := Host()
	return nil, err
}
