package qemu

import (
	"fmt"

	"virgo/drivers/domain"
	"virgo/xml"
)

// readDevice reads a device's document for a domain. use: it is to become one.
func readDevice(d *xml.Domain, src xml.Source, use bool) (*domain.Device, error) {
	v, err := domain.ReadDevice(src)
	if err != nil {
		return nil, err
	}
	if k, ok := v.Value.(*xml.Chardev); ok && k.Type == "pty" { // which it is shows when the guest runs
		k.Path, k.TTY = "", ""
	}
	return v, domain.CheckRead(d, v, use)
}

// duplicate refuses a device that a definition has already.
func duplicate(d *xml.Domain, v *domain.Device) error {
	no := func(format string, args ...any) error {
		return xml.Errorf(xml.CodeOperationInvalid, format, args...)
	}
	switch k := v.Value.(type) {
	case *xml.Disk:
		if k.Target != nil && diskAt(d, k.Target.Dev) != nil {
			return no("target %s already exists", k.Target.Dev)
		}
	case *xml.Controller:
		if same(d, v, false) != nil {
			return no("controller index='%d' already exists", *k.Index)
		}
	case *xml.Vsock:
		if d.Devices.Vsock != nil {
			return no("domain already has a vsock device")
		}
	case *xml.IOMMU:
		if d.Devices.IOMMU != nil {
			return no("domain already has an iommu device")
		}
	case *xml.Chardev:
		if serialConsole(v) {
			return xml.Errorf(xml.CodeUnsupported, "attaching serial console is not supported")
		}
		if same(d, v, false) != nil {
			return no("chardev already exists")
		}
		return portTaken(d, v.Kind, k)
	case *xml.Lease:
		if same(d, v, false) != nil {
			return no("Lease %s in lockspace %s already exists", k.Key, k.Lockspace)
		}
	case *xml.Filesystem:
		if same(d, v, false) != nil {
			return no("Target already exists")
		}
	case *xml.Shmem, *xml.Watchdog:
		if same(d, v, false) != nil {
			return no("device is already in the domain configuration")
		}
	case *xml.Hostdev:
		if same(d, v, false) != nil || givenAsCard(d, k) {
			return no("device is already in the domain configuration")
		}
	case *xml.Interface:
		if h := cardOf(k); h != nil && (givenAsCard(d, h) || same(d, &domain.Device{Kind: "hostdev", Value: h}, false) != nil) {
			return xml.Errorf(xml.CodeXML, "Hostdev already exists in the domain configuration")
		}
	}
	return nil
}

// portTaken refuses a serial port whose number another one has.
func portTaken(d *xml.Domain, kind string, k *xml.Chardev) error {
	isa := func(t *xml.CharTarget) bool { return t.Type == "" || t.Type == "isa-serial" }
	if kind != "serial" || k.Target == nil || k.Target.Port == nil || !isa(k.Target) {
		return nil
	}
	for i := range d.Devices.Serials {
		if t := d.Devices.Serials[i].Target; t != nil && isa(t) && equal(t.Port, k.Target.Port) {
			return xml.Errorf(xml.CodeInternal, "target port '%d' already allocated", *k.Target.Port)
		}
	}
	return nil
}

// cardOf is the host's device that an interface is; nil if it is none.
func cardOf(n *xml.Interface) *xml.Hostdev {
	if n.Type != "hostdev" || n.Source == nil || n.Source.PCI == nil {
		return nil
	}
	a := n.Source.PCI
	where := &xml.HostAddress{Domain: &a.Domain, Bus: fmt.Sprintf("0x%02x", a.Bus), Slot: &a.Slot, Function: &a.Function}
	return &xml.Hostdev{Mode: "subsystem", Type: "pci", Source: &xml.HostdevSource{Address: where}}
}

// givenAsCard tells whether an interface of the domain is this device of the host.
func givenAsCard(d *xml.Domain, h *xml.Hostdev) bool {
	for i := range d.Devices.Interfaces {
		if o := cardOf(&d.Devices.Interfaces[i]); o != nil && sameHostdev(o, h) {
			return true
		}
	}
	return false
}

// consolePort is the port that a virtual console's document gives.
func consolePort(v *domain.Device) *uint {
	if k, ok := v.Value.(*xml.Chardev); ok && v.Kind == "console" && k.Target != nil {
		return k.Target.Port
	}
	return nil
}

// duplicateLive refuses a character device that the running guest has.
func (c *change) duplicateLive(v *domain.Device) error {
	k, ok := v.Value.(*xml.Chardev)
	if !ok {
		return nil
	}
	if serialConsole(v) {
		return xml.Errorf(xml.CodeUnsupported, "attaching serial console is not supported")
	}
	full := *k
	if k.Type == "unix" && k.Path == "" && k.Target != nil && k.Target.Name != "" {
		a := args{Build: Build{Layout: c.d.layout, ID: *c.live.ID}, d: c.live}
		full.Mode, full.Path = "bind", a.channelPath(k)
	}
	if same(c.live, &domain.Device{Kind: v.Kind, Value: &full}, true) != nil {
		return xml.Errorf(xml.CodeOperationInvalid, "chardev already exists")
	}
	return nil
}
