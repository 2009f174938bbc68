#include "ms_deform_attn/cuda.cu"
