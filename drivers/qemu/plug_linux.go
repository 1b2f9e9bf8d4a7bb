package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// Devices are plugged in and out by the watcher, so that it is done to its end
// even if the command that wants it is killed: the block nodes, the device, and
// the live document belong together.

// plugRequest is what a command asks of the watcher.
type plugRequest struct {
	Steps []Step `json:"steps"`
	Tap   *Tap   `json:"tap,omitempty"` // passed to QEMU as tapName before the steps
	// Companions are started before the steps.
	Companions []companion  `json:"companions,omitempty"`
	Put        []liveDevice `json:"put,omitempty"` // devices of the live document from then on
	After      []Step       `json:"after,omitempty"`
	// Nodes is the last number of a block node then, Probed the numbers of those
	// of which only headers of images tell.
	Nodes  int   `json:"nodes,omitempty"`
	Probed []int `json:"probed,omitempty"`
}

// liveDevice is a device's live form.
type liveDevice struct {
	Kind string `json:"kind"`
	XML  string `json:"xml"`
}

// tapName begins what a tap's descriptors are called while they are passed.
const tapName = "virgo-tap"

// unplugRequest asks for a device to be unplugged.
type unplugRequest struct {
	Alias string        `json:"alias"`
	Wait  time.Duration `json:"wait"` // for the guest to let go
}

// unplugAnswer says whether the guest has let go in time.
type unplugAnswer struct {
	Gone bool `json:"gone"`
}

// pulls are devices that the guest has been asked to let go of, by alias: each
// channel gets the outcome.
type pulls map[string]chan error

// runStep executes a step; a refusal is told as the peer tells it.
func (g *guest) runStep(ctx context.Context, s Step) (json.RawMessage, error) {
	var answer json.RawMessage
	var args any
	if len(s.Arguments) > 0 {
		args = s.Arguments
	}
	return answer, refusal(s.Execute, g.qmp.Execute(ctx, s.Execute, args, &answer))
}

// refusal is QEMU's refusal of a command as the peer tells it.
func refusal(command string, err error) error {
	var q *qmp.Error
	switch {
	case errors.As(err, &q):
		return xml.Errorf(xml.CodeInternal, "unable to execute QEMU command '%s': %s", command, q.Desc)
	case errors.Is(err, unix.ECONNRESET):
		return &drivers.Error{Code: xml.CodeSystem, Msg: "Unable to read from monitor: " + drivers.SystemText(unix.ECONNRESET), Err: err}
	}
	return err
}

// plug does the steps, or nothing, and then puts the devices into the live
// document.
func (g *guest) plug(ctx context.Context, r plugRequest) error {
	g.devices.Lock()
	defer g.devices.Unlock()
	for _, l := range r.Put { // what cannot be noted is not done
		if _, err := domain.ReadDevice(xml.Source{Name: "device", Data: []byte(l.XML)}); err != nil {
			return err
		}
	}
	var undo drivers.Undo
	defer undo.Run()
	tap := ""
	if r.Tap != nil {
		files, err := r.Tap.open(ctx, g.dir)
		undo.Add(func() { release(g.dir, &xml.Interface{Target: &xml.InterfaceTarget{Dev: r.Tap.Name}}) })
		if err != nil {
			return err
		}
		for i, f := range files {
			defer f.Close()
			p, err := g.qmp.SendFile("getfd", map[string]string{"fdname": tapName + strconv.Itoa(i)}, f)
			if err == nil {
				err = refusal("getfd", p.Read(ctx, nil))
			}
			if err != nil {
				return err
			}
		}
		tap = r.Tap.Name
	}
	if err := g.startCompanions(r.Companions, &undo); err != nil {
		return err
	}
	terminal := ""
	for _, s := range r.Steps {
		answer, err := g.runStep(ctx, s)
		if err != nil {
			return err
		}
		if s.Undo != "" {
			undo.Add(func() { g.stepBack(s) })
		}
		if pty := member(answer, "pty"); pty != "" {
			terminal = pty
		}
	}
	if err := editLive(g.dir, func(dom *xml.Domain) error { return putDevices(dom, r.Put, terminal, tap) }); err != nil {
		return err
	}
	undo.Done()
	g.mu.Lock()
	if r.Nodes > g.status.Nodes {
		g.status.Nodes, g.status.Probed = r.Nodes, append(g.status.Probed, r.Probed...)
		_ = g.status.write(g.dir)
	}
	g.mu.Unlock()
	for _, s := range r.After {
		_, _ = g.runStep(ctx, s) // what is left of the device before: it harms nobody
	}
	return nil
}

