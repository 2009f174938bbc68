# Whether the kernels are built for NVIDIA GPUs: ADSAM_CUDA, and in ADSAM_CUDA_TEXT which architectures, or why not. That takes a libtorch
# with CUDA and an nvcc of the same major version. Where they are not, operators of libtorch stand in for the kernels.
# -DADSAM_CUDA_KERNELS=OFF leaves them out; -DCMAKE_CUDA_ARCHITECTURES or the environment variable CUDAARCHS chooses architectures.
option(ADSAM_CUDA_KERNELS "Build the CUDA kernels where libtorch and nvcc allow" ON)
set(ADSAM_CUDA OFF)

if(NOT ADSAM_LIBTORCH_CUDA)
  set(ADSAM_CUDA_TEXT "libtorch has no CUDA")
elseif(NOT ADSAM_CUDA_KERNELS)
  set(ADSAM_CUDA_TEXT "left out (ADSAM_CUDA_KERNELS=OFF)")
else()
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    set(ADSAM_CUDA_TEXT "no nvcc that works was found (PATH, CUDACXX)")
  else()
    if(DEFINED CMAKE_CUDA_ARCHITECTURES OR DEFINED ENV{CUDAARCHS})
      set(ADSAM_ARCHITECTURES_CHOSEN ON)
    endif()
    set(CMAKE_CUDA_RUNTIME_LIBRARY Shared) # libtorch's own: one runtime in the process
    enable_language(CUDA)
    if(NOT CMAKE_CUDA_COMPILER_VERSION MATCHES "^${ADSAM_LIBTORCH_CUDA}\\.")
      set(ADSAM_CUDA_TEXT "nvcc is ${CMAKE_CUDA_COMPILER_VERSION}, and libtorch was built with CUDA ${ADSAM_LIBTORCH_CUDA}")
    else()
      set(ADSAM_CUDA ON)
    endif()
  endif()
endif()

# This machine's GPUs where the driver names them, else every architecture from Volta on that the compiler knows. The last comes as PTX too,
# for GPUs that are younger than the compiler.
if(ADSAM_CUDA AND NOT ADSAM_ARCHITECTURES_CHOSEN)
  execute_process(COMMAND nvidia-smi --query-gpu=compute_cap --format=csv,noheader
    OUTPUT_VARIABLE ADSAM_CAPABILITIES RESULT_VARIABLE ADSAM_ANSWER ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(ADSAM_ANSWER EQUAL 0 AND ADSAM_CAPABILITIES MATCHES "^[0-9]+\\.[0-9]+")
    string(REPLACE "\n" ";" ADSAM_ARCHITECTURES "${ADSAM_CAPABILITIES}")
    list(TRANSFORM ADSAM_ARCHITECTURES REPLACE "[ .]" "")
  else()
    set(ADSAM_ARCHITECTURES 75 80 86)
    if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 13)
      list(PREPEND ADSAM_ARCHITECTURES 70)
    endif()
    if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 11.8)
      list(APPEND ADSAM_ARCHITECTURES 89 90)
    endif()
    if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.8)
      list(APPEND ADSAM_ARCHITECTURES 100 120)
    endif()
  endif()
  list(REMOVE_DUPLICATES ADSAM_ARCHITECTURES)
  list(SORT ADSAM_ARCHITECTURES COMPARE NATURAL)
  list(POP_BACK ADSAM_ARCHITECTURES ADSAM_LAST)
  list(TRANSFORM ADSAM_ARCHITECTURES APPEND "-real")
  set(CMAKE_CUDA_ARCHITECTURES ${ADSAM_ARCHITECTURES} ${ADSAM_LAST})
endif()

if(ADSAM_CUDA)
  # CMake 3.25 does not know that nvcc speaks C++20.
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  # As PyTorch's own: numbers of 16 bits are c10's, with c10's conversions.
  set(CMAKE_CUDA_FLAGS "${CMAKE_CUDA_FLAGS} ${TORCH_CXX_FLAGS} --expt-relaxed-constexpr -D__CUDA_NO_HALF_OPERATORS__ \
-D__CUDA_NO_HALF_CONVERSIONS__ -D__CUDA_NO_HALF2_OPERATORS__ -D__CUDA_NO_BFLOAT16_CONVERSIONS__")
  list(JOIN CMAKE_CUDA_ARCHITECTURES " " ADSAM_CUDA_TEXT)
  string(PREPEND ADSAM_CUDA_TEXT "nvcc ${CMAKE_CUDA_COMPILER_VERSION}, architectures ")
endif()
message(STATUS "CUDA kernels: ${ADSAM_CUDA}, ${ADSAM_CUDA_TEXT}")

# What `adsam doctor` tells.
if(ADSAM_CUDA)
  set(ADSAM_BUILT true)
else()
  set(ADSAM_BUILT false)
endif()
file(WRITE ${CMAKE_BINARY_DIR}/cuda-kernels.json "{ \"built\": ${ADSAM_BUILT}, \"text\": \"${ADSAM_CUDA_TEXT}\" }\n")
