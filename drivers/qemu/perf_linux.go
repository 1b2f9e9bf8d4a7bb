package qemu

import (
	"context"
	"encoding/binary"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// The watcher holds the host's counters of a guest: they go with whoever opened them.

// perfKinds are the kernel's numbers of events: type and which one. Those that are
// not here need hardware that watches memory and caches.
var perfKinds = map[string][2]uint64{"cpu_cycles": {0, 0}, "instructions": {0, 1}, "cache_references": {0, 2}, "cache_misses": {0, 3},
	"branch_instructions": {0, 4}, "branch_misses": {0, 5}, "bus_cycles": {0, 6}, "stalled_cycles_frontend": {0, 7}, "stalled_cycles_backend": {0, 8},
	"ref_cpu_cycles": {0, 9}, "cpu_clock": {1, 0}, "task_clock": {1, 1}, "page_faults": {1, 2}, "context_switches": {1, 3}, "cpu_migrations": {1, 4},
	"page_faults_min": {1, 5}, "page_faults_maj": {1, 6}, "alignment_faults": {1, 7}, "emulation_faults": {1, 8}}

// counters are open ones, by the names of their events. The zero value is ready.
type counters struct {
	mu   sync.Mutex
	open map[string]int
}

// set begins to count an event of a process, or ends it.
func (c *counters) set(pid int, name string, on bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	fd, there := c.open[name]
	switch {
	case on == there:
		return nil
	case there:
		delete(c.open, name)
		return unix.Close(fd)
	}
	kind, known := perfKinds[name]
	if !known {
		return perfFailed(name)
	}
	attr := unix.PerfEventAttr{Type: uint32(kind[0]), Config: kind[1], Bits: unix.PerfBitInherit}
	attr.Size = uint32(unsafe.Sizeof(attr))
	fd, err := unix.PerfEventOpen(&attr, pid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return xml.Errorf(xml.CodeSystem, "unable to open host cpu perf event for %s: %s", name, drivers.SystemText(err))
	}
	if c.open == nil {
		c.open = make(map[string]int)
	}
	c.open[name] = fd
	return nil
}

func perfFailed(name string) error {
	return xml.Errorf(xml.CodeArgUnsupported, "unable to enable host cpu perf event for %s", name)
}

// read gives what was counted.
func (c *counters) read() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]uint64)
	for name, fd := range c.open {
		var buf [8]byte
		if n, err := unix.Read(fd, buf[:]); err == nil && n == len(buf) {
			out[name] = binary.NativeEndian.Uint64(buf[:])
		}
	}
	return out
}

// perfRequest asks the watcher to count events, or not to.
type perfRequest map[string]bool

func (g *guest) setPerf(r perfRequest) error {
	for name, on := range r {
		if err := g.counters.set(g.status.QEMU.PID, name, on); err != nil {
			return err
		}
	}
	return nil
}

// perfOfDocument begins to count what the document says.
func (g *guest) perfOfDocument(dom *xml.Domain) error {
	for _, e := range dom.Perf {
		if err := g.counters.set(g.status.QEMU.PID, e.Name, e.Enabled == "yes"); err != nil {
			return err
		}
	}
	return nil
}

// perf tells what is counted of a running guest.
func (b *statsOf) perf(ctx context.Context) error {
	if !b.running || len(b.dom.Perf) == 0 {
		return nil
	}
	var counts map[string]uint64
	if err := b.d.ask(ctx, b.r, cmdPerfCounts, nil, &counts); err != nil {
		return err
	}
	for _, e := range b.dom.Perf {
		if n, ok := counts[e.Name]; ok {
			b.add("perf."+e.Name, n)
		}
	}
	return nil
}

// perfLive begins or ends to count events of a running guest.
func (d *domains) perfLive(ctx context.Context, r drivers.Ref, list []drivers.Param) error {
	req := make(perfRequest)
	for _, p := range list {
		req[p.Name], _ = p.Value.(bool)
	}
	return d.ask(ctx, r, cmdPerf, req, nil)
}
