// Ten functions on ten threads, the k-th with k/55 of the CPU time, under Go's CPU profiler at its 100 Hz: the profile
// is left in the file named by the argument, and "used K SECONDS" printed by the threads' own clocks.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"syscall"
	"unsafe"
)

const totalSeconds, shares = 8.0, 55

var used [10]float64

func threadSeconds() float64 {
	var t syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 3, uintptr(unsafe.Pointer(&t)), 0) // CLOCK_THREAD_CPUTIME_ID
	return float64(t.Sec) + float64(t.Nsec)/1e9
}

// Inlined into each of the ten, as its own frame is in C.
func spin(k int) {
	runtime.LockOSThread()
	start := threadSeconds()
	for threadSeconds()-start < totalSeconds*float64(k)/shares {
		for i := 0; i < 20000; i++ {
		}
	}
	used[k-1] = threadSeconds() - start
}

//go:noinline
func burn_1() { spin(1) }

//go:noinline
func burn_2() { spin(2) }

//go:noinline
func burn_3() { spin(3) }

//go:noinline
func burn_4() { spin(4) }

//go:noinline
func burn_5() { spin(5) }

//go:noinline
func burn_6() { spin(6) }

//go:noinline
func burn_7() { spin(7) }

//go:noinline
func burn_8() { spin(8) }

//go:noinline
func burn_9() { spin(9) }

//go:noinline
func burn_10() { spin(10) }

func main() {
	file, err := os.Create(os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	pprof.StartCPUProfile(file)
	var group sync.WaitGroup
	for _, f := range []func(){burn_1, burn_2, burn_3, burn_4, burn_5, burn_6, burn_7, burn_8, burn_9, burn_10} {
		group.Add(1)
		go func(f func()) {
			f()
			group.Done()
		}(f)
	}
	group.Wait()
	pprof.StopCPUProfile()
	file.Close()
	for k, seconds := range used {
		fmt.Printf("used %d %.4f\n", k+1, seconds)
	}
}
