// As cpu_shares.c has it, under Go's CPU profiler at its 100 Hz: ten functions on ten threads with a tenth of the CPU
// time each, or the k-th with k/55.
//
//	cpu_shares equal|shares SECONDS FILE
//
// leaves the profile in FILE and prints "used K SECONDS" by the threads' own clocks and "rusage SECONDS".
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"syscall"
	"unsafe"
)

const shares = 55

var used [10]float64
var isEqual bool
var totalSeconds float64

func threadSeconds() float64 {
	var t syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 3, uintptr(unsafe.Pointer(&t)), 0) // CLOCK_THREAD_CPUTIME_ID
	return float64(t.Sec) + float64(t.Nsec)/1e9
}

func processSeconds() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// Inlined into each of the ten, as its own frame is in C.
func spin(k int) {
	runtime.LockOSThread()
	start, share := threadSeconds(), float64(k)/shares
	if isEqual {
		share = 1.0 / float64(len(used))
	}
	for threadSeconds()-start < totalSeconds*share {
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
	isEqual = os.Args[1] == "equal"
	totalSeconds, _ = strconv.ParseFloat(os.Args[2], 64)
	file, err := os.Create(os.Args[3])
	if err != nil {
		os.Exit(1)
	}
	pprof.StartCPUProfile(file)
	before := processSeconds()
	var group sync.WaitGroup
	for _, f := range []func(){burn_1, burn_2, burn_3, burn_4, burn_5, burn_6, burn_7, burn_8, burn_9, burn_10} {
		group.Add(1)
		go func(f func()) {
			f()
			group.Done()
		}(f)
	}
	group.Wait()
	after := processSeconds()
	pprof.StopCPUProfile()
	file.Close()
	for k, seconds := range used {
		fmt.Printf("used %d %.4f\n", k+1, seconds)
	}
	fmt.Printf("rusage %.4f\n", after-before)
}
