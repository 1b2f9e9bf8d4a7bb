package domain

import (
	"reflect"
	"slices"
	"strings"

	"virgo/xml"
)

// Device is one device out of a document of its own, as attach-device and its
// like get it.
type Device struct {
	Kind string // the element's name: "disk"
	// Value points to the device: *xml.Disk, *xml.Interface ...
	Value any
}

// ReadDevice reads a device's document.
func ReadDevice(src xml.Source) (*Device, error) {
	root, err := xml.Parse(src)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(deviceKinds(), func(k deviceKind) bool { return k.name == root.Name }) {
		return nil, unsupported("unknown device type '%s'", root.Name)
	}
	var all xml.Devices
	if err := xml.Decode(xml.Element("devices", root), &all); err != nil {
		return nil, xml.InFile(err, src.Name)
	}
	field := deviceField(&all, root.Name)
	if field.Kind() == reflect.Pointer {
		return &Device{root.Name, field.Interface()}, nil
	}
	return &Device{root.Name, field.Index(0).Addr().Interface()}, nil
}

// deviceField is the field of a kind: a slice, or a pointer where a domain has at
// most one.
func deviceField(d *xml.Devices, kind string) reflect.Value {
	for _, k := range deviceKinds() {
		if k.name == kind {
			return reflect.ValueOf(d).Elem().Field(k.field)
		}
	}
	return reflect.Value{}
}

// Add puts a device behind the others of its kind, or in place of the only one
// that there can be.
func Add(d *xml.Domain, v *Device) {
	field := deviceField(&d.Devices, v.Kind)
	if field.Kind() == reflect.Pointer {
		own := reflect.New(field.Type().Elem())
		own.Elem().Set(reflect.ValueOf(v.Value).Elem())
		field.Set(own)
		return
	}
	field.Set(reflect.Append(field, reflect.ValueOf(v.Value).Elem()))
}

// Insert is Add, but disks and controllers go where the peer inserts them.
func Insert(d *xml.Domain, v *Device) {
	Add(d, v)
	switch v.Kind {
	case "disk":
		if k := &d.Devices.Disks[len(d.Devices.Disks)-1]; k.Target != nil && k.Target.Bus == "" { // the order is that within a bus
			k.Target.Bus = Bus(d, k)
		}
		d.Devices.Disks = sortDisks(d.Devices.Disks)
	case "controller":
		nextIndexes(d.Devices.Controllers)
		d.Devices.Controllers = sortControllers(d.Devices.Controllers)
	}
}

// Replace puts a device in the place of one of d's.
func Replace(old, v *Device) {
	reflect.ValueOf(old.Value).Elem().Set(reflect.ValueOf(v.Value).Elem())
}

// Remove takes away the device that value points to, which is one of d's.
func Remove(d *xml.Domain, v *Device) {
	field := deviceField(&d.Devices, v.Kind)
	if field.Kind() == reflect.Pointer {
		field.SetZero()
		return
	}
	for i := range field.Len() {
		if field.Index(i).Addr().Interface() == v.Value {
			field.Set(reflect.AppendSlice(field.Slice3(0, i, i), field.Slice(i+1, field.Len())))
			return
		}
	}
}

// All are the devices of a kind.
func All(d *xml.Domain, kind string) []*Device {
	field := deviceField(&d.Devices, kind)
	if !field.IsValid() {
		return nil
	}
	if field.Kind() == reflect.Pointer {
		if field.IsNil() {
			return nil
		}
		return []*Device{{kind, field.Interface()}}
	}
	out := make([]*Device, field.Len())
	for i := range out {
		out[i] = &Device{kind, field.Index(i).Addr().Interface()}
	}
	return out
}

// ByAlias finds devices by their alias.
func ByAlias(d *xml.Domain, alias string) []*Device {
	var out []*Device
	eachDevice(d, func(v deviceView) {
		if *v.alias != nil && (*v.alias).Name == alias {
			out = append(out, &Device{v.kind, v.v})
		}
	})
	return out
}

