//go:build !sigmatag_static

package sigmatag

// #cgo pkg-config: sigmatag
import "C"
