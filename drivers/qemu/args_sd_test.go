package qemu

import (
	"testing"

	"virgo/xml"
)

// The older form of an object.
func TestFlat(t *testing.T) {
	p := newProps("driver", "gluster").raw("server", `[{"type":"inet","port":"1"},{"type":"unix","path":"/a,b"}]`).num("debug", 4).flag("x", true)
	want := "file.driver=gluster,file.server.0.type=inet,file.server.0.port=1,file.server.1.type=unix,file.server.1.path=/a,,b,file.debug=4,file.x=true"
	if got := flat("file", p); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What a definition says of a device's properties.
func TestOverridden(t *testing.T) {
	const device = `{"driver":"d","id":"ua-a","x":1}`
	for _, c := range []struct {
		name, alias string
		property    xml.QEMUProperty
		want        string
	}{
		{"another device", "ua-b", xml.QEMUProperty{Name: "x", Type: "remove"}, device},
		{"removed", "ua-a", xml.QEMUProperty{Name: "x", Type: "remove"}, `{"driver":"d","id":"ua-a"}`},
		{"replaced", "ua-a", xml.QEMUProperty{Name: "x", Type: "signed", Value: "-3"}, `{"driver":"d","id":"ua-a","x":-3}`},
		{"text", "ua-a", xml.QEMUProperty{Name: "y", Type: "string", Value: `a"<`}, `{"driver":"d","id":"ua-a","x":1,"y":"a\"<"}`},
		{"switch", "ua-a", xml.QEMUProperty{Name: "y", Type: "bool", Value: "true"}, `{"driver":"d","id":"ua-a","x":1,"y":true}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &args{d: &xml.Domain{QEMUOverride: []xml.QEMUOverride{{Alias: c.alias, Properties: []xml.QEMUProperty{c.property}}}}}
			if got := a.overridden(device); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