// stepBack undoes a step. A device has to be gone before what it uses can go.
func (g *guest) stepBack(s Step) {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	if s.Undo != "device_del" {
		_, _ = g.runStep(ctx, s.Back())
		return
	}
	events, err := g.qmp.Events(ctx)
	if err != nil {
		return
	}
	id := member(s.UndoArgs, "id")
	if _, err := g.runStep(ctx, s.Back()); err != nil {
		return
	}
	for e := range events {
		if alias, _ := e.Data["device"].(string); e.Event == "DEVICE_DELETED" && alias == id {
			return
		}
	}
}

// putDevices puts devices into a live document, in place of those with their
// aliases. terminal and tap are what was made for them.
func putDevices(dom *xml.Domain, list []liveDevice, terminal, tap string) error {
	for _, l := range list {
		v, err := domain.ReadDevice(xml.Source{Name: "device", Data: []byte(l.XML)})
		if err != nil {
			return err
		}
		switch k := v.Value.(type) {
		case *xml.Chardev:
			if k.Type == "pty" && k.Path == "" {
				k.Path = terminal
			}
		case *xml.Interface:
			if tap != "" {
				if k.Target == nil {
					k.Target = &xml.InterfaceTarget{}
				}
				k.Target.Dev = tap
			}
		}
		replaced := false
		for _, old := range domain.All(dom, l.Kind) {
			if a := old.Alias(); a != "" && a == v.Alias() {
				domain.Replace(old, v)
				replaced = true
			}
		}
		if !replaced {
			countDevice(dom, v.Value)
			domain.Insert(dom, v)
		}
	}
	return nil
}

// steps are those that plugged a device of the live document.
func (g *guest) steps(dom *xml.Domain, v *domain.Device) ([]Step, error) {
	key, err := os.ReadFile(filepath.Join(g.status.LibDir, keyFile))
	if err != nil {
		key = make([]byte, masterKeySize)
	}
	return plugged(dom, v, Build{Emulator: &Emulator{}, Layout: g.layout, ID: g.status.ID, MasterKey: key, Volume: g.volume})
}

// unplug asks the guest to let go of a device, and waits for that for a time.
// Whenever it does, what belongs to the device goes, too.
func (g *guest) unplug(ctx context.Context, r unplugRequest) (unplugAnswer, error) {
	dom, err := readLive(g.dir)
	if err != nil {
		return unplugAnswer{}, err
	}
	found := domain.ByAlias(dom, r.Alias)
	if len(found) == 0 {
		return unplugAnswer{}, xml.Errorf(xml.CodeInternal, "no device found with alias %s", r.Alias)
	}
	plug, err := g.steps(dom, found[0])
	if err != nil {
		return unplugAnswer{}, err
	}
	ask, _ := unplugged(plug)
	if k, ok := found[0].Value.(*xml.Chardev); ok && k.Target != nil && k.Target.Type == "guestfwd" { // the guest has no part in it
		g.deviceGone(r.Alias)
		return unplugAnswer{Gone: true}, nil
	}
	if ask.Execute == "" {
		return unplugAnswer{}, xml.Errorf(xml.CodeUnsupported, "the device cannot be unplugged")
	}
	g.mu.Lock()
	if g.pulls == nil {
		g.pulls = make(pulls)
	}
	done := g.pulls[r.Alias]
	if done == nil {
		done = make(chan error, 1)
		g.pulls[r.Alias] = done
	}
	g.mu.Unlock()
	if _, err := g.runStep(ctx, ask); err != nil {
		g.forgetPull(r.Alias)
		return unplugAnswer{}, err
	}
	select {
	case err := <-done:
		return unplugAnswer{Gone: err == nil}, err
	case <-time.After(r.Wait):
		g.forgetPull(r.Alias)
		return unplugAnswer{}, nil
	case <-ctx.Done():
		return unplugAnswer{}, ctx.Err()
	}
}

