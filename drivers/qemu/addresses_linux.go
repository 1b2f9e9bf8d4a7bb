package qemu

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

var (
	_ drivers.IfaceAddresser = (*domains)(nil)
	_ drivers.NMIer          = (*domains)(nil)
)

// InjectNMI sends the guest a non-maskable interrupt.
func (d *domains) InjectNMI(ctx context.Context, r drivers.Ref) error {
	if _, err := d.liveDomain(ctx, r); err != nil {
		return err
	}
	return asVirsh(d.ask(ctx, r, "inject-nmi", nil, nil))
}

// IfaceAddresses tells the addresses of a guest's interfaces as the guest's agent
// says, as the host's table of neighbours has them, or as networks have lent them.
func (d *domains) IfaceAddresses(ctx context.Context, r drivers.Ref, source string) ([]drivers.IfaceAddress, error) {
	dom, err := d.liveDomain(ctx, r)
	if err != nil {
		return nil, err
	}
	switch source {
	case "agent":
		return d.agentAddresses(ctx, r)
	case "arp":
		table, err := os.ReadFile("/proc/net/arp")
		if err != nil {
			return nil, xml.Errorf(xml.CodeSystem, "cannot read the table of neighbours: %s", drivers.SystemText(unwrapPath(err)))
		}
		return neighbours(dom, table), nil
	}
	return d.leasedAddresses(ctx, dom)
}

// leasedAddresses are those that networks have lent to the interfaces in them.
func (d *domains) leasedAddresses(ctx context.Context, dom *xml.Domain) ([]drivers.IfaceAddress, error) {
	var out []drivers.IfaceAddress
	err := d.eachLease(ctx, dom, func(n *xml.Interface, leases []drivers.Lease) {
		a := drivers.IfaceAddress{Name: n.Target.Dev, MAC: n.MAC.Address}
		for _, l := range leases {
			a.Addrs = append(a.Addrs, drivers.IPAddress{Version: l.Family, Addr: l.Address, Prefix: l.Prefix})
		}
		out = append(out, a)
	})
	return out, err
}

// eachLease calls f with the interfaces that networks have lent addresses to.
func (d *domains) eachLease(ctx context.Context, dom *xml.Domain, f func(*xml.Interface, []drivers.Lease)) error {
	for i := range dom.Devices.Interfaces {
		n := &dom.Devices.Interfaces[i]
		if n.Type != "network" || n.Source == nil || n.MAC == nil || n.Target == nil {
			continue
		}
		nets := d.networks()
		network, err := nets.Lookup(ctx, drivers.ByName, n.Source.Network)
		if err != nil {
			return err
		}
		leases, err := nets.Leases(ctx, network, n.MAC.Address)
		if err != nil {
			return err
		}
		if len(leases) > 0 {
			f(n, leases)
		}
	}
	return nil
}

// neighbours are the interfaces whose addresses a table of the kernel's has.
func neighbours(dom *xml.Domain, table []byte) []drivers.IfaceAddress {
	var out []drivers.IfaceAddress
	for i := range dom.Devices.Interfaces {
		n := &dom.Devices.Interfaces[i]
		if n.MAC == nil || n.Target == nil || n.Target.Dev == "" {
			continue
		}
		a := drivers.IfaceAddress{Name: n.Target.Dev, MAC: n.MAC.Address}
		for s := bufio.NewScanner(bytes.NewReader(table)); s.Scan(); {
			// address, type, flags, MAC, mask, device
			f := strings.Fields(s.Text())
			if len(f) < 6 || f[2] == "0x0" || !strings.EqualFold(f[3], n.MAC.Address) {
				continue
			}
			a.Addrs = append(a.Addrs, drivers.IPAddress{Version: 4, Addr: f[0]})
		}
		if len(a.Addrs) > 0 {
			out = append(out, a)
		}
	}
	return out
}
