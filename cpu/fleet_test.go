package cpu

import (
	"strings"
	"testing"

	"virgo/xml"
)

func TestCompareFleet(t *testing.T) {
	f, err := CompareFleet([]Member{{"a", load(t, nehalem)}, {"b", load(t, westmere)}, {"c", load(t, westmere)}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"aes|aes", "vmx|", "vmx|"} {
		h := f.Hosts[i]
		if got := strings.Join(h.Missing, ",") + "|" + strings.Join(h.Costs, ","); got != want {
			t.Errorf("%s: %s, want %s", h.Name, got, want)
		}
	}
	if got := strings.Join(f.Differ, ","); !strings.Contains(got, "aes") || !strings.Contains(got, "vmx") || !f.Has(0, "vmx") || f.Has(1, "vmx") {
		t.Errorf("differences: %s", got)
	}
}

func TestOffers(t *testing.T) {
	s, err := Load(xml.Source{Name: "host", Data: []byte(nehalem)})
	if err != nil {
		t.Fatal(err)
	}
	offers, err := Offers([]*Source{s})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, o := range offers {
		got[o.Name] = strings.Join(o.Blockers, ",")
	}
	if b, ok := got["Nehalem"]; !ok || b != "" || got["Westmere"] != "aes" {
		t.Errorf("Nehalem: %q, Westmere: %q", got["Nehalem"], got["Westmere"])
	}
}
