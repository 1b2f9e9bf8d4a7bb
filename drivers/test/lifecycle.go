package test

import (
	"bytes"
	"context"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

var errNotRunning = xml.Errorf(xml.CodeOperationInvalid, "domain is not running")

// Define keeps a definition.
func (d domains) Define(_ context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	if err := drivers.CheckSchema(f, src, &xml.Domain{}, "domain"); err != nil {
		return drivers.Ref{}, err
	}
	def, err := parse(src)
	if err != nil {
		return drivers.Ref{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	known := len(d.guests)
	g, err := d.define(def, false)
	if err != nil {
		return drivers.Ref{}, err
	}
	reason := "Added"
	if known == len(d.guests) {
		reason = "Updated"
	}
	d.emit(g.ref(), "Defined", reason)
	return g.ref(), nil
}

// Undefine drops a definition; a running domain goes on.
func (d domains) Undefine(_ context.Context, r drivers.Ref, f drivers.Flags) error {
	if f.Has(drivers.NVRAMToo) {
		return drivers.Refuse(f, "testDomainUndefineFlags", drivers.NVRAMToo, 4, drivers.CheckpointsToo, 16, drivers.TPMToo, 32, drivers.KeepTPM, 64)
	}
	return d.with(r, func(g *guest) error {
		switch {
		case g.saved && !f.Has(drivers.ManagedSaveToo):
			return xml.Errorf(xml.CodeOperationInvalid, "Refusing to undefine while domain managed save image exists")
		case !g.active() && len(g.snaps.List) > 0 && !f.Has(drivers.SnapshotsToo):
			return xml.Errorf(xml.CodeOperationInvalid, "cannot delete inactive domain with %d snapshots", len(g.snaps.List))
		}
		d.drop(g)
		return nil
	})
}

// Create starts a domain that is not kept.
func (d domains) Create(_ context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	err := drivers.Refuse(f, "testDomainCreateXML", drivers.Paused, 1, drivers.AutoDestroy, 2, drivers.ResetNVRAM, 0x20)
	if err == nil {
		err = drivers.CheckSchema(f, src, &xml.Domain{}, "domain")
	}
	if err != nil {
		return drivers.Ref{}, err
	}
	def, err := parse(src)
	if err != nil {
		return drivers.Ref{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	g, err := d.define(def, true)
	if err != nil {
		return drivers.Ref{}, err
	}
	d.start(g, drivers.RunningBooted)
	d.emit(g.ref(), "Started", "Booted")
	return g.ref(), nil
}

// Start starts a kept domain.
func (d domains) Start(_ context.Context, r drivers.Ref, f drivers.Flags) error {
	err := drivers.Refuse(f, "testDomainCreateWithFlags", drivers.Paused, 1, drivers.AutoDestroy, 2,
		drivers.BypassCache, 4, drivers.ResetNVRAM, 0x20)
	if err != nil {
		return err
	}
	return d.with(r, func(g *guest) error {
		if g.active() {
			return xml.Errorf(xml.CodeOperationInvalid, "Domain '%s' is already running", g.name)
		}
		g.saved = false
		d.start(g, drivers.RunningBooted)
		d.emit(g.ref(), "Started", "Booted")
		return nil
	})
}

// start makes a domain run: live is its definition, or the kept one is copied.
func (n *node) start(g *guest, reason drivers.Reason) {
	def := g.live
	if def == nil {
		def = g.config
	}
	g.run(def)
	g.id = n.nextID
	n.nextID++
	g.enter(drivers.Running, reason)
}

// run takes a definition for the running one. A kept one runs itself, as with
// the peer, and a copy of it is kept.
func (g *guest) run(def *xml.Domain) {
	if g.live == nil {
		g.config = clone(def)
	}
	g.live, g.taints = def, taints(def)
}

// stop makes a domain end; a transient one is gone then.
func (n *node) stop(g *guest, reason drivers.Reason) {
	g.id, g.live, g.taints = -1, nil, nil
	g.enter(drivers.ShutOff, reason)
	if g.config == nil {
		n.remove(g)
	}
}

// Destroy ends a domain at once.
func (d domains) Destroy(_ context.Context, r drivers.Ref, f drivers.Flags) error {
	if err := drivers.Refuse(f, "testDomainDestroyFlags", drivers.RemoveLogs, 2); err != nil {
		return err
	}
	return d.with(r, func(g *guest) error {
		if !g.active() {
			return errNotRunning
		}
		ref := g.ref()
		d.stop(g, drivers.ShutOffDestroyed)
		d.emit(ref, "Stopped", "Destroyed")
		return nil
	})
}

// Shutdown ends a domain.
func (d domains) Shutdown(_ context.Context, r drivers.Ref, modes []string) error {
	n := uint(0)
	for _, m := range modes {
		n |= modeBits[m]
	}
	if n != 0 {
		return drivers.BadFlags(n, "testDomainShutdownFlags")
	}
	return d.with(r, func(g *guest) error {
		if !g.active() {
			return xml.Errorf(xml.CodeInternal, "domain '%s' not running", g.name)
		}
		ref := g.ref()
		d.stop(g, drivers.ShutOffShutdown)
		d.emit(ref, "Stopped", "Shutdown")
		return nil
	})
}

var modeBits = map[string]uint{"acpi": 1, "agent": 2, "initctl": 4, "signal": 8, "paravirt": 16}

// Reboot does what on_reboot says.
func (d domains) Reboot(_ context.Context, r drivers.Ref, _ []string) error {
	return d.with(r, func(g *guest) error {
		if !g.active() {
			return errNotRunning
		}
		switch g.live.OnReboot {
		case "destroy", "preserve":
			ref := g.ref()
			d.stop(g, drivers.ShutOffShutdown)
			d.emit(ref, "Stopped", "Shutdown")
		default:
			g.enter(drivers.Running, drivers.RunningBooted)
		}
		return nil
	})
}

// Reset restarts the machine.
func (d domains) Reset(_ context.Context, r drivers.Ref) error {
	return d.with(r, func(g *guest) error {
		if !g.active() {
			return errNotRunning
		}
		return nil
	})
}

// Suspend stops the vCPUs.
func (d domains) Suspend(_ context.Context, r drivers.Ref) error {
	return d.with(r, func(g *guest) error {
		if g.state != drivers.Running {
			return xml.Errorf(xml.CodeInternal, "domain '%s' not running", g.name)
		}
		g.enter(drivers.PausedState, drivers.PausedUser)
		d.emit(g.ref(), "Suspended", "Paused")
		return nil
	})
}

// Resume continues the vCPUs.
func (d domains) Resume(_ context.Context, r drivers.Ref) error {
	return d.with(r, func(g *guest) error {
		if g.state != drivers.PausedState {
			return xml.Errorf(xml.CodeInternal, "domain '%s' not paused", g.name)
		}
		g.enter(drivers.Running, drivers.RunningUnpaused)
		d.emit(g.ref(), "Resumed", "Unpaused")
		return nil
	})
}

// SetAutostart marks a domain.
func (d domains) SetAutostart(_ context.Context, r drivers.Ref, on bool) error {
	return d.with(r, func(g *guest) error { g.autostart = on; return nil })
}

// Rename gives another name.
func (d domains) Rename(_ context.Context, r drivers.Ref, name string) error {
	return d.with(r, func(g *guest) error {
		switch {
		case g.active():
			return xml.Errorf(xml.CodeOperationInvalid, "cannot rename active domain")
		case g.name == name:
			return xml.Errorf(xml.CodeOperationInvalid, "Can't rename domain to itself")
		}
		if strings.Contains(name, "/") {
			return xml.Errorf(xml.CodeXML, "name %s cannot contain '/'", name)
		}
		for _, o := range d.guests {
			if o.name == name {
				return xml.Errorf(xml.CodeOperationInvalid, "domain with name '%s' already exists", name)
			}
		}
		d.emit(g.ref(), "Undefined", "Renamed")
		if list, ok := d.past[g.name]; ok {
			delete(d.past, g.name)
			d.past[name] = list
		}
		g.name, g.config.Name = name, name
		d.emit(g.ref(), "Defined", "Renamed")
		return nil
	})
}

// with runs f on a domain, locked.
func (n *node) with(r drivers.Ref, f func(*guest) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	g, err := n.find(r)
	if err != nil {
		return err
	}
	err = f(g)
	if old := g.before; old != nil {
		if g.before = nil; g.config != nil && !bytes.Equal(old, stored(g.config)) {
			n.record(g.name, old, drivers.Revision{Change: drivers.Redefined})
		}
	}
	return err
}
