// As many goroutines as threads_dump has threads, parked in the ways Go has, behind net/http/pprof.
package main

import (
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	mutex  sync.Mutex
	cond   = sync.NewCond(new(sync.Mutex))
	rwlock sync.RWMutex
	group  sync.WaitGroup
	ch     = make(chan int)
)

//go:noinline
func goDown(kind, depth int) {
	if depth > 0 {
		goDown(kind, depth-1)
		return
	}
	switch kind {
	case 0:
		mutex.Lock()
	case 1:
		cond.L.Lock()
		cond.Wait()
	case 2:
		rwlock.RLock()
	case 3:
		group.Wait()
	case 4:
		<-ch
	case 5:
		select {
		case <-ch:
		case ch <- 1:
		}
	default:
		time.Sleep(time.Hour)
	}
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	depth, _ := strconv.Atoi(os.Args[2])
	mutex.Lock()
	rwlock.Lock()
	group.Add(1)
	for i := 0; i < n; i++ {
		go goDown(i%7, depth)
	}
	time.Sleep(300 * time.Millisecond)
	http.HandleFunc("/quit", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Repeat("bye ", 300))
		go func() { time.Sleep(10 * time.Millisecond); os.Exit(0) }()
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	http.Serve(listener, nil)
}
