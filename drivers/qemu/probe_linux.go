package qemu

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"virgo/cpu"
	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// cacheVersion changes with the meaning of a cached answer.
const cacheVersion = 5

// emulator gives what the binary says with that accelerator, from the cache if
// nothing that changes the answer has changed.
func (l Layout) emulator(ctx context.Context, path, virt string) (*Emulator, error) {
	key, err := probeKey(path, virt)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(l.cacheDir(), "emulators", key)
	if data, err := drivers.ReadFile(file); err == nil {
		if e, err := decodeEmulator(data); err == nil && e.Path == path {
			return e, nil
		}
	}
	e, err := probe(ctx, path, virt)
	if err != nil {
		return nil, err
	}
	if data, err := e.encode(); err == nil {
		drivers.Cache(file, data)
	}
	return e, nil
}

// cacheDir is where answers are kept; the environment may move it.
func (l Layout) cacheDir() string {
	if d := os.Getenv("VIRGO_CACHE_DIR"); d != "" {
		return filepath.Join(d, "qemu")
	}
	return l.Cache
}

// answer gives the printed answer to a query from the cache, or has it made and
// keeps it. It depends on the emulator's own answers, the query, what was asked
// for, and on this very program.
func (l Layout) answer(q drivers.EmulatorQuery, what string, prepare func() ([]byte, error)) ([]byte, error) {
	key, err := probeKey(q.Emulator, q.VirtType)
	if err != nil {
		return nil, err
	}
	self, err := os.Stat("/proc/self/exe")
	if err != nil {
		return prepare()
	}
	h := sha256.Sum256([]byte(fmt.Sprint(key, self.Size(), self.ModTime().UnixNano(), "\x00", q.Arch, "\x00", q.Machine, "\x00", what,
		"\x00", q.NoDeprecated, q.ExpandCPU, q.SupportedCPU, tpmKeyed())))
	file := filepath.Join(l.cacheDir(), "answers", hex.EncodeToString(h[:16])+".xml")
	if data, err := os.ReadFile(file); err == nil {
		return data, nil
	}
	data, err := prepare()
	if err == nil {
		drivers.Cache(file, data)
	}
	return data, err
}

// probeKey names all that an answer depends on.
func probeKey(path, virt string) (string, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return "", xml.Errorf(xml.CodePlain, "Cannot check QEMU binary %s: %s", path, drivers.SystemText(unwrapPath(err)))
	}
	if fi.IsDir() {
		return "", xml.Errorf(xml.CodePlain, "QEMU binary %s is not executable: %s", path, drivers.SystemText(unix.EISDIR))
	}
	if fi.Mode()&0o111 == 0 {
		return "", xml.Errorf(xml.CodePlain, "QEMU binary %s is not executable: %s", path, drivers.SystemText(unix.EACCES))
	}
	h := sha256.New()
	fmt.Fprintln(h, cacheVersion, path, virt, fi.Size(), fi.ModTime().UnixNano())
	if virt == "kvm" {
		var u unix.Utsname
		if unix.Uname(&u) == nil {
			h.Write(u.Release[:])
			h.Write(u.Version[:])
		}
		h.Write(hostCPUKey())
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// hostCPUKey is the first processor's part of /proc/cpuinfo, less what changes
// from moment to moment.
func hostCPUKey() []byte {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 8<<10)
	n, _ := io.ReadFull(f, head)
	first, _, _ := bytes.Cut(head[:n], []byte("\n\n"))
	var b bytes.Buffer
	for _, line := range bytes.SplitAfter(first, []byte("\n")) {
		if !bytes.HasPrefix(line, []byte("cpu MHz")) && !bytes.HasPrefix(line, []byte("bogomips")) {
			b.Write(line)
		}
	}
	return b.Bytes()
}

// kvmUsable tells whether this user can use KVM.
func kvmUsable() bool { return unix.Access("/dev/kvm", unix.R_OK|unix.W_OK) == nil }

// probe runs the binary without a machine and asks everything at once.
func probe(ctx context.Context, path, virt string) (*Emulator, error) {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	accel := "tcg"
	if virt == "kvm" {
		accel = "kvm"
	}
	in, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, "-S", "-no-user-config", "-nodefaults", "-display", "none", "-machine", "none,accel="+accel,
		"-chardev", "socket,id=monitor,fd=3", "-mon", "chardev=monitor,mode=control")
	cmd.Stderr, cmd.ExtraFiles = &stderr, []*os.File{theirs}
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH"), "HOME=/"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		in.Close()
		return nil, xml.Errorf(xml.CodeInternal, "cannot run %s: %v", path, err)
	}
	e, err := interview(ctx, in, path, virt)
	_ = cmd.Process.Kill() // it has nothing to lose, and quitting takes longer
	werr := cmd.Wait()
	if err != nil {
		words := strings.TrimSpace(stderr.String())
		if words == "" && werr != nil && !errors.Is(err, context.DeadlineExceeded) {
			words = err.Error()
		}
		return nil, xml.Errorf(xml.CodeInternal, "Failed to probe QEMU binary %s with accelerator %s: %s", path, accel, words)
	}
	return e, nil
}

