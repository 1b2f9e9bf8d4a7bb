package network

import (
	"context"
	"fmt"

	"virgo/xml"
)

// Unlimit takes away what Limit did, if it did anything.
func Unlimit(ctx context.Context, dev string) {
	_ = run(ctx, "", "tc", "qdisc", "del", "dev", dev, "root") // fails where there is none
	_ = run(ctx, "", "tc", "qdisc", "del", "dev", dev, "ingress")
}

// Limit limits the traffic of a device of the host: inbound is what goes to
// guests, so out of the device. The program tc does it.
func Limit(ctx context.Context, dev string, b *xml.Bandwidth) error {
	kbps := func(v uint64) string { return fmt.Sprintf("%dkbps", v) }
	if r := b.Inbound; r != nil && r.Average > 0 {
		ceiling := r.Peak
		if ceiling == 0 {
			ceiling = r.Average
		}
		class := []string{"class", "add", "dev", dev, "parent", "1:", "classid", "1:1", "htb", "rate", kbps(r.Average), "ceil", kbps(ceiling)}
		if r.Burst > 0 {
			class = append(class, "burst", fmt.Sprintf("%dkb", r.Burst))
		}
		for _, args := range [][]string{
			{"qdisc", "add", "dev", dev, "root", "handle", "1:", "htb", "default", "1"}, class,
			{"qdisc", "add", "dev", dev, "parent", "1:1", "handle", "2:", "sfq", "perturb", "10"},
		} {
			if err := run(ctx, "", "tc", args...); err != nil {
				return err
			}
		}
	}
	if r := b.Outbound; r != nil && r.Average > 0 {
		burst := r.Burst
		if burst == 0 {
			burst = r.Average
		}
		for _, args := range [][]string{
			{"qdisc", "add", "dev", dev, "ingress"},
			{"filter", "add", "dev", dev, "parent", "ffff:", "protocol", "all", "u32", "match", "u32", "0", "0",
				"police", "rate", kbps(r.Average), "burst", fmt.Sprintf("%dkb", burst), "mtu", "64kb", "drop", "flowid", ":1"},
		} {
			if err := run(ctx, "", "tc", args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// PlugSwitch puts a device into an Open vSwitch.
func PlugSwitch(ctx context.Context, p *SwitchPort) error {
	if err := run(ctx, "", "ovs-vsctl", p.add()...); err != nil {
		return xml.Errorf(xml.CodeInternal, "Unable to add port %s to OVS bridge %s: %v", p.Dev, p.Bridge, err)
	}
	for _, words := range p.limits() {
		if err := run(ctx, "", "ovs-vsctl", words...); err != nil {
			return err
		}
	}
	return nil
}

// UnplugSwitch takes a device out of an Open vSwitch: its database keeps ports
// whose devices are gone.
func UnplugSwitch(ctx context.Context, dev string) {
	_ = run(ctx, "", "ovs-vsctl", "--timeout=5", "--", "--if-exists", "del-port", dev)
}
