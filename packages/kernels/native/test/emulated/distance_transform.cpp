#include "distance_transform/cuda.cu"
