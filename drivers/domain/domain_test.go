package domain

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/xml"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each document of testdata is completed for QEMU and for the test driver.
func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.xml")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			suffix string
			traits *Traits
			flags  drivers.Flags
		}{
			{".qemu", qemuTraits(), 0},
			{".test", testTraits(), 0},
			{".migratable", qemuTraits(), drivers.MigratableXML},
		} {
			d, err := Parse(xml.Source{Name: f, Data: data}, c.traits)
			if err != nil {
				t.Errorf("%s%s: %v", f, c.suffix, err)
				continue
			}
			out, err := Print(d, c.traits, c.flags)
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(f, ".xml") + c.suffix
			if *update {
				os.WriteFile(golden, out, 0o644)
				continue
			}
			want, _ := os.ReadFile(golden)
			if string(want) != string(out) {
				t.Errorf("%s: %s", golden, firstDiff(string(want), string(out)))
			}
			again, err := Parse(xml.Source{Data: out}, c.traits)
			if err != nil {
				t.Errorf("%s: what is printed cannot be defined: %v", golden, err)
				continue
			}
			if twice, _ := Print(again, c.traits, c.flags); c.flags == 0 && string(twice) != string(out) && !strings.Contains(string(data), "passwd") {
				t.Errorf("%s: not a fixed point: %s", golden, firstDiff(string(out), string(twice)))
			}
		}
	}
}

func TestErrors(t *testing.T) {
	base := func(devices string) string {
		return "<domain type='qemu'><name>g</name><memory>1</memory><os><type>hvm</type></os><devices>" + devices + "</devices></domain>"
	}
	disk := func(rest string) string { return "<disk><source file='/a'/>" + rest + "</disk>" }
	for _, c := range []struct{ name, doc, want string }{
		{"no name", "<domain type='qemu'/>", "missing name information"},
		{"slash", strings.Replace(base(""), "<name>g", "<name>a/b", 1), "XML error: name a/b cannot contain '/'"},
		{"no memory", strings.Replace(base(""), "<memory>1</memory>", "", 1), "XML error: Memory size must be specified via <memory> or in the <numa> configuration"},
		{"unknown machine", strings.Replace(base(""), "<type>", "<type machine='pc-i440fx-0.1'>", 1), "unsupported configuration: Emulator '/usr/bin/qemu-system-x86_64' does not support machine type 'pc-i440fx-0.1'"},
		{"no PCI", strings.Replace(base(""), "<type>", "<type machine='foo'>", 1), "XML error: No PCI buses available"},
		{"emulator", base("<emulator>/nope</emulator>"), "Cannot check QEMU binary /nope: No such file or directory"},
		{"target twice", base(disk("<target dev='vda'/>") + disk("<target dev='vda'/>")), "XML error: target 'vda' duplicated for disk sources '/a' and '/a'"},
		{"no target", base(disk("")), "missing target information for device /a"},
		{"bus", base(disk("<target dev='vda' bus='x'/>")), "XML error: Invalid value for attribute 'bus' in element 'target': 'x'."},
		{"address twice", base(disk("<target dev='vda'/><address type='pci' slot='5'/>") + disk("<target dev='vdb'/><address type='pci' slot='5'/>")), "XML error: Attempted double use of PCI Address 0000:00:05.0"},
		{"slot", base(disk("<target dev='vda'/><address type='pci' slot='0x20'/>")), "XML error: Invalid PCI address slot='0x20', must be <= 0x1F"},
		{"controllers", base("<controller type='scsi' index='0'/><controller type='scsi' index='0'/>"), "XML error: Multiple 'scsi' controllers with index '0'"},
		{"usb port", base("<input type='tablet' bus='usb'><address type='usb' bus='0' port='9'/></input>"), "XML error: requested USB port 9 not present on USB bus 0"},
		{"boot order", base(disk("<target dev='vda'/><boot order='1'/>") + disk("<target dev='vdb'/><boot order='1'/>")), "unsupported configuration: boot order '1' used for more than one device"},
	} {
		_, err := Parse(xml.Source{Data: []byte(c.doc)}, qemuTraits())
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestDiskIndex(t *testing.T) {
	for name, want := range map[string]int{"vda": 0, "vdz": 25, "vdaa": 26, "hdc": 2, "xvdb": 1, "sda1": 0, "foo": -1, "vd": -1, "vdaaaaaaaaaaaa": -1} {
		if got := diskIndex(name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

func TestDiskOrder(t *testing.T) {
	doc := "<domain type='test'><name>g</name><memory>1</memory><os><type>hvm</type></os><devices>"
	for _, n := range []string{"vdc", "hdb", "vda", "hda"} {
		doc += "<disk><source file='/a'/><target dev='" + n + "'/></disk>"
	}
	d, err := Parse(xml.Source{Data: []byte(doc + "</devices></domain>")}, testTraits())
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for i := range d.Devices.Disks {
		got += diskName(&d.Devices.Disks[i]) + " "
	}
	if got != "vda hda hdb vdc " {
		t.Error(got)
	}
}

func TestAliases(t *testing.T) {
	data, err := os.ReadFile("testdata/pc.xml")
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse(xml.Source{Data: data}, qemuTraits())
	if err != nil {
		t.Fatal(err)
	}
	AssignAliases(d)
	got := ""
	eachDevice(d, func(v deviceView) { got += (*v.alias).Name + " " })
	for _, name := range []string{"virtio-disk0", "virtio-disk1", "ide0-1-0", "usb ", "pci.0", "net0", "serial0", "channel0", "input4", "video0", "balloon0", "rng0", "hub0"} {
		if !strings.Contains(got, name) {
			t.Errorf("no %s in %s", name, got)
		}
	}
}

// Whatever can be defined can be defined again from what is printed, and the
// second time nothing changes.
func FuzzDefine(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.xml")
	for _, name := range files {
		data, _ := os.ReadFile(name)
		f.Add(data)
	}
	traits := qemuTraits()
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(xml.Source{Data: data}, traits)
		if err != nil {
			return
		}
		once, err := Print(d, traits, drivers.SecurityInfo)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(xml.Source{Data: once}, traits)
		if err != nil {
			return // the peer has such definitions too
		}
		twice, _ := Print(again, traits, drivers.SecurityInfo)
		third, err := Parse(xml.Source{Data: twice}, traits)
		if err != nil {
			t.Fatalf("defined twice, not thrice: %v\n%s", err, twice)
		}
		if last, _ := Print(third, traits, drivers.SecurityInfo); string(last) != string(twice) {
			t.Fatalf("no fixed point: %s", firstDiff(string(twice), string(last)))
		}
	})
}
