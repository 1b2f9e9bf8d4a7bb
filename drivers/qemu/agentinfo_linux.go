package qemu

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"virgo/drivers"
	"virgo/xml"
)

// What the guest's agent tells.

var (
	_ drivers.FSInfoer    = (*domains)(nil)
	_ drivers.GuestInfoer = (*domains)(nil)
)

// agentFS is a mounted file system as the agent tells it.
type agentFS struct {
	Name, Mountpoint, Type string
	Total                  *uint64 `json:"total-bytes"`
	Used                   *uint64 `json:"used-bytes"`
	Disk                   []agentDisk
}

// agentDisk is where a disk of the guest is plugged in.
type agentDisk struct {
	Serial, Dev       string
	BusType           string `json:"bus-type"`
	Bus, Target, Unit int
	PCI               struct{ Domain, Bus, Slot, Function int } `json:"pci-controller"`
}

// alias is the target of the domain's disk that it is, "" if none is.
func (k agentDisk) alias(dom *xml.Domain) string {
	at := func(a *xml.Address) bool {
		return a != nil && a.Type == "pci" && int(a.Domain) == k.PCI.Domain && int(a.Bus) == k.PCI.Bus && int(a.Slot) == k.PCI.Slot && int(a.Function) == k.PCI.Function
	}
	for i := range dom.Devices.Disks {
		d := &dom.Devices.Disks[i]
		if d.Target == nil || d.Address == nil {
			continue
		}
		if d.Address.Type == "drive" && int(d.Address.Bus) == k.Bus && int(d.Address.Target) == k.Target && int(d.Address.Unit) == k.Unit {
			for j := range dom.Devices.Controllers {
				c := &dom.Devices.Controllers[j]
				if c.Type == d.Target.Bus && c.Index != nil && *c.Index == d.Address.Controller && at(c.Address) {
					return d.Target.Dev
				}
			}
		}
		if at(d.Address) {
			return d.Target.Dev
		}
	}
	return ""
}

// agentSystems are the mounted file systems, in the order in which they were mounted.
func (a *agentSession) agentSystems(ctx context.Context) ([]agentFS, error) {
	var list []agentFS
	err := a.run(ctx, "guest-get-fsinfo", nil, &list)
	slices.Reverse(list)
	return list, err
}

