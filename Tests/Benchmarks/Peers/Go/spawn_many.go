package main

import (
	"sync"
	"sync/atomic"
)

// Fair: WaitGroup.Go is Go's own form of it; the count shows that each has run, in the peers as well.
func init() {
	registerBoth("spawn-many", func(name string) {
		children := size(1_000_000)
		spawnMany(children / 10)
		report(name, perItem(children, func() { spawnMany(children) }), "ns")
	})
}

func spawnMany(children int) {
	var ran atomic.Int64
	var group sync.WaitGroup
	for range children {
		group.Go(func() { ran.Add(1) })
	}
	group.Wait()
	if ran.Load() != int64(children) {
		panic("a child did not run")
	}
}
