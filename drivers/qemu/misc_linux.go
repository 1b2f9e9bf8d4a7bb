package qemu

import (
	"context"
	"strings"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

var (
	_ drivers.Renamer            = (*domains)(nil)
	_ drivers.LifecycleActor     = (*domains)(nil)
	_ drivers.LaunchSecurer      = (*domains)(nil)
	_ drivers.LaunchSecretSetter = (*domains)(nil)
	_ drivers.Announcer          = (*domains)(nil)
	_ drivers.DirtyRater         = (*domains)(nil)
)

// Rename gives a domain that does not run another name, with all that belongs to it.
func (d *domains) Rename(ctx context.Context, r drivers.Ref, name string) error {
	lock, err := d.lockObject(ctx, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if _, running := d.mend(ctx, r.Name, lock); running {
		return xml.Errorf(xml.CodeOperationInvalid, "cannot rename active domain")
	}
	dom, _, err := d.definition(r)
	switch {
	case err != nil:
		return err
	case d.hasSaved(r.Name):
		return xml.Errorf(xml.CodeOperationInvalid, "domain with a managed saved state can't be renamed")
	case strings.Contains(name, "/"):
		return xml.Errorf(xml.CodeXML, "name %s cannot contain '/'", name)
	case name == r.Name:
		return xml.Errorf(xml.CodeOperationInvalid, "Can't rename domain to itself")
	}
	other, err := d.lockObject(ctx, name)
	if err != nil {
		return err
	}
	defer other.Unlock()
	if _, running := d.mend(ctx, name, other); running || d.store.Has(name) {
		return xml.Errorf(xml.CodeOperationInvalid, "domain with name '%s' already exists", name)
	}
	dom.Name = name
	data, err := storedForm(dom)
	if err != nil {
		return err
	}
	names, err := d.store.LockNames(ctx)
	if err != nil {
		return err
	}
	defer names.Unlock()
	folders := [][2]string{{d.layout.ended(r.Name), d.layout.ended(name)}, {d.layout.completedJob(r.Name), d.layout.completedJob(name)},
		{d.layout.agentTimeout(r.Name), d.layout.agentTimeout(name)}}
	for _, k := range momentKinds {
		folders = append(folders, [2]string{momentDir(d.layout, k.kind, r.Name), momentDir(d.layout, k.kind, name)})
	}
	if err := d.store.Rename(r.Name, name, r.UUID, data, folders); err != nil {
		return err
	}
	d.tell(r, "Undefined", "Renamed")
	d.tell(drivers.Ref{Kind: drivers.Domain, Name: name, UUID: r.UUID, ID: -1}, "Defined", "Renamed")
	return nil
}

// setAction sets what follows an event.
func setAction(dom *xml.Domain, event, action string) {
	switch event {
	case "poweroff":
		dom.OnPoweroff = action
	case "reboot":
		dom.OnReboot = action
	default:
		dom.OnCrash = action
	}
}

// SetLifecycleAction sets what follows poweroff, reboot or crash.
func (d *domains) SetLifecycleAction(ctx context.Context, r drivers.Ref, event, action string, f drivers.Flags) error {
	if action == "preserve" || action == "rename-restart" { // which QEMU alone refuses, and when it is asked
		if _, is := d.touch(ctx, r.Name); f.Has(drivers.Live) && !is {
			return notRunning()
		}
	}
	var alone xml.Domain
	setAction(&alone, event, action)
	if err := domain.CheckActions(&alone); err != nil {
		return err
	}
	edit := func(dom *xml.Domain) error {
		setAction(dom, event, action)
		return domain.CheckActions(dom)
	}
	return d.alter(ctx, r, f, edit, func(dom *xml.Domain) error {
		p := Policy{OnPoweroff: dom.OnPoweroff, OnReboot: dom.OnReboot, OnCrash: dom.OnCrash}
		return d.ask(ctx, r, cmdPolicy, p, nil)
	})
}

// follow changes what the watcher does at the guest's end.
func (g *guest) follow(ctx context.Context, p Policy) error {
	reboot := "reset"
	if p.OnReboot == "destroy" || p.OnReboot == "preserve" {
		reboot = "shutdown"
	}
	if err := refusal("set-action", g.qmp.Execute(ctx, "set-action", map[string]string{"reboot": reboot}, nil)); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status.Policy = p
	return g.status.write(g.dir)
}

// LaunchSecurity tells the parameters of a confidential guest's launch.
func (d *domains) LaunchSecurity(ctx context.Context, r drivers.Ref) ([]drivers.Param, error) {
	dom, running, err := d.either(ctx, r, 0)
	if err != nil || dom.Security == nil || dom.Security.Type != "sev" && dom.Security.Type != "sev-snp" {
		return nil, err
	}
	if !running {
		return nil, notRunning()
	}
	var v struct {
		APIMajor uint32 `json:"api-major"`
		APIMinor uint32 `json:"api-minor"`
		BuildID  uint32 `json:"build-id"`
		Policy   uint32 `json:"policy"`
		SNP      uint64 `json:"snp-policy"`
		Kind     string `json:"sev-type"`
	}
	var m struct{ Data string }
	err = d.asked(ctx, r, func(q *qmp.Conn) error {
		if err := refusal("query-sev", q.Execute(ctx, "query-sev", nil, &v)); err != nil || dom.Security.Type != "sev" {
			return err
		}
		return refusal("query-sev-launch-measure", q.Execute(ctx, "query-sev-launch-measure", nil, &m))
	})
	if err != nil {
		return nil, err
	}
	list := []drivers.Param{{Name: "sev-api-major", Value: v.APIMajor}, {Name: "sev-api-minor", Value: v.APIMinor}, {Name: "sev-build-id", Value: v.BuildID}}
	if dom.Security.Type == "sev-snp" {
		return append(list, drivers.Param{Name: "sev-snp-policy", Value: v.SNP}), nil
	}
	return append(list, drivers.Param{Name: "sev-policy", Value: v.Policy}, drivers.Param{Name: "sev-measurement", Value: m.Data}), nil
}

// SetLaunchSecret injects a secret into a confidential guest that waits for it.
func (d *domains) SetLaunchSecret(ctx context.Context, r drivers.Ref, p []drivers.Param) error {
	dom, running, err := d.either(ctx, r, 0)
	if err != nil {
		return err
	}
	if dom.Security == nil || dom.Security.Type != "sev" {
		return xml.Errorf(xml.CodeUnsupported, "setting a launch secret is only supported in SEV-enabled domains")
	}
	args := map[string]any{}
	for _, one := range p {
		switch one.Name {
		case "sev-secret-header":
			args["packet-header"] = one.Value
		case "sev-secret":
			args["secret"] = one.Value
		case "sev-secret-set-address":
			args["gpa"] = one.Value
		}
	}
	if args["packet-header"] == nil || args["secret"] == nil {
		return xml.Errorf(xml.CodeInvalidArg, "Both secret and the secret header are required")
	}
	if s, ok := d.touch(ctx, r.Name); !running || ok && s.State != drivers.PausedState {
		return xml.Errorf(xml.CodeOperationInvalid, "domain must be in a paused state")
	}
	return d.asked(ctx, r, func(q *qmp.Conn) error {
		return refusal("sev-inject-launch-secret", q.Execute(ctx, "sev-inject-launch-secret", args, nil))
	})
}

// Announce has interfaces announce themselves to the network.
func (d *domains) Announce(ctx context.Context, r drivers.Ref, a drivers.Announcement) error {
	dom, err := d.liveDomain(ctx, r)
	if err != nil {
		return err
	}
	or := func(v, usual uint32) uint32 {
		if v == 0 {
			return usual
		}
		return v
	}
	args := map[string]any{"initial": or(a.Initial, 50), "max": or(a.Max, 550), "rounds": or(a.Rounds, 5), "step": or(a.Step, 100)}
	if a.Interface != "" {
		alias := ""
		for i := range dom.Devices.Interfaces {
			n := &dom.Devices.Interfaces[i]
			if n.Target != nil && n.Target.Dev == a.Interface || n.MAC != nil && strings.EqualFold(n.MAC.Address, a.Interface) || aliasOf(n.Alias) == a.Interface {
				alias = aliasOf(n.Alias)
			}
		}
		if alias == "" {
			return xml.Errorf(xml.CodeInvalidArg, "'%s' is not a known interface", a.Interface)
		}
		args["interfaces"], args["id"] = []string{alias}, alias
	}
	return d.asked(ctx, r, func(q *qmp.Conn) error { return refusal("announce-self", q.Execute(ctx, "announce-self", args, nil)) })
}

// StartDirtyRate measures how fast the guest writes to its memory.
func (d *domains) StartDirtyRate(ctx context.Context, r drivers.Ref, seconds int, mode string) error {
	if seconds < 1 || seconds > 60 {
		return xml.Errorf(xml.CodeConfigUnsupported, "seconds=%d is invalid, please choose value within [1, 60].", seconds)
	}
	dom, err := d.liveDomain(ctx, r)
	if err != nil {
		return err
	}
	ring := dom.Features != nil && dom.Features.KVM != nil && dom.Features.KVM.DirtyRing != nil && isOn(dom.Features.KVM.DirtyRing.State)
	switch {
	case mode == "dirty-ring" && !ring:
		return xml.Errorf(xml.CodeUnsupported, "dirty-ring calculation mode requires dirty-ring feature enabled.")
	case mode == "dirty-bitmap" && ring:
		return xml.Errorf(xml.CodeUnsupported, "dirty-bitmap calculation mode requires dirty-ring feature disabled.")
	}
	args := map[string]any{"calc-time": seconds}
	if mode != "" && mode != "page-sampling" {
		args["mode"] = mode
	}
	return d.asked(ctx, r, func(q *qmp.Conn) error {
		return refusal("calc-dirty-rate", q.Execute(ctx, "calc-dirty-rate", args, nil))
	})
}
