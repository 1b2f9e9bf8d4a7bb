package qemu

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"virgo/xml"
)

// companion is a program that serves a device of a guest. It is started before
// QEMU, which connects to it, and ends by itself when QEMU lets go.
type companion struct {
	What   string   // for the log
	Argv   []string // the first word is a name to be looked for, or a path
	Listen string   // a socket that it is given listening, as descriptor 3
	Makes  string   // a socket that it makes itself
	Pass   [][]byte // secrets, each through a pipe, from descriptor 3 on
	Root   bool     // it confines itself, and needs the caller's rights for that
}

// companions are the programs that a guest's devices need.
func companions(d *xml.Domain, b Build) ([]companion, error) {
	var list []companion
	for i := range d.Devices.TPMs {
		if t := &d.Devices.TPMs[i]; emulatedTPM(t) {
			c, err := swtpm(d, t, b)
			if err != nil {
				return nil, err
			}
			list = append(list, c)
		}
	}
	for i := range d.Devices.Filesystems {
		if f := &d.Devices.Filesystems[i]; servedFS(f) {
			list = append(list, virtiofsd(f, fsSocket(b.Layout.libDir(b.ID, d.Name), f)))
		}
	}
	if managedReservations(d) {
		list = append(list, prHelper(b.Layout.libDir(b.ID, d.Name)))
	}
	return list, nil
}

// prHelper reserves the disks of a guest; dir is its own folder.
func prHelper(dir string) companion {
	sock := filepath.Join(dir, reservationSock)
	return companion{What: "persistent reservations helper", Argv: []string{"qemu-pr-helper", "-k", sock}, Makes: sock, Root: true}
}

// reservationSock, in the guest's own folder, is that of the program which reserves
// SCSI disks for the guest.
const reservationSock = "pr-helper0.sock"

// managedReservations tells whether a disk wants that program to be started for it.
func managedReservations(d *xml.Domain) bool {
	for i := range d.Devices.Disks {
		if s := d.Devices.Disks[i].Source; s != nil && s.Reservations != nil && s.Reservations.Managed == "yes" {
			return true
		}
	}
	return false
}

// shown is the command line, with the socket's path where nothing is inherited.
func (c *companion) shown(byHand bool) []string {
	if !byHand || c.Listen == "" {
		return c.Argv
	}
	list := append([]string{}, c.Argv...)
	for i, w := range list {
		if w == "--fd=3" {
			list[i] = "--socket-path=" + c.Listen
		}
	}
	return list
}

func emulatedTPM(t *xml.TPM) bool { return t.Backend != nil && t.Backend.Type == "emulator" }

// servedFS tells whether a file system needs a virtiofsd that nobody else runs.
func servedFS(f *xml.Filesystem) bool {
	return f.Driver != nil && f.Driver.Type == "virtiofs" && (f.Source == nil || f.Source.Socket == "")
}

func fsSocket(libDir string, f *xml.Filesystem) string {
	return filepath.Join(libDir, aliasOf(f.Alias)+"-fs.sock")
}

// tpmDir is where the state of a domain's emulated module is kept.
func (l Layout) tpmDir(uuid string) string { return filepath.Join(l.Lib, "swtpm", uuid) }

// tpmState is the folder of one version's state.
func tpmState(l Layout, d *xml.Domain, t *xml.TPM) string {
	if s := t.Backend.Source; s != nil && s.Type == "dir" && s.Path != "" {
		return s.Path
	}
	version := "tpm2"
	if t.Backend.Version == "1.2" {
		version = "tpm1.2"
	}
	return filepath.Join(l.tpmDir(d.UUID), version)
}

// swtpm emulates a module.
func swtpm(d *xml.Domain, t *xml.TPM, b Build) (companion, error) {
	sock := filepath.Join(b.Layout.libDir(b.ID, d.Name), "swtpm.sock")
	state := "dir=" + tpmState(b.Layout, d, t) + ",mode=0600"
	if s := t.Backend.Source; s != nil && s.Type == "file" && s.Path != "" {
		state = "backend-uri=file://" + s.Path
	}
	c := companion{What: "TPM Emulator", Makes: sock, Argv: []string{"swtpm", "socket", "--ctrl", "type=unixio,path=" + sock + ",mode=0600",
		"--tpmstate", state, "--log", "file=" + tpmLog(b.Layout, d), "--terminate"}}
	if t.Backend.Debug > 0 {
		c.Argv[7] += ",level=" + strconv.Itoa(int(t.Backend.Debug))
	}
	if t.Backend.Version != "1.2" {
		c.Argv = append(c.Argv, "--tpm2")
	}
	key, err := tpmKey(t, b)
	if err == nil && key != nil {
		c.Pass = [][]byte{key, key}
		c.Argv = append(c.Argv, "--key", "pwdfd=3,mode=aes-256-cbc", "--migration-key", "pwdfd=4,mode=aes-256-cbc")
	}
	return c, err
}

