// Package namespace runs a command where another process lives: in its namespaces
// and its control groups. A container is such a place.
package namespace
