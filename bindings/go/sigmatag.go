// Package sigmatag matches compiled Sigma rules and tags the records that match.
//
// Rules are compiled by the command sigmatag into one file, which Open reads. An Engine may be used
// by any number of goroutines at once; each call takes a scratch from a pool, so that there are as
// many as there were calls at the same time. Nothing of Go's memory is kept by the library after a
// call.
//
// Detection must not lose logs: whatever the Tag functions cannot do, they return the record as it
// came, beside the error.
//
// The library is found by pkg-config. It is linked dynamically, or with the build tag
// sigmatag_static into the program.
package sigmatag

// #include <stdlib.h>
// #include "calls.h"
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unsafe"
)

// ErrClosed is returned by calls on an engine after Close.
var ErrClosed = errors.New("sigmatag: the engine is closed")

// Level is how serious a rule is.
type Level int32

// The levels, lowest first. LevelNone is that of a rule which states none; as a minimum: every rule.
const (
	LevelNone          Level = C.SIGMATAG_LEVEL_NONE
	LevelInformational Level = C.SIGMATAG_LEVEL_INFORMATIONAL
	LevelLow           Level = C.SIGMATAG_LEVEL_LOW
	LevelMedium        Level = C.SIGMATAG_LEVEL_MEDIUM
	LevelHigh          Level = C.SIGMATAG_LEVEL_HIGH
	LevelCritical      Level = C.SIGMATAG_LEVEL_CRITICAL
)

var levelNames = [...]string{"none", "informational", "low", "medium", "high", "critical"}

func (l Level) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return fmt.Sprintf("Level(%d)", int32(l))
	}
	return levelNames[l]
}

// LogsourceMode says which rules meet which events.
type LogsourceMode int32

// See the option logsource_mode in docs/fluent-bit.md.
const (
	LogsourceAuto   LogsourceMode = C.SIGMATAG_LOGSOURCE_AUTO
	LogsourceStrict LogsourceMode = C.SIGMATAG_LOGSOURCE_STRICT
	LogsourceNone   LogsourceMode = C.SIGMATAG_LOGSOURCE_NONE
)

// Options of an engine. The zero value is the default, and so is nil.
type Options struct {
	// MinLevel: rules below it do not report; those without a level always do.
	MinLevel Level
	// Logsource says which rules meet which events.
	Logsource LogsourceMode
	// MaxRecord: records over so many bytes go unexamined. 0 is 4 MiB, 1 GiB the most.
	MaxRecord uint32
	// MatchMetadata: members of a record's metadata count as further keys of the record.
	MatchMetadata bool
	// DisableRules are ids of rules that never report.
	DisableRules []string
	// Normalize: "sekoia", "ecs" or "asim". The Tag functions write the documents that a SIEM expects
	// in place of records, see docs/normalization.md. Empty: records keep their shape.
	Normalize string
}

// Engine is a rule set in force. Any goroutine may use it.
type Engine struct {
	// Calls hold it for reading, Close for writing.
	use    sync.RWMutex
	engine *C.sigmatag

	pool sync.Mutex
	idle []*scratch
}

// Open reads a compiled rule file.
func Open(path string, options *Options) (*Engine, error) {
	bytes := []byte(path)
	return open(bytes, nil, false, options)
}

// OpenBytes takes a compiled rule file from memory. The bytes are copied.
func OpenBytes(rules []byte, options *Options) (*Engine, error) {
	if rules == nil {
		rules = []byte{}
	}
	return open(nil, rules, false, options)
}

// OpenDefault takes the rules for MySQL and MariaDB that are part of the library.
func OpenDefault(options *Options) (*Engine, error) {
	return open(nil, nil, true, options)
}

