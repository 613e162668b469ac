package main

// Fair: the same recursion everywhere, one half spawned, its result over a channel with room for it.
func init() {
	registerBoth("fib", func(name string) {
		repetitions := sizeOr(20, 1)
		parallelFib(25)
		result := 0
		total := perRun(func() {
			for range repetitions {
				result = parallelFib(32)
			}
		})
		report(name, total/float64(repetitions), "ms")
		if result != 2_178_309 {
			panic("fib(32) is wrong")
		}
	})
}

func parallelFib(n int) int {
	if n <= 20 {
		return sequentialFib(n)
	}
	left := make(chan int, 1)
	go func() { left <- parallelFib(n - 1) }()
	right := parallelFib(n - 2)
	return right + <-left
}

//go:noinline
func sequentialFib(n int) int {
	if n < 2 {
		return n
	}
	return sequentialFib(n-1) + sequentialFib(n-2)
}
