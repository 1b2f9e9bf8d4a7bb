package xml

import (
	"errors"
	"fmt"
	"strings"
)

// Code is the class of an error, as libvirt's clients know it. The class
// decides the words before the text.
type Code int

// The classes in use. The numbers are libvirt's public error numbers.
const (
	CodeInternal           Code = 1  // internal error: ...
	CodeNoMemory           Code = 2  // out of memory
	CodeNoSupport          Code = 3  // this function is not supported by the connection driver: ...
	CodeInvalidConn        Code = 6  // invalid connection pointer in ...
	CodeInvalidArg         Code = 8  // invalid argument: ...
	CodeOperationFailed    Code = 9  // operation failed: ...
	CodeXML                Code = 27 // XML error: ...
	CodeConfSyntax         Code = 33 // configuration file syntax error: ...
	CodeForbidden          Code = 29 // operation forbidden: ...
	CodeAuthFailed         Code = 45 // authentication failed: ...
	CodeNoMetadata         Code = 80 // metadata not found: ...
	CodeArgUnsupported     Code = 74 // argument unsupported: ...
	CodeNoConnect          Code = 5  // no connection driver available for ...
	CodeXMLDetail          Code = 35 // at line N: ..., no words before it
	CodeSystem             Code = 38 // the system's text, no words before it
	CodeNoDomain           Code = 42 // Domain not found: ...
	CodeNoNetwork          Code = 43 // Network not found: ...
	CodeOperationAborted   Code = 78 // operation aborted: ...
	CodeOperationInvalid   Code = 55 // Requested operation is not valid: ...
	CodeConfigUnsupported  Code = 67 // unsupported configuration: ...
	CodeTimeout            Code = 68 // Timed out during operation: ...
	CodeOverflow           Code = 82 // numerical overflow: ...
	CodeUnsupported        Code = 84 // Operation not supported: ...
	CodeCPUIncompatible    Code = 91 // the CPU is incompatible with host CPU: ...
	CodeAgentUnresponsive  Code = 86 // Guest agent is not responding: ...
	CodeResourceBusy       Code = 87 // resource busy: ...
	CodeAccessDenied       Code = 88 // access denied: ...
	CodeNoDomainSnapshot   Code = 72 // Domain snapshot not found: ...
	CodeBlockCopyActive    Code = 83 // block copy still active: ...
	CodeDeviceMissing      Code = 99 // device not found: ...
	CodeNoDomainCheckpoint Code = 102
	CodeNoBackup           Code = 105 // Domain backup job id not found: ...
	CodeNoPool             Code = 49  // Storage pool not found: ...
	CodeNoVolume           Code = 50  // Storage volume not found: ...
	CodeNoNodeDevice       Code = 53  // Node device not found: ...
	CodeNoInterface        Code = 57  // Interface not found: ...
	CodeMultipleInterfaces Code = 59  // multiple matching interfaces found: ...
	CodeNoNWFilter         Code = 62  // Network filter not found: ...
	CodeNoSecret           Code = 66  // Secret not found: ...
	CodeInvalidSecret      Code = 65  // Invalid secret: ...
	CodePoolBuilt          Code = 76  // Storage pool already built: ...
	CodeVolumeExists       Code = 90  // this storage volume exists already: ...
	CodeSchema             Code = 92  // XML document failed to validate against schema: ...
	CodeNoBinding          Code = 100 // Network filter binding not found: ...
	CodeNoNetworkPort      Code = 106 // network port not found: ...
	CodeNoHostname         Code = 108 // no hostname found: ...
	CodeAgentTimeout       Code = 112 // guest agent command timed out: ...
	CodeAgentFailed        Code = 113 // guest agent command failed: ...
	CodeRPC                Code = 39  // the text alone: trouble with a daemon's packets
	CodePlain              Code = -1  // the text alone
)

