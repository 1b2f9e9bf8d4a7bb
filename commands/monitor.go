package commands

import (
	"context"
	"fmt"
	"strings"

	"virgo/drivers"
)

// monitorRows are the commands that look at domains.
func monitorRows() []Command {
	k := domainKind
	return append(statsRows(), []Command{
		listRow(),
		{Name: "dominfo", Summary: "show a domain's main values", Run: dominfo, Options: opts(k.object(k.any))},
		{Name: "domstate", Summary: "show a domain's state", Run: domstate, Options: opts(
			k.object(k.any), flag("reason", "say why it is in that state, too"))},
	}...)
}

// info gives dominfo's values of the domain of an option.
func info(ctx context.Context, c *Call) (drivers.DomainInfo, drivers.Ref, error) {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return drivers.DomainInfo{}, ref, err
	}
	d, err := query[drivers.DomainInfoer](objects, "virDomainGetInfo")
	if err != nil {
		return drivers.DomainInfo{}, ref, err
	}
	i, err := d.Info(ctx, ref)
	return i, ref, err
}

func dominfo(ctx context.Context, c *Call) error {
	i, ref, err := info(ctx, c)
	if err != nil {
		return err
	}
	yesNo := func(label string, v bool, yes, no string) Field {
		f := Field{Label: label, Value: v, Text: no}
		if v {
			f.Text = yes
		}
		return f
	}
	f := Fields{Width: 15, Items: append(make([]Field, 0, 18), []Field{
		{Label: "Id", Value: nil, Text: cellText(idCell(ref.ID))},
		{Label: "Name", Value: ref.Name},
		{Label: "UUID", Value: ref.UUID},
	}...)}
	if ref.ID >= 0 {
		f.Items[0].Value = ref.ID
	}
	if !i.Unknown.OSType {
		f.Items = append(f.Items, Field{Label: "OS Type", Value: i.OSType})
	}
	f.Items = append(f.Items, Field{Label: "State", Value: i.State.String()}, Field{Label: "CPU(s)", Key: "cpus", Value: i.VCPUs})
	if i.HasCPUTime && i.CPUTime != 0 {
		f.Items = append(f.Items, Field{Label: "CPU time", Key: "cpu_time_ns", Value: int64(i.CPUTime), Text: fmt.Sprintf("%.1fs", i.CPUTime.Seconds())})
	}
	f.Items = append(f.Items,
		Field{Label: "Max memory", Key: "max_memory_kib", Value: i.MaxMemory, Text: fmt.Sprintf("%d KiB", i.MaxMemory)},
		Field{Label: "Used memory", Key: "used_memory_kib", Value: i.Memory, Text: fmt.Sprintf("%d KiB", i.Memory)})
	known := func(unknown bool, label string, v bool, yes, no string) {
		item := yesNo(label, v, yes, no)
		if unknown {
			item.Value, item.Text = nil, "unknown"
		}
		f.Items = append(f.Items, item)
	}
	known(i.Unknown.Persistent, "Persistent", i.Persistent, "yes", "no")
	if !i.Unknown.Autostart {
		f.Items = append(f.Items, yesNo("Autostart", i.Autostart, "enable", "disable"))
	}
	if i.AutostartOnce != nil {
		f.Items = append(f.Items, yesNo("Autostart Once", *i.AutostartOnce, "enable", "disable"))
	}
	known(i.Unknown.ManagedSave, "Managed save", i.ManagedSave, "yes", "no")
	model := i.SecurityModel
	if model == "" {
		model = "none"
	}
	if !i.Unknown.Security {
		f.Items = append(f.Items, Field{Label: "Security model", Value: model}, Field{Label: "Security DOI", Value: i.SecurityDOI})
	}
	for _, label := range i.SecurityLabels {
		f.Items = append(f.Items, Field{Label: "Security label", Value: label})
	}
	if len(i.Messages) > 0 {
		f.Items = append(f.Items, Field{Label: "Messages", Value: i.Messages, Text: strings.Join(i.Messages, "\n                ")})
	}
	c.Emit(f)
	return nil
}

// stateOf is a domain's state, and why it is in it.
func stateOf(ctx context.Context, objects drivers.Objects, ref drivers.Ref) (drivers.State, drivers.Reason, error) {
	if d, ok := objects.(drivers.Stater); ok {
		return d.State(ctx, ref)
	}
	d, err := query[drivers.DomainInfoer](objects, "virDomainGetState")
	if err != nil {
		return 0, 0, err
	}
	i, err := d.Info(ctx, ref)
	return i.State, i.Reason, err
}

func domstate(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	state, why, err := stateOf(ctx, objects, ref)
	if err != nil {
		return err
	}
	d := Data{{"state", state.String()}}
	text := state.String()
	if c.Has("reason") {
		reason := why.Text(state)
		text += " (" + reason + ")"
		d = append(d, Pair{"reason", reason})
	}
	c.Emit(msgf(d, "%s", text))
	return nil
}
