package watch

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// hierarchies are those of control groups: where, and of which controllers;
// none for the unified one.
func hierarchies() (list []hierarchy) {
	data, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil
	}
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) < 4:
		case f[2] == "cgroup":
			list = append(list, hierarchy{f[1], strings.Split(f[3], ",")})
		case f[2] == "cgroup2":
			list = append(list, hierarchy{f[1], nil})
		}
	}
	return list
}

type hierarchy struct {
	dir         string
	controllers []string
}

// ControllerMount is where the hierarchy of a controller is mounted, "" if nowhere;
// v2: it is the unified one.
func ControllerMount(controller string) (dir string, v2 bool) {
	for _, h := range hierarchies() {
		if slices.Contains(h.controllers, controller) {
			return h.dir, false
		}
		if h.controllers == nil && dir == "" {
			dir = h.dir
		}
	}
	return dir, dir != ""
}

// IsGuestGroup tells whether a group of that name is the guest's own.
func IsGuestGroup(base, guest string) bool {
	return base == "virgo-"+groupName(guest) || strings.HasPrefix(base, "virgo-") && strings.HasSuffix(base, "-"+groupName(guest)+".scope")
}

// JoinGuestGroup puts a process into the guest's own group below a mount. One of
// CPU sets begins with what its parent has, or nothing could run in it.
func JoinGuestGroup(mount, guest string, pid int, sets bool) (string, error) {
	dir := filepath.Join(mount, "virgo-"+groupName(guest))
	if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
		return "", err
	}
	if sets {
		for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
			data, err := os.ReadFile(filepath.Join(mount, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), data, 0)
			}
			if err != nil {
				return "", err
			}
		}
	}
	return dir, os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
}

// DropGroups removes the groups of a guest that has ended, once they are empty.
func DropGroups(guest string) {
	for _, dir := range guestGroups(guest) {
		_ = os.Remove(dir)
	}
}

// guestGroups are all groups that a guest has made, those within them first.
func guestGroups(guest string) []string {
	var found []string
	for _, h := range hierarchies() {
		dir := filepath.Join(h.dir, "virgo-"+groupName(guest))
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		within, _ := filepath.Glob(filepath.Join(dir, "*", "cgroup.procs"))
		for _, w := range within {
			found = append(found, filepath.Dir(w))
		}
		found = append(found, dir)
	}
	return found
}
