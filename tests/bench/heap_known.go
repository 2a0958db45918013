// 64 MiB alive and 640 MiB churned in blocks of 4 KiB, and what Go's heap profile says of it at its default rate.
package main

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"
)

const block, nlive, nchurn = 4096, 16384, 163840

var live [nlive]*[block]byte
var sink *[block]byte

//go:noinline
func allocateLive() {
	for i := range live {
		live[i] = new([block]byte)
	}
}

//go:noinline
func churn() {
	for i := 0; i < nchurn; i++ {
		sink = new([block]byte)
	}
}

func scaled(objects, bytes int64) float64 {
	if objects == 0 {
		return 0
	}
	average := float64(bytes) / float64(objects)
	return float64(bytes) / (1 - math.Exp(-average/float64(runtime.MemProfileRate)))
}

func main() {
	before := time.Now()
	allocateLive()
	churn()
	ns := float64(time.Since(before).Nanoseconds()) / (nlive + nchurn)
	runtime.GC()
	runtime.GC()
	records := make([]runtime.MemProfileRecord, 10000)
	n, _ := runtime.MemProfile(records, true)
	var alive, churned float64
	for _, r := range records[:n] {
		frames := runtime.CallersFrames(r.Stack())
		for {
			frame, more := frames.Next()
			if strings.HasSuffix(frame.Function, ".allocateLive") {
				alive += scaled(r.InUseObjects(), r.InUseBytes())
			} else if strings.HasSuffix(frame.Function, ".churn") {
				churned += scaled(r.AllocObjects, r.AllocBytes)
			}
			if !more {
				break
			}
		}
	}
	fmt.Printf("live %.0f\nchurn %.0f\nns %.1f\n", alive, churned, ns)
}
