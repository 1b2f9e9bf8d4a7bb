package qemu

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"virgo/xml"
)

// TestSaveImage: what is written is read again, and stands where libvirt has it.
func TestSaveImage(t *testing.T) {
	cookie, err := saveCookie{CPU: &xml.CPU{Mode: "custom", Match: "exact", Check: "full", Model: "qemu64", Fallback: "forbid"}, SlirpHelper: &struct{}{}}.bytes()
	if err != nil {
		t.Fatal(err)
	}
	if want := "<cookie>\n  <cpu mode='custom' match='exact' check='full'>\n    <model fallback='forbid'>qemu64</model>\n  </cpu>\n  <slirpHelper/>\n</cookie>\n"; string(cookie) != want {
		t.Errorf("cookie:\n%s", cookie)
	}
	doc := []byte("<domain/>\n")
	image := newSaveImage(doc, cookie, true, saveFormatNumber("zstd"))
	data := image.bytes(saveMagic)
	head := "4c69627669727451656d756453617665" + "02000000" + "b0000100" + "01000000" + "05000000" + "0b000000"
	if got := hex.EncodeToString(data[:36]); got != strings.Replace(head, "b0000100", hex.EncodeToString(data[20:24]), 1) || int64(len(data)) != image.memory() {
		t.Errorf("header %s, %d bytes before the memory", got, len(data))
	}
	got, err := readSaveImage(bytes.NewReader(append(data, "memory"...)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Doc, doc) || !bytes.Equal(got.Cookie, cookie) || !got.Running || got.Format != 5 || got.memory() != image.memory() {
		t.Errorf("read as %+v", got)
	}
	if c := got.cookie(); c.CPU == nil || c.CPU.Model != "qemu64" {
		t.Errorf("cookie read as %+v", c)
	}
	if got.Doc = bytes.Repeat([]byte("x"), saveRoom+len(doc)); !got.fits() {
		t.Error("there is room for a longer document")
	}
	if got.Doc = append(got.Doc, 'x'); got.fits() {
		t.Error("and an end to the room")
	}
}

func TestSaveImageRefused(t *testing.T) {
	whole := newSaveImage([]byte("<domain/>"), nil, false, 0).bytes(saveMagic)
	change := func(at int, with ...byte) []byte {
		data := bytes.Clone(whole)
		copy(data[at:], with)
		return data
	}
	for name, c := range map[string]struct {
		data []byte
		want string
		bad  bool
	}{
		"empty":      {nil, "operation failed: failed to read qemu header", true},
		"other file": {change(0, 'X'), "operation failed: image magic is incorrect", true},
		"unfinished": {newSaveImage(nil, nil, false, 0).bytes(unfinished), "operation failed: save image is incomplete", true},
		"version":    {change(16, 3, 3, 3, 3), "operation failed: image version is not supported (50529027 > 2)", false},
		"length":     {change(20, 0, 0, 0, 0), "operation failed: invalid header data length: 0", false},
		"huge":       {change(20, 0, 0, 0, 0x7f), "operation failed: invalid save image header", false},
		"form":       {change(28, 77), "operation failed: invalid save image header", false},
		"cut":        {whole[:100], "operation failed: failed to read domain XML", false},
	} {
		_, err := readSaveImage(bytes.NewReader(c.data))
		var bad badImage
		if err == nil || err.Error() != c.want && !strings.HasSuffix(c.want, err.Error()) || errors.As(err, &bad) != c.bad {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzSaveImage: a file that somebody has written into harms nobody.
func FuzzSaveImage(f *testing.F) {
	f.Add(newSaveImage([]byte("<domain/>"), []byte("<cookie/>"), true, 1).bytes(saveMagic))
	f.Add([]byte(saveMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		image, err := readSaveImage(bytes.NewReader(data))
		if err != nil {
			return
		}
		image.cookie()
		if image.fits() {
			again, err := readSaveImage(bytes.NewReader(image.bytes(saveMagic)))
			if err == nil && !bytes.Equal(again.Doc, image.Doc) {
				t.Errorf("%q became %q", image.Doc, again.Doc)
			}
		}
	})
}
