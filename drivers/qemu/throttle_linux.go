package qemu

import (
	"context"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// mostThrottle is the highest limit that QEMU takes.
const mostThrottle = 1000000000000000

// throttleSets are limits that are set together: who sets one of them sets the
// others to nothing.
func throttleSets(t *xml.IOTune) [][]*uint64 {
	return [][]*uint64{{&t.TotalBytes, &t.ReadBytes, &t.WriteBytes}, {&t.TotalIOPS, &t.ReadIOPS, &t.WriteIOPS},
		{&t.TotalBytesMax, &t.ReadBytesMax, &t.WriteBytesMax}, {&t.TotalIOPSMax, &t.ReadIOPSMax, &t.WriteIOPSMax}, {&t.SizeIOPS},
		{&t.TotalBytesLen, &t.ReadBytesLen, &t.WriteBytesLen}, {&t.TotalIOPSLen, &t.ReadIOPSLen, &t.WriteIOPSLen}}
}

// setNames are the parameters of each of throttleSets, and the name of those that
// exclude each other.
var setNames = []struct {
	names []string
	what  string
}{{[]string{"total_bytes_sec", "read_bytes_sec", "write_bytes_sec"}, "bytes_sec"}, {[]string{"total_iops_sec", "read_iops_sec", "write_iops_sec"}, "iops_sec"},
	{[]string{"total_bytes_sec_max", "read_bytes_sec_max", "write_bytes_sec_max"}, "bytes_sec_max"},
	{[]string{"total_iops_sec_max", "read_iops_sec_max", "write_iops_sec_max"}, "iops_sec_max"}, {[]string{"size_iops_sec"}, ""},
	{[]string{"total_bytes_sec_max_length", "read_bytes_sec_max_length", "write_bytes_sec_max_length"}, ""},
	{[]string{"total_iops_sec_max_length", "read_iops_sec_max_length", "write_iops_sec_max_length"}, ""}}

// setThrottle sets limits of a disk, and of those in its group.
func setThrottle(dom *xml.Domain, k *xml.Disk, list []drivers.Param) error {
	var t, given xml.IOTune
	if k.IOTune != nil {
		t = *k.IOTune
	}
	for _, p := range list {
		if v, ok := p.Value.(uint64); ok && v > mostThrottle {
			return xml.Errorf(xml.CodeArgUnsupported, "block I/O throttle limit value must be no more than %d", mostThrottle)
		}
	}
	domain.ReadDiskLimits(&given, list)
	sets, news := throttleSets(&t), throttleSets(&given)
	for i, s := range setNames {
		asked := false
		for _, p := range list {
			for _, name := range s.names {
				asked = asked || p.Name == name
			}
		}
		if !asked {
			continue
		}
		for j := range sets[i] {
			*sets[i][j] = *news[i][j]
		}
		if s.what != "" && *sets[i][0] != 0 && (*sets[i][1] != 0 || *sets[i][2] != 0) {
			return xml.Errorf(xml.CodeInvalidArg, "total and read/write of %s cannot be set at the same time", s.what)
		}
	}
	if given.Group != "" {
		t.Group = given.Group
	}
	put := func(k *xml.Disk) {
		if k.IOTune = nil; t != (xml.IOTune{}) {
			own := t
			k.IOTune = &own
		}
	}
	put(k)
	for i := range dom.Devices.Disks {
		if o := &dom.Devices.Disks[i]; t.Group != "" && o.IOTune != nil && o.IOTune.Group == t.Group {
			put(o)
		}
	}
	return nil
}

// throttled is what query-block says of a disk's limits.
type throttled struct {
	QDev     string
	Inserted *struct {
		BPS         uint64 `json:"bps"`
		BPSRead     uint64 `json:"bps_rd"`
		BPSWrite    uint64 `json:"bps_wr"`
		IOPS        uint64 `json:"iops"`
		IOPSRead    uint64 `json:"iops_rd"`
		IOPSWrite   uint64 `json:"iops_wr"`
		BPSMax      uint64 `json:"bps_max"`
		BPSReadMax  uint64 `json:"bps_rd_max"`
		BPSWriteMax uint64 `json:"bps_wr_max"`
		IOPSMax     uint64 `json:"iops_max"`
		IOPSReadMax uint64 `json:"iops_rd_max"`
		IOPSWrMax   uint64 `json:"iops_wr_max"`
		BPSLen      uint64 `json:"bps_max_length"`
		BPSReadLen  uint64 `json:"bps_rd_max_length"`
		BPSWriteLen uint64 `json:"bps_wr_max_length"`
		IOPSLen     uint64 `json:"iops_max_length"`
		IOPSReadLen uint64 `json:"iops_rd_max_length"`
		IOPSWrLen   uint64 `json:"iops_wr_max_length"`
		IOPSSize    uint64 `json:"iops_size"`
		Group       string `json:"group"`
	}
}

// blockOf finds a disk's back end.
func blockOf(ctx context.Context, q *qmp.Conn, k *xml.Disk) (*throttled, error) {
	var list []throttled
	if err := refusal("query-block", q.Execute(ctx, "query-block", nil, &list)); err != nil {
		return nil, err
	}
	for i := range list {
		if ofDisk(list[i].QDev, aliasOf(k.Alias)) {
			return &list[i], nil
		}
	}
	return nil, xml.Errorf(xml.CodeInternal, "cannot find statistics for device '%s'", aliasOf(k.Alias))
}

// burstsHaveLimits refuses a burst above no limit.
func burstsHaveLimits(t *xml.IOTune) error {
	for _, l := range []struct {
		name        string
		limit, most uint64
	}{{"total_bytes_sec", t.TotalBytes, t.TotalBytesMax}, {"read_bytes_sec", t.ReadBytes, t.ReadBytesMax}, {"write_bytes_sec", t.WriteBytes, t.WriteBytesMax},
		{"total_iops_sec", t.TotalIOPS, t.TotalIOPSMax}, {"read_iops_sec", t.ReadIOPS, t.ReadIOPSMax}, {"write_iops_sec", t.WriteIOPS, t.WriteIOPSMax}} {
		if l.limit == 0 && l.most > 0 {
			return xml.Errorf(xml.CodeConfigUnsupported, "cannot reset '%s' when '%s_max' is set", l.name, l.name)
		}
	}
	return nil
}

// throttle gives a disk the limits that its document says.
func throttle(ctx context.Context, q *qmp.Conn, k *xml.Disk) error {
	b, err := blockOf(ctx, q, k)
	if err != nil {
		return err
	}
	var t xml.IOTune
	if k.IOTune != nil {
		t = *k.IOTune
	}
	if err := burstsHaveLimits(&t); err != nil {
		return err
	}
	args := map[string]any{"id": b.QDev, "bps": t.TotalBytes, "bps_rd": t.ReadBytes, "bps_wr": t.WriteBytes,
		"iops": t.TotalIOPS, "iops_rd": t.ReadIOPS, "iops_wr": t.WriteIOPS}
	for name, v := range map[string]uint64{"bps_max": t.TotalBytesMax, "bps_rd_max": t.ReadBytesMax, "bps_wr_max": t.WriteBytesMax,
		"iops_max": t.TotalIOPSMax, "iops_rd_max": t.ReadIOPSMax, "iops_wr_max": t.WriteIOPSMax, "iops_size": t.SizeIOPS,
		"bps_max_length": t.TotalBytesLen, "bps_rd_max_length": t.ReadBytesLen, "bps_wr_max_length": t.WriteBytesLen,
		"iops_max_length": t.TotalIOPSLen, "iops_rd_max_length": t.ReadIOPSLen, "iops_wr_max_length": t.WriteIOPSLen} {
		if v != 0 {
			args[name] = v
		}
	}
	if t.Group != "" {
		args["group"] = t.Group
	}
	return refusal("block_set_io_throttle", q.Execute(ctx, "block_set_io_throttle", args, nil))
}

// liveDisk reads a running guest's limits of a disk.
func (d *domains) liveDisk(ctx context.Context, r drivers.Ref, k *xml.Disk) ([]drivers.Param, error) {
	var t xml.IOTune
	err := d.asked(ctx, r, func(q *qmp.Conn) error {
		b, err := blockOf(ctx, q, k)
		if err != nil || b.Inserted == nil {
			return err
		}
		v := b.Inserted
		t = xml.IOTune{TotalBytes: v.BPS, ReadBytes: v.BPSRead, WriteBytes: v.BPSWrite, TotalIOPS: v.IOPS, ReadIOPS: v.IOPSRead, WriteIOPS: v.IOPSWrite,
			TotalBytesMax: v.BPSMax, ReadBytesMax: v.BPSReadMax, WriteBytesMax: v.BPSWriteMax, TotalIOPSMax: v.IOPSMax, ReadIOPSMax: v.IOPSReadMax,
			WriteIOPSMax: v.IOPSWrMax, SizeIOPS: v.IOPSSize, Group: v.Group, TotalBytesLen: v.BPSLen, ReadBytesLen: v.BPSReadLen, WriteBytesLen: v.BPSWriteLen,
			TotalIOPSLen: v.IOPSLen, ReadIOPSLen: v.IOPSReadLen, WriteIOPSLen: v.IOPSWrLen}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return domain.DiskParams(&xml.Disk{IOTune: &t}), nil
}
