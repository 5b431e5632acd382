package sigmatag

// #include "calls.h"
import "C"

import "unsafe"

// Shape is how a tag looks.
type Shape int32

// The shapes, see docs/fluent-bit.md.
const (
	Nested Shape = C.SIGMATAG_NESTED
	Flat   Shape = C.SIGMATAG_FLAT
	ECS    Shape = C.SIGMATAG_ECS
)

// Tagging is how tags are written. The zero value is a nested tag under the key "sigma", and so is nil.
type Tagging struct {
	Shape Shape
	// Key of a nested tag and of the mark of an ECS tag; empty: "sigma".
	Key string
	// SplitRecords: an envelope of events becomes one record for each event.
	SplitRecords bool
	// OnlyMatching: records that were examined in full and do not match are left out.
	OnlyMatching bool
	// StripForeign: keys of a tag that came with a record which does not match are removed.
	StripForeign bool
}

func (t *Tagging) parts() (shape C.int32_t, flags C.uint32_t, key []byte) {
	if t == nil {
		return C.SIGMATAG_NESTED, 0, nil
	}
	if t.SplitRecords {
		flags |= C.SIGMATAG_SPLIT_RECORDS
	}
	if t.OnlyMatching {
		flags |= C.SIGMATAG_ONLY_MATCHING
	}
	if t.StripForeign {
		flags |= C.SIGMATAG_STRIP_FOREIGN
	}
	return C.int32_t(t.Shape), flags, []byte(t.Key)
}

// Tag returns the event with a tag where rules match. If there is nothing to write, and whenever it
// fails, it returns event.Data itself: pass that on. Otherwise the bytes are new.
func (e *Engine) Tag(event Event, tagging *Tagging) ([]byte, Summary, error) {
	e.use.RLock()
	defer e.use.RUnlock()
	s, err := e.take("tag")
	if err != nil {
		return event.Data, Summary{}, err
	}
	shape, flags, key := tagging.parts()
	tag, logsource := []byte(event.Tag), []byte(event.Logsource)
	status := C.go_tag(e.engine, s.memory, C.int32_t(event.Format), nanoseconds(event.Time),
		pointer(event.Data), C.size_t(len(event.Data)), pointer(tag), C.size_t(len(tag)),
		pointer(logsource), C.size_t(len(logsource)), shape, flags, pointer(key), C.size_t(len(key)))
	defer e.give(s, status)
	return s.tagged(event.Data, status)
}

// TagChunk is Tag for a Fluent Bit chunk.
func (e *Engine) TagChunk(chunk []byte, tagging *Tagging) ([]byte, Summary, error) {
	return e.Tag(Event{Format: Chunk, Data: chunk}, tagging)
}

// TagLines tags lines of JSON, each by itself, in one call. Lines that are no JSON, or too large,
// stay as they are and are counted.
func (e *Engine) TagLines(lines []byte, tagging *Tagging) ([]byte, Summary, error) {
	e.use.RLock()
	defer e.use.RUnlock()
	s, err := e.take("tag")
	if err != nil {
		return lines, Summary{}, err
	}
	shape, flags, key := tagging.parts()
	status := C.go_tag_lines(e.engine, s.memory, pointer(lines), C.size_t(len(lines)), shape, flags,
		pointer(key), C.size_t(len(key)))
	defer e.give(s, status)
	return s.tagged(lines, status)
}

// tagged is what a call wrote, or the input.
func (s *scratch) tagged(input []byte, status C.int32_t) ([]byte, Summary, error) {
	if err := failure("tag", status, nil); err != nil {
		return input, Summary{}, err
	}
	if status == C.SIGMATAG_UNCHANGED {
		return input, s.summary(), nil
	}
	out := make([]byte, int(s.memory.out_len))
	if len(out) > 0 {
		copy(out, unsafe.Slice((*byte)(unsafe.Pointer(s.memory.out)), len(out)))
	}
	return out, s.summary(), nil
}