// prefixes holds the words before an error's text, by class.
var prefixes = []struct {
	code  Code
	words string
}{
	{CodeInternal, "internal error: "},
	{CodeNoSupport, "this function is not supported by the connection driver: "},
	{CodeInvalidConn, "invalid connection pointer in "},
	{CodeInvalidArg, "invalid argument: "},
	{CodeOperationFailed, "operation failed: "},
	{CodeOperationAborted, "operation aborted: "},
	{CodeXML, "XML error: "},
	{CodeNoDomain, "Domain not found: "},
	{CodeNoNetwork, "Network not found: "},
	{CodeOperationInvalid, "Requested operation is not valid: "},
	{CodeConfigUnsupported, "unsupported configuration: "},
	{CodeNoMetadata, "metadata not found: "},
	{CodeArgUnsupported, "argument unsupported: "},
	{CodeConfSyntax, "configuration file syntax error: "},
	{CodeForbidden, "operation forbidden: "},
	{CodeAuthFailed, "authentication failed: "},
	{CodeNoConnect, "no connection driver available for "},
	{CodeOverflow, "numerical overflow: "},
	{CodeTimeout, "Timed out during operation: "},
	{CodeUnsupported, "Operation not supported: "},
	{CodeCPUIncompatible, "the CPU is incompatible with host CPU: "},
	{CodeAgentUnresponsive, "Guest agent is not responding: "},
	{CodeResourceBusy, "resource busy: "},
	{CodeBlockCopyActive, "block copy still active: "},
	{CodeDeviceMissing, "device not found: "},
	{CodeAccessDenied, "access denied: "},
	{CodeNoDomainSnapshot, "Domain snapshot not found: "},
	{CodeNoDomainCheckpoint, "Domain checkpoint not found: "},
	{CodeNoBackup, "Domain backup job id not found: "},
	{CodeNoPool, "Storage pool not found: "},
	{CodePoolBuilt, "Storage pool already built: "},
	{CodeNoVolume, "Storage volume not found: "},
	{CodeNoNodeDevice, "Node device not found: "},
	{CodeNoInterface, "Interface not found: "},
	{CodeMultipleInterfaces, "multiple matching interfaces found: "},
	{CodeSchema, "XML document failed to validate against schema: "},
	{CodeNoNWFilter, "Network filter not found: "},
	{CodeNoSecret, "Secret not found: "},
	{CodeInvalidSecret, "Invalid secret: "},
	{CodeNoBinding, "Network filter binding not found: "},
	{CodeNoNetworkPort, "network port not found: "},
	{CodeNoHostname, "no hostname found: "},
	{CodeAgentTimeout, "guest agent command timed out: "},
	{CodeAgentFailed, "guest agent command failed: "},
}

// Error is an error of one of libvirt's classes. Its text is what virsh prints
// after "error: ". File, Line and Column say where in a document, if known.
type Error struct {
	Code         Code
	Msg          string
	File         string
	Line, Column int
	Err          error // cause, or nil
	// Bare: the text comes without the class's words.
	Bare bool
}

// Errorf is in fmt's manner: the class, then the text.
func Errorf(code Code, format string, args ...any) *Error {
	e := &Error{Code: code, Msg: Plain(fmt.Sprintf(format, args...))}
	for _, a := range args {
		if err, ok := a.(error); ok {
			e.Err = err
		}
	}
	return e
}

// Bare is Errorf for an error whose text comes without the class's words.
func Bare(code Code, format string, args ...any) *Error {
	e := Errorf(code, format, args...)
	e.Bare = true
	return e
}

// Error gives the class's words and the text.
func (e *Error) Error() string {
	for _, p := range prefixes {
		if p.code == e.Code && !e.Bare {
			if e.Msg == "" {
				return strings.TrimSuffix(p.words, ": ")
			}
			return p.words + e.Msg
		}
	}
	return e.Msg
}

// Unwrap gives the cause. A CodeNoSupport error is errors.ErrUnsupported.
func (e *Error) Unwrap() error {
	if e.Err == nil && e.Code == CodeNoSupport {
		return errors.ErrUnsupported
	}
	return e.Err
}

// InFile notes the document's name in an error that knows a line but no file.
func InFile(err error, name string) error {
	var e *Error
	if errors.As(err, &e) && e.Line > 0 && e.File == "" {
		e.File = name
	}
	return err
}

// CodeOf is the class of err or of what it wraps; CodeInternal if it has none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
