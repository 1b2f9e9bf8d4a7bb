package qemu

import (
	"strings"

	"virgo/drivers/domain"
	"virgo/xml"
)

// noDevice is the class of errors for a device that is not there.
func noDevice(format string, args ...any) error {
	return xml.Errorf(xml.CodeDeviceMissing, format, args...)
}

// match finds the domain's device that a document means. live says which of
// the peer's words an error has.
func match(d *xml.Domain, v *domain.Device, t *domain.Traits, live bool) (*domain.Device, error) {
	switch want := v.Value.(type) {
	case *xml.Disk:
		return matchDisk(d, want, live)
	case *xml.Interface:
		return matchInterface(d, want)
	case *xml.Controller:
		for _, c := range domain.All(d, "controller") {
			if k := c.Value.(*xml.Controller); k.Type == want.Type && (want.Index == nil || number(k.Index) == *want.Index) {
				return c, nil
			}
		}
		if live {
			return nil, noDevice("controller %s:%d not found", want.Type, number(want.Index))
		}
	case *xml.Lease:
		for _, c := range domain.All(d, "lease") {
			if k := c.Value.(*xml.Lease); k.Lockspace == want.Lockspace && k.Key == want.Key {
				return c, nil
			}
		}
		return nil, noDevice("Lease %s in lockspace %s does not exist", want.Key, want.Lockspace)
	default:
		// As it is written, or as it would be completed.
		full := v
		if _, joined, err := domain.Join(d, v, t); err == nil {
			full = joined
			if v.Address() == nil {
				full.DropAddress()
			}
		}
		for _, c := range domain.All(d, v.Kind) {
			if alike(c, v) || alike(c, full) {
				return c, nil
			}
		}
	}
	switch v.Kind {
	case "rng":
		if r := v.Value.(*xml.RNG); live && r.Backend != nil {
			return nil, noDevice("model '%s' RNG device not present in domain configuration", r.Backend.Model)
		}
		return nil, noDevice("no matching RNG device was found")
	case "watchdog":
		return nil, noDevice("no matching watchdog was found")
	case "filesystem":
		return nil, noDevice("no matching filesystem device was found")
	case "input":
		return nil, noDevice("matching input device not found")
	case "channel", "serial", "parallel", "console":
		return nil, noDevice("chr type '%s' device not present in domain configuration", v.Kind)
	}
	return nil, noDevice("device not present in domain configuration")
}

func matchDisk(d *xml.Domain, want *xml.Disk, live bool) (*domain.Device, error) {
	if want.Target == nil || want.Target.Dev == "" {
		return nil, xml.Errorf(xml.CodePlain, "missing target information for device")
	}
	if found := diskAt(d, want.Target.Dev); found != nil {
		return found, nil
	}
	if live {
		return nil, noDevice("disk %s not found", want.Target.Dev)
	}
	return nil, noDevice("no target device %s", want.Target.Dev)
}

// diskAt finds a disk by its target.
func diskAt(d *xml.Domain, target string) *domain.Device {
	for _, c := range domain.All(d, "disk") {
		if k := c.Value.(*xml.Disk); k.Target != nil && k.Target.Dev == target {
			return c
		}
	}
	return nil
}

// matchInterface goes by the address of the card, and its place or alias if
// they are given.
func matchInterface(d *xml.Domain, want *xml.Interface) (*domain.Device, error) {
	mac := ""
	if want.MAC != nil {
		mac = want.MAC.Address
	}
	var fit []*domain.Device
	for _, c := range domain.All(d, "interface") {
		k := c.Value.(*xml.Interface)
		switch {
		case mac != "" && (k.MAC == nil || !strings.EqualFold(k.MAC.Address, mac)):
		case mac == "" && k.Type != want.Type:
		case want.Address != nil && (k.Address == nil || *k.Address != *want.Address):
		case want.Alias != nil && aliasOf(want.Alias) != aliasOf(k.Alias):
		default:
			fit = append(fit, c)
		}
	}
	switch len(fit) {
	case 0:
		return nil, noDevice("no device found matching MAC address '%s'", mac)
	case 1:
		return fit[0], nil
	}
	return nil, xml.Errorf(xml.CodeOperationFailed, "multiple devices matching MAC address %s found", mac)
}

// alike tells whether a device is what a document describes, which need not
// give what the domain alone knows.
func alike(have, want *domain.Device) bool {
	if a := want.Alias(); a != "" && have.Alias() != "" {
		return a == have.Alias()
	}
	return plain(have, want.Address() != nil) == plain(want, true)
}

// plain is a device's document without alias, and perhaps without address.
func plain(v *domain.Device, address bool) string {
	d := &xml.Domain{}
	domain.Add(d, v)
	c := domain.All(d, v.Kind)[0]
	c.SetAlias("")
	if !address {
		c.DropAddress()
	}
	if k, ok := c.Value.(*xml.Chardev); ok {
		k.Path, k.TTY, k.Mode = "", "", ""
		if k.Target != nil {
			t := *k.Target
			t.State = ""
			k.Target = &t
		}
	}
	data, err := xml.Marshal(d)
	if err != nil {
		return ""
	}
	return string(data)
}
