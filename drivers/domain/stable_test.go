package domain

import (
	"strings"
	"testing"

	"virgo/xml"
)

func TestStable(t *testing.T) {
	const doc = `<domain type='qemu'><name>g</name><uuid>11111111-2222-3333-4444-555555555555</uuid><memory>32768</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features><clock offset='utc'/><devices>
<disk type='file' device='disk'><source file='/a'/><target dev='hda' bus='ide'/></disk>
<interface type='user'><mac address='52:54:00:00:00:01'/><model type='e1000'/><address type='pci' domain='0' bus='0' slot='3' function='0'/></interface>
<serial type='pty'/></devices></domain>`
	read := func(text string) *xml.Domain {
		d := &xml.Domain{}
		if err := xml.Unmarshal(xml.Source{Data: []byte(text)}, d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	src := read(doc)
	for _, c := range []struct{ old, new, want string }{
		{"hvm", "hvm", ""},
		{"file='/a'", "file='/b'", ""},
		{">g<", ">h<", "domain name 'h' does not match source 'g'"},
		{">1<", ">2<", "domain vCPU max 2 does not match source 1"},
		{"'pc'", "'q35'", "domain machine type q35 does not match source pc"},
		{"<acpi/>", "", "State of feature 'acpi' differs: source: 'on', destination: 'default'"},
		{"<acpi/>", "<acpi/><apic eoi='on'/>", "State of feature 'apic' differs: source: 'default,eoi=default', destination: 'on,eoi=on'"},
		{"hda", "hdb", "disk hdb does not match source hda"},
		{"</disk>", "<serial>x</serial></disk>", "disk serial x does not match source <null>"},
		{"</disk>", "<readonly/></disk>", "disk access mode does not match source"},
		{"00:01", "00:02", "network card mac 52:54:00:00:00:02 does not match source 52:54:00:00:00:01"},
		{"slot='3'", "slot='4'", "device PCI address 0000:00:04.0 does not match source 0000:00:03.0"},
		{"<serial type='pty'/>", "", "domain serial port count 0 does not match source 1"},
		{"<clock offset='utc'/>", "<clock offset='utc'><timer name='hpet' present='no'/></clock>", "domain timers do not match source"},
		{"<serial", "<vsock/><serial", "domain vsock device count does not match source"},
	} {
		err := Stable(src, read(strings.Replace(doc, c.old, c.new, 1)))
		if got := ""; c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v%s", c.new, err, got)
		}
	}
}
