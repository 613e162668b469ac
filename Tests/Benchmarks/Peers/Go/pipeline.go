package main

// Fair: five stages that add one, a goroutine each, with an unbuffered channel before it.
func init() {
	registerBoth("pipeline-5", func(name string) {
		elements := size(1_000_000)
		runStages(elements / 10)
		report(name, perItem(elements, func() { runStages(elements) }), "ns")
	})
}

func runStages(elements int) {
	source := make(chan int)
	go func() {
		for i := range elements {
			source <- i
		}
		close(source)
	}()
	last := source
	for range 5 {
		upstream, out := last, make(chan int)
		go func() {
			for value := range upstream {
				out <- value + 1
			}
			close(out)
		}()
		last = out
	}
	sum := 0
	for value := range last {
		sum += value
	}
	if sum != elements*(elements-1)/2+5*elements {
		panic("an element was lost")
	}
}
