package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Fair: a channel with room for one is Go's semaphore (golang.org/x/sync/semaphore has a lock and a list on top of such waiting);
// its holder yields, so that all others come to wait for it.
func init() {
	for _, goroutines := range []int{2, 8, 64} {
		registerBoth(fmt.Sprintf("semaphore-%d", goroutines), func(name string) {
			each := size(1_024_000) / goroutines
			takeTurns(goroutines, each/10)
			report(name, perItem(goroutines*each, func() { takeTurns(goroutines, each) }), "ns")
		})
	}
}

func takeTurns(goroutines, each int) {
	permits := make(chan struct{}, 1)
	var holders, turns atomic.Int64
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for range each {
				permits <- struct{}{}
				if holders.Add(1) != 1 {
					panic("two hold the only permit")
				}
				runtime.Gosched()
				holders.Add(-1)
				<-permits
			}
			turns.Add(int64(each))
		})
	}
	group.Wait()
	if turns.Load() != int64(goroutines*each) {
		panic("a turn was lost")
	}
}
