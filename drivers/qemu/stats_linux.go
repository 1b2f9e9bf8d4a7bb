package qemu

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/image"
	"virgo/drivers/moment"
	"virgo/drivers/qemu/block"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

var (
	_ drivers.DiskStatser   = (*domains)(nil)
	_ drivers.DiskErrorer   = (*domains)(nil)
	_ drivers.IfaceStatser  = (*domains)(nil)
	_ drivers.MemoryStatser = (*domains)(nil)
	_ drivers.CPUStatser    = (*domains)(nil)
	_ drivers.Statser       = (*domains)(nil)
	_ drivers.Controller    = (*domains)(nil)
)

// blockUse is what QEMU counts of a disk.
type blockUse struct {
	QDev  string
	Stats struct {
		ReadOps    uint64 `json:"rd_operations"`
		ReadBytes  uint64 `json:"rd_bytes"`
		ReadTime   uint64 `json:"rd_total_time_ns"`
		WriteOps   uint64 `json:"wr_operations"`
		WriteBytes uint64 `json:"wr_bytes"`
		WriteTime  uint64 `json:"wr_total_time_ns"`
		FlushOps   uint64 `json:"flush_operations"`
		FlushTime  uint64 `json:"flush_total_time_ns"`
		Highest    uint64 `json:"wr_highest_offset"`
	}
	Parent *struct {
		Stats struct {
			Highest uint64 `json:"wr_highest_offset"`
		}
	}
}

// diskOf finds a disk by its target or source.
func diskOf(dom *xml.Domain, name string) *xml.Disk {
	for i := range dom.Devices.Disks {
		k := &dom.Devices.Disks[i]
		s := k.Source
		if k.Target != nil && k.Target.Dev == name || s != nil && name != "" && (s.File == name || s.Dev == name || s.Name == name) {
			return k
		}
	}
	return nil
}

// ofDisk tells whether QEMU's path of a device is that of an alias.
func ofDisk(qdev, alias string) bool {
	for _, part := range strings.Split(qdev, "/") {
		if part == alias && alias != "" {
			return true
		}
	}
	return false
}

// blockUses are the counters of all disks.
func blockUses(ctx context.Context, q *qmp.Conn) ([]blockUse, error) {
	var list []blockUse
	return list, refusal("query-blockstats", q.Execute(ctx, "query-blockstats", nil, &list))
}

func useOfDisk(list []blockUse, alias string) *blockUse {
	for i := range list {
		if ofDisk(list[i].QDev, alias) {
			return &list[i]
		}
	}
	return nil
}

// DiskStats tells of a disk's traffic, or with "" of that of all.
func (d *domains) DiskStats(ctx context.Context, r drivers.Ref, disk string, _ bool) ([]drivers.Param, error) {
	dom, err := d.liveDomain(ctx, r)
	if err != nil {
		return nil, &drivers.ParamError{Err: err}
	}
	var list []blockUse
	err = d.asked(ctx, r, func(q *qmp.Conn) (err error) { list, err = blockUses(ctx, q); return err })
	if err != nil {
		return nil, err
	}
	var sum [8]uint64
	add := func(u *blockUse) {
		s := &u.Stats
		for i, v := range [...]uint64{s.ReadOps, s.ReadBytes, s.WriteOps, s.WriteBytes, s.FlushOps, s.ReadTime, s.WriteTime, s.FlushTime} {
			sum[i] += v
		}
	}
	if disk == "" {
		for i := range list {
			add(&list[i])
		}
	} else {
		k := diskOf(dom, disk)
		if k == nil {
			return nil, &drivers.ParamError{Err: xml.Errorf(xml.CodeInvalidArg, "invalid path: %s", disk)}
		}
		u := useOfDisk(list, aliasOf(k.Alias))
		if u == nil {
			return nil, xml.Errorf(xml.CodeInternal, "cannot find statistics for device '%s'", aliasOf(k.Alias))
		}
		add(u)
	}
	var out []drivers.Param
	for i, name := range [...]string{"rd_req", "rd_bytes", "wr_req", "wr_bytes", "flush_operations", "rd_total_times", "wr_total_times", "flush_total_times"} {
		out = append(out, drivers.Param{Name: name, Value: int64(sum[i])})
	}
	return out, nil
}

