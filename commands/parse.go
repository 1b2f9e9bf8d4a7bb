package commands

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	errDangling = errors.New(`dangling \`)
	errQuote    = errors.New(`missing "`)
)

// argument is an option that was given, with its value.
type argument struct {
	option *Option
	text   string
}

// Invocation is one parsed command: a row and what it was given.
type Invocation struct {
	Command *Command
	Output  string // of --output behind the command's name, or ""
	args    []argument
	more    []extra // words that may name further objects
	jobs    int     // of --jobs, or 0
}

// extra is a word that no option takes, or that the option that would take it
// does not know: it may name a further object.
type extra struct {
	word   string
	option *Option // nil: no option takes it
}

// errUnexpected is virsh's error for a word that no option takes.
func errUnexpected(word string) error { return fmt.Errorf("unexpected data '%s'", word) }

// literal is the command as virsh understands it, where the further words name
// no objects.
func (inv *Invocation) literal() (*Invocation, error) {
	plain := *inv
	plain.args, plain.more = append([]argument(nil), inv.args...), nil
	for _, e := range inv.more {
		taken := e.option == nil
		for _, a := range plain.args {
			taken = taken || a.option == e.option
		}
		if taken {
			return nil, errUnexpected(e.word)
		}
		plain.args = append(plain.args, argument{e.option, e.word})
	}
	return &plain, nil
}

// ParseArgv reads one command that is split into words already.
func (t Table) ParseArgv(args []string) ([]*Invocation, error) {
	return t.parse(&words{args})
}

// ParseScript reads a script: any number of commands. A mistake anywhere in it
// means that nothing of it is run.
func (t Table) ParseScript(text string) ([]*Invocation, error) {
	return t.parse(&script{text: text})
}

func (t Table) parse(l lexer) ([]*Invocation, error) {
	var out []*Invocation
	for {
		tok, word, err := l.next()
		switch {
		case err != nil:
			return nil, err
		case tok == tokEnd:
			return out, nil
		case tok == tokEndCommand:
			continue
		}
		inv, tok, err := t.command(l, word)
		if err != nil {
			return nil, err
		}
		if inv != nil {
			out = append(out, inv)
		}
		if tok == tokEnd {
			return out, nil
		}
	}
}

// command reads one command to its end; name is its first word.
func (t Table) command(l lexer, name string) (*Invocation, token, error) {
	if strings.HasPrefix(name, "#") {
		for {
			tok, _, err := l.next()
			if err != nil || tok != tokWord {
				return nil, tok, err
			}
		}
	}
	row := t.Resolve(name)
	if row == nil {
		return nil, 0, &unknownName{what: "unknown command: '%s'", name: name, known: t.names()}
	}
	p := &parser{lexer: l, row: row, inv: &Invocation{Command: row}}
	tok, err := p.run()
	if err != nil {
		return nil, 0, err
	}
	if p.help {
		help := t.Find("help")
		return &Invocation{Command: help, args: []argument{{&help.Options[0], row.Name}}}, tok, nil
	}
	for i := range row.Options {
		if o := &row.Options[i]; o.Has(Required) && !p.seen(o) && (o.Unless == "" || !p.seen(row.Option(o.Unless))) {
			return nil, 0, fmt.Errorf("command '%s' requires <%s> option", row.Name, o.Name)
		}
	}
	return p.inv, tok, nil
}

// parser reads the options of one command.
type parser struct {
	lexer
	row  *Command
	inv  *Invocation
	help bool
}

func (p *parser) seen(o *Option) bool {
	for _, a := range p.inv.args {
		if a.option == o {
			return true
		}
	}
	return false
}

func (p *parser) run() (token, error) {
	dataOnly := false
	for {
		tok, word, err := p.next()
		if err != nil || tok != tokWord {
			return tok, err
		}
		switch {
		case !dataOnly && word == "--":
			dataOnly = true
		case !dataOnly && strings.HasPrefix(word, "--"):
			if tok, err := p.named(word[2:]); err != nil || tok != tokWord {
				return tok, err
			}
		default:
			o := p.positional()
			if o == nil && p.row.Name == "help" {
				continue // the peer's help overlooks what it cannot use
			}
			if p.further(o, word) {
				p.inv.more = append(p.inv.more, extra{word, o})
				continue
			}
			if o == nil {
				return 0, errUnexpected(word)
			}
			p.inv.args = append(p.inv.args, argument{o, word})
		}
	}
}

