package vmx

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"virgo/xml"
)

// pages are the upper halves of encodings with one byte a character: what each
// byte from 0x80 on means. An encoding not here is read if it is ASCII, which
// all that VMware uses have in common.
var pages = []struct{ names, upper string }{
	{"windows-1250 cp1250", "€\u0081‚\u0083„…†‡\u0088‰Š‹ŚŤŽŹ\u0090‘’“”•–—\u0098™š›śťžź\u00a0ˇ˘Ł¤Ą¦§¨©Ş«¬\u00ad®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż" +
		"ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙"},
	{"windows-1251 cp1251", "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u0098™љ›њќћџ\u00a0ЎўЈ¤Ґ¦§Ё©Є«¬\u00ad®Ї°±Ііґµ¶·ё№є»јЅѕї" +
		"АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя"},
	{"windows-1252 cp1252", "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ" + latin1},
	{"iso-8859-1 latin1", "\u0080\u0081\u0082\u0083\u0084\u0085\u0086\u0087\u0088\u0089\u008a\u008b\u008c\u008d\u008e\u008f" +
		"\u0090\u0091\u0092\u0093\u0094\u0095\u0096\u0097\u0098\u0099\u009a\u009b\u009c\u009d\u009e\u009f" + latin1},
}

// wide are the encodings with up to two bytes a character, in the order in which
// pages.bin has them.
var wide = [...]string{
	"gbk cp936 windows-936 ms936 gb2312 euc-cn euccn",
	"shift_jis shift-jis shiftjis sjis x-sjis cp932 windows-932 windows-31j ms932",
	"big5 big-5 cp950 windows-950",
	"euc-kr euckr cp949 windows-949 ms949 uhc",
}

// pagesBin is, deflated, for each of them what the bytes 0x80 to 0xff mean by
// themselves, then each first byte 0x81 to 0xfe with each second one 0x40 to 0xfe:
// a character's number less the one before, 0 for none.
//
//go:generate go run gen_pages.go
//go:embed pages.bin
var pagesBin []byte

const (
	singles = 0x80
	seconds = 0xfe - 0x40 + 1
	perPage = singles + (0xfe-0x81+1)*seconds
)

// decodeWide reads one of those; what stands for nothing becomes U+FFFD.
func decodeWide(data []byte, which int) ([]byte, error) {
	all, err := io.ReadAll(flate.NewReader(bytes.NewReader(pagesBin)))
	if err != nil {
		return nil, err
	}
	var page [perPage]uint16
	before := uint16(0)
	for i := range page {
		at := 2 * (which*perPage + i)
		before += uint16(all[at])<<8 | uint16(all[at+1])
		page[i] = before
	}
	out := make([]byte, 0, len(data)*3/2)
	for i := 0; i < len(data); i++ {
		c := data[i]
		r := rune(c)
		if c >= 0x80 {
			r = rune(page[c-0x80])
		}
		if r == 0 && c > 0x80 && c < 0xff && i+1 < len(data) && data[i+1] >= 0x40 && data[i+1] < 0xff {
			i++
			r = rune(page[singles+int(c-0x81)*seconds+int(data[i]-0x40)])
		}
		if r == 0 {
			r = utf8.RuneError
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}

const latin1 = "\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ"

// encodingNames are names of encodings, where # is a number; which of them can
// be read is another question.
var encodingNames = strings.Fields("utf# utf#le utf#be ucs# ucs#le ucs#be ascii usascii windows# windows#j win# cp# ibm# ms# iso# latin# l# " +
	"koi#r koi#u koi#ru koi#t macintosh mac maccentraleurope maccyrillic macroman gbk gb# big# big#hkscs " +
	"eucjp euckr euccn euctw shiftjis sjis xsjis johab uhc tis# viscii tcvn hproman#")

// encodingNumbers are those of families of which only some are known.
var encodingNumbers = map[string][]string{
	"utf#": {"7", "8", "16", "32"}, "ucs#": {"2", "4"},
	"windows#": {"874", "932", "936", "949", "950", "1250", "1251", "1252", "1253", "1254", "1255", "1256", "1257", "1258"}, "windows#j": {"31"},
}

// isEncoding tells whether a name is one of an encoding.
func isEncoding(low string) bool {
	var b strings.Builder
	number := ""
	for _, c := range low {
		switch {
		case c == '-' || c == '_':
			continue
		case c < '0' || c > '9':
			b.WriteRune(c)
			continue
		case !strings.HasSuffix(b.String(), "#"):
			b.WriteByte('#')
		}
		number += string(c)
	}
	known, some := encodingNumbers[b.String()]
	return slices.Contains(encodingNames, b.String()) && (!some || slices.Contains(known, number))
}

// decode gives the file in UTF-8.
func decode(data []byte, encoding string) ([]byte, error) {
	low := strings.ToLower(encoding)
	ascii := true
	for _, c := range data {
		ascii = ascii && c < 0x80
	}
	switch {
	case !isEncoding(low):
		return nil, xml.Errorf(xml.CodeInternal, "libxml2 doesn't handle %s encoding", encoding)
	case ascii, low == "utf-8", low == "utf8":
		return data, nil // whoever prints the domain refuses what is not UTF-8
	}
	for _, p := range pages {
		for _, n := range strings.Fields(p.names) {
			if n != low {
				continue
			}
			upper := []rune(p.upper)
			out := make([]byte, 0, len(data)+len(data)/4)
			for _, c := range data {
				if c < 0x80 {
					out = append(out, c)
				} else {
					out = utf8.AppendRune(out, upper[c-0x80])
				}
			}
			return out, nil
		}
	}
	for i, names := range wide {
		if slices.Contains(strings.Fields(names), low) {
			return decodeWide(data, i)
		}
	}
	return nil, xml.Errorf(xml.CodeConfigUnsupported, "the encoding '%s' of the file is not known", encoding)
}
