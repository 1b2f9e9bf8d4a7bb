package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path"
	"strconv"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// A command that names an object by its first word works on several of them,
// too: further words, or words with *, ? and [ ]. Virsh knows neither: such
// words are errors there, and stay errors unless they name objects.

// settle decides about words that would be errors: they are unless each of them
// names an object. A script with an error runs nothing, so this is done first.
func (s *Session) settle(ctx context.Context, list []*Invocation) error {
	for _, inv := range list {
		if len(inv.more) == 0 {
			continue
		}
		if _, err := inv.literal(); err != nil { // else it is a value that an option does not know: its command will say so
			if names, missing, _ := s.objectsOf(ctx, inv); names == nil {
				return &Failure{Text: err.Error(), kind: inv.Command.named().object, word: missing}
			}
		}
	}
	return nil
}

// isPattern tells whether a word means several objects.
func isPattern(word string) bool { return strings.ContainsAny(word, "*?[") }

// targets gives the objects that a command is for, nil if there is but one and
// the command as it stands names it.
func (s *Session) targets(ctx context.Context, inv *Invocation) ([]string, *Invocation, error) {
	o := inv.Command.named()
	if o == nil {
		return nil, inv, nil
	}
	word := (&slot{given: inv.args}).value(o.Name)
	if len(inv.more) == 0 && !isPattern(word) {
		return nil, inv, nil
	}
	names, missing, pattern := s.objectsOf(ctx, inv)
	if names == nil && missing != "" && missing != word && isPattern(word) {
		return nil, nil, o.object.fail("find", nil, missing, "") // the pattern names objects, what follows it does not
	}
	if names == nil || len(names) == 1 && !pattern {
		plain, err := inv.literal()
		return nil, plain, err
	}
	return names, inv, nil
}

// objectsOf gives the names of the objects that a command's words mean, each
// once, or nil and the word that names none or one a second time. pattern: at
// least one word is a pattern.
func (s *Session) objectsOf(ctx context.Context, inv *Invocation) (names []string, missing string, pattern bool) {
	o := inv.Command.named()
	if s.Connect(ctx) != nil {
		return nil, "", false
	}
	objects := s.conn.Objects(o.object.Kind)
	if objects == nil {
		return nil, "", false
	}
	words := []string{(&slot{given: inv.args}).value(o.Name)}
	for _, e := range inv.more {
		words = append(words, e.word)
	}
	seen := map[string]bool{}
	for _, w := range words {
		if name, ok := nameOf(ctx, objects, w); ok {
			if seen[name] {
				return nil, w, false
			}
			seen[name] = true
			names = append(names, name)
			continue
		}
		if !isPattern(w) {
			return nil, w, false
		}
		pattern = true
		found := false
		for _, c := range s.offered(ctx, o) {
			if ok, _ := path.Match(w, c.Text); ok {
				found = true
				if !seen[c.Text] {
					seen[c.Text] = true
					names = append(names, c.Text)
				}
			}
		}
		if !found {
			return nil, w, false
		}
	}
	return names, "", pattern
}

// offered are the objects that completion offers for an option: a pattern
// means the domains that a command is good for.
func (s *Session) offered(ctx context.Context, o *Option) []completion.Candidate {
	return o.Complete(ctx, completion.Env{Conn: func() (drivers.Conn, error) { return s.conn, nil }, Value: func(string) string { return "" }})
}

// nameOf is the name of the object that a word names by id, UUID or name.
func nameOf(ctx context.Context, objects drivers.Objects, word string) (string, bool) {
	try := func(by drivers.By, w string) (string, bool) {
		ref, err := objects.Lookup(ctx, by, w)
		return ref.Name, err == nil
	}
	if id, err := strconv.ParseUint(word, 10, 31); err == nil {
		if name, ok := try(drivers.ByID, strconv.FormatUint(id, 10)); ok {
			return name, true
		}
	}
	if uuid, ok := xml.ParseUUID(word); ok && len(word) == 36 {
		if name, ok := try(drivers.ByUUID, uuid); ok {
			return name, true
		}
	}
	return try(drivers.ByName, word)
}

