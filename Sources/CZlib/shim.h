#include <zlib.h>

// zlib's initializers are macros, which Swift cannot see.
static inline int swiftlet_deflate_init(z_stream *stream) { return deflateInit(stream, Z_DEFAULT_COMPRESSION); }
static inline int swiftlet_inflate_init(z_stream *stream) { return inflateInit(stream); }
// A gzip header and trailer (16) around a window of 2^15 bytes.
static inline int swiftlet_gunzip_init(z_stream *stream) { return inflateInit2(stream, 16 + 15); }
