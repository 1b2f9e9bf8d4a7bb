package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// editor is the user's editor.
func (c *Call) editor() string {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if v := c.Getenv(name); v != "" {
			return v
		}
	}
	return "vi"
}

// edit lets the user edit a text in a file of its own.
func (c *Call) edit(ctx context.Context, text []byte, suffix string) ([]byte, error) {
	name, err := writeTemp(text, suffix)
	if err != nil {
		return nil, err
	}
	defer os.Remove(name)
	if err := c.runEditor(ctx, name); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

// writeTemp makes a file that only the user can read.
func writeTemp(text []byte, suffix string) (string, error) {
	f, err := os.CreateTemp("", "virsh*")
	if err != nil {
		return "", shellError("cannot make a temporary file: %s", systemText(err))
	}
	// virsh's name: six letters, which programs that watch an editor know
	name := f.Name()
	short := name[:strings.LastIndex(name, "virsh")+5] + fmt.Sprintf("%06d", os.Getpid()%1000000) + suffix
	if _, err := os.Lstat(short); os.IsNotExist(err) && os.Rename(name, short) == nil {
		name = short
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(name)
		return "", shellError("write: %s: failed to write to temporary file: %s", name, systemText(err))
	}
	return name, nil
}

// runEditor runs the editor on a file, through a shell only if its command
// has more than words.
func (c *Call) runEditor(ctx context.Context, name string) error {
	c.Flush()
	command := c.editor()
	var cmd *exec.Cmd
	if strings.ContainsAny(command, "|&;<>()$`\\\"'*?[]#~=%") {
		cmd = exec.CommandContext(ctx, "sh", "-c", command+" "+shellQuote(name))
	} else {
		words := strings.Fields(command)
		if len(words) == 0 {
			words = []string{"vi"}
		}
		cmd = exec.CommandContext(ctx, words[0], append(words[1:], name)...)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.In, c.terminal(), c.Err
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return xml.Errorf(xml.CodeInternal, "Child process (%s %s) unexpected exit status %d", command, name, exit.ExitCode())
	}
	return xml.Errorf(xml.CodeSystem, "Cannot find '%s' in path: No such file or directory", strings.Fields(command + " x")[0])
}

// editRow is the verb that edits a definition. What the user has typed is never
// lost: where it cannot be defined it is edited again at a terminal, and else
// kept in a file whose name is told.
func (k *kind) editRow(f drivers.Flags, options ...any) Command {
	run := func(ctx context.Context, c *Call) error { return k.runEdit(ctx, c, f) }
	return k.verb("edit", "edit the XML description of a "+k.noun, run, append([]any{k.object(k.any)}, options...)...)
}

func (k *kind) runEdit(ctx context.Context, c *Call, f drivers.Flags) error {
	objects, ref, err := k.find(ctx, c, byAny)
	if err != nil {
		return err
	}
	read := func() ([]byte, error) {
		doc, err := objects.XML(ctx, ref, f)
		if f == drivers.Inactive && k.Kind != drivers.Interface && xml.CodeOf(err) == xml.CodeInvalidArg {
			f = 0 // a driver whose objects have one definition alone
			doc, err = objects.XML(ctx, ref, f)
		}
		return doc, err
	}
	what := k.title + " " + k.named(ref.Name) + " XML configuration"
	return c.editDocument(ctx, what, read, func(src xml.Source) error {
		d, err := change[drivers.Definer](c, objects, k.api+"DefineXML")
		if err != nil {
			return err
		}
		df := drivers.Flags(0)
		if k.Kind == drivers.Domain && !c.Has("skip-validate") {
			df = drivers.Validate
		}
		_, err = d.Define(ctx, src, df)
		return err
	})
}

// editDocument edits a document until it can be put back.
func (c *Call) editDocument(ctx context.Context, what string, read func() ([]byte, error), put func(xml.Source) error) error {
	old, err := read()
	if err != nil {
		return err
	}
	name, err := writeTemp(old, ".xml")
	if err != nil {
		return err
	}
	keep := false
	defer func() {
		if !keep {
			os.Remove(name)
		}
	}()
	for {
		if err := c.runEditor(ctx, name); err != nil {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return shellError("%s: failed to read temporary file: %s", name, systemText(err))
		}
		if bytes.Equal(text, old) {
			c.Emit(msgf(Data{{"changed", false}}, "%s not changed.", what))
			return nil
		}
		now, err := read()
		if err == nil && !bytes.Equal(now, old) {
			err = shellError("ERROR: the XML configuration was changed by another user")
		}
		if err == nil {
			err = put(xml.Source{Name: name, Data: text})
		}
		if err == nil {
			c.Emit(msgf(Data{{"changed", true}}, "%s edited.", what))
			return nil
		}
		if !c.editAgain(err) {
			keep = true
			c.Report(err)
			return shellError("what was edited is kept in %s", name)
		}
	}
}

// editAgain asks whether to go back into the editor; without a terminal nobody
// can be asked.
func (c *Call) editAgain(err error) bool {
	if !c.Terminal {
		return false
	}
	c.Report(err)
	for {
		answer, e := c.ask("Failed. Try again? [y,n,?]: ", false)
		if e != nil {
			return false
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			return true
		case "n", "no":
			return false
		}
		c.Print("y - yes, edit again; n - no, leave it\n")
		c.Flush()
	}
}
