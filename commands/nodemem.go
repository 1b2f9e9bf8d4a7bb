package commands

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"virgo/completion"
	"virgo/drivers"
)

// nodeRows are the commands about the host's memory, its encryption and its sleep.
func nodeRows() []Command {
	free := func(name string, f Flag, help string) Option { return num(name, f, help).with(completion.Free) }
	return []Command{
		{Name: "allocpages", Summary: "set how many huge pages the host has", Run: allocpages, Options: opts(
			num("pagesize", RP, "size of the pages, in KiB if no unit is given").with(completion.PageSizes), free("pagecount", RP, "how many"),
			num("cellno", Loose, "number of a NUMA cell").with(completion.Cells), flag("add", "add to those there are"), flag("all", "in all cells"))},
		{Name: "node-memory-tune", Summary: "show or set how the host shares memory", Run: nodeMemoryTune, Options: opts(
			free("shm-pages-to-scan", Loose, "pages to look at before a pause"), free("shm-sleep-millisecs", Loose, "length of the pause"),
			free("shm-merge-across-nodes", Loose, "whether pages of different NUMA nodes are merged"))},
		{Name: "nodememstats", Summary: "show the host's memory", Run: nodememstats, Options: opts(
			num("cell", Loose, "number of a NUMA cell; all if none is given").with(completion.Cells))},
		{Name: "nodesevinfo", Summary: "show what AMD's memory encryption offers", Run: nodesevinfo},
		{Name: "nodesuspend", Summary: "send the host to sleep", Run: nodesuspend, Options: opts(
			str("target", RP, "mem, disk or hybrid").of("mem disk hybrid"), free("duration", RP, "seconds until it wakes, at least 60"))},
	}
}

func allocpages(ctx context.Context, c *Call) error {
	if err := c.Exclusive("all", "cellno"); err != nil {
		return err
	}
	cell, given, err := c.Int32("cellno")
	if err != nil {
		return err
	}
	bytes, _, err := c.Scaled("pagesize", 1024, math.MaxUint32*1024)
	if err != nil {
		return err
	}
	count, _, err := c.Uint64("pagecount")
	if err != nil {
		return err
	}
	first, cells := -1, 1
	if given {
		first = cell
	}
	if c.Has("all") {
		root, err := hostCapabilities(ctx, c)
		if err != nil {
			return err
		}
		first, cells = 0, len(cellIDs(root))
	}
	h, err := change[drivers.PageAllocator](c, c.conn, "virNodeAllocPages")
	if err != nil {
		return err
	}
	return h.AllocPages(ctx, uint(bytes/1024), count, first, cells, c.Has("add"))
}

func nodeMemoryTune(ctx context.Context, c *Call) error {
	var set []drivers.Param
	for _, o := range []string{"shm-pages-to-scan", "shm-sleep-millisecs", "shm-merge-across-nodes"} {
		v, given, err := c.Uint32(o)
		if err != nil {
			return err
		}
		if given {
			set = append(set, drivers.Param{Name: strings.ReplaceAll(strings.TrimPrefix(o, "shm-"), "-", "_"), Value: v})
		}
	}
	if len(set) > 0 {
		h, err := change[drivers.NodeMemoryTuner](c, c.conn, "virNodeSetMemoryParameters")
		if err == nil {
			err = h.SetNodeMemoryParams(ctx, set)
		}
		if err != nil {
			return failed(err, "Unable to change memory parameters")
		}
		return nil
	}
	h, err := query[drivers.NodeMemoryTuner](c.conn, "virNodeGetMemoryParameters")
	var list []drivers.Param
	if err == nil {
		list, err = h.NodeMemoryParams(ctx)
	}
	if err != nil {
		return failed(err, "Unable to get number of memory parameters")
	}
	if len(list) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("Shared memory:\n")
	d := Data{}
	for _, p := range list {
		fmt.Fprintf(&b, "\t%-15s %v\n", "shm_"+p.Name, p.Value)
		d = append(d, Pair{"shm_" + p.Name, p.Value})
	}
	c.Emit(Message{Text: b.String(), Data: d})
	return nil
}

func nodememstats(ctx context.Context, c *Call) error {
	cell, given, err := c.Int32("cell")
	if err != nil {
		return err
	}
	if !given {
		cell = -1
	}
	h, err := query[drivers.NodeMemoryStatser](c.conn, "virNodeGetMemoryStats")
	var list []drivers.Param
	if err == nil {
		list, err = h.NodeMemoryStats(ctx, cell)
	}
	if err != nil {
		return failed(err, "Unable to get number of memory stats")
	}
	f := Fields{Width: 8}
	for _, p := range list {
		f.Items = append(f.Items, Field{Label: fmt.Sprintf("%-7s", p.Name), Key: p.Name + "_kib", Value: p.Value, Text: fmt.Sprintf("%20d KiB", p.Value)})
	}
	c.Emit(f)
	return nil
}

func nodesevinfo(ctx context.Context, c *Call) error {
	h, err := query[drivers.SEVInfoer](c.conn, "virNodeGetSEVInfo")
	var list []drivers.Param
	if err == nil {
		list, err = h.SEVInfo(ctx)
	}
	if err != nil {
		return failed(err, "Unable to get host SEV information")
	}
	var b strings.Builder
	d := Data{}
	for _, p := range list {
		fmt.Fprintf(&b, "%-18s: %v\n", p.Name, p.Value)
		d = append(d, Pair{keyOf(p.Name), p.Value})
	}
	c.Emit(Message{Text: b.String(), Data: d})
	return nil
}

func nodesuspend(ctx context.Context, c *Call) error {
	seconds, _, err := c.Int("duration", math.MinInt64, math.MaxInt64)
	if err != nil {
		return err
	}
	target := c.Str("target")
	switch {
	case !hasWord("mem disk hybrid", target):
		return shellError("Invalid target")
	case seconds < 0:
		return shellError("Invalid duration")
	}
	h, err := change[drivers.Suspender](c, c.conn, "virNodeSuspendForDuration")
	if err == nil {
		err = h.SuspendHost(ctx, target, time.Duration(seconds)*time.Second)
	}
	if err != nil {
		return failed(err, "The host was not suspended")
	}
	return nil
}
