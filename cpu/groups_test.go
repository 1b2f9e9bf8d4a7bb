package cpu

import (
	"fmt"
	"strings"
	"testing"
)

func TestGrouper(t *testing.T) {
	g := Grouper{Keep: true}
	for i, text := range []string{
		nehalem, power9, westmere,
		"<cpu><arch>x86_64</arch><model>EPYC</model><vendor>AMD</vendor></cpu>",
		"<cpu><model>Opteron_G1</model></cpu>",
		"<cpu><arch>x86_64</arch><model>Nonesuch</model><vendor>Intel</vendor></cpu>",
		"<cpu><arch>s390x</arch><model>z14</model></cpu>",
		"<cpu><arch>ppc64le</arch><model>POWER8</model><vendor>IBM</vendor></cpu>",
	} {
		g.Add(fmt.Sprint(i), load(t, text), "")
	}
	var got []string
	for _, x := range g.Finish() {
		s := x.Arch + " " + x.Vendor
		for _, m := range x.Members {
			s += " " + m.Name
			if m.CPU == nil {
				t.Errorf("%s has no CPU", m.Name)
			}
		}
		if x.Err != nil {
			s += ": " + x.Err.Error()
		} else {
			s += ": " + x.Baseline.Model
		}
		got = append(got, s)
	}
	want := []string{
		"x86_64 Intel 0 2: Nehalem",
		"ppc64le IBM 1: POWER9",
		"x86_64 AMD 3 4: Opteron_G1",
		"ppc64le IBM 7: POWER8",
		"x86_64 Intel 5: internal error: Unknown CPU model Nonesuch",
		"s390x  6: this function is not supported by the connection driver: cannot compute baseline CPU of s390x architecture",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
