package sigmatag

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// common is the folder with the events that every host is tested with: rules.sgt, and for each
// encoding X, X.in and X.out with frames of what comes in and has to go out. tests/hosts_go.rs makes
// it.
func common(t testing.TB) string {
	folder := os.Getenv("SIGMATAG_HOSTS")
	if folder == "" {
		t.Skip("SIGMATAG_HOSTS is not set: run `cargo test --test hosts_go`")
	}
	return folder
}

func frames(t testing.TB, name string) [][]byte {
	rest, err := os.ReadFile(filepath.Join(common(t), name))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for len(rest) > 0 {
		n := binary.LittleEndian.Uint32(rest)
		all = append(all, rest[4:4+n])
		rest = rest[4+n:]
	}
	if len(all) != 1000 {
		t.Fatalf("%s: %d frames", name, len(all))
	}
	return all
}

func opened(t testing.TB) *Engine {
	engine, err := Open(filepath.Join(common(t), "rules.sgt"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return engine
}

var encodings = map[string]Format{"json": JSON, "msgpack": Msgpack}

func TestCommonEventsAreTagged(t *testing.T) {
	engine := opened(t)
	for name, format := range encodings {
		in, right := frames(t, name+".in"), frames(t, name+".out")
		for i := range in {
			out, _, err := engine.Tag(Event{Format: format, Data: in[i]}, nil)
			if isCut := i%50 == 49; isCut != (err != nil) {
				t.Errorf("%s %d: %v", name, i, err)
			}
			if !bytes.Equal(out, right[i]) {
				t.Errorf("%s %d:\n%q\nright:\n%q", name, i, out, right[i])
			}
		}
	}
}

// Many goroutines, and rules that are loaded again all the time.
func TestGoroutinesShareAnEngine(t *testing.T) {
	engine := opened(t)
	in, right := frames(t, "msgpack.in"), frames(t, "msgpack.out")
	stop := make(chan struct{})
	var reloads, workers sync.WaitGroup
	reloads.Add(1)
	go func() {
		defer reloads.Done()
		for {
			select {
			case <-stop:
				return
			default:
				if err := engine.Reload(filepath.Join(common(t), "rules.sgt")); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for worker := 0; worker < 8; worker++ {
		workers.Add(1)
		go func(worker int) {
			defer workers.Done()
			for i := worker; i < len(in); i += 2 {
				out, _, _ := engine.Tag(Event{Format: Msgpack, Data: in[i]}, nil)
				if !bytes.Equal(out, right[i]) {
					t.Errorf("%d differs", i)
				}
				engine.Match(Event{Format: Msgpack, Data: in[i]})
			}
		}(worker)
	}
	workers.Wait()
	close(stop)
	reloads.Wait()
	if n := len(engine.idle); n < 1 || n > 8 {
		t.Errorf("%d scratches for 8 goroutines", n)
	}
	stats, err := engine.Stats()
	if err != nil || stats.Reloads == 0 || stats.Panics != 0 {
		t.Errorf("%+v, %v", stats, err)
	}
}

func TestLinesAreTaggedInOneCall(t *testing.T) {
	engine := opened(t)
	end := []byte("\n")
	in := append(bytes.Join(frames(t, "json.in"), end), '\n')
	right := append(bytes.Join(frames(t, "json.out"), end), '\n')
	out, summary, err := engine.TagLines(in, nil)
	if err != nil || !bytes.Equal(out, right) {
		t.Errorf("lines differ: %v, %+v", err, summary)
	}
	if summary.Records != 1000 || summary.Malformed < 20 || summary.MatchedRecords < 300 {
		t.Errorf("%+v", summary)
	}
	only, summary, err := engine.TagLines(in, &Tagging{OnlyMatching: true})
	if err != nil || summary.Dropped == 0 ||
		bytes.Count(only, end) != 1000-int(summary.Dropped) {
		t.Errorf("%d lines, %+v, %v", bytes.Count(only, end), summary, err)
	}
}

func TestABatchIsItsEvents(t *testing.T) {
	engine := opened(t)
	in := frames(t, "json.in")
	hits, summary, err := engine.MatchBatch(JSON, in)
	if err != nil || summary.Records != 1000 || int(summary.Hits) != len(hits) || len(hits) < 300 {
		t.Fatalf("%d hits, %+v, %v", len(hits), summary, err)
	}
	var alone []Hit
	for i := range in {
		one, _, _ := engine.Match(Event{Format: JSON, Data: in[i]})
		for _, hit := range one {
			hit.Record = i
			alone = append(alone, hit)
		}
	}
	if len(alone) != len(hits) {
		t.Fatalf("%d hits alone, %d in a batch", len(alone), len(hits))
	}
	for i := range hits {
		if hits[i].Record != alone[i].Record || hits[i].Event != alone[i].Event ||
			hits[i].Rule.ID != alone[i].Rule.ID {
			t.Errorf("%+v in a batch, %+v alone", hits[i], alone[i])
		}
	}
}

func TestAChunkIsItsRecords(t *testing.T) {
	engine := opened(t)
	in, right := frames(t, "msgpack.in"), frames(t, "msgpack.out")
	head := []byte("\x92\xce\x65\x53\xf1\x00")
	var chunk, tagged []byte
	for i := range in {
		if i%50 == 49 {
			continue // cut: the chunk would end there
		}
		chunk = append(append(chunk, head...), in[i]...)
		tagged = append(append(tagged, head...), right[i]...)
	}
	out, summary, err := engine.TagChunk(chunk, nil)
	if err != nil || !bytes.Equal(out, tagged) {
		t.Errorf("the chunk differs: %v, %+v", err, summary)
	}
}

// What `sigmatag tag --normalize` makes of the same lines.
func TestDocumentsAreThoseOfTheCommand(t *testing.T) {
	read := func(name string) []byte {
		bytes, err := os.ReadFile(filepath.Join(common(t), name))
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	in := read("records.in")
	for _, name := range []string{"sekoia", "ecs", "asim"} {
		engine := withDefault(t, &Options{Normalize: name})
		out, summary, err := engine.TagLines(in, nil)
		if right := read("records." + name); err != nil || !bytes.Equal(out, right) {
			t.Errorf("%s: %v\n%s\nright:\n%s", name, err, out, right)
		}
		if summary.Normalized != 4 || summary.Unmapped != 1 || summary.Split != 1 {
			t.Errorf("%s: %+v", name, summary)
		}
		stats, err := engine.Stats()
		if err != nil || stats.Normalized != 4 || stats.Unmapped != 1 {
			t.Errorf("%s: %+v, %v", name, stats, err)
		}
	}
}

// What a call costs, what is in it of crossing into C, and how that goes away in batches: with an event
// that costs next to nothing, and with the common events. The time is that of one event.
func BenchmarkEvents(b *testing.B) {
	engine := opened(b)
	b.Run("crossing into C", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			crossing()
		}
	})
	small := make([][]byte, 1000)
	for i := range small {
		small[i] = []byte(`{"message":"GET / 200"}`)
	}
	for _, events := range []struct {
		name string
		all  [][]byte
	}{{"small", small}, {"common", frames(b, "json.in")}} {
		all := events.all
		b.Run(events.name+"/Match", func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				engine.Match(Event{Format: JSON, Data: all[i%len(all)]})
			}
		})
		for _, size := range []int{1, 8, 64, 1000} {
			b.Run(events.name+"/MatchBatch of "+strconv.Itoa(size), func(b *testing.B) {
				for done := 0; done < b.N; done += size {
					from := done % len(all) / size * size
					engine.MatchBatch(JSON, all[from:min(from+size, len(all))])
				}
			})
		}
		b.Run(events.name+"/Tag", func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				engine.Tag(Event{Format: JSON, Data: all[i%len(all)]}, nil)
			}
		})
		lines := append(bytes.Join(all, []byte("\n")), '\n')
		b.Run(events.name+"/TagLines of 1000", func(b *testing.B) {
			for done := 0; done < b.N; done += 1000 {
				engine.TagLines(lines, nil)
			}
		})
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}
