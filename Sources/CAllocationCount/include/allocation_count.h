#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

#include <stdint.h>

/// Allocations of this process so far, on all threads: malloc, calloc, realloc and their aligned kin.
uint64_t allocation_count(void);

#endif
