package remote

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// unsupported tells whether a daemon's error says that it cannot do this.
func unsupported(err error) bool { return xml.CodeOf(err) == xml.CodeNoSupport }

func formatSeconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// text calls a procedure that answers a document.
func (c *Conn) text(ctx context.Context, procedure uint32, in ...any) ([]byte, error) {
	var doc string
	err := c.call(ctx, procedure, in, &doc)
	return []byte(doc), err
}

// Capabilities is what the host can do.
func (c *Conn) Capabilities(ctx context.Context) ([]byte, error) {
	return c.text(ctx, procConnectGetCapabilities)
}

// emulator is a query as the daemon takes it.
func emulator(q drivers.EmulatorQuery) []any {
	return []any{optional(q.Emulator), optional(q.Arch), optional(q.Machine), optional(q.VirtType)}
}

// DomainCapabilities is what an emulator offers.
func (c *Conn) DomainCapabilities(ctx context.Context, q drivers.EmulatorQuery) ([]byte, error) {
	if q.ExpandCPU || q.SupportedCPU {
		return nil, xml.Bare(xml.CodeInvalidArg, "unsupported flags (0x%x) in function virConnectGetDomainCapabilities", when(q.ExpandCPU, 2)|when(q.SupportedCPU, 4))
	}
	return c.text(ctx, procConnectGetDomainCapabilities, append(emulator(q), when(q.NoDeprecated, 1))...)
}

// CompareCPU compares a CPU with the host's. The results are libvirt's: -1 error, 0
// incompatible, 1 identical, 2 superset.
func (c *Conn) CompareCPU(ctx context.Context, doc []byte, f drivers.CPUFlags) (int, error) {
	var result int32
	err := c.call(ctx, procConnectCompareCPU, []any{string(doc), when(f.FailIncompatible, 1) | when(f.Validate, 2)}, &result)
	return int(result), err
}

// CompareHypervisorCPU compares a CPU with what an emulator offers.
func (c *Conn) CompareHypervisorCPU(ctx context.Context, q drivers.EmulatorQuery, doc []byte, f drivers.CPUFlags) (int, error) {
	var result int32
	err := c.call(ctx, procConnectCompareHypervisorCPU, append(emulator(q), string(doc), when(f.FailIncompatible, 1)|when(f.Validate, 2)), &result)
	return int(result), err
}

func baselineFlags(f drivers.CPUFlags) uint32 {
	return when(f.Features, 1) | when(f.Migratable, 2) | when(f.IgnoreHost, 4)
}

// BaselineCPU finds the CPU that all hosts have.
func (c *Conn) BaselineCPU(ctx context.Context, docs []string, f drivers.CPUFlags) ([]byte, error) {
	return c.text(ctx, procConnectBaselineCPU, docs, baselineFlags(f))
}

// BaselineHypervisorCPU finds the one that an emulator offers on all of them.
func (c *Conn) BaselineHypervisorCPU(ctx context.Context, q drivers.EmulatorQuery, docs []string, f drivers.CPUFlags) ([]byte, error) {
	return c.text(ctx, procConnectBaselineHypervisorCPU, append(emulator(q), docs, baselineFlags(f))...)
}

// CPUModels lists the CPU models of an architecture.
func (c *Conn) CPUModels(ctx context.Context, arch string) ([]string, bool, error) {
	var names []string
	var n int32
	err := c.call(ctx, procConnectGetCPUModelNames, []any{arch, int32(1), uint32(0)}, &names, &n)
	return names, err == nil && n == 0, err
}

// NodeInfo tells about the host's CPUs and memory.
func (c *Conn) NodeInfo(ctx context.Context) (drivers.NodeInfo, error) {
	var i libvirt.NodeGetInfoRet
	err := c.call(ctx, procNodeGetInfo, nil, &i)
	return drivers.NodeInfo{Model: charsText(i.Model[:]), CPUs: int(i.Cpus), MHz: int(i.Mhz), Sockets: int(i.Sockets), CoresPerSocket: int(i.Cores),
		Threads: int(i.Threads), NUMACells: int(i.Nodes), Memory: i.Memory}, err
}

// Hostname is the host's name.
func (c *Conn) Hostname(ctx context.Context) (string, error) {
	name, err := c.text(ctx, procConnectGetHostname)
	return string(name), err
}

// Version is the hypervisor's name and version.
func (c *Conn) Version(ctx context.Context) (string, uint64, error) {
	name, err := c.text(ctx, procConnectGetType)
	if err != nil {
		return "", 0, err
	}
	var version uint64
	err = c.call(ctx, procConnectGetVersion, nil, &version)
	return string(name), version, err
}

// DaemonVersion is the version of the daemon's libvirt.
func (c *Conn) DaemonVersion(ctx context.Context) (uint64, error) {
	var version uint64
	err := c.call(ctx, procConnectGetLibVersion, nil, &version)
	return version, err
}

// ToNative turns a domain into another format.
func (c *Conn) ToNative(ctx context.Context, format string, domain xml.Source) ([]byte, error) {
	return c.text(ctx, procConnectDomainXMLToNative, format, string(domain.Data), uint32(0))
}

// FromNative turns another format into a domain.
func (c *Conn) FromNative(ctx context.Context, format string, config xml.Source) ([]byte, []string, error) {
	doc, err := c.text(ctx, procConnectDomainXMLFromNative, format, string(config.Data), uint32(0))
	return doc, nil, err
}

