// Package shell is the command line around the commands: the global options,
// the cobra tree, the run of one command or script, and the prompt.
package shell
