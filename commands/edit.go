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
func (c *Call) runEditor(name string) error {
	c.Flush()
	command := c.editor()
	hear := deaf()
	defer hear()
	var cmd *exec.Cmd
	told := command + " " + name // the command as an error tells it
	if strings.ContainsAny(command, "|&;<>()$`\\\"'*?[]#~=%") {
		script := command + " " + shellQuote(name)
		cmd = exec.Command("sh", "-c", script)
		told = "sh -c " + shellQuote(script)
	} else {
		words := strings.Fields(command)
		if len(words) == 0 {
			words = []string{"vi"}
		}
		cmd = exec.Command(words[0], append(words[1:], name)...)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.terminalOf(), c.terminal(), c.Err
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return xml.Errorf(xml.CodeInternal, "Child process (%s) unexpected exit status %d", told, exit.ExitCode())
	}
	return xml.Errorf(xml.CodeSystem, "Cannot find '%s' in path: No such file or directory", strings.Fields(command + " x")[0])
}

// editRow is the verb that edits a definition. What the user has typed is never
// lost: where it cannot be defined it is edited again at a terminal, and else
// kept in a file whose name is told.
func (k *kind) editRow(f drivers.Flags, options ...any) Command {
	run := func(ctx context.Context, c *Call) error { return k.runEdit(ctx, c, f) }
	return k.verb("edit", "edit the XML description of "+k.one(), run, append([]any{k.object(k.any)}, options...)...)
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
	return c.editDocument(what, "", read, func(src xml.Source) error {
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

// editDocument edits a document until it can be put back. what was edited, or
// what with rest behind it was not changed.
func (c *Call) editDocument(what, rest string, read func() ([]byte, error), put func(xml.Source) error) error {
	old, err := read()
	if err != nil {
		return err
	}
	changed, err := c.edit(old, ".xml", func(src xml.Source) error {
		now, err := read()
		if err == nil && !bytes.Equal(now, old) {
			return shellError("ERROR: the XML configuration was changed by another user")
		}
		return put(src)
	})
	switch {
	case err != nil:
		return err
	case changed:
		c.Emit(msgf(Data{{"changed", true}}, "%s edited.", what))
	default:
		c.Emit(msgf(Data{{"changed", false}}, "%s%s not changed.", what, rest))
	}
	return nil
}

// edit lets the user edit a text in a file of its own until it can be put where
// it belongs; changed is false if it was left as it was. What was typed is
// never lost: it is edited again or kept in the file.
func (c *Call) edit(old []byte, suffix string, put func(xml.Source) error) (changed bool, err error) {
	name, err := writeTemp(old, suffix)
	if err != nil {
		return false, err
	}
	for {
		if err := c.runEditor(name); err != nil {
			return false, c.keepDraft(name, old, err)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return false, shellError("%s: failed to read temporary file: %s", name, systemText(err))
		}
		if bytes.Equal(text, old) {
			os.Remove(name)
			return false, nil
		}
		if err = put(xml.Source{Name: name, Data: text}); err == nil {
			os.Remove(name)
			return true, nil
		}
		if c.Terminal {
			c.Report(err)
			if err = ErrReported; c.editAgain() {
				continue
			}
		}
		return false, c.keepDraft(name, old, err)
	}
}

// keepDraft ends an edit that failed: a file that was changed is kept, and its
// name told.
func (c *Call) keepDraft(name string, old []byte, failure error) error {
	text, err := os.ReadFile(name)
	if err != nil || bytes.Equal(text, old) {
		os.Remove(name)
		return failure
	}
	if !errors.Is(failure, ErrReported) {
		c.Report(failure)
	}
	return shellError("what was edited is kept in %s", name)
}

// editAgain asks whether to go back into the editor.
func (c *Call) editAgain() bool {
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
