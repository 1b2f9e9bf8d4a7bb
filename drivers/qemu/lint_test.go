//go:build linux

package qemu

import (
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

// TestEmulatorFindings: what a recorded emulator says against a definition, and where.
func TestEmulatorFindings(t *testing.T) {
	e := recorded()
	e.Types = words([]string{"VGA", "lsi53c895a", "piix3-usb-uhci", "virtio-balloon-pci", "virtio-blk-pci"})
	e.Machines[0].Deprecated = true
	doc := `<domain type='qemu'>
  <name>g</name>
  <memory>1048576</memory>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
  </os>
  <cpu mode='custom' match='exact'>
    <model>Old</model>
    <feature policy='require' name='aes'/>
    <feature policy='require' name='avx'/>
    <feature policy='disable' name='never'/>
    <feature policy='require' name='nonsense'/>
  </cpu>
  <devices>
    <controller type='scsi' model='lsilogic'/>
    <disk type='file'><source file='/a'/><target dev='vda'/></disk>
    <disk type='file'><source file='/b'/><target dev='sda' bus='usb'/></disk>
    <watchdog model='i6300esb'/>
  </devices>
</domain>`
	root, err := xml.Parse(xml.Source{Data: []byte(doc)})
	if err != nil {
		t.Fatal(err)
	}
	described := describe(e, "x86_64")
	described.Has = nil
	d, err := domain.Parse(xml.Source{Data: []byte(doc)}, &domain.Traits{QEMU: &domain.QEMU{HostArch: "x86_64", Emulators: []domain.Emulator{*described}}})
	if err != nil {
		t.Fatal(err)
	}
	domain.AssignAliases(d)
	argv, _, err := Args(d, Build{Emulator: e, Layout: layoutAt(drivers.RootAt("/root")), ID: -1, CPU: "Old", Path: "/bin", MasterKey: make([]byte, masterKeySize)})
	if err != nil {
		t.Fatal(err)
	}
	cpus := drivers.HypervisorCPU{Features: []string{"aes", "avx", "never"}, Offered: []string{"aes"},
		Models: []drivers.CPUModel{{Name: "Old", Deprecated: true, Usable: drivers.No, Blockers: []string{"hle", "rtm"}}}}
	var got []string
	for _, f := range emulatorFindings(root, d, e, cpus, argv) {
		got = append(got, f.Code+" "+f.String())
	}
	want := []string{
		"deprecated-machine 5:5: the machine type 'pc-i440fx-10.0' is deprecated in QEMU 10.0.2",
		"deprecated-cpu-model 8:5: the CPU model 'Old' is deprecated in QEMU 10.0.2",
		"lacking-cpu-feature 8:5: QEMU 10.0.2 cannot give all of the CPU model 'Old' here: it lacks hle, rtm",
		"lacking-cpu-feature 10:5: QEMU 10.0.2 cannot give the CPU feature 'avx' here",
		"unknown-cpu-feature 12:5: QEMU 10.0.2 knows no CPU feature 'nonsense'",
		"lacking-device 17:5: QEMU 10.0.2 has no device 'usb-storage'",
		"lacking-device 18:5: QEMU 10.0.2 has no device 'i6300esb'",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
