package main

import (
	"slices"
	"time"
)

// Fair: a tick every millisecond; how late each one is seen, on the grid that began with the ticker.
func init() {
	register("ticker", 1, func() {
		count := size(1000)
		start := time.Now()
		ticker := time.NewTicker(time.Millisecond)
		late := []float64{}
		for i := range count {
			<-ticker.C
			due := time.Duration(i+1) * time.Millisecond
			late = append(late, float64((time.Since(start) - due).Nanoseconds())/1e3)
		}
		slices.Sort(late)
		report("ticker, median error", late[count/2], "us")
		report("ticker, error of 99 %", late[count*99/100], "us")
	})
}
