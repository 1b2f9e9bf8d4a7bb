package xml

// XenCommandline is passed to Xen's device model as it stands.
type XenCommandline struct {
	Args []XenArg `el:"xen:arg"`
}

// XenArg is one word.
type XenArg struct {
	Value string `el:"value,attr,empty" missing:"internal error: No device model command-line argument specified"`
}

// BhyveCommandline is passed to bhyve as it stands.
type BhyveCommandline struct {
	Args []BhyveArg `el:"bhyve:arg"`
	Env  []BhyveEnv `el:"bhyve:env"`
}

// BhyveArg is one word.
type BhyveArg struct {
	Value string `el:"value,attr,empty" missing:"internal error: No bhyve command-line argument specified"`
}

// BhyveEnv is one variable.
type BhyveEnv struct {
	Name  string  `el:"name,attr" missing:"internal error: No bhyve environment name specified"`
	Value *string `el:"value,attr"`
}
