package qmp

import "encoding/json"

// Step is a command, and the command that undoes it: Undo is "" if nothing has
// to be undone.
type Step struct {
	Execute   string          `json:"execute"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Undo      string          `json:"undo,omitempty"`
	UndoArgs  json.RawMessage `json:"undoArgs,omitempty"`
}

// NewStep makes a command of values that can be JSON.
func NewStep(execute string, arguments any) Step {
	data, _ := json.Marshal(arguments) // maps of strings, numbers and the like
	return Step{Execute: execute, Arguments: data}
}

// Undone adds the command that undoes a step.
func (s Step) Undone(execute, key, value string) Step {
	s.Undo = execute
	s.UndoArgs, _ = json.Marshal(map[string]string{key: value})
	return s
}

// Back is the step that undoes another.
func (s Step) Back() Step { return Step{Execute: s.Undo, Arguments: s.UndoArgs} }