func interview(ctx context.Context, rw io.ReadWriteCloser, path, virt string) (*Emulator, error) {
	conn, err := qmp.New(ctx, rw)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	model := "max"
	if virt == "kvm" {
		model = "host"
	}
	expand := func(migratable bool) any {
		return map[string]any{"type": "static", "model": map[string]any{"name": model, "props": map[string]any{"migratable": migratable}}}
	}
	e := &Emulator{Path: path, Virt: virt, Version: conn.Version}
	var version struct{ Package string }
	var target struct{ Arch string }
	var types, commands []struct{ Name string }
	var full, migratable expansion
	var models []typedModel
	questions := []struct {
		command string
		args    any
		out     any
		mayFail bool
	}{
		{"query-version", nil, &version, false},
		{"query-target", nil, &target, false},
		{"query-machines", nil, &e.Machines, false},
		{"qom-list-types", nil, &types, false},
		{"query-commands", nil, &commands, false},
		{"query-cpu-model-expansion", expand(false), &full, true},
		{"query-cpu-model-expansion", expand(true), &migratable, true},
		{"query-cpu-definitions", nil, &models, true},
	}
	var pending []*qmp.Pending
	for _, q := range questions {
		p, err := conn.Send(q.command, q.args)
		if err != nil {
			return nil, err
		}
		pending = append(pending, p)
	}
	for i, q := range questions {
		err := pending[i].Read(ctx, q.out)
		var refused *qmp.Error
		if err != nil && !(q.mayFail && errors.As(err, &refused)) {
			return nil, err
		}
	}
	var cpus emulatorCPUs
	e.Package, e.Arch = version.Package, archFromQEMU(target.Arch)
	if cpu.HasModels(e.Arch) {
		for _, m := range models {
			cpus.Models = append(cpus.Models, m.Definition)
		}
		for i := range e.Machines {
			m := &e.Machines[i]
			// a type may have several names: the first one is libvirt's choice
			at := slices.IndexFunc(models, func(d typedModel) bool { return m.DefaultCPU != "" && d.Typename == m.DefaultCPU })
			if at >= 0 {
				m.DefaultModel = cpu.ModelFromQEMU(models[at].Name, e.Arch)
			}
		}
	}
	e.chooseMachine()
	e.Max = slices.ContainsFunc(types, func(t struct{ Name string }) bool {
		return strings.HasPrefix(t.Name, "max-") && strings.HasSuffix(t.Name, "-cpu")
	})
	e.Types, e.Commands = words(keepTypes(namesOf(types))), words(namesOf(commands))
	if full.Model.Props != nil {
		cpus.Props, err = json.Marshal(full.Model.Props)
		cpus.NonMigratable = full.lost(migratable)
	}
	e.cpus = func() emulatorCPUs { return cpus }
	return e, err
}

// typedModel is a CPU model with its QOM type.
type typedModel struct {
	cpu.Definition
	Typename string
}

func namesOf(list []struct{ Name string }) []string {
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.Name
	}
	return names
}

// expansion is an answer to query-cpu-model-expansion.
type expansion struct {
	Model struct {
		Name  string
		Props map[string]any
	}
}

// lost names the features that other lacks, sorted.
func (e expansion) lost(other expansion) []string {
	var lost []string
	for name, v := range e.Model.Props {
		if v == true && other.Model.Props != nil && other.Model.Props[name] != true && name != "migratable" {
			lost = append(lost, name)
		}
	}
	sort.Strings(lost)
	return lost
}

// socketPair is a connected pair: ours, and the file that QEMU inherits.
func socketPair() (ours *os.File, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.SetNonblock(fds[0], true); err != nil { // so that the runtime's poller takes it and Close ends a Read
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "monitor"), os.NewFile(uintptr(fds[1]), "monitor"), nil
}

// found are emulators by architecture and PATH. A session looks for one again
// and again; where it was found it need only be there still.
var found sync.Map

// findEmulator gives the program that emulates the architecture, "" if there is none.
func findEmulator(arch string) string {
	key := arch + ":" + os.Getenv("PATH")
	if p, ok := found.Load(key); ok && unix.Access(p.(string), unix.X_OK) == nil {
		return p.(string)
	}
	for _, name := range []string{"qemu-system-" + arch, "qemu-system-" + archToQEMU(arch)} {
		if p, err := exec.LookPath(name); err == nil {
			if abs, err := filepath.Abs(p); err == nil {
				found.Store(key, abs)
				return abs
			}
		}
	}
	return ""
}
