package xml

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// ParseUUID reads a UUID, with dashes anywhere between bytes or without, and
// gives it lower case and dashed.
func ParseUUID(text string) (string, bool) {
	var raw [32]byte
	n := 0
	for i, c := range []byte(strings.ToLower(strings.TrimSpace(text))) {
		switch {
		case c == '-':
			if n%2 != 0 || i == 0 {
				return "", false
			}
		case n < 32 && (c >= '0' && c <= '9' || c >= 'a' && c <= 'f'):
			raw[n] = c
			n++
		default:
			return "", false
		}
	}
	if n != 32 {
		return "", false
	}
	t := string(raw[:])
	return t[:8] + "-" + t[8:12] + "-" + t[12:16] + "-" + t[16:20] + "-" + t[20:], true
}

// FormatUUID writes sixteen bytes as a UUID.
func FormatUUID(b [16]byte) string {
	text, _ := ParseUUID(hex.EncodeToString(b[:]))
	return text
}

// ParseMAC reads an Ethernet address and gives it in lower case with two
// digits a byte.
func ParseMAC(text string) (string, bool) {
	parts := strings.Split(text, ":")
	if len(parts) != 6 {
		return "", false
	}
	out := make([]byte, 0, 17)
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 16, 8)
		if err != nil || len(p) > 2 {
			return "", false
		}
		if i > 0 {
			out = append(out, ':')
		}
		const digits = "0123456789abcdef"
		out = append(out, digits[v>>4], digits[v&15])
	}
	return string(out), true
}

// CheckWWN checks a world-wide name: sixteen hexadecimal digits, 0x before them or not.
func CheckWWN(text string) error {
	digits := strings.TrimPrefix(text, "0x")
	if _, err := strconv.ParseUint(digits, 16, 64); err != nil || len(digits) != 16 {
		return Errorf(CodeInternal, "Malformed wwn: %s", text)
	}
	return nil
}

func utoa(v uint) string { return strconv.FormatUint(uint64(v), 10) }
