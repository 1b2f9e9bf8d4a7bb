package commands

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// hypervisorRows are the commands that only some hypervisors have.
func hypervisorRows() []Command {
	k := domainKind
	group := str("group-name", RP, "name of the group").with(completion.ThrottleGroups)
	limits := func() []Option { return limitOptions() }
	return []Command{
		{Name: "domthrottlegroupset", Summary: "set a group of disks' limits", Run: throttleSet, Options: opts(k.object(k.any), group, limits(), impactOptions())},
		{Name: "domthrottlegroupdel", Summary: "remove a group of disks' limits", Run: throttleDel, Options: opts(k.object(k.any), group, impactOptions())},
		{Name: "domthrottlegroupinfo", Summary: "show a group of disks' limits", Run: throttleInfo, Options: opts(k.object(k.any), group,
			flag("inactive", "of the definition"))},
		{Name: "domthrottlegrouplist", Summary: "list the groups of disks' limits", Run: throttleList, Options: opts(k.object(k.any),
			flag("inactive", "of the definition"))},
		{Name: "domlaunchsecinfo", Summary: "show how a confidential guest was launched", Run: launchInfo, Options: opts(k.object(k.any))},
		{Name: "domsetlaunchsecstate", Summary: "give a confidential guest a secret", Run: launchSecret, Options: opts(k.object(k.any),
			str("secrethdr", 0, "file with the secret's header").with(completion.Files), str("secret", 0, "file with the secret").with(completion.Files),
			num("set-address", Loose, "where in the guest's memory it goes").with(completion.Free))},
		{Name: "lxc-enter-namespace", Summary: "run a command in a container", Run: enterNamespace, Options: opts(k.object(k.active),
			flag("noseclabel", "with this process's security label"), argv("cmd", RP, "the command").with(completion.Free))},
		{Name: "qemu-attach", Summary: "take over a QEMU that runs", Run: qemuAttach, Options: opts(str("pid", RP, "its process").with(completion.Free))},
		{Name: "qemu-monitor-event", Summary: "wait for events of QEMU", Run: monitorEvent, Options: opts(str("domain", Loose, "only of this domain").with(k.active),
			str("event", Loose, "the event's name").with(completion.Free), flag("pretty", "with line breaks"), flag("loop", "go on after the first event"),
			num("timeout", Loose, "seconds to wait at most").with(completion.Free), flag("regex", "the name is a regular expression"),
			flag("no-case", "the name's case does not matter"), flag("timestamp", "print the time of each event"))},
		{Name: "dom-fd-associate", Summary: "give a domain open files", Run: fdAssociate, Options: opts(k.object(k.any),
			str("name", RP, "name of the group").with(completion.Free), str("pass-fds", RP, "numbers of open files, with commas").with(completion.Free),
			flag("seclabel-writable", "label them for writing"), flag("seclabel-restore", "put their labels back then"))},
		{Name: "domdisplay-reload", Summary: "have a display read its certificates again", Run: displayReload, Options: opts(k.object(k.active),
			num("type", 0, "number of the kind of display: 1 is VNC").with(completion.Free))},
	}
}

func throttleSet(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	list, err := diskLimitParams(c)
	if err != nil {
		return failed(shellError("Unable to parse integer parameter"), "%s", err)
	}
	d, err := change[drivers.Throttler](c, objects, "virDomainSetThrottleGroup")
	if err == nil {
		err = d.SetThrottleGroup(ctx, ref, c.Str("group-name"), list, f)
	}
	if err != nil {
		return failed(err, "Unable to set throttle group")
	}
	c.Emit(throttleDone(ref, c, "set", "Throttle group set successfully"))
	return nil
}

func throttleDone(ref drivers.Ref, c *Call, action, text string) Message {
	m := msgf(Data{{"domain", ref.Name}, {"group", c.Str("group-name")}, {"action", action}}, "%s", text)
	m.Extra = true
	return m
}

func throttleDel(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.Throttler](c, objects, "virDomainDelThrottleGroup")
	if err != nil {
		return err
	}
	if err := d.DelThrottleGroup(ctx, ref, c.Str("group-name"), f); err != nil {
		return err
	}
	c.Emit(throttleDone(ref, c, "deleted", "Throttle group deleted successfully"))
	return nil
}

