package qemu

import (
	"fmt"
	"path/filepath"
	"strings"

	"virgo/drivers"
	"virgo/drivers/native/shell"
	"virgo/xml"
)

// Files are what has to lie on disk before QEMU runs, a folder before what is in
// it: like Args a pure function of the definition and what is known of the host.
func Files(d *xml.Domain, b Build) []drivers.StartFile {
	lib := b.Layout.libDir(b.ID, d.Name)
	list := []drivers.StartFile{
		{Path: lib, Kind: drivers.StartFolder},
		{Path: filepath.Join(lib, keyFile), Kind: drivers.StartKey},
	}
	a := args{Build: b, d: d}
	for i := range d.Devices.Channels {
		if ch := &d.Devices.Channels[i]; madeChannel(ch) {
			list = append(list, drivers.StartFile{Path: filepath.Dir(a.channelPath(ch)), Kind: drivers.StartFolder})
		}
	}
	for _, path := range memoryFolders(d, b) {
		list = append(list, drivers.StartFile{Path: path, Kind: drivers.StartFolder})
	}
	if path := nvramFile(d); path != "" {
		list = append(list, drivers.StartFile{Path: path, Kind: drivers.StartCopy, From: xml.Plain(d.OS.NVRAM.Template)})
	}
	return append(list, overlayFiles(d)...)
}

// keyFile holds the key with which secrets on the command line are encrypted.
const keyFile = "master-key.aes"

// madeChannel tells whether a channel's socket has no place of its own.
func madeChannel(c *xml.Chardev) bool { return c.Type == "unix" && c.Path == "" && c.Target != nil }

// Script is a shell script that starts a guest without virgo: p is the plan of a
// start by hand. key, if not nil, is the one that the secrets are encrypted with.
func Script(d *xml.Domain, p *drivers.StartPlan, layout Layout, key []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# Runs the domain %s without virgo, which knows nothing of it then: no virgo command\n", strings.ReplaceAll(d.Name, "\n", " "))
	b.WriteString("# finds it. It ends when the guest powers off; the folders that are made here are left behind then.\nset -eu\numask 077\n")
	if p.User != "" {
		fmt.Fprintf(&b, "# Virgo runs QEMU as %s; this runs it as you.\n", p.User)
	}
	if d.Type == "kvm" {
		b.WriteString("test -w /dev/kvm || { echo 'this user cannot use /dev/kvm' >&2; exit 1; }\n")
	}
	for _, f := range p.Files {
		path := shell.Quote(f.Path)
		switch f.Kind {
		case drivers.StartFolder:
			fmt.Fprintf(&b, "mkdir -p %s\n", path)
		case drivers.StartKey:
			if key == nil {
				fmt.Fprintf(&b, "head -c %d /dev/urandom >%s\n", masterKeySize, path)
				continue
			}
			b.WriteString("printf '")
			for _, c := range key {
				fmt.Fprintf(&b, "\\%03o", c)
			}
			fmt.Fprintf(&b, "' >%s\n", path)
		case drivers.StartOverlay:
			b.WriteString("qemu-img " + shell.Join(overlayArgs(f)) + "\n")
		case drivers.StartCopy:
			fmt.Fprintf(&b, "mkdir -p %s\ntest -e %s || cp %s %s\n", shell.Quote(filepath.Dir(f.Path)), path, shell.Quote(f.From), path)
		}
	}
	for i, t := range taps(d, false) {
		if t.Kind == vsockTap || t.Kind == vdpaTap { // QEMU opens it
			continue
		}
		name := shell.Quote(handTap(t, d, i))
		if t.Kind == plainTap {
			if !t.Unmanaged {
				fmt.Fprintf(&b, "ip link show dev %s >/dev/null 2>&1 || ip tuntap add dev %s mode tap vnet_hdr # needs root\nip link set dev %s up\n", name, name, name)
			}
			continue
		}
		fmt.Fprintf(&b, "ip link show dev %s >/dev/null 2>&1 || ip tuntap add dev %s mode tap vnet_hdr # needs root\nip link set dev %s master %s up\n",
			name, name, name, shell.Quote(t.Bridge))
	}
	for i := range d.Devices.TPMs {
		if t := &d.Devices.TPMs[i]; emulatedTPM(t) {
			state, version := shell.Quote(tpmState(layout, d, t)), " --tpm2"
			if t.Backend.Version == "1.2" {
				version = ""
			}
			fmt.Fprintf(&b, "test -d %s || { mkdir -p %s && swtpm_setup%s --tpm-state %s --createek; } # a TPM's state, if there is none\nmkdir -p %s\n",
				state, state, version, state, shell.Quote(layout.Log))
		}
	}
	for _, c := range p.Beside {
		fmt.Fprintf(&b, "%s &\n", shell.Join(c))
	}
	if len(p.Beside) > 0 {
		b.WriteString("sleep 1 # until they listen\n")
	}
	b.WriteString("exec env -i")
	for _, w := range p.Env {
		b.WriteString(" \\\n  " + shell.Assignment(w))
	}
	for i, w := range p.Argv {
		if i == 0 || strings.HasPrefix(w, "-") {
			b.WriteString(" \\\n ")
		}
		b.WriteString(" " + shell.Quote(w))
	}
	b.WriteByte('\n')
	return b.String()
}

// handTap is the name of the tap device of a start by hand.
func handTap(t Tap, d *xml.Domain, index int) string {
	if t.Name != "" {
		return t.Name
	}
	short := d.UUID
	if len(short) > 6 {
		short = short[:6]
	}
	return fmt.Sprintf("vg%s.%d", short, index)
}
