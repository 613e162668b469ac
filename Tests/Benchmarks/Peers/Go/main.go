// Go's side of the comparison: `benchmarks list` prints the workloads, `benchmarks NAME` times one.
// One file per workload; each registers itself in its init function.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"time"
)

type workload struct {
	workers int
	run     func()
}

var workloads = map[string]workload{}

// register adds a workload that runs on the given number of processors (Ps).
func register(name string, workers int, run func()) { workloads[name] = workload{workers, run} }

// report prints one measured value in the form that the driver reads.
func report(name string, value float64, unit string) { fmt.Printf("%s\t%.3f\t%s\n", name, value, unit) }

// perItem runs body and returns the nanoseconds that each of its n items took.
func perItem(n int, body func()) float64 {
	start := time.Now()
	body()
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "list" {
		names := []string{}
		for name := range workloads {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			fmt.Printf("%s\t%d\n", name, workloads[name].workers)
		}
		return
	}
	if len(os.Args) == 2 {
		if chosen, ok := workloads[os.Args[1]]; ok {
			runtime.GOMAXPROCS(chosen.workers)
			chosen.run()
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: benchmarks list | WORKLOAD")
	os.Exit(2)
}
