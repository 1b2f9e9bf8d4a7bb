package remote

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

func TestCodec(t *testing.T) {
	word := "text"
	guest := libvirt.Domain{Name: "guest", UUID: uuidOf("0f7a4e4e-5f0f-4d0c-9a5c-0a1b2c3d4e5f"), ID: -1}
	list := []libvirt.TypedParam{{Field: "a", Value: libvirt.TypedParamValue{D: 1, I: int32(-5)}}, {Field: "b", Value: libvirt.TypedParamValue{D: 5, I: 1.5}},
		{Field: "c", Value: libvirt.TypedParamValue{D: 6, I: true}}, {Field: "d", Value: libvirt.TypedParamValue{D: 7, I: "x"}}}
	e := encoder{}
	for _, v := range []any{int32(-7), uint64(1 << 40), "abc", &word, (*string)(nil), []byte{1, 2, 3}, guest, list, []string{"x", "yz"}} {
		e.value(v)
	}
	if len(e.buf)%4 != 0 {
		t.Errorf("%d bytes", len(e.buf))
	}
	var (
		n      int32
		u      uint64
		s      string
		o1, o2 optString
		b      []byte
		x      libvirt.Domain
		p      []libvirt.TypedParam
		words  []string
	)
	d := decoder{buf: e.buf}
	for _, v := range []any{&n, &u, &s, &o1, &o2, &b, &x, &p, &words} {
		d.value(v)
	}
	if d.err != nil || len(d.buf) != 0 {
		t.Fatalf("%v, %d bytes left", d.err, len(d.buf))
	}
	if n != -7 || u != 1<<40 || s != "abc" || textOf(o1) != "text" || len(o2) != 0 || !bytes.Equal(b, []byte{1, 2, 3}) || x != guest ||
		!reflect.DeepEqual(p, list) || !reflect.DeepEqual(words, []string{"x", "yz"}) {
		t.Errorf("%v %v %v %v %v %v %v %v %v", n, u, s, o1, o2, b, x, p, words)
	}
	if r := domainRef(x); r.UUID != "0f7a4e4e-5f0f-4d0c-9a5c-0a1b2c3d4e5f" || dom(r) != guest {
		t.Errorf("%+v", r)
	}
}

// What a packet claims to hold takes no more memory than a small multiple of what it does.
func TestDecodeClaims(t *testing.T) {
	claim := binary.BigEndian.AppendUint32(nil, 0x7fffffff)
	for _, v := range []any{new([]libvirt.Domain), new([]libvirt.TypedParam), new([]string), new([]byte), new(string), new(chars), new([]libvirt.DomainStatsRecord)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d := decoder{buf: claim}
		d.value(v)
		runtime.ReadMemStats(&after)
		if d.err == nil || after.TotalAlloc-before.TotalAlloc > 1<<20 {
			t.Errorf("%T: %v, %d bytes", v, d.err, after.TotalAlloc-before.TotalAlloc)
		}
	}
}

func TestAddress(t *testing.T) {
	for _, c := range []struct{ uri, name, sockets, err string }{
		{"qemu+unix:///system", "qemu:///system", "/var/run/libvirt/virtqemud-sock /var/run/libvirt/libvirt-sock", ""},
		{"qemu+unix:///system?mode=legacy", "qemu:///system", "/var/run/libvirt/libvirt-sock", ""},
		{"qemu+unix:///system?mode=direct", "qemu:///system", "/var/run/libvirt/virtqemud-sock", ""},
		{"test+tcp://host/default", "test:///default", "/var/run/libvirt/libvirt-sock", ""},
		{"lxc+ssh://u@host:77/system?keyfile=/k&x=y", "lxc:///system?x=y", "/var/run/libvirt/virtlxcd-sock /var/run/libvirt/libvirt-sock", ""},
		{"qemu+ssh://host/system?name=test:///default&socket=/s", "test:///default", "/s", ""},
		{"qemu+foo://host/system", "", "", "transport in URL not recognised"},
		{"qemu+unix://host/system", "", "", "using unix socket and remote server 'host'"},
		{"qemu+ext:///system", "", "", "command is required"},
		{"qemu+ssh://h/system?known_hosts_verify=maybe", "", "", "Unknown known_hosts_verify 'maybe'"},
		{"qemu+ssh://h/system?proxy=x", "", "", "Unknown remote proxy 'x'"},
	} {
		u, err := drivers.ParseURI(c.uri)
		if err != nil {
			t.Fatal(err)
		}
		a, err := parseAddress(u, drivers.OpenOptions{Getenv: none})
		if err != nil || c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v", c.uri, err)
			}
			continue
		}
		if got := strings.Join(a.sockets(systemSockets), " "); a.name != c.name || got != c.sockets {
			t.Errorf("%s: %q %q", c.uri, a.name, got)
		}
	}
}

