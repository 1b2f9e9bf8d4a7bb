package commands

import (
	"context"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// backupRows are the commands about backups of running domains.
func backupRows() []Command {
	domain := domainKind.object(completion.ActiveDomains)
	return []Command{
		{Name: "backup-begin", Summary: "copy a running domain's disks", Run: backupBegin, Options: opts(domain,
			str("backupxml", Positional, "file with an XML description of the backup").with(completion.Files),
			str("checkpointxml", Loose, "file with a checkpoint to make at the same moment").with(completion.Files),
			flag("reuse-external", "write into files that are there"),
			ownFlag("preserve-domain-on-shutdown", "keep a domain that shuts down paused until the backup is done"))},
		{Name: "backup-dumpxml", Summary: "print the XML description of a running backup", Run: backupXML, Options: opts(domain, xpathOptions())},
	}
}

func backupBegin(ctx context.Context, c *Call) error {
	backup := xml.Source{Name: "(domain_backup)", Data: []byte("<domainbackup/>")}
	var checkpoint *xml.Source
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	if c.Has("backupxml") {
		if backup, err = c.File("backupxml"); err != nil {
			return err
		}
	}
	if c.Has("checkpointxml") {
		src, err := c.File("checkpointxml")
		if err != nil {
			return err
		}
		checkpoint = &src
	}
	d, err := change[drivers.Backuper](c, objects, "virDomainBackupBegin")
	if err != nil {
		return err
	}
	if err := d.BeginBackup(ctx, ref, backup, checkpoint, drivers.BackupFlags{Reuse: c.Has("reuse-external"), Preserve: c.Has("preserve-domain-on-shutdown")}); err != nil {
		return err
	}
	c.Emit(Message{Text: "Backup started\n", Data: Data{{"domain", ref.Name}, {"action", "backup started"}}})
	return nil
}

func backupXML(ctx context.Context, c *Call) error {
	objects, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	d, err := query[drivers.Backuper](objects, "virDomainBackupGetXMLDesc")
	if err != nil {
		return err
	}
	doc, err := d.BackupXML(ctx, ref)
	if err != nil {
		return err
	}
	return c.document(doc)
}
