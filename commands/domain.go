package commands

import (
	"context"
	"fmt"
	"os"
	"strings"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// domainRows are the commands that manage domains.
func domainRows() []Command {
	k := domainKind
	return []Command{
		k.define(validate, more{option: &lintFlag}, more{option: &defineDiff}, more{option: &exitCode}),
		k.create(createConsole, opts(flag("console", "show its console at once")),
			more{name: "paused", flag: drivers.Paused, help: "do not let it run yet"},
			more{name: "autodestroy", flag: drivers.AutoDestroy, help: "end it when virgo ends"},
			more{option: &passFDs}, validate,
			more{name: "reset-nvram", flag: drivers.ResetNVRAM, help: "begin with fresh firmware variables"}, more{option: &lintFlag}),
		k.destroy(more{name: "graceful", flag: drivers.Graceful, help: "only if it ends by itself in time"},
			more{name: "remove-logs", flag: drivers.RemoveLogs, help: "remove its logs, too"}),
		k.autostart(flag("once", "only at the next start of the host")),
		k.dumpxml(more{name: "inactive", flag: drivers.Inactive, help: "the definition, also of a running domain"},
			more{name: "security-info", flag: drivers.SecurityInfo, help: "with passwords"},
			more{name: "update-cpu", flag: drivers.UpdateCPU, help: "with the CPU as it comes to on this host"},
			more{name: "migratable", flag: drivers.MigratableXML, help: "in a form that another host can take"}),
		domname(), domuuid(), k.historyRow(), k.undoRow(), domdiffRow(), lintRow(), importRow(),
		k.editRow(drivers.Inactive|drivers.SecurityInfo, flag("skip-validate", "do not check against the schema")), k.desc(), k.metadata(),
	}
}

var passFDs = str("pass-fds", Loose, "numbers of open files to pass, with commas").with(completion.Free)

var defineDiff = flag("diff", "only show in what it differs from the definition that stands").own()

func domname() Command {
	c := domainKind.name(byID | byUUID)
	c.Name = "domname"
	return c
}

func domuuid() Command {
	c := domainKind.uuid(byID | byName)
	c.Name = "domuuid"
	return c
}

func createConsole(ctx context.Context, c *Call, ref drivers.Ref) error {
	if !c.Has("console") {
		return nil
	}
	c.Report(attachConsole(ctx, c, ref, "", 0)) // the domain runs: that is what was asked for
	return nil
}

// lifecycleRows are the commands that start and stop domains.
func lifecycleRows() []Command {
	k := domainKind
	return []Command{
		{Name: "domid", Summary: "find the id of a domain", Run: domid, Options: opts(k.object(completion.ActiveDomains))},
		{Name: "start", Summary: "start a domain that is defined", Run: start, Options: opts(
			k.object(k.inactive), flag("console", "show its console at once"), flag("paused", "do not let it run yet"),
			flag("autodestroy", "end it when virgo ends"), flag("bypass-cache", "read its saved state past the host's cache"),
			flag("force-boot", "drop its saved state and boot"), passFDs, flag("reset-nvram", "begin with fresh firmware variables"),
			waitFlag("the guest's agent answers, if it has one"), dryRunOptions())},
		{Name: "undefine", Summary: "drop the definition of a domain", Run: undefine, Options: opts(
			k.object(completion.Domains), flag("managed-save", "drop its saved state, too"),
			str("storage", Loose|Empty, "volumes to remove, too: targets or paths, with commas").with(completion.Free),
			flag("remove-all-storage", "remove all its volumes, too"),
			alias("delete-snapshots", "delete-storage-volume-snapshots"),
			flag("delete-storage-volume-snapshots", "remove the volumes' snapshots, too"),
			flag("wipe-storage", "overwrite the volumes first"),
			flag("snapshots-metadata", "forget its snapshots, too"), flag("checkpoints-metadata", "forget its checkpoints, too"),
			flag("nvram", "remove its firmware variables, too"), flag("keep-nvram", "keep its firmware variables"),
			flag("tpm", "remove its TPM's state, too"), flag("keep-tpm", "keep its TPM's state"))},
		{Name: "shutdown", Summary: "ask a domain to shut down", Run: shutdown, Options: opts(k.object(k.active), modeOption(), waitFlag("it has shut down"))},
		{Name: "reboot", Summary: "ask a domain to reboot", Run: reboot, Options: opts(k.object(k.active), modeOption(), waitFlag("it has rebooted"))},
		{Name: "reset", Summary: "reset a domain as by its button", Run: reset, Options: opts(k.object(k.active))},
		{Name: "suspend", Summary: "stop a domain's CPUs", Run: suspend, Options: opts(k.object(completion.RunningDomains))},
		{Name: "resume", Summary: "let a domain's CPUs go on", Run: resume, Options: opts(k.object(completion.PausedDomains))},
		{Name: "domrename", Summary: "give a domain another name", Run: domrename, Options: opts(
			k.object(k.inactive), str("new-name", RP, "the new name").with(completion.Free))},
	}
}

func modeOption() Option {
	return str("mode", Positional, "how to ask: acpi, agent, initctl, signal, paravirt").of("acpi agent initctl signal paravirt").list()
}

func domid(ctx context.Context, c *Call) error {
	_, ref, err := domainKind.find(ctx, c, byUUID|byName)
	if err != nil {
		return err
	}
	text, value := "-", any(nil)
	if ref.ID >= 0 {
		text, value = fmt.Sprint(ref.ID), ref.ID
	}
	c.Emit(msgf(Data{{"id", value}}, "%s", text))
	return nil
}

func start(ctx context.Context, c *Call) error {
	objects, ref, err := domainKind.find(ctx, c, byUUID|byName)
	if err != nil {
		return err
	}
	if c.Has("dry-run") {
		return dryRun(ctx, c, objects, ref)
	}
	for _, o := range []string{"format", "security-info"} {
		if err := c.Requires(o, "dry-run"); err != nil {
			return err
		}
	}
	if ref.ID >= 0 {
		return shellError("Domain is already active")
	}
	if _, err := fileNumbers(c.Str("pass-fds")); err != nil {
		return err
	}
	d, err := change[drivers.Starter](c, objects, "virDomainCreate")
	files, e := c.openFiles(c.Str("pass-fds"))
	if e != nil {
		return e
	}
	if err == nil {
		err = startFiles(ctx, d, ref, files, c.Flags("paused", drivers.Paused, "autodestroy", drivers.AutoDestroy, "bypass-cache", drivers.BypassCache,
			"force-boot", drivers.ForceBoot, "reset-nvram", drivers.ResetNVRAM))
	}
	if err != nil {
		return failed(err, "Failed to start domain '%s'", ref.Name)
	}
	c.Emit(domainKind.done(ref, "started", "Domain '%s' started", ref.Name))
	if err := c.waitBooted(ctx, objects, ref); err != nil {
		return err
	}
	return createConsole(ctx, c, ref)
}

// startFiles starts a domain, with open files where some were given.
func startFiles(ctx context.Context, d drivers.Starter, ref drivers.Ref, files []*os.File, f drivers.Flags) error {
	if len(files) == 0 {
		return d.Start(ctx, ref, f)
	}
	w, err := query[drivers.FileStarter](d, "virDomainCreateWithFiles")
	if err != nil {
		return err
	}
	return w.StartWithFiles(ctx, ref, f, files)
}

func undefine(ctx context.Context, c *Call) error {
	if err := c.Exclusive("nvram", "keep-nvram"); err != nil {
		return err
	}
	if err := c.Exclusive("tpm", "keep-tpm"); err != nil {
		return err
	}
	if err := c.Requires("delete-storage-volume-snapshots", "remove-all-storage"); err != nil {
		return err
	}
	if c.Has("wipe-storage") && !c.Has("storage") && !c.Has("remove-all-storage") {
		return shellError("'--wipe-storage' requires '--storage <string>' or '--remove-all-storage'")
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	word := c.Str("domain")
	if c.removesStorage() && ref.ID >= 0 {
		return shellError("Storage volume deletion is supported only on stopped domains")
	}
	if s, ok := objects.(drivers.ManagedSaver); ok && !c.Has("managed-save") && !c.hasSnapshots(ctx, ref) { // with snapshots it is the driver that refuses
		has, err := s.HasManagedSave(ctx, ref)
		if err != nil {
			return failed(err, "Failed to undefine domain '%s'", word)
		}
		if has {
			return shellError("Refusing to undefine while domain managed save image exists")
		}
	}
	volumes, err := c.storageOf(ctx, objects, ref)
	if err != nil {
		return err
	}
	d, err := change[drivers.Definer](c, objects, "virDomainUndefine")
	if err == nil {
		err = d.Undefine(ctx, ref, c.Flags("managed-save", drivers.ManagedSaveToo, "snapshots-metadata", drivers.SnapshotsToo,
			"checkpoints-metadata", drivers.CheckpointsToo, "nvram", drivers.NVRAMToo, "keep-nvram", drivers.KeepNVRAM,
			"tpm", drivers.TPMToo, "keep-tpm", drivers.KeepTPM))
	}
	if err != nil {
		return failed(err, "Failed to undefine domain '%s'", word)
	}
	done := domainKind.done(ref, "undefined", "Domain '%s' has been undefined", word)
	if !c.removesStorage() {
		c.Emit(done)
		return nil
	}
	return removeStorage(ctx, c, done, volumes)
}

// modes reads --mode; last is the word before the last one that is offered.
func modes(c *Call, last string) ([]string, error) {
	if !c.Has("mode") {
		return nil, nil
	}
	list := strings.Split(c.Str("mode"), ",")
	for _, m := range list {
		switch m {
		case "acpi", "agent", "initctl", "signal", "paravirt":
		default:
			return nil, shellError("Unknown mode %s value, expecting 'acpi', 'agent', 'initctl', 'signal'%s or 'paravirt'", m, last)
		}
	}
	return list, nil
}

func shutdown(ctx context.Context, c *Call) error {
	list, err := modes(c, ",")
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.Shutter](c, objects, "virDomainShutdown")
	if err == nil {
		err = d.Shutdown(ctx, ref, list)
	}
	if err != nil {
		return failed(err, "Failed to shutdown domain '%s'", ref.Name)
	}
	c.Emit(domainKind.done(ref, "shutdown", "Domain '%s' is being shutdown", c.Str("domain")))
	if c.Has("wait") {
		return c.until(ctx, objects, ref, inactiveCondition)
	}
	return nil
}

func reboot(ctx context.Context, c *Call) error {
	list, err := modes(c, "")
	if err != nil {
		return err
	}
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.Shutter](c, objects, "virDomainReboot")
	wait := func() error { return nil }
	if err == nil {
		wait, err = c.rebooting(ctx, objects, ref)
	}
	if err == nil {
		err = d.Reboot(ctx, ref, list)
	}
	if err != nil {
		return failed(err, "Failed to reboot domain '%s'", ref.Name)
	}
	c.Emit(domainKind.done(ref, "reboot", "Domain '%s' is being rebooted", ref.Name))
	return wait()
}

