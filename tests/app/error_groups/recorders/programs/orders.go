package main

import (
	"fmt"
	"os"
	"strconv"
)

type order struct {
	lines []int
	next  *order
}

// ABOVE
func price(o *order) int { return o.next.lines[0] }

func refund(o *order) int { return o.next.lines[0] + 1 }

func line(o *order, at int) int { return o.lines[at] }

type shop struct{ name string }

func (s *shop) place(o *order) { panic(fmt.Errorf("order %d of %s: no stock", len(o.lines), s.name)) }

func (s *shop) cancel(o *order) { panic(fmt.Errorf("order %d of %s: no stock", len(o.lines), s.name)) }

func main() {
	value, _ := strconv.Atoi(os.Args[2])
	o := &order{lines: make([]int, value%5)}
	switch os.Args[1] {
	case "nil":
		price(o)
	case "nil elsewhere":
		refund(o)
	case "index":
		line(o, value)
	case "method":
		(&shop{fmt.Sprint("shop", value)}).place(o)
	case "method elsewhere":
		(&shop{fmt.Sprint("shop", value)}).cancel(o)
	case "goroutine":
		done := make(chan int)
		go func() { done <- line(o, value) }()
		<-done
	}
}