func tpmLog(l Layout, d *xml.Domain) string { return filepath.Join(l.Log, d.Name+"-swtpm.log") }

// tpmKey is the value of the secret that encrypts a module's state, nil for none.
func tpmKey(t *xml.TPM, b Build) ([]byte, error) {
	e := t.Backend.Encryption
	if e == nil || b.Reveal == nil {
		return nil, nil
	}
	return b.Reveal("vtpm", e.Secret, "")
}

// tpmSetup makes the state of a new module. config is swtpm_setup's own.
func tpmSetup(d *xml.Domain, t *xml.TPM, b Build, config string) (companion, error) {
	c := companion{What: "swtpm_setup", Argv: []string{"swtpm_setup", "--config", config, "--tpm-state", tpmState(b.Layout, d, t),
		"--vmid", d.Name + ":" + d.UUID, "--logfile", tpmLog(b.Layout, d), "--createek", "--create-ek-cert", "--create-platform-cert",
		"--lock-nvram", "--not-overwrite"}}
	if t.Backend.Version != "1.2" {
		c.Argv = append(c.Argv, "--tpm2")
		var banks []string
		if p := t.Backend.PCRBanks; p != nil {
			for _, v := range []struct {
				on   bool
				name string
			}{{p.SHA1, "sha1"}, {p.SHA256, "sha256"}, {p.SHA384, "sha384"}, {p.SHA512, "sha512"}} {
				if v.on {
					banks = append(banks, v.name)
				}
			}
		}
		if banks != nil {
			c.Argv = append(c.Argv, "--pcr-banks", strings.Join(banks, ","))
		}
	}
	if p := t.Backend.Profile; p != nil && p.Name != "" {
		c.Argv = append(c.Argv, "--profile-name", p.Name)
	}
	key, err := tpmKey(t, b)
	if err == nil && key != nil {
		c.Pass = [][]byte{key}
		c.Argv = append(c.Argv, "--pwdfile-fd", "3", "--cipher", "aes-256-cbc")
	}
	return c, err
}

// virtiofsd serves a folder.
func virtiofsd(f *xml.Filesystem, sock string) companion {
	source := ""
	if f.Source != nil {
		source = f.Source.Dir
	}
	option := "source=" + strings.ReplaceAll(source, ",", ",,")
	program := "virtiofsd"
	c := companion{What: "virtiofsd", Listen: sock, Root: true}
	var more []string
	if v := f.Binary; v != nil {
		if v.Path != "" {
			program = v.Path
		}
		if v.Cache != nil && v.Cache.Mode != "" {
			option += ",cache=" + v.Cache.Mode
		}
		if v.Sandbox != nil && v.Sandbox.Mode != "" {
			option += ",sandbox=" + v.Sandbox.Mode
		}
		option += switched("xattr", v.XAttr)
		if v.Lock != nil {
			option += switched("flock", v.Lock.Flock) + switched("posix_lock", v.Lock.POSIX)
		}
		if v.ThreadPool != nil && v.ThreadPool.Size != nil {
			more = append(more, fmt.Sprintf("--thread-pool-size=%d", *v.ThreadPool.Size))
		}
		if v.OpenFiles != nil && v.OpenFiles.Max > 0 {
			more = append(more, fmt.Sprintf("--rlimit-nofile=%d", v.OpenFiles.Max))
		}
	}
	if f.Readonly {
		more = append(more, "--readonly")
	}
	if m := f.IDMap; m != nil {
		for _, r := range m.UIDs {
			more = append(more, fmt.Sprintf("--uid-map=:%d:%d:%d:", r.Start, r.Target, r.Count))
		}
		for _, r := range m.GIDs {
			more = append(more, fmt.Sprintf("--gid-map=:%d:%d:%d:", r.Start, r.Target, r.Count))
		}
	}
	c.Argv = append([]string{program, "--fd=3", "-o", option}, more...)
	return c
}

func switched(word string, v xml.OnOff) string {
	switch v {
	case "on":
		return "," + word
	case "off":
		return ",no_" + word
	}
	return ""
}
