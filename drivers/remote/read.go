package remote

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"time"

	"virgo/xml"
)

// read reads until the link is over, whose role it keeps. It is the goroutine's.
func (l *link) read() {
	for {
		err := l.pull()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			l.again()
			continue
		}
		if err != nil {
			l.end(lost(err, false))
			return
		}
	}
}

// Sizes of what is read: most answers are small, files are not.
const (
	readLittle = 4 << 10
	readMuch   = 64 << 10
	readMost   = 1 << 20 // what a packet is trusted with before so much of it has come
)

// room makes place for what comes next: for the packet that has begun, or for
// twice as much as before where that was filled.
func (l *link) room() {
	if cap(l.in)-len(l.in) >= readLittle/2 {
		return
	}
	size := min(2*cap(l.in), readMuch)
	if len(l.in) >= lengthSize {
		size = min(int(binary.BigEndian.Uint32(l.in)), max(readMost, 2*len(l.in)))
	}
	l.in = append(make([]byte, 0, max(size, len(l.in)+readLittle)), l.in...)
}

// pull reads once, and hands the packets that are whole then to who waits for them.
func (l *link) pull() error {
	l.room()
	n, files, err := receive(l.conn, l.in[len(l.in):cap(l.in)])
	l.in = l.in[:len(l.in)+n]
	l.files = append(l.files, files...)
	if n > 0 {
		l.alive.Store(time.Now().UnixNano())
	}
	rest := l.in
	for {
		h, body, size, e := cutPacket(rest)
		if e != nil {
			return e
		}
		if size == 0 {
			break
		}
		files, body, more, e := l.takeFiles(h, body, rest[size:])
		if e != nil {
			return e
		}
		if more < 0 {
			break
		}
		if big := len(l.in) == size+more && size > readMuch/2; big {
			l.in, rest = nil, rest[:0:0] // it keeps the place it was read into
		} else {
			body, rest = append([]byte(nil), body...), rest[size+more:]
		}
		if e := l.dispatch(h, body, files); e != nil {
			return e
		}
	}
	if len(l.files) > maxFiles {
		return &packetError{"too many open files received"}
	}
	l.in = l.in[:copy(l.in, rest)]
	return err
}

// maxFiles is how many open files may have come that no packet has named.
const maxFiles = 64

// takeFiles takes the open files that come with an answer: each with a byte of its
// own behind the packet. more is how many bytes these are, less than 0: they have
// not all come.
func (l *link) takeFiles(h header, body, rest []byte) (files []*os.File, left []byte, more int, err error) {
	if h.kind != typeReplyFDs {
		return nil, body, 0, nil
	}
	d := decoder{buf: body}
	n := int(d.uint32())
	switch {
	case d.err != nil || n > maxFiles:
		return nil, nil, 0, &packetError{"Unable to decode number of FDs"}
	case len(rest) < n:
		return nil, nil, -1, nil
	case len(l.files) < n:
		return nil, nil, 0, &packetError{"open files are missing"}
	}
	files, l.files = l.files[:n:n], l.files[n:]
	return files, d.buf, n, nil
}

// dispatch hands a packet to who waits for it.
func (l *link) dispatch(h header, body []byte, files []*os.File) error {
	if h.program == programKeepalive {
		if h.procedure == keepalivePing {
			go l.write(context.Background(), packet(header{program: programKeepalive, version: 1, procedure: keepalivePong, kind: typeMessage}, nil), nil)
		}
		return nil
	}
	switch h.kind {
	case typeReply, typeReplyFDs:
		l.mu.Lock()
		p := l.waiting[h.serial]
		delete(l.waiting, h.serial)
		l.mu.Unlock()
		if p == nil {
			closeFiles(files)
			return nil
		}
		a := answer{body: body, files: files}
		if h.status == statusError {
			a.err = daemonError(body)
		}
		p.answer <- a
		return nil
	case typeMessage:
		l.mu.Lock()
		f := l.heard[event{h.program, h.procedure}]
		l.mu.Unlock()
		if f != nil {
			f(body)
		}
		return nil
	case typeStream, typeHole:
		l.mu.Lock()
		s := l.streams[h.serial]
		l.mu.Unlock()
		if s != nil {
			s.receive(h, body)
		}
		return nil
	}
	return xml.Bare(xml.CodeRPC, "got unexpected RPC call prog %d vers %d proc %d type %d", h.program, h.version, h.procedure, h.kind)
}
