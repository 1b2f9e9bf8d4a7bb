package cpu

// cpuid is the instruction.
func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

// machine is the CPU that this process runs on.
type machine struct {
	basic, extended uint32 // the highest leaves
	subleaves7      uint32
	msrs            map[uint32]uint64
}

// thisMachine is ready to be asked for leaves; MSRs are the system's to tell.
func thisMachine() *machine {
	m := new(machine)
	m.basic, _, _, _ = cpuid(0, 0)
	m.extended, _, _, _ = cpuid(0x80000000, 0)
	if m.basic >= 7 {
		m.subleaves7, _, _, _ = cpuid(7, 0)
	}
	return m
}

// Query asks for a leaf; those that the CPU does not have are zeros.
func (m *machine) Query(leaf, subleaf uint32) Registers {
	switch {
	case leaf < 0x40000000 && leaf > m.basic,
		leaf >= 0x80000000 && (m.extended < 0x80000000 || leaf > m.extended),
		leaf >= 0x40000000 && leaf < 0x80000000,
		leaf == 7 && subleaf > m.subleaves7:
		return Registers{}
	}
	var r Registers
	r.EAX, r.EBX, r.ECX, r.EDX = cpuid(leaf, subleaf)
	return r
}

// MSR gives a model-specific register, if it could be read.
func (m *machine) MSR(index uint32) (uint64, bool) { v, ok := m.msrs[index]; return v, ok }
