package vmx

import (
	"strings"
	"testing"
	"unicode/utf8"

	"virgo/xml"
)

const head = "config.version = \"8\"\nvirtualHW.version = \"8\"\ndisplayName = \"x\"\n"

// TestPages: every page has the 128 characters of its upper half.
func TestPages(t *testing.T) {
	for _, p := range pages {
		if n := utf8.RuneCountInString(p.upper); n != 128 {
			t.Errorf("%s: %d characters", p.names, n)
		}
	}
}

func TestEncodings(t *testing.T) {
	for encoding, c := range map[string]struct{ bytes, want string }{
		"UTF-8":        {"ž", "ž"},
		"windows-1252": {"\x80\xe9", "€é"},
		"windows-1250": {"\x9e", "ž"},
		"ISO-8859-1":   {"\xe9", "é"},
		"windows-1251": {"\xc6", "Ж"},
	} {
		d, err := From(xml.Source{Data: []byte(".encoding = \"" + encoding + "\"\n" + strings.Replace(head, "\"x\"", "\""+c.bytes+"\"", 1))}, Options{})
		if err != nil || d.Name != c.want {
			t.Errorf("%s: %v %v", encoding, d, err)
		}
	}
	for _, text := range []string{".encoding = \"UTF-8\"\n" + head + "annotation = \"\xff\"", ".encoding = \"klingon\"\n" + head + "annotation = \"\xff\""} {
		if _, err := From(xml.Source{Data: []byte(text)}, Options{}); err == nil {
			t.Error("read in a wrong encoding")
		}
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no version":    {"displayName = \"x\"", "config.version"},
		"other version": {strings.Replace(head, "\"8\"", "\"9\"", 1), "config.version"},
		"no hardware":   {"config.version = \"8\"", "virtualHW.version"},
		"memory":        {head + "memsize = \"33\"", "memsize"},
		"CPUs":          {head + "numvcpus = \"0\"", "numvcpus"},
		"UUID":          {head + "uuid.bios = \"zz\"", "Could not parse UUID from string 'zz'"},
		"guest":         {head + "firmware = \"coreboot\"", "coreboot"},
		"controller":    {head + "scsi0.present = \"true\"\nscsi0.virtualDev = \"floppy\"", "scsi0.virtualDev"},
		"present":       {head + "floppy0.present = \"perhaps\"", "must represent a boolean value"},
		"network":       {head + "ethernet0.present = \"true\"\nethernet0.connectionType = \"carrier\"", "ethernet0.connectionType"},
		"card":          {head + "ethernet0.present = \"true\"\nethernet0.virtualDev = \"ne2000\"", "ethernet0.virtualDev"},
		"escape":        {strings.Replace(head, "\"x\"", "\"a|zz\"", 1), "displayName"},
		"serial":        {head + "serial0.present = \"true\"\nserial0.fileType = \"tape\"", "serial0.fileType"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := From(xml.Source{Name: "f", Data: []byte(c.text)}, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// TestFolders: where the images of a file lie.
func TestFolders(t *testing.T) {
	disk := "scsi0.present = \"true\"\nscsi0:0.present = \"true\"\nscsi0:0.fileName = \"NAME\"\n"
	for name, c := range map[string]struct {
		o          Options
		file, want string
	}{
		"unknown":   {Options{}, "a.vmdk", "[?] ?/a.vmdk"},
		"known":     {Options{Folder: "[ds] dir"}, "a.vmdk", "[ds] dir/a.vmdk"},
		"datastore": {Options{}, "/vmfs/volumes/ds/dir/a.vmdk", "[ds] dir/a.vmdk"},
		"desktop":   {Options{Desktop: true}, "dir/a.vmdk", "dir/a.vmdk"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := From(xml.Source{Data: []byte(head + strings.Replace(disk, "NAME", c.file, 1))}, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Devices.Disks[0].Source.File; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// FuzzFrom: any file is read or refused, and what was read is written or refused.
func FuzzFrom(f *testing.F) {
	f.Add([]byte(head+"scsi0.present = \"true\"\nscsi0:0.present = \"true\"\nscsi0:0.fileName = \"a.vmdk\"\n"), true)
	f.Add([]byte(head+"ethernet0.present = \"true\"\nserial0.present = \"true\"\nserial0.fileType = \"network\"\nserial0.fileName = \"telnet://h:1\"\n"), false)
	f.Fuzz(func(_ *testing.T, data []byte, desktop bool) {
		if d, err := From(xml.Source{Data: data}, Options{Desktop: desktop}); err == nil {
			_, _ = To(d, Options{Desktop: desktop})
		}
	})
}
