//go:build sigmatag_static

package sigmatag

// #cgo pkg-config: sigmatag-static
import "C"
