package vmx

import (
	"strings"
	"testing"
	"unicode/utf8"

	"virgo/drivers"
	"virgo/drivers/domain"
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
	for _, text := range []string{".encoding = \"klingon\"\n" + head + "annotation = \"\xff\""} {
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
		"escape":        {strings.Replace(head, "\"x\"", "\"a|zz\"", 1), "VMX entry 'name' contains invalid escape sequence"},
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

// TestRead: what entries become in a domain, or the error about them.
func TestRead(t *testing.T) {
	const disk = "scsi0.present = \"true\"\nscsi0:0.present = \"true\"\nscsi0:0.fileName = \"a.vmdk\"\n"
	const card = "ethernet0.present = \"true\"\n"
	const port = "serial0.present = \"true\"\n"
	for _, c := range []struct{ text, want string }{
		{`vm.genid = "-570734802784577186"` + "\n" + `vm.genidX = "-6726824770148985470"`, "<genid>f81457b8-8312-995e-a2a5-848304f89582</genid>"},
		{`vm.genid = "5"`, "<genid>00000000-0000-0005-0000-000000000000</genid>"},
		{`memsize = " 8"`, "<memory unit='KiB'>8192</memory>"},
		{`memsize = "8|20"`, "Config entry 'memsize' must represent an integer value"},
		{`memsize = "unlimited"`, "but found -1"},
		{`annotation = "a|22b"`, "<description>a&quot;b</description>"},
		{`annotation = "a|00b"`, "<description>a</description>"},
		{disk + `scsi0:0.startConnected = "x"`, "Config entry 'scsi0:0.startConnected' must represent a boolean value"},
		{disk + `scsi0:0.deviceType = "x"` + "\n" + `scsi0:0.writeThrough = "x"`, "scsi0:0.writeThrough"},
		{disk + `scsi0.virtualDev = "ParaVirtual"`, "but found 'paravirtual'"},
		{strings.Replace(disk, "a.vmdk", "a|22.vmdk", 1), "a|22.vmdk"},
		{`ethernet0.startConnected = "x"`, "ethernet0.startConnected"},
		{`ethernet1x.present = "true"`, "failed to parse the index of the VMX key 'ethernet1x.present'"},
		{card + `ethernet0.connectionType = ""`, "Invalid value '' for VMX entry 'ethernet0.connectionType'"},
		{card + `ethernet0.virtualDev = "x"` + "\n" + `ethernet0.connectionType = "x"`, "ethernet0.virtualDev"},
		{card + `ethernet0.features = "x"`, "ethernet0.features"},
		{card + `ethernet0.checkMACAddress = "TRUE"`, "check='no'"},
		{`svga.vramSize = "x"` + "\n" + port + `serial0.fileType = "x"`, "svga.vramSize"},
		{port + `serial0.fileType = "x"` + "\n" + `firmware = "x"`, "serial0.fileType"},
		{`firmware = "bios"`, "VMX entry 'firmware' has unknown value 'bios'"},
		{`uefi.secureBoot.enabled = "x"`, "uefi.secureBoot.enabled"},
		{`sched.cpu.affinity = "0-3"`, "cpuset='0'"},
		{`sched.cpu.affinity = "0,"`, "to be a comma separated list"},
		{`sched.cpu.affinity = "0x1"`, "to be a comma separated list"},
		{`sched.cpu.affinity = " 5 , +6"`, "cpuset='5-6'"},
		{`sched.cpu.shares = "-1"`, "<shares>18446744073709551615</shares>"},
		{`.encoding = "klingon"`, "libxml2 doesn't handle klingon encoding"},
		{`.encoding = "GB18030"`, "<name>x</name>"},
		{`floppy0.present = "true"` + "\n" + `floppy0.deviceType = "q"`, "for device type 'q'"},
	} {
		d, err := From(xml.Source{Name: "f", Data: []byte(head + c.text + "\n")}, Options{})
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			doc, err := domain.Print(d, &domain.Traits{Driver: "vmware"}, drivers.Inactive)
			if err != nil {
				t.Fatal(err)
			}
			got = string(doc)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
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

// TestHostEncodings: texts in the encodings of the hosts that VMware runs on.
func TestHostEncodings(t *testing.T) {
	for encoding, c := range map[string]struct{ text, want string }{
		"GBK":          {"\xb2\xe2\xca\xd4\x80", "测试€"},
		"Shift_JIS":    {"\x83e\x83X\x83g\x8a\xbf\x8e\x9a\xb1\x95\\", "テスト漢字ｱ表"},
		"windows-31j":  {"\x83e", "テ"},
		"Big5":         {"\xb4\xfa\xb8\xd5", "測試"},
		"EUC-KR":       {"\xc5\xd7\xbd\xba\xc6\xae", "테스트"},
		"windows-1252": {"\xe9\x80", "é€"},
		"windows-1251": {"\xf2", "т"},
		"gbk":          {"\xff", "\ufffd"},
	} {
		text := ".encoding = \"" + encoding + "\"\nconfig.version = \"8\"\nvirtualHW.version = \"4\"\ndisplayName = \"" + c.text + "\"\n"
		d, err := From(xml.Source{Data: []byte(text)}, Options{})
		if err != nil || d.Name != c.want {
			t.Errorf("%s: %+v %v", encoding, d, err)
		}
	}
	for _, encoding := range []string{"windows-5", "UTF-1", "windows-1259", "klingon"} {
		if _, err := decode(nil, encoding); err == nil || !strings.Contains(err.Error(), "libxml2 doesn't handle "+encoding+" encoding") {
			t.Errorf("%s: %v", encoding, err)
		}
	}
}
