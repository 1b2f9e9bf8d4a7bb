package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/watch"
	"virgo/xml"
)

// dnsmasq serves a network's names and addresses.
type dnsmasq struct{ config, pid, leases string }

// start runs it, and returns when it serves.
func (m dnsmasq) start(ctx context.Context, def *xml.Network) error {
	text, err := dnsmasqConfig(def, dnsmasqFiles{pid: m.pid, leases: m.leases})
	if err != nil {
		return err
	}
	if err := drivers.MakeDir(filepath.Dir(m.leases)); err != nil {
		return err
	}
	if err := drivers.ReplaceFile(m.config, []byte(text), 0o600); err != nil {
		return err
	}
	program, err := exec.LookPath("dnsmasq")
	if err != nil {
		return xml.Errorf(xml.CodeConfigUnsupported, "dnsmasq binary not found in $PATH: install dnsmasq-base, which serves names and addresses in network '%s'", def.Name)
	}
	if err := run(ctx, "", program, "--conf-file="+m.config); err != nil {
		return err
	}
	if p := m.process(); p.PID != 0 {
		watch.LeaveScope(p.PID, "net-"+def.Name)
	}
	return nil
}

// serves tells whether its configuration is what that definition asks for.
func (m dnsmasq) serves(def *xml.Network) bool {
	want, err := dnsmasqConfig(def, dnsmasqFiles{pid: m.pid, leases: m.leases})
	have, err2 := os.ReadFile(m.config)
	return err == nil && err2 == nil && want == string(have)
}

// run runs a program, which ends soon, with that input.
func run(ctx context.Context, input, program string, args ...string) error {
	c := exec.CommandContext(ctx, program, args...)
	c.Stdin = strings.NewReader(input)
	c.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	var words bytes.Buffer
	c.Stdout, c.Stderr = &words, &words
	c.WaitDelay = time.Second // what it leaves behind may hold its output
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return nil
	case errors.As(err, &exit):
		return xml.Errorf(xml.CodeInternal, "Child process (%s) unexpected exit status %d: %s", strings.Join(append([]string{program}, args...), " "), exit.ExitCode(), words.String())
	}
	return xml.Errorf(xml.CodeInternal, "Child process (%s) could not be run: %v", program, err)
}

// process is the one that serves now; the zero one if none does. The pid file
// alone would not do: a number may have been taken by another.
func (m dnsmasq) process() drivers.Process {
	data, err := os.ReadFile(m.pid)
	if err != nil {
		return drivers.Process{}
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return drivers.Process{}
	}
	p, err := drivers.FindProcess(pid)
	if err != nil {
		return drivers.Process{}
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !bytes.Contains(line, []byte("--conf-file="+m.config+"\x00")) {
		return drivers.Process{}
	}
	return p
}

// stop ends it.
func (m dnsmasq) stop() {
	p := m.process()
	if p.PID == 0 {
		return
	}
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		if p.Signal(sig) != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err := p.Wait(ctx)
		cancel()
		if err == nil {
			return
		}
	}
}

// firewall is a tool that sets rules: nftables, iptables or none.
type firewall string

// chooseFirewall takes what virgo.conf names, else nft, else iptables.
func chooseFirewall(named string) (firewall, error) {
	switch named {
	case "nftables", "iptables", "none":
		return firewall(named), nil
	case "":
	default:
		return "", xml.Errorf(xml.CodeConfigUnsupported, "unknown firewall_backend '%s': it is nftables, iptables or none", named)
	}
	for _, v := range [][2]string{{"nft", "nftables"}, {"iptables", "iptables"}} {
		if _, err := exec.LookPath(v[0]); err == nil {
			return firewall(v[1]), nil
		}
	}
	return "", xml.Errorf(xml.CodeConfigUnsupported, "no firewall tool found: install nftables, or set firewall_backend = \"none\" in virgo.conf")
}

// set puts a network's rules in place, in place of those that a start that was
// cut short may have left.
func (w firewall) set(ctx context.Context, def *xml.Network) error {
	switch w {
	case "nftables":
		return run(ctx, nftables(def), "nft", "-f", "-")
	case "iptables":
		w.clear(ctx, def)
		for i := range families {
			f := &families[i]
			if rules := f.iptables(def); rules != "" {
				if err := run(ctx, rules, f.tool+"-restore", "--wait", "--noflush"); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// clear takes the rules away, as far as they are there.
func (w firewall) clear(ctx context.Context, def *xml.Network) {
	switch w {
	case "nftables":
		for i := range families {
			table := families[i].table + " " + nftTable(def.Bridge.Name)
			_ = run(ctx, "table "+table+" {}\ndelete table "+table+"\n", "nft", "-f", "-")
		}
	case "iptables":
		for i := range families {
			f := &families[i]
			if !f.used(def) {
				continue
			}
			for _, c := range chains {
				chain := chainName(def.Bridge.Name, c.end)
				if run(ctx, "", f.tool, "-w", "-t", c.table, "-n", "-L", chain) != nil {
					continue
				}
				_ = run(ctx, "", f.tool, "-w", "-t", c.table, "-D", c.hook, "-j", chain)
				_ = run(ctx, "", f.tool, "-w", "-t", c.table, "-F", chain)
				_ = run(ctx, "", f.tool, "-w", "-t", c.table, "-X", chain)
			}
		}
	}
}
