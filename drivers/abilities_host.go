package drivers

import "context"

// More abilities of Conn.
type (
	// MaxVCPUer tells how many virtual CPUs a guest may have.
	MaxVCPUer interface {
		MaxVCPUs(ctx context.Context, virtType string) (int, error)
	}
	// Sysinfoer tells the host's SMBIOS data, as a document.
	Sysinfoer interface {
		Sysinfo(context.Context) ([]byte, error)
	}
	// FreeMemorier tells the free memory of the host and of its cells, in bytes.
	FreeMemorier interface {
		FreeMemory(context.Context) (uint64, error)
		CellsFreeMemory(ctx context.Context, first, count int) ([]uint64, error)
	}
	// FreePager tells the free pages of sizes (KiB), for each of some cells.
	FreePager interface {
		FreePages(ctx context.Context, sizes []uint, first, count int) ([]uint64, error)
	}
	// CPUMapper tells which of the host's CPUs are there and which are on.
	CPUMapper interface {
		CPUMap(context.Context) (online []bool, err error)
	}
	// CPULoader tells how long the host's CPUs were busy with what.
	CPULoader interface {
		CPULoad(ctx context.Context, cpu int) ([]Param, error)
	}
)
