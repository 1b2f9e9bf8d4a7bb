package domain

import "virgo/xml"

// lateDefaults completes what depends on the devices as they are now.
func lateDefaults(d *xml.Domain, t *Traits) error {
	if t.QEMU != nil {
		return qemuLate(d, t.QEMU)
	}
	return nil
}

// assignAddresses gives devices their places.
func assignAddresses(d *xml.Domain, t *Traits) error {
	if t.QEMU == nil {
		return nil
	}
	return nil
}

// checkRead holds what the peer refuses while it reads.
func checkRead(d *xml.Domain, t *Traits) error { return nil }

func validate(d *xml.Domain, t *Traits) error { return nil }

func chooseEmulator(d *xml.Domain, t *Traits) error {
	if t.QEMU == nil {
		setDefault(&d.OS.Type.Arch, "i686")
		return nil
	}
	return nil
}

func qemuDevices(d *xml.Domain, q *QEMU) error      { return nil }
func qemuControllers(d *xml.Domain, q *QEMU) error  { return nil }
func qemuLate(d *xml.Domain, q *QEMU) error         { return nil }
func qemuDisk(d *xml.Domain, v *xml.Disk)           {}
func qemuInterface(d *xml.Domain, v *xml.Interface) {}
