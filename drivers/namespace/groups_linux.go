package namespace

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"virgo/xml"
)

// groups are the control groups of a process.
type groups struct {
	tasks   []string // files that take threads, of the first kind
	unified *os.File // the folder, of the second; nil: the root's, or none
}

// controllers are those of the first kind that containers have groups of.
const controllers = " cpu cpuacct cpuset memory devices freezer blkio net_cls perf_event "

// groupsOf finds the control groups of a process.
func groupsOf(pid int) (*groups, error) {
	lines, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return nil, xml.Bare(xml.CodeSystem, "Unable to read the control groups of process %d: %v", pid, bare(err))
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	g := &groups{}
	for _, line := range strings.Split(strings.TrimSpace(string(lines)), "\n") {
		_, rest, _ := strings.Cut(line, ":")
		list, path, ok := strings.Cut(rest, ":")
		first, _, _ := strings.Cut(list, ",")
		switch {
		case !ok || list != "" && !strings.Contains(controllers, " "+first+" "):
			continue
		case list != "":
			if dir := mountOf(mounts, "cgroup", first); dir != "" {
				g.tasks = append(g.tasks, filepath.Join(dir, path, "tasks"))
			}
		case path != "/":
			dir := mountOf(mounts, "cgroup2", "")
			if dir == "" {
				continue
			}
			if g.unified, err = os.Open(filepath.Join(dir, path)); err != nil {
				return nil, xml.Bare(xml.CodeSystem, "Unable to open control group '%s': %v", path, bare(err))
			}
		}
	}
	return g, nil
}

// mountOf finds where control groups are mounted, "" if nowhere.
func mountOf(mountinfo []byte, kind, option string) string {
	for s := bufio.NewScanner(bytes.NewReader(mountinfo)); s.Scan(); {
		left, right, ok := strings.Cut(s.Text(), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 5 || len(r) < 3 || r[0] != kind {
			continue
		}
		if option == "" || strings.Contains(","+r[2]+",", ","+option+",") {
			return strings.ReplaceAll(l[4], `\040`, " ")
		}
	}
	return ""
}

// join puts this thread, and what it starts, into the groups.
func (g *groups) join() error {
	for _, f := range g.tasks {
		if err := os.WriteFile(f, []byte(strconv.Itoa(unix.Gettid())), 0); err != nil {
			return xml.Bare(xml.CodeSystem, "Unable to write to '%s': %v", f, bare(err))
		}
	}
	return nil
}

func (g *groups) close() {
	if g.unified != nil {
		g.unified.Close()
	}
}
