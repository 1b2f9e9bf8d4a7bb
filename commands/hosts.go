package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"virgo/drivers"
)

// alone are the commands that are about one connection: of several hosts they
// mean the last, as virsh takes the last -c.
const alone = " uri connect console exit quit "

// far is one host at work: its session stays for the next command.
type far struct {
	host string
	*Session
	out, errs bytes.Buffer
	results   []Result
	err       error
	nothing   bool // a pattern names nothing there
	done      chan struct{}
}

// everywhere tells whether a command is for all hosts of the session.
func (s *Session) everywhere(inv *Invocation) bool {
	return len(s.Fleet.Hosts) > 1 && !inv.Command.NoConnect && !strings.Contains(alone, " "+inv.Command.Name+" ") &&
		inv.Command.Option("skip-validate") == nil && !strings.HasSuffix(inv.Command.Name, "-edit")
}

// onHosts runs a command on every host, so many at once, and shows what came of
// it: tables and lists of all hosts as one, all else under the host's name. A
// host that fails is a line among the errors, and the worst status counts.
func (s *Session) onHosts(ctx context.Context, inv *Invocation) error {
	if s.farther == nil {
		s.farther = make([]*far, len(s.Fleet.Hosts))
		for i, h := range s.Fleet.Hosts {
			s.farther[i] = s.far(h)
		}
	}
	endless := strings.HasSuffix(inv.Command.Name, "event")
	slots := make(chan struct{}, max(s.Fleet.AtOnce, 1))
	if endless {
		slots = make(chan struct{}, len(s.farther))
	}
	var shown sync.Mutex // events of several hosts are shown as they come
	for _, f := range s.farther {
		f.prepare(s)
		f.emit = func(r Result) {
			if e, ok := r.(Event); ok {
				shown.Lock()
				defer shown.Unlock()
				s.event(f.host, e)
				return
			}
			f.results = append(f.results, r)
		}
		go func() {
			slots <- struct{}{}
			defer func() { <-slots; close(f.done) }()
			f.run(ctx, inv, endless)
		}()
	}
	var worst error
	nowhere := true
	for _, f := range s.farther {
		<-f.done
		nowhere = nowhere && f.nothing
	}
	for i, f := range s.farther {
		if f.nothing && (i > 0 || !nowhere) { // a pattern is for the hosts that have what it means
			f.err = nil
		}
		if f.err != nil && worst == nil {
			worst = ErrReported
		}
		var e *Exit
		if errors.As(f.err, &e) {
			worst = &Exit{e.Status, ErrReported}
		}
	}
	if s.format() == "json" {
		s.hostsJSON()
	} else {
		s.hostsText()
	}
	s.Flush()
	for _, f := range s.farther {
		s.hostErrors(f)
	}
	return worst
}

// far is the session of one host.
func (s *Session) far(h drivers.Host) *far {
	f := &far{host: h.Name}
	f.Session = &Session{Name: s.Name, Table: s.Table, In: strings.NewReader(""), Out: &f.out, Err: &f.errs, Getenv: s.Getenv, Open: s.Open,
		URI: h.URI, ReadOnly: s.ReadOnly, Log: s.Log, Escape: s.Escape, Keepalive: s.Keepalive, KeepaliveOff: s.KeepaliveOff,
		KeepaliveInterval: s.KeepaliveInterval, KeepaliveCount: s.KeepaliveCount, limit: s.Fleet.Limit, silent: true}
	return f
}

// prepare makes it ready for the next command.
func (f *far) prepare(s *Session) {
	f.out.Reset()
	f.errs.Reset()
	f.results, f.err, f.nothing, f.done = nil, nil, false, make(chan struct{})
	f.Quiet, f.Debug, f.Output = s.Quiet, s.Debug, s.format()
}

// run runs a command on one host, within its time.
func (f *far) run(ctx context.Context, inv *Invocation, endless bool) {
	if limit := f.Session.limit; limit > 0 && !endless {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, limit)
		defer stop()
	}
	own := *inv
	f.working.Store(&own)
	f.err = f.Connect(ctx)
	if f.err == nil {
		f.err = f.settle(ctx, []*Invocation{&own})
	}
	if f.err == nil {
		f.err = f.perform(ctx, &own)
	}
	var missing *Failure
	f.nothing = errors.As(f.err, &missing) && missing.kind != nil && isPattern(missing.word)
	if f.err != nil && ctx.Err() == context.DeadlineExceeded {
		f.err = &Exit{timedOut, shellError("no answer within %s", f.Session.limit)}
	}
	f.Flush()
}

