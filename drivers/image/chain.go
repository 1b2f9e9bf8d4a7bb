package image

import (
	"os"
	"path/filepath"
	"strings"
)

// Open reads the header of a file or device.
func Open(path string) (Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	return Read(f)
}

// Relative tells whether a name of a backing file depends on where the image lies.
func Relative(name string) bool {
	return !filepath.IsAbs(name) && !strings.HasPrefix(name, "json:") && !isURI(name)
}

// isURI tells whether a name has a protocol, as QEMU finds it: letters before
// the first colon, if that comes before the first slash.
func isURI(name string) bool {
	scheme, _, ok := strings.Cut(name, ":")
	return ok && !strings.Contains(scheme, "/")
}

// Local is the path of a backing file that a header of the image at path names;
// ok: it is a local file.
func Local(path, backing string) (file string, ok bool) {
	if rest, found := strings.CutPrefix(backing, "file:"); found && !strings.HasPrefix(rest, "//") {
		backing = rest
	}
	switch {
	case filepath.IsAbs(backing):
		return backing, true
	case !Relative(backing):
		return "", false
	}
	return filepath.Join(filepath.Dir(path), backing), true
}
