package commands

import (
	"context"
	"math"
	"os"
	"strconv"
	"strings"

	"virgo/completion"
	"virgo/xml"
)

// diskFormats are the image formats and cache modes that completion offers;
// virsh passes any word on.
const (
	diskBuses   = "virtio ide sata scsi usb fdc sd xen nvme"
	diskFormats = "raw qcow2 qcow qed vdi vmdk vpc luks dmg bochs cloop parallels"
	diskCaches  = "none writeback writethrough directsync unsafe"
)

func attachDiskRow() Command {
	free := func(name, help string) Option { return str(name, 0, help).with(completion.Free) }
	return Command{Name: "attach-disk", Summary: "give a domain a disk", Run: attachDisk, Options: opts(
		domainKind.object(completion.Domains),
		str("source", RP|Empty, "file, device or volume that it shows; '' for a drive without medium").with(completion.Files),
		str("target", RP, "its name in the guest: vdb").with(completion.Free),
		str("targetbus", 0, "its bus").of(diskBuses), free("driver", "name of the driver"),
		str("subdriver", 0, "format of the image").of(diskFormats), free("iothread", "number of its IO thread"),
		str("cache", 0, "cache mode").of(diskCaches), str("io", 0, "how it is read and written").of("threads native io_uring"),
		str("type", 0, "kind of device").of("disk cdrom floppy lun"),
		alias("shareable", "mode=shareable"), str("mode", 0, "who may write").of("readonly shareable"),
		str("sourcetype", 0, "kind of source").of("file block network"), free("serial", "serial number"), free("wwn", "world wide name"),
		free("alias", "its name, beginning with ua-"), flag("rawio", "raw I/O is needed"),
		free("address", "where it sits: pci:0000.00.07.0, scsi:0.0.1"), flag("multifunction", "other functions may follow at the address"),
		flag("print-xml", "print the XML and do nothing"),
		str("source-protocol", 0, "protocol of a network source").of("nbd rbd sheepdog gluster iscsi http https ftp ftps tftp ssh nfs vxhs"),
		free("source-host-name", "host[:port] of a network source"), str("source-host-transport", 0, "how the host is reached").of("tcp rdma unix"),
		str("source-host-socket", 0, "socket of the host").with(completion.Files),
		free("throttle-groups", "groups that limit it, with commas"), attachOptions())}
}

func attachDisk(ctx context.Context, c *Call) error {
	f, err := c.deviceImpact()
	if err != nil {
		return err
	}
	disk, err := buildDisk(c)
	if err != nil {
		return err
	}
	return c.attachBuilt(ctx, disk, f, "disk", "Disk")
}

// buildDisk makes the element of attach-disk's options, in virsh's order.
func buildDisk(c *Call) (*xml.Node, error) {
	kind, err := diskSourceType(c)
	if err != nil {
		return nil, err
	}
	switch mode := c.Str("mode"); mode {
	case "", "readonly", "shareable":
	default:
		return nil, shellError("No support for %s in command 'attach-disk'", mode)
	}
	if w := c.Str("wwn"); w != "" && !isWWN(w) {
		return nil, xml.Errorf(xml.CodeInternal, "Malformed wwn: %s", w)
	}
	disk := xml.Element("disk").With("type", kind, "device", c.Str("type"))
	if c.Has("rawio") {
		disk.With("rawio", "yes")
	}
	driver := xml.Element("driver").With("name", c.Str("driver"), "type", c.Str("subdriver"), "iothread", c.Str("iothread"),
		"cache", c.Str("cache"), "io", c.Str("io"))
	if len(driver.Attrs) > 0 {
		disk.Add(driver)
	}
	disk.Add(diskSource(c, kind), xml.Element("target").With("dev", c.Str("target"), "bus", c.Str("targetbus")))
	if c.Has("throttle-groups") {
		filters := xml.Element("throttlefilters")
		for _, g := range strings.Split(c.Str("throttle-groups"), ",") {
			filters.Add(withAttr(xml.Element("throttlefilter"), "group", g))
		}
		disk.Add(filters)
	}
	if mode := c.Str("mode"); mode != "" {
		disk.Add(xml.Element(mode))
	}
	if s := c.Str("serial"); s != "" {
		disk.Add(xml.TextElement("serial", s))
	}
	if a := c.Str("alias"); a != "" {
		disk.Add(xml.Element("alias").With("name", a))
	}
	if w := c.Str("wwn"); w != "" {
		disk.Add(xml.TextElement("wwn", w))
	}
	if c.Has("address") {
		a, err := diskAddress(c.Str("address"), c.Str("target"), c.Has("multifunction"))
		if err != nil {
			return nil, err
		}
		disk.Add(a)
	}
	return disk, nil
}

// withAttr adds an attribute, also an empty one.
func withAttr(n *xml.Node, name, value string) *xml.Node {
	n.Attrs = append(n.Attrs, xml.Attr{Name: name, Value: value})
	return n
}

