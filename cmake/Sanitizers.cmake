# SPDX-License-Identifier: Apache-2.0
set(GENOFED_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
if(GENOFED_SANITIZE)
  add_compile_options(-fsanitize=${GENOFED_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GENOFED_SANITIZE})
  # g++ 12 sees uninitialised members inside std::function and std::regex once sanitizers change the code.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
if(GENOFED_FUZZ)
  # The fuzzer must see which branches of the libraries an input reaches, not only those of the target.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
