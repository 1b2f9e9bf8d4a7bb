// Package watch is the process that stands by a running guest: how it is
// started, cut loose from its caller, told what to do, and replaced when it is
// killed. What it does with its guest is the driver's part (Guest).
package watch
