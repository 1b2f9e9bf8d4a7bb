package commands

import (
	"context"
	"encoding/base64"
	"io"
	"os"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// secretRows are the commands about secrets.
func secretRows() []Command {
	k := secretKind
	return []Command{
		k.define(validate), k.undefine(), k.dumpxml(), k.event("secret-event", "lifecycle value-changed", false),
		{Name: "secret-list", Summary: "list secrets", Run: secretList, Options: opts(
			flag("ephemeral", "those that are kept in memory alone"), flag("no-ephemeral", "those that are kept on disk"),
			flag("private", "those whose value is told nobody"), flag("no-private", "those whose value can be read"))},
		{Name: "secret-get-value", Summary: "print the value of a secret", Run: secretGet, Options: opts(k.object(k.any),
			flag("plain", "as it is, not in base64"))},
		{Name: "secret-set-value", Summary: "set the value of a secret", Run: secretSet, Options: opts(k.object(k.any),
			str("file", 0, "file with the value").with(completion.Files), flag("plain", "the file has the value as it is, not in base64"),
			flag("interactive", "ask for the value at the terminal"),
			str("base64", Loose, "the value in base64; insecure, since others can read command lines").with(completion.Free))},
	}
}

func secretList(ctx context.Context, c *Call) error {
	var f drivers.Filter
	for _, o := range []filterFlag{
		{"ephemeral", "", yes(func(f *drivers.Filter) *drivers.Tri { return &f.Ephemeral })},
		{"no-ephemeral", "", no(func(f *drivers.Filter) *drivers.Tri { return &f.Ephemeral })},
		{"private", "", yes(func(f *drivers.Filter) *drivers.Tri { return &f.Private })},
		{"no-private", "", no(func(f *drivers.Filter) *drivers.Tri { return &f.Private })},
	} {
		if c.Has(o.name) {
			o.set(&f)
		}
	}
	settle(&f)
	if _, err := secretKind.objects(ctx, c); xml.CodeOf(err) == xml.CodeNoSupport && (c.Has("ephemeral") || c.Has("no-ephemeral") || c.Has("private") || c.Has("no-private")) {
		return shellError("Filtering is not supported by this libvirt")
	}
	_, entries, err := secretKind.list(ctx, c, f)
	if err != nil {
		return err
	}
	l := Listing{Columns: []Column{{Title: "UUID"}, {Title: "Usage"}}}
	for _, e := range entries {
		usage := Cell{"Unused", nil}
		if e.UsageType != "" && e.UsageType != "none" {
			text := e.UsageType + " " + e.Usage
			usage = Cell{text, text}
		}
		l.Rows = append(l.Rows, []any{e.UUID, usage})
	}
	c.Emit(l)
	return nil
}

// secret looks up the secret of the option of that name: by its UUID alone.
func (c *Call) secret(ctx context.Context) (drivers.Objects, drivers.Ref, error) {
	return secretKind.find(ctx, c, byUUID)
}

func secretGet(ctx context.Context, c *Call) error {
	objects, ref, err := c.secret(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.SecretKeeper](c, objects, "virSecretGetValue")
	if err != nil {
		return err
	}
	value, err := d.SecretValue(ctx, ref)
	if err != nil {
		return err
	}
	if c.Has("plain") {
		c.Emit(Document{Key: "value", Text: string(value)})
		return nil
	}
	text := base64.StdEncoding.EncodeToString(value)
	c.Emit(Message{Text: text, Data: Data{{"base64", text}}})
	return nil
}

func secretSet(ctx context.Context, c *Call) error {
	for _, pair := range [][2]string{{"file", "base64"}, {"plain", "base64"}, {"interactive", "base64"}, {"interactive", "file"}, {"interactive", "plain"}} {
		if err := c.Exclusive(pair[0], pair[1]); err != nil {
			return err
		}
	}
	objects, ref, err := c.secret(ctx)
	if err != nil {
		return err
	}
	value, err := secretInput(c)
	if err != nil {
		return err
	}
	d, err := change[drivers.SecretKeeper](c, objects, "virSecretSetValue")
	if err == nil {
		err = d.SetSecretValue(ctx, ref, value)
	}
	clear(value)
	if err != nil {
		return failed(err, "Failed to set secret value")
	}
	m := msgf(Data{{"secret", ref.UUID}, {"action", "value set"}}, "Secret value set")
	m.Extra = true
	c.Emit(m)
	return nil
}

// secretInput reads the value: from the command line, a file, or a person.
func secretInput(c *Call) ([]byte, error) {
	text := []byte(c.Str("base64"))
	switch {
	case c.Has("base64"):
		c.Errorf("Passing secret value as command-line argument is insecure!")
	case c.Has("file"):
		f, err := os.Open(c.Str("file"))
		if err != nil {
			return nil, shellError("Failed to open file '%s': %s", c.Str("file"), systemText(err))
		}
		defer f.Close()
		if text, err = io.ReadAll(io.LimitReader(f, maxSecret+1)); err != nil {
			return nil, shellError("Failed to read file '%s': %s", c.Str("file"), systemText(err))
		}
		if len(text) > maxSecret {
			return nil, shellError("Failed to read file '%s': Value too large for defined data type", c.Str("file"))
		}
		if c.Has("plain") {
			return text, nil
		}
	case c.Has("interactive"):
		answer, err := c.ask("Enter new value for secret:", true)
		if err != nil {
			return nil, shellError("Failed to read secret")
		}
		return []byte(answer), nil
	default:
		return nil, shellError("Input secret value is missing")
	}
	value, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, shellError("the value is not in base64")
	}
	return value, nil
}

// maxSecret is the peer's limit on a secret's size.
const maxSecret = 65536
