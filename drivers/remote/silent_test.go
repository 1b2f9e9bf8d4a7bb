package remote

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"virgo/drivers"
)

// silent is the address of a server that accepts, greets, and says nothing more.
func silent(t *testing.T, greeting string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte(greeting))
		}
	}()
	return l.Addr().String()
}

// A server that says nothing is given up in time by every transport; so it is when
// the caller gives up.
func TestSilent(t *testing.T) {
	pki := url.QueryEscape(newAuthority(t).folder(nil))
	client := newAuthority(t).issue("client", time.Now().Add(time.Hour))
	whole := url.QueryEscape(newAuthority(t).folder(&client))
	for _, uri := range []string{
		"test+tcp://" + silent(t, "") + "/default",
		"test+tcp://" + silent(t, "\x00\x00\x01") + "/default",
		"test+tls://" + silent(t, "") + "/default?pkipath=" + whole,
		"test+ssh://" + silent(t, "") + "/default",
		"test+ssh://" + silent(t, "SSH-2.0-x\r\n") + "/default",
		"test+ext:///default?command=" + url.QueryEscape("/bin/yes") + "&x=" + pki,
	} {
		start := time.Now()
		_, err := tryAddress(t, uri, 300*time.Millisecond)
		want := "has not answered within 300ms"
		if strings.Contains(uri, "yes") {
			want = "too large" // it says too much
		}
		if err == nil || !strings.Contains(err.Error(), want) || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %v after %v", uri, err, time.Since(start))
		}
		if strings.Contains(uri, "yes") {
			continue
		}
		u, err := drivers.ParseURI(uri)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, stop)
		start = time.Now()
		_, err = Open(ctx, u, drivers.OpenOptions{Getenv: none})
		if !errors.Is(err, context.Canceled) || err.Error() != "interrupted while the daemon was waited for" || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %v after %v", uri, err, time.Since(start))
		}
	}
	_, err := tryAddress(t, "test+tcp://no-such-host.invalid/default", 20*time.Second)
	if err == nil || !strings.Contains(err.Error(), "Unable to resolve address 'no-such-host.invalid' service '16509': ") {
		t.Errorf("%v", err)
	}
}

// By TCP a daemon is not asked first which proof it wants; one that wants some is.
func TestProof(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct {
		name  string
		proof int32
		want  string
	}{{"sasl", authSASL, "SASL, which virgo does not speak"}, {"polkit", authPolkit, ""}, {"none after all", authNone, ""}} {
		t.Run(c.name, func(t *testing.T) {
			opened := 0
			f := newFake(t, map[uint32]func(*decoder) answerOf{
				procAuthList:   ok([]int32{c.proof}),
				procAuthPolkit: ok(int32(1)),
				procConnectOpen: func(*decoder) answerOf {
					if opened++; opened == 1 {
						return answerOf{code: 45, text: "authentication failed: authentication required"}
					}
					return answerOf{}
				},
			})
			go func() {
				if conn, err := l.Accept(); err == nil {
					f.serve(conn)
				}
			}()
			conn, err := tryAddress(t, "test+tcp://"+l.Addr().String()+"/default", 5*time.Second)
			if err == nil {
				conn.Close()
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Among many, connections are waited for by Go's poller.
func TestAmong(t *testing.T) {
	for _, among := range []bool{false, true} {
		f := newFake(t, map[uint32]func(*decoder) answerOf{procConnectGetHostname: ok("here")})
		u, err := drivers.ParseURI("test+unix:///default?socket=" + url.QueryEscape(f.listen()))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := Open(t.Context(), u, drivers.OpenOptions{Getenv: none, Among: among})
		if err != nil {
			t.Fatal(err)
		}
		if name, err := conn.(*Conn).Hostname(t.Context()); name != "here" || err != nil {
			t.Errorf("%q %v", name, err)
		}
		conn.Close()
	}
}
