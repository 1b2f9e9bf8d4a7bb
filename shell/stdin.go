package shell

import (
	"bytes"
	"io"
	"os"
	"sync"
)

// keyboard is standard input at a terminal. It gives the line editor no more
// than the keys up to the end of a line, so that what was typed ahead is still
// there for a console or a question; and it takes pasted text out of the
// stream, because the editor redraws the line for every key.
type keyboard struct {
	in    io.Reader
	mu    sync.Mutex // held while a key is waited for
	ahead []byte

	texts  sync.Mutex // apart: the line editor waits for the next key while it handles one
	pasted [][]byte   // texts that stand for a pasteMark each
}

// Terminal is the terminal itself, for programs that take it over.
func (k *keyboard) Terminal() *os.File {
	f, _ := k.in.(*os.File)
	return f
}

// pasteMark is the key that stands for a pasted piece of a line.
const pasteMark = '\uf8ff'

var (
	pasteBegin = []byte("\x1b[200~")
	pasteEnd   = []byte("\x1b[201~")
)

// Read gives the next keys.
func (k *keyboard) Read(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.ahead) == 0 {
		var buf [4096]byte
		n, err := k.in.Read(buf[:])
		if n == 0 && err != nil {
			return 0, err
		}
		k.ahead = append(k.ahead, buf[:n]...)
		if err := k.takePaste(); err != nil {
			return 0, err
		}
	}
	n := len(k.ahead)
	if i := bytes.IndexAny(k.ahead, "\r\n"); i >= 0 {
		n = i + 1
	}
	n = copy(p, k.ahead[:n])
	k.ahead = k.ahead[n:]
	return n, nil
}

// takePaste replaces pasted text by marks, one for each piece of a line.
func (k *keyboard) takePaste() error {
	for {
		begin := bytes.Index(k.ahead, pasteBegin)
		if begin < 0 {
			return nil
		}
		end := bytes.Index(k.ahead[begin:], pasteEnd)
		if end < 0 {
			var buf [4096]byte
			n, err := k.in.Read(buf[:])
			if err != nil {
				return err
			}
			k.ahead = append(k.ahead, buf[:n]...)
			continue
		}
		text := bytes.ReplaceAll(k.ahead[begin+len(pasteBegin):begin+end], []byte("\r\n"), []byte("\n"))
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
		rest := append([]byte(nil), k.ahead[begin+end+len(pasteEnd):]...)
		k.ahead = k.ahead[:begin]
		for i, line := range bytes.Split(text, []byte("\n")) {
			if i > 0 {
				k.ahead = append(k.ahead, '\r')
			}
			if len(line) > 0 {
				k.texts.Lock()
				k.pasted = append(k.pasted, append([]byte(nil), line...))
				k.texts.Unlock()
				k.ahead = append(k.ahead, string(pasteMark)...)
			}
		}
		k.ahead = append(k.ahead, rest...)
	}
}

// paste is the oldest pasted text that was not taken yet.
func (k *keyboard) paste() string {
	k.texts.Lock()
	defer k.texts.Unlock()
	if len(k.pasted) == 0 {
		return ""
	}
	text := k.pasted[0]
	k.pasted = k.pasted[1:]
	return string(text)
}
