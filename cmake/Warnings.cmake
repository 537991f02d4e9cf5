# SPDX-License-Identifier: Apache-2.0
option(GENOFED_WERROR "Treat warnings in genofed's own code as errors" ON)
add_library(genofed_warnings INTERFACE)
target_compile_options(genofed_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  $<$<BOOL:${GENOFED_WERROR}>:-Werror>)
