package commands

import (
	"errors"
	"fmt"
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
		return nil, 0, fmt.Errorf("unknown command: '%s'", name)
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
		if o := &row.Options[i]; o.Has(Required) && !p.seen(o) {
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
			if o == nil {
				return 0, fmt.Errorf("unexpected data '%s'", word)
			}
			p.inv.args = append(p.inv.args, argument{o, word})
		}
	}
}

// positional is the option that a word without a name belongs to, or nil.
func (p *parser) positional() *Option {
	for i := range p.row.Options {
		o := &p.row.Options[i]
		if o.Flags&(Positional|Loose) == 0 || o.Kind == Alias || o.Kind == Bool {
			continue
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
	case o == nil:
		return 0, fmt.Errorf("command '%s' doesn't support option --%s", p.row.Name, name)
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

// valueWord is what help calls the value.
func (o *Option) valueWord() string {
	if o.Kind == Int {
		return "number"
	}
	return "string"
}
