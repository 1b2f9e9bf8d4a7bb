package nodedev

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virgo/xml"
)

// machine makes a /sys of files and links: a line is PATH = TEXT or PATH -> TARGET.
func machine(t *testing.T, lines string) Host {
	t.Helper()
	root := t.TempDir()
	sys := filepath.Join(root, "sys")
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		path, target, link := strings.Cut(line, " -> ")
		text := ""
		if !link {
			path, text, _ = strings.Cut(line, " = ")
		}
		if path == "" {
			continue
		}
		file := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		if link {
			if !filepath.IsAbs(target) {
				target = filepath.Join(sys, target)
			}
			if filepath.Base(path) != "subsystem" && filepath.Base(path) != "driver" && !strings.HasSuffix(path, "iommu_group") {
				err = os.MkdirAll(target, 0o700)
			}
			if err == nil {
				err = os.Symlink(target, file)
			}
		} else {
			err = os.WriteFile(file, []byte(strings.ReplaceAll(text, `\n`, "\n")+"\n"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return Host{Sys: sys, Udev: filepath.Join(root, "udev")}
}

const pciRoot = "devices/pci0000:00/0000:00:1f.2"

var sample = `
sys/class/dmi/id/product_name = Box
sys/class/dmi/id/sys_vendor = Maker
sys/bus/pci/devices/0000:00:1f.2 -> ` + pciRoot + `
sys/` + pciRoot + `/class = 0x010601
sys/` + pciRoot + `/vendor = 0x8086
sys/` + pciRoot + `/device = 0x2922
sys/` + pciRoot + `/numa_node = 0
sys/` + pciRoot + `/sriov_totalvfs = 2
sys/` + pciRoot + `/driver -> bus/pci/drivers/ahci
sys/class/scsi_host/host2 -> ` + pciRoot + `/host2/scsi_host/host2
sys/` + pciRoot + `/host2/scsi_host/host2/unique_id = 3
sys/bus/scsi/devices/target2:0:0 -> ` + pciRoot + `/host2/target2:0:0
sys/bus/scsi/devices/2:0:0:0 -> ` + pciRoot + `/host2/target2:0:0/2:0:0:0
sys/` + pciRoot + `/host2/target2:0:0/2:0:0:0/type = 0
sys/` + pciRoot + `/host2/target2:0:0/2:0:0:0/vendor = ATA
sys/` + pciRoot + `/host2/target2:0:0/2:0:0:0/model = Disk 1
sys/class/block/sda -> ` + pciRoot + `/host2/target2:0:0/2:0:0:0/block/sda
sys/` + pciRoot + `/host2/target2:0:0/2:0:0:0/block/sda/size = 2048
sys/` + pciRoot + `/host2/target2:0:0/2:0:0:0/block/sda/dev = 8:0
sys/` + pciRoot + `/host2/target2:0:0/2:0:0:0/block/sda/uevent = MAJOR=8\nDEVNAME=sda
sys/` + pciRoot + `/host2/target2:0:0/2:0:0:0/block/sda/queue/logical_block_size = 512
sys/` + pciRoot + `/host2/target2:0:0/2:0:0:0/block/sda/subsystem -> class/block
sys/` + pciRoot + `/host2/target2:0:0/2:0:0:0/block/sda/device -> ` + pciRoot + `/host2/target2:0:0/2:0:0:0
sys/class/block/sda1 -> ` + pciRoot + `/host2/target2:0:0/2:0:0:0/block/sda/sda1
sys/` + pciRoot + `/host2/target2:0:0/2:0:0:0/block/sda/sda1/partition = 1
sys/class/block/loop0 -> devices/virtual/block/loop0
sys/class/net/eth0 -> devices/virtual/net/eth0
sys/devices/virtual/net/eth0/address = 52:54:00:00:00:01
sys/devices/virtual/net/eth0/operstate = up
sys/devices/virtual/net/eth0/speed = 1000
sys/bus/usb/devices/1-1 -> devices/usb1/1-1
sys/devices/usb1/1-1/busnum = 1
sys/devices/usb1/1-1/devnum = 2
sys/devices/usb1/1-1/idVendor = 0627
sys/devices/usb1/1-1/idProduct = 0001
sys/devices/usb1/1-1/product = Tablet
sys/bus/usb/devices/1-1:1.0 -> devices/usb1/1-1/1-1:1.0
sys/devices/usb1/1-1/1-1:1.0/bInterfaceClass = 03
sys/class/drm/card0 -> ` + pciRoot + `/drm/card0
sys/class/drm/card0-VGA-1 -> ` + pciRoot + `/drm/card0/card0-VGA-1
udev/b8:0 = S:disk/by-id/x\nE:ID_SERIAL=S-1\nE:ID_BUS=ata\nE:ID_TYPE=disk
`

// Devices have the peer's names, and the nearest device above for a parent.
func TestDevices(t *testing.T) {
	h := machine(t, sample)
	var got []string
	docs := map[string]string{}
	for _, d := range h.Devices() {
		p := ""
		if d.Parent != nil {
			p = d.Parent.Name
		}
		got = append(got, d.Name+" < "+p)
		data, err := xml.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		docs[d.Name] = string(data)
		if _, err := Parse(xml.Source{Name: d.Name, Data: data}); err != nil {
			t.Errorf("%s cannot be read again: %v", d.Name, err)
		}
	}
	want := []string{"block_sda_S_1 < scsi_2_0_0_0", "computer < ", "drm_card0 < pci_0000_00_1f_2", "net_eth0_52_54_00_00_00_01 < computer",
		"pci_0000_00_1f_2 < computer", "scsi_2_0_0_0 < scsi_target2_0_0", "scsi_host2 < pci_0000_00_1f_2", "scsi_target2_0_0 < pci_0000_00_1f_2",
		"usb_1_1 < computer", "usb_1_1_1_0 < usb_1_1"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	for name, parts := range map[string][]string{
		"block_sda_S_1":              {"<bus>ata</bus>", "<model>Disk 1</model>", "<size>1048576</size>", "<num_blocks>2048</num_blocks>", "<devnode type='link'>/dev/disk/by-id/x</devnode>"},
		"pci_0000_00_1f_2":           {"<class>0x010601</class>", "<capability type='virt_functions' maxCount='2'/>", "<numa node='0'/>", "<name>ahci</name>", "<path>/sys/devices/pci0000:00/0000:00:1f.2</path>"},
		"net_eth0_52_54_00_00_00_01": {"<link speed='1000' state='up'/>"},
		"usb_1_1":                    {"<product id='0x0001'>Tablet</product>"},
		"scsi_host2":                 {"<unique_id>3</unique_id>"},
		"computer":                   {"<product>Box</product>", "<vendor>Maker</vendor>"},
	} {
		for _, p := range parts {
			if !strings.Contains(docs[name], p) {
				t.Errorf("%s lacks %s:\n%s", name, p, docs[name])
			}
		}
	}
}

func TestExpress(t *testing.T) {
	config := make([]byte, 256)
	config[6], config[0x34] = 0x10, 0x40
	config[0x40], config[0x41] = 1, 0x50
	config[0x50] = 0x10
	config[0x52] = 0x42
	copy(config[0x5c:], []byte{0x42, 0, 0, 5}) // 5 GT/s, x4, port 5
	copy(config[0x62:], []byte{0x11, 0})       // 2.5 GT/s, x1
	e := express(config)
	if e == nil || len(e.Links) != 2 || e.Links[0].Speed != "5" || e.Links[0].Width != 4 || *e.Links[0].Port != 5 || e.Links[1].Speed != "2.5" || e.Links[1].Width != 1 {
		t.Errorf("%+v", e)
	}
	if e := express(make([]byte, 256)); e != nil {
		t.Errorf("no capability, and %+v", e)
	}
	config[0x41], config[0x50], config[0x51] = 0x50, 1, 0x50 // a list that goes in a circle
	if e := express(config); e != nil {
		t.Errorf("%+v", e)
	}
}

func FuzzExpress(f *testing.F) {
	f.Add(make([]byte, 64))
	f.Fuzz(func(_ *testing.T, config []byte) { express(config) })
}

func TestFindIDs(t *testing.T) {
	list := "# x\n8086  Intel\n\t2922  SATA\n\t\t1 2  sub\n8087  Other\n\t2923  No\n"
	if v, p := findIDs(bufio.NewScanner(strings.NewReader(list)), 0x8086, 0x2922); v != "Intel" || p != "SATA" {
		t.Errorf("%q %q", v, p)
	}
	if v, p := findIDs(bufio.NewScanner(strings.NewReader(list)), 0x8086, 0x2923); v != "Intel" || p != "" {
		t.Errorf("%q %q", v, p)
	}
}
