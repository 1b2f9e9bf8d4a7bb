package completion

import (
	"context"
	"strconv"

	"virgo/drivers"
)

// historian gives what a connection keeps of the former definitions of a kind, or nil.
func historian(e Env, kind drivers.Kind) drivers.Historian {
	conn, err := e.Conn()
	if err != nil {
		return nil
	}
	h, _ := conn.Objects(kind).(drivers.Historian)
	return h
}

// WithHistory completes objects that are defined, and those that were.
func WithHistory(kind drivers.Kind) Func {
	return func(ctx context.Context, e Env) []Candidate {
		h := historian(e, kind)
		if h == nil {
			return nil
		}
		out := objects(ctx, e, kind, drivers.Filter{Persistent: drivers.Yes})
		former, _ := h.Former(ctx)
		for _, f := range former {
			out = append(out, Candidate{f.Name, "undefined"})
		}
		return out
	}
}

// Revisions completes the numbers of the former definitions of the object that
// an option names.
func Revisions(kind drivers.Kind, option string) Func {
	return func(ctx context.Context, e Env) []Candidate {
		h := historian(e, kind)
		if h == nil {
			return nil
		}
		list, _ := h.Revisions(ctx, e.Value(option))
		var out []Candidate
		for _, r := range list {
			out = append(out, Candidate{strconv.Itoa(r.Number), r.Command})
		}
		return out
	}
}
