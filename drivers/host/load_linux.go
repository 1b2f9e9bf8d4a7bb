package host

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// Facts answers the questions about the host that do not depend on the
// hypervisor; local drivers embed it.
type Facts struct{}

// NodeInfo is what nodeinfo prints.
func (Facts) NodeInfo(ctx context.Context) (drivers.NodeInfo, error) { return Info(ctx) }

// Hostname is the host's.
func (Facts) Hostname(context.Context) (string, error) { return os.Hostname() }

// FreeMemory is the host's, in bytes.
func (f Facts) FreeMemory(ctx context.Context) (uint64, error) {
	if cells, err := f.CellsFreeMemory(ctx, 0, len(Cells())); err == nil {
		var sum uint64
		for _, free := range cells {
			sum += free
		}
		return sum, nil
	}
	kib, ok := meminfo(readText("/proc/meminfo"), "MemFree:")
	if !ok {
		return 0, xml.Errorf(xml.CodeInternal, "no MemFree in /proc/meminfo")
	}
	return kib * 1024, nil
}

// CellsFreeMemory is that of some NUMA cells, in bytes.
func (Facts) CellsFreeMemory(_ context.Context, first, count int) ([]uint64, error) {
	cells, err := someCells(first, count)
	var free []uint64
	for _, c := range cells {
		kib, _ := meminfo(readText(cellDir(c.ID)+"/meminfo"), "MemFree:")
		free = append(free, kib*1024)
	}
	return free, err
}

func cellDir(id int) string { return "/sys/devices/system/node/node" + strconv.Itoa(id) }

func someCells(first, count int) ([]Cell, error) {
	cells := Cells()
	if first < 0 || first >= len(cells) {
		return nil, xml.Errorf(xml.CodeInternal, "start cell %d out of range (0-%d)", first, max(0, len(cells)-1))
	}
	return cells[first:min(len(cells), first+count)], nil
}

// meminfo finds a line's number, KiB.
func meminfo(text, label string) (uint64, bool) {
	_, rest, ok := strings.Cut(text, label)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.Fields(rest + " x")[0], 10, 64)
	return n, err == nil
}

// FreePages counts free pages of sizes (KiB) in each of some cells.
func (Facts) FreePages(_ context.Context, sizes []uint, first, count int) ([]uint64, error) {
	cells, err := someCells(first, count)
	if err != nil {
		return nil, err
	}
	page := uint(os.Getpagesize() / 1024)
	var free []uint64
	for _, c := range cells {
		for _, size := range sizes {
			if size == page {
				kib, _ := meminfo(readText(cellDir(c.ID)+"/meminfo"), "MemFree:")
				free = append(free, kib/uint64(page))
				continue
			}
			dir := filepath.Join(cellDir(c.ID), "hugepages", "hugepages-"+strconv.Itoa(int(size))+"kB")
			if _, err := os.Stat(dir); err != nil {
				return nil, xml.Errorf(xml.CodeOperationFailed, "page size %d is not available on node %d", size, c.ID)
			}
			free = append(free, uint64(readInt(dir+"/free_hugepages")))
		}
	}
	return free, nil
}

// CPUMap tells which of the host's processors are on.
func (Facts) CPUMap(context.Context) ([]bool, error) {
	present, err := xml.ParseSet(readText(sysCPU + "/present"))
	if err != nil {
		return nil, err
	}
	online, err := xml.ParseSet(readText(sysCPU + "/online"))
	if err != nil {
		return nil, err
	}
	on := make([]bool, present.Last()+1)
	for i := range on {
		on[i] = online.Has(i)
	}
	return on, nil
}

// CPULoad tells what a processor, or all of them (-1), did since the host
// started, in nanoseconds.
func (Facts) CPULoad(_ context.Context, cpu int) ([]drivers.Param, error) {
	name := "cpu"
	if cpu >= 0 {
		name += strconv.Itoa(cpu)
	}
	for _, line := range strings.Split(readText("/proc/stat"), "\n") {
		f := strings.Fields(line)
		if len(f) < 8 || f[0] != name {
			continue
		}
		tick := func(fields ...int) uint64 {
			var sum uint64
			for _, i := range fields {
				n, _ := strconv.ParseUint(f[i], 10, 64)
				sum += n
			}
			return sum * 10000000 // ticks are hundredths of a second on Linux
		}
		return []drivers.Param{{Name: "kernel", Value: tick(3, 6, 7)}, {Name: "user", Value: tick(1, 2)}, {Name: "idle", Value: tick(4)}, {Name: "iowait", Value: tick(5)}}, nil
	}
	return nil, xml.Errorf(xml.CodePlain, "Invalid cpuNum in virHostCPUGetStatsLinux")
}

// dmiNames are the entries of sysinfo and the kernel's files that have them.
var dmiNames = []struct {
	table   string
	entries [][2]string
}{
	{"bios", [][2]string{{"vendor", "bios_vendor"}, {"version", "bios_version"}, {"date", "bios_date"}, {"release", "bios_release"}}},
	{"system", [][2]string{{"manufacturer", "sys_vendor"}, {"product", "product_name"}, {"version", "product_version"}, {"serial", "product_serial"},
		{"uuid", "product_uuid"}, {"sku", "product_sku"}, {"family", "product_family"}}},
	{"baseBoard", [][2]string{{"manufacturer", "board_vendor"}, {"product", "board_name"}, {"version", "board_version"}, {"serial", "board_serial"}, {"asset", "board_asset_tag"}}},
	{"chassis", [][2]string{{"manufacturer", "chassis_vendor"}, {"version", "chassis_version"}, {"serial", "chassis_serial"}, {"asset", "chassis_asset_tag"}}},
}

// Sysinfo is the host's SMBIOS data, as far as the kernel shows it to this user.
func (Facts) Sysinfo(context.Context) ([]byte, error) {
	root := xml.Element("sysinfo").With("type", "smbios")
	for _, t := range dmiNames {
		n := xml.Element(t.table)
		for _, e := range t.entries {
			if v := readText("/sys/class/dmi/id/" + e[1]); v != "" {
				n.Add(xml.TextElement("entry", v).With("name", e[0]))
			}
		}
		if len(n.Children) > 0 {
			root.Add(n)
		}
	}
	if len(root.Children) == 0 {
		return nil, xml.Errorf(xml.CodeConfigUnsupported, "Host SMBIOS information is not available")
	}
	return root.Print(), nil
}
