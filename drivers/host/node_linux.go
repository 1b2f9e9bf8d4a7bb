package host

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

const sysCPU = "/sys/devices/system/cpu"

// CPU is where a logical processor sits.
type CPU struct {
	ID, Socket, Die, Cluster, Core int
	Siblings                       string // threads of the same core, as a cpuset
}

// CPUs lists the online processors.
func CPUs() []CPU {
	set, err := xml.ParseSet(readText(sysCPU + "/online"))
	if err != nil {
		return nil
	}
	var list []CPU
	for id := range set.Last() + 1 {
		if !set.Has(id) {
			continue
		}
		dir := filepath.Join(sysCPU, "cpu"+strconv.Itoa(id), "topology")
		list = append(list, CPU{ID: id, Socket: readInt(dir + "/physical_package_id"), Die: readInt(dir + "/die_id"),
			Cluster: readInt(dir+"/cluster_id") & 0xffff, Core: readInt(dir + "/core_id"), Siblings: readText(dir + "/thread_siblings_list")})
	}
	return list
}

// Topology counts sockets, dies a socket, clusters a die, cores a cluster and
// threads a core.
func Topology(cpus []CPU) (sockets, dies, clusters, cores, threads int) {
	type key [4]int
	seen := [4]map[key]bool{{}, {}, {}, {}}
	for _, c := range cpus {
		cluster := c.Cluster
		if cluster == 0xffff { // the firmware tells of none
			cluster = 0
		}
		for i, k := range []key{{c.Socket}, {c.Socket, c.Die}, {c.Socket, c.Die, cluster}, {c.Socket, c.Die, cluster, c.Core}} {
			seen[i][k] = true
		}
	}
	n := func(i int) int { return max(1, len(seen[i])) }
	return n(0), max(1, n(1)/n(0)), max(1, n(2)/n(1)), max(1, n(3)/n(2)), max(1, len(cpus)/n(3))
}

// Info is what nodeinfo prints.
func Info(context.Context) (drivers.NodeInfo, error) {
	cpus := CPUs()
	info := drivers.NodeInfo{Model: Arch(), CPUs: len(cpus), MHz: mhz(), NUMACells: max(1, len(Cells())), Memory: MemoryKiB()}
	if cells := Cells(); len(cells) > 0 { // what the cells have is what guests can get
		info.Memory = 0
		for _, c := range cells {
			info.Memory += c.Memory
		}
	}
	sockets, dies, clusters, cores, threads := Topology(cpus)
	cells := max(1, info.NUMACells)
	info.Sockets, info.CoresPerSocket, info.Threads = max(1, sockets/cells), dies*clusters*cores, threads
	return info, nil
}

// Arch is the host's architecture in libvirt's words.
func Arch() string {
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		switch m := unix.ByteSliceToString(u.Machine[:]); m {
		case "i386", "i486", "i586":
			return "i686"
		case "amd64":
			return "x86_64"
		default:
			return m
		}
	}
	return runtime.GOARCH
}

func mhz() int {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(data, []byte("cpu MHz"))
	if !ok {
		return 0
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	_, value, _ := strings.Cut(string(line), ":")
	f, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return int(f)
}

// MemoryKiB is the machine's memory.
func MemoryKiB() uint64 {
	var si unix.Sysinfo_t
	if unix.Sysinfo(&si) != nil {
		return 0
	}
	return uint64(si.Totalram) * uint64(si.Unit) / 1024
}

// Cell is a NUMA cell.
type Cell struct {
	ID        int
	Memory    uint64 // KiB
	Pages     []Pages
	Distances []int // to the cells in order
	CPUs      []CPU
}

// Pages counts pages of one size, both in KiB.
type Pages struct{ Size, Count uint64 }

// Cells lists the NUMA cells in order.
func Cells() []Cell {
	dirs, _ := filepath.Glob("/sys/devices/system/node/node[0-9]*")
	byID := make(map[int]CPU)
	for _, c := range CPUs() {
		byID[c.ID] = c
	}
	var cells []Cell
	for _, dir := range dirs {
		id, err := strconv.Atoi(filepath.Base(dir)[len("node"):])
		if err != nil {
			continue
		}
		cell := Cell{ID: id, Memory: cellMemory(dir + "/meminfo")}
		for _, d := range strings.Fields(readText(dir + "/distance")) {
			n, _ := strconv.Atoi(d)
			cell.Distances = append(cell.Distances, n)
		}
		if set, err := xml.ParseSet(readText(dir + "/cpulist")); err == nil {
			for c := range set.Last() + 1 {
				if cpu, ok := byID[c]; ok && set.Has(c) {
					cell.CPUs = append(cell.CPUs, cpu)
				}
			}
		}
		cell.Pages = cellPages(dir, cell.Memory)
		cells = append(cells, cell)
	}
	sort.Slice(cells, func(i, j int) bool { return cells[i].ID < cells[j].ID })
	return cells
}

func cellMemory(meminfo string) uint64 {
	_, rest, ok := strings.Cut(readText(meminfo), "MemTotal:")
	if !ok {
		return 0
	}
	n, _ := strconv.ParseUint(strings.Fields(rest + " 0")[0], 10, 64)
	return n
}

func cellPages(dir string, memory uint64) []Pages {
	page := uint64(os.Getpagesize() / 1024)
	var huge []Pages
	used := uint64(0)
	names, _ := filepath.Glob(dir + "/hugepages/hugepages-*kB")
	for _, n := range names {
		size, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(n), "hugepages-"), "kB"), 10, 64)
		if err != nil {
			continue
		}
		count := uint64(readInt(n + "/nr_hugepages"))
		huge = append(huge, Pages{size, count})
		used += size * count
	}
	sort.Slice(huge, func(i, j int) bool { return huge[i].Size < huge[j].Size })
	return append([]Pages{{page, (memory - min(used, memory)) / page}}, huge...)
}

// PageSizes are the page sizes that the host's CPU can map, KiB.
func PageSizes() []uint64 {
	sizes := []uint64{uint64(os.Getpagesize() / 1024)}
	names, _ := filepath.Glob("/sys/kernel/mm/hugepages/hugepages-*kB")
	for _, n := range names {
		if size, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(n), "hugepages-"), "kB"), 10, 64); err == nil {
			sizes = append(sizes, size)
		}
	}
	sort.Slice(sizes, func(i, j int) bool { return sizes[i] < sizes[j] })
	return sizes
}

func readText(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func readInt(path string) int {
	n, err := strconv.Atoi(readText(path))
	if err != nil {
		return 0
	}
	return n
}

// AddressBits is the width of the processors' physical addresses, 0 if unknown.
func AddressBits() int {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(data, []byte("address sizes"))
	if !ok {
		return 0
	}
	_, value, _ := bytes.Cut(rest, []byte(":"))
	bits, _, _ := strings.Cut(strings.TrimSpace(string(value[:min(len(value), 40)])), " ")
	n, _ := strconv.Atoi(bits)
	return n
}