// outcome is what a command did to one of several objects.
type outcome struct {
	out, errs bytes.Buffer
	err       error
	done      chan struct{}
}

// several runs a command for each of several objects, as many at once as
// --jobs says, and prints what came of each in their order.
func (s *Session) several(ctx context.Context, inv *Invocation, names []string) error {
	o := inv.Command.named()
	slots := make(chan struct{}, max(inv.jobs, 1))
	outcomes := make([]outcome, len(names))
	for i := range outcomes {
		outcomes[i].done = make(chan struct{})
	}
	go func() {
		for i, name := range names {
			slots <- struct{}{}
			go func() {
				defer func() { <-slots; close(outcomes[i].done) }()
				s.one(ctx, inv, o, name, &outcomes[i])
			}()
		}
	}()
	var worst error
	for i, name := range names {
		r := &outcomes[i]
		<-r.done
		s.show(o.Name, name, r)
		if r.err == nil {
			continue
		}
		var e *Exit
		switch {
		case errors.As(r.err, &e):
			worst = &Exit{e.Status, ErrReported}
		case worst == nil:
			worst = ErrReported
		}
	}
	return worst
}

// one runs a command for one object, in a session of its own.
func (s *Session) one(ctx context.Context, inv *Invocation, o *Option, name string, r *outcome) {
	sub := &Session{Name: s.Name, Table: s.Table, In: s.In, Out: &r.out, Err: &r.errs, Getenv: s.Getenv, Open: s.Open, URI: s.URI,
		ReadOnly: s.ReadOnly, Quiet: s.Quiet, Output: s.format(), Debug: s.Debug, Log: s.Log, Escape: s.Escape, Terminal: s.Terminal,
		MakeRaw: s.MakeRaw, Limit: s.Limit, silent: s.silent, Prompt: s.Prompt, screen: s.terminal(), conn: s.conn}
	args := make([]argument, len(inv.args))
	for i, a := range inv.args {
		if args[i] = a; a.option == o {
			args[i].text = name
		}
	}
	r.err = sub.call(ctx, &Call{Session: sub, Command: inv.Command, args: args})
	if r.err != nil && ctx.Err() == context.DeadlineExceeded {
		r.err = s.tooLate(r.err)
	}
	sub.Report(r.err)
	sub.Flush()
}

// show prints what came of one object: its line, or under its name what has
// several.
func (s *Session) show(option, name string, r *outcome) {
	if s.format() == "json" {
		for _, line := range lines(&r.out) {
			text, _ := marshal(Data{{option, name}, {"result", json.RawMessage(strings.TrimSpace(line))}})
			s.Print(string(text) + "\n")
		}
		s.Flush()
		for _, line := range lines(&r.errs) {
			text, _ := marshal(Data{{option, name}})
			s.Err.Write([]byte(string(text[:len(text)-1]) + "," + strings.TrimPrefix(line, "{")))
		}
		return
	}
	switch out := strings.Trim(r.out.String(), "\n"); {
	case out == "" && r.err == nil && !s.Quiet:
		s.Print(name + ": done\n")
	case out == "":
	case strings.Contains(out, "\n"):
		s.Print(name + ":\n" + out + "\n\n")
	case strings.Contains(out, name):
		s.Print(out + "\n")
	default:
		s.Print(name + ": " + out + "\n")
	}
	s.Flush()
	for _, line := range lines(&r.errs) {
		if text, ok := strings.CutPrefix(line, "error: "); ok && !strings.Contains(line, "'"+name+"'") {
			line = "error: " + name + ": " + text
		}
		s.Err.Write([]byte(line))
	}
}

// lines are the lines of a text, each with its end.
func lines(b *bytes.Buffer) []string {
	all := strings.SplitAfter(b.String(), "\n")
	return all[:len(all)-1]
}