func (g *guest) forgetPull(alias string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.pulls, alias)
}

// pulled tells who waits for a device how it went. g.mu is not held.
func (g *guest) pulled(alias string, err error) {
	g.mu.Lock()
	done := g.pulls[alias]
	delete(g.pulls, alias)
	g.mu.Unlock()
	if done != nil {
		done <- err
	}
}

// deviceGone follows the guest: what belonged to the device is taken away.
func (g *guest) deviceGone(alias string) {
	err := g.dropDevice(alias)
	g.pulled(alias, err)
	if err == nil {
		g.mu.Lock()
		g.tell("device-removed", alias, "")
		g.mu.Unlock()
	}
}

// dropDevice removes a device that the guest no longer has.
func (g *guest) dropDevice(alias string) error {
	var after []Step
	var gone any
	err := editLive(g.dir, func(dom *xml.Domain) error {
		found := domain.ByAlias(dom, alias)
		if len(found) == 0 {
			return errors.New("not a device of the live document")
		}
		if plug, err := g.steps(dom, found[0]); err == nil {
			_, after = unplugged(plug)
		}
		gone = found[0].Value
		discountDevice(dom, gone)
		domain.Remove(dom, found[0])
		return nil
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	for _, s := range after {
		_, _ = g.runStep(ctx, s) // some of it may be gone with the device
	}
	release(g.dir, gone)
	return nil
}

// refusedPull: the guest does not let go of a device.
func (g *guest) refusedPull(alias string) {
	g.pulled(alias, xml.Errorf(xml.CodeOperationFailed, "unplug of device was rejected by the guest"))
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tell("device-removal-failed", alias, "")
}

// pluggable are the kinds of devices that QEMU keeps under their aliases.
var pluggable = []string{"disk", "interface", "rng", "hostdev", "redirdev", "channel", "memory", "filesystem"}

// reconcile drops the devices that the guest let go of while nobody listened.
func (g *guest) reconcile(ctx context.Context) {
	var have []struct{ Name string }
	if g.qmp.Execute(ctx, "qom-list", map[string]string{"path": "/machine/peripheral"}, &have) != nil {
		return
	}
	g.channelStates(ctx)
	dom, err := readLive(g.dir)
	if err != nil {
		return
	}
	for _, kind := range pluggable {
		for _, v := range domain.All(dom, kind) {
			alias := v.Alias()
			if k, ok := v.Value.(*xml.Disk); ok && (k.Target == nil || k.Target.Bus == "fdc" || k.Target.Bus == "sd") {
				continue
			}
			if i, ok := v.Value.(*xml.Interface); ok && i.Type == "hostdev" {
				continue
			}
			if c, ok := v.Value.(*xml.Chardev); ok && (c.Target == nil || c.Target.Type != "virtio") {
				continue
			}
			known := slices.ContainsFunc(have, func(h struct{ Name string }) bool { return h.Name == alias })
			if alias != "" && !known {
				_ = g.dropDevice(alias) // it stays in the document otherwise, which is all that it is in
			}
		}
	}
}

// decode reads the arguments of one of the watcher's own commands.
func decode[T any](r request) (T, error) {
	var v T
	if err := json.Unmarshal(r.Arguments, &v); err != nil {
		return v, fmt.Errorf("malformed arguments of %s: %w", r.Execute, err)
	}
	return v, nil
}
