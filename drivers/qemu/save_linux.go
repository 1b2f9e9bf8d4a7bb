package qemu

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/block"
	"virgo/xml"
)

var (
	_ drivers.Saver             = (*domains)(nil)
	_ drivers.ParamSaver        = (*domains)(nil)
	_ drivers.ManagedSaver      = (*domains)(nil)
	_ drivers.ManagedSaveEditor = (*domains)(nil)
)

// saveOptions are what a save or a restore was asked for.
type saveOptions struct {
	path     string
	doc      []byte // another document for the guest; nil: its own
	format   string // "": the configured one
	channels *int32
}

func paramOptions(list []drivers.Param) saveOptions {
	var o saveOptions
	for _, p := range list {
		switch v := p.Value.(type) {
		case int32:
			o.channels = &v
		case string:
			switch p.Name {
			case "file":
				o.path = v
			case "dxml":
				o.doc = []byte(v)
			case "image_format":
				o.format = v
			}
		}
	}
	return o
}

// number is the form of the memory.
func (o saveOptions) number(l Layout) (int, error) {
	name, from := o.format, "Invalid image_format '%s'"
	if name == "" {
		config, err := l.config()
		if err != nil {
			return 0, err
		}
		if name, err = config.String("save_image_format"); err != nil {
			return 0, err
		}
		from = "Invalid save image format specified in configuration file: %s"
	}
	if name == "" {
		name = "raw"
	}
	n := saveFormatNumber(name)
	if n < 0 {
		return 0, xml.Errorf(xml.CodeOperationFailed, from, name)
	}
	if o.channels != nil {
		if n != sparseFormat {
			return 0, xml.Errorf(xml.CodeInvalidArg, "Parallel save is only supported with the 'sparse' save image format")
		}
		if *o.channels < 1 {
			return 0, xml.Errorf(xml.CodeInvalidArg, "number of parallel save channels cannot be less than 1")
		}
	}
	return n, lookForProgram(saveFormats[n].compress)
}

// afterRestore is what the flags say of a guest that is restored; nil: as it was.
func afterRestore(f drivers.Flags) *bool {
	running := f.Has(drivers.Live)
	if !running && !f.Has(drivers.Paused) {
		return nil
	}
	return &running
}

// Save keeps a running domain in a file and ends it.
func (d *domains) Save(ctx context.Context, r drivers.Ref, path string, doc []byte, f drivers.Flags) error {
	return d.saveTo(ctx, r, saveOptions{path: path, doc: doc}, f)
}

// SaveWith is Save with parameters.
func (d *domains) SaveWith(ctx context.Context, r drivers.Ref, p []drivers.Param, f drivers.Flags) error {
	return d.saveTo(ctx, r, paramOptions(p), f)
}

func (d *domains) saveTo(ctx context.Context, r drivers.Ref, o saveOptions, f drivers.Flags) error {
	format, err := o.number(d.layout)
	if err != nil {
		return err
	}
	for range 10 {
		var req saveRequest
		if req, err = d.saved(ctx, r, o.doc); err != nil {
			return err
		}
		if req.Path, err = filepath.Abs(o.path); err != nil {
			return err
		}
		req.Format, req.Bypass, req.Running = format, f.Has(drivers.BypassCache), afterRestore(f)
		if o.channels != nil {
			req.Channels = int(*o.channels)
		}
		err = d.ask(ctx, r, cmdSave, req, nil)
		if err == nil || err.Error() != errStale.Error() {
			break
		}
	}
	return err
}

// saved is what a saved guest says of itself: its document, or doc in its place.
func (d *domains) saved(ctx context.Context, r drivers.Ref, doc []byte) (saveRequest, error) {
	if _, running := d.touch(ctx, r.Name); !running {
		return saveRequest{}, notRunning()
	}
	stamp, err := liveStamp(d.layout.guest(r.Name))
	var live *xml.Domain
	if err == nil {
		live, err = readLive(d.layout.guest(r.Name))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return saveRequest{}, notRunning()
	}
	if err != nil {
		return saveRequest{}, err
	}
	cookie, err := saveCookie{CPU: live.CPU, SlirpHelper: &struct{}{}}.bytes()
	if err != nil {
		return saveRequest{}, err
	}
	dom, err := d.portable(r)
	if err != nil {
		return saveRequest{}, err
	}
	if doc != nil {
		var m migrationState // that nothing can be saved is told before what is wrong with a document
		if err := d.ask(ctx, r, "query-migrate", nil, &m); err != nil {
			return saveRequest{}, err
		}
		if err := m.blocked(); err != nil {
			return saveRequest{}, err
		}
		if dom, err = d.otherDoc(ctx, dom, xml.Source{Name: "--xml", Data: doc}); err != nil {
			return saveRequest{}, err
		}
	}
	data, err := domain.Print(dom, &printTraits, drivers.SecurityInfo|drivers.MigratableXML)
	return saveRequest{Doc: data, Cookie: cookie, Stamp: stamp}, err
}