func reset(ctx context.Context, c *Call) error {
	return act(ctx, c, "virDomainReset", "reset", "was reset", func(d drivers.Resetter, r drivers.Ref) error { return d.Reset(ctx, r) })
}

func suspend(ctx context.Context, c *Call) error {
	return act(ctx, c, "virDomainSuspend", "suspend", "suspended", func(d drivers.Pauser, r drivers.Ref) error { return d.Suspend(ctx, r) })
}

func resume(ctx context.Context, c *Call) error {
	return act(ctx, c, "virDomainResume", "resume", "resumed", func(d drivers.Pauser, r drivers.Ref) error { return d.Resume(ctx, r) })
}

// act does something to a domain that takes no more than the domain.
func act[T any](ctx context.Context, c *Call, api, verb, past string, f func(T, drivers.Ref) error) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[T](c, objects, api)
	if err == nil {
		err = f(d, ref)
	}
	if err != nil {
		return failed(err, "Failed to %s domain '%s'", verb, ref.Name)
	}
	c.Emit(domainKind.done(ref, past, "Domain '%s' %s", ref.Name, past))
	return nil
}

func domrename(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := change[drivers.Renamer](c, objects, "virDomainRename")
	if err != nil {
		return err
	}
	if err := d.Rename(ctx, ref, c.Str("new-name")); err != nil {
		return err
	}
	c.Emit(Message{Text: "Domain successfully renamed\n", Data: Data{{"domain", c.Str("new-name")}, {"action", "renamed"}}, Extra: true})
	return nil
}

// disk is a domain's disk as listings show it.
type disk struct{ kind, device, target, source, pool string }

// sourceAttrs are where a disk's source has its name.
var sourceAttrs = [...]string{"file", "dev", "dir", "name", "volume", "path"}

// listDisks finds the disks of a domain's document.
func listDisks(doc []byte) ([]disk, error) {
	root, err := xml.Parse(xml.Source{Data: doc})
	if err != nil {
		return nil, err
	}
	devices := root.Child("devices")
	if devices == nil {
		return nil, nil
	}
	var out []disk
	for _, e := range devices.Elements("disk") {
		d := disk{device: "disk"}
		d.kind, _ = e.Attr("type")
		if v, ok := e.Attr("device"); ok {
			d.device = v
		}
		if t := e.Child("target"); t != nil {
			d.target, _ = t.Attr("dev")
		}
		if s := e.Child("source"); s != nil {
			d.pool, _ = s.Attr("pool")
			for _, name := range sourceAttrs {
				if v, ok := s.Attr(name); ok {
					d.source = v
					break
				}
			}
		}
		out = append(out, d)
	}
	return out, nil
}