// throttleGroups reads the groups of a domain's document.
func throttleGroups(ctx context.Context, c *Call) ([]*xml.Node, error) {
	root, _, _, err := definition(ctx, c, c.Flags("inactive", drivers.Inactive))
	if err != nil {
		return nil, err
	}
	return root.Find("/domain/throttlegroups/throttlegroup")
}

func throttleInfo(ctx context.Context, c *Call) error {
	list, err := throttleGroups(ctx, c)
	if err != nil {
		return err
	}
	var out []drivers.Param
	for _, g := range list {
		if name := g.Child("group_name"); name == nil || name.Value() != c.Str("group-name") {
			continue
		}
		for _, e := range g.Elements("") {
			if v, err := strconv.ParseUint(e.Value(), 10, 64); err == nil && e.Name != "group_name" {
				out = append(out, drivers.Param{Name: e.Name, Value: v})
			}
		}
	}
	emitParams(c, out, nil)
	return nil
}

func throttleList(ctx context.Context, c *Call) error {
	list, err := throttleGroups(ctx, c)
	if err != nil {
		return err
	}
	l := Listing{Columns: []Column{{Title: "Name"}}}
	for _, g := range list {
		if name := g.Child("group_name"); name != nil {
			l.Rows = append(l.Rows, []any{name.Value()})
		}
	}
	c.Emit(l)
	return nil
}

func launchInfo(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.LaunchSecurer](c, objects, "virDomainGetLaunchSecurityInfo")
	var list []drivers.Param
	if err == nil {
		list, err = d.LaunchSecurity(ctx, ref)
	}
	if err != nil {
		return failed(err, "Unable to get launch security parameters")
	}
	emitParams(c, list, nil)
	return nil
}

func launchSecret(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	if !c.Has("secrethdr") || !c.Has("secret") {
		return shellError("Both secret and the secret header are required")
	}
	var list []drivers.Param
	for _, p := range [][2]string{{"secrethdr", "sev-secret-header"}, {"secret", "sev-secret"}} {
		src, err := c.File(p[0])
		if err != nil {
			return err
		}
		list = append(list, drivers.Param{Name: p[1], Value: string(src.Data)})
	}
	at, given, err := c.Uint64("set-address")
	if err != nil {
		return err
	}
	if given {
		list = append(list, drivers.Param{Name: "sev-secret-set-address", Value: at})
	}
	d, err := change[drivers.LaunchSecretSetter](c, objects, "virDomainSetLaunchSecurityState")
	if err == nil {
		err = d.SetLaunchSecret(ctx, ref, list)
	}
	if err != nil {
		return failed(err, "Unable to set launch security state")
	}
	return nil
}

func enterNamespace(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.Enterer](c, objects, "virDomainLxcOpenNamespace")
	if err != nil {
		return err
	}
	c.Flush()
	hear := deaf()
	defer hear()
	o := drivers.EnterOptions{In: c.terminalOf(), Out: c.Out, Err: c.Err, NoSecurityLabel: c.Has("noseclabel")}
	var out bytes.Buffer
	if c.format() == "json" {
		o.Out = &out
	}
	err = d.Enter(ctx, ref, c.Words("cmd"), o)
	if err == nil {
		c.Emit(Message{Data: Data{{"output", out.String()}}})
	}
	return err
}

func qemuAttach(ctx context.Context, c *Call) error {
	pid, _, err := c.Uint32("pid")
	if err != nil {
		return err
	}
	objects, err := domainKind.objects(ctx, c)
	if err != nil {
		return err
	}
	d, err := change[drivers.ProcessAttacher](c, objects, "virDomainQemuAttach")
	var ref drivers.Ref
	switch {
	case pid == 0:
		err = xml.Errorf(xml.CodePlain, "pid_value in virDomainQemuAttach must not be zero")
	case err == nil:
		ref, err = d.AttachProcess(ctx, pid)
	}
	if err != nil {
		return failed(err, "Failed to attach to pid %d", pid)
	}
	m := msgf(Data{{"domain", ref.Name}, {"uuid", ref.UUID}, {"pid", pid}, {"action", "attached"}}, "Domain '%s' attached to pid %d", ref.Name, pid)
	m.Extra = true
	c.Emit(m)
	return nil
}

