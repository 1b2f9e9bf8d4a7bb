package drivers

import "testing"

func TestParseURI(t *testing.T) {
	for _, c := range []struct{ text, driver, transport, host, path, err string }{
		{"test:///default", "test", "", "", "/default", ""},
		{"qemu+ssh://root@h:22/system?x=1", "qemu", "ssh", "h", "/system", ""},
		{"test:default", "test", "", "", "default", ""},
		{"TEST:///x", "test", "", "", "/x", ""},
		{"test", "", "", "", "", "no connection driver available for URI 'test' does not include a driver name"},
		{"://", "", "", "", "", "internal error: Unable to parse URI ://"},
		{"test:///%zz", "", "", "", "", "internal error: Unable to parse URI test:///%zz"},
	} {
		u, err := ParseURI(c.text)
		if err != nil {
			if err.Error() != c.err {
				t.Errorf("%s: %v, want %s", c.text, err, c.err)
			}
			continue
		}
		if u.Driver != c.driver || u.Transport != c.transport || u.Host != c.host || u.Path != c.path || c.err != "" {
			t.Errorf("%s: %+v", c.text, u)
		}
	}
}

func FuzzParseURI(f *testing.F) {
	for _, s := range []string{"test:///default", "qemu+ssh://u@h:1/system?a=b", "x", "://", "test://[::1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if u, err := ParseURI(text); err == nil && u.Driver == "" {
			t.Errorf("%q has no driver and no error", text)
		}
	})
}
