package commands

import (
	"strings"
	"testing"
)

func describe(list []*Invocation) string {
	var out []string
	for _, inv := range list {
		words := []string{inv.Command.Name}
		for _, a := range inv.args {
			words = append(words, a.option.Name+"="+a.text)
		}
		out = append(out, strings.Join(words, " "))
	}
	return strings.Join(out, "; ")
}

func TestParseScript(t *testing.T) {
	table := NewTable()
	for _, c := range []struct{ script, want string }{
		{"echo a b", "echo string=a string=b"},
		{" echo a; echo b;", "echo string=a; echo string=b"},
		{"echo 'a b' \"c d\" e\\ f", "echo string=a b string=c d string=e f"},
		{"ec\\\nho a", "echo string=a"},
		{"echo '\\\n'", "echo string=\\\n"},
		{"echo a # b\necho c", "echo string=a; echo string=c"},
		{"echo a#b", "echo string=a#b"},
		{"echo 'open", "echo string=open"},
		{"echo \"open", `error: missing "`},
		{"echo a\\", `error: dangling \`},
		{"list --all --al", "error: command 'list' doesn't support option --al"},
		{"list --all --all", "error: option --all already seen"},
		{"list --all=x", "error: invalid '=' after option --all"},
		{"list x", "error: unexpected data 'x'"},
		{"domid", "error: command 'domid' requires <domain> option"},
		{"domid --domain", "error: expected syntax: --domain <string>"},
		{"domid test --domain test", "error: option --domain already seen"},
		{"domid -- --domain", "domid domain=--domain"},
		{"domid --domain=a=b", "domid domain=a=b"},
		{"domid --domain=", "domid domain="},
		{"echo --hi x", "echo string=hello string=x"},
		{"echo --str a", "echo string=a"},
		{"bogus; list", "error: unknown command: 'bogus'"},
		{"list --help", "help command=list"},
		{"list --output json --all", "list all="},
		{"list --output xml", "error: unknown output format 'xml': expected text or json"},
		{";;; list ;", "list"},
		{"", ""},
	} {
		list, err := table.ParseScript(c.script)
		got := describe(list)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.script, got, c.want)
		}
	}
}

func TestParseArgv(t *testing.T) {
	table := NewTable()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"echo", "a;b", "'c'"}, "echo string=a;b string='c'"},
		{[]string{"list", ";"}, "error: unexpected data ';'"},
		{[]string{"#", "list"}, ""},
		{[]string{"list", "-q"}, "error: unexpected data '-q'"},
		{[]string{"help", "list", "--foo", "x"}, "help command=list"},
	} {
		list, err := table.ParseArgv(c.args)
		got := describe(list)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.args, got, c.want)
		}
	}
}

// What was parsed, quoted again, is parsed the same.
func FuzzParseScript(f *testing.F) {
	for _, s := range []string{"echo 'a b' \"c\" d\\ e # x\nlist --all", "echo a\\", "domid --domain=x;;quit", "echo '\\\n' \"\\\"\""} {
		f.Add(s)
	}
	table := NewTable()
	f.Fuzz(func(t *testing.T, text string) {
		list, err := table.ParseScript(text)
		Unfinished(text)
		LastWords(text)
		if err != nil {
			return
		}
		var b strings.Builder
		for _, inv := range list {
			b.WriteString(inv.Command.Name)
			for _, a := range inv.args {
				if a.option.Kind == Bool {
					b.WriteString(" --" + a.option.Name)
				} else {
					b.WriteString(" --" + a.option.Name + " '" + strings.ReplaceAll(a.text, "'", `'\''`) + "'")
				}
			}
			b.WriteString("; ")
		}
		again, err := table.ParseScript(b.String())
		if err != nil || describe(again) != describe(list) {
			t.Errorf("%q is %q, quoted again %q (%v)", text, describe(list), describe(again), err)
		}
	})
}
