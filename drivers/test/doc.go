// Package test is a hypervisor that exists in memory only, for the life of the
// process: what virsh's own test driver answers, virgo's answers too. It is
// what scripts and tests run against, and the mock of everything above it.
package test
