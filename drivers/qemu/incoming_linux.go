package qemu

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// incoming is a saved guest that a start goes on from.
type incoming struct {
	Path     string   `json:"path"`
	File     madeFile `json:"file"` // what stands under the path: it may be replaced meanwhile
	At       int64    `json:"at"`   // where its memory begins
	Format   int      `json:"format"`
	Running  bool     `json:"running"` // it runs then
	Bypass   bool     `json:"bypass,omitempty"`
	Channels int      `json:"channels,omitempty"`
	CPU      *xml.CPU `json:"-"` // what QEMU made of the definition's
}

// openSaved reads what stands before a saved guest's memory.
func openSaved(path string) (*saveImage, error) {
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, xml.Errorf(xml.CodeSystem, "Failed to open file '%s': %s", path, drivers.SystemText(unwrapPath(err)))
	}
	defer f.Close()
	image, err := readSaveImage(f)
	if err != nil {
		return nil, err
	}
	if fi, err := f.Stat(); err == nil && fi.Mode().IsRegular() {
		image.File = fileOf(fi)
	}
	return image, nil
}

// giveCPU gives a guest that goes on the very CPU that it had, whatever its
// definition would come to today; cells and topology are the definition's.
func (in *incoming) giveCPU(dom *xml.Domain) {
	if in == nil || in.CPU == nil {
		return
	}
	c := *in.CPU
	if dom.CPU != nil {
		if c.NUMA == nil {
			c.NUMA = dom.CPU.NUMA
		}
		if c.Topology == nil {
			c.Topology = dom.CPU.Topology
		}
	}
	dom.CPU = &c
}

// replaced tells whether another file stands where the saved guest was read.
func (in *incoming) replaced(fi os.FileInfo, err error) bool {
	return err == nil && in.File.Inode != 0 && !in.File.same(fi)
}

// load brings the state in.
func (g *guest) load(ctx context.Context, in *incoming) error {
	file, err := os.Open(in.Path)
	if err != nil {
		return xml.Errorf(xml.CodeSystem, "Failed to open file '%s': %s", in.Path, drivers.SystemText(unwrapPath(err)))
	}
	defer file.Close()
	if in.replaced(file.Stat()) {
		return xml.Errorf(xml.CodeOperationFailed, "the file '%s' was replaced while it was read", in.Path)
	}
	if in.Format == sparseFormat {
		return g.loadSparse(ctx, file, in)
	}
	if _, err := file.Seek(in.At, io.SeekStart); err != nil {
		return err
	}
	if err := g.setUpMigration(ctx, nil); err != nil {
		return err
	}
	f, err := flowIn(file, saveFormats[in.Format].decompress, in.Bypass)
	if err != nil {
		return err
	}
	const name = "virgo-migration"
	if err = g.passFile(ctx, name, f.qemu); err == nil {
		err = g.comeIn(ctx, "fd:"+name)
	}
	f.qemu.Close()
	if err == nil {
		_, err = g.awaitMigration(ctx, "start")
	}
	// What stands behind the memory, as padding does, nobody reads.
	f.abandon()
	return err
}

func (g *guest) loadSparse(ctx context.Context, file *os.File, in *incoming) error {
	const set = 0
	files, params, caps, err := sparseSetUp(file, unix.O_RDONLY, in.Bypass, in.Channels)
	defer closeFiles(files)
	if err != nil {
		return err
	}
	if err := g.setUpMigration(ctx, params, caps...); err != nil {
		return err
	}
	for _, f := range files {
		if err := g.addFile(ctx, set, f); err != nil {
			return err
		}
	}
	defer func() { _ = g.qmp.Execute(ctx, "remove-fd", map[string]any{"fdset-id": set}, nil) }()
	if err := g.comeIn(ctx, fmt.Sprintf("file:/dev/fdset/%d,offset=%#x", set, in.At)); err != nil {
		return err
	}
	_, err = g.awaitMigration(ctx, "start")
	return err
}

// comeIn begins to read. QEMU tells why it cannot, from version 9.1 on; before, it
// ends, and tells its log.
func (g *guest) comeIn(ctx context.Context, uri string) error {
	args := map[string]any{"uri": uri, "exit-on-error": false}
	if g.status.Version < 9001000 {
		delete(args, "exit-on-error")
	}
	return refusal("migrate-incoming", g.qmp.Execute(ctx, "migrate-incoming", args, nil))
}
