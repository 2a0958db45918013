// Eight goroutines that contend for a mutex: how far Go's mutex profile, its block profile and their own clocks
// are from each other, in percent, with everything recorded.
package main

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const goroutines, rounds, hold = 8, 60, 300 * time.Microsecond

// The records' unit is the cycle, which Go does not tell; the block profile of one known wait does.
func cyclesPerSecond() float64 {
	before := total(runtime.BlockProfile)
	var mutex sync.Mutex
	mutex.Lock()
	var waited time.Duration
	done := make(chan bool)
	go func() {
		start := time.Now()
		mutex.Lock()
		waited = time.Since(start)
		mutex.Unlock()
		close(done)
	}()
	time.Sleep(300 * time.Millisecond)
	mutex.Unlock()
	for { // not by a channel, which is a wait, too
		select {
		case <-done:
			return float64(total(runtime.BlockProfile)-before) / waited.Seconds()
		default:
			time.Sleep(time.Millisecond)
		}
	}
}

func total(profile func([]runtime.BlockProfileRecord) (int, bool)) (cycles int64) {
	records := make([]runtime.BlockProfileRecord, 1000)
	n, _ := profile(records)
	for _, r := range records[:n] {
		cycles += r.Cycles
	}
	return
}

func main() {
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)
	perSecond := cyclesPerSecond()
	var mutex sync.Mutex
	var clocked int64
	running := int32(goroutines)
	charged, suffered := total(runtime.MutexProfile), total(runtime.BlockProfile)
	for i := 0; i < goroutines; i++ {
		go func() {
			for round := 0; round < rounds; round++ {
				start := time.Now()
				mutex.Lock()
				atomic.AddInt64(&clocked, int64(time.Since(start)))
				time.Sleep(hold)
				mutex.Unlock()
			}
			atomic.AddInt32(&running, -1)
		}()
	}
	for atomic.LoadInt32(&running) > 0 {
		time.Sleep(time.Millisecond)
	}
	c := float64(total(runtime.MutexProfile)-charged) / perSecond
	s := float64(total(runtime.BlockProfile)-suffered) / perSecond
	fmt.Printf("charged_off %.2f\nclocked_off %.2f\n", 100*math.Abs(c/s-1), 100*math.Abs(s/(float64(clocked)/1e9)-1))
}
