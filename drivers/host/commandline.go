package host

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"virgo/drivers/native"
)

// CommandLine is what a script with a command line depends on if it is run
// here: the current folder, the environment, and the images that it names.
func CommandLine(script string) native.Options {
	dir, err := os.Getwd()
	if err != nil {
		dir = ""
	}
	return native.Options{Dir: dir, Format: ImageFormat, Read: smallFile, Env: func(name string) (string, bool) {
		switch {
		case name == "PWD":
			return dir, dir != ""
		case name == "0":
			return script, script != ""
		}
		return os.LookupEnv(name)
	}}
}

// smallFile reads a file that a command line names.
func smallFile(path string) ([]byte, error) {
	const most = 1 << 20
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > most:
		return nil, fmt.Errorf("%s is no file of options", path)
	}
	return os.ReadFile(filepath.Clean(path))
}

// magics are what images of a format begin with, in XML's names.
var magics = []struct {
	at     int
	bytes  string
	format string
}{
	{0, "QFI\xfb\x00\x00\x00\x01", "qcow"}, {0, "QFI\xfb", "qcow2"}, {0, "QED\x00", "qed"}, {0, "KDMV", "vmdk"}, {0, "COWD", "vmdk"}, {0, "# Disk DescriptorFile", "vmdk"},
	{0, "vhdxfile", "vhdx"}, {0, "conectix", "vhd"}, {0, "Bochs Virtual HD Image", "bochs"}, {0x40, "\x7f\x10\xda\xbe", "vdi"}, {0, "WithoutFreeSpace", "ploop"},
	{0, "WithouFreSpacExt", "ploop"},
}

// ImageFormat tells an image's format from its first bytes, raw if it begins
// like none of the others; "" if it cannot be read.
func ImageFormat(path string) string {
	info, err := os.Stat(path) // a pipe would block
	if err != nil || !info.Mode().IsRegular() && info.Mode()&os.ModeDevice == 0 || info.Mode()&os.ModeCharDevice != 0 {
		return ""
	}
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := f.ReadAt(head, 0)
	if n == 0 && err != nil && info.Size() > 0 {
		return ""
	}
	for _, m := range magics {
		if m.at+len(m.bytes) <= n && bytes.HasPrefix(head[m.at:], []byte(m.bytes)) {
			return m.format
		}
	}
	return "raw"
}
