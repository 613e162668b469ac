package main

import (
	"fmt"
	"runtime"
	"sync"
)

// Fair: sync.Mutex; the owner yields while it holds the lock, so that the others come to wait. Its handing over is less
// strict than ours: a waiter owns the lock at once only after it has waited for a millisecond.
func init() {
	register("lock", 1, func() {
		count := size(20_000_000)
		var lock sync.Mutex
		uses := 0
		report("lock", perItem(count, func() {
			for range count {
				lock.Lock()
				uses++
				lock.Unlock()
			}
		}), "ns")
		if uses != count {
			panic("a use was lost")
		}
	})
	for _, goroutines := range []int{8, 64} {
		registerBoth(fmt.Sprintf("lock-%d", goroutines), func(name string) {
			each := size(1_024_000) / goroutines
			contendForLock(goroutines, each/10)
			report(name, perItem(goroutines*each, func() { contendForLock(goroutines, each) }), "ns")
		})
	}
}

func contendForLock(goroutines, each int) {
	var lock sync.Mutex
	uses := 0
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for range each {
				lock.Lock()
				before := uses
				runtime.Gosched()
				uses = before + 1
				lock.Unlock()
			}
		})
	}
	group.Wait()
	if uses != goroutines*each {
		panic("a use was lost")
	}
}
