package main

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Fair: a select between the message and the context's end is how goroutines are made cancellable; Done is asked for once each.
func init() {
	register("cancel-parked", 1, func() {
		goroutines, rounds := size(100_000), sizeOr(3, 1)
		cancelAll(goroutines)
		total := 0.0
		for range rounds {
			total += cancelAll(goroutines)
		}
		report("cancel-parked", total/float64(rounds), "ns")
	})
}

func cancelAll(goroutines int) float64 {
	ctx, cancel := context.WithCancel(context.Background())
	channel := make(chan int)
	var parked, cancelled atomic.Int64
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			parked.Add(1)
			select {
			case <-channel:
			case <-ctx.Done():
				cancelled.Add(1)
			}
		})
	}
	for parked.Load() < int64(goroutines) {
		runtime.Gosched()
	}
	start := time.Now()
	cancel()
	group.Wait()
	each := float64(time.Since(start).Nanoseconds()) / float64(goroutines)
	if cancelled.Load() != int64(goroutines) {
		panic("a goroutine was not cancelled")
	}
	return each
}
