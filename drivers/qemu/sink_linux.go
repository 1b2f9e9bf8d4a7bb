package qemu

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// What QEMU writes goes through a pipe: into a file past the host's cache, or
// through a compressing program. What it reads comes through one.

// bypassBlock is what is written past the host's cache at once, and the alignment of it.
const bypassBlock = 1 << 20

// flow is a pipe with somebody at its other end.
type flow struct {
	qemu *os.File   // QEMU's end
	done chan error // what became of the other end
	cmd  *exec.Cmd
	hurt bytes.Buffer // the program's complaints
}

// flowOut writes what QEMU writes to file, from where it stands on.
func flowOut(file *os.File, program []string, direct bool) (*flow, error) {
	r, w, err := bigPipe()
	if err != nil {
		return nil, err
	}
	f := &flow{qemu: w, done: make(chan error, 1)}
	if program != nil {
		return f, f.run(program, r, file, r)
	}
	move := copyBlocks
	if direct {
		move = copyDirect
	}
	f.move(r, func() error { return move(file, r) })
	return f, nil
}

// flowIn lets QEMU read what stands in file, from where it stands on.
func flowIn(file *os.File, program []string, direct bool) (*flow, error) {
	r, w, err := bigPipe()
	if err != nil {
		return nil, err
	}
	f := &flow{qemu: r, done: make(chan error, 1)}
	if program != nil {
		return f, f.run(program, file, w, w)
	}
	move := copyBlocks
	if direct {
		move = readDirect
	}
	f.move(w, func() error { return move(w, file) })
	return f, nil
}

// move works at the other end of the pipe, which is ours.
func (f *flow) move(ours *os.File, work func() error) {
	go func() {
		defer ours.Close()
		f.done <- work()
	}()
}

// copyBlocks copies what comes, without the kernel's shortcuts: a pipe is to be
// read as it fills.
func copyBlocks(to, from *os.File) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, bypassBlock))
	return err
}

func bigPipe() (r, w *os.File, err error) {
	r, w, err = os.Pipe()
	if err == nil {
		_, _ = unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, bypassBlock) // a smaller one does, too
	}
	return r, w, err
}

// run starts the program between two files; ours is the end that is its own from
// then on.
func (f *flow) run(program []string, in, out, ours *os.File) error {
	path, err := exec.LookPath(program[0])
	if err != nil {
		f.qemu.Close()
		ours.Close()
		return noCompressor()
	}
	f.cmd = &exec.Cmd{Path: path, Args: program, Stdin: in, Stdout: out, Stderr: &f.hurt, SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	err = f.cmd.Start()
	ours.Close()
	if err != nil {
		f.qemu.Close()
		return xml.Errorf(xml.CodeInternal, "cannot run %s: %v", path, err)
	}
	go func() { f.done <- f.cmd.Wait() }()
	return nil
}

// lookForProgram fails if a compressing program is not here.
func lookForProgram(program []string) error {
	if program == nil {
		return nil
	}
	if _, err := exec.LookPath(program[0]); err != nil {
		return noCompressor()
	}
	return nil
}

func noCompressor() error {
	return xml.Errorf(xml.CodeOperationFailed, "Compression program for save image format in configuration file isn't available")
}

// finish waits for the other end once QEMU has written all; the error is the peer's.
func (f *flow) finish(path string) error {
	f.qemu.Close()
	err := <-f.done
	if err == nil {
		return nil
	}
	if words := strings.TrimSpace(f.hurt.String()); words != "" {
		return xml.Errorf(xml.CodeInternal, "%s", words)
	}
	return xml.Errorf(xml.CodeSystem, "unable to write %s: %s", path, drivers.SystemText(unwrapPath(err)))
}

// abandon ends the other end.
func (f *flow) abandon() {
	f.qemu.Close()
	if f.cmd != nil {
		_ = f.cmd.Process.Kill()
	}
	<-f.done
}

// aligned gives a buffer that may be written past the cache.
func aligned() ([]byte, error) {
	return unix.Mmap(-1, 0, bypassBlock, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

// setDirect switches the host's cache off for a file, or on.
func setDirect(f *os.File, on bool) error {
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	if err == nil {
		if flags &^= unix.O_DIRECT; on {
			flags |= unix.O_DIRECT
		}
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETFL, flags)
	}
	return err
}

// alignment is what the position and length of a direct access are multiples of.
const alignment = 4096

// copyDirect writes past the cache. The file may stand anywhere: what comes before
// a whole block, and what is left behind the last, is written through the cache.
func copyDirect(file, r *os.File) error {
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	buf, err := aligned()
	if err != nil {
		return err
	}
	defer func() { _ = unix.Munmap(buf) }()
	for {
		want := bypassBlock
		if rest := int(at % alignment); rest > 0 {
			want = alignment - rest
		}
		n, err := io.ReadFull(r, buf[:want])
		if n > 0 {
			whole := n / alignment * alignment
			if at%alignment != 0 {
				whole = 0
			}
			if err := writeParts(file, buf[:n], whole, at); err != nil {
				return err
			}
			at += int64(n)
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// writeParts writes the first bytes directly and the others through the cache.
func writeParts(file *os.File, data []byte, direct int, at int64) error {
	if direct > 0 {
		if err := setDirect(file, true); err != nil {
			return err
		}
		_, err := file.WriteAt(data[:direct], at)
		if off := setDirect(file, false); err == nil {
			err = off
		}
		if err != nil {
			return err
		}
	}
	_, err := file.WriteAt(data[direct:], at+int64(direct))
	return err
}

// readDirect reads past the cache from where the file stands.
func readDirect(w, file *os.File) error {
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	buf, err := aligned()
	if err != nil {
		return err
	}
	defer func() { _ = unix.Munmap(buf) }()
	if err := setDirect(file, true); err != nil {
		return err
	}
	for skip := int(at % alignment); ; skip = 0 {
		at -= int64(skip)
		n, err := file.ReadAt(buf, at)
		if n > skip {
			if _, err := w.Write(buf[skip:n]); err != nil {
				return err
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
