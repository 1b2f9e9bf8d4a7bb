// Package host tells about the machine that virgo runs on: processors, memory,
// NUMA cells and caches, as the embedded drivers show them.
package host
