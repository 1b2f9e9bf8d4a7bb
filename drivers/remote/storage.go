package remote

import (
	"context"
	"io"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// pools are the storage pools of a daemon.
type pools struct{ *Conn }

func pool(r drivers.Ref) libvirt.StoragePool {
	return libvirt.StoragePool{Name: r.Name, UUID: uuidOf(r.UUID)}
}

func poolRef(p libvirt.StoragePool) drivers.Ref {
	return drivers.Ref{Kind: drivers.Pool, Name: p.Name, UUID: xml.FormatUUID(p.UUID), ID: -1}
}

// poolTypes are the kinds of pools, by the daemon's bits from 64 on.
const poolTypes = "dir fs netfs logical disk iscsi scsi mpath rbd sheepdog gluster zfs vstorage iscsi-direct"

// List gives the pools.
func (p pools) List(ctx context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	flags := choices(f.Active, 2, 1) | choices(f.Persistent, 4, 8) | choices(f.Autostart, 16, 32)
	for _, t := range f.Types {
		flags |= 64 << ordinal(poolTypes, t)
	}
	var list []libvirt.StoragePool
	if err := p.call(ctx, procConnectListAllStoragePools, []any{int32(1), flags}, &list); err != nil {
		return nil, err
	}
	entries := make([]drivers.Entry, len(list))
	more := make([]poolValues, len(list))
	b := p.batch()
	for i, x := range list {
		entries[i].Ref = poolRef(x)
		more[i].ask(ctx, b, x)
	}
	if err := b.wait(ctx); err != nil {
		return nil, err
	}
	for i := range entries {
		more[i].fill(&entries[i])
	}
	return entries, nil
}

// poolValues are what the daemon is asked of each pool.
type poolValues struct {
	active, persistent, autostart int32
	autoErr                       error
}

func (v *poolValues) ask(ctx context.Context, b *batch, x libvirt.StoragePool) {
	b.add(ctx, procStoragePoolIsActive, []any{x}, &v.active)
	b.add(ctx, procStoragePoolIsPersistent, []any{x}, &v.persistent)
	b.try(ctx, &v.autoErr, procStoragePoolGetAutostart, []any{x}, &v.autostart)
}

func (v *poolValues) fill(e *drivers.Entry) {
	e.Active, e.Persistent, e.Autostart = v.active == 1, v.persistent == 1, v.autostart == 1
	e.NoAutostart = v.autoErr != nil
}

// Entry is what pool-info shows of one.
func (p pools) Entry(ctx context.Context, r drivers.Ref) (drivers.Entry, error) {
	e := drivers.Entry{Ref: r}
	var v poolValues
	b := p.batch()
	v.ask(ctx, b, pool(r))
	err := b.wait(ctx)
	v.fill(&e)
	return e, err
}

// Lookup finds a pool.
func (p pools) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	var x libvirt.StoragePool
	var err error
	if by == drivers.ByUUID {
		err = p.call(ctx, procStoragePoolLookupByUUID, []any{uuidOf(word)}, &x)
	} else {
		err = p.call(ctx, procStoragePoolLookupByName, []any{word}, &x)
	}
	return poolRef(x), err
}

// XML is the daemon's document.
func (p pools) XML(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	return p.text(ctx, procStoragePoolGetXMLDesc, pool(r), bits(f, bit{drivers.Inactive, 1}))
}

// Define keeps a definition.
func (p pools) Define(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	var x libvirt.StoragePool
	err := p.call(ctx, procStoragePoolDefineXML, []any{string(src.Data), bits(f, bit{drivers.Validate, 1})}, &x)
	return poolRef(x), err
}

// Undefine drops it.
func (p pools) Undefine(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return p.call(ctx, procStoragePoolUndefine, []any{pool(r)})
}

// poolStart are the flags of Create and Start.
func poolStart(f drivers.Flags) uint32 {
	return bits(f, bit{drivers.Build, 1}, bit{drivers.Overwrite, 2}, bit{drivers.NoOverwrite, 4})
}

// Create starts a pool that is not kept.
func (p pools) Create(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	var x libvirt.StoragePool
	err := p.call(ctx, procStoragePoolCreateXML, []any{string(src.Data), poolStart(f)}, &x)
	return poolRef(x), err
}

// Start starts a kept pool.
func (p pools) Start(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	return p.call(ctx, procStoragePoolCreate, []any{pool(r), poolStart(f)})
}

// Destroy stops one.
func (p pools) Destroy(ctx context.Context, r drivers.Ref, _ drivers.Flags) error {
	return p.call(ctx, procStoragePoolDestroy, []any{pool(r)})
}

// SetAutostart marks a pool to be started with the host.
func (p pools) SetAutostart(ctx context.Context, r drivers.Ref, on bool) error {
	return p.call(ctx, procStoragePoolSetAutostart, []any{pool(r), number(on)})
}

// PoolInfo tells a pool's state and sizes.
func (p pools) PoolInfo(ctx context.Context, r drivers.Ref) (drivers.PoolInfo, error) {
	var i libvirt.StoragePoolGetInfoRet
	err := p.call(ctx, procStoragePoolGetInfo, []any{pool(r)}, &i)
	return drivers.PoolInfo{State: drivers.PoolState(i.State), Capacity: i.Capacity, Allocation: i.Allocation, Available: i.Available}, err
}

