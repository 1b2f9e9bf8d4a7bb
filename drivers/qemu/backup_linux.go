package qemu

import (
	"context"

	"virgo/drivers"
	"virgo/xml"
)

var _ drivers.Backuper = (*domains)(nil)

// BeginBackup checks what is asked for. A domain that does not run is copied
// like any file.
func (d *domains) BeginBackup(ctx context.Context, dom drivers.Ref, backup xml.Source, checkpoint *xml.Source, _ drivers.BackupFlags) error {
	if err := xml.CheckDocument(backup, &xml.Backup{}, "domainbackup"); err != nil {
		return err
	}
	if checkpoint != nil {
		if err := xml.CheckDocument(*checkpoint, &xml.Checkpoint{}, "domaincheckpoint"); err != nil {
			return err
		}
	}
	if _, running := d.touch(ctx, dom.Name); !running {
		return xml.Errorf(xml.CodeUnsupported, "cannot perform disk backup for inactive domain")
	}
	return drivers.Unsupported("virDomainBackupBegin")
}

// BackupXML prints the backup that is going on: none is.
func (d *domains) BackupXML(context.Context, drivers.Ref) ([]byte, error) {
	return nil, xml.Errorf(xml.CodeNoBackup, "no domain backup job present")
}
