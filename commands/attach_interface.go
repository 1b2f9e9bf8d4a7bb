package commands

import (
	"context"
	"strconv"
	"strings"

	"virgo/completion"
	"virgo/xml"
)

func attachInterfaceRow() Command {
	free := func(name, help string) Option { return str(name, Loose, help).with(completion.Free) }
	return Command{Name: "attach-interface", Summary: "give a domain a network interface", Run: attachInterface, Options: opts(
		domainKind.object(completion.Domains), str("type", RP, "kind of interface").of("network bridge direct hostdev vhostuser"),
		str("source", RP, "network, bridge, device or PCI address").with(completion.Networks), free("target", "its name on the host"),
		free("mac", "its address"), str("script", Loose, "script that sets a bridge up").with(completion.Files),
		str("model", Loose, "model of the device").of("virtio e1000 e1000e rtl8139 igb vmxnet3 ne2k_pci pcnet"),
		free("alias", "its name, beginning with ua-"), free("inbound", "average[,peak[,burst[,floor]]] of what comes in"),
		free("outbound", "average[,peak[,burst]] of what goes out"), attachOptions(), flag("print-xml", "print the XML and do nothing"),
		flag("managed", "the host's driver lets go of the device by itself"), str("source-mode", Loose, "side of a vhostuser socket").of("server client"))}
}

func attachInterface(ctx context.Context, c *Call) error {
	f, err := c.deviceImpact()
	if err != nil {
		return err
	}
	n, err := buildInterface(c)
	if err != nil {
		return err
	}
	return c.attachBuilt(ctx, n, f, "interface", "Interface")
}

// buildInterface makes the element of attach-interface's options, in virsh's order.
func buildInterface(c *Call) (*xml.Node, error) {
	kind, mode := c.Str("type"), c.Str("source-mode")
	if mode != "" && mode != "server" && mode != "client" {
		return nil, shellError("Invalid source mode: %s", mode)
	}
	if !c.Lists("type", kind) {
		return nil, shellError("No support for %s in command 'attach-interface'", kind)
	}
	bandwidth, err := bandwidthElement(c)
	if err != nil {
		return nil, err
	}
	n := xml.Element("interface").With("type", kind)
	if c.Has("managed") {
		n.With("managed", "yes")
	}
	source := xml.Element("source")
	switch word := c.Str("source"); kind {
	case "network", "bridge":
		source.With(kind, word)
	case "direct":
		source.With("dev", word)
	case "hostdev":
		numbers, ok := addressNumbers(word, 16, 4)
		if !ok {
			return nil, shellError("cannot parse pci address '%s' for network interface", word)
		}
		a := xml.Element("address").With("type", "pci")
		for i, name := range diskAddressForms[0].names {
			a.With(name, hexDigits(numbers[i], addressDigits[name]))
		}
		source.Add(a)
	case "vhostuser":
		if mode == "" {
			return nil, shellError("source-mode is mandatory")
		}
		source.With("type", "unix", "path", word, "mode", mode)
	}
	n.Add(source)
	for _, e := range [...]struct{ option, attr string }{{"target", "dev"}, {"mac", "address"}, {"script", "path"}, {"model", "type"}, {"alias", "name"}} {
		if c.Has(e.option) {
			n.Add(xml.Element(e.option).With(e.attr, c.Str(e.option)))
		}
	}
	return n.Add(bandwidth), nil
}

// rateFields are the parts of a bandwidth, in their order.
var rateFields = [...]string{"average", "peak", "burst", "floor"}

// parseRate reads a bandwidth: numbers with commas, any of which may be missing.
func parseRate(text string) ([4]uint64, error) {
	var rate [4]uint64
	fields := strings.Split(text, ",")
	if len(fields) > len(rate) {
		return rate, shellError("Rate string '%s' has too many fields", text)
	}
	for i, f := range fields {
		if f == "" {
			continue
		}
		v, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimLeft(f, " \t\n"), "+"), 10, 64)
		if err != nil {
			return rate, shellError("field '%s' is malformed", rateFields[i])
		}
		rate[i] = v
	}
	return rate, nil
}

// rateSide is a direction of traffic.
type rateSide struct{ name string }

var rateSides = []rateSide{{"inbound"}, {"outbound"}}

// check refuses what the direction cannot have.
func (s rateSide) check(rate [4]uint64) error {
	switch {
	case s.name == "inbound" && rate[0] == 0 && rate[3] == 0:
		return shellError("either inbound average or floor is mandatory")
	case s.name == "outbound" && rate[0] == 0:
		return shellError("outbound average is mandatory")
	case s.name == "outbound" && rate[3] != 0:
		return shellError("outbound floor is unsupported yet")
	}
	return nil
}

// bandwidthElement makes the element of --inbound and --outbound, or nil.
func bandwidthElement(c *Call) (*xml.Node, error) {
	band := xml.Element("bandwidth")
	for _, side := range rateSides {
		if !c.Has(side.name) {
			continue
		}
		rate, err := parseRate(c.Str(side.name))
		if err == nil {
			err = side.check(rate)
		}
		if err != nil {
			return nil, err
		}
		e := xml.Element(side.name)
		for i, v := range rate {
			if v != 0 {
				e.With(rateFields[i], strconv.FormatUint(v, 10))
			}
		}
		band.Add(e)
	}
	if len(band.Children) == 0 {
		return nil, nil
	}
	return band, nil
}
