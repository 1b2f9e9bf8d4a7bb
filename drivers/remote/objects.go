package remote

import (
	"context"
	"strings"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// secrets are the secrets of a daemon.
type secrets struct{ *Conn }

// usageTypes are what secrets are for, by the daemon's numbers.
const usageTypes = "none volume ceph iscsi tls vtpm"

// secretRef keeps a secret's usage in its name, as secrets have no other.
func secretRef(s libvirt.Secret) drivers.Ref {
	uuid := xml.FormatUUID(s.UUID)
	return drivers.Ref{Kind: drivers.Secret, Name: uuid, UUID: uuid, ID: -1}
}

func sec(r drivers.Ref) libvirt.Secret { return libvirt.Secret{UUID: uuidOf(r.UUID)} }

// List gives the secrets.
func (s secrets) List(ctx context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	var list []libvirt.Secret
	err := s.call(ctx, procConnectListAllSecrets, []any{int32(1), choices(f.Ephemeral, 1, 2) | choices(f.Private, 4, 8)}, &list)
	var out []drivers.Entry
	for _, x := range list {
		out = append(out, drivers.Entry{Ref: secretRef(x), Active: true, Persistent: true, UsageType: wordAt(usageTypes, int(x.UsageType)), Usage: x.UsageID})
	}
	return out, err
}

// Lookup finds a secret.
func (s secrets) Lookup(ctx context.Context, _ drivers.By, word string) (drivers.Ref, error) {
	var x libvirt.Secret
	err := s.call(ctx, procSecretLookupByUUID, []any{uuidOf(word)}, &x)
	return secretRef(x), err
}

// XML is the daemon's document.
func (s secrets) XML(ctx context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	return s.text(ctx, procSecretGetXMLDesc, sec(r), uint32(0))
}

// Define keeps a definition.
func (s secrets) Define(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	var x libvirt.Secret
	err := s.call(ctx, procSecretDefineXML, []any{string(src.Data), bits(f, bit{drivers.Validate, 1})}, &x)
	return secretRef(x), err
}

// Undefine drops it.
func (s secrets) Undefine(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return s.call(ctx, procSecretUndefine, []any{sec(r)})
}

// SecretValue reads a secret's value.
func (s secrets) SecretValue(ctx context.Context, r drivers.Ref) ([]byte, error) {
	var value []byte
	err := s.call(ctx, procSecretGetValue, []any{sec(r), uint32(0)}, &value)
	return value, err
}

// SetSecretValue sets it.
func (s secrets) SetSecretValue(ctx context.Context, r drivers.Ref, value []byte) error {
	return s.call(ctx, procSecretSetValue, []any{sec(r), value, uint32(0)})
}

// filters are the network filters of a daemon.
type filters struct{ *Conn }

func filterRef(n libvirt.Nwfilter) drivers.Ref {
	return drivers.Ref{Kind: drivers.NWFilter, Name: n.Name, UUID: xml.FormatUUID(n.UUID), ID: -1}
}

func filter(r drivers.Ref) libvirt.Nwfilter {
	return libvirt.Nwfilter{Name: r.Name, UUID: uuidOf(r.UUID)}
}

// List gives the filters.
func (n filters) List(ctx context.Context, _ drivers.Filter) ([]drivers.Entry, error) {
	var list []libvirt.Nwfilter
	err := n.call(ctx, procConnectListAllNwfilters, []any{int32(1), uint32(0)}, &list)
	var out []drivers.Entry
	for _, x := range list {
		out = append(out, drivers.Entry{Ref: filterRef(x), Active: true, Persistent: true})
	}
	return out, err
}

// Lookup finds a filter.
func (n filters) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	var x libvirt.Nwfilter
	var err error
	if by == drivers.ByUUID {
		err = n.call(ctx, procNwfilterLookupByUUID, []any{uuidOf(word)}, &x)
	} else {
		err = n.call(ctx, procNwfilterLookupByName, []any{word}, &x)
	}
	return filterRef(x), err
}

// XML is the daemon's document.
func (n filters) XML(ctx context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	return n.text(ctx, procNwfilterGetXMLDesc, filter(r), uint32(0))
}

// Define keeps a definition.
func (n filters) Define(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	var x libvirt.Nwfilter
	var err error
	if flags := bits(f, bit{drivers.Validate, 1}); flags != 0 {
		err = n.call(ctx, procNwfilterDefineXMLFlags, []any{string(src.Data), flags}, &x)
	} else {
		err = n.call(ctx, procNwfilterDefineXML, []any{string(src.Data)}, &x)
	}
	return filterRef(x), err
}

// Undefine drops it.
func (n filters) Undefine(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.call(ctx, procNwfilterUndefine, []any{filter(r)})
}

// bindings are the network filter bindings of a daemon.
type bindings struct{ *Conn }

func bindingRef(n libvirt.NwfilterBinding) drivers.Ref {
	return drivers.Ref{Kind: drivers.NWFilterBinding, Name: n.Portdev, ID: -1}
}

