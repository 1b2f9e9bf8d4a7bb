package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"virgo/drivers"
)

// Journal is a file to which every process of a root adds its events, one JSON
// object a line; whoever wants them follows the file.
type Journal struct{ Path string }

// journalSize is where a new file is begun; the former one stays as PATH.old.
const journalSize = 1 << 20

// Append adds an event. A journal that cannot be written is no reason for a
// command to fail, so there is no error.
func (j Journal) Append(e drivers.Event) {
	line, err := json.Marshal(e)
	if err != nil {
		return
	}
	f, err := drivers.OpenFile(j.Path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	if fi, err := f.Stat(); err == nil && fi.Size() > journalSize {
		_ = os.Rename(j.Path, j.Path+".old")
		if g, err := drivers.OpenFile(j.Path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err == nil {
			defer g.Close()
			f = g
		}
	}
	_, _ = f.Write(append(line, '\n')) // one write: lines of several processes do not mix
}

// Follow sends the events from now on until ctx ends; then it closes the channel.
func (j Journal) Follow(ctx context.Context) (<-chan drivers.Event, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("cannot watch for events: %w", err)
	}
	notify := os.NewFile(uintptr(fd), "inotify")
	dir := filepath.Dir(j.Path)
	if err := drivers.MakeDir(dir); err != nil {
		notify.Close()
		return nil, err
	}
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY|unix.IN_CREATE); err != nil {
		notify.Close()
		return nil, fmt.Errorf("cannot watch for events in %s: %w", dir, err)
	}
	t := &tail{path: j.Path, ctx: ctx, out: make(chan drivers.Event)}
	t.open(io.SeekEnd)
	stop := context.AfterFunc(ctx, func() { notify.Close() })
	go func() {
		defer close(t.out)
		defer stop()
		defer notify.Close()
		buf := make([]byte, 4096)
		for {
			if _, err := notify.Read(buf); err != nil {
				return
			}
			t.read()
		}
	}()
	return t.out, nil
}

// tail reads what is added to a file that may be renamed away.
type tail struct {
	path string
	ctx  context.Context // of the goroutine that owns the tail
	out  chan drivers.Event
	file *os.File
	rest []byte // the beginning of a line
}

func (t *tail) open(whence int) {
	f, err := os.Open(t.path)
	if err != nil {
		return
	}
	_, _ = f.Seek(0, whence)
	t.file = f
}

func (t *tail) read() {
	for {
		if t.file == nil {
			if t.open(io.SeekStart); t.file == nil {
				return
			}
		}
		data, _ := io.ReadAll(t.file)
		t.send(data)
		now, err := os.Stat(t.path)
		old, err2 := t.file.Stat()
		if err != nil || err2 != nil || os.SameFile(now, old) {
			return
		}
		t.file.Close()
		t.file, t.rest = nil, nil // no line goes on in another file
	}
}

func (t *tail) send(data []byte) {
	t.rest = append(t.rest, data...)
	for {
		line, rest, ok := bytes.Cut(t.rest, []byte("\n"))
		if !ok {
			return
		}
		t.rest = rest
		var e drivers.Event
		if json.Unmarshal(line, &e) != nil {
			continue
		}
		select {
		case t.out <- e:
		case <-t.ctx.Done():
			return
		}
	}
}
