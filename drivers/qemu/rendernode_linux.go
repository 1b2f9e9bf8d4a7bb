package qemu

import (
	"os"
	"path/filepath"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// driFolder has the nodes of the host's graphics cards.
const driFolder = "/dev/dri"

// renderNode is the first card of the host that can be drawn with, in the order of
// the folder itself.
func renderNode() (string, error) {
	dir, err := os.Open(driFolder)
	if err != nil {
		return "", xml.Errorf(xml.CodePlain, "cannot open directory '%s': %s", driFolder, drivers.SystemText(unwrapPath(err)))
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return "", xml.Errorf(xml.CodePlain, "Unable to read directory '%s': %s", driFolder, drivers.SystemText(unwrapPath(err)))
	}
	for _, name := range names {
		if strings.HasPrefix(name, "renderD") {
			return filepath.Join(driFolder, name), nil
		}
	}
	return "", xml.Errorf(xml.CodeInternal, "No DRM render nodes available")
}
