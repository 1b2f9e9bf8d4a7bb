package commands

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"virgo/completion"
	"virgo/drivers"
	"virgo/drivers/keycode"
	"virgo/xml"
)

// agentRows are the commands that reach into a running guest.
func agentRows() []Command {
	k := domainKind
	return []Command{
		{Name: "domfsinfo", Summary: "list the guest's file systems", Run: domfsinfo, Options: opts(k.object(k.active))},
		{Name: "domfsfreeze", Summary: "freeze the guest's file systems", Run: domfsfreeze, Options: opts(k.object(k.active),
			argv("mountpoint", Positional, "where they are mounted").with(completion.Free))},
		{Name: "domfsthaw", Summary: "thaw the guest's file systems", Run: domfsthaw, Options: opts(k.object(k.active),
			argv("mountpoint", Positional, "where they are mounted").with(completion.Free))},
		{Name: "domfstrim", Summary: "give up unused blocks of the guest's file systems", Run: domfstrim, Options: opts(k.object(k.active),
			num("minimum", Loose, "smallest range, in bytes if no unit is given").with(completion.Free),
			str("mountpoint", Loose, "where it is mounted").with(completion.Free))},
		{Name: "inject-nmi", Summary: "send a non-maskable interrupt", Run: injectNMI, Options: opts(k.object(k.active))},
		{Name: "set-user-password", Summary: "set a user's password in the guest", Run: setPassword, Options: opts(k.object(k.active),
			str("user", RP, "the user").with(completion.Free), str("password", RP, "the password").with(completion.Free),
			flag("encrypted", "it is encrypted already"))},
		{Name: "set-lifecycle-action", Summary: "set what follows the end of the guest", Run: setLifecycle, Options: opts(k.object(k.any),
			str("type", RP, "which end").of("poweroff reboot crash"),
			str("action", RP, "what follows").of("destroy restart rename-restart preserve coredump-destroy coredump-restart"), impactOptions())},
		{Name: "screenshot", Summary: "take a picture of a screen", Run: screenshot, Options: opts(k.object(k.active),
			str("file", Loose, "file to write").with(completion.Files), num("screen", Loose, "number of the screen").with(completion.Free))},
		{Name: "domdisplay", Summary: "print the URI of a domain's display", Run: domdisplay, Options: opts(k.object(k.active),
			flag("include-password", "with the password"), str("type", Positional, "kind of display").of("vnc spice rdp"), flag("all", "all displays"))},
		{Name: "vncdisplay", Summary: "print where a domain's VNC is", Run: vncdisplay, Options: opts(k.object(k.active))},
		{Name: "ttyconsole", Summary: "print the device of a domain's console", Run: ttyconsole, Options: opts(k.object(k.active))},
		{Name: "send-key", Summary: "press keys", Run: sendKey, Options: opts(k.object(k.active),
			str("codeset", 0, "how keys are named").of("linux xt atset1 atset2 atset3 os_x xt_kbd usb win32 qnum"),
			num("holdtime", 0, "milliseconds").with(completion.Free), argv("keycode", RP, "keys").with(completion.Keys))},
		{Name: "send-process-signal", Summary: "send a signal to a process of the guest", Run: sendSignal, Options: opts(k.object(k.active),
			str("pid", RP, "number of the process").with(completion.Free), str("signame", RP, "name or number of the signal").of(strings.Join(signals[1:], " ")))},
	}
}

func domfsinfo(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := query[drivers.FSInfoer](objects, "virDomainGetFSInfo")
	var list []drivers.FSInfo
	if err == nil {
		list, err = d.FSInfo(ctx, ref)
	}
	if err != nil {
		return failed(err, "Unable to get filesystem information")
	}
	l := Listing{Columns: []Column{{Title: "Mountpoint"}, {Title: "Name"}, {Title: "Type"}, {Title: "Target", Key: "targets"}}}
	for _, f := range list {
		l.Rows = append(l.Rows, []any{f.Mount, f.Name, f.Type, Cell{strings.Join(f.Targets, ","), f.Targets}})
	}
	c.Emit(l)
	return nil
}

func freeze(ctx context.Context, c *Call, api, past, fail string, f func(drivers.Freezer, drivers.Ref) (int, error)) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.Freezer](c, objects, api)
	n := 0
	if err == nil {
		n, err = f(d, ref)
	}
	if err != nil {
		return failed(err, "%s", fail)
	}
	m := msgf(Data{{"filesystems", n}}, "%s %d filesystem(s)", past, n)
	m.Extra = true
	c.Emit(m)
	return nil
}