// otherDoc reads a document that is to take the place of dom's.
func (c *Conn) otherDoc(ctx context.Context, dom *xml.Domain, src xml.Source) (*xml.Domain, error) {
	root, err := xml.Parse(src)
	if err != nil {
		return nil, err
	}
	keep := func() *domain.Traits {
		t := *c.traits(ctx, root)
		t.KeepUSB = true
		return &t
	}
	other, err := domain.Read(src, root, keep)
	if err != nil {
		return nil, err
	}
	if dom, err = c.reread(ctx, dom); err != nil {
		return nil, err
	}
	data, err := domain.Print(other, &printTraits, drivers.SecurityInfo|drivers.MigratableXML)
	if err != nil {
		return nil, err
	}
	again := xml.Source{Name: src.Name, Data: data}
	if root, err = xml.Parse(again); err != nil {
		return nil, err
	}
	if other, err = domain.Read(again, root, keep); err != nil {
		return nil, err
	}
	return other, domain.Stable(dom, other)
}

// reread is a document as another host would read it: what older versions would not
// know is left out and comes back in its own place.
func (c *Conn) reread(ctx context.Context, dom *xml.Domain) (*xml.Domain, error) {
	data, err := domain.Print(dom, &printTraits, drivers.SecurityInfo|drivers.MigratableXML)
	if err != nil {
		return nil, err
	}
	return c.parse(ctx, xml.Source{Name: dom.Name, Data: data}, 0)
}

// Restore starts the guest that a file keeps.
func (d *domains) Restore(ctx context.Context, path string, doc []byte, f drivers.Flags) error {
	return d.restore(ctx, saveOptions{path: path, doc: doc}, f)
}

// RestoreWith is Restore with parameters.
func (d *domains) RestoreWith(ctx context.Context, p []drivers.Param, f drivers.Flags) error {
	return d.restore(ctx, paramOptions(p), f)
}

