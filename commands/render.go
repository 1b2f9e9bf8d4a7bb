package commands

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Emit shows a result: as virsh prints it, or as JSON.
func (c *Call) Emit(r Result) {
	if c.format() == "json" {
		c.Print(resultJSON(r))
	} else {
		c.Print(c.text(r))
	}
	if _, ok := r.(Event); ok {
		c.Flush()
	}
}

func (c *Call) text(r Result) string {
	switch r := r.(type) {
	case Listing:
		if r.Plain {
			return plainText(r)
		}
		return listingText(r, c.Quiet)
	case Fields:
		return fieldsText(r)
	case Document:
		return r.Text
	case Message:
		if r.Extra && c.Quiet {
			return ""
		}
		return r.Text
	case Event:
		return r.Text
	}
	return ""
}

// plainText prints rows as words with a blank between them.
func plainText(l Listing) string {
	var b strings.Builder
	for _, row := range l.Rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(cellText(cell))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// listingText draws virsh's table: each cell is a blank, the text padded to
// the column's width, two blanks; the last column is not padded. A quiet table
// has no header, and its widths take no notice of one.
func listingText(l Listing, quiet bool) string {
	rows := make([][]string, 0, len(l.Rows)+1)
	if !quiet {
		header := make([]string, len(l.Columns))
		for i, c := range l.Columns {
			header[i] = c.Title
		}
		rows = append(rows, header)
	}
	for _, row := range l.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = printable(cellText(v))
		}
		rows = append(rows, cells)
	}
	widths := make([]int, len(l.Columns))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, cell := range row {
			b.WriteByte(' ')
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-runewidth.StringWidth(cell)+2))
			}
		}
		b.WriteByte('\n')
		if n == 0 && !quiet {
			total := 0
			for _, w := range widths {
				total += w + 3
			}
			b.WriteString(strings.Repeat("-", total))
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// printable writes bytes that no terminal shows as \xNN.
func printable(s string) string {
	clean := true
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			for _, c := range []byte(s[:n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

func fieldsText(f Fields) string {
	var b strings.Builder
	for _, item := range f.Items {
		text := item.Text
		if text == "" {
			text = cellText(item.Value)
		}
		label := item.Label + ":"
		b.WriteString(label)
		b.WriteString(strings.Repeat(" ", max(f.Width-len(label), 0)))
		b.WriteByte(' ')
		b.WriteString(text)
		b.WriteByte('\n')
	}
	return b.String()
}

// Cell is a table's value whose text differs from its value in JSON.
type Cell struct {
	Text  string
	Value any
}

func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case Cell:
		return v.Text
	case fmt.Stringer:
		return v.String()
	case bool:
		if v {
			return "yes"
		}
		return "no"
	}
	return fmt.Sprint(v)
}
