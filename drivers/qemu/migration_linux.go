package qemu

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"time"

	"virgo/drivers"
	"virgo/xml"
)

// A guest's state leaves QEMU, and comes back, as in a migration.

// capabilities of migrations that jobs decide about; what is not in use is
// switched off, since they last.
var migrationCaps = []string{"xbzrle", "auto-converge", "rdma-pin-all", "postcopy-ram", "pause-before-switchover", "late-block-activate", "multifd",
	"dirty-bitmaps", "return-path", "zero-copy-send", "postcopy-preempt", "switchover-ack", "mapped-ram"}

// unlimited is the bandwidth of what nobody limits.
const unlimited = int64(9223372036853727232)

// migrationState is what query-migrate answers.
type migrationState struct {
	Status    string
	ErrorDesc string   `json:"error-desc"`
	Blocked   []string `json:"blocked-reasons"` // why none can begin
	Downtime  *uint64  `json:"downtime"`
	Expected  *uint64  `json:"expected-downtime"`
	Setup     uint64   `json:"setup-time"`
	RAM       *struct {
		Total, Transferred, Remaining, Duplicate, Normal uint64
		NormalBytes                                      uint64 `json:"normal-bytes"`
		MBPS                                             float64
		DirtyRate                                        uint64 `json:"dirty-pages-rate"`
		Iteration                                        uint64 `json:"dirty-sync-count"`
		Postcopy                                         uint64 `json:"postcopy-requests"`
		PageSize                                         uint64 `json:"page-size"`
	}
}

// params are its numbers by libvirt's names.
func (m migrationState) params() []drivers.Param {
	var list []drivers.Param
	add := func(name string, v uint64) { list = append(list, drivers.Param{Name: name, Value: v}) }
	switch {
	case m.Downtime != nil:
		add("downtime", *m.Downtime)
	case m.Expected != nil:
		add("downtime", *m.Expected)
	}
	if m.RAM == nil {
		return list
	}
	add("setup_time", m.Setup)
	for _, kind := range []string{"data", "memory"} {
		add(kind+"_total", m.RAM.Total)
		add(kind+"_processed", m.RAM.Transferred)
		add(kind+"_remaining", m.RAM.Remaining)
	}
	add("memory_bps", uint64(m.RAM.MBPS*1000*1000/8))
	add("memory_constant", m.RAM.Duplicate)
	add("memory_normal", m.RAM.Normal)
	add("memory_normal_bytes", m.RAM.NormalBytes)
	add("memory_dirty_rate", m.RAM.DirtyRate)
	add("memory_iteration", m.RAM.Iteration)
	add("memory_postcopy_requests", m.RAM.Postcopy)
	if m.RAM.PageSize > 0 {
		add("memory_page_size", m.RAM.PageSize)
	}
	return list
}

// canLeave refuses what a state that is written would not have in it.
func (g *guest) canLeave(ctx context.Context) error {
	var jobs []json.RawMessage
	if err := g.qmp.Execute(ctx, "query-block-jobs", nil, &jobs); err != nil {
		return lost(err)
	}
	if len(jobs) > 0 {
		return xml.Errorf(xml.CodeOperationInvalid, "domain has active block job")
	}
	dom, err := readLive(g.dir)
	if err != nil {
		return err
	}
	if err := g.canWrite(ctx); err != nil {
		return err
	}
	for i := range dom.Devices.Disks {
		if dom.Devices.Disks[i].Transient != nil {
			return xml.Errorf(xml.CodeOperationInvalid, "migration with transient disk is not supported")
		}
	}
	return nil
}

// canWrite refuses to write the state of a guest with devices of which QEMU does not
// tell it.
func (g *guest) canWrite(ctx context.Context) error {
	m, err := g.migrationNow(ctx)
	if err != nil {
		return lost(err)
	}
	return m.blocked()
}

// blocked is why no migration can begin.
func (m migrationState) blocked() error {
	if len(m.Blocked) > 0 {
		return xml.Errorf(xml.CodeOperationInvalid, "cannot migrate domain: %s", strings.Join(m.Blocked, "; "))
	}
	return nil
}

