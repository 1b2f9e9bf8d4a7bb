//go:build ignore

// Makes pages.bin: what the characters of two bytes mean in the encodings that
// VMware writes where people do not write in Latin letters. It asks iconv.
package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"log"
	"os"
	"os/exec"
	"unicode/utf8"
)

func main() {
	var plain bytes.Buffer
	for _, name := range []string{"CP936", "CP932", "BIG5", "CP949"} { // the order of wide in encoding.go
		var in bytes.Buffer
		for b := 0x80; b <= 0xff; b++ {
			in.Write([]byte{byte(b), ' ', ' ', '\n'}) // the blank is for half a character to take
		}
		for lead := 0x81; lead <= 0xfe; lead++ {
			for trail := 0x40; trail <= 0xfe; trail++ {
				in.Write([]byte{byte(lead), byte(trail), ' ', ' ', '\n'})
			}
		}
		cmd := exec.Command("iconv", "-c", "-f", name, "-t", "UTF-8")
		cmd.Stdin = &in
		out, _ := cmd.Output() // with -c it says so if it left something out
		before := uint16(0)
		for _, line := range bytes.Split(bytes.TrimSuffix(out, []byte("\n")), []byte("\n")) {
			v := uint16(0)
			line = bytes.TrimRight(line, " ")
			if r, n := utf8.DecodeRune(line); n == len(line) && n > 0 && r < 1<<16 {
				v = uint16(r)
			}
			_ = binary.Write(&plain, binary.BigEndian, v-before)
			before = v
		}
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		log.Fatal(err)
	}
	_, _ = w.Write(plain.Bytes())
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	log.Print(plain.Len(), " bytes, ", packed.Len(), " packed")
	if err := os.WriteFile("pages.bin", packed.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}
