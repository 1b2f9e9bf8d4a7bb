package image

import (
	"bytes"
	"encoding/binary"
	"os/exec"
	"path/filepath"
	"testing"
)

// header is a qcow2 header with a backing file and its format.
func header() []byte {
	h := make([]byte, 4096)
	copy(h, "QFI\xfb")
	put := func(at int, v uint32) { binary.BigEndian.PutUint32(h[at:], v) }
	put(4, 3)
	put(12, 1024)
	put(16, 8)
	put(20, 16)
	put(28, 1<<20)
	put(100, 104)
	put(104, 0xe2792aca)
	put(108, 5)
	copy(h[112:], "qcow2")
	copy(h[1024:], "base.img")
	return h
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		head []byte
		want Info
	}{
		"nothing":       {nil, Info{Format: "raw"}},
		"raw":           {make([]byte, 1024), Info{Format: "raw"}},
		"qcow2":         {header(), Info{Format: "qcow2", Capacity: 1 << 20, Backing: "base.img", BackingFormat: "qcow2", Compat: "1.1", ClusterSize: 65536}},
		"qcow2 cut off": {header()[:110], Info{Format: "qcow2", Capacity: 1 << 20, Compat: "1.1", ClusterSize: 65536}},
		"luks":          {[]byte("LUKS\xba\xbe\x00\x01..."), Info{Format: "raw", Encryption: "luks"}},
	} {
		if got := Parse(c.head); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestQEMU reads what qemu-img writes.
func TestQEMU(t *testing.T) {
	tool, err := exec.LookPath("qemu-img")
	if err != nil {
		t.Skip("no qemu-img here")
	}
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		args []string
		want Info
	}{
		{"raw", []string{"-f", "raw"}, Info{Format: "raw"}},
		{"qcow2", []string{"-f", "qcow2", "-o", "lazy_refcounts=on,extended_l2=on,cluster_size=128k"},
			Info{Format: "qcow2", Compat: "1.1", Capacity: 8 << 20, ClusterSize: 128 << 10, LazyRefcounts: true, ExtendedL2: true}},
		{"old", []string{"-f", "qcow2", "-o", "compat=0.10"}, Info{Format: "qcow2", Compat: "0.10", Capacity: 8 << 20, ClusterSize: 65536}},
		{"above", []string{"-f", "qcow2", "-b", "qcow2", "-F", "qcow2"},
			Info{Format: "qcow2", Compat: "1.1", Capacity: 8 << 20, ClusterSize: 65536, Backing: "qcow2", BackingFormat: "qcow2"}},
		{"data", []string{"-f", "qcow2", "-o", "data_file=" + dir + "/d,data_file_raw=on"},
			Info{Format: "qcow2", Compat: "1.1", Capacity: 8 << 20, ClusterSize: 65536, DataFile: dir + "/d", DataFileRaw: true}},
		{"qed", []string{"-f", "qed", "-b", "raw", "-F", "raw"}, Info{Format: "qed", Capacity: 8 << 20, ClusterSize: 65536, Backing: "raw", BackingFormat: "raw"}},
		{"qcow", []string{"-f", "qcow"}, Info{Format: "qcow", Capacity: 8 << 20}},
		{"vmdk", []string{"-f", "vmdk"}, Info{Format: "vmdk", Capacity: 8 << 20}},
		{"vdi", []string{"-f", "vdi"}, Info{Format: "vdi", Capacity: 8 << 20}},
		{"vpc", []string{"-f", "vpc", "-o", "force_size=on"}, Info{Format: "vpc", Capacity: 8 << 20}},
	} {
		cmd := exec.Command(tool, append(append([]string{"create", "-q"}, c.args...), c.name, "8M")...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", c.name, err, out)
			continue
		}
		if got, err := Open(filepath.Join(dir, c.name)); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
}

func TestLocal(t *testing.T) {
	for backing, want := range map[string]string{
		"/a/b": "/a/b", "b": "/d/b", "../b": "/b", "file:/a/b": "/a/b", "nbd://h/x": "", "nbd:unix:/x": "", "json:{}": "", "./a:b": "/d/a:b"} {
		if got, ok := Local("/d/x", backing); got != want || ok != (want != "") {
			t.Errorf("%s: %q %v", backing, got, ok)
		}
	}
}

// FuzzParse: whatever an image holds, its header is read or is none.
func FuzzParse(f *testing.F) {
	f.Add(header())
	f.Add(append([]byte("KDMV"), make([]byte, 600)...))
	f.Add([]byte("QED\x00aaaabbbbccccddddddddeeeeeeeeffffffffgggggggghhhhhhhhiiiijjjj"))
	f.Fuzz(func(t *testing.T, head []byte) {
		info := Parse(head)
		if info.Format == "" || len(info.Backing) > maxName {
			t.Errorf("%+v", info)
		}
		if again, err := Read(bytes.NewReader(head)); err != nil || len(head) <= headSize && again != info {
			t.Errorf("%+v, %v", again, err)
		}
	})
}
