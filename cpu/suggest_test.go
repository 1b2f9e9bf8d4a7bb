package cpu

import (
	"math/rand"
	"testing"

	"virgo/xml"
)

// TestSuggestFits holds suggestions for made-up pairs against the comparison:
// what is suggested runs on the host.
func TestSuggestFits(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	policies := [...]string{"require", "force", "optional", "disable", "forbid"}
	suggested := 0
	for n := 0; n < 3000; n++ {
		h := &models[r.Intn(len(models))]
		g := &models[r.Intn(len(models))]
		host := &xml.CPU{Arch: "x86_64", Model: h.name, Vendor: h.vendor}
		guest := &xml.CPU{Mode: "custom", Match: [...]string{"exact", "strict"}[n%2], Model: g.name}
		if n%3 == 0 {
			guest.Vendor = g.vendor
		}
		for k := r.Intn(6); k > 0; k-- {
			put(guest, features[r.Intn(mapFeatures)].name, policies[r.Intn(len(policies))])
		}
		before, err := Compare(host, guest, "")
		if err != nil {
			t.Fatal(err)
		}
		c, err := Suggest(host, guest, "")
		if err != nil {
			t.Fatal(err)
		}
		if before.Answer != Incompatible {
			continue
		}
		if c == nil {
			t.Errorf("nothing for %s on %s", guest.EncodeNode("cpu"), h.name)
			continue
		}
		suggested++
		if after, err := Compare(host, c, ""); err != nil || after.Answer == Incompatible {
			t.Errorf("%s on %s: %v %v", c.EncodeNode("cpu"), h.name, after, err)
		}
	}
	if suggested < 1000 {
		t.Errorf("only %d suggestions", suggested)
	}
}
