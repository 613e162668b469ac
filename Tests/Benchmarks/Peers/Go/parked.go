package main

import (
	"bufio"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Fair: a small warm-up only, because a goroutine's first stack is what is measured; the collector gives back all
// it can before memory is read, outside the timed parts.
func init() {
	register("parked", 1, func() {
		park(1000, false)
		park(size(1_000_000), true)
	})
}

func park(goroutines int, reporting bool) {
	channel := make(chan int)
	var parked atomic.Int64
	var group sync.WaitGroup
	group.Add(goroutines)
	debug.FreeOSMemory()
	before := residentBytes()
	create := perItem(goroutines, func() {
		for range goroutines {
			go func() {
				parked.Add(1)
				<-channel
				group.Done()
			}()
		}
		for parked.Load() < int64(goroutines) {
			runtime.Gosched()
		}
	})
	debug.FreeOSMemory()
	bytes := float64(residentBytes()-before) / float64(goroutines)
	wake := perItem(goroutines, func() {
		for i := range goroutines {
			channel <- i
		}
		group.Wait()
	})
	if reporting {
		report("parked, memory each", bytes, "bytes")
		report("parked, create each", create, "ns")
		report("parked, wake each", wake, "ns")
	}
}

// residentBytes is the memory resident now, page tables included.
func residentBytes() int {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	kilobytes := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if fields[0] == "VmRSS:" || fields[0] == "VmPTE:" {
			value, _ := strconv.Atoi(fields[1])
			kilobytes += value
		}
	}
	return kilobytes * 1024
}
