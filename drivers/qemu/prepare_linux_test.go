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
