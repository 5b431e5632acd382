package sigmatag

// #include "calls.h"
import "C"

import (
	"strings"
	"time"
	"unsafe"
)

// Format is what the bytes of an event are.
type Format int32

// The formats.
const (
	// JSON: one object.
	JSON Format = C.SIGMATAG_JSON
	// Msgpack: one map.
	Msgpack Format = C.SIGMATAG_MSGPACK
	// Chunk: a Fluent Bit chunk, that is concatenated records, legacy or v2.
	Chunk Format = C.SIGMATAG_FLB_CHUNK
	// Forward: a Fluentd Forward message.
	Forward Format = C.SIGMATAG_FORWARD
)

// MaxBatch is the most events that one MatchBatch takes.
const MaxBatch = C.SIGMATAG_MAX_BATCH

// Event is what is examined. It is read during the call only.
type Event struct {
	Format Format
	Data   []byte
	// Time is when it happened; zero: not known. Chunks and Forward messages carry their own.
	Time time.Time
	// Tag is the routing tag of the host ("mysql.audit").
	Tag string
	// Logsource is what produced it, as "product/category/service"; empty: recognised.
	Logsource string
}

// Rule is what is known of a rule. It is Go's memory and may be kept.
type Rule struct {
	ID     string
	Title  string
	Level  Level
	Author string
	// Tags as the rule has them: "attack.impact", "attack.t1485".
	Tags []string
	// Logsource is "product/category/service".
	Logsource string
}

// Hit is a rule that matched an event.
type Hit struct {
	// Record is the index of the event in a batch, of the record in a chunk or message; else 0.
	Record int
	// Event is the event inside the record, which may be an envelope of many; else 0.
	Event int
	Rule  *Rule
}

// Summary is what one call examined.
type Summary struct {
	// Generation of the rules that were used: it grows with every reload.
	Generation     uint32
	Records        uint64
	Events         uint64
	MatchedRecords uint64
	Hits           uint64
	// Malformed records passed on unmatched; also texts inside records that begin like JSON.
	Malformed uint64
	// Unexamined records, over MaxRecord or nested too deep, passed on unmatched.
	Unexamined uint64
	// Unrouted events are of no known source.
	Unrouted uint64
	// Dropped, Split and Stripped records: see Tagging.
	Dropped, Split, Stripped uint64
	// TagReplaced keys came with records and gave way to ours.
	TagReplaced uint64
	// TagsTruncated left out rules because of a size limit.
	TagsTruncated uint64
	// TagsOmitted values of ECS tags left out because a scalar is in their place.
	TagsOmitted uint64
	// Normalized documents were written in place of records, see Options.Normalize.
	Normalized uint64
	// Unmapped events are those that no document is for: they went on as they came.
	Unmapped uint64
}

// Match examines an event and returns the rules that match, in the order of record, event and rule.
// A bad record of a chunk or message is counted in the summary and is no error.
func (e *Engine) Match(event Event) ([]Hit, Summary, error) {
	e.use.RLock()
	defer e.use.RUnlock()
	s, err := e.take("match")
	if err != nil {
		return nil, Summary{}, err
	}
	tag, logsource := []byte(event.Tag), []byte(event.Logsource)
	status := C.go_match(e.engine, s.memory, C.int32_t(event.Format), nanoseconds(event.Time),
		pointer(event.Data), C.size_t(len(event.Data)), pointer(tag), C.size_t(len(tag)),
		pointer(logsource), C.size_t(len(logsource)))
	defer e.give(s, status)
	if err := failure("match", status, nil); err != nil {
		return nil, Summary{}, err
	}
	return s.hits(), s.summary(), nil
}

// MatchBatch examines at most MaxBatch events of one format (JSON or Msgpack) in one call. A bad
// event is counted in the summary and is no error.
func (e *Engine) MatchBatch(format Format, events [][]byte) ([]Hit, Summary, error) {
	e.use.RLock()
	defer e.use.RUnlock()
	s, err := e.take("match")
	if err != nil {
		return nil, Summary{}, err
	}
	s.joined, s.ends = s.joined[:0], s.ends[:0]
	for _, event := range events {
		s.joined = append(s.joined, event...)
		s.ends = append(s.ends, C.size_t(len(s.joined)))
	}
	var ends *C.size_t
	if len(s.ends) > 0 {
		ends = &s.ends[0]
	}
	status := C.go_match_batch(e.engine, s.memory, C.int32_t(format), pointer(s.joined), ends,
		C.size_t(len(events)))
	defer e.give(s, status)
	if err := failure("match", status, nil); err != nil {
		return nil, Summary{}, err
	}
	return s.hits(), s.summary(), nil
}

func nanoseconds(t time.Time) C.int64_t {
	if t.IsZero() {
		return 0
	}
	return C.int64_t(t.UnixNano())
}

// hits of the last call, with their rules.
func (s *scratch) hits() []Hit {
	n := int(s.memory.hits_count)
	if n == 0 {
		return nil
	}
	hits := make([]Hit, n)
	for i, hit := range unsafe.Slice(s.memory.hits, n) {
		hits[i] = Hit{int(hit.record), int(hit.event), s.rule(uint32(hit.generation), uint32(hit.rule))}
	}
	return hits
}

// rule is copied out of the library the first time that it matches.
func (s *scratch) rule(generation, index uint32) *Rule {
	if generation != s.generation {
		s.rules = map[uint32]*Rule{}
		s.generation = generation
	}
	if known := s.rules[index]; known != nil {
		return known
	}
	info := C.sigmatag_rule{struct_size: C.sizeof_sigmatag_rule}
	rule := &Rule{}
	if C.sigmatag_rule_info(s.memory.scratch, C.uint32_t(index), &info) == C.SIGMATAG_OK {
		text := func(from *C.char, n C.size_t) string { return C.GoStringN(from, C.int(n)) }
		rule.ID = text(info.id, info.id_len)
		rule.Title = text(info.title, info.title_len)
		rule.Author = text(info.author, info.author_len)
		rule.Logsource = text(info.logsource, info.logsource_len)
		rule.Level = Level(info.level)
		if tags := text(info.tags, info.tags_len); tags != "" {
			rule.Tags = strings.Split(tags, ",")
		}
	}
	s.rules[index] = rule
	return rule
}

func (s *scratch) summary() Summary {
	of := &s.memory.summary
	return Summary{
		Generation:     uint32(of.generation),
		Records:        uint64(of.records),
		Events:         uint64(of.events),
		MatchedRecords: uint64(of.matched_records),
		Hits:           uint64(of.hits),
		Malformed:      uint64(of.malformed),
		Unexamined:     uint64(of.unexamined),
		Unrouted:       uint64(of.unrouted),
		Dropped:        uint64(of.dropped_records),
		Split:          uint64(of.split_records),
		Stripped:       uint64(of.stripped_records),
		TagReplaced:    uint64(of.tag_replaced),
		TagsTruncated:  uint64(of.tags_truncated),
		TagsOmitted:    uint64(of.tags_omitted),
		Normalized:     uint64(of.normalized_records),
		Unmapped:       uint64(of.unmapped_events),
	}
}