// diskSourceType is the disk's type: as asked for, or what the source is.
func diskSourceType(c *Call) (string, error) {
	for _, pair := range [][2]string{{"source-host-name", "source-protocol"}, {"source-host-transport", "source-protocol"},
		{"source-host-socket", "source-protocol"}, {"source-host-socket", "source-host-transport"}} {
		if err := c.Requires(pair[0], pair[1]); err != nil {
			return "", err
		}
	}
	if err := c.Exclusive("source-host-name", "source-host-socket"); err != nil {
		return "", err
	}
	kind, network := c.Str("sourcetype"), c.Has("source-protocol")
	switch kind {
	case "":
		if network {
			return "network", nil
		}
		if info, err := os.Stat(c.Str("source")); err == nil && info.Mode()&(os.ModeDevice|os.ModeCharDevice) == os.ModeDevice {
			return "block", nil
		}
		return "file", nil
	case "file", "block", "network":
	default:
		return "", shellError("Unknown source type: '%s'", kind)
	}
	if network != (kind == "network") {
		return "", shellError("--source-protocol option requires --sourcetype network")
	}
	return kind, nil
}

func diskSource(c *Call, kind string) *xml.Node {
	source := xml.Element("source")
	switch kind {
	case "file":
		return withAttr(source, "file", c.Str("source"))
	case "block":
		return withAttr(source, "dev", c.Str("source"))
	}
	withAttr(withAttr(source, "protocol", c.Str("source-protocol")), "name", c.Str("source"))
	host := xml.Element("host").With("transport", c.Str("source-host-transport"), "socket", c.Str("source-host-socket"))
	if c.Has("source-host-name") {
		name, port, hasPort := strings.Cut(c.Str("source-host-name"), ":")
		withAttr(host, "name", name)
		if hasPort {
			withAttr(host, "port", port)
		}
	}
	if len(host.Attrs) > 0 {
		source.Add(host)
	}
	return source
}

func isWWN(w string) bool {
	if len(w) != 16 {
		return false
	}
	_, err := strconv.ParseUint(w, 16, 64)
	return err == nil
}

// diskAddressForm is how --address writes a kind of address: the bases of its
// numbers, and what the XML calls them.
type diskAddressForm struct {
	prefix, kind string
	base         int
	names        []string
	format       func(uint64, int) string
}

func hexDigits(n uint64, digits int) string {
	s := strconv.FormatUint(n, 16)
	return "0x" + strings.Repeat("0", max(digits-len(s), 0)) + s
}

func decimal(n uint64, _ int) string { return strconv.FormatUint(n, 10) }

var diskAddressForms = []diskAddressForm{
	{"pci", "pci", 16, []string{"domain", "bus", "slot", "function"}, hexDigits},
	{"scsi", "drive", 10, []string{"controller", "bus", "unit"}, decimal},
	{"sata", "drive", 10, []string{"controller", "bus", "unit"}, decimal},
	{"ide", "drive", 10, []string{"controller", "bus", "unit"}, decimal},
	{"usb", "usb", 10, []string{"bus", "port"}, decimal},
	{"ccw", "ccw", 16, []string{"cssid", "ssid", "devno"}, hexDigits},
}

// addressDigits are the least digits of hexadecimal numbers.
var addressDigits = map[string]int{"domain": 4, "bus": 2, "slot": 2, "function": 1, "cssid": 2, "ssid": 1, "devno": 4}

// diskAddress reads --address; which kinds fit depends on the target's name.
func diskAddress(text, target string, multifunction bool) (*xml.Node, error) {
	prefix, rest, _ := strings.Cut(text, ":")
	for i := range diskAddressForms {
		form := &diskAddressForms[i]
		if form.prefix != prefix {
			continue
		}
		numbers, ok := addressNumbers(rest, form.base, len(form.names))
		if !ok {
			break
		}
		for _, rule := range []struct{ target, fit, message string }{
			{"vd", "pci ccw", "expecting a pci:0000.00.00.00 or ccw:00.0.0000 address."},
			{"sd", "scsi usb sata", "expecting a scsi:00.00.00 or usb:00.00 or sata:00.00.00 address."},
			{"hd", "ide", "expecting an ide:00.00.00 address."},
		} {
			if strings.HasPrefix(target, rule.target) && !strings.Contains(" "+rule.fit+" ", " "+prefix+" ") {
				return nil, shellError("%s", rule.message)
			}
		}
		a := xml.Element("address").With("type", form.kind)
		for i, n := range numbers {
			a.With(form.names[i], form.format(n, addressDigits[form.names[i]]))
		}
		if multifunction && prefix == "pci" {
			a.With("multifunction", "on")
		}
		return a, nil
	}
	return nil, shellError("Invalid address.")
}

// addressNumbers reads n numbers with one character between them; what follows
// them does not matter.
func addressNumbers(s string, base, n int) ([]uint64, bool) {
	var out []uint64
	for i := range n {
		if i > 0 {
			if s == "" {
				return nil, false
			}
			s = s[1:]
		}
		s = strings.TrimLeft(s, " \t\n")
		if base == 16 && len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X") {
			s = s[2:]
		}
		end := 0
		for end < len(s) && digitValue(s[end]) < base {
			end++
		}
		v, err := strconv.ParseUint(s[:end], base, 64)
		if err != nil {
			return nil, false
		}
		out = append(out, v)
		s = s[end:]
	}
	return out, true
}

// digitValue is a hexadecimal digit's value, or more than any base.
func digitValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return math.MaxInt
}