// find looks a binding up: the daemon wants its filter's name as well.
func (n bindings) find(ctx context.Context, port string) (libvirt.NwfilterBinding, error) {
	var x libvirt.NwfilterBinding
	err := n.call(ctx, procNwfilterBindingLookupByPortDev, []any{port}, &x)
	return x, err
}

// List gives the bindings.
func (n bindings) List(ctx context.Context, _ drivers.Filter) ([]drivers.Entry, error) {
	var list []libvirt.NwfilterBinding
	err := n.call(ctx, procConnectListAllNwfilterBindings, []any{int32(1), uint32(0)}, &list)
	var out []drivers.Entry
	for _, x := range list {
		out = append(out, drivers.Entry{Ref: bindingRef(x), Active: true, Filter: x.Filtername})
	}
	return out, err
}

// Lookup finds a binding.
func (n bindings) Lookup(ctx context.Context, _ drivers.By, word string) (drivers.Ref, error) {
	x, err := n.find(ctx, word)
	return bindingRef(x), err
}

// XML is the daemon's document.
func (n bindings) XML(ctx context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	x, err := n.find(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	return n.text(ctx, procNwfilterBindingGetXMLDesc, x, uint32(0))
}

// Create makes a binding.
func (n bindings) Create(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	var x libvirt.NwfilterBinding
	err := n.call(ctx, procNwfilterBindingCreateXML, []any{string(src.Data), bits(f, bit{drivers.Validate, 1})}, &x)
	return bindingRef(x), err
}

// Destroy takes it away.
func (n bindings) Destroy(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	x, err := n.find(ctx, r.Name)
	if err != nil {
		return err
	}
	return n.call(ctx, procNwfilterBindingDelete, []any{x})
}

// interfaces are the host's interfaces.
type interfaces struct{ *Conn }

// The MAC address of an interface is in Ref.UUID.
func ifaceRef(n libvirt.Interface) drivers.Ref {
	return drivers.Ref{Kind: drivers.Interface, Name: n.Name, UUID: "", ID: -1}
}

func iface(r drivers.Ref) libvirt.Interface { return libvirt.Interface{Name: r.Name} }

// List gives the interfaces.
func (n interfaces) List(ctx context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	var list []libvirt.Interface
	if err := n.call(ctx, procConnectListAllInterfaces, []any{int32(1), choices(f.Active, 2, 1)}, &list); err != nil {
		return nil, err
	}
	out := make([]drivers.Entry, len(list))
	active := make([]int32, len(list))
	b := n.batch()
	for i, x := range list {
		out[i] = drivers.Entry{Ref: ifaceRef(x), Persistent: true, MAC: x.Mac}
		b.add(ctx, procInterfaceIsActive, []any{x}, &active[i])
	}
	err := b.wait(ctx)
	for i := range out {
		out[i].Active = active[i] == 1
	}
	return out, err
}

// Lookup finds an interface by its name or address.
func (n interfaces) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	var x libvirt.Interface
	procedure := uint32(procInterfaceLookupByName)
	if by == drivers.ByKey {
		procedure = procInterfaceLookupByMacString
	}
	err := n.call(ctx, procedure, []any{word}, &x)
	return ifaceRef(x), err
}

// XML is the daemon's document.
func (n interfaces) XML(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	return n.text(ctx, procInterfaceGetXMLDesc, iface(r), bits(f, bit{drivers.Inactive, 1}))
}

// Define keeps a definition.
func (n interfaces) Define(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	var x libvirt.Interface
	err := n.call(ctx, procInterfaceDefineXML, []any{string(src.Data), bits(f, bit{drivers.Validate, 1})}, &x)
	return ifaceRef(x), err
}

// Undefine drops it.
func (n interfaces) Undefine(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.call(ctx, procInterfaceUndefine, []any{iface(r)})
}

// Start starts an interface.
func (n interfaces) Start(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.call(ctx, procInterfaceCreate, []any{iface(r), uint32(0)})
}

// Destroy stops it.
func (n interfaces) Destroy(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.call(ctx, procInterfaceDestroy, []any{iface(r), uint32(0)})
}

// BeginInterfaces takes note of the interfaces.
func (n interfaces) BeginInterfaces(ctx context.Context) error {
	return n.call(ctx, procInterfaceChangeBegin, []any{uint32(0)})
}

// CommitInterfaces keeps the changes since.
func (n interfaces) CommitInterfaces(ctx context.Context) error {
	return n.call(ctx, procInterfaceChangeCommit, []any{uint32(0)})
}

// RollbackInterfaces undoes them.
func (n interfaces) RollbackInterfaces(ctx context.Context) error {
	return n.call(ctx, procInterfaceChangeRollback, []any{uint32(0)})
}

// devices are the host's devices.
type devices struct{ *Conn }

// deviceCaps are devices' capabilities, by the daemon's bits.
const deviceCaps = "system pci usb_device usb net scsi_host scsi_target scsi storage fc_host vports scsi_generic drm mdev_types mdev " +
	"ccw css vdpa ap_card ap_queue ap_matrix vpd ccwgroup ccwgroup_member"

func deviceRef(n libvirt.NodeDevice) drivers.Ref {
	return drivers.Ref{Kind: drivers.NodeDevice, Name: n.Name, ID: -1}
}

