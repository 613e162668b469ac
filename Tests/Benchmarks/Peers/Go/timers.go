package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// Fair: a goroutine that sleeps is how Go is written; time.AfterFunc would have no fiber that waits.
func init() {
	register("timers", 1, func() {
		sleepers := size(1_000_000)
		sleepAll(sleepers / 10)
		before := processorMilliseconds()
		sleepAll(sleepers)
		report("timers", processorMilliseconds()-before, "ms")
	})
}

func sleepAll(sleepers int) {
	start := time.Now()
	var woken atomic.Int64
	var group sync.WaitGroup
	for i := range sleepers {
		group.Go(func() {
			time.Sleep(time.Duration(i*7919%100_000) * time.Microsecond)
			woken.Add(1)
		})
	}
	group.Wait()
	if woken.Load() != int64(sleepers) {
		panic("a sleeper did not wake")
	}
	if time.Since(start) < 99*time.Millisecond {
		panic("the sleepers woke too early")
	}
}
