package shell

import "bytes"

// editorKeys are the keys as the line editor knows them: it takes few of those
// that terminals have for moving about in a line.
type editorKeys struct{ *keyboard }

// keyNames are what terminals send (xterm, the console, screen and tmux, rxvt),
// and the control or meta key that means the same.
var keyNames = []struct{ sent, means string }{
	{"\x1b[1~", "\x01"}, {"\x1b[7~", "\x01"}, // home
	{"\x1b[4~", "\x05"}, {"\x1b[8~", "\x05"}, // end
	{"\x1b[1;5D", "\x1bb"}, {"\x1b[1;3D", "\x1bb"}, {"\x1b[5D", "\x1bb"}, {"\x1bOd", "\x1bb"}, // a word to the left, with ctrl or alt
	{"\x1b[1;5C", "\x1bf"}, {"\x1b[1;3C", "\x1bf"}, {"\x1b[5C", "\x1bf"}, {"\x1bOc", "\x1bf"}, // and to the right
	{"\x1b[3;5~", "\x1bd"}, {"\x1b[3^", "\x1bd"}, // delete a word
}

// Read gives the next keys.
func (k editorKeys) Read(p []byte) (int, error) {
	n, err := k.keyboard.Read(p)
	return copy(p, plainKeys(p[:n])), err
}

// plainKeys is never longer than what it is made of.
func plainKeys(keys []byte) []byte {
	if bytes.IndexByte(keys, 0x1b) < 0 {
		return keys
	}
	for _, name := range keyNames {
		keys = bytes.ReplaceAll(keys, []byte(name.sent), []byte(name.means))
	}
	return keys
}
