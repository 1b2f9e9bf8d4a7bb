package qemu

import (
	"strconv"
	"strings"
)

// HugePages is where memory can be had in huge pages.
type HugePages struct {
	Default uint64 // the host's usual size, KiB
	Mounts  []HugeMount
}

// HugeMount is a file system of huge pages.
type HugeMount struct {
	Path string
	KiB  uint64 // size of its pages
}

// usual is the size of pages where none is asked for: the host's usual one, or else
// that of the first mount.
func (h HugePages) usual() uint64 {
	for _, m := range h.Mounts {
		if m.KiB == h.Default {
			return m.KiB
		}
	}
	if len(h.Mounts) > 0 {
		return h.Mounts[0].KiB
	}
	return max(h.Default, 2048)
}

// usualHugePage finds the usual size in the text of /proc/meminfo, KiB; 0: it does
// not tell.
func usualHugePage(meminfo string) uint64 {
	for line := range strings.Lines(meminfo) {
		if rest, ok := strings.CutPrefix(line, "Hugepagesize:"); ok {
			n, _ := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n
		}
	}
	return 0
}

// mountPath is a path of /proc's list of mounts, where blanks are octal numbers.
func mountPath(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