// BuildPool makes the storage that a pool describes.
func (p pools) BuildPool(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	return p.call(ctx, procStoragePoolBuild, []any{pool(r), bits(f, bit{drivers.NoOverwrite, 4}, bit{drivers.Overwrite, 8})})
}

// DeletePool unmakes it.
func (p pools) DeletePool(ctx context.Context, r drivers.Ref) error {
	return p.call(ctx, procStoragePoolDelete, []any{pool(r), uint32(0)})
}

// RefreshPool looks anew at what is in a pool.
func (p pools) RefreshPool(ctx context.Context, r drivers.Ref) error {
	return p.call(ctx, procStoragePoolRefresh, []any{pool(r), uint32(0)})
}

// PoolSources looks for storage for pools.
func (p pools) PoolSources(ctx context.Context, kind string, spec []byte) ([]byte, error) {
	return p.text(ctx, procConnectFindStoragePoolSources, kind, document(spec), uint32(0))
}

// volumes are the volumes of a daemon's pools. Their keys are in Ref.UUID.
type volumes struct{ *Conn }

func vol(r drivers.Ref) libvirt.StorageVol {
	v := libvirt.StorageVol{Name: r.Name, Key: r.UUID}
	if r.Parent != nil {
		v.Pool = r.Parent.Name
	}
	return v
}

// ref makes a volume's Ref; the pool is looked up where it is not known.
func (v volumes) ref(ctx context.Context, x libvirt.StorageVol, parent *drivers.Ref) (drivers.Ref, error) {
	if parent == nil || parent.Name != x.Pool {
		var p libvirt.StoragePool
		if err := v.call(ctx, procStoragePoolLookupByVolume, []any{x}, &p); err != nil {
			return drivers.Ref{}, err
		}
		r := poolRef(p)
		parent = &r
	}
	return drivers.Ref{Kind: drivers.Volume, Name: x.Name, UUID: x.Key, ID: -1, Parent: parent}, nil
}

// List gives a pool's volumes, with their paths.
func (v volumes) List(ctx context.Context, f drivers.Filter) ([]drivers.Entry, error) {
	if f.Parent == nil {
		return nil, nil
	}
	var list []libvirt.StorageVol
	if err := v.call(ctx, procStoragePoolListAllVolumes, []any{pool(*f.Parent), int32(1), uint32(0)}, &list); err != nil {
		return nil, err
	}
	entries := make([]drivers.Entry, len(list))
	b := v.batch()
	for i, x := range list {
		entries[i].Ref, _ = v.ref(ctx, x, f.Parent)
		b.add(ctx, procStorageVolGetPath, []any{x}, &entries[i].Path)
	}
	return entries, b.wait(ctx)
}

// Entry is a volume with its path.
func (v volumes) Entry(ctx context.Context, r drivers.Ref) (drivers.Entry, error) {
	path, err := v.text(ctx, procStorageVolGetPath, vol(r))
	return drivers.Entry{Ref: r, Path: string(path)}, err
}

// Lookup finds a volume by its key or path.
func (v volumes) Lookup(ctx context.Context, by drivers.By, word string) (drivers.Ref, error) {
	var x libvirt.StorageVol
	procedure := uint32(procStorageVolLookupByPath)
	if by == drivers.ByKey {
		procedure = procStorageVolLookupByKey
	}
	if err := v.call(ctx, procedure, []any{word}, &x); err != nil {
		return drivers.Ref{}, err
	}
	return v.ref(ctx, x, nil)
}

// Child finds a pool's volume by its name.
func (v volumes) Child(ctx context.Context, parent drivers.Ref, name string) (drivers.Ref, error) {
	var x libvirt.StorageVol
	if err := v.call(ctx, procStorageVolLookupByName, []any{pool(parent), name}, &x); err != nil {
		return drivers.Ref{}, err
	}
	return v.ref(ctx, x, &parent)
}

// XML is the daemon's document.
func (v volumes) XML(ctx context.Context, r drivers.Ref, _ drivers.Flags) ([]byte, error) {
	return v.text(ctx, procStorageVolGetXMLDesc, vol(r), uint32(0))
}

// volumeFlags are those of making one.
func volumeFlags(f drivers.Flags) uint32 {
	return bits(f, bit{drivers.Prealloc, 1}, bit{drivers.Reflink, 2}, bit{drivers.Validate, 4})
}

// CreateVolume makes a volume.
func (v volumes) CreateVolume(ctx context.Context, parent drivers.Ref, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	var x libvirt.StorageVol
	if err := v.call(ctx, procStorageVolCreateXML, []any{pool(parent), string(src.Data), volumeFlags(f)}, &x); err != nil {
		return drivers.Ref{}, err
	}
	return v.ref(ctx, x, &parent)
}

