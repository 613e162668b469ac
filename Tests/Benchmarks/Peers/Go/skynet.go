package main

// Fair: as published (github.com/atemerev/skynet), each node a goroutine that spawns ten and adds up what comes over one
// channel; the channel has room for all ten, so that no child waits.
func init() {
	registerBoth("skynet", func(name string) {
		leaves := size(1_000_000)
		skynetSum(leaves / 10)
		result := 0
		report(name, perRun(func() { result = skynetSum(leaves) }), "ms")
		if result != leaves*(leaves-1)/2 {
			panic("a leaf was lost")
		}
	})
}

func skynetSum(leaves int) int {
	result := make(chan int, 1)
	go skynet(result, 0, leaves)
	return <-result
}

func skynet(result chan<- int, first, leaves int) {
	if leaves == 1 {
		result <- first
		return
	}
	children := make(chan int, 10)
	share := leaves / 10
	for i := range 10 {
		go skynet(children, first+i*share, share)
	}
	sum := 0
	for range 10 {
		sum += <-children
	}
	result <- sum
}
