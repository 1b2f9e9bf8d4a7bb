package qemu

import (
	"fmt"
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/xml"
)

// States of vCPUs, step by step, as virsh 11.3.0 has them: "y" is one that is
// enabled, "Y" one that can also go, "-" one that is not there, then its order.
func TestVCPUStates(t *testing.T) {
	d := &xml.Domain{VCPU: &xml.VCPU{Count: 4, Current: 2}}
	set := func(text string) xml.Set { s, _ := xml.ParseSet(text); return s }
	id := 1
	for _, c := range []struct {
		what string
		do   func() error
		want string
	}{
		{"3", func() error { return setCount(d, 3, drivers.VCPUChange{}) }, "3/4"},
		{"2", func() error { return setCount(d, 2, drivers.VCPUChange{}) }, "2/4"},
		{"3 hotpluggable", func() error { return setCount(d, 3, drivers.VCPUChange{Hotpluggable: true}) }, "3/4 y y Y -"},
		{"4 hotpluggable", func() error { return setCount(d, 4, drivers.VCPUChange{Hotpluggable: true}) }, "0/4 y y Y Y"},
		{"3", func() error { return setCount(d, 3, drivers.VCPUChange{}) }, "3/4 y y Y -"},
		{"4", func() error { return setCount(d, 4, drivers.VCPUChange{}) }, "0/4 y y Y Y"},
		{"1", func() error { return setCount(d, 1, drivers.VCPUChange{}) }, "1/4 y - - -"},
		{"3", func() error { return setCount(d, 3, drivers.VCPUChange{}) }, "3/4 y y y -"},
		{"no 2", func() error { return switchStates(d, set("2"), false) }, "2/4 y y - -"},
		{"on 3", func() error { return switchStates(d, set("3"), true) }, "3/4 y y - Y"},
		{"on 1-2", func() error { return switchStates(d, set("1-2"), true) }, "0/4 y Y Y Y"},
		{"on 0", func() error { return switchStates(d, set("0"), true) }, "vCPU '0' can't be modified"},
		{"on 9", func() error { return switchStates(d, set("0,9"), true) }, "vcpu 9 is not present in persistent config"},
		{"maximum 6", func() error { return setCount(d, 6, drivers.VCPUChange{Maximum: true}) }, "4/6 y Y Y Y - -"},
		{"maximum 2", func() error { return setCount(d, 2, drivers.VCPUChange{Maximum: true}) }, "0/2 y Y"},
		{"start", func() error { d = &xml.Domain{VCPU: &xml.VCPU{Count: 4, Current: 2}, ID: &id}; return nil }, "2/4"},
		{"live maximum", func() error { return setCount(d, 6, drivers.VCPUChange{Maximum: true}) }, "maximum vcpu count of a live domain can't be modified"},
		{"live 0", func() error { return switchStates(d, set("0"), true) }, "vcpu '0' is already in requested state"},
		{"live no 1", func() error { return switchStates(d, set("1"), false) }, "vcpu '1' can't be unplugged"},
		{"live on 3", func() error { return switchStates(d, set("3"), true) }, "3/4 y1 y2 - Y3"},
		{"live 4", func() error { return setCount(d, 4, drivers.VCPUChange{}) }, "0/4 y1 y2 Y4 Y3"},
		{"live 1", func() error { return setCount(d, 1, drivers.VCPUChange{}) }, "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count"},
	} {
		err := c.do()
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprintf("%d/%d", d.VCPU.Current, d.VCPU.Count)
			for _, s := range d.VCPUs {
				switch {
				case s.Enabled != "yes":
					got += " -"
				case s.Hotpluggable == "yes":
					got += " Y"
				default:
					got += " y"
				}
				if s.Order > 0 {
					got += fmt.Sprint(s.Order)
				}
			}
		}
		if got != c.want && (err == nil || !strings.HasSuffix(got, c.want)) {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
		if err != nil && d.ID != nil { // it would not be kept
			d = &xml.Domain{VCPU: d.VCPU, VCPUs: d.VCPUs, ID: d.ID}
		}
	}
}