// FSInfo lists the guest's mounted file systems.
func (d *domains) FSInfo(ctx context.Context, r drivers.Ref) ([]drivers.FSInfo, error) {
	a, dom, err := d.agent(ctx, r, d.agentTimeout(r.Name))
	if err != nil {
		return nil, err
	}
	defer a.close()
	list, err := a.agentSystems(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]drivers.FSInfo, 0, len(list))
	for _, f := range list {
		one := drivers.FSInfo{Mount: f.Mountpoint, Name: f.Name, Type: f.Type}
		for _, k := range f.Disk {
			if alias := k.alias(dom); alias != "" && !slices.Contains(one.Targets, alias) {
				one.Targets = append(one.Targets, alias)
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// agentIface is an interface of the guest as the agent tells it.
type agentIface struct {
	Name      string
	MAC       string `json:"hardware-address"`
	Addresses []struct {
		Addr   string `json:"ip-address"`
		Type   string `json:"ip-address-type"`
		Prefix int
	} `json:"ip-addresses"`
}

func (a *agentSession) interfaces(ctx context.Context) ([]agentIface, error) {
	var list []agentIface
	err := a.run(ctx, "guest-network-get-interfaces", nil, &list)
	return list, err
}

// agentAddresses are the addresses of the guest's interfaces, as the guest has them.
func (d *domains) agentAddresses(ctx context.Context, r drivers.Ref) ([]drivers.IfaceAddress, error) {
	var out []drivers.IfaceAddress
	err := d.withAgent(ctx, r, func(a *agentSession) error {
		list, err := a.interfaces(ctx)
		for _, n := range list {
			one := drivers.IfaceAddress{Name: n.Name, MAC: n.MAC}
			for _, ip := range n.Addresses {
				version := 4
				if ip.Type == "ipv6" {
					version = 6
				}
				one.Addrs = append(one.Addrs, drivers.IPAddress{Version: version, Addr: ip.Addr, Prefix: ip.Prefix})
			}
			out = append(out, one)
		}
		return err
	})
	return out, err
}

// facts collects parameters.
type facts struct{ list []drivers.Param }

func (f *facts) add(name string, v any) { f.list = append(f.list, drivers.Param{Name: name, Value: v}) }

// text adds a word that may be missing.
func (f *facts) text(name, v string) {
	if v != "" {
		f.add(name, v)
	}
}

// agentFacts are guestinfo's kinds, in the order of its answer.
var agentFacts = []struct {
	kind string
	ask  func(context.Context, *agentSession, *xml.Domain, *facts) error
}{{"user", askUsers}, {"os", askOS}, {"timezone", askTimezone}, {"hostname", askHostname}, {"filesystem", askSystems}, {"disk", askDisks},
	{"interface", askInterfaces}, {"load", askLoad}}

// GuestInfo asks the agent about the guest. Without kinds, what it cannot tell is
// left out.
func (d *domains) GuestInfo(ctx context.Context, r drivers.Ref, kinds []string) ([]drivers.Param, error) {
	a, dom, err := d.agent(ctx, r, d.agentTimeout(r.Name))
	if err != nil {
		return nil, err
	}
	defer a.close()
	var f facts
	for _, k := range agentFacts {
		if len(kinds) > 0 && !slices.Contains(kinds, k.kind) {
			continue
		}
		if err := k.ask(ctx, a, dom, &f); err != nil && (len(kinds) > 0 || xml.CodeOf(err) != xml.CodeAgentFailed) {
			return nil, err
		}
	}
	return f.list, nil
}

func askUsers(ctx context.Context, a *agentSession, _ *xml.Domain, f *facts) error {
	var list []struct {
		User, Domain string
		Login        float64 `json:"login-time"`
	}
	if err := a.run(ctx, "guest-get-users", nil, &list); err != nil {
		return err
	}
	f.add("user.count", uint32(len(list)))
	for i, u := range list {
		at := "user." + strconv.Itoa(i) + "."
		f.add(at+"name", u.User)
		f.text(at+"domain", u.Domain)
		f.add(at+"login-time", uint64(u.Login*1000))
	}
	return nil
}

func askOS(ctx context.Context, a *agentSession, _ *xml.Domain, f *facts) error {
	var v map[string]string
	if err := a.run(ctx, "guest-get-osinfo", nil, &v); err != nil {
		return err
	}
	for _, k := range []string{"id", "name", "pretty-name", "version", "version-id", "machine", "variant", "variant-id", "kernel-release", "kernel-version"} {
		f.text("os."+k, v[k])
	}
	return nil
}

func askTimezone(ctx context.Context, a *agentSession, _ *xml.Domain, f *facts) error {
	var v struct {
		Zone   string
		Offset int32
	}
	if err := a.run(ctx, "guest-get-timezone", nil, &v); err != nil {
		return err
	}
	f.text("timezone.name", v.Zone)
	f.add("timezone.offset", v.Offset)
	return nil
}

func askHostname(ctx context.Context, a *agentSession, _ *xml.Domain, f *facts) error {
	var v struct {
		Name string `json:"host-name"`
	}
	if err := a.run(ctx, "guest-get-host-name", nil, &v); err != nil {
		return err
	}
	f.add("hostname", v.Name)
	return nil
}

func askSystems(ctx context.Context, a *agentSession, dom *xml.Domain, f *facts) error {
	list, err := a.agentSystems(ctx)
	if err != nil {
		return err
	}
	f.add("fs.count", uint32(len(list)))
	for i, s := range list {
		at := fmt.Sprintf("fs.%d.", i)
		f.add(at+"name", s.Name)
		f.add(at+"mountpoint", s.Mountpoint)
		f.add(at+"fstype", s.Type)
		if s.Total != nil {
			f.add(at+"total-bytes", *s.Total)
		}
		if s.Used != nil {
			f.add(at+"used-bytes", *s.Used)
		}
		f.add(at+"disk.count", uint32(len(s.Disk)))
		for j, k := range s.Disk {
			disk := fmt.Sprintf("%sdisk.%d.", at, j)
			f.text(disk+"alias", k.alias(dom))
			f.text(disk+"serial", k.Serial)
			f.text(disk+"device", k.Dev)
		}
	}
	return nil
}

func askDisks(ctx context.Context, a *agentSession, dom *xml.Domain, f *facts) error {
	var list []struct {
		Name         string
		Partition    bool
		Dependencies []string
		Alias        string
		Address      *agentDisk
	}
	if err := a.run(ctx, "guest-get-disks", nil, &list); err != nil {
		return err
	}
	f.add("disk.count", uint32(len(list)))
	for i, k := range list {
		at := fmt.Sprintf("disk.%d.", i)
		f.add(at+"name", k.Name)
		f.add(at+"partition", k.Partition)
		if len(k.Dependencies) > 0 {
			f.add(at+"dependency.count", uint32(len(k.Dependencies)))
			for j, name := range k.Dependencies {
				f.add(fmt.Sprintf("%sdependency.%d.name", at, j), name)
			}
		}
		if k.Address != nil {
			f.text(at+"serial", k.Address.Serial)
			f.text(at+"alias", k.Address.alias(dom))
		}
		f.text(at+"guest_alias", k.Alias)
		if k.Address != nil {
			f.text(at+"guest_bus", k.Address.BusType)
		}
	}
	return nil
}

func askInterfaces(ctx context.Context, a *agentSession, _ *xml.Domain, f *facts) error {
	list, err := a.interfaces(ctx)
	if err != nil {
		return err
	}
	f.add("if.count", uint32(len(list)))
	for i, n := range list {
		at := fmt.Sprintf("if.%d.", i)
		f.add(at+"name", n.Name)
		f.text(at+"hwaddr", n.MAC)
		f.add(at+"addr.count", uint32(len(n.Addresses)))
		for j, ip := range n.Addresses {
			addr := fmt.Sprintf("%saddr.%d.", at, j)
			f.add(addr+"type", ip.Type)
			f.add(addr+"addr", ip.Addr)
			f.add(addr+"prefix", uint32(max(ip.Prefix, 0)))
		}
	}
	return nil
}

func askLoad(ctx context.Context, a *agentSession, _ *xml.Domain, f *facts) error {
	var v struct{ Load1m, Load5m, Load15m float64 }
	if err := a.run(ctx, "guest-get-load", nil, &v); err != nil {
		return err
	}
	f.add("load.1m", v.Load1m)
	f.add("load.5m", v.Load5m)
	f.add("load.15m", v.Load15m)
	return nil
}
