#include "deform_conv/cuda.cu"
