package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"unicode/utf8"

	"github.com/chzyer/readline"

	"virgo/commands"
	"virgo/completion"
)

// terminal tells whether a stream is a terminal.
func terminal(v any) (fd int, ok bool) {
	f, ok := v.(*os.File)
	if !ok {
		return 0, false
	}
	return int(f.Fd()), readline.IsTerminal(int(f.Fd()))
}

// makeRaw sets the terminal to pass each key on.
func makeRaw(fd int) func() (func(), error) {
	return func() (func(), error) {
		state, err := readline.MakeRaw(fd)
		if err != nil {
			return nil, err
		}
		return func() { _ = readline.Restore(fd, state) }, nil
	}
}

// atTerminal is the prompt with a line editor.
func atTerminal(ctx context.Context, s *commands.Session) error {
	keys := &keyboard{in: s.In}
	history := openHistory(s)
	ed := &editing{s: s, ctx: ctx, keys: keys}
	view := &screen{out: s.Out}
	rl, err := readline.NewEx(&readline.Config{
		Prompt: promptText(s), Stdin: io.NopCloser(editorKeys{keys}), Stdout: view, Stderr: s.Err, AutoComplete: ed, HistoryLimit: historyLimit,
		DisableAutoSaveHistory: true, HistorySearchFold: true, InterruptPrompt: "^C", EOFPrompt: endMark,
		Listener: readline.FuncListener(ed.key), FuncGetWidth: screenWidth,
	})
	if err != nil {
		return err
	}
	defer rl.Close()
	ed.out = rl.Stdout()
	for _, line := range history.read() {
		_ = rl.SaveHistory(line)
	}
	// a signal that comes between commands is nobody's
	idle := make(chan os.Signal, 1)
	signal.Notify(idle, os.Interrupt)
	defer signal.Stop(idle)
	in := s.In
	s.In = keys
	pastes := s.Getenv("TERM") != "dumb"
	for {
		text, err := readCommand(rl, view, s, in, pastes)
		switch {
		case errors.Is(err, readline.ErrInterrupt):
			continue
		case err != nil:
			return nil
		case strings.TrimSpace(text) == "":
			continue
		}
		if history.add(text) {
			_ = rl.SaveHistory(text)
		}
		run, stop := stoppable(ctx, s)
		err = s.RunScript(run, text)
		stop()
		if errors.Is(err, commands.ErrQuit) {
			return nil
		}
	}
}

// screenWidth is the terminal's width, or that of most where it does not tell:
// programs often make terminals without a size.
func screenWidth() int {
	if w := readline.GetScreenWidth(); w > 0 {
		return w
	}
	return 80
}

// readCommand reads a command: more lines follow one that ends with a
// backslash or within quotes.
func readCommand(rl *readline.Instance, view *screen, s *commands.Session, in any, pastes bool) (string, error) {
	text, err := readLine(rl, view, promptText(s), s.Out, in, pastes)
	for err == nil && commands.Unfinished(text) {
		var more string
		more, err = readLine(rl, view, "> ", s.Out, in, pastes)
		text += "\n" + more
	}
	return text, err
}

// readLine reads a line. Around it, and behind the end of the input, comes what
// readline prints there.
func readLine(rl *readline.Instance, view *screen, prompt string, out io.Writer, in any, pastes bool) (string, error) {
	hidden := false
	if fd, ok := terminal(in); ok {
		hidden = !echoes(fd)
	}
	if pastes {
		io.WriteString(out, pasteOn)
	}
	view.begin(prompt, hidden)
	rl.SetPrompt(prompt)
	text, err := rl.Readline()
	if pastes {
		io.WriteString(out, pasteOff)
		if hidden || errors.Is(err, io.EOF) {
			io.WriteString(out, "\n")
		}
	}
	return text, err
}

// editing is what the line editor asks for while a line is typed.
type editing struct {
	s    *commands.Session
	ctx  context.Context
	keys *keyboard
	out  io.Writer
}

// key puts pasted text in the place of its mark.
func (e *editing) key(line []rune, pos int, key rune) ([]rune, int, bool) {
	if key != pasteMark {
		return nil, 0, false
	}
	text := []rune(e.keys.paste())
	for i, r := range line {
		if r == pasteMark {
			out := append(append(append([]rune(nil), line[:i]...), text...), line[i+1:]...)
			return out, i + len(text), true
		}
	}
	return nil, 0, false
}

// Do completes the word before the cursor: as far as it is clear, and with a
// list of what may follow where it is not.
func (e *editing) Do(line []rune, pos int) ([][]rune, int) {
	words, quote, ok := commands.LastWords(string(line[:pos]))
	if !ok {
		return nil, 0
	}
	list := e.s.Complete(e.ctx, words, true)
	last := words[len(words)-1]
	switch len(list) {
	case 0:
		return nil, 0
	case 1:
		tail := quoteTail(list[0].Text[len(last):], quote)
		if !strings.HasSuffix(list[0].Text, "/") && !strings.HasSuffix(list[0].Text, "=") {
			if quote != 0 {
				tail += string(quote)
			}
			tail += " "
		}
		return [][]rune{[]rune(tail)}, len(last)
	}
	if same := common(list)[len(last):]; same != "" {
		return [][]rune{[]rune(quoteTail(same, quote))}, len(last)
	}
	io.WriteString(e.out, menu(list, screenWidth()))
	return nil, 0
}

// quoteTail escapes what the parser would take for more than a letter, within
// the quote that is open or, with 0, outside of quotes.
func quoteTail(s string, quote byte) string {
	special := " \t'\";#\\"
	switch quote {
	case '"':
		special = "\"\\"
	case '\'':
		return strings.ReplaceAll(s, "'", `'\''`)
	}
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(special, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// common is what all candidates begin with.
func common(list []completion.Candidate) string {
	same := list[0].Text
	for _, c := range list[1:] {
		for !strings.HasPrefix(c.Text, same) {
			_, n := utf8.DecodeLastRuneInString(same)
			same = same[:len(same)-n]
		}
	}
	return same
}

// menu lists candidates with what is known of them, as wide as the terminal.
func menu(list []completion.Candidate, width int) string {
	width = max(width, 20)
	longest, helped := 0, false
	for _, c := range list {
		longest = max(longest, utf8.RuneCountInString(c.Text))
		helped = helped || c.Help != ""
	}
	var b strings.Builder
	if helped && len(list) <= 60 {
		for _, c := range list {
			line := fmt.Sprintf("%-*s  %s", longest, c.Text, c.Help)
			if r := []rune(line); len(r) >= width {
				line = string(r[:width-1])
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
		return b.String()
	}
	columns := max(width/(longest+2), 1)
	rows := (len(list) + columns - 1) / columns
	for r := 0; r < rows; r++ {
		line := ""
		for i := r; i < len(list); i += rows {
			line += fmt.Sprintf("%-*s", longest+2, list[i].Text)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
