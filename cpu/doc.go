// Package cpu compares, merges, expands and decodes CPUs, all of them values of
// xml.CPU. It reads no file and asks no CPU, but for Host, which asks this
// machine's when it is called.
//
// The facts about models and features are text files in the folder facts; go
// generate makes the tables of them.
package cpu

//go:generate go run ./facts/gen