// liveDomain is the live document of a guest, or the error that it does not run.
func (d *domains) liveDomain(ctx context.Context, r drivers.Ref) (*xml.Domain, error) {
	if _, running := d.touch(ctx, r.Name); !running {
		return nil, notRunning()
	}
	return readLive(d.layout.guest(r.Name))
}

// diskSize is how large a disk is, as DiskInfo tells it.
type diskSize struct{ capacity, allocation, physical uint64 }

// DiskInfo tells how large a disk is: what the guest sees, what the host's
// file takes, and how long it is.
func (d *domains) DiskInfo(ctx context.Context, r drivers.Ref, disk string) (capacity, allocation, physical uint64, err error) {
	dom, running, err := d.either(ctx, r, 0)
	if err != nil {
		return 0, 0, 0, err
	}
	k := diskOf(dom, disk)
	if k == nil {
		return 0, 0, 0, xml.Errorf(xml.CodeInvalidArg, "invalid path %s not assigned to domain", disk)
	}
	if emptySource(k.Source) {
		return 0, 0, 0, xml.Errorf(xml.CodeInvalidArg, "disk '%s' does not currently have a source assigned", disk)
	}
	if k.Type == "volume" {
		path, err := d.volume(k.Source.Pool, k.Source.Volume)
		if err != nil {
			return 0, 0, 0, err
		}
		disk, source := *k, *k.Source
		source.Local, disk.Source = path, &source
		k = &disk
	}
	size, err := imageSize(k)
	if err != nil {
		return 0, 0, 0, err
	}
	if running {
		err = d.asked(ctx, r, func(q *qmp.Conn) error {
			n, err := virtualSize(ctx, q, k)
			if err == nil && n > 0 {
				size.capacity = n
			}
			return err
		})
	}
	return size.capacity, size.allocation, size.physical, err
}

// virtualSize is the size that the guest sees of a disk, 0 where QEMU does not know
// it. The image's own node is asked: what a filter above it says may be former.
func virtualSize(ctx context.Context, q *qmp.Conn, k *xml.Disk) (uint64, error) {
	var list []struct {
		Node  string `json:"node-name"`
		Image struct {
			Size uint64 `json:"virtual-size"`
		}
	}
	if err := q.Execute(ctx, "query-named-block-nodes", map[string]bool{"flat": true}, &list); err != nil {
		return 0, refusal("query-named-block-nodes", err)
	}
	top := block.ChainOf(k).Layers[0]
	for _, n := range list {
		if n.Node == top.Node() {
			return n.Image.Size, nil
		}
	}
	return 0, nil
}

// imageSize is what the host's file system says of a disk's image, and the
// capacity that its format tells.
func imageSize(k *xml.Disk) (diskSize, error) {
	path := moment.Image(k)
	if k.Type == "network" && k.Source != nil {
		return diskSize{}, xml.Errorf(xml.CodeInternal, "missing storage backend for network files using %s protocol", k.Source.Protocol)
	}
	if path == "" {
		return diskSize{}, xml.Errorf(xml.CodeUnsupported, "the size of a disk of type '%s' can be told only while it is used", k.Type)
	}
	f, err := os.Open(path)
	if err != nil {
		return diskSize{}, xml.Errorf(xml.CodeSystem, "cannot open file '%s': %s", path, drivers.SystemText(unwrapPath(err)))
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return diskSize{}, xml.Errorf(xml.CodeSystem, "failed to seek to end of %s: %s", path, drivers.SystemText(unwrapPath(err)))
	}
	size := diskSize{uint64(end), uint64(end), uint64(end)}
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		size.allocation = uint64(st.Blocks) * 512
	}
	switch {
	case k.Driver != nil && layered(k.Driver.Type):
		if info, err := image.ReadAs(f, k.Driver.Type); err == nil && info.Capacity > 0 {
			size.capacity = info.Capacity
		}
	case k.Encryption != nil && k.Encryption.Format == "luks" || k.Source.Encryption != nil && k.Source.Encryption.Format == "luks":
		if info, err := image.ReadAs(f, "raw"); err == nil && info.Offset < size.capacity {
			size.capacity -= info.Offset
		}
	}
	return size, nil
}

