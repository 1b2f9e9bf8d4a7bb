package qemu

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

var _ drivers.IOThreader = (*domains)(nil)

// ioThread is a thread of a running guest for disks.
type ioThread struct {
	ID     string `json:"id"`
	Thread int    `json:"thread-id"`
	Max    uint64 `json:"poll-max-ns"`
	Grow   uint64 `json:"poll-grow"`
	Shrink uint64 `json:"poll-shrink"`
}

// number is the thread's own number, 0 for another's.
func (t ioThread) number() int {
	n, _ := strconv.Atoi(strings.TrimPrefix(t.ID, "iothread"))
	return n
}

func ioThreadName(id int) string { return "iothread" + strconv.Itoa(id) }

func ioThreads(ctx context.Context, q *qmp.Conn) ([]ioThread, error) {
	var list []ioThread
	err := refusal("query-iothreads", q.Execute(ctx, "query-iothreads", nil, &list))
	return slices.DeleteFunc(list, func(t ioThread) bool { return t.number() == 0 }), err
}

// ioThreadPlace is where a definition lets a thread run.
func ioThreadPlace(dom *xml.Domain, id uint) xml.Set {
	if dom.CPUTune != nil {
		for _, p := range dom.CPUTune.IOThreadPins {
			if p.IOThread == id {
				return placed(dom, p.CPUSet)
			}
		}
	}
	return placed(dom, "")
}

