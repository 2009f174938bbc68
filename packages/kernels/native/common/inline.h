#pragma once

/** Compiled into whatever calls it, for whatever instruction set that is compiled for: no copy stands alone that the linker could share. */
#define ADSAM_INLINE inline __attribute__((always_inline))
#define ADSAM_INLINE_LAMBDA __attribute__((always_inline))