func (d *domains) restore(ctx context.Context, o saveOptions, f drivers.Flags) error {
	image, dom, err := d.readSaved(ctx, o.path)
	if err != nil {
		return err
	}
	if o.doc != nil {
		if dom, err = d.otherDoc(ctx, dom, xml.Source{Name: "--xml", Data: o.doc}); err != nil {
			return err
		}
	}
	in, err := newIncoming(o.path, image, f)
	if err != nil {
		return err
	}
	if o.channels != nil {
		if image.Format != sparseFormat {
			return xml.Errorf(xml.CodeInvalidArg, "Parallel restore is only supported with the 'sparse' save image format")
		}
		if in.Channels = int(*o.channels); in.Channels < 1 {
			return xml.Errorf(xml.CodeInvalidArg, "number of parallel save channels cannot be less than 1")
		}
	}
	lock, err := d.lockObject(ctx, dom.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if s, running := d.mend(ctx, dom.Name, lock); running && s.UUID == dom.UUID {
		return xml.Errorf(xml.CodeOperationInvalid, "domain '%s' is already active", dom.Name)
	}
	if in.replaced(os.Stat(in.Path)) { // a save has come to its end before this had the lock
		lock.Unlock()
		return d.restore(ctx, o, f)
	}
	_, err = d.launchFrom(ctx, dom, f&drivers.ResetNVRAM, lock, in)
	return err
}

// newIncoming says how a start goes on from a saved guest.
func newIncoming(path string, image *saveImage, f drivers.Flags) (*incoming, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	in := &incoming{Path: full, File: image.File, At: image.memory(), Format: image.Format, Running: image.Running, Bypass: f.Has(drivers.BypassCache),
		CPU: image.cookie().CPU}
	if r := afterRestore(f); r != nil {
		in.Running = *r
	}
	return in, lookForProgram(saveFormats[image.Format].decompress)
}

// readSaved reads a saved guest's document.
func (c *Conn) readSaved(ctx context.Context, path string) (*saveImage, *xml.Domain, error) {
	image, err := openSaved(path)
	if err != nil {
		return nil, nil, err
	}
	dom, err := c.parse(ctx, xml.Source{Name: path, Data: image.Doc}, 0)
	return image, dom, err
}

// SaveImageXML prints the document in a saved guest.
func (d *domains) SaveImageXML(ctx context.Context, path string, f drivers.Flags) ([]byte, error) {
	_, dom, err := d.readSaved(ctx, path)
	if err != nil {
		return nil, err
	}
	return domain.Print(dom, &printTraits, f&drivers.SecurityInfo)
}

// SaveImageDefine changes it.
func (d *domains) SaveImageDefine(ctx context.Context, path string, src xml.Source, f drivers.Flags) error {
	image, dom, err := d.readSaved(ctx, path)
	if err != nil {
		return err
	}
	other, err := d.otherDoc(ctx, dom, src)
	if err != nil {
		return err
	}
	was := *image
	if image.Doc, err = domain.Print(other, &printTraits, drivers.SecurityInfo|drivers.MigratableXML); err != nil {
		return err
	}
	if r := afterRestore(f); r != nil {
		image.Running = *r
	}
	if string(was.Doc) == string(image.Doc) && was.Running == image.Running {
		return nil
	}
	if !image.fits() {
		return xml.Errorf(xml.CodeOperationFailed, "new xml too large to fit in file")
	}
	return rewriteSaved(path, image)
}

// ManagedSave keeps a running domain where its next start finds it.
func (d *domains) ManagedSave(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	if _, running := d.touch(ctx, r.Name); !running {
		return notRunning()
	}
	if !d.store.Has(r.Name) {
		return xml.Errorf(xml.CodeOperationInvalid, "cannot do managed save for transient domain")
	}
	if err := drivers.MakeDir(d.layout.savedDir()); err != nil {
		return err
	}
	return d.saveTo(ctx, r, saveOptions{path: d.layout.saved(r.Name)}, f)
}

// HasManagedSave tells whether there is such a state.
func (d *domains) HasManagedSave(_ context.Context, r drivers.Ref) (bool, error) {
	return d.hasSaved(r.Name), nil
}

func (c *Conn) hasSaved(name string) bool {
	_, err := os.Stat(c.layout.saved(name))
	return err == nil
}

// allSaved are the names of the domains that have one.
func (c *Conn) allSaved() map[string]bool {
	found := make(map[string]bool)
	entries, err := os.ReadDir(c.layout.savedDir())
	if err != nil {
		return found
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), savedSuffix); ok {
			found[name] = true
		}
	}
	return found
}