func domfsfreeze(ctx context.Context, c *Call) error {
	return freeze(ctx, c, "virDomainFSFreeze", "Froze", "Unable to freeze filesystems", func(d drivers.Freezer, r drivers.Ref) (int, error) {
		return d.Freeze(ctx, r, c.Words("mountpoint"))
	})
}

func domfsthaw(ctx context.Context, c *Call) error {
	return freeze(ctx, c, "virDomainFSThaw", "Thawed", "Unable to thaw filesystems", func(d drivers.Freezer, r drivers.Ref) (int, error) {
		return d.Thaw(ctx, r, c.Words("mountpoint"))
	})
}

func domfstrim(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	least, _, err := c.Uint64("minimum")
	if err != nil {
		return err
	}
	d, err := change[drivers.Trimmer](c, objects, "virDomainFSTrim")
	if err == nil {
		err = d.Trim(ctx, ref, c.Str("mountpoint"), least)
	}
	if err != nil {
		return failed(err, "Unable to invoke fstrim")
	}
	return nil
}

func injectNMI(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.NMIer](c, objects, "virDomainInjectNMI")
	if err != nil {
		return err
	}
	return d.InjectNMI(ctx, ref)
}

func setPassword(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.Passworder](c, objects, "virDomainSetUserPassword")
	if err != nil {
		return err
	}
	if err := d.SetPassword(ctx, ref, c.Str("user"), c.Str("password"), c.Has("encrypted")); err != nil {
		return err
	}
	c.Emit(Message{Text: fmt.Sprintf("Password set successfully for %s in %s", c.Str("user"), ref.Name),
		Data: Data{{"domain", ref.Name}, {"user", c.Str("user")}}, Extra: true})
	return nil
}

func setLifecycle(ctx context.Context, c *Call) error {
	f, err := c.impact()
	if err != nil {
		return err
	}
	for _, o := range []string{"type", "action"} {
		if !c.Lists(o, c.Str(o)) {
			return shellError("Invalid lifecycle %s '%s'.", o, c.Str(o))
		}
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.LifecycleActor](c, objects, "virDomainSetLifecycleAction")
	if err != nil {
		return err
	}
	if err := d.SetLifecycleAction(ctx, ref, c.Str("type"), c.Str("action"), f); err != nil {
		return failed(err, "Unable to change lifecycle action.")
	}
	return nil
}

func screenshot(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	screen, _, err := c.Uint32("screen")
	if err != nil {
		return err
	}
	d, err := query[drivers.Screenshotter](objects, "virDomainScreenshot")
	var mime string
	var data []byte
	if err == nil {
		mime, data, err = d.Screenshot(ctx, ref, int(screen))
	}
	if err != nil {
		return failed(err, "could not take a screenshot of %s", ref.Name)
	}
	name := c.Str("file")
	if name == "" {
		ext := map[string]string{"image/x-portable-pixmap": ".ppm", "image/png": ".png"}[mime]
		name = ref.Name + "-" + time.Now().Format("2006-01-02-15:04:05") + ext
	}
	if err := os.WriteFile(name, data, 0o666); err != nil {
		return shellError("cannot create file %s: %s", name, systemText(err))
	}
	c.Emit(Message{Text: fmt.Sprintf("Screenshot saved to %s, with type of %s", name, mime), Data: Data{{"file", name}, {"type", mime}}, Extra: true})
	return nil
}

// displays finds the graphics of a running domain.
func displays(ctx context.Context, c *Call, f drivers.Flags) ([]*xml.Node, error) {
	_, ref, err := c.Domain(ctx)
	if err != nil {
		return nil, err
	}
	if ref.ID < 0 {
		return nil, shellError("Domain is not running")
	}
	root, _, _, err := definition(ctx, c, f)
	if err != nil {
		return nil, err
	}
	return root.Find("/domain/devices/graphics")
}

// displayURI is where a display can be reached, or "".
func displayURI(g *xml.Node) string {
	kind, port, tls := attr(g, "type"), attr(g, "port"), attr(g, "tlsPort")
	listen := attr(g.Child("listen"), "address")
	if listen == "" {
		listen = attr(g, "listen")
	}
	if socket := attr(g.Child("listen"), "socket"); socket != "" {
		return kind + "+unix://" + socket
	}
	n, _ := strconv.Atoi(port)
	if n <= 0 && tls == "" {
		return ""
	}
	host := listen
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "localhost"
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	user := ""
	if p := attr(g, "passwd"); p != "" {
		user = ":" + p + "@"
	}
	if kind == "vnc" {
		n -= 5900
	}
	uri := kind + "://" + user + host
	if n > 0 || kind == "vnc" {
		uri += ":" + strconv.Itoa(n)
	}
	if kind == "spice" && tls != "" && tls != "-1" {
		uri += "?tls-port=" + tls
	}
	return uri
}

