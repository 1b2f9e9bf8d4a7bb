package test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"virgo/drivers"
	"virgo/drivers/keycode"
	"virgo/xml"
)

func itoa(n uint) string { return strconv.FormatUint(uint64(n), 10) }

// running runs f on a running domain.
func (d domains) running(r drivers.Ref, f func(*guest) error) error {
	return d.with(r, func(g *guest) error {
		if !g.active() {
			return errNotRunning
		}
		return f(g)
	})
}

// Control tells that the control interface is fine.
func (d domains) Control(_ context.Context, r drivers.Ref) (string, error) {
	return "ok", d.running(r, func(*guest) error { return nil })
}

// InjectNMI does nothing to a running domain.
func (d domains) InjectNMI(_ context.Context, r drivers.Ref) error {
	return d.running(r, func(*guest) error { return nil })
}

// SetPassword does nothing to a running domain.
func (d domains) SetPassword(_ context.Context, r drivers.Ref, _, _ string, _ bool) error {
	return d.running(r, func(*guest) error { return nil })
}

// SendKey does nothing to a running domain.
func (d domains) SendKey(_ context.Context, r drivers.Ref, codeset string, _ time.Duration, keys []uint) error {
	return d.running(r, func(*guest) error {
		for _, k := range keys {
			if !keycode.Known(codeset, k) {
				return xml.Errorf(xml.CodeInternal, "invalid keycode %d of %s codeset", k, codeset)
			}
		}
		return nil
	})
}

// SendSignal knows one process, the first one.
func (d domains) SendSignal(_ context.Context, r drivers.Ref, pid int64, _ int) error {
	return d.running(r, func(*guest) error {
		if pid != 1 {
			return xml.Errorf(xml.CodeInvalidArg, "only sending a signal to pid 1 is supported")
		}
		return nil
	})
}

// guestTime is what the guest's clock shows.
const guestTime = 627319920

// Time tells the guest's time.
func (d domains) Time(_ context.Context, r drivers.Ref) (time.Time, error) {
	return time.Unix(guestTime, 0), d.running(r, func(*guest) error { return nil })
}

// SetTime does nothing to a running domain.
func (d domains) SetTime(_ context.Context, r drivers.Ref, _ time.Time, _ bool) error {
	return d.running(r, func(*guest) error { return nil })
}

// GuestHostname is made of the domain's name.
func (d domains) GuestHostname(_ context.Context, r drivers.Ref, source string) (string, error) {
	if source == "lease" {
		return "", drivers.BadFlags(1, "testDomainGetHostname")
	}
	if source == "agent" {
		return "", drivers.BadFlags(2, "testDomainGetHostname")
	}
	name := ""
	return name + r.Name + "host", d.running(r, func(*guest) error { return nil })
}

// mounts are the file systems of every guest.
var mounts = [...]string{"/", "/boot"}

// FSInfo lists them.
func (d domains) FSInfo(_ context.Context, r drivers.Ref) ([]drivers.FSInfo, error) {
	err := d.running(r, func(*guest) error { return nil })
	if err != nil {
		return nil, err
	}
	return []drivers.FSInfo{{Mount: "/", Name: "vda1", Type: "ext4", Targets: []string{"vda"}},
		{Mount: "/boot", Name: "vda2", Type: "ext4", Targets: []string{"vda"}}}, nil
}

// turn freezes or thaws mounts and counts those that changed.
func (d domains) turn(r drivers.Ref, list []string, frozen bool) (int, error) {
	n := 0
	err := d.running(r, func(g *guest) error {
		if g.frozen == nil {
			g.frozen = map[string]bool{}
		}
		for _, m := range mounts {
			if (len(list) == 0 || slices.Contains(list, m)) && g.frozen[m] != frozen {
				g.frozen[m] = frozen
				n++
			}
		}
		return nil
	})
	return n, err
}

// Freeze freezes file systems.
func (d domains) Freeze(_ context.Context, r drivers.Ref, list []string) (int, error) {
	return d.turn(r, list, true)
}

// Thaw thaws them.
func (d domains) Thaw(_ context.Context, r drivers.Ref, list []string) (int, error) {
	return d.turn(r, list, false)
}

