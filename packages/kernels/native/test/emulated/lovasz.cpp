#include "lovasz/cuda.cu"
