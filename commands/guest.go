package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"virgo/completion"
	"virgo/drivers"
)

// guestRows are more commands that reach into a running guest.
func guestRows() []Command {
	k := domainKind
	return []Command{
		{Name: "guestinfo", Summary: "ask the guest about itself", Run: guestinfo, Options: opts(k.object(k.active), flag("user", "its users"),
			flag("os", "its operating system"), flag("timezone", "its time zone"), flag("hostname", "its name"), flag("filesystem", "its file systems"),
			flag("disk", "its disks"), flag("interface", "its network interfaces"), flag("load", "how busy it is"))},
		{Name: "guestvcpus", Summary: "show or change which CPUs the guest uses", Run: guestvcpus, Options: opts(k.object(k.active),
			str("cpulist", Loose, "numbers of virtual CPUs").with(completion.VCPUs), flag("enable", "use them"), flag("disable", "do not use them"))},
		{Name: "setvcpu", Summary: "plug virtual CPUs in or out", Run: setvcpu, Options: opts(k.object(k.any),
			str("vcpulist", RP, "numbers of virtual CPUs").with(completion.VCPUs), flag("enable", "plug them in"), flag("disable", "plug them out"), impactOptions())},
		{Name: "get-user-sshkeys", Summary: "print a user's authorized keys", Run: getKeys, Options: opts(k.object(k.active),
			str("user", RP, "the user").with(completion.Free))},
		{Name: "set-user-sshkeys", Summary: "change a user's authorized keys", Run: setKeys, Options: opts(k.object(k.active),
			str("user", RP, "the user").with(completion.Free), str("file", Positional, "file with keys, one a line").with(completion.Files),
			flag("reset", "in place of those that there are"), flag("remove", "take these away"))},
		{Name: "qemu-agent-command", Summary: "send a command to the guest's agent", Run: agentCommand, Options: opts(k.object(k.active),
			num("timeout", 0, "seconds to wait").with(completion.Free), flag("async", "do not wait for an answer"), flag("block", "wait for ever"),
			flag("pretty", "with line breaks"), argv("cmd", RP, "the command").with(completion.Free))},
		{Name: "guest-agent-timeout", Summary: "set how long the agent may take", Run: agentTimeout, Options: opts(k.object(k.any),
			num("timeout", 0, "seconds; -2 for ever, -1 as is usual, 0 not at all").with(completion.Free))},
		{Name: "dompmsuspend", Summary: "send the guest to sleep", Run: pmSuspend, Options: opts(k.object(k.active),
			str("target", RP, "where its state goes").of("mem disk hybrid"), num("duration", 0, "seconds").with(completion.Free),
			waitFlag("it sleeps"))},
		{Name: "dompmwakeup", Summary: "wake the guest", Run: pmWakeup, Options: opts(k.object(k.active), waitFlag("it runs again"))},
		{Name: "domdirtyrate-calc", Summary: "measure how fast memory changes", Run: dirtyRate, Options: opts(k.object(k.active),
			num("seconds", Loose, "how long to measure").with(completion.Free), str("mode", Loose, "how to measure").of(dirtyModes))},
	}
}

const dirtyModes = "page-sampling dirty-bitmap dirty-ring"

// emitNamed prints parameters as name and value, names padded to a width.
func emitNamed(c *Call, list []drivers.Param, width int) {
	var b strings.Builder
	data := Data{}
	for _, p := range list {
		fmt.Fprintf(&b, "%-*s: %s\n", width, p.Name, paramText(p.Value))
		data = append(data, Pair{p.Name, p.Value})
	}
	c.Emit(Message{Text: b.String(), Data: data})
}

// paramText is a parameter's value as virsh prints it.
func paramText(v any) string {
	if on, ok := v.(bool); ok {
		if on {
			return "yes"
		}
		return "no"
	}
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', 6, 64)
	}
	return fmt.Sprint(v)
}

func guestinfo(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	var kinds []string
	for i := range c.Command.Options {
		if o := &c.Command.Options[i]; o.Kind == Bool && c.Has(o.Name) {
			kinds = append(kinds, o.Name)
		}
	}
	d, err := change[drivers.GuestInfoer](c, objects, "virDomainGetGuestInfo")
	if err != nil {
		return err
	}
	list, err := d.GuestInfo(ctx, ref, kinds)
	if err != nil {
		return err
	}
	emitNamed(c, list, 20)
	return nil
}

