package remote

import (
	"context"
	"os"
	"time"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// MonitorCommand passes a command to the hypervisor's own monitor.
func (d domains) MonitorCommand(ctx context.Context, r drivers.Ref, command string, hmp bool) (string, error) {
	var answer string
	err := d.callIn(ctx, programQEMU, procQEMUDomainMonitorCommand, []any{dom(r), command, when(hmp, 1)}, &answer)
	return answer, err
}

// MonitorCommandFiles is MonitorCommand with open files for the hypervisor.
func (d domains) MonitorCommandFiles(ctx context.Context, r drivers.Ref, command string, hmp bool, files []*os.File) (string, error) {
	var answer string
	p, err := d.start(ctx, programQEMU, procQEMUDomainMonitorCommandWithFiles, []any{dom(r), command, when(hmp, 1)}, nil, files)
	if err == nil {
		err = p.wait(ctx, &answer)
	}
	return answer, err
}

// AgentCommand passes a command to the guest's agent.
func (d domains) AgentCommand(ctx context.Context, r drivers.Ref, command string, timeout int) (string, error) {
	var answer optString
	err := d.callIn(ctx, programQEMU, procQEMUDomainAgentCommand, []any{dom(r), command, int32(timeout), uint32(0)}, &answer)
	return textOf(answer), err
}

// AttachProcess takes over a process.
func (d domains) AttachProcess(ctx context.Context, pid uint32) (drivers.Ref, error) {
	var x libvirt.Domain
	err := d.callIn(ctx, programQEMU, procQEMUDomainAttach, []any{pid, uint32(0)}, &x)
	return domainRef(x), err
}

// SetAgentTimeout sets how long the agent may take.
func (d domains) SetAgentTimeout(ctx context.Context, r drivers.Ref, timeout int) error {
	return d.on(ctx, procDomainAgentSetResponseTimeout, r, int32(timeout), uint32(0))
}

// guestKinds are what the agent can tell, by the daemon's bits.
const guestKinds = "user os timezone hostname filesystem disk interface load"

// GuestInfo asks the agent about the guest.
func (d domains) GuestInfo(ctx context.Context, r drivers.Ref, kinds []string) ([]drivers.Param, error) {
	n := uint32(0)
	for _, k := range kinds {
		n |= 1 << ordinal(guestKinds, k)
	}
	var list []libvirt.TypedParam
	err := d.ask(ctx, procDomainGetGuestInfo, r, []any{n, uint32(0)}, &list)
	return params(list), err
}

// GuestVCPUs tells which vCPUs the guest uses.
func (d domains) GuestVCPUs(ctx context.Context, r drivers.Ref) ([]drivers.Param, error) {
	var list []libvirt.TypedParam
	err := d.ask(ctx, procDomainGetGuestVcpus, r, []any{uint32(0)}, &list)
	return params(list), err
}

// SetGuestVCPUs changes that.
func (d domains) SetGuestVCPUs(ctx context.Context, r drivers.Ref, cpus string, on bool) error {
	return d.on(ctx, procDomainSetGuestVcpus, r, cpus, number(on), uint32(0))
}

// SwitchVCPUs plugs single vCPUs in and out.
func (d domains) SwitchVCPUs(ctx context.Context, r drivers.Ref, cpus string, on bool, f drivers.Flags) error {
	return d.on(ctx, procDomainSetVcpu, r, cpus, number(on), impact(f))
}

// SSHKeys are a user's authorized keys in the guest.
func (d domains) SSHKeys(ctx context.Context, r drivers.Ref, user string) ([]string, error) {
	var keys []string
	err := d.ask(ctx, procDomainAuthorizedSshKeysGet, r, []any{user, uint32(0)}, &keys)
	return keys, err
}

// SetSSHKeys changes them.
func (d domains) SetSSHKeys(ctx context.Context, r drivers.Ref, user string, keys []string, how drivers.SSHKeyChange) error {
	flags := uint32(0)
	switch how {
	case drivers.AppendKeys:
		flags = 1
	case drivers.RemoveKeys:
		flags = 2
	}
	return d.on(ctx, procDomainAuthorizedSshKeysSet, r, user, keys, flags)
}

// Freeze freezes the guest's file systems.
func (d domains) Freeze(ctx context.Context, r drivers.Ref, mounts []string) (int, error) {
	var n int32
	err := d.ask(ctx, procDomainFsfreeze, r, []any{mounts, uint32(0)}, &n)
	return int(n), err
}

// Thaw thaws them.
func (d domains) Thaw(ctx context.Context, r drivers.Ref, mounts []string) (int, error) {
	var n int32
	err := d.ask(ctx, procDomainFsthaw, r, []any{mounts, uint32(0)}, &n)
	return int(n), err
}

// Trim gives up unused blocks.
func (d domains) Trim(ctx context.Context, r drivers.Ref, mount string, minimum uint64) error {
	return d.on(ctx, procDomainFstrim, r, optional(mount), minimum, uint32(0))
}

// FSInfo lists the guest's file systems.
func (d domains) FSInfo(ctx context.Context, r drivers.Ref) ([]drivers.FSInfo, error) {
	var list []libvirt.DomainFsinfo
	err := d.ask(ctx, procDomainGetFsinfo, r, []any{uint32(0)}, &list)
	var out []drivers.FSInfo
	for _, f := range list {
		out = append(out, drivers.FSInfo{Mount: f.Mountpoint, Name: f.Name, Type: f.Fstype, Targets: f.DevAliases})
	}
	return out, err
}

// Time is the guest's time.
func (d domains) Time(ctx context.Context, r drivers.Ref) (time.Time, error) {
	var s int64
	var ns uint32
	err := d.ask(ctx, procDomainGetTime, r, []any{uint32(0)}, &s, &ns)
	return time.Unix(s, int64(ns)), err
}

// SetTime sets it.
func (d domains) SetTime(ctx context.Context, r drivers.Ref, t time.Time, sync bool) error {
	return d.on(ctx, procDomainSetTime, r, t.Unix(), uint32(t.Nanosecond()), when(sync, 1))
}

// GuestHostname is the guest's host name.
func (d domains) GuestHostname(ctx context.Context, r drivers.Ref, source string) (string, error) {
	var name string
	err := d.ask(ctx, procDomainGetHostname, r, []any{when(source == "lease", 1) | when(source == "agent", 2)}, &name)
	return name, err
}

// IfaceAddresses tells the addresses of the guest's interfaces.
func (d domains) IfaceAddresses(ctx context.Context, r drivers.Ref, source string) ([]drivers.IfaceAddress, error) {
	var list []libvirt.DomainInterface
	if source == "" {
		source = "lease"
	}
	err := d.ask(ctx, procDomainInterfaceAddresses, r, []any{uint32(ordinal("lease agent arp", source)), uint32(0)}, &list)
	var out []drivers.IfaceAddress
	for _, n := range list {
		a := drivers.IfaceAddress{Name: n.Name, MAC: textOf(n.Hwaddr)}
		for _, ip := range n.Addrs {
			version := 4
			if ip.Type == 1 {
				version = 6
			}
			a.Addrs = append(a.Addrs, drivers.IPAddress{Version: version, Addr: ip.Addr, Prefix: int(ip.Prefix)})
		}
		out = append(out, a)
	}
	return out, err
}

// LaunchSecurity tells how a confidential guest was launched.
func (d domains) LaunchSecurity(ctx context.Context, r drivers.Ref) ([]drivers.Param, error) {
	var list []libvirt.TypedParam
	err := d.ask(ctx, procDomainGetLaunchSecurityInfo, r, []any{stringsToo}, &list)
	return params(list), err
}

// SetLaunchSecret injects a secret into one.
func (d domains) SetLaunchSecret(ctx context.Context, r drivers.Ref, p []drivers.Param) error {
	return d.on(ctx, procDomainSetLaunchSecurityState, r, typed(p), uint32(0))
}

// AssociateFiles gives a domain open files.
func (d domains) AssociateFiles(ctx context.Context, r drivers.Ref, group string, files []*os.File, writable, restore bool) error {
	return d.callFiles(ctx, procDomainFdAssociate, []any{dom(r), group, when(writable, 2) | when(restore, 1)}, files)
}

// ReloadGraphics has a display read its certificates again.
func (d domains) ReloadGraphics(ctx context.Context, r drivers.Ref, kind uint32) error {
	return d.on(ctx, procDomainGraphicsReload, r, kind, uint32(0))
}

// attachFlags are those of devices: which definition, and force.
func attachFlags(f drivers.Flags) uint32 { return impact(f) | bits(f, bit{drivers.Force, 4}) }

// Attach gives a domain a device.
func (d domains) Attach(ctx context.Context, r drivers.Ref, src xml.Source, f drivers.Flags) error {
	if flags := attachFlags(f); flags != 0 || f.Has(drivers.Current) {
		return d.on(ctx, procDomainAttachDeviceFlags, r, string(src.Data), flags)
	}
	return d.on(ctx, procDomainAttachDevice, r, string(src.Data))
}

// Detach takes one away.
func (d domains) Detach(ctx context.Context, r drivers.Ref, src xml.Source, f drivers.Flags) error {
	if flags := attachFlags(f); flags != 0 || f.Has(drivers.Current) {
		return d.on(ctx, procDomainDetachDeviceFlags, r, string(src.Data), flags)
	}
	return d.on(ctx, procDomainDetachDevice, r, string(src.Data))
}

// DetachAlias takes the device of an alias away.
func (d domains) DetachAlias(ctx context.Context, r drivers.Ref, alias string, f drivers.Flags) error {
	return d.on(ctx, procDomainDetachDeviceAlias, r, alias, impact(f))
}

// UpdateDevice changes a device.
func (d domains) UpdateDevice(ctx context.Context, r drivers.Ref, src xml.Source, f drivers.Flags) error {
	return d.on(ctx, procDomainUpdateDeviceFlags, r, string(src.Data), attachFlags(f))
}