// DiskErrors tells which disks QEMU has stopped for.
func (d *domains) DiskErrors(ctx context.Context, r drivers.Ref) ([]drivers.DiskError, error) {
	dom, err := d.liveDomain(ctx, r)
	if err != nil {
		return nil, err
	}
	var list []struct {
		QDev   string
		Status string `json:"io-status"`
	}
	if err := d.ask(ctx, r, "query-block", nil, &list); err != nil {
		return nil, err
	}
	words := map[string]string{"nospace": "no space", "failed": "unspecified error"}
	var out []drivers.DiskError
	for i := range dom.Devices.Disks {
		k := &dom.Devices.Disks[i]
		for _, b := range list {
			if text := words[b.Status]; text != "" && ofDisk(b.QDev, aliasOf(k.Alias)) {
				out = append(out, drivers.DiskError{Disk: k.Target.Dev, Error: text})
			}
		}
	}
	return out, nil
}

// ifaceCounters are the names of what the guest's end counts, and the columns
// of /proc/net/dev (of this process's network namespace, which /sys may not be of)
// in which the host's end has it: what the host sends, the guest receives.
var ifaceCounters = [...]struct {
	name   string
	column int
}{{"rx_bytes", 8}, {"rx_packets", 9}, {"rx_errs", 10}, {"rx_drop", 11}, {"tx_bytes", 0}, {"tx_packets", 1}, {"tx_errs", 2}, {"tx_drop", 3}}

// hostCounters are the columns of an interface's line.
func hostCounters(table, dev string) []string {
	for line := range strings.Lines(table) {
		if name, rest, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == dev {
			return strings.Fields(rest)
		}
	}
	return nil
}

// IfaceStats tells of the traffic of an interface that has an end on the host.
func (d *domains) IfaceStats(ctx context.Context, r drivers.Ref, device string) ([]drivers.Param, error) {
	dom, err := d.liveDomain(ctx, r)
	if err != nil {
		return nil, err
	}
	for i := range dom.Devices.Interfaces {
		n := &dom.Devices.Interfaces[i]
		if n.Target == nil || n.Target.Dev == "" || n.Target.Dev != device && (n.MAC == nil || !strings.EqualFold(n.MAC.Address, device)) {
			continue
		}
		table, err := os.ReadFile("/proc/self/net/dev")
		if err != nil {
			return nil, xml.Errorf(xml.CodeSystem, "cannot read the interfaces' counters: %s", drivers.SystemText(unwrapPath(err)))
		}
		columns := hostCounters(string(table), n.Target.Dev)
		if len(columns) < 16 {
			return nil, xml.Errorf(xml.CodeInternal, "Interface not found")
		}
		var out []drivers.Param
		for _, c := range ifaceCounters {
			at := c.column
			if onCard(n) { // a macvtap counts as the guest does
				at = (at + 8) % 16
			}
			v, _ := strconv.ParseInt(columns[at], 10, 64)
			out = append(out, drivers.Param{Name: c.name, Value: v})
		}
		return out, nil
	}
	for i := range dom.Devices.Interfaces {
		if n := &dom.Devices.Interfaces[i]; n.MAC != nil && strings.EqualFold(n.MAC.Address, device) { // it has no end on the host
			return nil, xml.Errorf(xml.CodeInternal, "Interface name not provided")
		}
	}
	return nil, xml.Errorf(xml.CodeInvalidArg, "'%s' is not a known interface", device)
}

// onCard tells whether an interface is a macvtap on a card.
func onCard(n *xml.Interface) bool {
	return n.Type == "direct" || n.Type == "network" && n.Source != nil && n.Source.Bridge == "" && n.Source.Dev != ""
}

// balloonNames are the guest's counters: QEMU's names, ours, and whether they
// are bytes, which are told as KiB.
var balloonNames = []struct {
	qemu, name string
	bytes      bool
}{{"stat-swap-in", "swap_in", true}, {"stat-swap-out", "swap_out", true}, {"stat-major-faults", "major_fault", false},
	{"stat-minor-faults", "minor_fault", false}, {"stat-free-memory", "unused", true}, {"stat-total-memory", "available", true},
	{"stat-available-memory", "usable", true}, {"stat-disk-caches", "disk_caches", true}, {"stat-htlb-pgalloc", "hugetlb_pgalloc", false},
	{"stat-htlb-pgfail", "hugetlb_pgfail", false}}

