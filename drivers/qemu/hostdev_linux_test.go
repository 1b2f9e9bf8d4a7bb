package qemu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virgo/drivers/domain"
	"virgo/xml"
)

// fakeHost makes a /sys of its own: files by path; "@" in place of the text makes
// a folder, "> TARGET" a link.
func fakeHost(t *testing.T, files map[string]string) {
	t.Helper()
	sys, vfio := hostSys, hostVFIO
	t.Cleanup(func() { hostSys, hostVFIO = sys, vfio })
	hostSys = t.TempDir()
	hostVFIO = filepath.Join(hostSys, "vfio")
	for path, text := range files {
		file := filepath.Join(hostSys, path)
		err := os.MkdirAll(filepath.Dir(file), 0o700)
		target, link := strings.CutPrefix(text, "> ")
		switch {
		case err != nil:
		case text == "@":
			err = os.MkdirAll(file, 0o700)
		case link:
			err = os.Symlink(filepath.Join(hostSys, target), file)
		default:
			err = os.WriteFile(file, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func device(t *testing.T, doc string) *xml.Hostdev {
	t.Helper()
	v, err := domain.ReadDevice(xml.Source{Name: "test", Data: []byte(doc)})
	if err != nil {
		t.Fatal(err)
	}
	return v.Value.(*xml.Hostdev)
}

func TestTakePCI(t *testing.T) {
	const dev = "bus/pci/devices/0000:01:00.0/"
	files := map[string]string{"vfio": "", "kernel/iommu_groups/1": "@", dev + "config": "x", dev + "driver": "> bus/pci/drivers/nic",
		dev + "driver_override": "", "bus/pci/drivers/nic/unbind": "", "bus/pci/drivers/vfio-pci": "@", "bus/pci/drivers_probe": ""}
	doc := "<hostdev mode='subsystem' type='pci' managed='MANAGED'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>"
	fakeHost(t, files)
	dir := t.TempDir()
	read := func(path string) string {
		b, _ := os.ReadFile(filepath.Join(hostSys, path))
		return string(b)
	}
	err := hostDevice(device(t, strings.Replace(doc, "MANAGED", "no", 1)), dir, nil)
	if err == nil || !strings.Contains(err.Error(), "Unmanaged PCI device 0000:01:00.0 must be manually detached") || len(hostEnds(dir)) > 0 {
		t.Errorf("%v %v", err, hostEnds(dir))
	}
	if err := hostDevice(device(t, strings.Replace(doc, "MANAGED", "yes", 1)), dir, nil); err != nil {
		t.Fatal(err)
	}
	if read(dev+"driver_override") != "vfio-pci" || read("bus/pci/drivers/nic/unbind") != "0000:01:00.0" || read("bus/pci/drivers_probe") != "0000:01:00.0" {
		t.Errorf("override %q, unbind %q, probe %q", read(dev+"driver_override"), read("bus/pci/drivers/nic/unbind"), read("bus/pci/drivers_probe"))
	}
	disconnect(dir, true)
	if read(dev+"driver_override") != "\n" {
		t.Errorf("not given back: %q", read(dev+"driver_override"))
	}
	fakeHost(t, nil)
	if err := takePCI("0000:01:00.0", true, dir); err == nil || !strings.Contains(err.Error(), "host doesn't support passthrough of host PCI devices") {
		t.Error(err)
	}
}

func TestFindUSB(t *testing.T) {
	files := map[string]string{}
	for name, n := range map[string][4]string{"1-1": {"1234", "5678", "1", "4"}, "1-2": {"1111", "2222", "1", "5"}, "1-3": {"1111", "2222", "1", "6"}} {
		for i, f := range []string{"idVendor", "idProduct", "busnum", "devnum"} {
			files["bus/usb/devices/"+name+"/"+f] = n[i] + "\n"
		}
	}
	fakeHost(t, files)
	for _, c := range []struct{ source, want string }{
		{"<source><vendor id='0x1234'/><product id='0x5678'/></source>", "001:004"},
		{"<source><vendor id='0x1111'/><product id='0x2222'/><address bus='1' device='6'/></source>", "001:006"},
		{"<source><address bus='1' device='4'/></source>", "001:004"},
		{"<source><vendor id='0x9999'/><product id='0x5678'/></source>", "Did not find USB device 9999:5678"},
		{"<source><vendor id='0x1111'/><product id='0x2222'/></source>", "Multiple USB devices for 1111:2222, use <address> to specify one"},
		{"<source><vendor id='0x1111'/><product id='0x2222'/><address bus='1' device='9'/></source>", "Did not find USB device 1111:2222 bus:1 device:9"},
		{"<source startupPolicy='optional'><vendor id='0x9999'/><product id='0x5678'/></source>", "missing"},
	} {
		h := device(t, "<hostdev mode='subsystem' type='usb'>"+c.source+"</hostdev>")
		err := hostDevice(h, t.TempDir(), map[string]bool{})
		got := ""
		switch {
		case err != nil:
			got = err.Error()
		case h.Source.Missing == "yes":
			got = "missing"
		default:
			got = usbWhere(h.Source.Address)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.source, got, c.want)
		}
	}
}
