package cpu

import (
	"strconv"
	"strings"

	"virgo/xml"
)

// Argument is the beginning of QEMU's -cpu argument for a resolved CPU: model
// and features. known tells whether this QEMU has a feature, by QEMU's name;
// nil: it has all. Words of the guest's features follow, then ArgumentEnd.
func Argument(c *xml.CPU, arch string, known func(name string) bool) string {
	var b strings.Builder
	switch {
	case c.Mode == "host-passthrough", c.Mode == "host-model":
		b.WriteString("host")
	case c.Mode == "maximum":
		b.WriteString("max")
	default:
		b.WriteString(c.Model)
	}
	if c.VendorID != "" {
		b.WriteString(",vendor=" + c.VendorID)
	}
	if c.Migratable != "" {
		b.WriteString(",migratable=" + c.Migratable)
	}
	for _, f := range c.Features {
		name := f.Name
		if IsX86(arch) {
			name = ToQEMU(name)
		}
		if known != nil && !known(name) {
			continue
		}
		switch f.Policy {
		case "force", "require":
			b.WriteString("," + name + "=on")
		case "disable", "forbid":
			b.WriteString("," + name + "=off")
		}
	}
	return b.String()
}

// ArgumentEnd is the end of the argument: address width and caches. It begins
// with a comma, or is empty.
func ArgumentEnd(c *xml.CPU) string {
	var b strings.Builder
	if a := c.MaxPhysAddr; a != nil {
		switch {
		case a.Mode == "passthrough":
			b.WriteString(",host-phys-bits=on")
			if a.Limit > 0 {
				b.WriteString(",host-phys-bits-limit=" + strconv.Itoa(a.Limit))
			}
		case a.Bits > 0:
			b.WriteString(",phys-bits=" + strconv.Itoa(a.Bits))
		default:
			b.WriteString(",host-phys-bits=off")
		}
	}
	if cache := c.Cache; cache != nil {
		host := passesThrough(c)
		switch {
		case cache.Mode == "emulate" && host:
			b.WriteString(",l3-cache=on,host-cache-info=off")
		case cache.Mode == "emulate":
			b.WriteString(",l3-cache=on")
		case cache.Mode == "passthrough":
			b.WriteString(",host-cache-info=on,l3-cache=off")
		case cache.Mode == "disable" && host:
			b.WriteString(",host-cache-info=off,l3-cache=off")
		case cache.Mode == "disable":
			b.WriteString(",l3-cache=off")
		}
	}
	return b.String()
}
