package cpu

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"virgo/xml"
)

// hostTopology reads how the machine's CPUs are grouped from sysfs: sockets
// count for each NUMA node. nil if it cannot be told.
func hostTopology(sys string) *xml.CPUTopology {
	dirs, _ := filepath.Glob(sys + "/cpu/cpu[0-9]*")
	type place struct{ node, socket, die, cluster, core int }
	groups := [5]map[place]map[int]bool{}
	for i := range groups {
		groups[i] = make(map[place]map[int]bool)
	}
	add := func(level int, in place, member int) {
		if groups[level][in] == nil {
			groups[level][in] = make(map[int]bool)
		}
		groups[level][in][member] = true
	}
	for _, dir := range dirs {
		number := func(name string) int {
			text, err := os.ReadFile(dir + "/topology/" + name)
			if err != nil {
				return -1
			}
			n, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				return -1
			}
			return n
		}
		core := number("core_id")
		if core < 0 && number("physical_package_id") < 0 {
			continue // offline
		}
		cpu, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), "cpu"))
		if err != nil {
			continue
		}
		node := 0
		if nodes, _ := filepath.Glob(dir + "/node[0-9]*"); len(nodes) > 0 {
			node, _ = strconv.Atoi(strings.TrimPrefix(filepath.Base(nodes[0]), "node"))
		}
		p := place{node: node, socket: -1, die: -1, cluster: -1, core: -1}
		socket, die, cluster := number("physical_package_id"), max(number("die_id"), 0), max(number("cluster_id"), 0)
		add(0, p, socket)
		p.socket = socket
		add(1, p, die)
		p.die = die
		add(2, p, cluster)
		p.cluster = cluster
		add(3, p, core)
		p.core = core
		add(4, p, cpu)
	}
	count := func(level int) uint32 {
		n := 0
		for _, members := range groups[level] {
			n = max(n, len(members))
		}
		return uint32(n)
	}
	t := &xml.CPUTopology{Sockets: count(0), Dies: count(1), Clusters: count(2), Cores: count(3), Threads: count(4)}
	if t.Sockets == 0 {
		return nil
	}
	return t
}