func open(path, rules []byte, isDefault bool, options *Options) (*Engine, error) {
	if found := uint32(C.sigmatag_abi_version()); found < C.SIGMATAG_ABI_VERSION {
		return nil, fmt.Errorf("sigmatag: open: the library found at run time has version %d of the "+
			"interface, this program was built with %d; install libsigmatag %s or later",
			found, uint32(C.SIGMATAG_ABI_VERSION), headerVersion())
	}
	if options == nil {
		options = &Options{}
	}
	var given C.sigmatag_options
	given.struct_size = C.sizeof_sigmatag_options
	given.min_level = C.int32_t(options.MinLevel)
	given.logsource_mode = C.int32_t(options.Logsource)
	given.max_record = C.uint32_t(options.MaxRecord)
	if options.MatchMetadata {
		given.flags = C.SIGMATAG_MATCH_METADATA
	}
	disabled, normalize := []byte(strings.Join(options.DisableRules, ",")), []byte(options.Normalize)
	detail := C.sigmatag_error{struct_size: C.sizeof_sigmatag_error}
	e := &Engine{}
	empty := [1]byte{}
	data := pointer(rules)
	if rules != nil && data == nil {
		data = (*C.uint8_t)(&empty[0])
	}
	var is C.int
	if isDefault {
		is = 1
	}
	var engine *C.sigmatag
	status := C.go_open(pointer(path), C.size_t(len(path)), data, C.size_t(len(rules)), is, &given,
		pointer(disabled), C.size_t(len(disabled)), pointer(normalize), C.size_t(len(normalize)),
		&engine, &detail)
	if err := failure("open", status, &detail); err != nil {
		return nil, err
	}
	e.engine = engine
	return e, nil
}

func headerVersion() string {
	return fmt.Sprintf("%d.%d.%d", int(C.SIGMATAG_VERSION_MAJOR), int(C.SIGMATAG_VERSION_MINOR),
		int(C.SIGMATAG_VERSION_PATCH))
}

// pointer is the address of the first byte; nil if there is none.
func pointer(bytes []byte) *C.uint8_t {
	if len(bytes) == 0 {
		return nil
	}
	return (*C.uint8_t)(unsafe.Pointer(&bytes[0]))
}

// Close waits for calls that run and frees the engine. Later calls return ErrClosed.
func (e *Engine) Close() error {
	e.use.Lock()
	defer e.use.Unlock()
	if e.engine == nil {
		return ErrClosed
	}
	for _, each := range e.idle {
		C.go_memory_free(each.memory)
	}
	e.idle = nil
	C.sigmatag_free(e.engine)
	e.engine = nil
	return nil
}

// Reload replaces the rules by those of another file, while others match. If that fails, the old
// rules stay in force.
func (e *Engine) Reload(path string) error {
	e.use.RLock()
	defer e.use.RUnlock()
	if e.engine == nil {
		return ErrClosed
	}
	bytes := []byte(path)
	detail := C.sigmatag_error{struct_size: C.sizeof_sigmatag_error}
	status := C.sigmatag_reload(e.engine, (*C.char)(unsafe.Pointer(pointer(bytes))),
		C.size_t(len(bytes)), &detail)
	return failure("reload", status, &detail)
}

// ReloadBytes is Reload with a compiled rule file in memory.
func (e *Engine) ReloadBytes(rules []byte) error {
	e.use.RLock()
	defer e.use.RUnlock()
	if e.engine == nil {
		return ErrClosed
	}
	detail := C.sigmatag_error{struct_size: C.sizeof_sigmatag_error}
	status := C.sigmatag_reload_bytes(e.engine, pointer(rules), C.size_t(len(rules)), &detail)
	return failure("reload", status, &detail)
}

// Version is that of the library, "0.1.0".
func Version() string { return C.GoString(C.sigmatag_version()) }

// scratch is what one call uses.
type scratch struct {
	memory *C.struct_go_memory
	// Of one generation.
	rules      map[uint32]*Rule
	generation uint32
	// Events of a batch, one behind the other.
	joined []byte
	ends   []C.size_t
}

// take gives an idle scratch, or a new one. The caller holds e.use for reading.
func (e *Engine) take(op string) (*scratch, error) {
	if e.engine == nil {
		return nil, ErrClosed
	}
	e.pool.Lock()
	if last := len(e.idle) - 1; last >= 0 {
		found := e.idle[last]
		e.idle[last] = nil
		e.idle = e.idle[:last]
		e.pool.Unlock()
		return found, nil
	}
	e.pool.Unlock()
	detail := C.sigmatag_error{struct_size: C.sizeof_sigmatag_error}
	var status C.int32_t
	memory := C.go_memory_new(e.engine, &detail, &status)
	if memory == nil {
		return nil, failure(op, status, &detail)
	}
	return &scratch{memory: memory, rules: map[uint32]*Rule{}}, nil
}

// give puts a scratch back; one that a bug of the library stopped is of no more use.
func (e *Engine) give(s *scratch, status C.int32_t) {
	if status == C.SIGMATAG_PANIC || status == C.SIGMATAG_POISONED {
		C.go_memory_free(s.memory)
		return
	}
	e.pool.Lock()
	e.idle = append(e.idle, s)
	e.pool.Unlock()
}
