package main

// Fair: the plain idiom, a goroutine that sends and closes, and `range` over an unbuffered channel, on one P.
func init() {
	register("rendezvous", 1, func() {
		const messages = 3_000_000
		rendezvous(messages / 10)
		report("rendezvous", perItem(messages, func() { rendezvous(messages) }), "ns")
	})
}

func rendezvous(messages int) {
	channel := make(chan int)
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
