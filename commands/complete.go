package commands

import (
	"context"
	"strings"

	"virgo/completion"
	"virgo/drivers"
)

// completeRows are the hidden commands that completion and tests use.
func completeRows() []Command {
	return []Command{
		{Name: "complete", Summary: "list the words that may follow", NoConnect: true, Hidden: true, Run: complete, Options: opts(
			argv("string", Positional|Empty, "the words so far, the last one unfinished").with(completion.Free),
			str("line", Empty, "the whole line so far, with the program's name; descriptions are printed, too").with(completion.Free).own())},
		{Name: "self-test", Summary: "check the tables of commands", NoConnect: true, Hidden: true, Run: selfTest, Options: opts(
			flag("completers-missing", "list the options that nothing completes"), flag("dump-help", "print the help of each command"))},
		{Name: "completion", Summary: "print a completion script for a shell", NoConnect: true, Own: true, Run: completionScript,
			Options: opts(str("shell", RP, "bash, zsh or fish").of("bash zsh fish"))},
	}
}

func complete(ctx context.Context, c *Call) error {
	c.silent = true // a password that is asked for in the middle of a line is nobody's wish
	var list []completion.Candidate
	if c.Has("line") {
		words, _, ok := LastWords(c.Str("line"))
		if !ok || len(words) < 2 || c.Globals == nil {
			return ErrReported
		}
		rest, found := c.Globals(c.Session, words[1:])
		if list = found; len(rest) > 0 {
			list = c.Complete(ctx, rest, true)
		}
		for _, f := range list {
			c.Print(f.Text + "\t" + f.Help + "\n")
		}
		c.Session.Quiet = true
	} else {
		list = c.Complete(ctx, c.Words("string"), false)
		for _, f := range list {
			c.Print(f.Text + "\n")
		}
	}
	if len(list) == 0 {
		return ErrReported
	}
	return nil
}

// LastWords cuts a line into the words of its last command; the last word is
// the one at the end, perhaps empty. quote is the one that is open there, or 0.
// It fails behind a lone backslash.
func LastWords(line string) (words []string, quote byte, ok bool) {
	l := &script{text: line}
	for {
		tok, text, err := l.next()
		switch {
		case err == errDangling:
			return nil, 0, false
		case tok == tokEndCommand:
			words = nil
			continue
		case tok == tokWord:
			words = append(words, text)
			if l.pos < len(line) {
				continue
			}
			return words, l.open, true
		}
		return append(words, ""), 0, true
	}
}

// Unfinished tells whether a script goes on in the next line: it ends with a
// backslash or within double quotes.
func Unfinished(text string) bool {
	l := &script{text: text}
	for {
		tok, _, err := l.next()
		if err != nil {
			return true
		}
		if tok == tokEnd {
			return false
		}
	}
}

// Complete lists what may stand in place of the last word. rich: as people at
// a prompt want it, with descriptions, files and objects where virsh offers
// option names alone.
func (s *Session) Complete(ctx context.Context, words []string, rich bool) []completion.Candidate {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	row := s.Table.Resolve(words[0])
	if len(words) == 1 || row == nil {
		return begin(s.commandNames(rich), last)
	}
	slot := s.slot(row, words[1:len(words)-1])
	slot.rich = rich
	env := completion.Env{
		Conn:  func() (drivers.Conn, error) { err := s.Connect(ctx); return s.conn, err },
		Value: slot.value, Word: last, Rich: rich,
		Commands: func() []completion.Candidate { return s.commandNames(rich) },
	}
	offer := func(o *Option) []completion.Candidate { return begin(o.candidates(ctx, env), last) }
	if slot.pending != nil {
		if out := offer(slot.pending); len(out) > 0 || last != "" || !rich && slot.pending.Kind != Int {
			return out
		}
		return slot.options(row, "", slot.pending)
	}
	if strings.HasPrefix(last, "-") && !slot.dataOnly {
		name, value, equals := strings.Cut(strings.TrimPrefix(last, "--"), "=")
		if !equals {
			return slot.options(row, last, nil)
		}
		o := row.Option(name)
		if !rich || o == nil {
			return nil
		}
		env.Word = value
		out := begin(o.candidates(ctx, env), value)
		for i := range out {
			out[i].Text = "--" + name + "=" + out[i].Text
		}
		return out
	}
	if last == "" && !rich {
		return slot.options(row, "", nil)
	}
	var out []completion.Candidate
	o := slot.next(row)
	if o == nil && rich {
		o = row.named() // one more of them
	}
	if o != nil && !slot.broken {
		out = offer(o)
	}
	if len(out) == 0 && last == "" {
		out = slot.options(row, "", nil)
	}
	return out
}