func TestLookupAndErrors(t *testing.T) {
	guest := libvirt.Domain{Name: "guest", ID: 3}
	c := dialFake(t, newFake(t, map[uint32]func(*decoder) answerOf{
		procDomainLookupByName: func(d *decoder) answerOf {
			if name := d.string(); name != "guest" {
				return answerOf{code: 42, text: "Domain not found: no domain with matching name '" + name + "'"}
			}
			return answerOf{values: []any{guest}}
		},
		procDomainGetXMLDesc: ok("<domain/>\n"),
		procDomainSuspend:    func(*decoder) answerOf { return answerOf{code: 3, text: "this function is not supported: x"} },
	}))
	d := c.Objects(drivers.Domain)
	ctx := context.Background()
	ref, err := d.Lookup(ctx, drivers.ByName, "guest")
	if err != nil || ref.ID != 3 {
		t.Fatalf("%+v %v", ref, err)
	}
	if doc, err := d.XML(ctx, ref, 0); err != nil || string(doc) != "<domain/>\n" {
		t.Errorf("%q %v", doc, err)
	}
	_, err = d.Lookup(ctx, drivers.ByName, "other")
	if xml.CodeOf(err) != xml.CodeNoDomain || err.Error() != "Domain not found: no domain with matching name 'other'" {
		t.Errorf("%v", err)
	}
	if err := d.(drivers.Pauser).Suspend(ctx, ref); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v", err)
	}
	if err := d.(drivers.Resetter).Reset(ctx, ref); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("an older daemon: %v", err)
	}
}

// What goes wrong has a clear error, in bounded time.
func TestFaults(t *testing.T) {
	giant := binary.BigEndian.AppendUint32(nil, 0xfffffff0)
	small := binary.BigEndian.AppendUint32(nil, 3)
	odd := packet(header{program: programRemote, version: 1, kind: 9}, nil)
	for _, c := range []struct {
		name    string
		answers map[uint32]func(*decoder) answerOf
		want    string
	}{
		{"silent", map[uint32]func(*decoder) answerOf{procAuthList: func(*decoder) answerOf { return answerOf{hang: true} }}, "has not answered within 300ms"},
		{"silent later", map[uint32]func(*decoder) answerOf{procConnectOpen: func(*decoder) answerOf { return answerOf{hang: true} }}, "has not answered within 300ms"},
		{"dies", map[uint32]func(*decoder) answerOf{procConnectOpen: func(*decoder) answerOf { return answerOf{die: true} }}, "End of file while reading data"},
		{"giant packet", map[uint32]func(*decoder) answerOf{procConnectOpen: func(*decoder) answerOf { return answerOf{raw: append(giant, make([]byte, 24)...)} }}, "too large"},
		{"tiny packet", map[uint32]func(*decoder) answerOf{procConnectOpen: func(*decoder) answerOf { return answerOf{raw: append(small, make([]byte, 24)...)} }}, "too large"},
		{"odd packet", map[uint32]func(*decoder) answerOf{procConnectOpen: func(*decoder) answerOf { return answerOf{raw: odd} }}, "got unexpected RPC call"},
		{"not a daemon", map[uint32]func(*decoder) answerOf{procAuthList: func(*decoder) answerOf { return answerOf{raw: []byte("HTTP/1.1 400 Bad Request\r\n\r\n")} }}, "too large"},
		{"sasl", map[uint32]func(*decoder) answerOf{procAuthList: ok([]int32{authSASL}),
			procConnectOpen: func(*decoder) answerOf { return answerOf{code: 45, text: "authentication failed: no"} }}, "SASL, which virgo does not speak"},
		{"short answer", map[uint32]func(*decoder) answerOf{procAuthList: ok(int32(1000))}, "Unable to decode message payload"},
		{"refused", map[uint32]func(*decoder) answerOf{procConnectOpen: func(*decoder) answerOf { return answerOf{code: 5, text: "no connection driver available for x"} }}, "no connection driver available for x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			conn, err := tryAddress(t, "qemu+unix:///system?socket="+url.QueryEscape(newFake(t, c.answers).listen()), 300*time.Millisecond)
			if err == nil {
				conn.Close()
				t.Fatal("it works")
			}
			if !strings.Contains(err.Error(), c.want) || time.Since(start) > 5*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
	}
	for _, c := range [][2]string{
		{"qemu+unix:///system?socket=/nonexistent/sock", "Failed to connect socket to '/nonexistent/sock': No such file or directory"},
		{"qemu+tcp://127.0.0.1:1/system", "unable to connect to server at '127.0.0.1:1': Connection refused"},
		{"qemu+tls://127.0.0.1:1/system?pkipath=/nonexistent", "Cannot read CA certificate '/nonexistent/cacert.pem': No such file or directory"},
		{"qemu+ext:///system?command=/nonexistent/x", "Cannot find '/nonexistent/x' in path"},
		{"qemu+ext:///system?command=/bin/false", "End of file while reading data"},
	} {
		if _, err := tryAddress(t, c[0], 5*time.Second); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v", c[0], err)
		}
	}
}

