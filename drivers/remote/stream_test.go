package remote

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"virgo/drivers"
)

// breaks are the ways in which a stream ends before its time.
func breaks() map[string]struct {
	after func(io.Writer, header)
	want  string
} {
	e := encoder{}
	text := "disk on fire"
	for _, v := range []any{uint32(1), uint32(0), &text} {
		e.value(v)
	}
	return map[string]struct {
		after func(io.Writer, header)
		want  string
	}{
		"error":    {func(w io.Writer, h header) { w.Write(streamPacket(h, typeStream, statusError, e.buf)) }, "disk on fire"},
		"death":    {func(w io.Writer, _ header) { w.(io.Closer).Close() }, "End of file while reading data"},
		"nonsense": {func(w io.Writer, _ header) { w.Write([]byte{0, 0, 0, 1, 0, 0, 0, 0}) }, "too large"},
	}
}

// An upload that breaks off is told so, in bounded time, whatever is left to send.
func TestUploadBreaks(t *testing.T) {
	ref := drivers.Ref{Kind: drivers.Volume, Name: "v", Parent: &drivers.Ref{Name: "p"}}
	for name, c := range breaks() {
		t.Run(name, func(t *testing.T) {
			conn := dialFake(t, newFake(t, map[uint32]func(*decoder) answerOf{
				procStorageVolUpload: func(*decoder) answerOf {
					return answerOf{after: func(w io.Writer, h header) {
						time.Sleep(20 * time.Millisecond)
						c.after(w, h)
					}}
				}}))
			w, err := volumes{conn}.Upload(t.Context(), ref, drivers.Part{})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			part := make([]byte, 1<<20)
			for n := 0; err == nil && n < 4096 && time.Since(start) < 10*time.Second; n++ {
				_, err = w.Write(part)
			}
			reset := name == "death" && err != nil && strings.Contains(err.Error(), "Connection reset by peer") // what was sent was not read
			if err == nil || !reset && !strings.Contains(err.Error(), c.want) {
				t.Errorf("write: %v", err)
			}
			w.Close()
			if time.Since(start) > 10*time.Second {
				t.Errorf("%v", time.Since(start))
			}
		})
	}
}

// So is a console.
func TestConsoleBreaks(t *testing.T) {
	for name, c := range breaks() {
		t.Run(name, func(t *testing.T) {
			conn := dialFake(t, newFake(t, map[uint32]func(*decoder) answerOf{
				procDomainOpenConsole: func(*decoder) answerOf {
					return answerOf{after: func(w io.Writer, h header) {
						w.Write(streamPacket(h, typeStream, statusMore, []byte("login: ")))
						c.after(w, h)
					}}
				}}))
			console, err := domains{conn}.Console(t.Context(), drivers.Ref{Name: "g"}, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(console)
			if string(data) != "login: " || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q %v", data, err)
			}
			console.Close()
		})
	}
}

// TestNextStops: a context that ends while a reader is about to wait is not missed.
func TestNextStops(t *testing.T) {
	for range 20000 {
		s := newStream()
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			s.next(ctx)
			close(done)
		}()
		stop()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Fatal("it waits for ever")
		}
	}
}
