package xml

import (
	"fmt"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	for _, c := range []struct{ name, old, now, want string }{
		{"nothing", "<a x='1' y='2'><b/><c>t</c></a>", "<a y='2' x='1'>\n <c> t </c><!-- no --><b></b></a>", ""},
		{"value", "<a><b>1</b></a>", "<a><b>2</b></a>", "b: 1>2"},
		{"with unit", "<a><memory unit='KiB'>1</memory></a>", "<a><memory unit='MiB'>1</memory></a>", "memory: 1 KiB>1 MiB"},
		{"attribute", "<a><b x='1' y='2'/></a>", "<a><b x='3' z='4'/></a>", "b/@x: 1>3; -b/@y: 2>; +b/@z: >4"},
		{"order of devices", "<a><disk><target dev='vda'/></disk><disk><target dev='vdb'/></disk></a>",
			"<a><disk><target dev='vdb'/></disk><disk><target dev='vda'/></disk></a>", ""},
		{"one device of several", "<a><disk><source file='x'/><target dev='vda'/></disk><disk><target dev='vdb'/></disk></a>",
			"<a><disk><target dev='vdb'/></disk><disk><source file='y'/><target dev='vda'/></disk></a>", "disk[vda]/source/@file: x>y"},
		{"device added", "<a><disk><target dev='vda'/></disk></a>", "<a><disk><target dev='vda'/></disk><disk><target dev='vdb'/></disk></a>",
			"+disk[vdb]: ><disk>\n  <target dev='vdb'/>\n</disk>"},
		{"order that counts", "<a><boot dev='hd'/><boot dev='cdrom'/></a>", "<a><boot dev='cdrom'/></a>", "-boot[1]: <boot dev='hd'/>>"},
		{"no key", "<a><rng><x/></rng></a>", "<a><rng><y/></rng></a>", "-rng/x: <x/>>; +rng/y: ><y/>"},
		{"text beside attributes", "<a><b x='1'>t</b></a>", "<a><b x='1'>u</b></a>", "b: t>u"},
		{"another kind", "<a/>", "<b/>", ": <a/>><b/>"},
		{"namespaces", "<a xmlns:q='urn:1'><q:b/></a>", "<a xmlns:q='urn:2'><q:b/></a>", "@xmlns:q: urn:1>urn:2; -q:b: <q:b/>>; +q:b: ><q:b/>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, d := range Diff(parse(t, c.old), parse(t, c.now)) {
				mark := ""
				if d.Added {
					mark = "+"
				}
				if d.Removed {
					mark = "-"
				}
				got = append(got, fmt.Sprintf("%s%s: %s>%s", mark, d.Path, d.Old, d.New))
			}
			if s := strings.Join(got, "; "); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

func parse(t *testing.T, text string) *Node {
	t.Helper()
	n, err := Parse(Source{Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestKeyTable(t *testing.T) {
	for i := 1; i < len(keyTable); i++ {
		if keyTable[i-1].name >= keyTable[i].name {
			t.Errorf("%s before %s", keyTable[i-1].name, keyTable[i].name)
		}
	}
}

// FuzzDiff: no document differs from itself, and any two are compared.
func FuzzDiff(f *testing.F) {
	f.Add("<a><disk><target dev='a'/></disk></a>", "<a><disk><target dev='b'/></disk><disk/></a>")
	f.Fuzz(func(t *testing.T, one, two string) {
		a, err := Parse(Source{Data: []byte(one)})
		if err != nil {
			return
		}
		if d := Diff(a, a); len(d) > 0 {
			t.Fatalf("from itself: %v", d)
		}
		if b, err := Parse(Source{Data: []byte(two)}); err == nil {
			Diff(a, b)
		}
	})
}