// List gives the devices, with what is above each.
func (n devices) List(ctx context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	flags := choices(f.Active, 1<<31, 1<<30) | choices(f.Persistent, 1<<28, 1<<29)
	if f.Active == drivers.Any {
		flags |= 3 << 30
	}
	for _, c := range f.Caps {
		flags |= 1 << ordinal(deviceCaps, c)
	}
	var list []libvirt.NodeDevice
	if err := n.call(ctx, procConnectListAllNodeDevices, []any{int32(1), flags}, &list); err != nil {
		return nil, err
	}
	out := make([]drivers.Entry, len(list))
	parents := make([]optString, len(list))
	b := n.batch()
	for i, x := range list {
		out[i] = drivers.Entry{Ref: deviceRef(x), Active: true}
		if f.Parents {
			b.add(ctx, procNodeDeviceGetParent, []any{x.Name}, &parents[i])
		}
	}
	err := b.wait(ctx)
	for i := range out {
		out[i].Parent = above(parents[i])
	}
	return out, err
}

func above(name optString) *drivers.Ref {
	if textOf(name) == "" {
		return nil
	}
	return &drivers.Ref{Kind: drivers.NodeDevice, Name: textOf(name), ID: -1}
}

// Entry is what nodedev-info shows of one.
func (n devices) Entry(ctx context.Context, r drivers.Ref) (drivers.Entry, error) {
	e := drivers.Entry{Ref: r}
	var parent optString
	var active, persistent, autostart int32
	var autoErr error
	b := n.batch()
	b.add(ctx, procNodeDeviceGetParent, []any{r.Name}, &parent)
	b.add(ctx, procNodeDeviceIsActive, []any{r.Name}, &active)
	b.add(ctx, procNodeDeviceIsPersistent, []any{r.Name}, &persistent)
	b.try(ctx, &autoErr, procNodeDeviceGetAutostart, []any{r.Name}, &autostart)
	err := b.wait(ctx)
	e.Parent, e.Active, e.Persistent, e.Autostart = above(parent), active == 1, persistent == 1, autostart == 1
	e.NoAutostart = autoErr != nil
	return e, err
}

// Lookup finds a device by its name, or a SCSI host by its WWNs.
func (n devices) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	var x libvirt.NodeDevice
	var err error
	if wwnn, wwpn, ok := strings.Cut(word, ","); by == drivers.ByKey && ok {
		err = n.call(ctx, procNodeDeviceLookupScsiHostByWwn, []any{wwnn, wwpn, uint32(0)}, &x)
	} else {
		err = n.call(ctx, procNodeDeviceLookupByName, []any{word}, &x)
	}
	return deviceRef(x), err
}

// XML is the daemon's document.
func (n devices) XML(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	return n.text(ctx, procNodeDeviceGetXMLDesc, r.Name, bits(f, bit{drivers.Inactive, 1}))
}

func (n devices) made(ctx context.Context, procedure uint32, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	var x libvirt.NodeDevice
	err := n.call(ctx, procedure, []any{string(src.Data), bits(f, bit{drivers.Validate, 1})}, &x)
	return deviceRef(x), err
}

// Define keeps a definition.
func (n devices) Define(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	return n.made(ctx, procNodeDeviceDefineXML, src, f)
}

// Undefine drops it.
func (n devices) Undefine(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.call(ctx, procNodeDeviceUndefine, []any{r.Name, uint32(0)})
}

// Create makes a device that is not kept.
func (n devices) Create(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	return n.made(ctx, procNodeDeviceCreateXML, src, f)
}

// Start makes a kept device.
func (n devices) Start(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.call(ctx, procNodeDeviceCreate, []any{r.Name, uint32(0)})
}

// Destroy removes a device.
func (n devices) Destroy(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return n.call(ctx, procNodeDeviceDestroy, []any{r.Name})
}

// SetAutostart marks a device to be made when its parent is there.
func (n devices) SetAutostart(ctx context.Context, r drivers.Ref, on bool) error {
	return n.call(ctx, procNodeDeviceSetAutostart, []any{r.Name, number(on)})
}

// UpdateNodeDevice changes a device that is defined.
func (n devices) UpdateNodeDevice(ctx context.Context, r drivers.Ref, src xml.Source, f drivers.Flags) error {
	return n.call(ctx, procNodeDeviceUpdate, []any{r.Name, string(src.Data), impact(f)})
}

// DetachDevice takes a device from the host's driver.
func (n devices) DetachDevice(ctx context.Context, r drivers.Ref, driver string) error {
	if driver == "" {
		return n.call(ctx, procNodeDeviceDettach, []any{r.Name})
	}
	return n.call(ctx, procNodeDeviceDetachFlags, []any{r.Name, &driver, uint32(0)})
}

// ReattachDevice gives it back.
func (n devices) ReattachDevice(ctx context.Context, r drivers.Ref) error {
	return n.call(ctx, procNodeDeviceReAttach, []any{r.Name})
}

// ResetDevice resets it.
func (n devices) ResetDevice(ctx context.Context, r drivers.Ref) error {
	return n.call(ctx, procNodeDeviceReset, []any{r.Name})
}
