package drivers

// Undo takes back the steps of a piece of work that fails half way. Use:
//
//	var undo drivers.Undo
//	defer undo.Run()
//	...; undo.Add(func() { os.Remove(path) })
//	undo.Done() // success: nothing is taken back
type Undo struct{ steps []func() }

// Add pushes the way back from the step just taken.
func (u *Undo) Add(step func()) { u.steps = append(u.steps, step) }

// Done forgets all steps.
func (u *Undo) Done() { u.steps = nil }

// Run takes the steps back, the last one first.
func (u *Undo) Run() {
	for i := len(u.steps) - 1; i >= 0; i-- {
		u.steps[i]()
	}
	u.steps = nil
}