// A call that is stopped comes back at once, and the connection goes on.
func TestStop(t *testing.T) {
	c := dialFake(t, newFake(t, map[uint32]func(*decoder) answerOf{
		procConnectGetHostname: func(*decoder) answerOf { return answerOf{hang: true} },
		procConnectGetType:     ok("X"),
		procConnectGetVersion:  ok(uint64(5)),
	}))
	ctx, stop := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer stop()
	if _, err := c.Hostname(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if name, v, err := c.Version(context.Background()); name != "X" || v != 5 || err != nil {
		t.Errorf("%v %v %v", name, v, err)
	}
}

func TestKeepalive(t *testing.T) {
	f := newFake(t, nil)
	c := dialFake(t, f)
	c.keepalive(20*time.Millisecond, 3)
	select {
	case <-c.over:
	case <-time.After(5 * time.Second):
		t.Fatal("it goes on")
	}
	if err := c.Lost(); err == nil || !strings.Contains(err.Error(), "keepalive timeout") {
		t.Errorf("%v", err)
	}
	// who asks is answered
	f = newFake(t, nil)
	f.answers[procConnectGetType] = func(*decoder) answerOf {
		return answerOf{values: []any{"X"}, after: func(w io.Writer, _ header) {
			w.Write(packet(header{program: programKeepalive, version: 1, procedure: keepalivePing, kind: typeMessage}, nil))
		}}
	}
	c = dialFake(t, f)
	c.text(context.Background(), procConnectGetType)
	select {
	case <-f.pongs:
	case <-time.After(5 * time.Second):
		t.Error("no answer")
	}
}

// streamPacket is a packet of a stream that a call opened.
func streamPacket(h header, kind, status uint32, data []byte) []byte {
	h.kind, h.status = kind, status
	return packet(h, func(e *encoder) { e.buf = append(e.buf, data...) })
}

func TestDownload(t *testing.T) {
	ref := drivers.Ref{Kind: drivers.Volume, Name: "v", Parent: &drivers.Ref{Name: "p"}}
	hole := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, 5), 0)
	whole := func(w io.Writer, h header) {
		w.Write(streamPacket(h, typeStream, statusMore, []byte("abc")))
		w.Write(streamPacket(h, typeHole, statusMore, hole))
		w.Write(streamPacket(h, typeStream, statusMore, []byte("d")))
		w.Write(streamPacket(h, typeStream, statusMore, nil))
		w.Write(streamPacket(h, typeStream, statusOK, nil))
	}
	for _, c := range []struct {
		name, want, err string
		after           func(io.Writer, header)
	}{
		{"whole", "abc\x00\x00\x00\x00\x00d", "", whole},
		{"error", "abc", "disk on fire", func(w io.Writer, h header) {
			w.Write(streamPacket(h, typeStream, statusMore, []byte("abc")))
			e := encoder{}
			text := "disk on fire"
			for _, v := range []any{uint32(1), uint32(0), &text} {
				e.value(v)
			}
			w.Write(streamPacket(h, typeStream, statusError, e.buf))
		}},
		{"dies", "abc", "End of file while reading data", func(w io.Writer, h header) {
			w.Write(streamPacket(h, typeStream, statusMore, []byte("abc")))
			w.(io.Closer).Close()
		}},
		{"bad hole", "", "Unable to decode", func(w io.Writer, h header) { w.Write(streamPacket(h, typeHole, statusMore, []byte{1})) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dialFake(t, newFake(t, map[uint32]func(*decoder) answerOf{
				procStorageVolDownload: func(*decoder) answerOf { return answerOf{after: c.after} }}))
			var got bytes.Buffer
			err := volumes{conn}.Download(context.Background(), ref, drivers.Part{}, &got)
			if got.String() != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q %v", got.String(), err)
			}
		})
	}
}