// Trim does nothing to a mount that is there.
func (d domains) Trim(_ context.Context, r drivers.Ref, mount string, _ uint64) error {
	return d.running(r, func(*guest) error {
		if mount != "" && !slices.Contains(mounts[:], mount) {
			return xml.Errorf(xml.CodeOperationInvalid, "mount point not found: %s", mount)
		}
		return nil
	})
}

// IfaceAddresses makes an address of each interface's network.
func (d domains) IfaceAddresses(_ context.Context, r drivers.Ref, _ string) ([]drivers.IfaceAddress, error) {
	var out []drivers.IfaceAddress
	err := d.running(r, func(g *guest) error {
		for i := range g.live.Devices.Interfaces {
			n := &g.live.Devices.Interfaces[i]
			a := drivers.IfaceAddress{Name: n.Target.Dev, MAC: n.MAC.Address}
			base, prefix := "192.168.0.", 24
			if n.Source != nil && n.Type == "network" {
				d.need(drivers.Network)
				for _, x := range d.nets {
					if x.def.Name == n.Source.Network && len(x.def.IPs) > 0 {
						ip := x.def.IPs[0].Address.String()
						base = ip[:strings.LastIndexByte(ip, '.')+1]
					}
				}
			}
			a.Addrs = []drivers.IPAddress{{Version: 4, Addr: base + strconv.Itoa(3+i), Prefix: prefix}}
			out = append(out, a)
		}
		return nil
	})
	return out, err
}

// ticks is a number that grows with time, as the peer's statistics do.
func ticks() uint64 { return uint64(time.Now().UnixMicro() / 10) }

// diskOf finds a disk by its target.
func (g *guest) diskOf(name string) *xml.Disk {
	for i := range g.live.Devices.Disks {
		k := &g.live.Devices.Disks[i]
		if k.Target != nil && k.Target.Dev == name || k.Source != nil && k.Source.File == name {
			return k
		}
	}
	return nil
}

// DiskStats tells of a disk's traffic.
func (d domains) DiskStats(_ context.Context, r drivers.Ref, disk string, extended bool) ([]drivers.Param, error) {
	if extended {
		return nil, drivers.Unsupported("virDomainBlockStatsFlags")
	}
	var out []drivers.Param
	err := d.running(r, func(g *guest) error {
		if disk == "" {
			return xml.Errorf(xml.CodeUnsupported, "summary statistics are not supported yet")
		}
		if g.diskOf(disk) == nil {
			return xml.Errorf(xml.CodeInvalidArg, "invalid path: %s", disk)
		}
		t := ticks()
		for i, name := range []string{"rd_req", "rd_bytes", "wr_req", "wr_bytes"} {
			out = append(out, drivers.Param{Name: name, Value: int64(t / uint64(i+1))})
		}
		out = append(out, drivers.Param{Name: "errs", Value: int64(t / 200000)})
		return nil
	})
	return out, err
}

// DiskInfo tells a disk's size, the same for all.
func (d domains) DiskInfo(_ context.Context, r drivers.Ref, disk string) (uint64, uint64, uint64, error) {
	err := d.running(r, func(g *guest) error {
		if g.diskOf(disk) == nil {
			return xml.Errorf(xml.CodeInvalidArg, "invalid path %s not assigned to domain", disk)
		}
		return nil
	})
	return 1099506450432, 1099511627776, 1099511627776, err
}

// DiskErrors finds an error on every disk but the second and third of three.
func (d domains) DiskErrors(_ context.Context, r drivers.Ref) ([]drivers.DiskError, error) {
	var out []drivers.DiskError
	err := d.running(r, func(g *guest) error {
		for i := range g.live.Devices.Disks {
			if k := g.live.Devices.Disks[i].Target; k != nil {
				out = append(out, drivers.DiskError{Disk: k.Dev, Error: [...]string{"unspecified error", "no space"}[i%2]})
			}
		}
		return nil
	})
	return out, err
}

// ifaceOf finds an interface by its name or address.
func ifaceOf(def *xml.Domain, name string) *xml.Interface {
	for i := range def.Devices.Interfaces {
		n := &def.Devices.Interfaces[i]
		if n.Target != nil && n.Target.Dev == name || n.MAC != nil && strings.EqualFold(n.MAC.Address, name) {
			return n
		}
	}
	return nil
}

