package moment

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

var traits = domain.Traits{}

func complete(_ *xml.Node, d *xml.Domain) error { return domain.Complete(d, &traits) }

// guest is a domain with two disks and an empty drive.
func guest(image string) string {
	return `<domain type='test'><name>g</name><uuid>11111111-2222-3333-4444-555555555555</uuid><memory>1024</memory><os><type>hvm</type></os><devices>
<disk type='file'><source file='` + image + `'/><target dev='vda' bus='virtio'/></disk>
<disk type='file'><source file='/nothing/b.img'/><target dev='vdb' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/></disk></devices></domain>`
}

func TestAlign(t *testing.T) {
	image := filepath.Join(t.TempDir(), "a.img")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	off := "<state>shutoff</state><creationTime>1</creationTime>"
	tests := []struct{ name, doc, want string }{
		{"defaults", off, "vda=internal vdb=internal hda=no"},
		{"the others follow one that is external", off + "<disks><disk name='vda' snapshot='external'/><disk name='vdb' snapshot='no'/></disks>",
			"vda=external:" + filepath.Dir(image) + "/a.one vdb=no hda=no"},
		{"a drive's own mode may be named", off + "<disks><disk name='hda' snapshot='no'/></disks>", "vda=internal vdb=internal hda=no"},
		{"by source", off + "<disks><disk name='" + image + "' snapshot='no'/></disks>", "disk '" + image + "' must use snapshot mode 'internal'"},
		{"no such disk", off + "<disks><disk name='vdz'/></disks>", "no disk named 'vdz'"},
		{"no file to name", off + "<disks><disk name='vdb' snapshot='external'/><disk name='vda' snapshot='no'/></disks>", "source for disk 'vdb' is not a regular file"},
		{"twice", off + "<disks><disk name='vda'/><disk name='vda'/></disks>", "disk 'vda' specified twice"},
		{"too many", off + strings.Replace("<disks>DDDD</disks>", "DDDD", strings.Repeat("<disk name='vda'/>", 4), 1), "too many disk snapshot requests"},
		{"memory of a stopped domain", off + "<memory snapshot='internal'/>", "memory state cannot be saved"},
		{"no state", "<creationTime>1</creationTime>", "missing state"},
		{"no time", "<state>shutoff</state>", "missing creationTime"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			doc := "<domainsnapshot><name>one</name>" + tc.doc + guest(image) + "</domainsnapshot>"
			m, err := Parse(drivers.Snapshot, xml.Source{Data: []byte(doc)}, Options{Redefine: true, Complete: complete})
			if err == nil {
				err = m.Align(m.Mode())
			}
			var got []string
			if err != nil {
				got = append(got, err.Error())
			} else {
				for _, d := range m.Disks {
					word := d.Name + "=" + d.Snapshot
					if d.Source != nil {
						word += ":" + d.Source.File
					}
					got = append(got, word)
				}
			}
			if text := strings.Join(got, " "); !strings.Contains(text, tc.want) {
				t.Errorf("got %s, want %s", text, tc.want)
			}
		})
	}
}

func TestSet(t *testing.T) {
	s := &Set{}
	for _, m := range []Moment{{Name: "a"}, {Name: "b", Parent: "a"}, {Name: "c", Parent: "b"}, {Name: "d", Parent: "b"}} {
		s.Put(&m)
	}
	s.Current = s.Find("b")
	if _, err := s.Redefined(&Moment{Name: "a", Parent: "c"}, ""); err == nil || !strings.Contains(err.Error(), "cycle") {
		t.Errorf("a circle is let in: %v", err)
	}
	var names []string
	for _, m := range s.Doomed(s.Find("a"), true, false) {
		names = append(names, m.Name)
	}
	if got := strings.Join(names, ""); got != "cdba" {
		t.Errorf("doomed: %s", got)
	}
	if changed := s.Remove(s.Find("b")); len(changed) != 2 || changed[0].Parent != "a" || s.Current != s.Find("a") {
		t.Errorf("after removing b: %d changed, current %v", len(changed), s.Current)
	}
}

// FuzzParse: what is read prints to what reads to the same.
func FuzzParse(f *testing.F) {
	f.Add("<domainsnapshot><name>x</name><state>running</state><creationTime>1</creationTime><memory file='/m'/><cookie/>" + guest("/a") + "</domainsnapshot>")
	f.Add("<domaincheckpoint><name>x</name><creationTime>1</creationTime><disks><disk name='vda' size='1'/></disks></domaincheckpoint>")
	f.Fuzz(func(t *testing.T, doc string) {
		for _, k := range []drivers.Kind{drivers.Snapshot, drivers.Checkpoint} {
			m, err := Parse(k, xml.Source{Data: []byte(doc)}, Options{Redefine: true})
			if err != nil || m.Created < 0 && k == drivers.Checkpoint {
				continue
			}
			one, err := m.Print(&traits, drivers.SecurityInfo)
			if err != nil {
				continue
			}
			again, err := Parse(k, xml.Source{Data: one}, Options{Redefine: true})
			if err != nil {
				t.Fatalf("%v\n%s", err, one)
			}
			if two, err := again.Print(&traits, drivers.SecurityInfo); err != nil || !bytes.Equal(one, two) {
				t.Fatalf("%v\n%s\n%s", err, one, two)
			}
		}
	})
}