// eventFilter says which of the hypervisor's events are wanted.
func eventFilter(c *Call) (func(string) bool, error) {
	want := c.Str("event")
	switch {
	case want == "":
		return func(string) bool { return true }, nil
	case c.Has("regex"):
		if c.Has("no-case") {
			want = "(?i)" + want
		}
		re, err := regexp.Compile(want)
		if err != nil {
			return nil, shellError("failed to compile regex '%s': %v", c.Str("event"), err)
		}
		return re.MatchString, nil
	case c.Has("no-case"):
		return func(name string) bool { return strings.EqualFold(name, want) }, nil
	}
	return func(name string) bool { ok, _ := path.Match(want, name); return name == want || ok }, nil
}

func monitorEvent(ctx context.Context, c *Call) error {
	seconds, timed, err := c.Int("timeout", 1, math.MaxInt32/1000)
	if err != nil {
		return err
	}
	var only *drivers.Ref
	objects, err := domainKind.objects(ctx, c)
	if err == nil && c.Has("domain") {
		var ref drivers.Ref
		objects, ref, err = c.Domain(ctx)
		only = &ref
	}
	if err != nil {
		return err
	}
	d, err := change[drivers.MonitorEventer](c, objects, "virConnectDomainQemuMonitorEventRegister")
	if err != nil {
		return err
	}
	wanted, err := eventFilter(c)
	if err != nil {
		return err
	}
	wait, stop := context.WithCancel(ctx)
	if timed {
		wait, stop = context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
	}
	defer stop()
	inner, end := context.WithCancel(wait)
	defer end()
	stream, err := d.MonitorEvents(inner, only)
	if err != nil {
		return err
	}
	return receiveEvents(wait, c, stream, func(e drivers.MonitorEvent) (Event, bool) { return monitorEventResult(c, e), wanted(e.Name) })
}

// monitorEventResult is an event of QEMU as virsh prints it.
func monitorEventResult(c *Call, e drivers.MonitorEvent) Event {
	details := e.Details
	if c.Has("pretty") && details != "" {
		details, _ = prettyJSON(details)
	}
	if details == "" {
		details = "<null>"
	}
	text := fmt.Sprintf("event %s at %d.%06d for domain '%s': %s\n", e.Name, e.Time.Unix(), e.Time.Nanosecond()/1000, e.Ref.Name, details)
	if c.Has("timestamp") {
		text = fmt.Sprintf("%s: event %s for domain '%s': %s\n", time.Now().UTC().Format("2006-01-02 15:04:05.000-0700"), e.Name, e.Ref.Name, details)
	}
	data := Data{{"event", e.Name}, {"domain", e.Ref.Name}, {"uuid", e.Ref.UUID}, {"details", nil}, {"time", e.Time.Format(time.RFC3339Nano)}}
	if e.Details != "" {
		data[3].Value = rawJSON(e.Details)
	}
	return Event{Text: text, Data: data}
}

// openFiles are the open files with those numbers. They stay the caller's: the
// session keeps what stands for them, so that nothing closes them behind its back.
func (s *Session) openFiles(list string) ([]*os.File, error) {
	numbers, err := fileNumbers(list)
	var out []*os.File
	for _, fd := range numbers {
		i := slices.IndexFunc(s.passed, func(f *os.File) bool { return f.Fd() == fd })
		if i < 0 {
			i = len(s.passed)
			s.passed = append(s.passed, os.NewFile(fd, "fd "+strconv.FormatUint(uint64(fd), 10)))
		}
		out = append(out, s.passed[i])
	}
	return out, err
}

// fileNumbers reads the numbers of open files.
func fileNumbers(list string) ([]uintptr, error) {
	if list == "" {
		return nil, nil
	}
	var out []uintptr
	for _, w := range strings.Split(list, ",") {
		fd, err := strconv.ParseUint(w, 10, 31)
		if err != nil {
			return nil, shellError("Unable to parse FD number '%s'", w)
		}
		out = append(out, uintptr(fd))
	}
	return out, nil
}

func fdAssociate(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	files, err := c.openFiles(c.Str("pass-fds"))
	if err != nil {
		return err
	}
	d, err := change[drivers.FDAssociator](c, objects, "virDomainFDAssociate")
	if err != nil {
		return err
	}
	return d.AssociateFiles(ctx, ref, c.Str("name"), files, c.Has("seclabel-writable"), c.Has("seclabel-restore"))
}

func displayReload(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	kind, _, err := c.Uint32("type")
	if err != nil {
		return err
	}
	d, err := change[drivers.GraphicsReloader](c, objects, "virDomainGraphicsReload")
	if err != nil {
		return err
	}
	return d.ReloadGraphics(ctx, ref, kind)
}
