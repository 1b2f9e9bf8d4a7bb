// Package network knows virtual networks: what a definition is completed with
// and checked for, and how parts of one are changed.
package network
