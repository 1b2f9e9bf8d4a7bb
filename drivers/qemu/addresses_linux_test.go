package qemu

import (
	"testing"

	"virgo/xml"
)

// TestNeighbours: only complete entries of a guest's own interfaces count.
func TestNeighbours(t *testing.T) {
	table := []byte("IP address       HW type     Flags       HW address            Mask     Device\n" +
		"192.168.7.20     0x1         0x2         52:54:00:AA:00:01     *        br0\n" +
		"192.168.7.21     0x1         0x0         52:54:00:aa:00:01     *        br0\n" +
		"192.168.7.22     0x1         0x2         52:54:00:aa:00:02     *        br0\n" +
		"10.0.0.5         0x1         0x2         52:54:00:aa:00:01     *        br1\n")
	dom := &xml.Domain{}
	dom.Devices.Interfaces = []xml.Interface{
		{Type: "bridge", MAC: &xml.MAC{Address: "52:54:00:aa:00:01"}, Target: &xml.InterfaceTarget{Dev: "vnet0"}},
		{Type: "bridge", MAC: &xml.MAC{Address: "52:54:00:aa:00:03"}, Target: &xml.InterfaceTarget{Dev: "vnet1"}},
		{Type: "user", MAC: &xml.MAC{Address: "52:54:00:aa:00:02"}},
	}
	got := neighbours(dom, table)
	if len(got) != 1 || got[0].Name != "vnet0" || len(got[0].Addrs) != 2 || got[0].Addrs[0].Addr != "192.168.7.20" || got[0].Addrs[1].Addr != "10.0.0.5" {
		t.Errorf("got %+v", got)
	}
}
