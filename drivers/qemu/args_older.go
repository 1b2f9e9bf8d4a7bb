package qemu

import (
	"encoding/json"
	"strconv"
	"strings"
)

// jsonSince is the version from which an option takes JSON.
// Facts: QEMU's release notes ("-device" 6.2, "-audiodev" 7.1, "-netdev" 7.2).
var jsonSince = []struct {
	option  string
	version uint64
}{{"-device", 6002000}, {"-audiodev", 7001000}, {"-netdev", 7002000}}

// forVersion rewrites words for an older QEMU: JSON as key=value, and
// milliseconds between reconnections (9.2) as seconds.
func forVersion(words []string, version uint64) []string {
	for i := 1; i < len(words); i++ {
		if words[i-1] == "-chardev" && version < 9002000 {
			words[i] = reconnectSeconds(words[i])
		}
		for _, j := range jsonSince {
			if words[i-1] == j.option && version < j.version && strings.HasPrefix(words[i], "{") {
				words[i] = keyValues(words[i])
			}
		}
	}
	return words
}

func reconnectSeconds(chardev string) string {
	before, rest, ok := strings.Cut(chardev, ",reconnect-ms=")
	if !ok {
		return chardev
	}
	value, after, more := strings.Cut(rest, ",")
	ms, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return chardev
	}
	out := before + ",reconnect=" + strconv.FormatUint((ms+999)/1000, 10)
	if more {
		out += "," + after
	}
	return out
}

// keyValues writes a JSON object in QEMU's option syntax: the members in their
// order, objects within as name.member, lists as repeated options.
func keyValues(object string) string {
	d := json.NewDecoder(strings.NewReader(object))
	d.UseNumber()
	var out []string
	if _, err := d.Token(); err != nil {
		return object
	}
	if !members(d, "", &out) {
		return object
	}
	// The first member is what the option is named for: driver, type.
	if first, rest, ok := strings.Cut(out[0], "="); ok && (first == "driver" || first == "type") {
		out[0] = rest
	}
	return strings.Join(out, ",")
}

// members reads an object's members up to its end.
func members(d *json.Decoder, prefix string, out *[]string) bool {
	for d.More() {
		key, err := d.Token()
		if err != nil || !value(d, prefix+key.(string), out) {
			return false
		}
	}
	_, err := d.Token()
	return err == nil
}

func value(d *json.Decoder, name string, out *[]string) bool {
	t, err := d.Token()
	if err != nil {
		return false
	}
	switch v := t.(type) {
	case json.Delim:
		if v == '{' {
			return members(d, name+".", out)
		}
		for d.More() {
			if !value(d, name, out) {
				return false
			}
		}
		_, err := d.Token()
		return err == nil
	case bool:
		*out = append(*out, name+"="+onOff(v))
	case json.Number:
		*out = append(*out, name+"="+v.String())
	case string:
		// A list of strings, as guestfwd has, is a list of objects with a member str.
		*out = append(*out, strings.TrimSuffix(name, ".str")+"="+escapeComma(v))
	}
	return true
}
