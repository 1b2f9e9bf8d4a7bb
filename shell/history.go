package shell

import (
	"os"
	"path/filepath"
	"strings"

	"virgo/commands"
)

// historyLimit is how many lines are remembered.
const historyLimit = 500

// history is the file of what was typed at prompts, shared by all of them.
// Lines are appended under a lock; one that holds several is kept as one.
type history struct {
	name string
	last string
}

// openHistory finds the file: one in the cache folder.
func openHistory(s *commands.Session) *history {
	dir := s.Getenv("XDG_CACHE_HOME")
	if dir == "" {
		home := s.Getenv("HOME")
		if home == "" {
			return &history{}
		}
		dir = filepath.Join(home, ".cache")
	}
	if s.Name == "virsh" {
		return &history{name: filepath.Join(dir, "libvirt", "virsh", "history")}
	}
	return &history{name: filepath.Join(dir, "virgo", "history")}
}

// read gives the lines, the oldest first.
func (h *history) read() []string {
	data, err := os.ReadFile(h.name)
	if err != nil {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) > historyLimit {
		lines = lines[len(lines)-historyLimit:]
	}
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "\r", "\n")
	}
	if n := len(lines); n > 0 {
		h.last = lines[n-1]
	}
	return lines
}

// add remembers a line; one that repeats the last one, or begins with a blank,
// is not kept. A history that cannot be written is no reason to stop.
func (h *history) add(line string) bool {
	if line == h.last || strings.HasPrefix(line, " ") {
		return false
	}
	h.last = line
	if h.name == "" {
		return true
	}
	if err := os.MkdirAll(filepath.Dir(h.name), 0o700); err != nil {
		return true
	}
	f, err := os.OpenFile(h.name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return true
	}
	defer f.Close()
	unlock, err := lock(f)
	if err != nil {
		return true
	}
	defer unlock()
	_, _ = f.WriteString(strings.ReplaceAll(line, "\n", "\r") + "\n")
	h.trim(f)
	return true
}

// trim cuts a file that has grown to several times what is read.
func (h *history) trim(f *os.File) {
	info, err := f.Stat()
	if err != nil || info.Size() < 256<<10 {
		return
	}
	lines := h.read()
	if f.Truncate(0) == nil {
		for _, l := range lines {
			_, _ = f.WriteString(strings.ReplaceAll(l, "\n", "\r") + "\n")
		}
	}
}
