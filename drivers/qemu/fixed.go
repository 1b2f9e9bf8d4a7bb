package qemu

import (
	"reflect"

	"virgo/xml"
)

// What of a running guest's device stays as it is: a document that says otherwise is
// refused, not followed in part.

// fixedInterface refuses changes of an interface beyond link and bandwidth. What the
// new document does not say, and the old one only learned at the start, is no change.
func fixedInterface(dom *xml.Domain, o, k *xml.Interface) error {
	no := func(text string) error { return xml.Errorf(xml.CodeUnsupported, "%s", text) }
	differ := func(a, b any) bool {
		return !reflect.ValueOf(b).IsNil() && !reflect.DeepEqual(a, b)
	}
	switch {
	case k.Target != nil && k.Target.Dev != "" && (o.Target == nil || o.Target.Dev != k.Target.Dev):
		return no("cannot modify network device tap name")
	case differ(o.Driver, k.Driver):
		return no("cannot modify virtio network device driver attributes")
	case differ(o.Backend, k.Backend):
		return no("cannot modify network device backend settings")
	case differ(o.Script, k.Script) || differ(o.DownScript, k.DownScript):
		return no("cannot modify network device script attribute")
	case k.Boot != nil && len(dom.OS.Boot) > 0:
		return xml.Errorf(xml.CodeConfigUnsupported, "per-device boot elements cannot be used together with os/boot elements")
	case differ(o.Boot, k.Boot) || o.Boot != nil && k.Boot == nil && len(dom.OS.Boot) == 0:
		return no("cannot modify network device boot index setting")
	case differ(o.ROM, k.ROM):
		return no("cannot modify network device rom bar setting")
	case o.ROM != nil && o.ROM.Enabled != "" && (k.ROM == nil || k.ROM.Enabled == ""):
		return no("cannot modify network device rom enabled setting")
	case differ(o.MTU, k.MTU):
		return no("cannot modify MTU")
	case differ(o.VLAN, k.VLAN) && k.Type == "user":
		return xml.Errorf(xml.CodeInternal, "Missing bridge name")
	case differ(o.VLAN, k.VLAN), differ(o.Tune, k.Tune), differ(o.Coalesce, k.Coalesce):
		return xml.Errorf(xml.CodeUnsupported, "unable to change config on '%s' network type", k.Type)
	case differ(o.Bandwidth, k.Bandwidth) && (o.Target == nil || o.Target.Dev == ""):
		return no("Unable to set bandwidth for interface because device name is unknown")
	}
	return fixedIndex(o.ACPI, k.ACPI)
}

// fixedGraphics refuses changes of a display beyond its password.
func fixedGraphics(o, k *xml.Graphics) error {
	kind := func(g *xml.Graphics) string {
		switch {
		case g.Socket != "":
			return "socket"
		case len(g.Listens) > 0:
			return g.Listens[0].Type
		}
		return "address"
	}
	switch {
	case k.Keymap != "" && k.Keymap != o.Keymap:
		return xml.Errorf(xml.CodeUnsupported, "cannot change keymap setting on %s graphics", k.Type)
	case kind(k) != kind(o):
		return xml.Errorf(xml.CodeUnsupported, "cannot change the type of listen address on '%s' graphics", k.Type)
	}
	return nil
}
