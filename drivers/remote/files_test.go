//go:build unix

package remote

import (
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"virgo/drivers"
)

// Open files come with answers: each with a byte of its own behind the packet.
func TestReceiveFiles(t *testing.T) {
	for _, c := range []struct {
		name      string
		claimed   uint32
		sent      int
		with      bool // a file with each byte
		text, err string
	}{
		{"two", 2, 2, true, "ab", ""},
		{"none", 0, 0, true, "", ""},
		{"bytes without files", 1, 1, false, "", "open files are missing"},
		{"too many claimed", 1 << 30, 0, true, "", "Unable to decode number of FDs"},
		{"more than claimed", 0, 100, true, "", "too large"}, // their bytes are no packet
	} {
		for _, among := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "s")
				l, err := net.Listen("unix", path)
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				dir := t.TempDir()
				done := make(chan struct{})
				t.Cleanup(func() { <-done }) // before the folders go
				go func() {
					defer close(done)
					conn, err := l.Accept()
					if err != nil {
						return
					}
					defer conn.Close()
					f := newFake(t, nil)
					for {
						h, _, err := readPacket(conn)
						if err != nil {
							return
						}
						if h.program != programLXC {
							if f.answers[h.procedure] == nil {
								continue
							}
							h.kind = typeReply
							answer := f.answers[h.procedure](nil)
							conn.Write(packet(h, func(e *encoder) {
								for _, v := range answer.values {
									e.value(v)
								}
							}))
							continue
						}
						h.kind = typeReplyFDs
						conn.Write(packet(h, func(e *encoder) { e.uint32(c.claimed) }))
						for i := range c.sent {
							name := filepath.Join(dir, "f")
							os.WriteFile(name, []byte{'a' + byte(i)}, 0o600)
							file, err := os.Open(name)
							if err != nil {
								return
							}
							var rights []byte
							if c.with {
								rights = syscall.UnixRights(int(file.Fd()))
							}
							conn.(*net.UnixConn).WriteMsgUnix([]byte{0}, rights, nil)
							file.Close()
							os.Remove(name)
						}
					}
				}()
				u, err := drivers.ParseURI("lxc+unix:///system?socket=" + url.QueryEscape(path))
				if err != nil {
					t.Fatal(err)
				}
				conn, err := Open(t.Context(), u, drivers.OpenOptions{Getenv: none, Among: among})
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				link := conn.(*Conn).link
				p, err := link.start(t.Context(), programLXC, lxcOpenNamespace, nil, nil, nil)
				var files []*os.File
				if err == nil {
					files, err = p.waitFiles(t.Context())
				}
				if err == nil && c.err != "" {
					_, err = conn.(*Conn).Hostname(t.Context())
				}
				if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v", err)
				}
				text := ""
				for _, f := range files {
					data, _ := io.ReadAll(f)
					text += string(data)
					f.Close()
				}
				if text != c.text {
					t.Errorf("%q", text)
				}
			})
		}
	}
}
