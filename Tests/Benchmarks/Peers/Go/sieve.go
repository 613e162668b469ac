package main

import "fmt"

// Fair: the program from Go's own documentation, with an end: the filters are left behind, waiting, which costs nothing here.
func init() {
	registerBoth("sieve", func(name string) {
		sieve(sizeOr(200, 20))
		count, last := sizeOr(2000, 100), sizeOr(17389, 541)
		result := 0
		report(name, perRun(func() { result = sieve(count) }), "ms")
		if result != last {
			panic(fmt.Sprintf("%d is not prime number %d", result, count))
		}
	})
}

func sieve(count int) int {
	end := make(chan int)
	go generate(end)
	prime := 0
	for range count {
		prime = <-end
		output := make(chan int)
		go filter(end, output, prime)
		end = output
	}
	return prime
}

func generate(output chan<- int) {
	for number := 2; ; number++ {
		output <- number
	}
}

func filter(input <-chan int, output chan<- int, prime int) {
	for {
		if number := <-input; number%prime != 0 {
			output <- number
		}
	}
}
