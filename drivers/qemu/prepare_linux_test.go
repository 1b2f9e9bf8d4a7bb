package qemu

import (
	"bytes"
	"testing"

	"virgo/drivers"
	"virgo/xml"
)

// TestBuildKey: what a command line shows of secrets, as domxml-to-native does, is
// not encrypted with a key that anybody could know.
func TestBuildKey(t *testing.T) {
	c := &Conn{root: drivers.RootAt(t.TempDir())}
	dom := &xml.Domain{}
	dom.OS.Type.Arch = "alpha"
	one, err := c.build(t.Context(), dom, &Emulator{})
	if err != nil {
		t.Fatal(err)
	}
	two, _ := c.build(t.Context(), dom, &Emulator{})
	if len(one.MasterKey) != masterKeySize || bytes.Equal(one.MasterKey, make([]byte, masterKeySize)) || bytes.Equal(one.MasterKey, two.MasterKey) {
		t.Errorf("keys %x, %x", one.MasterKey, two.MasterKey)
	}
}

// TestSoundServer: PipeWire's own variable wins, and where there is none nothing is told.
func TestSoundServer(t *testing.T) {
	for _, c := range []struct{ own, session, want string }{
		{"", "", ""}, {"", "/run/user/0", "XDG_RUNTIME_DIR=/run/user/0"}, {"/p", "/run/user/0", "PIPEWIRE_RUNTIME_DIR=/p"},
	} {
		t.Setenv("PIPEWIRE_RUNTIME_DIR", c.own)
		t.Setenv("XDG_RUNTIME_DIR", c.session)
		if got := soundServer(); got != c.want {
			t.Errorf("%q and %q: %q, want %q", c.own, c.session, got, c.want)
		}
	}
}
