package main

import (
	"sync"
	"sync/atomic"
)

// Fair: four senders and four receivers share one channel with a buffer of 128; the receivers add up for themselves.
func init() {
	registerBoth("fan", func(name string) {
		messages := size(8_000_000)
		fanInAndOut(messages / 10)
		report(name, perItem(messages, func() { fanInAndOut(messages) }), "ns")
	})
}

func fanInAndOut(messages int) {
	const ends = 4
	each := messages / ends
	channel := make(chan int, 128)
	var senders, receivers sync.WaitGroup
	var total atomic.Int64
	for range ends {
		senders.Go(func() {
			for i := range each {
				channel <- i
			}
		})
		receivers.Go(func() {
			sum := 0
			for value := range channel {
				sum += value
			}
			total.Add(int64(sum))
		})
	}
	senders.Wait()
	close(channel)
	receivers.Wait()
	if total.Load() != int64(ends*each*(each-1)/2) {
		panic("a message was lost")
	}
}
