package nodedev

import (
	"context"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// Devices are the host's devices as objects of a connection. They come and go
// with the host: none is defined or made.
type Devices struct{ Host }

// List gives the devices, by name.
func (v Devices) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	f.Parent = nil
	var out []drivers.Entry
	for _, d := range v.Devices() {
		e := drivers.Entry{Ref: Ref(d), Active: true, NoAutostart: true, Caps: strings.Join(Kinds(d), " ")}
		if f.Admits(e) {
			out = append(out, e)
		}
	}
	return out, nil
}

func (v Devices) find(name string) (*xml.NodeDevice, error) {
	for _, d := range v.Devices() {
		if d.Name == name {
			return d, nil
		}
	}
	return nil, xml.Errorf(xml.CodeNoNodeDevice, "no node device with matching name '%s'", name)
}

// Lookup finds a device by its name, or a host on fibre channel by its WWNN,WWPN.
func (v Devices) Lookup(_ context.Context, by drivers.By, word string) (drivers.Ref, error) {
	if by != drivers.ByKey {
		d, err := v.find(word)
		if err != nil {
			return drivers.Ref{}, err
		}
		return Ref(d), nil
	}
	node, port, _ := strings.Cut(word, ",")
	for _, d := range v.Devices() {
		if fc, err := FibreChannel(d); err == nil && fc.WWNN == node && fc.WWPN == port {
			return Ref(d), nil
		}
	}
	return drivers.Ref{}, xml.Errorf(xml.CodeNoNodeDevice, "no node device with matching wwnn '%s' and wwpn '%s'", node, port)
}

// XML describes a device.
func (v Devices) XML(_ context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	d, err := v.find(r.Name)
	if err != nil {
		return nil, err
	}
	return xml.Marshal(d)
}

// DetachDevice takes a PCI device from the host's driver, for guests.
func (v Devices) DetachDevice(_ context.Context, r drivers.Ref, driver string) error {
	switch driver {
	case "", "default", "vfio":
		driver = "vfio-pci"
	case "xen":
		driver = "pciback"
	case "kvm":
		return xml.Errorf(xml.CodeInvalidArg, "KVM device assignment is no longer supported on this system")
	}
	d, err := v.find(r.Name)
	if err != nil {
		return err
	}
	return v.Detach(d, driver)
}

// ReattachDevice gives a PCI device back to the host's driver.
func (v Devices) ReattachDevice(_ context.Context, r drivers.Ref) error {
	d, err := v.find(r.Name)
	if err != nil {
		return err
	}
	return v.Reattach(d)
}

// ResetDevice resets a PCI device.
func (v Devices) ResetDevice(_ context.Context, r drivers.Ref) error {
	d, err := v.find(r.Name)
	if err != nil {
		return err
	}
	return v.Reset(d)
}
