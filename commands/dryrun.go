package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"virgo/drivers"
	"virgo/drivers/native/shell"
	"virgo/xml"
)

// dryRunOptions are those of commands that can tell what they would run.
func dryRunOptions() []Option {
	return opts(flag("dry-run", "only print what would run").own(),
		str("format", 0, "how to print it: argv (the default), json, or a shell script that starts the domain by hand").of("argv json shell").own(),
		flag("security-info", "the script may hold the domain's passwords").own())
}

// dryRun prints what a start would run.
func dryRun(ctx context.Context, c *Call, objects drivers.Objects, ref drivers.Ref) error {
	d, err := query[drivers.StartPlanner](objects, "virDomainCreate")
	if err != nil {
		return err
	}
	switch c.Str("format") {
	case "", "argv", "json", "shell":
	default:
		return shellError("unknown format '%s': expected argv, json or shell", c.Str("format"))
	}
	f := c.Flags("paused", drivers.Paused, "security-info", drivers.SecurityInfo)
	byHand := c.Str("format") == "shell"
	if byHand && c.ReadOnly && f.Has(drivers.SecurityInfo) {
		return failed(xml.Errorf(xml.CodeForbidden, "virDomainGetXMLDesc with secure flag"), "Failed to show how domain '%s' starts", ref.Name)
	}
	plan, err := d.StartPlan(ctx, ref, byHand, f)
	if err != nil {
		return failed(err, "Failed to show how domain '%s' starts", ref.Name)
	}
	if byHand {
		c.Emit(Document{Key: "script", Text: plan.Script})
		return nil
	}
	env := Data{}
	for _, e := range plan.Env {
		name, value, _ := strings.Cut(e, "=")
		env = append(env, Pair{name, value})
	}
	files := make([]Data, 0, len(plan.Files))
	for _, f := range plan.Files {
		files = append(files, Data{{"path", f.Path}, {"kind", string(f.Kind)}, {"from", orNull(f.From)}, {"format", orNull(f.Format)}})
	}
	data := Data{{"argv", plan.Argv}, {"env", env}, {"files", files}, {"beside", append([][]string{}, plan.Beside...)}, {"inherited", append([]string{}, plan.Inherited...)}, {"user", orNull(plan.User)}}
	text := shell.Join(append(append([]string{}, plan.Env...), plan.Argv...)) + "\n"
	if c.Str("format") == "json" {
		line, err := marshal(data)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := json.Indent(&b, line, "", "  "); err != nil {
			return err
		}
		text = b.String() + "\n"
	}
	c.Emit(Message{Text: text, Data: data})
	return nil
}

// orNull is a word for JSON: null if there is none.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
