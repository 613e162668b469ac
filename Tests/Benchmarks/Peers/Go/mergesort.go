package main

import (
	"slices"
	"sync"
)

// Fair: the same algorithm everywhere, hand-written down to the smallest piece; a WaitGroup is the lightest way to wait for a half.
func init() {
	registerBoth("mergesort", func(name string) {
		timeToSort(size(400_000))
		report(name, timeToSort(size(4_000_000)), "ms")
	})
}

func timeToSort(count int) float64 {
	items, spare := make([]int, count), make([]int, count)
	state := uint64(42)
	for i := range items {
		state = state*6364136223846793005 + 1442695040888963407
		items[i] = int(state >> 33)
	}
	time := perRun(func() { parallelSort(items, spare) })
	if !slices.IsSorted(items) {
		panic("the numbers are not sorted")
	}
	return time
}

func parallelSort(items, spare []int) {
	if len(items) <= 16*1024 {
		sequentialSort(items, spare)
		return
	}
	middle := len(items) / 2
	var lower sync.WaitGroup
	lower.Go(func() { parallelSort(items[:middle], spare[:middle]) })
	parallelSort(items[middle:], spare[middle:])
	lower.Wait()
	merge(items, spare)
}

func sequentialSort(items, spare []int) {
	if len(items) <= 24 {
		for i := 1; i < len(items); i++ {
			item, hole := items[i], i
			for ; hole > 0 && items[hole-1] > item; hole-- {
				items[hole] = items[hole-1]
			}
			items[hole] = item
		}
		return
	}
	middle := len(items) / 2
	sequentialSort(items[:middle], spare[:middle])
	sequentialSort(items[middle:], spare[middle:])
	merge(items, spare)
}

// merge makes one sorted piece of the two halves; only the lower half has to move out of the way.
func merge(items, spare []int) {
	middle := len(items) / 2
	if items[middle-1] <= items[middle] {
		return
	}
	copy(spare, items[:middle])
	low, high, next := 0, middle, 0
	for low < middle && high < len(items) {
		if items[high] < spare[low] {
			items[next] = items[high]
			high++
		} else {
			items[next] = spare[low]
			low++
		}
		next++
	}
	copy(items[next:], spare[low:middle])
}
