package commands

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"virgo/drivers"
	"virgo/xml"
)

// hints are what helps with an error, by a part of its text. Errors keep the
// peer's text; a hint follows on a line of its own where the user sits at a terminal.
var hints = []struct{ part, hint string }{
	{"unable to find any emulator", "install QEMU, such as Debian's qemu-system-x86, or name one with <emulator> or --emulatorbin"},
	{"No emulator found for arch", "install QEMU, such as Debian's qemu-system-x86, or name one with <emulator>"},
	{"cannot undefine domain with nvram", "--nvram removes the file of firmware variables too, --keep-nvram leaves it"},
	{"Refusing to undefine while domain managed save image exists", "--managed-save removes the saved state too; managedsave-remove does it alone"},
	{"cannot delete inactive domain with", "--snapshots-metadata forgets the snapshots too; their data in images stays"},
	{"is the root user's", "as a user: virgo -c qemu:///session"},
	{"KVM is not available", "use <domain type='qemu'>, or let this user open /dev/kvm (group kvm)"},
	{"/dev/kvm: Permission denied", "let this user open /dev/kvm: it belongs to group kvm"},
	{"Could not access KVM kernel module: Permission denied", "let this user open /dev/kvm: it belongs to group kvm"},
	{"Permission denied", "the files of a guest must be within reach of who runs QEMU; etc/qemu.conf of the root names that user"},
	{"Failed to get \"write\" lock", "another program has the image open; <shareable/> is for what several guests may write"},
	{"guest CPU doesn't match specification", "check='partial' lets the guest start with what it can get; cpu-compare --explain says what is missing and why"},
	{"Host CPU does not provide required features", "hypervisor-cpu-compare --explain says why, cpu-compare --suggest what to change"},
	{"Active console session exists", "--force takes it over"},
	{"Domain is already active", "virgo domstate tells its state, virgo destroy ends it"},
	{"domain is not running", "virgo start starts it; --config changes the definition alone"},
	{"No more available PCI slots", "a device more needs a free slot: add <controller type='pci' model='pcie-root-port'/> to the definition"},
	{"QEMU guest agent is not configured", "the definition needs a channel named org.qemu.guest_agent.0, the guest qemu-guest-agent"},
	{"QEMU guest agent is not connected", "qemu-guest-agent does not run in the guest, or not yet: await --condition guest-agent-available"},
}

// hint is the line that follows an error at a terminal, "" for none.
func hint(err error) string {
	var e *xml.Error
	if errors.As(err, &e) && e.File != "" && e.Line > 0 {
		place := fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
		if !strings.Contains(e.Msg, place) {
			return place
		}
	}
	var u *unknownName
	if errors.As(err, &u) {
		if near := xml.Nearest(u.name, u.known); near != "" {
			return "did you mean " + strings.TrimPrefix(near, "--") + "?"
		}
	}
	text := err.Error()
	for _, h := range hints {
		if strings.Contains(text, h.part) {
			return h.hint
		}
	}
	return ""
}

// hintFor is hint, and what only the session can know: the names that there
// are, and whether the guests may be libvirt's.
func (s *Session) hintFor(err error) string {
	var f *Failure
	if s.conn == nil || !errors.As(err, &f) || f.kind == nil {
		return hint(err)
	}
	names := s.names(f.kind)
	if near := xml.Nearest(f.word, names); near != "" {
		return "did you mean " + near + "?"
	}
	if len(names) == 0 && f.kind == domainKind {
		return s.elsewhere()
	}
	return hint(err)
}

// elsewhere is the hint that domains may be those of a libvirtd that runs
// beside the connection's own, empty root; or "".
func (s *Session) elsewhere() string {
	if uri := s.beside(); uri != "" {
		return "this connection has no domains; those of the libvirtd that runs here are at " + uri
	}
	return ""
}

// names are the objects of a kind that the connection has, as far as they can
// be listed quickly.
func (s *Session) names(k *kind) []string {
	objects := s.conn.Objects(k.Kind)
	if objects == nil {
		return nil
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	list, err := objects.List(ctx, drivers.Filter{})
	if err != nil {
		return nil
	}
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.Name
	}
	return names
}

// libvirtSockets are where libvirt's daemons for QEMU listen.
var libvirtSockets = []string{"/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"}

// beside is the URI of a libvirtd that runs beside the connection's own root,
// or "".
func (s *Session) beside() string {
	uri, _, _ := strings.Cut(s.conn.URI(), "?")
	if uri != "qemu:///system" {
		return ""
	}
	for _, path := range libvirtSockets {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if c, err := net.DialTimeout("unix", path, 200*time.Millisecond); err == nil {
			c.Close()
			return "qemu+unix:///system"
		}
	}
	return ""
}
