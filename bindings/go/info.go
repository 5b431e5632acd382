package sigmatag

// #include "calls.h"
import "C"

// Info is what is known of the rules in force.
type Info struct {
	Generation    uint32
	Rules         int
	FormatVersion uint32
	// SkippedRules were left out when the rules were compiled.
	SkippedRules int
	// DisabledRules were turned off by Options.DisableRules, UnknownDisabledRules are not in the set.
	DisabledRules, UnknownDisabledRules int
	// Bytes of memory.
	Bytes uint64
	// Ruleset is the identity, 64 hex digits; tags have the first 16.
	Ruleset string
}

// Info describes the rules in force.
func (e *Engine) Info() (Info, error) {
	e.use.RLock()
	defer e.use.RUnlock()
	if e.engine == nil {
		return Info{}, ErrClosed
	}
	of := C.sigmatag_info_t{struct_size: C.sizeof_sigmatag_info_t}
	if err := failure("info", C.sigmatag_info(e.engine, &of), nil); err != nil {
		return Info{}, err
	}
	return Info{
		Generation:           uint32(of.generation),
		Rules:                int(of.rules),
		FormatVersion:        uint32(of.format_version),
		SkippedRules:         int(of.skipped_rules),
		DisabledRules:        int(of.disabled_rules),
		UnknownDisabledRules: int(of.unknown_disabled_rules),
		Bytes:                uint64(of.bytes),
		Ruleset:              C.GoString(&of.ruleset[0]),
	}, nil
}

// Stats are totals of an engine since it was opened. Reloads do not reset them.
type Stats struct {
	Calls, Records, Events, MatchedRecords, Hits uint64
	Malformed, Unexamined, Unrouted              uint64
	TagReplaced, TagsTruncated, TagsOmitted      uint64
	Dropped, Split, Stripped                     uint64
	Normalized, Unmapped                         uint64
	Panics, Reloads, FailedReloads               uint64
}

// Stats of all goroutines. While others match, the numbers may be of slightly different moments.
func (e *Engine) Stats() (Stats, error) {
	e.use.RLock()
	defer e.use.RUnlock()
	if e.engine == nil {
		return Stats{}, ErrClosed
	}
	of := C.sigmatag_stats_t{struct_size: C.sizeof_sigmatag_stats_t}
	if err := failure("stats", C.sigmatag_get_stats(e.engine, &of), nil); err != nil {
		return Stats{}, err
	}
	return Stats{
		Calls:          uint64(of.calls),
		Records:        uint64(of.records),
		Events:         uint64(of.events),
		MatchedRecords: uint64(of.matched_records),
		Hits:           uint64(of.hits),
		Malformed:      uint64(of.malformed),
		Unexamined:     uint64(of.unexamined),
		Unrouted:       uint64(of.unrouted),
		TagReplaced:    uint64(of.tag_replaced),
		TagsTruncated:  uint64(of.tags_truncated),
		TagsOmitted:    uint64(of.tags_omitted),
		Dropped:        uint64(of.dropped_records),
		Split:          uint64(of.split_records),
		Stripped:       uint64(of.stripped_records),
		Normalized:     uint64(of.normalized_records),
		Unmapped:       uint64(of.unmapped_events),
		Panics:         uint64(of.panics),
		Reloads:        uint64(of.reloads),
		FailedReloads:  uint64(of.failed_reloads),
	}, nil
}

// Source is what was seen of a source of events that the rule set knows.
type Source struct {
	Name   string
	Events uint64
	// Broken counts events that are not as the source describes them.
	BrokenPayload, BrokenNested, BrokenPositions, BrokenLine uint64
}

// Sources that the rules in force know, and what was seen of them.
func (e *Engine) Sources() ([]Source, error) {
	e.use.RLock()
	defer e.use.RUnlock()
	if e.engine == nil {
		return nil, ErrClosed
	}
	info := C.sigmatag_info_t{struct_size: C.sizeof_sigmatag_info_t}
	if err := failure("sources", C.sigmatag_info(e.engine, &info), nil); err != nil {
		return nil, err
	}
	sources := make([]Source, 0, int(info.sources))
	for i := C.uint32_t(0); i < info.sources; i++ {
		of := C.sigmatag_source_t{struct_size: C.sizeof_sigmatag_source_t}
		status := C.sigmatag_source_info(e.engine, i, &of)
		if status == C.SIGMATAG_OUT_OF_RANGE {
			break // a reload in between: the new set has fewer
		}
		if err := failure("sources", status, nil); err != nil {
			return nil, err
		}
		sources = append(sources, Source{
			Name:            C.GoStringN(of.name, C.int(of.name_len)),
			Events:          uint64(of.events),
			BrokenPayload:   uint64(of.broken_payload),
			BrokenNested:    uint64(of.broken_nested),
			BrokenPositions: uint64(of.broken_positions),
			BrokenLine:      uint64(of.broken_line),
		})
	}
	return sources, nil
}

// crossing goes into C and comes back, for the benchmark: tests cannot call C themselves.
func crossing() { C.sigmatag_abi_version() }