// ifaceNumbers are an interface's numbers, each a part of the time.
var ifaceNumbers = [...]struct {
	name string
	part uint64
}{{"rx_bytes", 1}, {"rx_packets", 10}, {"rx_errs", 100000}, {"rx_drop", 200000}, {"tx_bytes", 2}, {"tx_packets", 11}, {"tx_errs", 300000}, {"tx_drop", 400000}}

// IfaceStats tells of an interface's traffic.
func (d domains) IfaceStats(_ context.Context, r drivers.Ref, device string) ([]drivers.Param, error) {
	var out []drivers.Param
	err := d.running(r, func(g *guest) error {
		if ifaceOf(g.live, device) == nil {
			return xml.Errorf(xml.CodeInvalidArg, "'%s' is not a known interface", device)
		}
		t := ticks()
		for _, n := range ifaceNumbers {
			out = append(out, drivers.Param{Name: n.name, Value: int64(t / n.part)})
		}
		return nil
	})
	return out, err
}

// MemoryStats tells of the guest's memory: halves of what it has.
func (d domains) MemoryStats(_ context.Context, r drivers.Ref) ([]drivers.Param, error) {
	var out []drivers.Param
	err := d.running(r, func(g *guest) error {
		n := uint64(g.live.CurrentMem)
		for _, p := range []struct {
			name  string
			value uint64
		}{{"actual", n}, {"swap_in", 0}, {"swap_out", 0}, {"major_fault", 0}, {"minor_fault", 0}, {"unused", n / 2}, {"available", n},
			{"usable", n / 2}, {"last_update", guestTime}, {"disk_caches", n / 8}, {"hugetlb_pgalloc", 0}, {"hugetlb_pgfail", 0}, {"rss", n / 2}} {
			out = append(out, drivers.Param{Name: p.name, Value: p.value})
		}
		return nil
	})
	return out, err
}

// SetMemoryPeriod does nothing to a domain.
func (d domains) SetMemoryPeriod(_ context.Context, r drivers.Ref, _ int, f drivers.Flags) error {
	return d.with(r, func(g *guest) error { return g.change(f, func(*xml.Domain) error { return nil }) })
}

// CPUStats are the same for all domains.
func (d domains) CPUStats(_ context.Context, r drivers.Ref) ([]uint64, []drivers.Param, error) {
	var per []uint64
	err := d.running(r, func(g *guest) error {
		for i := range int(current(g.live.VCPU)) {
			per = append(per, 24386308517+uint64(i), 23151740627+uint64(i))
		}
		return nil
	})
	return per, []drivers.Param{{Name: "cpu_time", Value: uint64(48772617035)}, {Name: "user_time", Value: uint64(5540000000)},
		{Name: "system_time", Value: uint64(6460000000)}}, err
}

// SetLifecycleAction sets what follows poweroff, reboot or crash.
func (d domains) SetLifecycleAction(_ context.Context, r drivers.Ref, event, action string, f drivers.Flags) error {
	return d.with(r, func(g *guest) error {
		return g.change(f, func(def *xml.Domain) error {
			switch event {
			case "poweroff":
				def.OnPoweroff = action
			case "reboot":
				def.OnReboot = action
			default:
				def.OnCrash = action
			}
			return nil
		})
	})
}

// picture is the smallest PNG.
const picture = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\nIDATx\x9cc`\x00\x00\x00\x02\x00\x01H\xaf\xa4q\x00\x00\x00\x00IEND\xaeB`\x82"

// Screenshot is a black dot.
func (d domains) Screenshot(_ context.Context, r drivers.Ref, _ int) (string, []byte, error) {
	return "image/png", []byte(picture), d.running(r, func(*guest) error { return nil })
}

// LaunchSecurity is not told: the peer's driver knows none of the parameters
// that virsh asks for.
func (d domains) LaunchSecurity(context.Context, drivers.Ref) ([]drivers.Param, error) {
	return nil, xml.Errorf(xml.CodePlain, "unsupported flags (0x4) in function testDomainGetLaunchSecurityInfo")
}
