package qemu

import (
	"cmp"
	"context"
	"encoding/base64"
	"time"

	"virgo/drivers"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// What the guest's agent does.

var (
	_ drivers.Freezer        = (*domains)(nil)
	_ drivers.Trimmer        = (*domains)(nil)
	_ drivers.GuestClock     = (*domains)(nil)
	_ drivers.GuestHostnamer = (*domains)(nil)
	_ drivers.Passworder     = (*domains)(nil)
	_ drivers.SSHKeyer       = (*domains)(nil)
	_ drivers.PMSuspender    = (*domains)(nil)
	_ drivers.PMWakeuper     = (*domains)(nil)
)

// Freeze freezes the guest's file systems, all or those that are mounted there.
func (d *domains) Freeze(ctx context.Context, r drivers.Ref, mounts []string) (int, error) {
	n := 0
	err := d.withAgent(ctx, r, func(a *agentSession) error {
		if len(mounts) > 0 {
			return a.run(ctx, "guest-fsfreeze-freeze-list", map[string]any{"mountpoints": mounts}, &n)
		}
		return a.run(ctx, "guest-fsfreeze-freeze", nil, &n)
	})
	return n, err
}

// Thaw thaws them, all at once.
func (d *domains) Thaw(ctx context.Context, r drivers.Ref, mounts []string) (int, error) {
	if len(mounts) > 0 {
		if _, running := d.touch(ctx, r.Name); running {
			return 0, xml.Errorf(xml.CodeArgUnsupported, "specifying mountpoints is not supported")
		}
	}
	n := 0
	err := d.withAgent(ctx, r, func(a *agentSession) error { return a.run(ctx, "guest-fsfreeze-thaw", nil, &n) })
	return n, err
}

// quiesce has the guest's agent freeze its file systems; thaw undoes that.
func (d *domains) quiesce(ctx context.Context, r drivers.Ref) (thaw func(), err error) {
	if _, err := d.Freeze(ctx, r, nil); err != nil {
		return nil, err
	}
	return func() { _, _ = d.Thaw(context.WithoutCancel(ctx), r, nil) }, nil
}

// Trim has the guest give up unused blocks.
func (d *domains) Trim(ctx context.Context, r drivers.Ref, mount string, minimum uint64) error {
	if mount != "" {
		return xml.Errorf(xml.CodeArgUnsupported, "Specifying mount point is not supported for now")
	}
	return d.withAgent(ctx, r, func(a *agentSession) error {
		return a.run(ctx, "guest-fstrim", map[string]uint64{"minimum": minimum}, nil)
	})
}

// Time tells the guest's time.
func (d *domains) Time(ctx context.Context, r drivers.Ref) (time.Time, error) {
	var ns int64
	err := d.withAgent(ctx, r, func(a *agentSession) error { return a.run(ctx, "guest-get-time", nil, &ns) })
	return time.Unix(ns/1e9, ns%1e9), err
}

// SetTime sets it; sync: as the guest's clock of hardware has it.
func (d *domains) SetTime(ctx context.Context, r drivers.Ref, t time.Time, sync bool) error {
	if _, running := d.touch(ctx, r.Name); !running {
		return xml.Errorf(xml.CodeUnsupported, "cannot set time: qemu doesn't support rtc-reset-reinjection command")
	}
	err := d.withAgent(ctx, r, func(a *agentSession) error {
		if sync {
			return a.run(ctx, "guest-set-time", nil, nil)
		}
		return a.run(ctx, "guest-set-time", map[string]int64{"time": t.UnixNano()}, nil)
	})
	if err != nil {
		return err
	}
	// Ticks that the guest has missed are made up for no longer: it has the time.
	return d.asked(ctx, r, func(q *qmp.Conn) error {
		return refusal("rtc-reset-reinjection", q.Execute(ctx, "rtc-reset-reinjection", nil, nil))
	})
}

// GuestHostname asks the agent, or those that have lent the guest its addresses.
func (d *domains) GuestHostname(ctx context.Context, r drivers.Ref, source string) (string, error) {
	none := xml.Errorf(xml.CodeNoHostname, "no hostname found for domain %s", r.Name)
	if source == "lease" {
		dom, err := d.liveDomain(ctx, r)
		if err != nil {
			return "", err
		}
		name := ""
		err = d.eachLease(ctx, dom, func(_ *xml.Interface, leases []drivers.Lease) {
			for _, l := range leases {
				name = cmp.Or(name, l.Hostname)
			}
		})
		if err != nil || name == "" {
			return "", none
		}
		return name, nil
	}
	if _, _, err := d.agentReady(ctx, r); err != nil {
		return "", err
	}
	name, err := d.agentHostname(ctx, r)
	if err != nil || name == "" {
		return "", none
	}
	return name, nil
}

func (d *domains) agentHostname(ctx context.Context, r drivers.Ref) (string, error) {
	var v struct {
		Name string `json:"host-name"`
	}
	err := d.withAgent(ctx, r, func(a *agentSession) error { return a.run(ctx, "guest-get-host-name", nil, &v) })
	return v.Name, err
}

// SetPassword sets a user's password.
func (d *domains) SetPassword(ctx context.Context, r drivers.Ref, user, password string, encrypted bool) error {
	return d.withAgent(ctx, r, func(a *agentSession) error {
		return a.run(ctx, "guest-set-user-password", map[string]any{"crypted": encrypted, "username": user,
			"password": base64.StdEncoding.EncodeToString([]byte(password))}, nil)
	})
}

// SSHKeys are a user's authorized keys.
func (d *domains) SSHKeys(ctx context.Context, r drivers.Ref, user string) ([]string, error) {
	var v struct{ Keys []string }
	err := d.withAgent(ctx, r, func(a *agentSession) error {
		return a.run(ctx, "guest-ssh-get-authorized-keys", map[string]string{"username": user}, &v)
	})
	return v.Keys, err
}

// SetSSHKeys changes them.
func (d *domains) SetSSHKeys(ctx context.Context, r drivers.Ref, user string, keys []string, how drivers.SSHKeyChange) error {
	if keys == nil {
		keys = []string{}
	}
	args := map[string]any{"username": user, "keys": keys}
	command := "guest-ssh-remove-authorized-keys"
	if how != drivers.RemoveKeys {
		command, args["reset"] = "guest-ssh-add-authorized-keys", how == drivers.ReplaceKeys
	}
	return d.withAgent(ctx, r, func(a *agentSession) error { return a.run(ctx, command, args, nil) })
}

// PMSuspend sends the guest to sleep.
func (d *domains) PMSuspend(ctx context.Context, r drivers.Ref, target string, after time.Duration) error {
	if after != 0 {
		return xml.Errorf(xml.CodeArgUnsupported, "Duration not supported. Use 0 for now")
	}
	command := map[string]string{"mem": "guest-suspend-ram", "disk": "guest-suspend-disk", "hybrid": "guest-suspend-hybrid"}[target]
	if command == "" {
		return xml.Errorf(xml.CodeInvalidArg, "Unknown suspend target: %s", target)
	}
	dom, err := d.liveDomain(ctx, r)
	if err != nil {
		return err
	}
	if dom.PM != nil {
		switch {
		case (target == "mem" || target == "hybrid") && dom.PM.Mem != nil && dom.PM.Mem.Enabled == "no":
			return xml.Errorf(xml.CodeOperationInvalid, "S3 state is disabled for this domain")
		case target == "disk" && dom.PM.Disk != nil && dom.PM.Disk.Enabled == "no":
			return xml.Errorf(xml.CodeOperationInvalid, "S4 state is disabled for this domain")
		}
	}
	return d.without(ctx, r, command, nil, "SUSPEND", "SUSPEND_DISK")
}

// PMWakeup wakes it.
func (d *domains) PMWakeup(ctx context.Context, r drivers.Ref) error {
	return d.asked(ctx, r, func(q *qmp.Conn) error { return refusal("system_wakeup", q.Execute(ctx, "system_wakeup", nil, nil)) })
}
