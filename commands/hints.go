package commands

import (
	"errors"
	"fmt"
	"strings"

	"virgo/xml"
)

// hints are what helps with an error, by a part of its text. Errors keep the
// peer's text; a hint follows on a line of its own where the user sits at a terminal.
var hints = []struct{ part, hint string }{
	{"unable to find any emulator", "install QEMU, such as Debian's qemu-system-x86, or name one with <emulator> or --emulatorbin"},
	{"No emulator found for arch", "install QEMU, such as Debian's qemu-system-x86, or name one with <emulator>"},
	{"cannot undefine domain with nvram", "--nvram removes the file of firmware variables too, --keep-nvram leaves it"},
	{"is the root user's", "as a user: virgo -c qemu:///session"},
	{"KVM is not available", "use <domain type='qemu'>, or let this user open /dev/kvm (group kvm)"},
	{"guest CPU doesn't match specification", "check='partial' lets the guest start with what it can get; cpu-compare --explain says what is missing and why"},
	{"Host CPU does not provide required features", "hypervisor-cpu-compare --explain says why, cpu-compare --suggest what to change"},
	{"Active console session exists", "--force takes it over"},
	{"Domain is already active", "virgo domstate tells its state, virgo destroy ends it"},
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
	text := err.Error()
	for _, h := range hints {
		if strings.Contains(text, h.part) {
			return h.hint
		}
	}
	return ""
}
