package qemu

import (
	"encoding/json"
	"testing"

	"virgo/xml"
)

func TestProps(t *testing.T) {
	p := newProps("driver", "x").str("path", `/a "b" <c>&\d`).opt("none", "").num("n", 0).optNum("z", 0).int("i", -3).
		flag("f", true).optFlag("g", "off").optFlag("h", "").obj("o", newProps("a", "b")).raw("r", "[1]")
	want := `{"driver":"x","path":"/a \"b\" <c>&\\d","n":0,"i":-3,"f":true,"g":false,"o":{"a":"b"},"r":[1]}`
	if p.String() != want {
		t.Errorf("got  %s\nwant %s", p, want)
	}
	if (&props{}).String() != "{}" {
		t.Error("empty")
	}
}

// FuzzQuote: what goes in comes out, as JSON reads it.
func FuzzQuote(f *testing.F) {
	f.Add(`\u003c <b> & "c" \`)
	f.Fuzz(func(t *testing.T, s string) {
		var back, want string
		plain, _ := json.Marshal(s)
		_ = json.Unmarshal(plain, &want)
		want = xml.Plain(want) // what stands for an empty text is one
		if err := json.Unmarshal(quote(s), &back); err != nil || back != want {
			t.Errorf("%q: %q %v", s, back, err)
		}
	})
}