// RemoveManagedSave drops it.
func (d *domains) RemoveManagedSave(ctx context.Context, r drivers.Ref) error {
	lock, err := d.lockObject(ctx, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return d.dropSaved(r.Name)
}

func (c *Conn) dropSaved(name string) error {
	path := c.layout.saved(name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return xml.Errorf(xml.CodeSystem, "Failed to remove managed save file '%s': %s", path, drivers.SystemText(unwrapPath(err)))
	}
	return nil
}

// managed is the path of a domain's managed save.
func (d *domains) managed(r drivers.Ref) (string, error) {
	if !d.hasSaved(r.Name) {
		return "", xml.Errorf(xml.CodeOperationInvalid, "domain does not have managed save image")
	}
	return d.layout.saved(r.Name), nil
}

// ManagedSaveXML prints the document in a managed save.
func (d *domains) ManagedSaveXML(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	path, err := d.managed(r)
	if err != nil {
		return nil, err
	}
	return d.SaveImageXML(ctx, path, f)
}

// DefineManagedSave changes it.
func (d *domains) DefineManagedSave(ctx context.Context, r drivers.Ref, src xml.Source, f drivers.Flags) error {
	path, err := d.managed(r)
	if err != nil {
		return err
	}
	lock, err := d.lockObject(ctx, r.Name)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return d.SaveImageDefine(ctx, path, src, f)
}

// startSaved goes on from a managed save, if there is one; done tells. A file that
// no guest can be restored from is dropped, as the peer does. The object is locked.
func (d *domains) startSaved(ctx context.Context, name string, f drivers.Flags, lock *drivers.Lock) (done bool, err error) {
	path := d.layout.saved(name)
	if !d.hasSaved(name) {
		return false, nil
	}
	if f.Has(drivers.ForceBoot) {
		return false, d.dropSaved(name)
	}
	image, dom, err := d.readSaved(ctx, path)
	var bad badImage
	if errors.As(err, &bad) {
		return false, d.dropSaved(name)
	}
	if err != nil {
		return false, err
	}
	if dom.Name != name {
		return false, xml.Errorf(xml.CodeOperationFailed, "cannot restore domain '%s' from a file of '%s'", name, dom.Name)
	}
	in, err := newIncoming(path, image, f&(drivers.BypassCache|drivers.Paused))
	if err != nil {
		return false, err
	}
	if _, err := d.launchFrom(ctx, dom, f, lock, in); err != nil {
		return false, err
	}
	return true, d.dropSaved(name)
}

// portable is a running guest's definition as another host can take it: its
// devices are those that it has now.
func (d *domains) portable(r drivers.Ref) (*xml.Domain, error) {
	dir := d.layout.guest(r.Name)
	live, err := readLive(dir)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil {
		return nil, err
	}
	config, err := readDomain(xml.Source{Name: configFile, Data: data})
	if err != nil {
		return nil, err
	}
	s, err := readStatus(dir)
	if err != nil {
		return nil, err
	}
	return asDefined(live, config, d.layout, s.Probed), nil
}

// asDefined takes out of a live document what a start has put in. probed are the
// numbers of images that only headers of images tell of.
func asDefined(live, config *xml.Domain, l Layout, probed []int) *xml.Domain {
	dropProbed(live, probed)
	resource := live.Resource
	inactive(live)
	live.Resource, live.CPU = resource, config.CPU
	v := &live.Devices
	for i := range v.Graphics {
		if g := &v.Graphics[i]; strings.HasPrefix(g.Socket, filepath.Join(l.Lib, "domain-")) && len(g.Listens) > 0 { // of displaySockets
			g.Socket, g.Listens[0].Socket = "", ""
		}
	}
	for i := range v.Disks {
		disk := &v.Disks[i]
		if emptySource(disk.Source) {
			disk.Source, disk.BackingStore = nil, nil
			if disk.Driver != nil && disk.Driver.Type == "" {
				disk.Driver.Type = "raw"
			}
			continue
		}
		c := block.ChainOf(disk)
		for k := range c.Layers {
			c.Layers[k].Index = ""
		}
		c.Ended = c.Ended && endsIn(config, disk)
		c.Put(disk)
	}
	for i := range v.Channels {
		ch := &v.Channels[i]
		if ch.Target != nil {
			ch.Target.State = ""
		}
		if strings.HasPrefix(ch.Path, filepath.Join(l.Run, "channel")+"/") {
			ch.Path, ch.Mode = "", ""
		}
	}
	for i := range v.Graphics { // displays do not come and go: those of the definition are where it says
		if i < len(config.Devices.Graphics) && config.Devices.Graphics[i].Type == v.Graphics[i].Type {
			passwd, until := v.Graphics[i].Passwd, v.Graphics[i].PasswdValidTo
			v.Graphics[i] = config.Devices.Graphics[i]
			v.Graphics[i].Passwd, v.Graphics[i].PasswdValidTo = passwd, until
		}
	}
	for i := range v.Interfaces {
		n := &v.Interfaces[i]
		if n.Target != nil && strings.HasPrefix(n.Target.Dev, "vnet") {
			n.Target = nil
		}
		if n.Type == "network" && n.Source != nil {
			n.Source.PortID = ""
		}
	}
	return live
}

// endsIn tells whether a definition says itself where a disk's images end.
func endsIn(config *xml.Domain, d *xml.Disk) bool {
	for i := range config.Devices.Disks {
		k := &config.Devices.Disks[i]
		if k.Target != nil && d.Target != nil && k.Target.Dev == d.Target.Dev && k.Source != nil {
			return block.ChainOf(k).Ended
		}
	}
	return false
}