func domdisplay(ctx context.Context, c *Call) error {
	if err := c.Exclusive("all", "type"); err != nil {
		return err
	}
	f := drivers.Flags(0)
	if c.Has("include-password") {
		f = drivers.SecurityInfo
	}
	list, err := displays(ctx, c, f)
	if err != nil {
		return err
	}
	l := Listing{Plain: true, Columns: []Column{{Key: "uri"}}}
	for _, kind := range []string{"vnc", "spice", "rdp"} {
		for _, g := range list {
			if attr(g, "type") != kind || c.Has("type") && c.Str("type") != kind {
				continue
			}
			if uri := displayURI(g); uri != "" && (len(l.Rows) == 0 || c.Has("all")) {
				l.Rows = append(l.Rows, []any{uri})
			}
		}
	}
	if len(l.Rows) == 0 {
		if c.Has("type") {
			return shellError("No graphical display with type '%s' found", c.Str("type"))
		}
		return shellError("No graphical display found")
	}
	if !c.Has("all") {
		uri := l.Rows[0][0].(string)
		c.Emit(Message{Text: uri, Data: Data{{"uri", uri}}})
		return nil
	}
	c.Emit(l)
	return nil
}

func vncdisplay(ctx context.Context, c *Call) error {
	list, err := displays(ctx, c, 0)
	if err != nil {
		return err
	}
	for _, g := range list {
		port, _ := strconv.Atoi(attr(g, "port"))
		if attr(g, "type") != "vnc" || port <= 0 {
			continue
		}
		host := attr(g.Child("listen"), "address")
		if host == "0.0.0.0" {
			host = ""
		}
		text := host + ":" + strconv.Itoa(port-5900)
		c.Emit(msgf(Data{{"display", text}}, "%s", text))
		return nil
	}
	return shellError("Failed to get VNC port. Is this domain using VNC?")
}

func ttyconsole(ctx context.Context, c *Call) error {
	root, _, _, err := definition(ctx, c, 0)
	if err != nil {
		return err
	}
	list, _ := root.Find("/domain/devices/console/@tty")
	if len(list) == 0 {
		return ErrReported
	}
	c.Emit(msgf(Data{{"tty", list[0].Attrs[0].Value}}, "%s", list[0].Attrs[0].Value))
	return nil
}

// mostKeys is how many keys can be pressed together.
const mostKeys = 16

func sendKey(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	set := c.Str("codeset")
	if set == "" {
		set = "linux"
	}
	if set == "rfb" { // its older name
		set = "qnum"
	}
	if !c.Lists("codeset", set) {
		return shellError("unknown codeset: '%s'", set)
	}
	hold, _, err := c.Uint32("holdtime")
	if err != nil {
		return err
	}
	var keys []uint
	for _, w := range c.Words("keycode") {
		if len(keys) == mostKeys {
			return shellError("too many keycodes")
		}
		if n, ok := keycode.Number(set, w); ok {
			keys = append(keys, n)
			continue
		}
		n, err := strconv.ParseUint(w, 0, 16)
		if err != nil {
			return shellError("invalid keycode: '%s'", w)
		}
		keys = append(keys, uint(n))
	}
	d, err := change[drivers.KeySender](c, objects, "virDomainSendKey")
	if err != nil {
		return err
	}
	return d.SendKey(ctx, ref, set, time.Duration(hold)*time.Millisecond, keys)
}

// signals are the signals by number.
var signals = [...]string{"nop", "hup", "int", "quit", "ill", "trap", "abrt", "bus", "fpe", "kill", "usr1", "segv", "usr2", "pipe", "alrm",
	"term", "stkflt", "chld", "cont", "stop", "tstp", "ttin", "ttou", "urg", "xcpu", "xfsz", "vtalrm", "prof", "winch", "poll", "pwr", "sys"}

func sendSignal(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	pid, err := strconv.ParseInt(c.Str("pid"), 10, 64)
	if err != nil {
		return shellError("Numeric value '%s' for <pid> option is malformed or out of range", c.Str("pid"))
	}
	name := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(c.Str("signame")), "sig"), "_")
	number := -1
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < len(signals) {
		number = n
	}
	for i, s := range signals {
		if s == name {
			number = i
		}
	}
	if number < 0 {
		return shellError("malformed signal name: %s", c.Str("signame"))
	}
	d, err := change[drivers.Signaller](c, objects, "virDomainSendProcessSignal")
	if err != nil {
		return err
	}
	return d.SendSignal(ctx, ref, pid, number)
}
