package drivers

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// How old a file of a cache may become: one that is half written is its writer's
// for a minute, and one that nobody had to make anew for long is of a program or an
// emulator that is gone.
const (
	halfCached = time.Minute
	longCached = 90 * 24 * time.Hour
)

// Cache keeps a derived file, and takes away what is too old beside it. One that
// cannot be kept costs time only, so nothing is said of that.
func Cache(path string, data []byte) {
	dir := filepath.Dir(path)
	if os.MkdirAll(dir, 0o700) != nil || ReplaceFile(path, data, 0o600) != nil {
		return
	}
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		limit := longCached
		if strings.HasPrefix(e.Name(), tempPrefix) {
			limit = halfCached
		} else if e.IsDir() {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > limit {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
