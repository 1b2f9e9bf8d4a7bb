// Package drivers says what a hypervisor driver is: a connection, the kinds of
// objects it keeps, and abilities, small optional interfaces that are found by
// assertion. It also holds what drivers share: URIs, errors, the store on
// disk, processes and undo lists.
package drivers
