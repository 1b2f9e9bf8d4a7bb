// Guest writes the smallest guest that acts: a boot sector that greets on the
// first serial port, echoes what is typed there, and turns the machine off when
// its power button is pressed. Typed q turns it off, r resets it, p tells the
// pvpanic device of a panic.
//
//	go run ./tests/guest FILE
package main

import (
	"fmt"
	"os"
)

// The code runs in real mode at 0x7c00. Ports: 0x3f8 the serial port; 0x600 the
// power management block as SeaBIOS sets it up on pc and q35 (status, enable,
// control); 0x64 the keyboard controller; 0x505 pvpanic.
var code = []byte{
	0xfa,       //        cli
	0x31, 0xc0, //        xor ax, ax
	0x8e, 0xd8, //        mov ds, ax
	0x8e, 0xd0, //        mov ss, ax
	0xbc, 0x00, 0x7c, //        mov sp, 0x7c00
	0xbe, 0x80, 0x7c, //        mov si, text
	// print:
	0xac,       // 0d     lodsb
	0x08, 0xc0, // 0e     or al, al
	0x74, 0x06, // 10     jz armed
	0xba, 0xf8, 0x03, // 12     mov dx, 0x3f8
	0xee,       // 15     out dx, al
	0xeb, 0xf5, // 16     jmp print
	// armed: the power button sets its status bit only if it is enabled
	0xba, 0x02, 0x06, // 18     mov dx, 0x602
	0xb8, 0x00, 0x01, // 1b     mov ax, 0x100
	0xef, // 1e     out dx, ax
	// loop: the timer's interrupt wakes it 18 times a second
	0xfb,             // 1f     sti
	0xf4,             // 20     hlt
	0xba, 0x00, 0x06, // 21     mov dx, 0x600
	0xed,             // 24     in ax, dx
	0xf6, 0xc4, 0x01, // 25     test ah, 1
	0x75, 0x1c, // 28     jnz off
	0xba, 0xfd, 0x03, // 2a     mov dx, 0x3fd
	0xec,       // 2d     in al, dx
	0xa8, 0x01, // 2e     test al, 1
	0x74, 0xed, // 30     jz loop
	0xba, 0xf8, 0x03, // 32     mov dx, 0x3f8
	0xec,       // 35     in al, dx
	0x3c, 0x71, // 36     cmp al, 'q'
	0x74, 0x0c, // 38     je off
	0x3c, 0x72, // 3a     cmp al, 'r'
	0x74, 0x11, // 3c     je reset
	0x3c, 0x70, // 3e     cmp al, 'p'
	0x74, 0x13, // 40     je panic
	0xee,       // 42     out dx, al
	0xeb, 0xda, // 43     jmp loop
	0x90, // 45     nop
	// off:
	0xba, 0x04, 0x06, // 46     mov dx, 0x604
	0xb8, 0x00, 0x20, // 49     mov ax, 0x2000
	0xef,       // 4c     out dx, ax
	0xeb, 0xd0, // 4d     jmp loop
	// reset:
	0xb0, 0xfe, // 4f     mov al, 0xfe
	0xe6, 0x64, // 51     out 0x64, al
	0xeb, 0xca, // 53     jmp loop
	// panic:
	0xba, 0x05, 0x05, // 55     mov dx, 0x505
	0xb0, 0x01, // 58     mov al, 1
	0xee,       // 5a     out dx, al
	0xeb, 0xc2, // 5b     jmp loop
}

const text = "virgo guest: up\r\n"

// sector is the disk: code, text at 0x80, the mark of a boot sector.
func sector() []byte {
	s := make([]byte, 512)
	copy(s, code)
	copy(s[0x80:], text)
	s[510], s[511] = 0x55, 0xaa
	return s
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: guest FILE")
		os.Exit(2)
	}
	// Large enough for whole cylinders: SeaBIOS reads no boot sector from less.
	if err := os.WriteFile(os.Args[1], append(sector(), make([]byte, 2<<20-512)...), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(1)
	}
}
