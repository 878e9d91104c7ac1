# Reads src/layers.txt and makes one static library per folder. Folders that may use LibTorch share one precompiled header.

# Reading that header costs every compiler process 2.5 s, as much as most files need themselves. So the release preset sets
# CMAKE_UNITY_BUILD, and a process takes some files of a folder together (scripts/check-names keeps their names apart). The dev and
# asan presets compile file by file, which is where a missing include shows.
function(limbeck_batch target folder)
  if(folder STREQUAL "kernels")
    # A "#pragma GCC target" holds to the end of what is compiled: the next file would use instructions that nobody asked for.
    set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
    return()
  endif()
  set(most 5)  # files a batch: both cores stay busy to the end, and a changed file does not cost its whole folder
  get_target_property(sources ${target} SOURCES)
  list(LENGTH sources count)
  math(EXPR batches "(${count} + ${most} - 1) / ${most}")
  math(EXPR even "(${count} + ${batches} - 1) / ${batches}")
  set_target_properties(${target} PROPERTIES UNITY_BUILD_BATCH_SIZE ${even})
endfunction()

function(limbeck_use_torch target)
  target_link_libraries(${target} PRIVATE limbeck_torch)
  target_compile_options(${target} PRIVATE -fPIC)  # programs too: the precompiled header serves one setting only
  if(TARGET limbeck_pch AND NOT "${target}" STREQUAL "limbeck_pch")
    target_precompile_headers(${target} REUSE_FROM limbeck_pch)
  endif()
endfunction()

function(limbeck_add_layers)
  if(NOT DEFINED LIMBECK_PCH OR LIMBECK_PCH)
    file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp.in "")
    configure_file(${CMAKE_BINARY_DIR}/pch.cpp.in ${CMAKE_BINARY_DIR}/pch.cpp COPYONLY)
    add_library(limbeck_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cpp)
    set_target_properties(limbeck_pch PROPERTIES UNITY_BUILD OFF)
    target_link_libraries(limbeck_pch PRIVATE limbeck_torch limbeck_libraries)
    # What nearly every file reads. Each header here costs every process its deferred instantiations, used or not:
    # <torch/csrc/autograd/custom_function.h>, which a few files need, would be 1.4 s.
    target_precompile_headers(limbeck_pch PRIVATE <ATen/ATen.h> <ATen/Parallel.h> <torch/csrc/autograd/grad_mode.h>
      <fmt/format.h> <nlohmann/json.hpp>)
  endif()

  file(STRINGS ${CMAKE_SOURCE_DIR}/src/layers.txt lines REGEX "^[a-z]+:")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/layers.txt)
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^([a-z]+):(.*)$" "\\1;\\2" parts "${line}")
    list(GET parts 0 folder)
    list(GET parts 1 uses)
    separate_arguments(uses)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${folder}/*.cpp)
    list(FILTER sources EXCLUDE REGEX "/cli/(main|front)\\.cpp$")
    if(NOT sources)
      continue()
    endif()
    add_library(limbeck_${folder} STATIC ${sources})
    limbeck_batch(limbeck_${folder} ${folder})
    if(folder STREQUAL "kernels")
      # Nobody reads errno after a square root; with it, a loop that takes one is not made vector code of.
      target_compile_options(limbeck_kernels PRIVATE -fno-math-errno)
    endif()
    target_include_directories(limbeck_${folder} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(limbeck_${folder} PUBLIC limbeck_libraries)
    foreach(use IN LISTS uses)
      if(use STREQUAL "torch")
        limbeck_use_torch(limbeck_${folder})
        target_link_libraries(limbeck_${folder} PUBLIC limbeck_torch)
      elseif(TARGET limbeck_${use})
        target_link_libraries(limbeck_${folder} PUBLIC limbeck_${use})
      endif()
    endforeach()
    if(TARGET limbeck_${folder}_libraries)
      target_link_libraries(limbeck_${folder} PUBLIC limbeck_${folder}_libraries)
    endif()
  endforeach()
endfunction()