// commandNames are the commands that help lists; rich: virgo's own, too.
func (s *Session) commandNames(rich bool) []completion.Candidate {
	var out []completion.Candidate
	for _, g := range s.Table {
		for i := range g.Commands() {
			if c := &g.Commands()[i]; !c.Hidden && c.Alias == "" && (rich || !c.Own) {
				out = append(out, completion.Candidate{Text: c.Name, Help: c.Summary})
			}
		}
	}
	return out
}

// begin keeps the candidates that begin with a word.
func begin(list []completion.Candidate, word string) []completion.Candidate {
	var out []completion.Candidate
	for _, c := range list {
		if strings.HasPrefix(c.Text, word) {
			out = append(out, c)
		}
	}
	return out
}

// slot is where in a command the word to complete stands.
type slot struct {
	given    []argument
	pending  *Option // the word is its value
	dataOnly bool    // behind --
	broken   bool    // something before it is wrong
	rich     bool    // virgo's own options are offered, too
}

// slot reads the words between the command and the one to complete.
func (s *Session) slot(row *Command, words []string) *slot {
	sl := &slot{}
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case !sl.dataOnly && w == "--":
			sl.dataOnly = true
		case !sl.dataOnly && strings.HasPrefix(w, "--"):
			name, value, equals := strings.Cut(w[2:], "=")
			o := row.Option(name)
			if o != nil && o.Kind == Alias {
				target, _, fixed := strings.Cut(o.Target, "=")
				equals = equals || fixed
				o = row.Option(target)
			}
			switch {
			case o == nil:
				sl.broken = true
				return sl
			case o.Kind == Bool || equals:
				sl.given = append(sl.given, argument{o, value})
			case i+1 == len(words):
				sl.pending = o
			default:
				i++
				sl.given = append(sl.given, argument{o, words[i]})
			}
		default:
			o := sl.next(row)
			if o == nil {
				o = row.named() // one more of them
			}
			if o == nil {
				sl.broken = true
				return sl
			}
			sl.given = append(sl.given, argument{o, w})
		}
	}
	return sl
}

func (sl *slot) has(o *Option) bool {
	for _, a := range sl.given {
		if a.option == o {
			return true
		}
	}
	return false
}

// value is what an option was given before.
func (sl *slot) value(name string) string {
	for _, a := range sl.given {
		if a.option.Name == name {
			return a.text
		}
	}
	return ""
}

// next is the option that a word without a name belongs to.
func (sl *slot) next(row *Command) *Option {
	for i := range row.Options {
		o := &row.Options[i]
		if o.Flags&(Positional|Loose) != 0 && o.Kind != Alias && o.Kind != Bool && (o.Kind == Argv || !sl.has(o)) {
			return o
		}
	}
	return nil
}

// options lists the options that may still be given.
func (sl *slot) options(row *Command, word string, not *Option) []completion.Candidate {
	var out []completion.Candidate
	for i := range row.Options {
		o := &row.Options[i]
		if o.Kind == Alias || row.Hidden || o.Own && !sl.rich || o == not || sl.has(o) && o.Kind != Argv || !strings.HasPrefix("--"+o.Name, word) {
			continue
		}
		out = append(out, completion.Candidate{Text: "--" + o.Name, Help: o.Help})
	}
	return out
}

// candidates are the words that an option takes.
func (o *Option) candidates(ctx context.Context, e completion.Env) []completion.Candidate {
	var out []completion.Candidate
	for _, v := range strings.Fields(o.Values) {
		out = append(out, completion.Candidate{Text: v})
	}
	if o.Complete != nil {
		out = append(out, o.Complete(ctx, e)...)
	}
	if at := strings.LastIndexByte(e.Word, ','); o.List && at >= 0 {
		used := strings.Split(e.Word[:at], ",")
		var rest []completion.Candidate
		for _, c := range out {
			taken := false
			for _, u := range used {
				taken = taken || u == c.Text
			}
			if !taken {
				rest = append(rest, completion.Candidate{Text: e.Word[:at+1] + c.Text, Help: c.Help})
			}
		}
		out = rest
	}
	return out
}

func selfTest(_ context.Context, c *Call) error {
	for _, g := range c.Table {
		for i := range g.Commands() {
			row := &g.Commands()[i]
			if c.Has("dump-help") {
				c.Print(row.Help())
			}
			for j := range row.Options {
				o := &row.Options[j]
				if o.Kind == Bool || o.Kind == Alias || o.Complete != nil || o.Values != "" {
					continue
				}
				if c.Has("completers-missing") {
					c.Print(row.Name + " --" + o.Name + "\n")
				}
			}
		}
	}
	return nil
}

func completionScript(_ context.Context, c *Call) error {
	text, ok := completion.Script(c.Str("shell"))
	if !ok {
		return shellError("no completion script for the shell '%s': there are those for bash, zsh and fish", c.Str("shell"))
	}
	c.Session.Quiet = true
	c.Emit(Document{Key: "script", Text: text})
	return nil
}
