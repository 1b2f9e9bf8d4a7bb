package shell

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/chzyer/readline"
)

// screen stands between the line editor and the terminal. The editor wipes the
// line and prints it anew, prompt and all, for every key; a program that drives
// the prompt waits for the prompt and would take each for the next one. So what
// goes to the terminal is what the key changed, as readline does it.
type screen struct {
	out    io.Writer
	mu     sync.Mutex // the editor writes from a goroutine of its own
	prompt string
	hidden bool   // the terminal does not echo what is typed
	shown  string // the prompt and the line as they stand there, with the cursor behind them; "" if that is not known
	fresh  bool   // the cursor stands at the begin of an empty line
	wipe   string // the editor's last wipe of the line, not written yet
}

const (
	// wipe is in each of the editor's wipes of the line.
	wipe = "\x1b[J"
	// wrap brings the cursor to the next line, where the last has become full.
	wrap     = " \b"
	pasteOn  = "\x1b[?2004h"
	pasteOff = "\x1b[?2004l\r"
	erase    = "\b \b"
	// endMark is what the editor prints at the end of the input; nobody sees it.
	endMark = "\x04"
)

// begin prepares for a new line with a prompt.
func (s *screen) begin(prompt string, hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prompt, s.hidden, s.shown, s.fresh = prompt, hidden, "", true
}

// Write takes what the editor would print.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(p)
	out := text
	switch {
	case strings.HasPrefix(text, wipe):
		s.wipe = text
		return len(p), nil
	case text == "\a":
	case s.prompt != "" && strings.HasPrefix(text, s.prompt):
		out = s.line(text)
		s.wipe = ""
	default: // a list of candidates, a search
		out = s.wipe + text
		s.wipe, s.shown, s.fresh = "", "", false
	}
	if out != "" {
		if _, err := io.WriteString(s.out, out); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// line is what turns the line on the screen into text, which is the prompt,
// what was typed, and the way back to where the cursor stands.
func (s *screen) line(text string) string {
	text = s.exact(text)
	line, tail := text, ""
	if cut, ok := strings.CutSuffix(text, wrap); ok {
		switch {
		case cut == s.prompt || strings.HasSuffix(cut, "\n"):
			line = cut
		case full(cut):
			line, tail = cut, wrap
		}
	}
	was, fresh := s.shown, s.fresh
	s.shown, s.fresh = line, strings.HasSuffix(line, "\n")
	if strings.ContainsAny(line, "\b\x1b") { // the cursor is not behind it
		s.shown = ""
	}
	switch {
	case s.hidden && fresh:
		return s.prompt
	case s.hidden || line == s.prompt+endMark+"\n":
		return ""
	case fresh:
		return line + tail
	case was == "" || s.shown == "":
		return s.wipe + text
	case strings.HasPrefix(line, was):
		return line[len(was):] + tail
	case len(was) == len(line)+1 && strings.HasPrefix(was, line) && was[len(line)] < utf8.RuneSelf && !full(was) && !full(line):
		return erase
	}
	return s.wipe + text
}

// exact puts the way back right for letters that are not one column wide: the
// editor goes one column back for each.
func (s *screen) exact(text string) string {
	at := strings.IndexByte(text, '\b')
	if at < 0 {
		return text
	}
	if strings.HasSuffix(text[:at+1], wrap) && at > 0 && full(text[:at-1]) {
		at-- // the line is full, and its end is on the next one
	}
	line, way := []rune(text[:at]), text[at:]
	back := strings.Count(strings.TrimPrefix(way, wrap), "\b")
	even := !slices.ContainsFunc(line, func(r rune) bool { return readline.Runes{}.Width(r) != 1 })
	if even || back == 0 || back > len(line)-utf8.RuneCountInString(s.prompt) {
		return text
	}
	width := screenWidth()
	end, cursor := columns(line, width), columns(line[:len(line)-back], width)
	out := string(line)
	if end%width == 0 {
		out += wrap
	}
	if up := end/width - cursor/width; up > 0 {
		out += fmt.Sprintf("\x1b[%dA", up)
	}
	out += "\r"
	if right := cursor % width; right > 0 {
		out += fmt.Sprintf("\x1b[%dC", right)
	}
	return out
}

// columns is how many columns of a terminal letters take, with those that stay
// empty since a wide letter did not fit in at the end of a line.
func columns(letters []rune, width int) int {
	n := 0
	for _, r := range letters {
		w := readline.Runes{}.Width(r)
		if n%width+w > width {
			n += width - n%width
		}
		n += w
	}
	return n
}

// full tells whether a line ends where a line of the terminal does.
func full(line string) bool {
	return readline.Runes{}.WidthAll([]rune(line))%screenWidth() == 0
}
