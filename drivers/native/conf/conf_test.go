package conf

import (
	"reflect"
	"strings"
	"testing"

	"virgo/xml"
)

func TestValues(t *testing.T) {
	for name, c := range map[string]struct {
		manner Manner
		text   string
		want   map[string]Value
	}{
		"Xen": {Xen, "# note\nname = \"a'b\" # more\nn=-5\nlist = [ 'x', \"y\",\n  'z', ]\nlong = \"\"\"two\nlines\"\"\"\n", map[string]Value{
			"name": {Text: "a'b", Line: 2}, "n": {Kind: Number, Num: -5, Line: 3}, "long": {Text: "two\nlines", Line: 6},
			"list": {Kind: List, Line: 4, List: []Value{{Text: "x", Line: 4}, {Text: "y", Line: 4}, {Text: "z", Line: 5}}}}},
		"VMX": {VMX, "displayName = \"box\"\nmemsize=\"32\"\n", map[string]Value{"DISPLAYNAME": {Text: "box", Line: 1}, "memSize": {Text: "32", Line: 2}}},
		"LXC": {LXC, "# note\nlxc.uts.name = box\nlxc.mount.entry = /a b none bind 0 0\n", map[string]Value{
			"lxc.uts.name": {Text: "box", Line: 2}, "lxc.mount.entry": {Text: "/a b none bind 0 0", Line: 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse(xml.Source{Data: []byte(c.text)}, c.manner)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range c.want {
				if got := f.Get(name); got == nil || !reflect.DeepEqual(*got, want) {
					t.Errorf("%s: %+v, want %+v", name, got, want)
				}
			}
			if f.Get("nobody") != nil {
				t.Error("there is a value of a name that is not there")
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"name":                            "memory conf:1: ",
		"name =":                          "memory conf:1: ",
		"\n\nname = \"x":                  "memory conf:3: ",
		"name = \"x\" y":                  "memory conf:1: ",
		"1a = 2":                          "memory conf:1: ",
		"n = 99999999999999999":           "",
		"l = [ 'a' 'b' ]":                 "memory conf:1: ",
		"l = [ 'a',":                      "memory conf:1: ",
		"l = " + strings.Repeat("[", 100): "memory conf:1: ",
	} {
		_, err := Parse(xml.Source{Name: "f", Data: []byte(text)}, Xen)
		if want == "" {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %s", text, err, want)
		}
	}
}

// TestWriter: what is written is read as it was.
func TestWriter(t *testing.T) {
	var w Writer
	w.Str("plain", "a b")
	w.Str("quoted", `say "hi"`)
	w.Str("lines", "a\nb")
	w.Num("n", 1)
	w.Num("n", -7) // in its place
	w.Bool("yes", true)
	w.Strings("list", []string{"x", "y,z"})
	text, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(xml.Source{Data: text}, Xen)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if f.Get("plain").Text != "a b" || f.Get("quoted").Text != `say "hi"` || f.Get("lines").Text != "a\nb" || f.Get("n").Num != -7 || f.Get("yes").Num != 1 || f.Get("list").List[1].Text != "y,z" {
		t.Errorf("%s\n%+v", text, f.Entries)
	}
	var bad Writer
	bad.Str("x", `both " and '`+"\n"+`"""`)
	if _, err := bad.Bytes(); err == nil {
		t.Error("a text that no quotes can hold was written")
	}
}

func fuzz(f *testing.F, m Manner, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(xml.Source{Data: data}, m)
		if err != nil {
			return
		}
		for _, e := range file.Entries {
			if file.Get(e.Name) == nil {
				t.Fatalf("%q is not found", e.Name)
			}
		}
	})
}

func FuzzXen(f *testing.F) {
	fuzz(f, Xen, "a = 'b'\nl = [ 'x', 1, [\"y\"] ] # z", "a = \"\"\"b\nc\"\"\"")
}
func FuzzVMX(f *testing.F) { fuzz(f, VMX, "a.b = \"c\"\n#x\n\n", "scsi0:0.present = \"TRUE\"") }
func FuzzLXC(f *testing.F) { fuzz(f, LXC, "lxc.net.0.type = veth\n", "a=b c # d") }