func (g *guest) migrationNow(ctx context.Context) (migrationState, error) {
	var m migrationState
	err := g.qmp.Execute(ctx, "query-migrate", nil, &m)
	return m, err
}

// setUpMigration switches capabilities on, and all others off.
func (g *guest) setUpMigration(ctx context.Context, params map[string]any, on ...string) error {
	var known []struct{ Capability string }
	if err := g.qmp.Execute(ctx, "query-migrate-capabilities", nil, &known); err != nil {
		return err
	}
	for _, name := range on {
		if !slices.ContainsFunc(known, func(k struct{ Capability string }) bool { return k.Capability == name }) {
			return xml.Errorf(xml.CodeConfigUnsupported, "migration capability '%s' is not supported by this QEMU binary", name)
		}
	}
	var caps []map[string]any
	for _, k := range known {
		switch {
		case k.Capability == "events" || slices.Contains(on, k.Capability):
			caps = append(caps, map[string]any{"capability": k.Capability, "state": true})
		case slices.Contains(migrationCaps, k.Capability):
			caps = append(caps, map[string]any{"capability": k.Capability, "state": false})
		}
	}
	if err := refusal("migrate-set-capabilities", g.qmp.Execute(ctx, "migrate-set-capabilities", map[string]any{"capabilities": caps}, nil)); err != nil {
		return err
	}
	if len(params) == 0 {
		return nil
	}
	return refusal("migrate-set-parameters", g.qmp.Execute(ctx, "migrate-set-parameters", params, nil))
}

// passFile gives QEMU an open file, which it knows by that name.
func (g *guest) passFile(ctx context.Context, name string, f *os.File) error {
	p, err := g.qmp.SendFile("getfd", map[string]string{"fdname": name}, f)
	if err != nil {
		return err
	}
	return refusal("getfd", p.Read(ctx, nil))
}

// addFile gives QEMU an open file for a set of descriptors, whose path is /dev/fdset/SET.
func (g *guest) addFile(ctx context.Context, set int, f *os.File) error {
	p, err := g.qmp.SendFile("add-fd", map[string]any{"fdset-id": set, "opaque": "virgo-migration"}, f)
	if err != nil {
		return err
	}
	return refusal("add-fd", p.Read(ctx, nil))
}

// awaitMigration returns when it has ended. If ctx ends first it is cancelled.
func (g *guest) awaitMigration(ctx context.Context, job string) (migrationState, error) {
	own := context.WithoutCancel(ctx)
	listen, stop := context.WithCancel(own)
	defer stop()
	events, err := g.qmp.Events(listen)
	if err != nil {
		return migrationState{}, lost(err)
	}
	cancelled := ctx.Done()
	wait := 5 * time.Millisecond
	for {
		m, err := g.migrationNow(own)
		if err != nil {
			return m, lost(err)
		}
		switch m.Status {
		case "completed":
			return m, nil
		case "cancelled":
			return m, xml.Errorf(xml.CodeOperationAborted, "job '%s' canceled by client", job)
		case "failed":
			if m.ErrorDesc == "" {
				return m, xml.Errorf(xml.CodeOperationFailed, "job '%s' unexpectedly failed", job)
			}
			return m, xml.Errorf(xml.CodeOperationFailed, "job '%s' failed: %s", job, m.ErrorDesc)
		}
		timer := time.NewTimer(wait)
		wait = min(2*wait, 100*time.Millisecond)
		for waiting := true; waiting; {
			select {
			case <-cancelled:
				cancelled = nil
				if err := g.qmp.Execute(own, "migrate_cancel", nil, nil); err != nil {
					return m, lost(err)
				}
				waiting = false
			case e, ok := <-events:
				waiting = ok && e.Event != "MIGRATION"
				if !ok {
					events = nil
				}
			case <-timer.C:
				waiting = false
			}
		}
		timer.Stop()
	}
}