func TestEvents(t *testing.T) {
	guest := libvirt.Domain{Name: "guest", ID: 1}
	message := func(w io.Writer, callback int32) {
		w.Write(packet(header{program: programRemote, version: 1, procedure: procDomainEventCallbackLifecycle, kind: typeMessage}, func(e *encoder) {
			for _, v := range []any{callback, guest, int32(2), int32(0)} {
				e.value(v)
			}
		}))
	}
	gone := make(chan struct{})
	c := dialFake(t, newFake(t, map[uint32]func(*decoder) answerOf{
		procConnectDomainEventCallbackRegisterAny: func(*decoder) answerOf {
			return answerOf{values: []any{int32(7)}, after: func(w io.Writer, _ header) { message(w, 8); message(w, 7) }}
		},
		procConnectDomainEventCallbackDeregisterAny: func(*decoder) answerOf { close(gone); return answerOf{} },
	}))
	ctx, stop := context.WithCancel(context.Background())
	stream, err := domains{c}.Events(ctx, nil, []string{"lifecycle"})
	if err != nil {
		t.Fatal(err)
	}
	e := <-stream
	if e.Ref.Name != "guest" || e.Detail != "Started" || e.Reason != "Booted" {
		t.Errorf("%+v", e)
	}
	stop()
	for range stream {
		t.Error("another event")
	}
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Error("the daemon was not told")
	}
}

// Whatever a daemon sends, the client ends in bounded time.
func FuzzServer(f *testing.F) {
	h := header{program: programRemote, version: 1, procedure: procAuthList, kind: typeReply}
	reply := func(serial uint32, values ...any) []byte {
		h := h
		h.serial = serial
		return packet(h, func(e *encoder) {
			for _, v := range values {
				e.value(v)
			}
		})
	}
	good := bytes.Join([][]byte{reply(0, []int32{0}), reply(1), reply(2, []libvirt.Domain{{Name: "x", ID: 1}}), reply(3, int32(1), int32(1)),
		reply(4), streamPacket(header{program: programRemote, version: 1, procedure: procStorageVolDownload, serial: 4}, typeStream, statusMore, []byte("abc"))}, nil)
	f.Add(good)
	f.Add(append(good[:40:40], 0xff, 0xff, 0xff, 0xff))
	f.Add([]byte("\xff\xff\xff\xff\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		client, server := net.Pipe()
		go io.Copy(io.Discard, server)
		go func() {
			server.Write(data)
			time.Sleep(time.Millisecond)
			server.Close()
		}()
		c := &Conn{link: newLink(client), address: &address{name: "x", getenv: none}}
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		if c.enter(ctx) == nil {
			domains{c}.List(ctx, drivers.Filter{Titles: true})
			volumes{c}.Download(ctx, drivers.Ref{Name: "v"}, drivers.Part{}, io.Discard)
			if s, err := (domains{c}).Events(ctx, nil, nil); err == nil {
				for range s {
				}
			}
		}
		c.link.end(errClosed)
		if ctx.Err() != nil {
			t.Error("it takes too long")
		}
	})
}

// Each message of an event may be anything.
func FuzzEvent(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 'a', 0, 0, 0})
	f.Fuzz(func(_ *testing.T, data []byte) {
		for _, e := range domainEvents {
			if e.read != nil {
				e.read(&decoder{buf: data}, &drivers.Event{})
			}
		}
		for _, v := range []any{new([]libvirt.DomainStatsRecord), new([]libvirt.TypedParam), new(libvirt.NodeGetInfoRet), new([]libvirt.DomainInterface), new(chars)} {
			d := decoder{buf: data}
			d.value(v)
		}
		daemonError(data)
	})
}
