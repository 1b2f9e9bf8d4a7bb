// Package commands holds virgo's commands. A command is one row: its name, its
// group, its options and its handler. The parsers, help, completion, the man
// page and the reference pages are made from the rows. A handler never prints:
// it emits results, which a renderer turns into virsh's text or into JSON.
package commands