// Alias is the device's alias, or "".
func (v *Device) Alias() string {
	if a := aliasOf(v.Value); a != nil && *a != nil {
		return (*a).Name
	}
	return ""
}

// SetAlias names the device; kinds without alias stay as they are.
func (v *Device) SetAlias(name string) {
	if a := aliasOf(v.Value); a != nil {
		*a = nil
		if name != "" {
			*a = &xml.Alias{Name: name}
		}
	}
}

// Address is the device's address, or nil.
func (v *Device) Address() *xml.Address {
	if a := addressOf(v.Value); a != nil {
		return *a
	}
	return nil
}

// DropAddress takes the device's address away.
func (v *Device) DropAddress() {
	if a := addressOf(v.Value); a != nil {
		*a = nil
	}
}

// joined marks the device that Join adds until it has been found again.
const joined = "ua-virgo-joined"

// Join completes and checks a device as part of a domain. d is not changed: the
// domain with the device, and whatever else it needs (controllers), is
// returned, and the device in it. Devices have no aliases in it but the user's.
func Join(d *xml.Domain, v *Device, t *Traits) (*xml.Domain, *Device, error) {
	whole, err := Clone(d)
	if err != nil {
		return nil, nil, err
	}
	if v.Kind == "redirdev" && !hasUSB(d) { // what Complete would add for it
		return nil, nil, errNoUSB()
	}
	own := v.Alias()
	if !strings.HasPrefix(own, "ua-") {
		own = ""
		v.SetAlias(joined)
	}
	Insert(whole, v)
	v.SetAlias(own)
	if err := Complete(whole, t); err != nil {
		return nil, nil, err
	}
	name := own
	if name == "" {
		name = joined
	}
	var device *Device
	for _, found := range ByAlias(whole, name) {
		if found.Kind == v.Kind {
			device = found
		}
		if own == "" { // also what was made after it, as a console is of a serial port
			found.SetAlias("")
		}
	}
	if device == nil { // a kind without alias
		all := All(whole, v.Kind)
		device = all[len(all)-1]
	}
	return whole, device, nil
}

// Bus is the bus that a disk is on, or would be put on for its name.
func Bus(d *xml.Domain, v *xml.Disk) string {
	if v.Target == nil || v.Target.Bus != "" {
		return diskBus(v)
	}
	return busOf(d, v)
}

// Clone copies a definition, as if it were printed and read again.
func Clone(d *xml.Domain) (*xml.Domain, error) {
	data, err := xml.Marshal(d)
	if err != nil {
		return nil, err
	}
	c := &xml.Domain{}
	err = xml.Unmarshal(xml.Source{Name: d.Name, Data: data}, c)
	c.Devices.Disks, c.Devices.Controllers = sortDisks(c.Devices.Disks), sortControllers(c.Devices.Controllers)
	return c, err
}

// Compatible refuses a device that is to be attached where the domain has no
// place for it.
func Compatible(d *xml.Domain, v *Device) error {
	if m, ok := v.Value.(*xml.MemoryDevice); ok && m.Target != nil && m.Target.Node != nil && (d.CPU == nil || d.CPU.NUMA == nil) {
		return xml.Errorf(xml.CodePlain, "can't add memory backend as guest has no NUMA nodes configured")
	}
	if m, ok := v.Value.(*xml.MemoryDevice); ok && m.Target != nil && m.Target.Node == nil && d.CPU != nil && d.CPU.NUMA != nil && m.Model != "virtio-pmem" {
		return unsupported("target NUMA node needs to be specified for memory device")
	}
	if onUSB(v) && !hasUSB(d) {
		return unsupported("Device configuration is not compatible: Domain has no USB bus support")
	}
	return nil
}

// onUSB tells whether a device sits on the USB bus.
func onUSB(v *Device) bool {
	switch d := v.Value.(type) {
	case *xml.Disk:
		return diskBus(d) == "usb"
	case *xml.Hostdev:
		return d.Type == "usb"
	case *xml.Input:
		return d.Bus == "usb"
	case *xml.Hub:
		return d.Type == "usb"
	case *xml.Sound:
		return d.Model == "usb"
	}
	return false
}
