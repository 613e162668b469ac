package main

// Fair: Go has no join that returns a value, so a channel brings it; it is made once for all children, which
// is quicker than one each (children run one by one, so they can share it).
func init() {
	register("spawn-wait", 1, func() {
		children := size(1_000_000)
		spawnAndWait(children / 10)
		report("spawn-wait", perItem(children, func() { spawnAndWait(children) }), "ns")
	})
}

func spawnAndWait(children int) {
	result := make(chan int)
	sum := 0
	for i := range children {
		go func() { result <- i }()
		sum += <-result
	}
	if sum != children*(children-1)/2 {
		panic("a result was lost")
	}
}
