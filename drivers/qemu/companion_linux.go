package qemu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"virgo/drivers"
	"virgo/drivers/native/shell"
	"virgo/xml"
)

// places are looked into for programs that are in no PATH.
var places = []string{"/usr/libexec", "/usr/lib/qemu", "/usr/lib"}

// program finds a companion's program.
func (c *companion) program() (string, error) {
	name := c.Argv[0]
	if strings.Contains(name, "/") {
		return name, nil
	}
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	for _, dir := range places {
		if p := filepath.Join(dir, name); executable(p) {
			return p, nil
		}
	}
	if name == "virtiofsd" {
		return "", xml.Errorf(xml.CodeOperationFailed, "Unable to find a satisfying virtiofsd")
	}
	return "", xml.Errorf(xml.CodeSystem, "Cannot find '%s' in path: No such file or directory", name)
}

func executable(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0
}

// command is the process to be; done closes what it inherits.
func (c *companion) command(owner *user) (cmd *exec.Cmd, done func(), err error) {
	path, err := c.program()
	if err != nil {
		return nil, nil, err
	}
	cmd = &exec.Cmd{Path: path, Args: append([]string{path}, c.Argv[1:]...), Dir: "/", SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	if owner != nil && !c.Root {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: owner.UID, Gid: owner.GID, Groups: owner.Groups}
	}
	done = func() {
		for _, f := range cmd.ExtraFiles {
			f.Close()
		}
	}
	if c.Listen != "" {
		f, err := listeningFile(filepath.Dir(c.Listen), filepath.Base(c.Listen))
		if err != nil {
			return nil, nil, err
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
		if owner != nil {
			if err := os.Chown(c.Listen, int(owner.UID), int(owner.GID)); err != nil {
				done()
				return nil, nil, err
			}
		}
	}
	for _, secret := range c.Pass {
		r, w, err := os.Pipe()
		if err != nil {
			done()
			return nil, nil, err
		}
		_, err = w.Write(secret) // less than a pipe holds
		w.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, r)
		if err != nil {
			done()
			return nil, nil, err
		}
	}
	return cmd, done, nil
}

// start runs a companion of the guest in dir; its words go to the guest's log.
func (c *companion) start(dir string, owner *user, log *os.File) (stop func(), err error) {
	cmd, done, err := c.command(owner)
	if err != nil {
		return nil, err
	}
	defer done()
	fmt.Fprintf(log, "%s: Starting external device: %s\n%s\n", logTime(), c.What, shell.Join(cmd.Args))
	if c.Makes != "" {
		os.Remove(c.Makes) // that of one which was killed is not the new one's
	}
	at, _ := log.Seek(0, io.SeekEnd)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, xml.Errorf(xml.CodeInternal, "cannot run %s: %v", cmd.Path, err)
	}
	end := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(end)
	}()
	stop = func() {
		_ = cmd.Process.Kill()
		<-end
	}
	if p, err := drivers.FindProcess(cmd.Process.Pid); err == nil {
		if err := note(dir, hostEnd{Process: &p}); err != nil {
			stop()
			return nil, err
		}
	}
	if c.Makes == "" {
		return stop, nil
	}
	for try := range 500 {
		// The kernel may know the socket by another path.
		if _, err := os.Stat(c.Makes); err == nil && (listens(c.Makes) || try > 50) {
			return stop, nil
		}
		select {
		case <-end:
			words := make([]byte, 4<<10)
			n, _ := log.ReadAt(words, at)
			return nil, xml.Errorf(xml.CodeInternal, "Child process (%s) unexpected %s: %s", shell.Join(cmd.Args), cmd.ProcessState, bytes.TrimSpace(words[:n]))
		case <-time.After(10 * time.Millisecond):
		}
	}
	stop()
	return nil, xml.Errorf(xml.CodeTimeout, "%s has not made its socket '%s'", c.What, c.Makes)
}

// listens tells whether somebody accepts connections at a socket: its file is there a
// moment before.
func listens(path string) bool {
	table, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return true
	}
	for _, line := range strings.Split(string(table), "\n") {
		if f := strings.Fields(line); len(f) == 8 && f[7] == path && f[3] == "00010000" {
			return true
		}
	}
	return false
}

