//go:build linux

package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// badInput are documents that must be refused, and where (0: anywhere).
func badInput() []struct {
	name, doc    string
	line, column int
} {
	dom := func(devices string) string {
		return "<domain type='qemu'><name>x</name><memory>16384</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>\n<devices>" + devices + "\n</devices></domain>"
	}
	entities := "<!DOCTYPE l [<!ENTITY l0 'lol'>"
	for i := range 9 {
		entities += fmt.Sprintf("<!ENTITY l%d '%s'>", i+1, strings.Repeat(fmt.Sprintf("&l%d;", i), 10))
	}
	many := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	disk := "\n<disk type='file'><source file='/%s'/><target dev='%s' bus='virtio'/>%s</disk>"
	slot := "<address type='pci' bus='0' slot='%s' function='0'/>"
	return []struct {
		name, doc    string
		line, column int
	}{
		{"entities of entities", entities + "]>\n<domain>&l9;</domain>", 2, 13},
		{"an entity of a file", "<!DOCTYPE domain [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>\n<domain>&a;</domain>", 2, 12},
		{"a million elements, nested", strings.Repeat("<a>", 1000000) + strings.Repeat("</a>", 1000000), 1, 769},
		{"a million elements, side by side", "<domain>" + strings.Repeat("<a/>", 1000000) + "</domain>", 1, 1},
		{"as many attributes", "<domain " + many("a%d='1' ", 200000) + "/>", 1, 1},
		{"an unknown encoding", "<?xml version='1.0' encoding='EBCDIC'?><domain/>", 1, 38},
		{"no UTF-8", "<domain><name>\xff</name></domain>", 1, 15},
		{"a NUL", "<domain>\n<name>a\x00b</name></domain>", 2, 8},
		{"half of UTF-16", "\xff\xfe<\x00d\x00\x00\xd8>\x00", 0, 0},
		{"no end", "<domain><name>x</name>\n", 2, 1},
		{"two roots", "<domain/>\n<domain/>", 2, 1},
		{"500 disks that have no names", dom(many("<disk type='file'><source file='/a'/><target dev='sd%d' bus='scsi'/></disk>", 500)), 2, 0},
		{"one target twice", dom(fmt.Sprintf(disk, "a", "vda", "") + fmt.Sprintf(disk, "b", "vda", "")), 4, 0},
		{"one address twice", dom(fmt.Sprintf(disk, "a", "vda", fmt.Sprintf(slot, "0x07")) + fmt.Sprintf(disk, "b", "vdb", fmt.Sprintf(slot, "7"))), 4, 0},
		{"an address out of range", dom(fmt.Sprintf(disk, "a", "vda", fmt.Sprintf(slot, "99"))), 3, 0},
		{"a controller out of range", dom("\n<controller type='pci' index='100000' model='pci-bridge'/>"), 3, 0},
		{"a drive out of range", dom("\n<disk type='file'><source file='/a'/><target dev='sda' bus='scsi'/><address type='drive' controller='4000000000'/></disk>"), 3, 0},
		{"a port out of range", dom("\n<channel type='unix'><target type='virtio'/><address type='virtio-serial' controller='4000000' port='1'/></channel>"), 3, 0},
		{"contradicting options", dom("\n<disk type='file' device='cdrom'><source file='/a'/><target dev='vda' bus='virtio'/></disk>"), 3, 0},
		{"vCPUs without end", strings.Replace(dom(""), "<os>", "\n<vcpu>4000000000</vcpu><os>", 1), 2, 1},
		{"memory without end", strings.Replace(dom(""), "16384", "99999999999999999999", 1), 1, 35},
		{"CPUs without end", strings.Replace(dom(""), "<os>", "\n<vcpu cpuset='0-4000000000'>1</vcpu><os>", 1), 2, 0},
		{"a name that leaves the folder", strings.Replace(dom(""), "<name>x", "<name>../x", 1), 1, 0},
	}
}

// TestBadInput: a document that cannot be defined gives an error with line and
// column, in a second and 256 MiB, and leaves nothing behind.
func TestBadInput(t *testing.T) {
	r := newRoot(t)
	r.needQEMU()
	r.define("probe") // so that QEMU has been asked
	r.run("undefine", "probe")
	for _, c := range badInput() {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "bad.xml")
			if err := os.WriteFile(file, []byte(c.doc), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := r.command("--output", "json", "define", file)
			var errs bytes.Buffer
			cmd.Stderr = &errs
			began := time.Now()
			if err := cmd.Run(); err == nil {
				t.Fatal("it is defined")
			} else if _, ok := err.(*exec.ExitError); !ok {
				t.Fatal(err)
			}
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("it took %v", d)
			}
			if kib := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss; kib > 256<<10 {
				t.Errorf("it took %d KiB", kib)
			}
			var e struct {
				Detail, File string
				Line, Column int
			}
			if err := json.Unmarshal(errs.Bytes(), &e); err != nil {
				t.Fatalf("%v: %s", err, errs.String())
			}
			if e.Line == 0 || e.Column == 0 || e.File != file || c.line > 0 && e.Line != c.line || c.column > 0 && e.Column != c.column {
				t.Errorf("at %d:%d, want %d:%d: %s", e.Line, e.Column, c.line, c.column, e.Detail)
			}
			if got := r.run("list", "--all", "--name"); got != "" {
				t.Errorf("left: %s", got)
			}
			left, _ := filepath.Glob(r.dir + "/etc/qemu/*.xml")
			more, _ := filepath.Glob(r.dir + "/etc/qemu/.tmp*")
			if len(left)+len(more) > 0 {
				t.Errorf("left: %v %v", left, more)
			}
		})
	}
}
