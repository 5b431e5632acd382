// Command agent tags lines of JSON, from standard input or from a file as it grows, and writes each
// to standard output in the order in which it came. SIGHUP reloads the rules.
//
//	agent [-follow FILE] [-rules rules.sgt] [-workers N]
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"sigmatag"
)

const (
	blockSize = 64 << 10
	maxLine   = 8 << 20
	pause     = 200 * time.Millisecond
)

func main() {
	rules := flag.String("rules", "", "compiled `file` of rules; without it the built-in ones")
	follow := flag.String("follow", "", "`file` to read as it grows; without it standard input")
	workers := flag.Int("workers", runtime.NumCPU(), "blocks of lines at once")
	flag.Parse()
	if err := run(*rules, *follow, *workers); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func run(rules, follow string, workers int) error {
	open := func() (*sigmatag.Engine, error) { return sigmatag.OpenDefault(nil) }
	if rules != "" {
		open = func() (*sigmatag.Engine, error) { return sigmatag.Open(rules, nil) }
	}
	engine, err := open()
	if err != nil {
		return err
	}
	defer engine.Close()
	say(engine, "loaded")

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	if follow != "" {
		// Standard input has an end of its own, and reading it cannot be interrupted.
		signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	}
	stop := make(chan struct{})
	go func() {
		for signal := range signals {
			if signal != syscall.SIGHUP {
				close(stop)
				return
			}
			// A file that cannot be used leaves the old rules in force.
			if err := engine.Reload(rules); err != nil {
				fmt.Fprintln(os.Stderr, "agent: the old rules stay in force:", err)
			} else {
				say(engine, "reloaded")
			}
		}
	}()

	blocks := make(chan []byte)
	read := make(chan error, 1)
	go func() {
		defer close(blocks)
		if follow == "" {
			read <- readLines(os.Stdin, blocks, stop, nil)
		} else {
			read <- followFile(follow, blocks, stop)
		}
	}()
	if err := tag(engine, blocks, workers); err != nil {
		return err
	}
	stats, err := engine.Stats()
	if err == nil {
		fmt.Fprintf(os.Stderr, "agent: %d lines, %d tagged, %d malformed, %d unexamined\n",
			stats.Records, stats.MatchedRecords, stats.Malformed, stats.Unexamined)
	}
	return <-read
}

func say(engine *sigmatag.Engine, what string) {
	if info, err := engine.Info(); err == nil {
		fmt.Fprintf(os.Stderr, "agent: %s %d rules, rule set %.16s, generation %d\n", what, info.Rules,
			info.Ruleset, info.Generation)
	}
}

// tag has blocks tagged by several goroutines and writes them in order: what becomes of a block comes
// by a channel of its own, and these stand in a queue.
func tag(engine *sigmatag.Engine, blocks <-chan []byte, workers int) error {
	queue := make(chan chan []byte, workers)
	free := make(chan struct{}, workers)
	var complain sync.Once
	go func() {
		defer close(queue)
		for block := range blocks {
			result := make(chan []byte, 1)
			queue <- result
			free <- struct{}{}
			go func(block []byte) {
				// On an error the lines come back as they are.
				out, _, err := engine.TagLines(block, nil)
				if err != nil {
					complain.Do(func() { fmt.Fprintln(os.Stderr, "agent: lines pass untagged:", err) })
				}
				result <- out
				<-free
			}(block)
		}
	}()
	for result := range queue {
		if _, err := os.Stdout.Write(<-result); err != nil {
			return err
		}
	}
	return nil
}

// readLines sends whole lines until the end. At the end of what is there now it asks more, which may
// wait; without it that is the end.
func readLines(from io.Reader, blocks chan<- []byte, stop <-chan struct{}, more func() bool) error {
	var rest []byte
	for {
		if isClosed(stop) {
			sendRest(rest, blocks)
			return nil
		}
		block := make([]byte, len(rest)+blockSize)
		copy(block, rest)
		n, err := from.Read(block[len(rest):])
		block = block[:len(rest)+n]
		end := bytes.LastIndexByte(block, '\n') + 1
		if len(block)-end > maxLine {
			end = len(block) // its parts are no JSON and pass
		}
		if end > 0 {
			blocks <- block[:end]
		}
		rest = block[end:]
		if err == io.EOF && more != nil {
			if more() {
				continue
			}
			// The file is another one now. What was left of the old one becomes a line.
			if len(rest) > 0 && !isClosed(stop) {
				rest = append(rest, '\n')
			}
		}
		if err != nil {
			sendRest(rest, blocks)
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

func isClosed(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

func sendRest(rest []byte, blocks chan<- []byte) {
	if len(rest) > 0 {
		blocks <- rest
	}
}

// followFile reads a file as it grows, also when it is replaced or cut.
func followFile(path string, blocks chan<- []byte, stop <-chan struct{}) error {
	for {
		file, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			if wait(stop) {
				return nil
			}
			continue
		}
		if err != nil {
			return err
		}
		err = readLines(file, blocks, stop, func() bool { return !wait(stop) && !wasReplaced(file, path) })
		file.Close()
		if err != nil || isClosed(stop) {
			return err
		}
	}
}

// wait tells after a while whether to stop.
func wait(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	case <-time.After(pause):
		return false
	}
}

func wasReplaced(file *os.File, path string) bool {
	here, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	if err != nil {
		return false
	}
	at, err := file.Seek(0, io.SeekCurrent)
	return err == nil && (!os.SameFile(here, there) || here.Size() < at)
}
