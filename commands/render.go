package commands

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter"
)

// Emit shows a result: as virsh prints it, or as JSON.
func (c *Call) Emit(r Result) {
	if c.emit != nil {
		c.emit(r)
		return
	}
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
	return drawTable(rows, !quiet)
}

// drawTable lets tablewriter pad all columns but the last, which has no
// padding; the leading blank, the line of dashes and the last column are
// virsh's own ways.
func drawTable(rows [][]string, header bool) string {
	if len(rows) == 0 || len(rows[0]) == 0 {
		return ""
	}
	last := len(rows[0]) - 1
	var drawn strings.Builder
	if last > 0 {
		t := tablewriter.NewWriter(&drawn)
		t.SetAutoWrapText(false)
		t.SetBorder(false)
		t.SetHeaderLine(false)
		t.SetColumnSeparator("")
		t.SetAlignment(tablewriter.ALIGN_LEFT)
		t.SetNoWhiteSpace(true)
		t.SetTablePadding("   ")
		for _, row := range rows {
			t.Append(row[:last])
		}
		t.Render()
	}
	lines := strings.Split(drawn.String(), "\n")
	var b strings.Builder
	width := 0
	for _, row := range rows {
		width = max(width, tablewriter.DisplayWidth(row[last]))
	}
	for n, row := range rows {
		line := ""
		if last > 0 {
			line = lines[n]
		}
		b.WriteString(" " + line + row[last] + "\n")
		if n == 0 && header {
			b.WriteString(strings.Repeat("-", tablewriter.DisplayWidth(line)+width+3) + "\n")
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
