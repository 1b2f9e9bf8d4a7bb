package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// LeaveScope takes the process out of its caller's control group, or the end
// of a login session, a oneshot unit or a CI job would take the guest along.
// With systemd it gets a scope of its own, else a group made directly; where
// neither can be had it stays, which harms only those who end groups whole.
func LeaveScope(pid int, name string) {
	if _, err := os.Stat("/run/systemd/private"); err == nil {
		if startScope(pid, name) == nil {
			return
		}
	}
	for _, mount := range groupMounts() {
		join(filepath.Join(mount, "virgo-"+groupName(name)), pid)
	}
}

// join puts a process into a group of that folder. The watcher of a former
// guest of the same name may be removing the folder at this moment, so it is
// made again where it has gone.
func join(dir string, pid int) {
	for range 3 {
		if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
			return
		}
		err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENODEV) {
			return
		}
	}
}

// startScope asks systemd for a transient scope; busctl is part of systemd.
func startScope(pid int, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	bus := "--system"
	if os.Getuid() != 0 {
		bus = "--user"
	}
	unit := fmt.Sprintf("virgo-%d-%s.scope", pid, groupName(name))
	return exec.CommandContext(ctx, "busctl", "--quiet", bus, "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
		"org.freedesktop.systemd1.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail",
		"3", "PIDs", "au", "1", strconv.Itoa(pid), "Description", "s", "virgo guest "+name, "Delegate", "b", "true", "0").Run()
}

// groupName keeps what is safe in a unit's or folder's name.
func groupName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' {
			return r
		}
		return '_'
	}, name)
	return safe[:min(len(safe), 60)]
}

// groupMounts are the hierarchies by which processes are ended: the unified one
// and systemd's named one.
func groupMounts() []string {
	data, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil
	}
	var found []string
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		if f[2] == "cgroup2" || f[2] == "cgroup" && strings.Contains(f[3], "name=") {
			found = append(found, f[1])
		}
	}
	return found
}

// RemoveGroup removes the groups that LeaveScope made, once they are empty but
// for the calling watcher. Leaving a group takes the kernel tens of
// milliseconds: nobody should wait for it.
func RemoveGroup(name string) {
	for _, mount := range groupMounts() {
		if _, err := os.Stat(filepath.Join(mount, "virgo-"+groupName(name))); err == nil {
			_ = os.WriteFile(filepath.Join(mount, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0)
		}
	}
	DropGroups(name)
}
