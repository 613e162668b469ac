package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Fair: half of the goroutines send, half receive, over one unbuffered channel.
func init() {
	for _, goroutines := range []int{2, 8, 64} {
		registerBoth(fmt.Sprintf("channel-%d", goroutines), func(name string) {
			messages := size(3_200_000)
			crowd(goroutines/2, messages/10)
			report(name, perItem(messages, func() { crowd(goroutines/2, messages) }), "ns")
		})
	}
}

func crowd(pairs, messages int) {
	each := messages / pairs
	channel := make(chan int)
	var total atomic.Int64
	var group sync.WaitGroup
	for range pairs {
		group.Go(func() {
			for i := range each {
				channel <- i
			}
		})
		group.Go(func() {
			sum := 0
			for range each {
				sum += <-channel
			}
			total.Add(int64(sum))
		})
	}
	group.Wait()
	if total.Load() != int64(pairs*each*(each-1)/2) {
		panic("a message was lost")
	}
}