// IOThreads lists the threads of the running guest, or of the definition.
func (d *domains) IOThreads(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]drivers.IOThread, error) {
	if f.Has(drivers.Live | drivers.Config) {
		return nil, xml.Errorf(xml.CodePlain, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")
	}
	dom, running, err := d.either(ctx, r, f)
	if err != nil {
		return nil, err
	}
	var out []drivers.IOThread
	if !running || f.Has(drivers.Config) {
		for _, t := range domain.IOThreads(dom) {
			out = append(out, drivers.IOThread{ID: int(t.ID), Affinity: ioThreadPlace(dom, t.ID)})
		}
		return out, nil
	}
	err = d.asked(ctx, r, func(q *qmp.Conn) error {
		list, err := ioThreads(ctx, q)
		for _, t := range list {
			out = append(out, drivers.IOThread{ID: t.number(), Affinity: affinity(t.Thread)})
		}
		return err
	})
	return out, err
}

// onThread changes documents, and with live the running guest first.
func (d *domains) onThread(ctx context.Context, r drivers.Ref, id int, f drivers.Flags, missing string, edit func(*xml.Domain, int) error, live func(*qmp.Conn, *xml.Domain) error) error {
	return d.alter(ctx, r, f, func(dom *xml.Domain) error {
		i := slices.IndexFunc(domain.IOThreads(dom), func(t xml.IOThread) bool { return int(t.ID) == id })
		if i < 0 && missing != "" {
			return xml.Errorf(xml.CodeInvalidArg, missing, id)
		}
		return edit(dom, i)
	}, func(dom *xml.Domain) error {
		return d.asked(ctx, r, func(q *qmp.Conn) error { return live(q, dom) })
	})
}

// AddIOThread adds a thread.
func (d *domains) AddIOThread(ctx context.Context, r drivers.Ref, id int, f drivers.Flags) error {
	return d.onThread(ctx, r, id, f, "", func(dom *xml.Domain, i int) error {
		if i >= 0 {
			return xml.Errorf(xml.CodeInvalidArg, "an IOThread is already using iothread_id '%d'", id)
		}
		domain.AddIOThread(dom, id)
		return nil
	}, func(q *qmp.Conn, dom *xml.Domain) error {
		args := map[string]any{"qom-type": "iothread", "id": ioThreadName(id)}
		if err := refusal("object-add", q.Execute(ctx, "object-add", args, nil)); err != nil {
			return err
		}
		list, err := ioThreads(ctx, q)
		for _, t := range list {
			if t.number() == id && err == nil {
				err = bind(t.Thread, ioThreadPlace(dom, uint(id)))
			}
		}
		return err
	})
}

// DelIOThread takes a thread away that nothing uses.
func (d *domains) DelIOThread(ctx context.Context, r drivers.Ref, id int, f drivers.Flags) error {
	return d.onThread(ctx, r, id, f, "cannot find IOThread '%d' in iothreadids list", func(dom *xml.Domain, i int) error {
		if err := threadInUse(dom, uint(id)); err != nil {
			return err
		}
		domain.DelIOThread(dom, i)
		return nil
	}, func(q *qmp.Conn, _ *xml.Domain) error {
		return refusal("object-del", q.Execute(ctx, "object-del", map[string]string{"id": ioThreadName(id)}, nil))
	})
}

// threadInUse refuses to take away a thread that a disk or a controller has.
func threadInUse(dom *xml.Domain, id uint) error {
	for i := range dom.Devices.Disks {
		if k := &dom.Devices.Disks[i]; k.Driver != nil && k.Driver.IOThread == id && k.Target != nil {
			return xml.Errorf(xml.CodeInvalidArg, "cannot remove IOThread %d since it is being used by disk '%s'", id, k.Target.Dev)
		}
	}
	for i := range dom.Devices.Controllers {
		if c := &dom.Devices.Controllers[i]; c.Driver != nil && c.Driver.IOThread == id && c.Index != nil {
			return xml.Errorf(xml.CodeInvalidArg, "cannot remove IOThread '%d' since it is being used by controller", id)
		}
	}
	return nil
}

// ioThreadProps are the properties of QEMU's object by the names of parameters.
var ioThreadProps = map[string]string{"poll_max_ns": "poll-max-ns", "poll_grow": "poll-grow", "poll_shrink": "poll-shrink",
	"thread_pool_min": "thread-pool-min", "thread_pool_max": "thread-pool-max"}

// SetIOThread sets how long a thread polls, and its pool.
func (d *domains) SetIOThread(ctx context.Context, r drivers.Ref, id int, list []drivers.Param, f drivers.Flags) error {
	return d.onThread(ctx, r, id, f, "cannot find IOThread '%d' in iothreadids", func(dom *xml.Domain, i int) error {
		return setIOThread(&dom.IOThreadIDs[i], list)
	}, func(q *qmp.Conn, _ *xml.Domain) error {
		for _, p := range list {
			args := map[string]any{"path": "/objects/" + ioThreadName(id), "property": ioThreadProps[p.Name], "value": p.Value}
			if err := refusal("qom-set", q.Execute(ctx, "qom-set", args, nil)); err != nil {
				return err
			}
		}
		return nil
	})
}

func setIOThread(t *xml.IOThread, list []drivers.Param) error {
	var lowest, highest *int
	for _, p := range list {
		if n, ok := p.Value.(int32); ok {
			v := int(n)
			switch p.Name {
			case "thread_pool_min":
				lowest = &v
			case "thread_pool_max":
				highest = &v
			}
			continue
		}
		domain.SetPoll(t, p)
	}
	if lowest != nil {
		t.Min = lowest
	}
	if highest != nil {
		t.Max = highest
	}
	if t.Min != nil && t.Max != nil && *t.Max >= 0 && *t.Min > *t.Max {
		return xml.Errorf(xml.CodeInvalidArg, "thread_pool_min (%d) can't be greater than thread_pool_max (%d)", *t.Min, *t.Max)
	}
	return nil
}

// PinIOThread says where a thread may run.
func (d *domains) PinIOThread(ctx context.Context, r drivers.Ref, id int, cpus xml.Set, f drivers.Flags) error {
	absent := "iothreadid %d not found"
	if _, is := d.touch(ctx, r.Name); is && (f.Has(drivers.Live) || !f.Has(drivers.Config)) {
		absent = "iothread %d not found"
	}
	return d.onThread(ctx, r, id, f, absent, func(dom *xml.Domain, _ int) error {
		domain.PinIOThread(dom, id, cpus)
		return nil
	}, func(q *qmp.Conn, _ *xml.Domain) error {
		list, err := ioThreads(ctx, q)
		for _, t := range list {
			if t.number() == id && err == nil {
				err = bind(t.Thread, cpus)
			}
		}
		return d.pinned(r, "iothreadpin"+strconv.Itoa(id), cpus, err)
	})
}
