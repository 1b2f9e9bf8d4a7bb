package commands

import "testing"

func TestDiskAddress(t *testing.T) {
	for _, tt := range []struct{ name, text, target, want string }{
		{"pci", "pci:0000.1.2.3", "vda", "<address type='pci' domain='0x0000' bus='0x01' slot='0x02' function='0x3'/>\n"},
		{"any separator", "pci:0000:00:1f.0x", "vda", "<address type='pci' domain='0x0000' bus='0x00' slot='0x1f' function='0x0'/>\n"},
		{"prefix of hex", "ccw:0xfe.0.0001", "vda", "<address type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'/>\n"},
		{"drive", "scsi:0.1.2", "sda", "<address type='drive' controller='0' bus='1' unit='2'/>\n"},
		{"usb", "usb:1.2.3", "sda", "<address type='usb' bus='1' port='2'/>\n"},
		{"bus of another name", "ide:0.1.2", "sda", "expecting a scsi:00.00.00 or usb:00.00 or sata:00.00.00 address."},
		{"too short", "pci:0.0.1", "vda", "Invalid address."},
		{"negative", "ide:-1.0.1", "hda", "Invalid address."},
		{"too large", "ide:99999999999999999999.0.1", "hda", "Invalid address."},
		{"none", "", "vda", "Invalid address."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := diskAddress(tt.text, tt.target, false)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = n.String()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParseRate(t *testing.T) {
	for _, tt := range []struct {
		text string
		want [4]uint64
		err  string
	}{
		{"1", [4]uint64{1}, ""}, {"1,,3", [4]uint64{1, 0, 3}, ""}, {",,,4", [4]uint64{3: 4}, ""}, {" 5", [4]uint64{5}, ""},
		{"1,2,3,4,5", [4]uint64{}, "Rate string '1,2,3,4,5' has too many fields"}, {"1,x", [4]uint64{1}, "field 'peak' is malformed"},
		{"-1", [4]uint64{}, "field 'average' is malformed"},
	} {
		got, err := parseRate(tt.text)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != tt.want || text != tt.err {
			t.Errorf("%q: %v %q, want %v %q", tt.text, got, text, tt.want, tt.err)
		}
	}
}

func FuzzDiskAddress(f *testing.F) {
	f.Add("pci:0.0.1.0", "vda")
	f.Add("ide:0x0.1.2", "hda")
	f.Fuzz(func(t *testing.T, text, target string) {
		n, err := diskAddress(text, target, true)
		if err == nil && len(n.Attrs) < 3 {
			t.Errorf("%q: half an address: %s", text, n)
		}
	})
}

func FuzzParseRate(f *testing.F) {
	f.Add("1,2,3,4")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = parseRate(text)
	})
}
