package storage

import (
	"testing"

	"virgo/xml"
)

var group0 = &xml.Pool{Type: "logical", Name: "p", Source: &xml.PoolSource{Name: "vg0"}, Target: &xml.PoolTarget{Path: "/dev/vg0"}}

const someLVs = `  root##aaaa-1#/dev/sda2(0)#linear#1#4194304#4194304#8388608#-wi-ao----
  root##aaaa-1#/dev/sdb1(5)#linear#1#4194304#4194304#8388608#-wi-ao----
  fast##bbbb-2#/dev/sda2(1),/dev/sdb1(6)#striped#2#8388608#4194304#8388608#-wi-------
  snap#root#cccc-3#/dev/sda2(9)#linear#1#4194304#4194304#8388608#swi-a-s---
  thin##dddd-4##thin-pool#1#0#4194304#8388608#twi-a-tz--
`

func TestParseLVs(t *testing.T) {
	list, err := parseLVs(group0, someLVs)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d volumes, %v", len(list), err)
	}
	root, fast, snap := list[0], list[1], list[2]
	if root.Key != "aaaa-1" || *root.Capacity != 8388608 || *root.Allocation != 8388608 || len(root.Source.Devices) != 2 ||
		root.Source.Devices[1].Path != "/dev/sdb1" || root.Source.Devices[1].Extents[0].Start != 5*4194304 || root.Target.Path != "/dev/vg0/root" {
		t.Errorf("%+v", root)
	}
	if len(fast.Source.Devices) != 2 || *fast.Allocation != 8388608 {
		t.Errorf("%+v", fast)
	}
	if snap.BackingStore == nil || snap.BackingStore.Path != "/dev/vg0/root" {
		t.Errorf("%+v", snap)
	}
}

func TestParsePVs(t *testing.T) {
	found := parsePVs("  /dev/sda2  vg0\n  /dev/sdb1 vg1\n  /dev/sdc vg0 \n  /dev/sdd \n")
	if len(found.Sources) != 2 || len(found.Sources[0].Devices) != 2 || found.Sources[1].Name != "vg1" {
		t.Errorf("%+v", found)
	}
}

// FuzzParseLVs: whatever a program prints, it is read or refused.
func FuzzParseLVs(f *testing.F) {
	f.Add(someLVs)
	f.Add("a#b#c#d(e)#f#g#h#i#j#-\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseLVs(group0, text)
		for _, v := range list {
			if err == nil && (v.Name == "" || v.Capacity == nil) {
				t.Errorf("%+v", v)
			}
		}
		parsePVs(text)
	})
}