// balloonPath is the balloon's place in QEMU, "" without one.
func balloonPath(dom *xml.Domain) string {
	b := dom.Devices.Memballoon
	if b == nil || b.Model == "none" || b.Model == "xen" || b.Alias == nil {
		return ""
	}
	return "/machine/peripheral/" + b.Alias.Name
}

// MemoryStats tells of the guest's memory, as its balloon reports it.
func (d *domains) MemoryStats(ctx context.Context, r drivers.Ref) ([]drivers.Param, error) {
	dom, err := d.liveDomain(ctx, r)
	if err != nil {
		return nil, err
	}
	out := []drivers.Param{}
	if path := balloonPath(dom); path != "" {
		err := d.asked(ctx, r, func(q *qmp.Conn) error {
			var now struct{ Actual uint64 }
			if err := q.Execute(ctx, "query-balloon", nil, &now); err != nil {
				return refusal("query-balloon", err)
			}
			out = append(out, drivers.Param{Name: "actual", Value: now.Actual / 1024})
			var guest struct {
				Stats map[string]uint64
				Last  uint64 `json:"last-update"`
			}
			err := q.Execute(ctx, "qom-get", map[string]string{"path": path, "property": "guest-stats"}, &guest)
			var refused *qmp.Error
			if errors.As(err, &refused) { // no guest has reported yet
				err = nil
			}
			const unknown = 1<<64 - 1
			for _, n := range balloonNames {
				v, ok := guest.Stats[n.qemu]
				if !ok || v == unknown {
					continue
				}
				if n.bytes {
					v /= 1024
				}
				out = append(out, drivers.Param{Name: n.name, Value: v})
			}
			out = append(out, drivers.Param{Name: "last_update", Value: guest.Last})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if s, err := readStatus(d.layout.guest(r.Name)); err == nil {
		out = append(out, drivers.Param{Name: "rss", Value: residentKiB(s.QEMU.PID)})
	}
	return out, nil
}

// residentKiB is the memory that a process has in the host's.
func residentKiB(pid int) uint64 {
	data, err := os.ReadFile(filepath.Join(procOf(pid), "statm"))
	f := strings.Fields(string(data))
	if err != nil || len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseUint(f[1], 10, 64)
	return pages * uint64(os.Getpagesize()) / 1024
}

// SetMemoryPeriod says how often the guest reports of its memory.
func (d *domains) SetMemoryPeriod(ctx context.Context, r drivers.Ref, seconds int, f drivers.Flags) error {
	edit := func(dom *xml.Domain) error {
		b := dom.Devices.Memballoon
		if b == nil || b.Model == "none" {
			return xml.Errorf(xml.CodeInternal, "No memory balloon device configured, can not set the collection period")
		}
		b.Stats = nil
		if seconds > 0 {
			b.Stats = &xml.BalloonStats{Period: seconds}
		}
		return nil
	}
	return d.alter(ctx, r, f, edit, func(dom *xml.Domain) error {
		args := map[string]any{"path": balloonPath(dom), "property": "guest-stats-polling-interval", "value": seconds}
		return d.ask(ctx, r, "qom-set", args, nil)
	})
}

// CPUStats tells the CPU time that a guest has used. The kernel no longer
// counts it by the host's CPUs.
func (d *domains) CPUStats(ctx context.Context, r drivers.Ref) ([]uint64, []drivers.Param, error) {
	s, running := d.touch(ctx, r.Name)
	if !running {
		return nil, nil, notRunning()
	}
	u := useOf(filepath.Join(procOf(s.QEMU.PID), "stat"))
	return nil, []drivers.Param{{Name: "cpu_time", Value: uint64(u.user + u.system)}, {Name: "user_time", Value: uint64(u.user)},
		{Name: "system_time", Value: uint64(u.system)}}, nil
}

// Control tells whether the guest's monitor answers.
func (d *domains) Control(ctx context.Context, r drivers.Ref) (string, error) {
	if err := d.ask(ctx, r, "query-status", nil, nil); err != nil {
		return "", err
	}
	return "ok", nil
}
