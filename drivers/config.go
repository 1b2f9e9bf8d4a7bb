package drivers

import (
	"strconv"
	"strings"
)

// Setting finds a quoted value in libvirt.conf's syntax: name = "value".
func Setting(text, name string) string {
	for _, line := range strings.Split(text, "\n") {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.TrimSpace(key) != name {
			continue
		}
		value = strings.TrimSpace(value)
		if len(value) > 1 && (value[0] == '"' || value[0] == '\'') {
			if end := strings.IndexByte(value[1:], value[0]); end >= 0 {
				return value[1 : end+1]
			}
		}
	}
	return ""
}

// Count finds a number of the same syntax, name = 20; preset where there is none.
func Count(text, name string, preset int) int {
	for _, line := range strings.Split(text, "\n") {
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.TrimSpace(key) != name {
			continue
		}
		value, _, _ = strings.Cut(value, "#")
		if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && n >= 0 {
			return n
		}
	}
	return preset
}
