package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Fair: permits for half of the goroutines, and a holder yields, so that the others come to wait. A channel with room for
// the tokens is Go's semaphore; golang.org/x/sync/semaphore has a lock and a list on top of such waiting.
func init() {
	for _, goroutines := range []int{2, 8, 64} {
		registerBoth(fmt.Sprintf("semaphore-%d", goroutines), func(name string) {
			each := size(2_048_000) / goroutines
			contend(goroutines, each/10)
			report(name, perItem(goroutines*each, func() { contend(goroutines, each) }), "ns")
		})
	}
}

func contend(goroutines, each int) {
	permits := make(chan struct{}, goroutines/2)
	var turns atomic.Int64
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for range each {
				permits <- struct{}{}
				runtime.Gosched()
				<-permits
			}
			turns.Add(int64(each))
		})
	}
	group.Wait()
	if turns.Load() != int64(goroutines*each) || len(permits) != 0 {
		panic("a turn or a permit was lost")
	}
}
