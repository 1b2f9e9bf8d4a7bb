package shell

import (
	"strings"
	"testing"
)

// TestScreen: what the editor prints for each key, and what comes of it.
func TestScreen(t *testing.T) {
	const wiped = "\x1b[J\x1b[2K\r"
	cases := []struct {
		name   string
		hidden bool
		writes []string
		want   string
	}{
		{"prompt", false, []string{wiped, "virsh #  \b"}, "virsh # "},
		{"keys", false, []string{wiped, "virsh #  \b", wiped, "virsh # l", wiped, "virsh # ls", wiped, "virsh # ls\n"}, "virsh # ls\n"},
		{"a key that is erased", false, []string{wiped, "virsh # ab", wiped, "virsh # a", wiped, "virsh # ac"}, "virsh # ab\b \bc"},
		{"the last key is erased", false, []string{wiped, "virsh # a", wiped, "virsh #  \b", wiped, "virsh # b"}, "virsh # a\b \bb"},
		{"within the line", false, []string{wiped, "virsh # ab", wiped, "virsh # ab\b", wiped, "virsh # axb\b", wiped, "virsh # axb\n"},
			"virsh # ab" + wiped + "virsh # ab\b" + wiped + "virsh # axb\b" + wiped + "virsh # axb\n"},
		{"a blank at the end", false, []string{wiped, "virsh # a ", wiped, "virsh # a \b"}, "virsh # a " + wiped + "virsh # a \b"},
		{"a full line", false, []string{wiped, "virsh # " + strings.Repeat("x", 71), wiped, "virsh # " + strings.Repeat("x", 72) + " \b", wiped + "\x1b[A", "virsh # " + strings.Repeat("x", 73)},
			"virsh # " + strings.Repeat("x", 72) + " \bx"},
		{"wide letters", false, []string{wiped, "virsh # 日本", wiped, "virsh # 日本\b", wiped, "virsh # 日x本\b"},
			"virsh # 日本" + wiped + "virsh # 日本\r\x1b[10C" + wiped + "virsh # 日x本\r\x1b[11C"},
		{"wide letters to the end of a line", false, []string{wiped, "virsh # " + strings.Repeat("x", 70) + "日 \b\b"},
			"virsh # " + strings.Repeat("x", 70) + "日 \b\x1b[1A\r\x1b[78C"},
		{"letters without a width", false, []string{wiped, "virsh # e\u0301s\b"}, "virsh # e\u0301s\r\x1b[9C"},
		{"a list", false, []string{wiped, "virsh # l", wiped, "list\nlxc\n", "virsh # l", wiped, "virsh # li"}, "virsh # l" + wiped + "list\nlxc\nvirsh # li"},
		{"a bell", false, []string{wiped, "virsh # l", "\a", wiped, "virsh # li"}, "virsh # l\ai"},
		{"the end", false, []string{wiped, "virsh #  \b", wiped, "virsh # \x04\n"}, "virsh # "},
		{"no echo", true, []string{wiped, "virsh #  \b", wiped, "virsh # l", wiped, "virsh # l\n"}, "virsh # "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			s := &screen{out: &out}
			s.begin("virsh # ", c.hidden)
			for _, w := range c.writes {
				if n, err := s.Write([]byte(w)); n != len(w) || err != nil {
					t.Fatal(n, err)
				}
			}
			if out.String() != c.want {
				t.Errorf("got  %q\nwant %q", out.String(), c.want)
			}
		})
	}
}
