package main

import (
	"os"
	"syscall"
)

// quick is whether the programs are only to show that they work.
var quick = os.Getenv("BENCHMARK_QUICK") != ""

// size is how much of something a workload does: count, or a hundredth where its time does not matter.
func size(count int) int { return sizeOr(count, max(1, count/100)) }

func sizeOr(count, quickly int) int {
	if quick {
		return quickly
	}
	return count
}

// registerBoth adds a workload with one processor, and with two under its name and "-2w".
func registerBoth(name string, run func(name string)) {
	register(name, 1, func() { run(name) })
	register(name+"-2w", 2, func() { run(name + "-2w") })
}

// perRun runs body and returns the milliseconds it took.
func perRun(body func()) float64 { return perItem(1, body) / 1e6 }

// processorMilliseconds is the processor time that the process has used, in user space and in the kernel.
func processorMilliseconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}
