package qemu

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/watch"
	"virgo/xml"
)

// A running guest's share of the host is set in its control group of each
// controller. Where it is in none of its own there, it gets one when it is first
// asked for.

// group is a guest's control group of one controller.
type group struct {
	dir string
	v2  bool
}

// noGroup are the peer's words for a controller that cannot be had.
var noGroup = map[string]string{"cpu": "cgroup CPU controller is not mounted", "memory": "cgroup memory controller is not mounted",
	"blkio": "blkio cgroup isn't mounted", "cpuset": "cgroup cpuset controller is not mounted"}

func groupMissing(controller string) error {
	return xml.Errorf(xml.CodeOperationInvalid, "%s", noGroup[controller])
}

// groupOf finds the guest's group of a controller; own: make it one of its own
// where it is in another's.
func groupOf(s Status, controller string, own bool) (group, error) {
	mount, v2 := watch.ControllerMount(controller)
	if mount == "" {
		return group{}, groupMissing(controller)
	}
	at := groupPath(s.QEMU.PID, controller, v2)
	if above := filepath.Dir(at); watch.IsGuestGroup(filepath.Base(above), s.Name) { // that of the emulator's threads
		at = above
	}
	dir := filepath.Join(mount, at)
	if watch.IsGuestGroup(filepath.Base(at), s.Name) {
		if v2 && !hasWord(filepath.Join(dir, "cgroup.controllers"), v2Name(controller)) {
			return group{}, groupMissing(controller)
		}
		return group{dir, v2}, nil
	}
	if v2 || !own {
		if v2 {
			return group{}, groupMissing(controller)
		}
		return group{dir, false}, nil
	}
	dir, err := watch.JoinGuestGroup(mount, s.Name, s.QEMU.PID, controller == "cpuset")
	if err != nil {
		return group{}, groupMissing(controller)
	}
	return group{dir, false}, nil
}

func v2Name(controller string) string {
	if controller == "blkio" {
		return "io"
	}
	return controller
}

func hasWord(file, word string) bool {
	data, err := os.ReadFile(file)
	return err == nil && slices.Contains(strings.Fields(string(data)), word)
}

// groupPath is a process' group below the mount of a controller.
func groupPath(pid int, controller string, v2 bool) string {
	data, err := os.ReadFile(filepath.Join(procOf(pid), "cgroup"))
	if err != nil {
		return "/"
	}
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.SplitN(line, ":", 3)
		if len(f) == 3 && (v2 && f[1] == "" || !v2 && slices.Contains(strings.Split(f[1], ","), controller)) {
			return f[2]
		}
	}
	return "/"
}

// read gives a file's words.
func (g group) read(name string) []string {
	data, err := os.ReadFile(filepath.Join(g.dir, name))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

// number is the first number in a file; "max" is what none is.
func (g group) number(name string, none int64) int64 {
	f := g.read(name)
	if len(f) == 0 {
		return none
	}
	n, err := strconv.ParseInt(f[0], 10, 64)
	if err != nil {
		return none
	}
	return n
}

func (g group) write(name, value string) error {
	path := filepath.Join(g.dir, name)
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return xml.Errorf(xml.CodeSystem, "Unable to write to '%s': %s", path, drivers.SystemText(unwrapPath(err)))
	}
	return nil
}

func (g group) writeNumber(name string, n int64) error {
	return g.write(name, strconv.FormatInt(n, 10))
}

// sub is a group of threads within the guest's.
func (g group) sub(name string, threads []int) (group, error) {
	s := group{filepath.Join(g.dir, name), g.v2}
	if g.v2 {
		return s, xml.Errorf(xml.CodeUnsupported, "limits of single threads need the first version of control groups")
	}
	if err := os.Mkdir(s.dir, 0o755); err != nil && !os.IsExist(err) {
		return s, xml.Errorf(xml.CodeSystem, "Failed to create cgroup '%s': %s", s.dir, drivers.SystemText(unwrapPath(err)))
	}
	for _, t := range threads {
		if err := s.writeNumber("tasks", int64(t)); err != nil {
			return s, err
		}
	}
	return s, nil
}

// period and quota of a group; -1 is no quota.
func (g group) bandwidth() (period uint64, quota int64) {
	if g.v2 {
		f := g.read("cpu.max")
		period, quota = 100000, -1
		if len(f) == 2 {
			period, _ = strconv.ParseUint(f[1], 10, 64)
			if n, err := strconv.ParseInt(f[0], 10, 64); err == nil {
				quota = n
			}
		}
		return period, quota
	}
	return uint64(g.number("cpu.cfs_period_us", 100000)), g.number("cpu.cfs_quota_us", -1)
}

// setBandwidth sets what is not zero.
func (g group) setBandwidth(period uint64, quota int64) error {
	if g.v2 {
		p, q := g.bandwidth()
		if period != 0 {
			p = period
		}
		if quota != 0 {
			q = quota
		}
		word := "max"
		if q > 0 {
			word = strconv.FormatInt(q, 10)
		}
		return g.write("cpu.max", word+" "+strconv.FormatUint(p, 10))
	}
	if period != 0 {
		if err := g.writeNumber("cpu.cfs_period_us", int64(period)); err != nil {
			return err
		}
	}
	if quota != 0 {
		return g.writeNumber("cpu.cfs_quota_us", max(quota, -1))
	}
	return nil
}

// weights: version two counts from 1 to 10000.
func (g group) shares() uint64 {
	if g.v2 {
		return uint64(g.number("cpu.weight", 100))
	}
	return uint64(g.number("cpu.shares", 1024))
}

func (g group) setShares(n uint64) error {
	if g.v2 {
		if n < 1 || n > 10000 {
			return xml.Errorf(xml.CodeInvalidArg, "shares '%d' must be in range [1, 10000]", n)
		}
		return g.writeNumber("cpu.weight", int64(n))
	}
	if n < 2 || n > 262144 {
		return xml.Errorf(xml.CodeInvalidArg, "shares '%d' must be in range [2, 262144]", n)
	}
	return g.writeNumber("cpu.shares", int64(n))
}

// memoryFiles are the files of limits: hard, soft, with swap.
func (g group) memoryFiles() [3]string {
	if g.v2 {
		return [3]string{"memory.max", "memory.high", "memory.swap.max"}
	}
	return [3]string{"memory.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.memsw.limit_in_bytes"}
}

// noLimit is the number of KiB that means no limit of memory.
const noLimit = 9007199254740991

func (g group) limit(file string) uint64 {
	n := g.number(file, -1)
	if n < 0 || uint64(n)/1024 >= noLimit-4 {
		return noLimit
	}
	return uint64(n) / 1024
}

func (g group) setLimit(file string, kib uint64) error {
	switch {
	case kib < noLimit:
		return g.writeNumber(file, int64(kib*1024))
	case g.v2:
		return g.write(file, "max")
	}
	return g.write(file, "-1")
}

// deviceNumber is "major:minor" of a device of the host.
func deviceNumber(path string) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return "", xml.Errorf(xml.CodeSystem, "Path '%s' is not accessible: %s", path, drivers.SystemText(err))
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return "", xml.Errorf(xml.CodeSystem, "Path '%s' must be a block device: Invalid argument", path)
	}
	return strconv.Itoa(int(unix.Major(st.Rdev))) + ":" + strconv.Itoa(int(unix.Minor(st.Rdev))), nil
}
