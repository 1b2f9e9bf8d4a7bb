package commands

import "fmt"

// Result is what a command gives: a Table, Fields, a Document, a Message or an
// Event. A renderer makes text or JSON of it.
type Result interface{ result() }

// Listing is a table of objects.
type Listing struct {
	Columns []Column
	Rows    [][]any
	// Plain rows are printed without header and padding, one value a cell.
	Plain bool
}

// Column is a column of a table: its title, and its key in JSON.
type Column struct{ Title, Key string }

// Fields are named values of one thing.
type Fields struct {
	Width int // of the labels, colon included; the value begins one blank after it
	Items []Field
}

// Field is one named value. JSON gives Value under Key; text prints Text, or
// Value if Text is empty.
type Field struct {
	Label, Key string
	Value      any
	Text       string
}

// Document is XML or another text, printed as it is. Key is its name in JSON.
type Document struct {
	Key  string // "xml" if empty
	Text string
}

// Message is a text for people, as it is printed (a newline is not added), and
// what it says in values.
type Message struct {
	Text  string
	Data  any
	Extra bool // not printed with -q
}

// Event is one item of a stream: shown at once, also when more may follow.
type Event struct {
	Text string
	Data any
}

func (Listing) result()  {}
func (Fields) result()   {}
func (Document) result() {}
func (Message) result()  {}
func (Event) result()    {}

// Data are named values in the order in which they are printed.
type Data []Pair

// Pair is one of them.
type Pair struct {
	Key   string
	Value any
}

// msgf makes a Message of a format; the newline is added.
func msgf(data Data, format string, args ...any) Message {
	return Message{Text: fmt.Sprintf(format, args...) + "\n", Data: data}
}
