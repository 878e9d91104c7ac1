# Every library that Limbeck uses. Debian packages through pkg-config or their CMake files; LibTorch from
# CMAKE_PREFIX_PATH if the user has one, else where scripts/setup unpacked it.
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
pkg_check_modules(TOMLPP REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)

# Options that every file is compiled with. LibTorch's include folder holds an {fmt} of its own whose library is not there to
# link, so the system's is put in front of it (header-only use would cost 4 s a file).
add_library(limbeck_libraries INTERFACE)
find_path(LIMBECK_FMT_INCLUDE fmt/format.h PATHS /usr/include NO_DEFAULT_PATH REQUIRED)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include-first)
file(CREATE_LINK ${LIMBECK_FMT_INCLUDE}/fmt ${CMAKE_BINARY_DIR}/include-first/fmt SYMBOLIC)
target_include_directories(limbeck_libraries BEFORE INTERFACE ${CMAKE_BINARY_DIR}/include-first)
target_link_libraries(limbeck_libraries INTERFACE fmt::fmt nlohmann_json::nlohmann_json Threads::Threads OpenMP::OpenMP_CXX)
target_compile_options(limbeck_libraries INTERFACE -Wall -Wextra -Wno-unused-parameter
  -Wno-missing-field-initializers)  # designated initialisers name what they set
target_compile_definitions(limbeck_libraries INTERFACE LIMBECK_VERSION="${PROJECT_VERSION}")

add_library(limbeck_base_libraries INTERFACE)
target_link_libraries(limbeck_base_libraries INTERFACE PkgConfig::TOMLPP PkgConfig::ZLIB PkgConfig::ZSTD)
add_library(limbeck_sandbox_libraries INTERFACE)
target_link_libraries(limbeck_sandbox_libraries INTERFACE PkgConfig::SECCOMP)
add_library(limbeck_net_libraries INTERFACE)
target_link_libraries(limbeck_net_libraries INTERFACE PkgConfig::CURL)

# LibTorch: torch_cpu and c10 only. The wheel's own CMake package asks for CUDA, so it is not used.
set(limbeck_torch_version 2.15.0)
if(DEFINED ENV{LIMBECK_DEPS})
  set(limbeck_deps $ENV{LIMBECK_DEPS})
else()
  set(limbeck_deps $ENV{HOME}/.cache/limbeck)
endif()
find_path(LIMBECK_TORCH_INCLUDE ATen/ATen.h
  HINTS ${CMAKE_PREFIX_PATH} ${CMAKE_PREFIX_PATH}/torch ${limbeck_deps}/libtorch-${limbeck_torch_version}/torch
  PATH_SUFFIXES include NO_CMAKE_SYSTEM_PATH)
find_library(LIMBECK_TORCH_CPU torch_cpu
  HINTS ${CMAKE_PREFIX_PATH} ${CMAKE_PREFIX_PATH}/torch ${limbeck_deps}/libtorch-${limbeck_torch_version}/torch
  PATH_SUFFIXES lib NO_CMAKE_SYSTEM_PATH)
if(NOT LIMBECK_TORCH_INCLUDE OR NOT LIMBECK_TORCH_CPU)
  message(FATAL_ERROR "LibTorch ${limbeck_torch_version} was not found under ${limbeck_deps}; run scripts/setup, "
    "or name your own with -DCMAKE_PREFIX_PATH=/path/to/libtorch (2.6 or newer)")
endif()
get_filename_component(limbeck_torch_lib ${LIMBECK_TORCH_CPU} DIRECTORY)
add_library(limbeck_torch INTERFACE)
target_include_directories(limbeck_torch SYSTEM INTERFACE ${LIMBECK_TORCH_INCLUDE} ${LIMBECK_TORCH_INCLUDE}/torch/csrc/api/include)
target_link_libraries(limbeck_torch INTERFACE ${LIMBECK_TORCH_CPU} ${limbeck_torch_lib}/libc10.so)
target_link_options(limbeck_torch INTERFACE -Wl,-rpath,${limbeck_torch_lib} -Wl,--disable-new-dtags -Wl,-rpath-link,${limbeck_torch_lib})
