package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// lintFlag is the option of commands that read a domain's document.
var lintFlag = flag("lint", "also tell what is wrong with the file, or would be dropped silently").own()

// lintRow is the command that only looks.
func lintRow() Command {
	return Command{Name: "domxml-lint", Own: true, NoConnect: true, Run: lint, Summary: "tell what is wrong with an XML description",
		Description: "tell, with line and column, which elements and attributes of a file are unknown or misplaced and would be dropped silently, which values cannot be, " +
			"and, of a domain, what the connection's emulator says: deprecated machine types and CPU models, devices and CPU features that it lacks. " +
			"Networks, pools, volumes and other documents are known by their root elements. The exit status is 1 if there is an error.",
		Options: opts(fileOption(), flag("strict", "warnings are errors, too"))}
}

func lint(ctx context.Context, c *Call) error {
	src, err := c.File("file")
	if err != nil {
		return err
	}
	list, err := c.findings(ctx, src)
	if err != nil {
		return err
	}
	c.Emit(findings(src.Name, list))
	for _, f := range list {
		if f.Level == xml.LintError || f.Level == xml.LintWarning && c.Has("strict") {
			return &Exit{1, ErrReported}
		}
	}
	return nil
}

// findings are all that is to say against a document.
func (c *Call) findings(ctx context.Context, src xml.Source) ([]xml.Finding, error) {
	root, err := xml.Parse(src)
	var e *xml.Error
	if errors.As(err, &e) {
		text, _, _ := strings.Cut(e.Msg, "\n")
		text = strings.TrimPrefix(text, fmt.Sprintf("at line %d: ", e.Line))
		return []xml.Finding{{Line: e.Line, Column: e.Column, Level: xml.LintError, Code: "syntax", Message: text}}, nil
	}
	if err != nil {
		return nil, err
	}
	schema, _ := xml.SchemaOf(root.Name)
	if schema == nil {
		return []xml.Finding{{Line: int(root.Line), Column: int(root.Column), Level: xml.LintError, Code: "wrong-root", Message: "<" + root.Name + "> begins no document that virgo knows"}}, nil
	}
	list := xml.Lint(root, schema)
	if root.Name == "domain" {
		list = append(list, c.hostFindings(ctx, src, list)...)
	}
	return list, nil
}

// hostFindings are what the connection's driver says against a domain's document.
func (c *Call) hostFindings(ctx context.Context, src xml.Source, already []xml.Finding) []xml.Finding {
	note := func(err error) []xml.Finding {
		text := err.Error()
		var f *Failure
		if errors.As(err, &f) && f.Err != nil {
			text = f.Err.Error()
		}
		return []xml.Finding{{Level: xml.LintNote, Code: "no-connection", Message: "no emulator was asked: " + text}}
	}
	objects, err := domainKind.objects(ctx, c)
	if err != nil {
		return note(err)
	}
	var list []xml.Finding
	switch d := objects.(type) {
	case drivers.Linter:
		list, err = d.Lint(ctx, src)
	case drivers.Previewer:
		_, err = d.Preview(ctx, src)
	}
	if err == nil {
		return list
	}
	for _, f := range already {
		if f.Level == xml.LintError {
			return nil // define would have said that
		}
	}
	f := xml.Finding{Level: xml.LintError, Code: "refused", Message: err.Error()}
	var e *xml.Error
	if errors.As(err, &e) {
		f.Line, f.Column = e.Line, e.Column
	}
	return []xml.Finding{f}
}

// findings shows them, one a line, as compilers do.
func findings(file string, list []xml.Finding) Message {
	var text strings.Builder
	data := make([]Data, 0, len(list))
	for _, f := range list {
		row := Data{{"file", file}, {"line", nil}, {"column", nil}, {"level", string(f.Level)}, {"code", f.Code}, {"message", f.Message}}
		place := file
		if f.Line > 0 {
			row[1].Value, row[2].Value = f.Line, f.Column
			place = fmt.Sprintf("%s:%d:%d", file, f.Line, f.Column)
		}
		data = append(data, row)
		fmt.Fprintf(&text, "%s: %s: %s\n", place, f.Level, f.Message)
	}
	if len(list) == 0 {
		fmt.Fprintf(&text, "%s: nothing found\n", file)
	}
	return Message{Text: text.String(), Data: data}
}

// lintFirst tells the findings before a document is used, if --lint asks for it.
func (c *Call) lintFirst(ctx context.Context, src xml.Source) error {
	if !c.Has("lint") {
		return nil
	}
	list, err := c.findings(ctx, src)
	if err == nil {
		c.Emit(findings(src.Name, list))
	}
	return err
}