// further tells whether a word may name a further object: no option takes it,
// or one that has words of its own, and this is none of them.
func (p *parser) further(o *Option, word string) bool {
	if n := p.row.named(); n == nil || !p.seen(n) {
		return false
	}
	return o == nil || o.Values != "" && !o.Has(Required) && !o.knows(word)
}

// knows tells whether a word is among those that the option takes.
func (o *Option) knows(word string) bool {
	words := []string{word}
	if o.List {
		words = strings.Split(word, ",")
	}
	for _, w := range words {
		if !hasWord(o.Values, w) {
			return false
		}
	}
	return true
}

// positional is the option that a word without a name belongs to, or nil.
func (p *parser) positional() *Option {
	for i := range p.row.Options {
		o := &p.row.Options[i]
		if o.Flags&(Positional|Loose) == 0 || o.Kind == Alias || o.Kind == Bool {
			continue
		}
		if o.Own && o.Has(Loose) && !p.row.Own && !p.seen(o) {
			continue // a word too many for virsh is one here, too
		}
		if o.Kind == Argv || !p.seen(o) {
			return o
		}
	}
	return nil
}

// named reads an option that stands with its name. The token is tokWord unless
// the command ended while a value was looked for.
func (p *parser) named(word string) (token, error) {
	name, value, equals := strings.Cut(word, "=")
	o := p.row.Option(name)
	if o != nil && o.Kind == Alias {
		target, fixed, has := strings.Cut(o.Target, "=")
		if has {
			if equals {
				return 0, fmt.Errorf("invalid '=' after option --%s", name)
			}
			value, equals = fixed, true
		}
		o = p.row.Option(target)
	}
	switch {
	case o == nil && name == "help":
		p.help = true
		return tokWord, nil
	case o == nil && p.row.Name == "help":
		return tokWord, nil
	case o == nil && name == "output":
		return p.output(value, equals)
	case o == nil && name == "jobs" && p.row.named() != nil:
		return p.jobs(value, equals)
	case o == nil:
		return 0, &unknownName{what: "command '" + p.row.Name + "' doesn't support option --%s", name: name, known: p.row.optionNames()}
	case o.Kind != Argv && p.seen(o):
		return 0, fmt.Errorf("option --%s already seen", o.Name)
	case o.Kind == Bool && equals:
		return 0, fmt.Errorf("invalid '=' after option --%s", o.Name)
	case o.Kind != Bool && !equals:
		tok, w, err := p.next()
		if err != nil {
			return 0, err
		}
		if tok != tokWord {
			return 0, fmt.Errorf("expected syntax: --%s <%s>", o.Name, o.valueWord())
		}
		value = w
	}
	p.inv.args = append(p.inv.args, argument{o, value})
	return tokWord, nil
}

// output reads the value of --output, which every command takes.
func (p *parser) output(value string, equals bool) (token, error) {
	if !equals {
		tok, w, err := p.next()
		if err != nil || tok != tokWord {
			return 0, errors.Join(err, errors.New("expected syntax: --output <string>"))
		}
		value = w
	}
	if _, err := ParseOutput(value); err != nil {
		return 0, err
	}
	p.inv.Output = value
	return tokWord, nil
}

// jobs reads the value of --jobs, which every command about an object takes.
func (p *parser) jobs(value string, equals bool) (token, error) {
	if !equals {
		tok, w, err := p.next()
		if err != nil || tok != tokWord {
			return 0, errors.Join(err, errors.New("expected syntax: --jobs <number>"))
		}
		value = w
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		return 0, shellError("Numeric value '%s' for <jobs> option is malformed or out of range", value)
	}
	p.inv.jobs = n
	return tokWord, nil
}

// valueWord is what help calls the value.
func (o *Option) valueWord() string {
	if o.Kind == Int {
		return "number"
	}
	return "string"
}
