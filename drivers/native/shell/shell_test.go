package shell

import (
	"strings"
	"testing"

	"virgo/xml"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"words", "a 'b c' \"d e\" f\\ g", "a|b c|d e|f g"},
		{"continued", "a \\\n b", "a|b"},
		{"variables", "x=1\na $x ${x}2 '$x'", "a|1|12|$x"},
		{"an array", "x=(b 'c d')\na \"${x[@]}\"", "a|b|c d"},
		{"a redirection", "a >log 2>&1 b", "a|b"},
		{"a subshell", "(a b)\nc", "a|b\nc"},
		{"a case", "case $1 in\nstart) a b ;;\nesac", "case|$1|in\nstart\na|b\nesac"},
		{"a default", "a ${x:-b} ${y:- } ${z:-b c;d}", "a|b|b|c;d"},
		{"a replacement", "x=a\nb ${x:+-c $x} ${y:+-d}", "b|-c|a"},
		{"a part", "f=/a/b.tar.gz\nc ${f%.gz} ${f%%.*} ${f##*/} ${f#*/} ${f/b/c} ${f//a/o}", "c|/a/b.tar|/a/b|b.tar.gz|a/b.tar.gz|/a/c.tar.gz|/o/b.tor.gz"},
		{"a required one", "x=a\nb ${x:?must be set}", "b|a"},
		{"a here-document", "a <<E b\nc 'd\nE\ne", "a|b\ne"},
		{"two of them, and a here-string", "a <<E <<-'F' b\nc\nE\nd\n\tF\ne <<<f g", "a|b\ne|g"},
		{"both outputs", "a &>log b", "a|b"},
		{"a comment within", "a `# note` b", "a|b"},
		{"a parenthesis too many", "a ) b", "a\nb"},
	} {
		s, err := Parse(xml.Source{Name: "in", Data: []byte(c.text)}, nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var lines []string
		for _, cmd := range s.Commands {
			lines = append(lines, strings.Join(cmd.Words, "|"))
		}
		if got := strings.Join(lines, "\n"); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	for _, text := range []string{"a 'b", "a \"b", "x=(a", "x=(a ; b)", "x=(a | b)"} {
		if _, err := Parse(xml.Source{Name: "in", Data: []byte(text)}, nil); err == nil || !strings.Contains(err.Error(), "line 1: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzParse reads any script: it ends, without a panic.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"a 'b c' \"d $e\" `f`", "x=(1 2)\na ${x[@]} ${y:-z}", "case $1 in start) a;; esac", "(a >b 2>&1) | c && d", "~/a \\\n b # c", "a <<E <<-F\nb\nE\n\tF\nc ${x%%*a} ${x//a/b} ${x:+y}"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = Parse(xml.Source{Name: "in", Data: []byte(text)}, nil)
	})
}
