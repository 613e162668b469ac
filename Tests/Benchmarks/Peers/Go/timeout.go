package main

import "time"

// Fair: one timer is set anew for every message, which is quicker than time.After or a context each time, and needs
// no draining since Go 1.23.
func init() {
	register("timeout", 1, func() {
		messages := size(2_000_000)
		receiveInTime(messages / 10)
		report("timeout", perItem(messages, func() { receiveInTime(messages) }), "ns")
	})
}

func receiveInTime(messages int) {
	channel := make(chan int)
	go func() {
		for i := range messages {
			channel <- i
		}
	}()
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	sum := 0
	for range messages {
		timer.Reset(time.Second)
		select {
		case value := <-channel:
			sum += value
		case <-timer.C:
			panic("a second has passed")
		}
	}
	if sum != messages*(messages-1)/2 {
		panic("a message was lost")
	}
}
