package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Fair: only yields are timed. All goroutines have started before the first of them; they end after the last. Each
// has the same number of yields to do, and Gosched's queue is first in, first out.
func init() {
	for _, count := range []int{100, 1000, 10_000, 100_000, 1_000_000} {
		name := fmt.Sprintf("yield-curve-%d", count)
		register(name, 1, func() {
			goroutines := size(count)
			report(name, yieldCurve(goroutines, max(5, size(8_000_000)/goroutines)), "ns")
		})
	}
}

func yieldCurve(goroutines, each int) float64 {
	var started, ready atomic.Int64
	var group sync.WaitGroup
	gate := make(chan int)
	for range goroutines {
		group.Go(func() {
			started.Add(1)
			for started.Load() <= int64(goroutines) {
				runtime.Gosched()
			}
			for range each {
				runtime.Gosched()
			}
			ready.Add(1)
			<-gate
		})
	}
	for started.Load() < int64(goroutines) {
		runtime.Gosched()
	}
	runtime.Gosched()
	time := perItem(goroutines*each, func() {
		started.Add(1)
		for ready.Load() < int64(goroutines) {
			runtime.Gosched()
		}
	})
	close(gate)
	group.Wait()
	return time
}
