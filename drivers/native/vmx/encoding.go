package vmx

import (
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

const latin1 = "\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ"

// encodingNames are names of encodings, where # is a number; which of them can
// be read is another question.
var encodingNames = strings.Fields("utf# utf#le utf#be ucs# ucs#le ucs#be ascii usascii windows# win# cp# ibm# ms# iso# latin# l# " +
	"koi#r koi#u koi#ru koi#t macintosh mac maccentraleurope maccyrillic macroman gbk gb# big# big#hkscs " +
	"eucjp euckr euccn euctw shiftjis sjis xsjis johab uhc tis# viscii tcvn hproman#")

// isEncoding tells whether a name is one of an encoding.
func isEncoding(low string) bool {
	var b strings.Builder
	for _, c := range low {
		switch {
		case c == '-' || c == '_':
		case c < '0' || c > '9':
			b.WriteRune(c)
		case !strings.HasSuffix(b.String(), "#"):
			b.WriteByte('#')
		}
	}
	return slices.Contains(encodingNames, b.String())
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
	return nil, xml.Errorf(xml.CodeConfigUnsupported, "the encoding '%s' of the file is not known", encoding)
}
