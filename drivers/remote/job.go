package remote

import (
	"context"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// BlockJob is the job of a disk.
func (d domains) BlockJob(ctx context.Context, r drivers.Ref, disk string) (*drivers.BlockJob, error) {
	var found, kind int32
	j := &drivers.BlockJob{}
	err := d.ask(ctx, procDomainGetBlockJobInfo, r, []any{disk, uint32(libvirt.DomainBlockJobInfoBandwidthBytes)}, &found, &kind, &j.Bandwidth, &j.Cur, &j.End)
	if err != nil || found == 0 {
		return nil, err
	}
	j.Kind = drivers.BlockJobKind(kind)
	return j, nil
}

// AbortBlockJob ends it.
func (d domains) AbortBlockJob(ctx context.Context, r drivers.Ref, disk string, pivot, async bool) error {
	return d.on(ctx, procDomainBlockJobAbort, r, disk, when(async, 1)|when(pivot, 2))
}

// SetBlockJobSpeed limits it.
func (d domains) SetBlockJobSpeed(ctx context.Context, r drivers.Ref, disk string, bytesPerSecond uint64) error {
	return d.on(ctx, procDomainBlockJobSetSpeed, r, disk, bytesPerSecond, uint32(libvirt.DomainBlockJobSpeedBandwidthBytes))
}

// BlockPull copies what lies below into the top image.
func (d domains) BlockPull(ctx context.Context, r drivers.Ref, disk, base string, o drivers.BlockJobOptions) error {
	bytes := when(o.Bandwidth != 0, uint32(libvirt.DomainBlockPullBandwidthBytes))
	if base == "" && !o.KeepRelative {
		return d.on(ctx, procDomainBlockPull, r, disk, o.Bandwidth, bytes)
	}
	return d.on(ctx, procDomainBlockRebase, r, disk, optional(base), o.Bandwidth, bytes|when(o.KeepRelative, 16))
}

// BlockCommit writes images into one below.
func (d domains) BlockCommit(ctx context.Context, r drivers.Ref, disk, base, top string, o drivers.BlockJobOptions) error {
	flags := when(o.Shallow, 1) | when(o.Delete, 2) | when(o.Active, 4) | when(o.KeepRelative, 8) | when(o.Bandwidth != 0, 16)
	return d.on(ctx, procDomainBlockCommit, r, disk, optional(base), optional(top), o.Bandwidth, flags)
}

// BlockCopy copies a disk. What the older of the daemon's two calls can be told,
// it is told: not all drivers have the newer one.
func (d domains) BlockCopy(ctx context.Context, r drivers.Ref, disk string, dest []byte, o drivers.BlockJobOptions) error {
	if path, raw, block := plainTarget(dest); o.Plain && path != "" {
		flags := uint32(libvirt.DomainBlockRebaseCopy) | when(o.Shallow, 1) | when(o.Reuse, 2) | when(raw, 4) | when(block, 32) | when(o.Bandwidth != 0, 64)
		return d.on(ctx, procDomainBlockRebase, r, disk, &path, o.Bandwidth, flags)
	}
	if o.DestIsZero {
		return xml.Bare(xml.CodeInvalidArg, "unsupported flags (0x10) in function qemuDomainBlockCopy")
	}
	var p []drivers.Param
	if o.Bandwidth != 0 {
		p = append(p, drivers.Param{Name: "bandwidth", Value: o.Bandwidth})
	}
	if o.Granularity != 0 {
		p = append(p, drivers.Param{Name: "granularity", Value: uint32(o.Granularity)})
	}
	if o.BufSize != 0 {
		p = append(p, drivers.Param{Name: "buf-size", Value: o.BufSize})
	}
	flags := when(o.Shallow, 1) | when(o.Reuse, 2) | when(o.Transient, 4) | when(o.Synchronous, 8)
	return d.on(ctx, procDomainBlockCopy, r, disk, string(dest), typed(p), flags)
}

// plainTarget reads a copy's destination that is no more than a path.
func plainTarget(dest []byte) (path string, raw, block bool) {
	root, err := xml.Parse(xml.Source{Data: dest})
	if err != nil {
		return "", false, false
	}
	if s := root.Child("source"); s != nil {
		path, _ = s.Attr("file")
		if path == "" {
			path, block = s.Attr("dev")
		}
	}
	if n := root.Child("driver"); n != nil {
		format, _ := n.Attr("type")
		raw = format == "raw"
	}
	return path, raw, block
}

// BlockResize sets a disk's size.
func (d domains) BlockResize(ctx context.Context, r drivers.Ref, disk string, bytes uint64, extend bool) error {
	flags := uint32(libvirt.DomainBlockResizeBytes)
	if bytes == 0 {
		flags = uint32(libvirt.DomainBlockResizeCapacity)
	}
	return d.on(ctx, procDomainBlockResize, r, disk, bytes, flags|when(extend, 4))
}

// SetBlockThreshold asks for an event once a disk's image has grown.
func (d domains) SetBlockThreshold(ctx context.Context, r drivers.Ref, disk string, bytes uint64) error {
	return d.on(ctx, procDomainSetBlockThreshold, r, disk, bytes, uint32(0))
}

// Job is what a domain is busy with.
func (d domains) Job(ctx context.Context, r drivers.Ref) (drivers.Job, error) {
	var j libvirt.DomainGetJobInfoRet
	if err := d.ask(ctx, procDomainGetJobInfo, r, nil, &j); err != nil {
		return drivers.Job{}, err
	}
	out := drivers.Job{Type: drivers.JobType(j.Type)}
	for _, p := range []struct {
		name  string
		value uint64
	}{{"time_elapsed", j.TimeElapsed}, {"time_remaining", j.TimeRemaining}, {"data_total", j.DataTotal}, {"data_processed", j.DataProcessed},
		{"data_remaining", j.DataRemaining}, {"memory_total", j.MemTotal}, {"memory_processed", j.MemProcessed}, {"memory_remaining", j.MemRemaining},
		{"disk_total", j.FileTotal}, {"disk_processed", j.FileProcessed}, {"disk_remaining", j.FileRemaining}} {
		out.Stats = append(out.Stats, drivers.Param{Name: p.name, Value: p.value})
	}
	return out, nil
}

// AbortJob ends it.
func (d domains) AbortJob(ctx context.Context, r drivers.Ref) error {
	return d.on(ctx, procDomainAbortJob, r)
}

// JobStats is Job with more to ask for.
func (d domains) JobStats(ctx context.Context, r drivers.Ref, o drivers.JobOptions) (drivers.Job, error) {
	var kind int32
	var list []libvirt.TypedParam
	err := d.ask(ctx, procDomainGetJobStats, r, []any{when(o.Completed, 1) | when(o.Keep, 2)}, &kind, &list)
	if unsupported(err) && !o.Completed && !o.Any {
		return d.Job(ctx, r)
	}
	return drivers.Job{Type: drivers.JobType(kind), Stats: params(list)}, err
}

// AbortPostcopy interrupts a migration that copies afterwards.
func (d domains) AbortPostcopy(ctx context.Context, r drivers.Ref) error {
	return d.on(ctx, procDomainAbortJobFlags, r, uint32(libvirt.DomainAbortJobPostcopy))
}

// MaxDowntime is how long a migration may stop the domain.
func (d domains) MaxDowntime(ctx context.Context, r drivers.Ref) (uint64, error) {
	return d.limit(ctx, procDomainMigrateGetMaxDowntime, r, 0)
}

// limit reads one of migration's limits.
func (d domains) limit(ctx context.Context, procedure uint32, r drivers.Ref, flags uint32) (uint64, error) {
	var n uint64
	err := d.ask(ctx, procedure, r, []any{flags}, &n)
	return n, err
}

// SetMaxDowntime sets it.
func (d domains) SetMaxDowntime(ctx context.Context, r drivers.Ref, ms uint64) error {
	return d.on(ctx, procDomainMigrateSetMaxDowntime, r, ms, uint32(0))
}

// CompressionCache is the size of the cache of pages.
func (d domains) CompressionCache(ctx context.Context, r drivers.Ref) (uint64, error) {
	return d.limit(ctx, procDomainMigrateGetCompressionCache, r, 0)
}

// SetCompressionCache sets it.
func (d domains) SetCompressionCache(ctx context.Context, r drivers.Ref, bytes uint64) error {
	return d.on(ctx, procDomainMigrateSetCompressionCache, r, bytes, uint32(0))
}

// MaxSpeed is how fast a migration may be.
func (d domains) MaxSpeed(ctx context.Context, r drivers.Ref, postcopy bool) (uint64, error) {
	return d.limit(ctx, procDomainMigrateGetMaxSpeed, r, when(postcopy, 1))
}

// SetMaxSpeed sets it.
func (d domains) SetMaxSpeed(ctx context.Context, r drivers.Ref, mib uint64, postcopy bool) error {
	return d.on(ctx, procDomainMigrateSetMaxSpeed, r, mib, when(postcopy, 1))
}

// StartPostcopy has a migration go on after the domain has moved.
func (d domains) StartPostcopy(ctx context.Context, r drivers.Ref) error {
	return d.on(ctx, procDomainMigrateStartPostCopy, r, uint32(0))
}

// BeginBackup starts a copy of a running domain's disks.
func (d domains) BeginBackup(ctx context.Context, r drivers.Ref, backup xml.Source, checkpoint *xml.Source, f drivers.BackupFlags) error {
	var second *string
	if checkpoint != nil {
		second = document(checkpoint.Data)
	}
	return d.on(ctx, procDomainBackupBegin, r, string(backup.Data), second, when(f.Reuse, 1)|when(f.Preserve, 2))
}

// BackupXML is the document of the backup under way.
func (d domains) BackupXML(ctx context.Context, r drivers.Ref) ([]byte, error) {
	var doc string
	err := d.ask(ctx, procDomainBackupGetXMLDesc, r, []any{uint32(0)}, &doc)
	return []byte(doc), err
}
