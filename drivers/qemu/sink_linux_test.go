package qemu

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
)

// TestFlow: what goes into a file comes out of it, past the cache and through a
// program, wherever in the file it begins.
func TestFlow(t *testing.T) {
	data := make([]byte, 3*bypassBlock+12345)
	rand.New(rand.NewSource(1)).Read(data)
	for _, c := range []struct {
		form   string
		direct bool
		size   int
	}{{"raw", false, len(data)}, {"raw", true, len(data)}, {"raw", true, 10}, {"raw", true, alignment}, {"raw", true, 0}, {"gzip", false, len(data)}} {
		for _, at := range []int64{0, 1, 67666, alignment} {
			t.Run(fmt.Sprint(c.form, c.direct, c.size, at), func(t *testing.T) {
				form := saveFormats[saveFormatNumber(c.form)]
				if lookForProgram(form.compress) != nil {
					t.Skip("no " + c.form)
				}
				file, err := os.Create(filepath.Join(t.TempDir(), "f"))
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				if setDirect(file, true) != nil {
					t.Skip("this file system has no direct access")
				}
				_ = setDirect(file, false)
				_, _ = file.Seek(at, io.SeekStart)
				out, err := flowOut(file, form.compress, c.direct)
				if err != nil {
					t.Fatal(err)
				}
				for rest := data[:c.size]; len(rest) > 0; rest = rest[min(len(rest), 70001):] {
					if _, err := out.qemu.Write(rest[:min(len(rest), 70001)]); err != nil {
						t.Fatal(err)
					}
				}
				if err := out.finish("f"); err != nil {
					t.Fatal(err)
				}
				_, _ = file.Seek(at, io.SeekStart)
				in, err := flowIn(file, form.decompress, c.direct)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(in.qemu)
				in.abandon()
				if err != nil || !bytes.Equal(got, data[:c.size]) {
					t.Errorf("%d bytes came back, %v", len(got), err)
				}
			})
		}
	}
}
