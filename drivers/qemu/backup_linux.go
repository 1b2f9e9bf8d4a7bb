package qemu

import (
	"context"
	"os"
	"strconv"
	"time"

	"virgo/drivers"
	"virgo/drivers/moment"
	"virgo/drivers/qemu/block"
	"virgo/xml"
)

var _ drivers.Backuper = (*domains)(nil)

// BeginBackup begins to copy a running domain's disks, or to offer them to others.
func (d *domains) BeginBackup(ctx context.Context, dom drivers.Ref, backup xml.Source, checkpoint *xml.Source, f drivers.BackupFlags) error {
	if err := xml.CheckDocument(backup, &xml.Backup{}, "domainbackup"); err != nil {
		return err
	}
	if checkpoint != nil {
		if err := xml.CheckDocument(*checkpoint, &xml.Checkpoint{}, "domaincheckpoint"); err != nil {
			return err
		}
	}
	def := &xml.Backup{}
	if err := xml.Unmarshal(backup, def); err != nil {
		return err
	}
	if _, running := d.touch(ctx, dom.Name); !running {
		return xml.Errorf(xml.CodeUnsupported, "cannot perform disk backup for inactive domain")
	}
	m := moments{d.Conn, drivers.Checkpoint}
	var mark *moment.Moment
	if checkpoint != nil {
		var err error
		if mark, err = moment.Parse(drivers.Checkpoint, *checkpoint, moment.Options{Complete: m.complete(ctx)}); err != nil {
			return err
		}
	}
	return m.locked(ctx, dom, func(_ *drivers.Lock, set *moment.Set, running bool) error {
		if !running {
			return xml.Errorf(xml.CodeUnsupported, "cannot perform disk backup for inactive domain")
		}
		live, err := readLive(d.layout.guest(dom.Name))
		if err != nil {
			return err
		}
		localize(live, d.volume)
		suffix := strconv.FormatInt(time.Now().Unix(), 10)
		if mark != nil {
			suffix = mark.Name
			if err := m.prepareMark(dom, set, mark); err != nil {
				return err
			}
		}
		if err := alignBackup(def, live, set, suffix); err != nil {
			return err
		}
		doc, err := xml.Marshal(def)
		if err != nil {
			return err
		}
		q := block.BackupRequest{Doc: string(doc), Reuse: f.Reuse, Marks: marksOf(mark)}
		if err := d.ask(ctx, dom, cmdBlock, blockRequest{Op: opBackup, Backup: &q}, nil); err != nil || mark == nil {
			return err
		}
		if err := m.write(dom, mark); err != nil {
			return err
		}
		return m.point(dom, mark)
	})
}

// BackupXML prints the backup that is going on.
func (d *domains) BackupXML(ctx context.Context, dom drivers.Ref) ([]byte, error) {
	none := xml.Errorf(xml.CodeNoBackup, "no domain backup job present")
	if _, running := d.touch(ctx, dom.Name); !running {
		return nil, none
	}
	var doc string
	if err := d.ask(ctx, dom, cmdBlock, blockRequest{Op: opBackupDoc}, &doc); err != nil {
		return nil, err
	}
	if doc == "" {
		return nil, none
	}
	return []byte(doc), nil
}

// alignBackup gives each disk of the domain its place in a backup, and completes
// what is said of those that are copied.
func alignBackup(def *xml.Backup, live *xml.Domain, set *moment.Set, suffix string) error {
	if def.Mode == "" {
		def.Mode = "push"
	}
	if s := def.Server; s != nil && s.Transport != "unix" {
		if s.Transport == "" {
			s.Transport = "tcp"
		}
		if s.Name == "" {
			s.Name = "localhost"
		}
		if s.Port == 0 {
			s.Port = 10809
		}
	}
	given := make(map[string]*xml.BackupDisk)
	for i := range def.Disks {
		k := &def.Disks[i]
		d, err := block.DiskOf(live, k.Name)
		switch {
		case err != nil:
			return xml.Errorf(xml.CodeConfigUnsupported, "no disk named '%s'", k.Name)
		case given[d.Target.Dev] != nil:
			return xml.Errorf(xml.CodeConfigUnsupported, "disk '%s' specified twice", d.Target.Dev)
		case k.Backup != "no" && emptySource(d.Source):
			return xml.Errorf(xml.CodeConfigUnsupported, "disk '%s' has no media", d.Target.Dev)
		}
		k.Name, given[d.Target.Dev] = d.Target.Dev, k
	}
	var all []xml.BackupDisk
	selected := false
	for i := range live.Devices.Disks {
		d := &live.Devices.Disks[i]
		if d.Target == nil {
			continue
		}
		k := xml.BackupDisk{Name: d.Target.Dev, Backup: "no"}
		if g := given[d.Target.Dev]; g != nil {
			k = *g
		} else if len(def.Disks) == 0 && !emptySource(d.Source) && !d.Readonly {
			k.Backup = "yes"
		}
		if k.Backup != "no" {
			selected = true
			if err := completeBackup(def, &k, d, set, suffix); err != nil {
				return err
			}
		}
		all = append(all, k)
	}
	if !selected {
		return xml.Errorf(xml.CodeConfigUnsupported, "no disks selected for backup")
	}
	def.Disks = all
	return nil
}

// completeBackup completes what is said of one disk.
func completeBackup(def *xml.Backup, k *xml.BackupDisk, d *xml.Disk, set *moment.Set, suffix string) error {
	k.Backup = "yes"
	pull := def.Mode == "pull"
	if k.BackupMode == "" {
		k.BackupMode = "full"
		if k.Incremental != "" || def.Incremental != "" {
			k.BackupMode = "incremental"
		}
	}
	if k.BackupMode == "full" {
		k.Incremental = ""
	} else if k.Incremental == "" {
		k.Incremental = def.Incremental
	}
	if k.BackupMode == "incremental" {
		point := set.Find(k.Incremental)
		if point == nil {
			return xml.Errorf(xml.CodeNoDomainCheckpoint, "Checkpoint '%s' for incremental backup of disk '%s' not found", k.Incremental, k.Name)
		}
		marked := false
		for _, x := range point.Marks {
			marked = marked || x.Name == k.Name && x.Checkpoint == "bitmap"
		}
		if !marked {
			return xml.Errorf(xml.CodeNoDomainCheckpoint, "Checkpoint '%s' for incremental backup of disk '%s' not found", k.Incremental, k.Name)
		}
	}
	if pull {
		if k.ExportName == "" {
			k.ExportName = k.Name
		}
		if k.ExportBitmap == "" && k.BackupMode == "incremental" {
			k.ExportBitmap = "backup-" + k.Name
		}
	}
	store := &k.Target
	if pull {
		store = &k.Scratch
	}
	if k.Type == "" {
		k.Type = "file"
	}
	if *store == nil || (*store).File == "" && (*store).Dev == "" {
		path := moment.Image(d)
		if fi, err := os.Stat(path); path == "" || err != nil || !fi.Mode().IsRegular() {
			return xml.Errorf(xml.CodeConfigUnsupported, "refusing to generate file name for disk '%s'", k.Name)
		}
		*store = &xml.BackupTarget{File: path + "." + suffix}
	}
	if k.Driver == nil || k.Driver.Type == "" {
		k.Driver = &xml.PoolFormat{Type: "qcow2"}
	}
	if pull && k.Driver.Type != "qcow2" {
		return xml.Errorf(xml.CodeConfigUnsupported, "pull mode backup for disk '%s' requires qcow2 driver", k.Name)
	}
	return nil
}