// CreateVolumeFrom makes one of another.
func (v volumes) CreateVolumeFrom(ctx context.Context, parent drivers.Ref, src xml.Source, from drivers.Ref, f drivers.Flags) (drivers.Ref, error) {
	var x libvirt.StorageVol
	if err := v.call(ctx, procStorageVolCreateXMLFrom, []any{pool(parent), string(src.Data), vol(from), volumeFlags(f)}, &x); err != nil {
		return drivers.Ref{}, err
	}
	return v.ref(ctx, x, &parent)
}

// DeleteVolume removes a volume.
func (v volumes) DeleteVolume(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	return v.call(ctx, procStorageVolDelete, []any{vol(r), bits(f, bit{drivers.SnapshotsToo, 2})})
}

// volumeTypes are the kinds of volumes, by the daemon's numbers.
const volumeTypes = "file block dir network netdir ploop"

// VolumeInfo tells a volume's type and sizes.
func (v volumes) VolumeInfo(ctx context.Context, r drivers.Ref) (drivers.VolumeInfo, error) {
	var i libvirt.StorageVolGetInfoRet
	err := v.call(ctx, procStorageVolGetInfo, []any{vol(r)}, &i)
	return drivers.VolumeInfo{Type: wordAt(volumeTypes, int(i.Type)), Capacity: i.Capacity, Allocation: i.Allocation}, err
}

// VolumePhysical tells its size on the disk.
func (v volumes) VolumePhysical(ctx context.Context, r drivers.Ref) (drivers.VolumeInfo, error) {
	var i libvirt.StorageVolGetInfoRet
	err := v.call(ctx, procStorageVolGetInfoFlags, []any{vol(r), uint32(libvirt.StorageVolGetPhysical)}, &i)
	return drivers.VolumeInfo{Type: wordAt(volumeTypes, int(i.Type)), Capacity: i.Capacity, Allocation: i.Allocation}, err
}

// ResizeVolume changes its capacity.
func (v volumes) ResizeVolume(ctx context.Context, r drivers.Ref, bytes uint64, f drivers.ResizeFlags) error {
	return v.call(ctx, procStorageVolResize, []any{vol(r), bytes, when(f.Allocate, 1) | when(f.Delta, 2) | when(f.Shrink, 4)})
}

// wipeAlgorithms are the ways to destroy content, by the daemon's numbers.
const wipeAlgorithms = "zero nnsa dod bsi gutmann schneier pfitzner7 pfitzner33 random trim"

// WipeVolume destroys a volume's content.
func (v volumes) WipeVolume(ctx context.Context, r drivers.Ref, algorithm string) error {
	if algorithm == "" {
		return v.call(ctx, procStorageVolWipe, []any{vol(r), uint32(0)})
	}
	return v.call(ctx, procStorageVolWipePattern, []any{vol(r), uint32(ordinal(wipeAlgorithms, algorithm)), uint32(0)})
}

// Download reads a volume's content.
func (v volumes) Download(ctx context.Context, r drivers.Ref, part drivers.Part, to io.Writer) error {
	s, err := v.open(ctx, procStorageVolDownload, []any{vol(r), part.Offset, part.Length, when(part.Sparse, 1)}, nil)
	if err != nil {
		return err
	}
	holer, _ := to.(drivers.Holer)
	for {
		c, err := s.next(ctx)
		switch {
		case err == io.EOF:
			return s.finish(ctx)
		case err != nil:
		case c.hole > 0 && holer != nil:
			err = holer.Hole(c.hole)
		case c.hole > 0:
			err = zeros(to, c.hole)
		default:
			_, err = to.Write(c.data)
		}
		if err != nil {
			s.abort()
			return err
		}
	}
}

// zeros writes n zero bytes.
func zeros(to io.Writer, n int64) error {
	block := make([]byte, min(n, 64<<10))
	for n > 0 {
		done, err := to.Write(block[:min(n, int64(len(block)))])
		if err != nil {
			return err
		}
		n -= int64(done)
	}
	return nil
}

// Upload gives the volume to write into.
func (v volumes) Upload(ctx context.Context, r drivers.Ref, part drivers.Part) (io.WriteCloser, error) {
	s, err := v.open(ctx, procStorageVolUpload, []any{vol(r), part.Offset, part.Length, when(part.Sparse, 1)}, nil)
	if err != nil {
		return nil, err
	}
	return &upload{ctx, s, false}, nil
}

// upload is a volume that is written. It keeps the context of the whole of it,
// since io.Writer has none.
type upload struct {
	ctx    context.Context
	stream *stream
	broken bool
}

func (u *upload) Write(p []byte) (int, error) {
	n, err := u.stream.send(u.ctx, p)
	u.broken = u.broken || err != nil
	return n, err
}

// Hole tells of bytes that are zero.
func (u *upload) Hole(n int64) error {
	err := u.stream.sendHole(u.ctx, n)
	u.broken = u.broken || err != nil
	return err
}

// Close ends the upload; only then has all of it arrived.
func (u *upload) Close() error {
	if u.broken || u.ctx.Err() != nil {
		u.stream.abort()
		return u.ctx.Err()
	}
	return u.stream.finish(u.ctx)
}

// Abort gives the upload up.
func (u *upload) Abort() { u.stream.abort() }
