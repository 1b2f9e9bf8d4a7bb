package drivers

import (
	"reflect"
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	c, err := ParseConfig("f", "# a comment\r\n a=\"x y\" # more\nb = 'it \"is\"'; n=-3\nl = [ \"p\", # first\n  'q',\n]\na=5\n"+
		"empty=[]\nlong = \"\"\"one\ntwo\"\"\"\nzero=0\nlast=+7")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "x y", "b": `it "is"`, "long": "one\ntwo", "none": ""} {
		if got, err := c.String(name); err != nil || got != want {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	if l, err := c.Strings("l"); err != nil || !reflect.DeepEqual(l, []string{"p", "q"}) {
		t.Errorf("l: %q %v", l, err)
	}
	for name, want := range map[string]int{"zero": 0, "last": 7, "none": 9} {
		if got, err := c.Count(name, 9); err != nil || got != want {
			t.Errorf("%s: %d %v", name, got, err)
		}
	}
	for _, f := range []func() error{
		func() error { _, err := c.String("n"); return err },
		func() error { _, err := c.Strings("a"); return err },
		func() error { _, err := c.Count("n", 0); return err },
		func() error { _, err := c.Count("l", 0); return err },
	} {
		if f() == nil {
			t.Error("a value of the wrong type was taken")
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a = b":                    "f:1: expecting a value",
		"\na = \"x\n":              "f:2: unterminated string",
		"a = \"\"\"x\n":            "f:1: unterminated string",
		"a \"x\"":                  "f:1: expecting an assignment",
		"a = \"x\" y":              "f:1: expecting a separator",
		"= 1":                      "f:1: expecting a name",
		"9a = 1":                   "f:1: expecting a name",
		"a.b = 1":                  "f:1: expecting an assignment",
		"a =\n 1":                  "f:1: expecting a value",
		"a = [ 1\n 2 ]":            "f:2: expecting a separator in list",
		"a = [\n":                  "f:2: list is not closed with ]",
		"a = [ 1 ":                 "f:1: list is not closed with ]",
		"a = 0x10":                 "f:1: expecting a separator",
		"a = -":                    "f:1: unterminated number",
		"a = 99999999999999999999": "f:1: numeric overflow in conf value",
	} {
		if _, err := ParseConfig("f", text); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzConfig: no text makes the parser fail but by an error, and a plain line
// before it is read.
func FuzzConfig(f *testing.F) {
	f.Add("a = [ \"b", "a")
	f.Add(fleetConfig, "uri_aliases")
	f.Fuzz(func(t *testing.T, text, name string) {
		c, err := ParseConfig("f", "first = 1\n"+text)
		if err != nil {
			return
		}
		if n, err := c.Count("first", 0); n != 1 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		_, _ = c.Strings(name)
		_, _ = NewNames(c).Fleet([]string{name, "a"})
	})
}
