package qemu

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// hugePages reads where file systems of huge pages are mounted: those of /proc whose
// type is hugetlbfs. The host's usual size is that of /proc/meminfo.
func hugePages() HugePages {
	var h HugePages
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		h.Default = usualHugePage(string(data))
	}
	data, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return h
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 3 || f[2] != "hugetlbfs" {
			continue
		}
		path := mountPath(f[1])
		var st unix.Statfs_t
		if unix.Statfs(path, &st) == nil && st.Bsize > 0 {
			h.Mounts = append(h.Mounts, HugeMount{Path: path, KiB: uint64(st.Bsize) / 1024})
		}
	}
	return h
}

// dropMemory takes away the folders in which a guest's memory lay.
func dropMemory(l Layout, s Status) {
	os.RemoveAll(l.ramDir(s.ID, s.Name))
	for _, m := range hugePages().Mounts {
		os.RemoveAll(l.memoryDir(m.Path, s.ID, s.Name))
	}
}

// openAbove makes what is above folders for memory in huge pages, where others may
// have folders, too; what is the root's own stays closed. What cannot be made is told
// when the folder itself is to be.
func (l Layout) openAbove(folders []string) {
	for _, dir := range folders {
		if !strings.HasPrefix(dir, l.Lib+"/") {
			_ = os.MkdirAll(filepath.Dir(dir), 0o755)
		}
	}
}

// letIn lets a user reach a folder that virgo made for itself.
func letIn(dir string) {
	for dir = filepath.Dir(dir); dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		fi, err := os.Stat(dir)
		if err != nil || fi.Mode().Perm() != 0o700 {
			return
		}
		_ = os.Chmod(dir, 0o711)
	}
}