// event shows one event of a host.
func (s *Session) event(host string, e Event) {
	if s.format() == "json" {
		s.Print(withHost(host, resultJSON(e)))
	} else {
		s.Print(host + ": " + e.Text)
	}
	s.Flush()
}

// hostsJSON prints each host's results with its name; lists are one list.
func (s *Session) hostsJSON() {
	var list []json.RawMessage
	isList := false
	for _, f := range s.farther {
		name, _ := marshal(f.host)
		lines := strings.SplitAfter(f.out.String(), "\n")
		for _, r := range f.results {
			lines = append(lines, resultJSON(r))
		}
		for _, line := range lines {
			var rows []json.RawMessage
			if strings.HasPrefix(line, "[") && json.Unmarshal([]byte(line), &rows) == nil {
				isList = true
				for _, row := range rows {
					if text := string(row); strings.HasPrefix(text, "{") {
						row = json.RawMessage(strings.TrimSuffix(withHost(f.host, text), "\n"))
					} else {
						row = json.RawMessage(`{"host":` + string(name) + `,"value":` + text + `}`)
					}
					list = append(list, row)
				}
			} else if line != "" {
				s.Print(withHost(f.host, line))
			}
		}
	}
	if isList {
		if list == nil {
			list = []json.RawMessage{}
		}
		s.Print(jsonLine(list))
	}
}

// withHost is an object with the host's name in front.
func withHost(host, object string) string {
	name, _ := marshal(host)
	object = strings.TrimSpace(object)
	rest, ok := strings.CutPrefix(object, "{")
	switch {
	case !ok:
		return object + "\n"
	case rest == "}":
		return `{"host":` + string(name) + "}\n"
	}
	return `{"host":` + string(name) + "," + rest + "\n"
}

// hostsText prints tables of the hosts as one with a column for the host, and
// all else under or behind the host's name.
func (s *Session) hostsText() {
	if table, ok := s.hostsTable(); ok {
		s.Print((&Call{Session: s}).text(table))
		return
	}
	c := &Call{Session: s}
	var blocks []string
	for _, f := range s.farther {
		text := f.out.String()
		for _, r := range f.results {
			text += c.text(r)
		}
		switch text = strings.Trim(text, "\n"); {
		case text == "":
		case strings.Contains(text, "\n"):
			blocks = append(blocks, f.host+":\n"+text+"\n\n")
		default:
			blocks = append(blocks, f.host+": "+text+"\n")
		}
	}
	if text := strings.Join(blocks, ""); text != "" {
		s.Print(strings.TrimSuffix(text, "\n\n"))
		if strings.HasSuffix(text, "\n\n") {
			s.Print("\n")
		}
	}
}

// hostsTable is the one table of all hosts; ok is false if any host gave
// something else.
func (s *Session) hostsTable() (all Listing, ok bool) {
	for _, f := range s.farther {
		if f.out.Len() > 0 {
			return all, false
		}
		for _, r := range f.results {
			l, is := r.(Listing)
			if !is || l.Plain || all.Columns != nil && len(l.Columns) != len(all.Columns)-1 {
				return all, false
			}
			if all.Columns == nil {
				all.Columns = append([]Column{{Title: "Host"}}, l.Columns...)
			}
			for _, row := range l.Rows {
				all.Rows = append(all.Rows, append([]any{f.host}, row...))
			}
		}
	}
	return all, all.Columns != nil
}

// hostErrors prints a host's errors, a line for each that begins with its name.
func (s *Session) hostErrors(f *far) {
	for _, line := range lines(&f.errs) {
		if text, ok := strings.CutPrefix(line, "error: "); ok {
			line = "error: " + f.host + ": " + text
		} else if s.format() == "json" {
			line = withHost(f.host, line)
		}
		s.Err.Write([]byte(line))
	}
	switch {
	case f.err == nil || errors.Is(f.err, ErrReported):
	case s.format() == "json":
		s.Err.Write([]byte(withHost(f.host, string(errorJSON(f.err)))))
	default:
		s.Errorf("%s: %s", f.host, strings.ReplaceAll(strings.TrimSpace(f.err.Error()), "\n", " "))
	}
}

// closeHosts ends the connections of the hosts.
func (s *Session) closeHosts() error {
	var err error
	for _, f := range s.farther {
		err = errors.Join(err, f.Session.Close())
	}
	s.farther = nil
	return err
}
