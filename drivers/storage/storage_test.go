package storage

import (
	"strings"
	"testing"

	"virgo/xml"
)

func source(text string) xml.Source { return xml.Source{Name: "test", Data: []byte(text)} }

const inside = "<source><host name='h'/><device path='/dev/x'/><dir path='/d'/><name>sn</name>" +
	"<initiator><iqn name='i'/></initiator><adapter name='scsi_host1'/></source><target><path>/t//</path></target>"

// Each kind of pool keeps of a source what it knows, and has its own defaults.
func TestKinds(t *testing.T) {
	for kind, want := range map[string]string{
		"dir":          "<source> </source> <target> <path>/t</path> </target>",
		"fs":           "<source> <device path='/dev/x'/> <format type='auto'/> </source> <target> <path>/t</path> </target>",
		"netfs":        "<source> <host name='h'/> <dir path='/d'/> <format type='auto'/> </source> <target> <path>/t</path> </target>",
		"logical":      "<source> <device path='/dev/x'/> <name>sn</name> <format type='lvm2'/> </source> <target> <path>/dev/sn</path> </target>",
		"disk":         "<source> <device path='/dev/x'/> <format type='unknown'/> </source> <target> <path>/t</path> </target>",
		"iscsi":        "<source> <host name='h'/> <device path='/dev/x'/> <initiator> <iqn name='i'/> </initiator> </source> <target> <path>/t</path> </target>",
		"iscsi-direct": "<source> <host name='h'/> <device path='/dev/x'/> <initiator> <iqn name='i'/> </initiator> </source>",
		"scsi":         "<source> <adapter type='scsi_host' name='scsi_host1'/> </source> <target> <path>/t</path> </target>",
		"mpath":        "<source> </source> <target> <path>/t</path> </target>",
		"rbd":          "<source> <host name='h'/> <name>sn</name> </source>",
		"sheepdog":     "<source> <host name='h'/> <name>sn</name> </source>",
		"gluster":      "<source> <host name='h'/> <dir path='/d'/> <name>sn</name> </source>",
		"zfs":          "<source> <device path='/dev/x'/> <name>sn</name> </source> <target> <path>/dev/zvol/sn</path> </target>",
		"vstorage":     "<source> <name>sn</name> </source> <target> <path>/t</path> </target>",
	} {
		t.Run(kind, func(t *testing.T) {
			def, err := ParsePool(source("<pool type='"+kind+"'><name>p</name>"+inside+"</pool>"), Traits{})
			if err != nil {
				t.Fatal(err)
			}
			doc, _ := xml.Marshal(def)
			text := strings.Join(strings.Fields(string(doc)), " ")
			if _, got, _ := strings.Cut(text, "</available> "); strings.TrimSuffix(got, " </pool>") != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		})
	}
}

func TestPoolErrors(t *testing.T) {
	for _, c := range []struct{ name, kind, text, want string }{
		{"no target", "dir", "<name>p</name>", "missing storage pool target path"},
		{"no name", "dir", inside, "missing pool source name element"},
		{"slash", "dir", "<name>a/b</name>" + inside, "name a/b cannot contain '/'"},
		{"format", "fs", "<name>p</name><source><device path='d'/><format type='x'/></source>", "unknown pool format type x"},
		{"mode", "dir", "<name>p</name><target><path>/t</path><permissions><mode>999</mode></permissions></target>", "malformed octal mode"},
		{"auth", "iscsi", "<name>p</name><source><host name='h'/><auth username='u'><secret usage='x'/></auth></source>", "storage pool missing auth type"},
		{"fibre channel", "scsi", "<name>p</name><source><adapter type='fc_host' wwnn='1' wwpn='2'/></source>", "Malformed wwn: 1"},
		{"cow", "rbd", "<name>p</name><features><cow state='yes'/></features>", "cow feature may only be used for"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParsePool(source("<pool type='"+c.kind+"'>"+c.text+"</pool>"), Traits{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestVolumes(t *testing.T) {
	pool := &xml.Pool{Type: "dir"}
	for _, c := range []struct{ name, text, want string }{
		{"no name", "<capacity>1</capacity>", "missing volume name element"},
		{"no capacity", "<name>v</name>", "missing capacity element"},
		{"capacity", "<name>v</name><capacity>x</capacity>", "malformed capacity element"},
		{"format", "<name>v</name><capacity>1</capacity><target><format type='x'/></target>", "unknown volume format type x"},
		{"compat", "<name>v</name><capacity>1</capacity><target><compat>1</compat></target>", "forbidden characters in 'compat' attribute"},
		{"feature", "<name>v</name><capacity>1</capacity><target><features><x/></features></target>", "unsupported feature x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseVolume(source("<volume>"+c.text+"</volume>"), pool, true)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
	v, err := ParseVolume(source("<volume><name>v</name><capacity unit='KB'>3</capacity></volume>"), pool, true)
	if err != nil || *v.Capacity != 3000 || *v.Allocation != 3000 || v.Type != "file" || v.Target.Format.Type != "raw" {
		t.Errorf("%+v %v", v, err)
	}
}

// What is printed can be read again, and is the same.
func FuzzPool(f *testing.F) {
	for _, k := range Kinds() {
		f.Add("<pool type='" + k + "'><name>p</name>" + inside + "</pool>")
	}
	f.Fuzz(func(t *testing.T, text string) {
		def, err := ParsePool(source(text), Traits{Options: true})
		if err != nil {
			return
		}
		once, _ := xml.Marshal(def)
		again, err := ParsePool(xml.Source{Data: once}, Traits{Options: true})
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if twice, _ := xml.Marshal(again); string(twice) != string(once) {
			t.Fatalf("printed once\n%s\nand again\n%s", once, twice)
		}
	})
}

func FuzzVolume(f *testing.F) {
	f.Add("<volume><name>v</name><capacity unit='M'>1</capacity><target><format type='qcow2'/><features><extended_l2/></features></target></volume>")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseVolume(source(text), &xml.Pool{Type: "dir"}, true)
		if err != nil {
			return
		}
		once, _ := xml.Marshal(v)
		again, err := ParseVolume(xml.Source{Data: once}, &xml.Pool{Type: "dir"}, true)
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if twice, _ := xml.Marshal(again); string(twice) != string(once) {
			t.Fatalf("printed once\n%s\nand again\n%s", once, twice)
		}
	})
}
