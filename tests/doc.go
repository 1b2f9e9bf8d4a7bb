// Package tests watches over the whole: generated pages, the order of imports,
// scripts that run the program, completion in real shells.
package tests
