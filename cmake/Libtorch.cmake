# libtorch. Sets TORCH_LIBRARIES, TORCH_INCLUDE_DIRS, TORCH_CXX_FLAGS, Torch_VERSION, and ADSAM_LIBTORCH_CUDA: the major version of the
# CUDA that it was built with, or 0.
#
# One with CUDA is taken without its own CMake files: these stop at whatever part of NVIDIA's toolkit is missing (cuBLAS, NVRTC, NVTX, …),
# and a wheel brings those libraries but not the toolkit. Nothing here needs more of the toolkit than nvcc, and that only for the kernels.
set(ADSAM_LIBTORCH_CUDA 0)
get_filename_component(ADSAM_LIBTORCH "${Torch_DIR}/../../.." ABSOLUTE)
set(ADSAM_LIBTORCH_LIB ${ADSAM_LIBTORCH}/lib)

if(NOT Torch_DIR OR NOT EXISTS ${ADSAM_LIBTORCH_LIB}/libtorch_cuda.so OR NOT EXISTS ${ADSAM_LIBTORCH}/include/ATen/ATen.h)
  find_package(Torch REQUIRED)
  return()
endif()

# The library names the CUDA runtime it was linked with.
file(STRINGS ${ADSAM_LIBTORCH_LIB}/libc10_cuda.so ADSAM_RUNTIME REGEX "libcudart[-.a-z0-9]*\\.so\\.[0-9]+" LIMIT_COUNT 1)
string(REGEX REPLACE ".*libcudart[-.a-z0-9]*\\.so\\.([0-9]+).*" "\\1" ADSAM_LIBTORCH_CUDA "${ADSAM_RUNTIME}")
if(NOT ADSAM_LIBTORCH_CUDA MATCHES "^[0-9]+$")
  message(FATAL_ERROR "libtorch in ${ADSAM_LIBTORCH}: found libtorch_cuda.so, but no CUDA runtime named in libc10_cuda.so. "
    "Set LIBTORCH to another libtorch.")
endif()

file(STRINGS ${Torch_DIR}/TorchConfigVersion.cmake ADSAM_VERSION REGEX "PACKAGE_VERSION \"" LIMIT_COUNT 1)
string(REGEX REPLACE ".*\"([0-9.]+).*" "\\1" Torch_VERSION "${ADSAM_VERSION}")
set(TORCH_INCLUDE_DIRS ${ADSAM_LIBTORCH}/include ${ADSAM_LIBTORCH}/include/torch/csrc/api/include)
set(TORCH_LIBRARIES "")
foreach(ADSAM_NAME c10 c10_cuda torch_cpu torch_cuda torch)
  add_library(adsam::${ADSAM_NAME} SHARED IMPORTED GLOBAL)
  set_target_properties(adsam::${ADSAM_NAME} PROPERTIES
    IMPORTED_LOCATION ${ADSAM_LIBTORCH_LIB}/lib${ADSAM_NAME}.so INTERFACE_INCLUDE_DIRECTORIES "${TORCH_INCLUDE_DIRS}")
  list(APPEND TORCH_LIBRARIES adsam::${ADSAM_NAME})
endforeach()
# CUDA's operators register themselves when their library is loaded: no symbol of it need be used.
list(PREPEND TORCH_LIBRARIES -Wl,--no-as-needed)

# Which of the two layouts std::string has in it.
file(STRINGS ${Torch_DIR}/TorchConfig.cmake ADSAM_ABI REGEX "_GLIBCXX_USE_CXX11_ABI=[01]" LIMIT_COUNT 1)
set(TORCH_CXX_FLAGS "")
if(ADSAM_ABI MATCHES "_GLIBCXX_USE_CXX11_ABI=([01])")
  set(TORCH_CXX_FLAGS "-D_GLIBCXX_USE_CXX11_ABI=${CMAKE_MATCH_1}")
endif()
message(STATUS "libtorch ${Torch_VERSION} with CUDA ${ADSAM_LIBTORCH_CUDA} in ${ADSAM_LIBTORCH}")
