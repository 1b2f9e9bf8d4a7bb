package qemu

import (
	"slices"
	"testing"
)

func TestForVersion(t *testing.T) {
	words := func() []string {
		return []string{"qemu", "-device", `{"driver":"virtio-blk-pci","bus":"pci.0","addr":"0x2","drive":"a,b","num-queues":4,"ats":true}`,
			"-netdev", `{"type":"user","guestfwd":[{"str":"tcp:10.0.2.1:1-chardev:c"}],"id":"n0"}`,
			"-audiodev", `{"id":"audio1","driver":"alsa","in":{"mixing-engine":true,"voices":1}}`,
			"-chardev", "socket,id=c,path=/s,reconnect-ms=10000", "-object", `{"qom-type":"iothread","id":"iothread1"}`}
	}
	old := []string{"qemu", "-device", "virtio-blk-pci,bus=pci.0,addr=0x2,drive=a,,b,num-queues=4,ats=on",
		"-netdev", "user,guestfwd=tcp:10.0.2.1:1-chardev:c,id=n0",
		"-audiodev", "id=audio1,driver=alsa,in.mixing-engine=on,in.voices=1",
		"-chardev", "socket,id=c,path=/s,reconnect=10", "-object", `{"qom-type":"iothread","id":"iothread1"}`}
	if got := forVersion(words(), 6000000); !slices.Equal(got, old) {
		t.Errorf("6.0: %q", got)
	}
	if got := forVersion(words(), 10000002); !slices.Equal(got, words()) {
		t.Errorf("10.0.2: %q", got)
	}
	mixed := forVersion(words(), 7000000)
	if mixed[2] != words()[2] || mixed[4] != old[4] || mixed[6] != old[6] || mixed[8] != old[8] {
		t.Errorf("7.0: %q", mixed)
	}
}
