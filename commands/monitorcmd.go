package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// monitorCommand passes a command to QEMU's monitor.
func monitorCommand(ctx context.Context, c *Call) error {
	for _, o := range []string{"pretty", "return-value"} {
		if err := c.Exclusive("hmp", o); err != nil {
			return err
		}
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	command := strings.Join(c.Words("cmd"), " ")
	if !c.Has("hmp") {
		if command, err = monitorLine(c.Words("cmd")); err != nil {
			return err
		}
	}
	answer, err := c.askMonitor(ctx, objects, ref, command)
	if err != nil {
		return err
	}
	if c.Has("hmp") {
		c.Emit(Message{Text: answer + "\n", Data: Data{{"answer", answer}}})
		return nil
	}
	raw := json.RawMessage(answer)
	end := "\n"
	if c.Has("return-value") {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(raw, &m); err != nil || m["return"] == nil {
			return shellError("'return' member missing")
		}
		raw, end = m["return"], ""
	}
	text := string(raw)
	if c.Has("pretty") {
		if laid, ok := prettyJSON(text); ok {
			text, end = laid, ""
		}
	}
	c.Emit(Message{Text: text + end, Data: raw})
	return nil
}

// askMonitor asks, with the open files that --pass-fds names.
func (c *Call) askMonitor(ctx context.Context, objects drivers.Objects, ref drivers.Ref, command string) (string, error) {
	files, err := c.openFiles(c.Str("pass-fds"))
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		d, err := change[drivers.Monitor](c, objects, "virDomainQemuMonitorCommand")
		if err != nil {
			return "", err
		}
		return d.MonitorCommand(ctx, ref, command, c.Has("hmp"))
	}
	d, err := change[drivers.FileMonitor](c, objects, "virDomainQemuMonitorCommandWithFiles")
	if err != nil {
		return "", err
	}
	return d.MonitorCommandFiles(ctx, ref, command, c.Has("hmp"), files)
}

// monitorLine is a command as QMP takes it: a JSON object as it stands, or one
// made of a command's name and its arguments, which are an object or its parts.
func monitorLine(words []string) (string, error) {
	object := func(text string) (json.RawMessage, bool) {
		var m map[string]json.RawMessage
		return json.RawMessage(text), json.Unmarshal([]byte(text), &m) == nil && m != nil
	}
	line := strings.Join(words, " ")
	if _, ok := object(line); ok {
		return line, nil
	}
	command := struct {
		Execute   string          `json:"execute"`
		Arguments json.RawMessage `json:"arguments,omitempty"`
	}{Execute: words[0]}
	args := strings.Join(words[1:], " ")
	var ok bool
	if command.Arguments, ok = object(args); !ok && args != "" {
		if command.Arguments, ok = object("{" + strings.Join(words[1:], ",") + "}"); !ok {
			return "", failed(xml.Errorf(xml.CodeInternal, "failed to parse JSON: quoted object property name expected"),
				"failed to wrap arguments '%s' into a QMP command wrapper", args)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(command); err != nil {
		return "", shellError("failed to wrap '%s' into a QMP command: %v", line, err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
