package test

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/drivers/nodedev"
	"virgo/xml"
)

// device is one device of a node. One that was made by a command is neither
// active nor kept, as in the peer's driver.
type device struct {
	def  *xml.NodeDevice
	made bool
}

// devices are the node devices of a node.
type devices struct{ *node }

// The SCSI hosts of test:///default: number, unique id, parent, names of fibre
// channel and of its fabric, and whether it has virtual ports.
var defaultHosts = [...]struct {
	host, unique uint
	parent       string
	tail, fabric string
	vports       bool
}{
	{1, 0, "computer", "12341234", "2000000043214321", true},
	{2, 1, "computer", "56785678", "2000000087658765", true},
	{11, 10, "scsi_host1", "34563456", "2000000043214321", false},
}

// defaultDevices are the devices of test:///default.
func defaultDevices() []*device {
	out := []*device{{def: &xml.NodeDevice{Name: "computer", Caps: []xml.Capability{{Type: "system", Is: &xml.CapSystem{
		Hardware: &xml.SystemPart{Vendor: "Libvirt", Version: "Test driver", Serial: "123456", UUID: "11111111-2222-3333-4444-555555555555"},
		Firmware: &xml.SystemPart{Vendor: "Libvirt", Version: "Test Driver", ReleaseDate: "01/22/2007"},
	}}}}}}
	for _, h := range defaultHosts {
		out = append(out, &device{def: hostDevice("scsi_host"+strconv.Itoa(int(h.host)), h.parent, h.host, h.unique, "20000000"+h.tail, "10000000"+h.tail, h.fabric, h.vports)})
	}
	return out
}

// hostDevice is a SCSI host on fibre channel.
func hostDevice(name, parent string, host, unique uint, wwnn, wwpn, fabric string, vports bool) *xml.NodeDevice {
	id := int32(unique)
	h := &xml.CapSCSIHost{Host: host, UniqueID: &id, Caps: []xml.Capability{{Type: "fc_host", Is: &xml.CapFCHost{WWNN: wwnn, WWPN: wwpn, FabricWWN: fabric}}}}
	if vports {
		h.Caps = append(h.Caps, xml.Capability{Type: "vport_ops", Is: &xml.CapVports{}})
	}
	return &xml.NodeDevice{Name: name, Parent: &xml.NodeParent{Name: parent}, Caps: []xml.Capability{{Type: "scsi_host", Is: h}}}
}

// readDevice takes a device of a node's description.
func (n *node) readDevice(e *xml.Node, dir string) error {
	e, err := follow(e, dir)
	if err != nil {
		return err
	}
	def, err := nodedev.Parse(xml.Source{Name: dir, Data: e.Print()})
	if err != nil {
		return err
	}
	n.putDevice(&device{def: def})
	return nil
}

// putDevice adds a device in place of one of the same name.
func (n *node) putDevice(d *device) {
	n.devs = append(slices.DeleteFunc(n.devs, func(o *device) bool { return o.def.Name == d.def.Name }), d)
}

// List gives the devices, by name.
func (n devices) List(_ context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	f.Parent = nil
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []drivers.Entry
	for _, d := range n.devs {
		e := drivers.Entry{Ref: nodedev.Ref(d.def), Active: !d.made, Persistent: !d.made, NoAutostart: true, Caps: strings.Join(nodedev.Kinds(d.def), " ")}
		if f.Admits(e) {
			out = append(out, e)
		}
	}
	drivers.Sort(out)
	return out, nil
}

func (n *node) device(name string) (*xml.NodeDevice, error) {
	for _, d := range n.devs {
		if d.def.Name == name {
			return d.def, nil
		}
	}
	return nil, xml.Errorf(xml.CodeNoNodeDevice, "no node device with matching name '%s'", name)
}

// Lookup finds a device by its name.
func (n devices) Lookup(_ context.Context, by drivers.By, word string) (drivers.Ref, error) {
	if by == drivers.ByKey {
		return drivers.Ref{}, drivers.Unsupported("virNodeDeviceLookupSCSIHostByWWN")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	d, err := n.device(word)
	if err != nil {
		return drivers.Ref{}, err
	}
	return nodedev.Ref(d), nil
}

// XML prints a definition.
func (n devices) XML(_ context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	if err := drivers.Refuse(f, "testNodeDeviceGetXMLDesc", drivers.Inactive, 1); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	d, err := n.device(r.Name)
	if err != nil {
		return nil, err
	}
	return xml.Marshal(d)
}

// Create makes a virtual SCSI host: its number is that of the first one there
// is, its name the next free one.
func (n devices) Create(_ context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	if err := drivers.CheckSchema(f, src, &xml.NodeDevice{}, "nodedev"); err != nil {
		return drivers.Ref{}, err
	}
	def, err := nodedev.ParseNew(src)
	if err != nil {
		return drivers.Ref{}, err
	}
	fc, err := nodedev.FibreChannel(def)
	if err != nil {
		return drivers.Ref{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	parent, err := n.vportParent(def)
	if err != nil {
		return drivers.Ref{}, err
	}
	d := hostDevice("scsi_host12", parent.Name, 11, 10, fc.WWNN, fc.WWPN, "2000000043214321", false)
	n.putDevice(&device{def: d, made: true})
	n.emit(nodedev.Ref(d), "Created", "")
	return nodedev.Ref(d), nil
}

// vportParent finds the host that a virtual one goes on.
func (n *node) vportParent(def *xml.NodeDevice) (*xml.NodeDevice, error) {
	for _, d := range n.devs {
		if def.Parent != nil && d.def.Name == def.Parent.Name {
			return d.def, nil
		}
	}
	return nil, xml.Errorf(xml.CodeInternal, "Could not find parent device for '%s'", def.Name)
}

// Destroy takes a device away.
func (n devices) Destroy(_ context.Context, r drivers.Ref, _ drivers.Flags) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	d, err := n.device(r.Name)
	if err != nil {
		return err
	}
	n.emit(nodedev.Ref(d), "Deleted", "")
	n.devs = slices.DeleteFunc(n.devs, func(o *device) bool { return o.def == d })
	return nil
}

// Events sends the events of devices.
func (n devices) Events(ctx context.Context, r *drivers.Ref, _ []string) (<-chan drivers.Event, error) {
	return n.listen.Events(ctx, drivers.NodeDevice, r), nil
}