// startCompanions starts those of devices that are plugged in; undo ends them.
func (g *guest) startCompanions(list []companion, undo *drivers.Undo) error {
	if len(list) == 0 {
		return nil
	}
	log, err := os.OpenFile(g.layout.logFile(g.status.Name), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	owner, err := g.layout.user()
	if err != nil {
		return err
	}
	for i := range list {
		stop, err := list[i].start(g.dir, owner, log)
		if err != nil {
			return err
		}
		undo.Add(stop)
	}
	return nil
}

// tpmFiles makes what an emulated module needs: its state, if there is none yet.
func (c *Conn) tpmFiles(ctx context.Context, dom *xml.Domain, b Build, owner *user, dir string) error {
	for i := range dom.Devices.TPMs {
		t := &dom.Devices.TPMs[i]
		if !emulatedTPM(t) {
			continue
		}
		if s := t.Backend.Source; s != nil && s.Type == "file" {
			continue // swtpm makes it
		}
		state := tpmState(c.layout, dom, t)
		if t.Backend.PersistentState != "yes" {
			if err := note(dir, hostEnd{State: c.layout.tpmDir(dom.UUID)}); err != nil {
				return err
			}
		}
		if files, _ := filepath.Glob(filepath.Join(state, "tpm*")); len(files) > 0 {
			continue
		}
		if err := c.newTPM(ctx, dom, t, b, owner, state); err != nil {
			return err
		}
	}
	return nil
}

func (c *Conn) newTPM(ctx context.Context, dom *xml.Domain, t *xml.TPM, b Build, owner *user, state string) (err error) {
	if err := drivers.MakeDir(state); err != nil {
		return err
	}
	defer func() {
		if err != nil { // half a state is worse than none
			os.RemoveAll(state)
		}
	}()
	config, err := c.tpmConfig(owner)
	if err != nil {
		return err
	}
	setup, err := tpmSetup(dom, t, b, config)
	if err != nil {
		return err
	}
	if err := drivers.MakeDir(c.layout.Log); err != nil {
		return err
	}
	if log, err := os.OpenFile(tpmLog(c.layout, dom), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err == nil {
		log.Close()
	}
	for _, p := range []string{filepath.Dir(state), state, tpmLog(c.layout, dom)} {
		if owner == nil {
			break
		}
		if err := os.Chown(p, int(owner.UID), int(owner.GID)); err != nil {
			return xml.Errorf(xml.CodeSystem, "unable to set user and group to '%d:%d' on '%s': %s", owner.UID, owner.GID, p, drivers.SystemText(unwrapPath(err)))
		}
	}
	cmd, done, err := setup.command(owner)
	if err != nil {
		return err
	}
	defer done()
	var words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &words, &words
	if err := cmd.Start(); err != nil {
		return xml.Errorf(xml.CodeInternal, "cannot run %s: %v", cmd.Path, err)
	}
	finish := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer finish()
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return xml.Errorf(xml.CodeInternal, "Could not run '%s'. exitstatus: %d; Check error log '%s' for details.", cmd.Path, exit.ExitCode(), tpmLog(c.layout, dom))
	}
	return err
}

// tpmConfig makes swtpm_setup's configuration, with an authority of the root's
// own: the system's belongs to another user.
func (c *Conn) tpmConfig(owner *user) (string, error) {
	dir := filepath.Join(c.layout.Lib, "swtpm", "ca")
	if err := drivers.MakeDir(dir); err != nil {
		return "", err
	}
	local, err := (&companion{Argv: []string{"swtpm_localca"}}).program()
	if err != nil {
		return "", err
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	files := map[string]string{
		"setup.conf": "create_certs_tool = " + local + "\ncreate_certs_tool_config = " + in("localca.conf") + "\ncreate_certs_tool_options = " + in("localca.options") +
			"\nactive_pcr_banks = sha256\n",
		"localca.conf":    "statedir = " + dir + "\nsigningkey = " + in("signkey.pem") + "\nissuercert = " + in("issuercert.pem") + "\ncertserial = " + in("certserial") + "\n",
		"localca.options": "--platform-manufacturer virgo\n--platform-version 1\n--platform-model QEMU\n",
	}
	for name, text := range files {
		if have, err := os.ReadFile(in(name)); err == nil && string(have) == text {
			continue
		}
		if err := drivers.ReplaceFile(in(name), []byte(text), 0o600); err != nil {
			return "", err
		}
		if owner != nil {
			_ = os.Chown(in(name), int(owner.UID), int(owner.GID))
		}
	}
	if owner != nil {
		_ = os.Chown(filepath.Dir(dir), int(owner.UID), int(owner.GID))
		_ = os.Chown(dir, int(owner.UID), int(owner.GID))
	}
	return in("setup.conf"), nil
}

// tpmVersions are the versions of modules that swtpm on this host emulates; none
// where it or the program that makes new modules is missing.
var tpmVersions = sync.OnceValue(func() (list []string) {
	swtpm, err := exec.LookPath("swtpm")
	if err != nil {
		return nil
	}
	if _, err := exec.LookPath("swtpm_setup"); err != nil {
		return nil
	}
	out, err := exec.Command(swtpm, "socket", "--print-capabilities").Output()
	var can struct{ Features []string }
	if err != nil || json.Unmarshal(out, &can) != nil {
		return nil
	}
	for _, v := range []string{"1.2", "2.0"} {
		if slices.Contains(can.Features, "tpm-"+v) {
			list = append(list, v)
		}
	}
	if list == nil { // swtpm before 0.3 does not tell
		list = []string{"1.2", "2.0"}
	}
	return list
})

// tpmKeyed names what tpmVersions depends on.
func tpmKeyed() string {
	key := ""
	for _, name := range []string{"swtpm", "swtpm_setup"} {
		if p, err := exec.LookPath(name); err == nil {
			if fi, err := os.Stat(p); err == nil {
				key += fmt.Sprint(p, fi.Size(), fi.ModTime().UnixNano())
			}
		}
	}
	return key
}
