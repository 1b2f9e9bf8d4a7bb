// Package vmx turns VMware's configuration files into domains and back. It is
// pure: where a file of a datastore lies is a matter of Options.
package vmx

import (
	"strconv"
	"strings"

	"virgo/drivers/native/conf"
	"virgo/xml"
)

// Options say what a connection knows.
type Options struct {
	// Desktop is for VMware Workstation, Player and Fusion: names of files stay
	// as they are. Otherwise files lie in datastores, as on ESX: "[datastore] path".
	Desktop bool
	// Folder is where names without a folder lie, without the slash: "[datastore] folder".
	// "" is "[?] ?", as the peer has it where it does not know.
	Folder string
	// HardwareVersion is the version of virtual hardware that is written; 0 is 4, the oldest.
	HardwareVersion int
}

// diskUnits is how many units a SCSI controller has, counted in names of disks.
const diskUnits = 15

// diskName is the name of a disk on a bus: sda 0, sdz 25, sdaa 26.
func diskName(prefix string, index int) string {
	name := ""
	for i := index; i >= 0; i = i/26 - 1 {
		name = string(rune('a'+i%26)) + name
	}
	return prefix + name
}

// reader reads one file and keeps its first error.
type reader struct {
	*conf.File
	Options
	hardware int64 // the version of virtual hardware
}

// fail is an error about an entry.
func (r *reader) fail(name, format string, args ...any) error {
	return r.At(xml.Errorf(xml.CodeInternal, format, args...), r.Get(name))
}

// text is an entry's string, and whether there is one.
func (r *reader) text(name string) (string, bool) {
	v := r.Get(name)
	if v == nil {
		return "", false
	}
	return v.Text, true
}

// str is text without the question whether it is there.
func (r *reader) str(name string) string {
	text, _ := r.text(name)
	return text
}

// given is an entry's string, Blank if it is there but empty.
func (r *reader) given(name string) string {
	text, ok := r.text(name)
	if ok && text == "" {
		return xml.Blank
	}
	return text
}

// prose is text that a person wrote, with escapes undone. Messages call it as.
// A NUL ends it.
func (r *reader) prose(name, as string, escapes string) (string, error) {
	text := r.str(name)
	for i := range len(escapes) {
		plain, ok := unescape(text, escapes[i])
		if !ok {
			return "", r.fail(name, "VMX entry '%s' contains invalid escape sequence", as)
		}
		text, _, _ = strings.Cut(plain, "\x00")
	}
	return text, nil
}

// need is text that must be there.
func (r *reader) need(name string) (string, error) {
	text, ok := r.text(name)
	if !ok {
		return "", xml.Errorf(xml.CodeInternal, "Missing essential config entry '%s'", name)
	}
	return text, nil
}

// number is an entry's whole number; without one it is def. The word unlimited is -1.
func (r *reader) number(name string, def int64) (int64, error) {
	text, ok := r.text(name)
	if !ok {
		return def, nil
	}
	if strings.EqualFold(text, "unlimited") {
		return -1, nil
	}
	n, err := strconv.ParseInt(strings.TrimLeft(text, blanks), 10, 64)
	if err != nil {
		return 0, r.fail(name, "Config entry '%s' must represent an integer value", name)
	}
	return n, nil
}

// blanks may stand before a number.
const blanks = " \t\n\v\f\r"

// flag is an entry's truth value; without one it is def.
func (r *reader) flag(name string, def bool) (bool, error) {
	text, ok := r.text(name)
	switch {
	case !ok:
		return def, nil
	case strings.EqualFold(text, "true"):
		return true, nil
	case strings.EqualFold(text, "false"):
		return false, nil
	}
	return false, r.fail(name, "Config entry '%s' must represent a boolean value (true|false)", name)
}

// present tells whether a device is there. Whether it is connected from the
// start is checked only: domains have no word for it.
func (r *reader) present(name string) (bool, error) {
	on, err := r.flag(name+".present", false)
	if err != nil {
		return false, err
	}
	_, err = r.flag(name+".startConnected", true)
	return on, err
}

// uuid reads a UUID as VMware writes it, sixteen bytes with blanks and a dash.
func (r *reader) uuid(name string) (string, error) {
	text, ok := r.text(name)
	if !ok {
		return "00000000-0000-0000-0000-000000000000", nil
	}
	u, ok := xml.ParseUUID(strings.NewReplacer(" ", "", "-", "").Replace(text))
	if !ok {
		return "", r.fail(name, "Could not parse UUID from string '%s'", text)
	}
	return u, nil
}

// formatUUID writes one so.
func formatUUID(uuid string) string {
	hex := strings.ReplaceAll(uuid, "-", "")
	var b strings.Builder
	for i := 0; i+2 <= len(hex); i += 2 {
		if i == 16 {
			b.WriteByte('-')
		} else if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(hex[i : i+2])
	}
	return b.String()
}

// unescape replaces an escape character and two hexadecimal digits by the byte
// that they mean.
func unescape(text string, esc byte) (string, bool) {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != esc {
			out = append(out, text[i])
			continue
		}
		if i+2 >= len(text) {
			return "", false
		}
		v, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		out = append(out, byte(v))
		i += 2
	}
	return string(out), true
}

// escape writes the bytes in set, and control characters, so.
func escape(text string, esc byte, set string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c < ' ' || c == esc || strings.IndexByte(set, c) >= 0 {
			b.Write([]byte{esc, digits[c>>4], digits[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// hasSuffix tells whether a file's name ends so, whatever the case.
func hasSuffix(name, suffix string) bool {
	return len(name) >= len(suffix) && strings.EqualFold(name[len(name)-len(suffix):], suffix)
}
