package qemu

import (
	"context"

	"virgo/drivers"
	"virgo/drivers/moment"
	"virgo/drivers/qemu/block"
	"virgo/xml"
)

// prepareMark completes a checkpoint that is to be made, and refuses what cannot be.
func (m moments) prepareMark(dom drivers.Ref, set *moment.Set, one *moment.Moment) error {
	def, err := m.domains().portable(dom)
	if err != nil {
		return err
	}
	one.Domain = def
	if set.Current != nil {
		one.Parent = set.Current.Name
	}
	if err := one.Align(""); err != nil {
		return err
	}
	if err := set.Taken(one); err != nil {
		return err
	}
	for _, k := range one.Marks {
		if k.Checkpoint != "bitmap" {
			continue
		}
		if k.Bitmap != one.Name {
			return xml.Errorf(xml.CodeConfigUnsupported, "bitmap for disk '%s' must match checkpoint name '%s'", k.Name, one.Name)
		}
		if d := one.Disk(k.Name); d != nil {
			if f := diskFormat(d); f != "qcow2" {
				return xml.Errorf(xml.CodeConfigUnsupported, "checkpoint for disk %s unsupported for storage type %s", k.Name, f)
			}
		}
	}
	return nil
}

// marksOf are the bitmaps of a checkpoint, which may be nil.
func marksOf(one *moment.Moment) []block.Mark {
	var list []block.Mark
	if one != nil {
		for _, k := range one.Marks {
			if k.Checkpoint == "bitmap" {
				list = append(list, block.Mark{Disk: k.Name, Bitmap: k.Bitmap})
			}
		}
	}
	return list
}

// mark makes a checkpoint of a running domain.
func (m moments) mark(ctx context.Context, dom drivers.Ref, set *moment.Set, one *moment.Moment, quiesce bool) error {
	if err := m.prepareMark(dom, set, one); err != nil {
		return err
	}
	if quiesce {
		thaw, err := m.domains().quiesce(ctx, dom)
		if err != nil {
			return err
		}
		defer thaw()
	}
	if err := m.domains().ask(ctx, dom, cmdBlock, blockRequest{Op: opMark, Marks: marksOf(one)}, nil); err != nil {
		return err
	}
	if err := m.write(dom, one); err != nil {
		return err
	}
	return m.point(dom, one)
}

// unmark drops the bitmaps of a checkpoint.
func (m moments) unmark(ctx context.Context, dom drivers.Ref, one *moment.Moment) error {
	return m.domains().ask(ctx, dom, cmdBlock, blockRequest{Op: opUnmark, Marks: marksOf(one)}, nil)
}

// sized notes how much has changed on the disks of a checkpoint.
func (m moments) sized(ctx context.Context, dom drivers.Ref, one *moment.Moment) error {
	var sizes map[string]uint64
	if err := m.domains().ask(ctx, dom, cmdBlock, blockRequest{Op: opSizes, Marks: marksOf(one)}, &sizes); err != nil {
		return err
	}
	for i := range one.Marks {
		if n, ok := sizes[one.Marks[i].Name]; ok {
			one.Marks[i].Size = &n
		}
	}
	return nil
}

// checkMarks refuses a checkpoint whose bitmaps are not there.
func (m moments) checkMarks(ctx context.Context, dom drivers.Ref, one *moment.Moment) error {
	return m.domains().ask(ctx, dom, cmdBlock, blockRequest{Op: opSizes, Marks: marksOf(one)}, nil)
}