// MaxVCPUs tells how many vCPUs a guest may have: what the emulator says comes
// before what the driver says, as with virsh.
func (c *Conn) MaxVCPUs(ctx context.Context, virtType string) (int, error) {
	doc, err := c.DomainCapabilities(ctx, drivers.EmulatorQuery{VirtType: virtType})
	if root, e := xml.Parse(xml.Source{Data: doc}); err == nil && e == nil && root.Child("vcpu") != nil {
		text, _ := root.Child("vcpu").Attr("max")
		if n, e := strconv.Atoi(text); e == nil && n > 0 {
			return n, nil
		}
	}
	var n int32
	err = c.call(ctx, procConnectGetMaxVcpus, []any{optional(virtType)}, &n)
	return int(n), err
}

// Sysinfo is the host's SMBIOS data.
func (c *Conn) Sysinfo(ctx context.Context) ([]byte, error) {
	return c.text(ctx, procConnectGetSysinfo, uint32(0))
}

// FreeMemory is the host's free memory.
func (c *Conn) FreeMemory(ctx context.Context) (uint64, error) {
	var n uint64
	err := c.call(ctx, procNodeGetFreeMemory, nil, &n)
	return n, err
}

// CellsFreeMemory is that of cells.
func (c *Conn) CellsFreeMemory(ctx context.Context, first, count int) ([]uint64, error) {
	var list []uint64
	err := c.call(ctx, procNodeGetCellsFreeMemory, []any{int32(first), int32(count)}, &list)
	return list, err
}

// FreePages counts free pages.
func (c *Conn) FreePages(ctx context.Context, sizes []uint, first, count int) ([]uint64, error) {
	pages := make([]uint32, len(sizes))
	for i, s := range sizes {
		pages[i] = uint32(s)
	}
	var list []uint64
	err := c.call(ctx, procNodeGetFreePages, []any{pages, int32(first), uint32(count), uint32(0)}, &list)
	return list, err
}

// AllocPages sets how many huge pages there are.
func (c *Conn) AllocPages(ctx context.Context, size uint, count uint64, first, cells int, add bool) error {
	return c.call(ctx, procNodeAllocPages, []any{[]uint32{uint32(size)}, []uint64{count}, int32(first), uint32(cells), when(!add, 1)})
}

// CPUMap tells which CPUs are on.
func (c *Conn) CPUMap(ctx context.Context) ([]bool, error) {
	var cpus []byte
	var online uint32
	var total int32
	if err := c.call(ctx, procNodeGetCPUMap, []any{int32(1), int32(1), uint32(0)}, &cpus, &online, &total); err != nil {
		return nil, err
	}
	set := setOf(cpus)
	list := make([]bool, min(max(int(total), 0), 8*len(cpus)))
	for i := range list {
		list[i] = set.Has(i)
	}
	return list, nil
}

// numbered is a name with a number, as the host's statistics have them.
type numbered struct {
	Field string
	Value uint64
}

// CPULoad tells how long CPUs were busy with what.
func (c *Conn) CPULoad(ctx context.Context, cpu int) ([]drivers.Param, error) {
	return c.statistics(ctx, procNodeGetCPUStats, func(n int32) []any { return []any{int32(cpu), n, uint32(0)} })
}

// NodeMemoryStats tells of the host's memory.
func (c *Conn) NodeMemoryStats(ctx context.Context, cell int) ([]drivers.Param, error) {
	return c.statistics(ctx, procNodeGetMemoryStats, func(n int32) []any { return []any{n, int32(cell), uint32(0)} })
}

func (c *Conn) statistics(ctx context.Context, procedure uint32, in func(int32) []any) ([]drivers.Param, error) {
	var list []numbered
	var count int32
	err := c.call(ctx, procedure, in(0), &list, &count)
	if err == nil && count > 0 {
		err = c.call(ctx, procedure, in(count), &list)
	}
	var out []drivers.Param
	for _, s := range list {
		out = append(out, drivers.Param{Name: s.Field, Value: s.Value})
	}
	return out, err
}

// counted reads typed parameters of which the daemon says how many there are.
func (c *Conn) counted(ctx context.Context, procedure uint32) ([]drivers.Param, error) {
	var list []libvirt.TypedParam
	var count int32
	err := c.call(ctx, procedure, []any{int32(0), stringsToo}, &list, &count)
	if err == nil && count > 0 {
		err = c.call(ctx, procedure, []any{count, stringsToo}, &list)
	}
	return params(list), err
}

// NodeMemoryParams are the host's parameters of shared memory.
func (c *Conn) NodeMemoryParams(ctx context.Context) ([]drivers.Param, error) {
	list, err := c.counted(ctx, procNodeGetMemoryParameters)
	for i := range list {
		list[i].Name = strings.TrimPrefix(list[i].Name, "shm_")
	}
	return list, err
}

// SetNodeMemoryParams sets them.
func (c *Conn) SetNodeMemoryParams(ctx context.Context, p []drivers.Param) error {
	named := make([]drivers.Param, len(p))
	for i := range p {
		named[i] = drivers.Param{Name: "shm_" + p[i].Name, Value: p[i].Value}
	}
	return c.call(ctx, procNodeSetMemoryParameters, []any{typed(named), uint32(0)})
}

// SEVInfo tells what AMD's memory encryption offers.
func (c *Conn) SEVInfo(ctx context.Context) ([]drivers.Param, error) {
	return c.counted(ctx, procNodeGetSevInfo)
}

// SuspendHost sends the host to sleep.
func (c *Conn) SuspendHost(ctx context.Context, target string, d time.Duration) error {
	return c.call(ctx, procNodeSuspendForDuration, []any{uint32(ordinal("mem disk hybrid", target)), uint64(d / time.Second), uint32(0)})
}

// PoolCapabilities tells which kinds of pools there can be.
func (c *Conn) PoolCapabilities(ctx context.Context) ([]byte, error) {
	return c.text(ctx, procConnectGetStoragePoolCapabilities, uint32(0))
}
