// Package storage knows storage pools and volumes: what definitions are
// completed with and checked for, and which kinds of pools there are.
package storage
