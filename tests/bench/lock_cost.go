// A lock and an unlock of Go's, with its mutex and block profiles off and on, in turns: "off LEAST MEDIAN" and
// "on LEAST MEDIAN" of many runs, in nanoseconds.
package main

import (
	"fmt"
	"runtime"
	"sort"
	"sync"
	"time"
)

const runs, pairs = 41, 20000

func main() {
	var mutex sync.Mutex
	var took [2][runs]float64
	for run := 0; run < runs; run++ {
		for on := 0; on < 2; on++ {
			runtime.SetMutexProfileFraction(100 * on)
			runtime.SetBlockProfileRate(10000 * on)
			before := time.Now()
			for i := 0; i < pairs; i++ {
				mutex.Lock()
				mutex.Unlock()
			}
			took[on][run] = float64(time.Since(before).Nanoseconds()) / pairs
		}
	}
	for on, name := range []string{"off", "on"} {
		sort.Float64s(took[on][:])
		fmt.Printf("%s %.2f %.2f\n", name, took[on][0], took[on][runs/2])
	}
}
