package commands

import (
	"context"
	"fmt"
	"os"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/drivers/native/shell"
)

// virshRows are the commands that are about the shell itself.
func virshRows() []Command {
	return append(completeRows(), []Command{
		{Name: "cd", Summary: "go to another folder", NoConnect: true, Run: cd, Options: opts(
			str("dir", Positional, "folder to go to; the home folder if none is given").with(completion.Files))},
		{Name: "echo", Summary: "print words back", Description: "Prints its words, quoted for a shell or for XML if wanted.",
			NoConnect: true, Run: echo, Options: opts(
				flag("shell", "quote for a shell"),
				flag("xml", "escape for XML"),
				flag("split", "break each word at commas; two commas stand for one"),
				flag("err", "print as an error"),
				alias("str", "string"),
				alias("hi", "string=hello"),
				str("prefix", 0, "print this in front").with(completion.Free),
				argv("string", Positional, "words to print").with(completion.Free))},
		{Name: "exit", Summary: "leave the prompt", NoConnect: true, Run: quit},
		{Name: "help", Summary: "explain commands", NoConnect: true, Run: help,
			Description: "Lists all commands, or explains one command or one group of them.",
			Options:     opts(str("command", Positional|Empty, "command or group to explain").with(completion.Commands))},
		{Name: "pwd", Summary: "print the current folder", NoConnect: true, Run: pwd},
		{Name: "quit", Summary: "leave the prompt", NoConnect: true, Run: quit},
		{Name: "connect", Summary: "connect to a hypervisor", NoConnect: true, Run: connect,
			Description: "Connects to the hypervisor of a URI, or to the default one, in place of the present connection.",
			Options: opts(
				str("name", Positional|Empty, "the hypervisor's URI").with(completion.Free),
				flag("readonly", "refuse all changes"))},
	}...)
}

func cd(_ context.Context, c *Call) error {
	dir := c.Str("dir")
	if dir == "" {
		dir = c.Getenv("HOME")
	}
	if dir == "" {
		dir = "/"
	}
	if err := os.Chdir(dir); err != nil {
		return shellError("cd: %s: %s", systemText(err), dir)
	}
	return nil
}

func pwd(_ context.Context, c *Call) error {
	dir, err := os.Getwd()
	if err != nil {
		return failed(nil, "pwd: cannot get current directory: %s", systemText(err))
	}
	c.Emit(msgf(Data{{"directory", dir}}, "%s", dir))
	return nil
}

func quit(context.Context, *Call) error { return ErrQuit }

func echo(_ context.Context, c *Call) error {
	if err := c.Exclusive("shell", "xml", "split"); err != nil {
		return err
	}
	var out []string
	if c.Has("prefix") {
		out = append(out, c.Str("prefix"))
	}
	for _, w := range c.Words("string") {
		switch {
		case c.Has("xml"):
			w = xmlEscaper.Replace(w)
		case c.Has("shell"):
			w = shellQuote(w)
		}
		out = append(out, w)
	}
	if c.Has("split") {
		for i, w := range out {
			if i == 0 && c.Has("prefix") {
				continue
			}
			out[i] = strings.Join(shell.SplitCommas(w), "\n") + "\n"
		}
	}
	text := strings.Join(out, " ")
	if c.Has("err") {
		if text == "" {
			return nil
		}
		c.Errorf("%s", text)
		return nil
	}
	c.Emit(Message{Text: text, Data: Data{{"text", text}}})
	return nil
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

// shellQuote quotes a word so that a shell reads it as it is.
func shellQuote(s string) string {
	if s == "" {
		return "''"
	}
	plain := strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r > 0x7f || strings.ContainsRune("-_.,/:@%+=", r))
	}) < 0
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func connect(ctx context.Context, c *Call) error {
	uri := c.Str("name")
	if uri == "" {
		uri = c.URI
	}
	readOnly := c.Has("readonly")
	conn, err := c.dial(ctx, uri, readOnly)
	if err != nil {
		return err
	}
	if c.conn != nil {
		c.conn.Close()
	}
	c.Session.conn, c.Session.URI, c.Session.ReadOnly = conn, uri, readOnly
	return nil
}

func uri(_ context.Context, c *Call) error {
	c.Emit(msgf(Data{{"uri", c.conn.URI()}}, "%s", c.conn.URI()))
	return nil
}

func version(ctx context.Context, c *Call) error {
	library, number := c.LibraryVersion()
	text := fmt.Sprintf("Compiled against library: %s %s\nUsing library: %s %s\n", library, number, library, number)
	data := Data{{"library", library}, {"library_version", number}}
	if v, ok := c.conn.(drivers.Versioner); ok {
		name, n, err := v.Version(ctx)
		if err != nil {
			return failed(err, "failed to get the hypervisor version")
		}
		release := fmt.Sprintf("%d.%d.%d", n/1000000, n/1000%1000, n%1000)
		text += fmt.Sprintf("Using API: %s %s\nRunning hypervisor: %s %s\n", name, number, name, release)
		data = append(data, Pair{"hypervisor", name}, Pair{"hypervisor_version", release})
	}
	if c.Has("daemon") {
		daemon := number
		if d, ok := c.conn.(drivers.DaemonVersioner); ok {
			n, err := d.DaemonVersion(ctx)
			if err != nil {
				return failed(err, "failed to get the daemon version")
			}
			daemon = fmt.Sprintf("%d.%d.%d", n/1000000, n/1000%1000, n%1000)
			data = append(data, Pair{"daemon_version", daemon})
		}
		text += fmt.Sprintf("Running against daemon: %s\n", daemon)
	}
	c.Emit(Message{Text: text, Data: data})
	return nil
}