func guestvcpus(ctx context.Context, c *Call) error {
	if err := c.Exclusive("enable", "disable"); err != nil {
		return err
	}
	for _, name := range []string{"enable", "disable"} {
		if err := c.Requires(name, "cpulist"); err != nil {
			return err
		}
	}
	if c.Has("cpulist") && !c.Has("enable") && !c.Has("disable") {
		return shellError("One of options --enable or --disable is required by option --cpulist")
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	if c.Has("cpulist") {
		d, err := change[drivers.GuestVCPUer](c, objects, "virDomainSetGuestVcpus")
		if err != nil {
			return err
		}
		return d.SetGuestVCPUs(ctx, ref, c.Str("cpulist"), c.Has("enable"))
	}
	d, err := change[drivers.GuestVCPUer](c, objects, "virDomainGetGuestVcpus")
	if err != nil {
		return err
	}
	list, err := d.GuestVCPUs(ctx, ref)
	if err != nil {
		return err
	}
	emitNamed(c, list, 15)
	return nil
}

func setvcpu(ctx context.Context, c *Call) error {
	if err := c.Exclusive("enable", "disable"); err != nil {
		return err
	}
	f, err := c.impact()
	if err != nil {
		return err
	}
	if !c.Has("enable") && !c.Has("disable") {
		return shellError("one of --enable, --disable is required")
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.VCPUSwitcher](c, objects, "virDomainSetVcpu")
	if err != nil {
		return err
	}
	return d.SwitchVCPUs(ctx, ref, c.Str("vcpulist"), c.Has("enable"), f)
}

func getKeys(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.SSHKeyer](c, objects, "virDomainAuthorizedSSHKeysGet")
	if err != nil {
		return err
	}
	keys, err := d.SSHKeys(ctx, ref, c.Str("user"))
	if err != nil {
		return err
	}
	l := Listing{Plain: true, Columns: []Column{{Key: "key"}}}
	for _, k := range keys {
		l.Rows = append(l.Rows, []any{k})
	}
	c.Emit(l)
	return nil
}

func setKeys(ctx context.Context, c *Call) error {
	if err := c.Requires("remove", "file"); err != nil {
		return err
	}
	if err := c.Exclusive("reset", "remove"); err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	if !c.Has("file") && !c.Has("reset") {
		return shellError("Option --file is required")
	}
	var keys []string
	if c.Has("file") {
		src, err := c.File("file")
		if err != nil {
			return err
		}
		for _, line := range strings.Split(string(src.Data), "\n") {
			if line != "" && line[0] != '#' {
				keys = append(keys, line)
			}
		}
	}
	how := drivers.AppendKeys
	switch {
	case c.Has("remove"):
		how = drivers.RemoveKeys
	case c.Has("reset"):
		how = drivers.ReplaceKeys
	}
	d, err := change[drivers.SSHKeyer](c, objects, "virDomainAuthorizedSSHKeysSet")
	if err != nil {
		return err
	}
	return d.SetSSHKeys(ctx, ref, c.Str("user"), keys, how)
}

func agentCommand(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	seconds, timed, err := c.Int32("timeout")
	if err != nil {
		return err
	}
	if timed && seconds < 1 {
		return shellError("timeout must be positive")
	}
	ways, timeout := 0, drivers.AgentBlock
	for _, w := range []struct {
		name  string
		value int
	}{{"timeout", seconds}, {"async", drivers.AgentNoWait}, {"block", drivers.AgentBlock}} {
		if c.Has(w.name) {
			ways, timeout = ways+1, w.value
		}
	}
	if ways > 1 {
		return shellError("timeout, async and block options are exclusive")
	}
	d, err := change[drivers.AgentCommander](c, objects, "virDomainQemuAgentCommand")
	if err != nil {
		return err
	}
	answer, err := d.AgentCommand(ctx, ref, strings.Join(c.Words("cmd"), " "), timeout)
	if err != nil || answer == "" {
		return err
	}
	text := answer
	if c.Has("pretty") {
		text, _ = prettyJSON(answer)
	}
	c.Emit(Message{Text: text + "\n", Data: rawJSON(answer)})
	return nil
}

