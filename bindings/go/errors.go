package sigmatag

// #include "calls.h"
import "C"

import "fmt"

// Status is why a call failed. It is an error by itself, for errors.Is.
type Status int32

// The statuses of the C interface that a caller of this package can meet.
const (
	BadArgument        Status = C.SIGMATAG_BAD_ARGUMENT
	Panic              Status = C.SIGMATAG_PANIC
	IO                 Status = C.SIGMATAG_IO
	NotCompiled        Status = C.SIGMATAG_NOT_SGT
	UnsupportedVersion Status = C.SIGMATAG_UNSUPPORTED_VERSION
	Truncated          Status = C.SIGMATAG_TRUNCATED
	Corrupt            Status = C.SIGMATAG_CORRUPT
	TooLarge           Status = C.SIGMATAG_TOO_LARGE
	Malformed          Status = C.SIGMATAG_MALFORMED
	Unexamined         Status = C.SIGMATAG_UNEXAMINED
	NoMemory           Status = C.SIGMATAG_NO_MEMORY
)

// Error is one line of English.
func (s Status) Error() string {
	return C.GoString(C.sigmatag_status_text(C.int32_t(s)))
}

// Error is a failure with its place. errors.Is tells which one it is: errors.Is(err, sigmatag.Corrupt).
type Error struct {
	// Op is what was asked for: "open", "reload", "match", "tag".
	Op     string
	Status Status
	// Message names the place, what is wrong and the repair.
	Message string
	// Offset is the byte of the rule file where it applies; -1 where none does.
	Offset int64
}

func (e *Error) Error() string {
	return fmt.Sprintf("sigmatag: %s: %s", e.Op, e.Message)
}

// Unwrap gives the Status.
func (e *Error) Unwrap() error { return e.Status }

// failure is the error of a call; nil if it did not fail.
func failure(op string, status C.int32_t, detail *C.sigmatag_error) error {
	if status >= 0 {
		return nil
	}
	result := &Error{Op: op, Status: Status(status), Offset: -1}
	if detail != nil && detail.status == status {
		result.Message = C.GoString(&detail.message[0])
		if uint64(detail.offset) != uint64(C.SIGMATAG_NO_OFFSET) {
			result.Offset = int64(detail.offset)
		}
	}
	if result.Message == "" {
		result.Message = result.Status.Error()
	}
	return result
}
