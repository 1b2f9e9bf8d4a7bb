package qemu

import (
	"encoding/json"
	"fmt"
	"strings"

	"virgo/xml"
)

// sdCard is a card in the board's slot: a drive of the older form, since the
// board makes the device.
func (a *args) sdCard(d *xml.Disk) {
	a.boot.usedDisk = true // whose place in the order cannot be said
	dr := d.Driver
	if dr == nil {
		dr = &xml.DiskDriver{}
	}
	format := dr.Type
	if format == "" {
		format = "raw"
	}
	opt := ""
	switch s := d.Source; {
	case s == nil:
	case d.Type == "network":
		opt = flat("file", a.network(s, aliasOf(d.Alias))) + ","
	default:
		opt = "file=" + escapeComma(s.File+s.Dev) + ","
	}
	opt += fmt.Sprintf("format=%s,if=sd,index=%d", format, letters(d.Target.Dev))
	for _, o := range [][2]string{{"readonly", onIf(d.Readonly)}, {"cache", dr.Cache}, {"copy-on-read", string(dr.CopyOnRead)}, {"discard", dr.Discard},
		{"detect-zeroes", zeroes(dr)}, {"aio", dr.IO}} {
		if o[1] != "" {
			opt += "," + o[0] + "=" + o[1]
		}
	}
	a.add("-drive", opt)
}

func onIf(b bool) string {
	if b {
		return "on"
	}
	return ""
}

// zeroes is what happens to written zeroes: unmapping needs discard.
func zeroes(d *xml.DiskDriver) string {
	if d.DetectZeroes == "unmap" && d.Discard != "unmap" {
		return "on"
	}
	return d.DetectZeroes
}

// flat writes an object in QEMU's older form: file.server.host=h.
func flat(prefix string, p *props) string {
	var words []string
	d := json.NewDecoder(strings.NewReader(p.String()))
	d.UseNumber()
	flatten(d, prefix, &words)
	return strings.Join(words, ",")
}

// flatten reads one value. Of an object keys and values alternate.
func flatten(d *json.Decoder, name string, words *[]string) {
	t, err := d.Token()
	if err != nil {
		return
	}
	switch t {
	case json.Delim('{'):
		for d.More() {
			key, _ := d.Token()
			flatten(d, fmt.Sprintf("%s.%v", name, key), words)
		}
		_, _ = d.Token()
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			flatten(d, fmt.Sprintf("%s.%d", name, i), words)
		}
		_, _ = d.Token()
	default:
		*words = append(*words, name+"="+escapeComma(fmt.Sprint(t)))
	}
}
