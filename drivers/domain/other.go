package domain

import "virgo/xml"

// What drivers other than QEMU's add, a switch for each step.

// otherMachine settles architecture and machine.
func otherMachine(d *xml.Domain, t *Traits) {
	switch t.Driver {
	case "xen":
		setDefault(&d.OS.Type.Arch, "x86_64")
		setDefault(&d.OS.Type.Machine, xenMachine(d.OS.Type.Text))
	case "bhyve", "lxc":
		setDefault(&d.OS.Type.Arch, "x86_64")
	}
	setDefault(&d.OS.Type.Arch, "i686")
}

// otherEarly refuses what the drivers lack that neither QEMU's nor the test
// driver is.
func otherEarly(d *xml.Domain, t *Traits) error {
	if t.Driver == "xen" && !t.built {
		for _, check := range []func(*xml.Domain, *Traits) error{xenHostDevices, xenBootOrders, checkTimerKinds, xenCapable} {
			if err := check(d, t); err != nil {
				return err
			}
		}
	}
	switch {
	case t.Driver == "" || t.built:
		return nil
	case d.MaxMemory != nil && d.Memory != nil && d.MaxMemory.KiB < d.Memory.KiB:
		return xml.Errorf(xml.CodeXML, "maximum memory size must be equal or greater than the actual memory size")
	case d.MaxMemory != nil:
		return unsupported("memory hotplug tunables <maxMemory> are not supported by this hypervisor driver")
	case len(d.VCPUs) > 0:
		return unsupported("individual CPU state configuration is not supported")
	case len(d.Devices.Memories) > 0:
		return unsupported("memory devices are not supported by this driver")
	}
	return nil
}

// otherRefused is what a driver does not take before a definition is checked.
func otherRefused(d *xml.Domain, t *Traits) error {
	if t.Driver == "xen" {
		return xenRefused(d)
	}
	return nil
}

// otherDevices adds the devices that every guest of the driver has.
func otherDevices(d *xml.Domain, t *Traits) error {
	if t.Driver == "xen" {
		xenDevices(d)
	}
	return nil
}

// otherLate completes what depends on the devices as they are now.
func otherLate(d *xml.Domain, t *Traits) error {
	switch t.Driver {
	case "xen":
		xenFirmware(d)
	case "bhyve":
		bhyveControllers(d)
	}
	return nil
}

// otherAddresses gives devices their places.
func otherAddresses(d *xml.Domain, t *Traits) error {
	if t.Driver == "bhyve" {
		return bhyveAddresses(d)
	}
	return nil
}

// macPrefix begins the addresses that the driver makes up.
func macPrefix(t *Traits) string {
	switch t.Driver {
	case "vmware":
		return "00:0c:29:"
	case "xen":
		return "00:16:3e:"
	case "bhyve":
		return "58:9c:fc:"
	}
	return "52:54:00:"
}

// foreignCommandlines drops arguments for the command lines of other drivers.
func foreignCommandlines(d *xml.Domain, t *Traits) {
	if t.Driver != "xen" {
		d.Xen, d.XenCommandline = "", nil
	}
	if t.Driver != "bhyve" {
		d.Bhyve, d.BhyveCommandline = "", nil
	}
}