// rawJSON passes JSON on as it is; what is none becomes a text.
func rawJSON(text string) any {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return Data{{"text", text}}
}

func agentTimeout(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	timeout, given, err := c.Int32("timeout")
	if err != nil {
		return err
	}
	if !given {
		timeout = drivers.AgentBlock
	}
	d, err := change[drivers.AgentTimeouter](c, objects, "virDomainAgentSetResponseTimeout")
	if err != nil {
		return err
	}
	return d.SetAgentTimeout(ctx, ref, timeout)
}

func pmSuspend(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	seconds, _, err := c.Uint64("duration")
	if err != nil {
		return err
	}
	target := c.Str("target")
	if !strings.Contains(" mem disk hybrid ", " "+target+" ") {
		return shellError("Invalid target")
	}
	d, err := change[drivers.PMSuspender](c, objects, "virDomainPMSuspendForDuration")
	if err == nil {
		err = d.PMSuspend(ctx, ref, target, time.Duration(min(seconds, 1<<32))*time.Second)
	}
	if err != nil {
		return failed(err, "Domain '%s' could not be suspended", ref.Name)
	}
	c.Emit(domainKind.done(ref, "suspended", "Domain '%s' successfully suspended", ref.Name))
	switch {
	case !c.Has("wait"):
		return nil
	case target == "mem":
		return c.until(ctx, objects, ref, stateCondition(drivers.PMSuspended))
	}
	return c.until(ctx, objects, ref, inactiveCondition)
}

func pmWakeup(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.PMWakeuper](c, objects, "virDomainPMWakeup")
	if err == nil {
		err = d.PMWakeup(ctx, ref)
	}
	if err != nil {
		return failed(err, "Domain '%s' could not be woken up", ref.Name)
	}
	c.Emit(domainKind.done(ref, "woken", "Domain '%s' successfully woken up", ref.Name))
	if c.Has("wait") {
		return c.until(ctx, objects, ref, stateCondition(drivers.Running))
	}
	return nil
}

// announceRow is a command of virsh 12.5, whose options are those of QEMU.
func announceRow() Command {
	number := func(name, help string) Option { return num(name, 0, help).with(completion.Free) }
	return Command{Name: "domifannounce", Summary: "have a domain's interfaces announce where they are", Own: true, Run: announce,
		Description: "Has a domain's interfaces, or one of them, announce themselves to the network, as after a migration.",
		Options: opts(domainKind.object(domainKind.active), str("interface", Positional, "name or address of the interface").with(completion.Interfaces),
			number("initial", "milliseconds before the second time"), number("max", "milliseconds between two at most"),
			number("rounds", "how many times"), number("step", "milliseconds that are added each time"))}
}

func announce(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	a := drivers.Announcement{Interface: c.Str("interface")}
	for _, o := range []struct {
		name string
		at   *uint32
	}{{"initial", &a.Initial}, {"max", &a.Max}, {"rounds", &a.Rounds}, {"step", &a.Step}} {
		if *o.at, _, err = c.Uint32(o.name); err != nil {
			return err
		}
	}
	d, err := change[drivers.Announcer](c, objects, "virDomainAnnounceInterface")
	if err != nil {
		return err
	}
	if err := d.Announce(ctx, ref, a); err != nil {
		return err
	}
	c.Emit(deviceDone(ref, "announced", "Interfaces of domain '"+ref.Name+"' announced"))
	return nil
}

func dirtyRate(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	seconds, given, err := c.Int32("seconds")
	if err != nil {
		return err
	}
	if !given {
		seconds = 1
	}
	mode := c.Str("mode")
	if mode == "" {
		mode = "page-sampling"
	}
	if !strings.Contains(" "+dirtyModes+" ", " "+mode+" ") {
		return shellError("Unknown calculation mode '%s'", mode)
	}
	d, err := change[drivers.DirtyRater](c, objects, "virDomainStartDirtyRateCalc")
	if err != nil {
		return err
	}
	if err := d.StartDirtyRate(ctx, ref, seconds, mode); err != nil {
		return err
	}
	c.Emit(deviceDone(ref, "measuring", "Start to calculate domain's memory dirty rate successfully."))
	return nil
}
