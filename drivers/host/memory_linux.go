package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"virgo/drivers"
	"virgo/xml"
)

// NodeMemoryStats tells the host's memory, or that of one NUMA cell, in KiB.
// Source: /proc/meminfo and each node's meminfo, which has no buffers and caches.
func (Facts) NodeMemoryStats(_ context.Context, cell int) ([]drivers.Param, error) {
	text := ""
	labels := [][2]string{{"total", "MemTotal:"}, {"free", "MemFree:"}}
	switch last := len(Cells()) - 1; {
	case cell < -1:
		return nil, xml.Bare(xml.CodeInvalidArg, "cellNum in virNodeGetMemoryStats only accepts -1 as a negative value")
	case cell > last:
		return nil, xml.Bare(xml.CodeInvalidArg, "cellNum in virHostMemGetStats must be less than or equal to %d", last)
	case cell < 0:
		text = readText("/proc/meminfo")
		labels = append(labels, [2]string{"buffers", "Buffers:"}, [2]string{"cached", "\nCached:"}, [2]string{"available", "MemAvailable:"})
	default:
		text = readText(cellDir(cell) + "/meminfo")
	}
	var list []drivers.Param
	for _, l := range labels {
		kib, ok := meminfo(text, l[1])
		if !ok {
			return nil, xml.Errorf(xml.CodeInternal, "no available memory line found")
		}
		list = append(list, drivers.Param{Name: l[0], Value: kib})
	}
	return list, nil
}

// sysKSM is where the kernel shows its merging of equal pages.
const sysKSM = "/sys/kernel/mm/ksm"

// ksm are its numbers by virsh's names; some can be set.
var ksm = []struct {
	name, file string
	wide, set  bool
}{
	{"pages_to_scan", "pages_to_scan", false, true}, {"sleep_millisecs", "sleep_millisecs", false, true},
	{"pages_shared", "pages_shared", true, false}, {"pages_sharing", "pages_sharing", true, false},
	{"pages_unshared", "pages_unshared", true, false}, {"pages_volatile", "pages_volatile", true, false},
	{"full_scans", "full_scans", true, false}, {"merge_across_nodes", "merge_across_nodes", false, true},
}

// NodeMemoryParams are the parameters of shared memory that this kernel has.
func (Facts) NodeMemoryParams(context.Context) ([]drivers.Param, error) {
	var list []drivers.Param
	for _, k := range ksm {
		n, err := strconv.ParseUint(readText(filepath.Join(sysKSM, k.file)), 10, 64)
		switch {
		case err != nil: // older kernels have fewer
		case k.wide:
			list = append(list, drivers.Param{Name: k.name, Value: n})
		default:
			list = append(list, drivers.Param{Name: k.name, Value: uint32(n)})
		}
	}
	return list, nil
}

// SetNodeMemoryParams sets some of them: all, or none where one is refused.
func (Facts) SetNodeMemoryParams(_ context.Context, params []drivers.Param) error {
	var undo drivers.Undo
	defer undo.Run()
	for _, p := range params {
		for _, k := range ksm {
			if k.name != p.Name || !k.set {
				continue
			}
			path := filepath.Join(sysKSM, k.file)
			old := readText(path)
			if err := writeNumber(path, p.Value); err != nil {
				return xml.Errorf(xml.CodeSystem, "failed to set shm_%s: %v", p.Name, err)
			}
			undo.Add(func() { _ = os.WriteFile(path, []byte(old), 0o600) })
		}
	}
	undo.Done()
	return nil
}

// writeNumber writes one of the kernel's numbers.
func writeNumber(path string, value any) error {
	err := os.WriteFile(path, fmt.Append(nil, value), 0o600)
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// AllocPages sets how many huge pages of a size, in KiB, each of some NUMA
// cells has, or adds to them; first -1 leaves it to the kernel where they lie.
func (Facts) AllocPages(_ context.Context, size uint, count uint64, first, cells int, add bool) error {
	if size == uint(os.Getpagesize()/1024) {
		return xml.Errorf(xml.CodeUnsupported, "system pages pool can't be modified")
	}
	name := "hugepages/hugepages-" + strconv.Itoa(int(size)) + "kB"
	dirs := []string{filepath.Join("/sys/kernel/mm", name)}
	where := ""
	if first >= 0 {
		some, err := someCells(first, cells)
		if err != nil {
			return err
		}
		dirs = nil
		for _, c := range some {
			dirs = append(dirs, filepath.Join(cellDir(c.ID), name))
		}
		where = " on node " + strconv.Itoa(first)
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, "nr_hugepages")
		have, err := strconv.ParseUint(readText(path), 10, 64)
		if err != nil {
			return xml.Errorf(xml.CodeOperationFailed, "page size %d is not available%s", size, where)
		}
		want := count
		if add {
			want += have
		}
		if err := writeNumber(path, want); err != nil {
			return xml.Errorf(xml.CodeSystem, "Unable to write to '%s': %v", path, err)
		}
		if got, _ := strconv.ParseUint(readText(path), 10, 64); got != want {
			return xml.Errorf(xml.CodeOperationFailed, "Unable to allocate %d pages. Allocated only %d", want, got)
		}
	}
	return nil
}

// sleeps are the ways to sleep: the kernel's word in /sys/power/state, and the
// peer's name of what is missing.
var sleeps = map[string][2]string{"mem": {"mem", "Suspend-to-RAM"}, "disk": {"disk", "Suspend-to-Disk"}, "hybrid": {"disk", "Hybrid-Suspend"}}

// SuspendHost sends the host to sleep; its clock wakes it after d. It returns
// when the host is awake again.
func (Facts) SuspendHost(ctx context.Context, target string, d time.Duration) error {
	way := sleeps[target]
	if !slices.Contains(strings.Fields(readText("/sys/power/state")), way[0]) {
		return xml.Errorf(xml.CodeArgUnsupported, "%s", way[1])
	}
	if d < time.Minute {
		return xml.Errorf(xml.CodeInvalidArg, "Suspend duration is too short")
	}
	seconds := strconv.Itoa(int(d / time.Second))
	steps := [][]string{{"rtcwake", "-m", way[0], "-s", seconds}}
	if target == "hybrid" {
		steps = [][]string{{"rtcwake", "-m", "no", "-s", seconds}, {"systemctl", "hybrid-sleep"}}
	}
	for _, s := range steps {
		if out, err := exec.CommandContext(ctx, s[0], s[1:]...).CombinedOutput(); err != nil {
			return xml.Errorf(xml.CodeSystem, "%s: %v: %s", strings.Join(s, " "), err, bytes.TrimSpace(out))
		}
	}
	return nil
}
