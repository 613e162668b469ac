package main

import (
	"runtime"
	"sync"
)

// Fair: Gosched is Go's own yield, on one P; the goroutines' start is spread over millions of yields.
func init() {
	register("yield-2", 1, func() { yields("yield-2", 2, size(2_000_000)) })
	register("yield-1000", 1, func() { yields("yield-1000", 1000, size(4000)) })
}

func yields(name string, goroutines, each int) {
	yieldAll(goroutines, each/10)
	report(name, perItem(goroutines*each, func() { yieldAll(goroutines, each) }), "ns")
}

func yieldAll(goroutines, each int) {
	var group sync.WaitGroup
	for range goroutines {
		group.Add(1)
		go func() {
			defer group.Done()
			for range each {
				runtime.Gosched()
			}
		}()
	}
	group.Wait()
}
