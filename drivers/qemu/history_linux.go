package qemu

import (
	"context"
	"os"

	"virgo/drivers"
	"virgo/drivers/moment"
	"virgo/xml"
)

var _ drivers.Historian = (*domains)(nil)

// Former lists the domains that are defined no more and can be brought back.
func (d *domains) Former(context.Context) ([]drivers.FormerObject, error) { return d.store.Former() }

// Revisions are a domain's former definitions.
func (d *domains) Revisions(_ context.Context, name string) ([]drivers.Revision, error) {
	return d.store.Revisions(name)
}

// Revision is one of them, without its passwords unless f asks for them.
func (d *domains) Revision(_ context.Context, name string, number int, f drivers.Flags) ([]byte, error) {
	data, _, err := d.store.Revision(name, number)
	if err != nil || len(data) == 0 || f.Has(drivers.SecurityInfo) {
		return data, err
	}
	dom, err := readDomain(xml.Source{Name: name, Data: data})
	if err != nil {
		return nil, err
	}
	return printDomain(dom, false, 0)
}

// Undo brings back a former definition, byte for byte. That of a running domain
// counts from its next start.
func (d *domains) Undo(ctx context.Context, name string, number int) (drivers.Ref, bool, error) {
	if err := drivers.CheckName(name); err != nil {
		return drivers.Ref{}, false, err
	}
	lock, err := d.lockObject(ctx, name)
	if err != nil {
		return drivers.Ref{}, false, err
	}
	defer lock.Unlock()
	names, err := d.store.LockNames(ctx)
	if err != nil {
		return drivers.Ref{}, false, err
	}
	defer names.Unlock()
	existed := d.store.Has(name)
	uuid, gone, err := d.store.Undo(name, number, func(doc []byte) error {
		if err := d.clash(name, drivers.DocumentUUID(doc)); err != nil {
			return err
		}
		return d.sparesSnapshots(name, doc)
	})
	ref := d.refOf(name, uuid)
	switch {
	case err != nil:
	case gone:
		os.Remove(d.layout.ended(name))
		d.tell(ref, "Undefined", "Removed")
	case existed:
		d.tell(ref, "Defined", "Updated")
	default:
		d.tell(ref, "Defined", "Added")
	}
	return ref, gone, err
}

// sparesSnapshots refuses a definition that writes to an image above which a
// snapshot has put another: the snapshot, and the image above, would be lost.
func (d *domains) sparesSnapshots(name string, doc []byte) error {
	if len(doc) == 0 {
		return nil
	}
	dom, err := readDomain(xml.Source{Name: name, Data: doc})
	if err != nil {
		return err
	}
	set, err := moments{d.Conn, drivers.Snapshot}.load(drivers.Ref{Kind: drivers.Domain, Name: name, UUID: string(dom.UUID)})
	if err != nil {
		return err
	}
	below := map[string]string{}
	for _, m := range set.List {
		for i := range m.Disks {
			if m.Disks[i].Snapshot == "external" && m.Domain != nil && i < len(m.Domain.Devices.Disks) {
				below[moment.Image(&m.Domain.Devices.Disks[i])] = m.Name
			}
		}
	}
	for i := range dom.Devices.Disks {
		k := &dom.Devices.Disks[i]
		image := moment.Image(k)
		if snapshot := below[image]; image != "" && snapshot != "" && k.Target != nil {
			return xml.Errorf(xml.CodeOperationInvalid, "the former definition lets disk %s write to the image of snapshot '%s': delete or revert to the snapshot instead", k.Target.Dev, snapshot)
		}
	}
	return nil
}

// refOf names a domain whose object is locked.
func (d *domains) refOf(name, uuid string) drivers.Ref {
	ref := drivers.Ref{Kind: drivers.Domain, Name: name, UUID: uuid, ID: -1}
	if s, err := readStatus(d.layout.guest(name)); err == nil && s.QEMU.Alive() {
		ref.ID = s.ID
	}
	return ref
}
