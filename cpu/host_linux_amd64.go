package cpu

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"virgo/xml"
)

// Host is this machine's CPU, as the capabilities of a host name it.
func Host() (*xml.CPU, error) {
	c, err := HostModel()
	if err != nil {
		return nil, err
	}
	info, _ := os.ReadFile("/proc/cpuinfo")
	c.Microcode = microcode(info)
	if n := addressBits(info); n > 0 {
		c.MaxPhysAddr = &xml.CPUMaxPhysAddr{Mode: "emulate", Bits: n}
	}
	if names(c, "invtsc") {
		c.Counter = counter()
	}
	c.Topology = hostTopology("/sys/devices/system")
	return c, nil
}

// HostModel is Host without what comparisons do not need and costs time:
// microcode, counter, topology, address bits.
func HostModel() (*xml.CPU, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	m := thisMachine()
	m.msrs = readMSRs()
	r := read(m)
	best, err := decode(r, decodeOptions{host: true})
	if err != nil {
		return nil, err
	}
	return best.cpu(&r, "x86_64"), nil
}

// HostData is this machine's CPU as data that can be asked.
func HostData() (Data, error) {
	m := thisMachine()
	m.msrs = readMSRs()
	return m, nil
}

func microcode(cpuinfo []byte) uint32 {
	v, err := strconv.ParseUint(cpuinfoField(cpuinfo, "microcode"), 0, 32)
	if err != nil {
		return 0
	}
	return uint32(v)
}

// addressBits reads "48 bits physical, 48 bits virtual".
func addressBits(cpuinfo []byte) int {
	text, _, _ := strings.Cut(cpuinfoField(cpuinfo, "address sizes"), " ")
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// ioctls of /dev/kvm.
const (
	kvmGetMSRs        = 0xc008ae88
	kvmCreateVM       = 0xae01
	kvmCheckExtension = 0xae03
	kvmCreateVCPU     = 0xae41
	kvmGetTSCKHz      = 0xaea3
	kvmCapTSCControl  = 60
)

func ioctl(fd uintptr, request uintptr, arg uintptr) (int, bool) {
	v, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, request, arg)
	return int(v), errno == 0
}

// readMSRs reads the registers that features are in. One that cannot be read is
// left out.
func readMSRs() map[uint32]uint64 {
	out := make(map[uint32]uint64)
	msr, err := os.Open("/dev/cpu/0/msr")
	if err == nil {
		defer msr.Close()
	}
	kvm, kvmErr := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if kvmErr == nil {
		defer kvm.Close()
	}
	last := ^uint32(0)
	for i := range features[:mapFeatures] {
		f := &features[i]
		if !f.msr || f.leaf == last {
			continue
		}
		last = f.leaf
		if err == nil {
			var b [8]byte
			if n, e := msr.ReadAt(b[:], int64(last)); e == nil && n == 8 {
				out[last] = *(*uint64)(unsafe.Pointer(&b))
			}
			continue
		}
		if kvmErr == nil {
			ask := struct {
				n, _        uint32
				index, _pad uint32
				data        uint64
			}{n: 1, index: last}
			if n, ok := ioctl(kvm.Fd(), kvmGetMSRs, uintptr(unsafe.Pointer(&ask))); ok && n == 1 {
				out[last] = ask.data
			}
		}
	}
	return out
}

// counter asks KVM for the frequency of the time stamp counter; nil if there
// is no KVM.
func counter() *xml.CPUCounter {
	kvm, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	defer kvm.Close()
	vm, ok := ioctl(kvm.Fd(), kvmCreateVM, 0)
	if !ok {
		return nil
	}
	defer syscall.Close(vm)
	vcpu, ok := ioctl(uintptr(vm), kvmCreateVCPU, 0)
	if !ok {
		return nil
	}
	defer syscall.Close(vcpu)
	khz, ok := ioctl(uintptr(vcpu), kvmGetTSCKHz, 0)
	if !ok || khz <= 0 {
		return nil
	}
	scaling := "no"
	if v, ok := ioctl(kvm.Fd(), kvmCheckExtension, kvmCapTSCControl); ok && v > 0 {
		scaling = "yes"
	}
	return &xml.CPUCounter{Frequency: uint64(khz) * 1000, Scaling: scaling}
}
