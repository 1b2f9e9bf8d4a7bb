package qemu

import (
	"slices"
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/xml"
)

func TestUsualHugePage(t *testing.T) {
	if n := usualHugePage("MemTotal: 1 kB\nHugepagesize:       2048 kB\nHugetlb: 0 kB\n"); n != 2048 {
		t.Error(n)
	}
	two, one := HugeMount{"/dev/hugepages", 2048}, HugeMount{"/mnt/1g", 1 << 20}
	for _, c := range []struct {
		pages HugePages
		want  uint64
	}{{HugePages{}, 2048}, {HugePages{Default: 2048, Mounts: []HugeMount{one, two}}, 2048}, {HugePages{Default: 2048, Mounts: []HugeMount{one}}, 1 << 20}} {
		if got := c.pages.usual(); got != c.want {
			t.Errorf("%v: %d", c.pages, got)
		}
	}
}

func FuzzMounts(f *testing.F) {
	f.Add(`/mnt/a\040b\134c`)
	f.Fuzz(func(t *testing.T, text string) {
		if got := mountPath(text); !strings.Contains(text, `\`) && got != text {
			t.Errorf("%q", got)
		}
		usualHugePage(text)
	})
	if got := mountPath(`/mnt/a\040b\134c\9`); got != `/mnt/a b\c\9` {
		f.Errorf("%q", got)
	}
}

// TestMemoryFolders: memory in huge pages and in files lies in folders of the guest.
func TestMemoryFolders(t *testing.T) {
	pages := func() HugePages { return HugePages{Default: 2048, Mounts: []HugeMount{{"/huge", 2048}}} }
	b := Build{Emulator: &Emulator{}, Layout: layoutAt(drivers.RootAt("/root")), ID: 3, HugePages: pages}
	const cells = `<cpu><numa><cell id='0' cpus='0' memory='32' unit='MiB'/><cell id='1' cpus='1' memory='32' unit='MiB' memAccess='shared'/></numa></cpu>`
	for _, c := range []struct{ doc, want, err string }{
		{`<memory unit='MiB'>64</memory>` + cells, "/root/lib/qemu/ram/3-a", ""},
		{`<memory unit='MiB'>64</memory><memoryBacking><hugepages/></memoryBacking>` + cells, "/huge/libvirt/qemu-embed-94a6b447/3-a", ""},
		{`<memory unit='MiB'>64</memory><memoryBacking><hugepages><page size='2048' unit='KiB' nodeset='0'/></hugepages></memoryBacking>` + cells,
			"/huge/libvirt/qemu-embed-94a6b447/3-a /root/lib/qemu/ram/3-a", ""},
		{`<memory unit='MiB'>64</memory><memoryBacking><source type='memfd'/></memoryBacking>` + cells, "", ""},
		{`<memory unit='MiB'>64</memory><devices><memory model='dimm'><source><pagesize unit='MiB'>2</pagesize></source><target><size unit='MiB'>32</size></target></memory></devices>`,
			"/huge/libvirt/qemu-embed-94a6b447/3-a", ""},
		{`<memory unit='MiB'>64</memory><devices><memory model='dimm'><source><pagesize unit='GiB'>1</pagesize></source><target><size unit='MiB'>32</size></target></memory></devices>`,
			"", "Unable to find any usable hugetlbfs mount for 1048576 KiB"},
	} {
		d := &xml.Domain{}
		if err := xml.Unmarshal(xml.Source{Data: []byte(`<domain type='qemu'><name>a</name>` + c.doc + `<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>`)}, d); err != nil {
			t.Fatal(err)
		}
		got := memoryFolders(d, b)
		slices.Sort(got)
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v", c.doc, got)
		}
		a := &args{Build: b, d: d, made: map[string]bool{}}
		a.memoryDevices()
		if c.err != "" && (a.err == nil || !strings.Contains(a.err.Error(), c.err)) {
			t.Errorf("%s: %v", c.doc, a.err)
		}
	}
}
