package domain

import (
	"reflect"
	"strings"
	"sync"

	"virgo/xml"
)

// deviceKind is a field of xml.Devices that holds devices, and where in one of
// these its parts are, -1: it has none.
type deviceKind struct {
	name              string // of the element
	field             int
	device            reflect.Type
	alias, addr, acpi int
}

// deviceKinds are the kinds of devices, in print order.
var deviceKinds = sync.OnceValue(func() []deviceKind {
	var out []deviceKind
	t := reflect.TypeFor[xml.Devices]()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("el"), ",")
		if k := t.Field(i).Type.Kind(); k != reflect.Slice && k != reflect.Pointer || name == "redirfilter" { // not the emulator either
			continue
		}
		v := t.Field(i).Type.Elem()
		out = append(out, deviceKind{name, i, v, indexOf[xml.Alias](v, "Alias"), indexOf[xml.Address](v, "Address"), indexOf[xml.ACPIIndex](v, "ACPI")})
	}
	return out
})

// indexOf finds the field of that name and type, -1: there is none.
func indexOf[T any](device reflect.Type, name string) int {
	f, ok := device.FieldByName(name)
	if !ok || len(f.Index) != 1 || f.Type != reflect.TypeFor[*T]() {
		return -1
	}
	return f.Index[0]
}

// fieldAt is where the device keeps a part, nil: it has none.
func fieldAt[T any](device reflect.Value, i int) **T {
	if i < 0 {
		return nil
	}
	return device.Field(i).Addr().Interface().(**T)
}

// kindOfDevice gives what is known of the kind of the device that v points to.
func kindOfDevice(v any) (*deviceKind, reflect.Value) {
	device := reflect.ValueOf(v).Elem()
	kinds := deviceKinds()
	i := 0
	for kinds[i].device != device.Type() { // each type of device is among them
		i++
	}
	return &kinds[i], device
}

func aliasOf(v any) **xml.Alias {
	k, device := kindOfDevice(v)
	return fieldAt[xml.Alias](device, k.alias)
}

func addressOf(v any) **xml.Address {
	k, device := kindOfDevice(v)
	return fieldAt[xml.Address](device, k.addr)
}
