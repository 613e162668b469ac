package main

// Fair: the plain idiom, a goroutine that sends and closes, and `range` over an unbuffered channel.
func init() {
	registerBoth("rendezvous", func(name string) {
		messages := size(3_000_000)
		transport(0, messages/10)
		report(name, perItem(messages, func() { transport(0, messages) }), "ns")
	})
}

func transport(capacity, messages int) {
	channel := make(chan int, capacity)
	go func() {
		for i := range messages {
			channel <- i
		}
		close(channel)
	}()
	sum := 0
	for value := range channel {
		sum += value
	}
	if sum != messages*(messages-1)/2 {
		panic("a message was lost")
	}
}
