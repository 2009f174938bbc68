#pragma once

/**
 * Compiled into whatever calls it, for the instruction set of that: no copy stands alone that the linker could share.
 */
#define ADSAM_INLINE inline __attribute__((always_inline))
#define ADSAM_INLINE_LAMBDA __attribute__((always_inline))
