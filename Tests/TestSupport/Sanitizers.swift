import NurseryCore

/// Whether a sanitizer is active: code is several times slower and larger, and freed memory is kept.
package let isSanitized = Configuration.defaultStackSize > 256 << 10
