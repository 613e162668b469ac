package main

// Fair: `select` with its cases written out, which is quicker than reflect.Select; every sender is ready until its
// share has been taken.
func init() {
	register("choice-2", 1, func() { choices("choice-2", 2, receiveFrom2) })
	register("choice-8", 1, func() { choices("choice-8", 8, receiveFrom8) })
}

func choices(name string, count int, receive func([]chan int, int) int) {
	messages := size(2_000_000)
	chooseAmong(count, messages/10, receive)
	report(name, perItem(messages, func() { chooseAmong(count, messages, receive) }), "ns")
}

func chooseAmong(count, messages int, receive func([]chan int, int) int) {
	each := messages / count
	channels := make([]chan int, count)
	for i := range channels {
		channel := make(chan int)
		channels[i] = channel
		go func() {
			for i := range each {
				channel <- i
			}
		}()
	}
	if receive(channels, each*count) != count*each*(each-1)/2 {
		panic("a message was lost")
	}
}

func receiveFrom2(channels []chan int, messages int) int {
	a, b := channels[0], channels[1]
	sum := 0
	for range messages {
		select {
		case value := <-a:
			sum += value
		case value := <-b:
			sum += value
		}
	}
	return sum
}

func receiveFrom8(channels []chan int, messages int) int {
	a, b, c, d := channels[0], channels[1], channels[2], channels[3]
	e, f, g, h := channels[4], channels[5], channels[6], channels[7]
	sum := 0
	for range messages {
		select {
		case value := <-a:
			sum += value
		case value := <-b:
			sum += value
		case value := <-c:
			sum += value
		case value := <-d:
			sum += value
		case value := <-e:
			sum += value
		case value := <-f:
			sum += value
		case value := <-g:
			sum += value
		case value := <-h:
			sum += value
		}
	}
	return sum
}
