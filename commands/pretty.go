package commands

import (
	"bytes"
	"encoding/json"
	"strings"
)

// prettyJSON lays JSON out as virsh does: what is empty has a line for its end,
// too. ok is false for what is no JSON.
func prettyJSON(text string) (laid string, ok bool) {
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") != nil {
		return text, false
	}
	lines := strings.Split(b.String(), "\n")
	for i, l := range lines {
		comma := strings.HasSuffix(l, ",")
		body := strings.TrimSuffix(l, ",")
		// A text that ends so has its quotation mark behind it.
		if !strings.HasSuffix(body, "{}") && !strings.HasSuffix(body, "[]") {
			continue
		}
		end := len(body) - 1
		lines[i] = body[:end] + "\n" + l[:len(l)-len(strings.TrimLeft(l, " "))] + body[end:]
		if comma {
			lines[i] += ","
		}
	}
	return strings.Join(lines, "\n"), true
}
