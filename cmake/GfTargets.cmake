# SPDX-License-Identifier: Apache-2.0
# The five ways in which genofed declares targets. Every target compiles with the project's warnings.

# gf_library(NAME SOURCES ... [PUBLIC libs...] [PRIVATE libs...]): static library genofed::NAME.
function(gf_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  string(REPLACE "-" "_" target "genofed_${name}")
  add_library(${target} STATIC ${ARG_SOURCES})
  add_library(genofed::${name} ALIAS ${target})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${target} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE} genofed_warnings)
endfunction()

# gf_executable(NAME SOURCES ... LINK libs...): executable bin/NAME.
function(gf_executable name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} genofed_warnings)
endfunction()

# gf_test(NAME SOURCES ... LINK libs... [LABEL unit|contract|integration] [TIMEOUT s]): one GoogleTest binary, one ctest entry.
# Tests that need files of ../shared read GENOFED_SHARED_DIR; they skip with a clear line when it is unset.
function(gf_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest_main genofed_warnings)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "GENOFED_SHARED_DIR=${GENOFED_SHARED_DIR};GENOFED_SOURCE_DIR=${CMAKE_SOURCE_DIR}")
endfunction()

# gf_embed(TARGET NAMESPACE SYMBOL FILES...): compiles files into TARGET as
# `extern const genofed::EmbeddedFile NAMESPACE::SYMBOL[]`, ended by an entry whose name is null.
# Migrations and policies travel inside the binary, so that they can be neither lost nor edited in place.
function(gf_embed target namespace symbol)
  string(REPLACE "::" "_" stem "${namespace}")
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${stem}_${symbol}.cc)
  list(JOIN ARGN "|" files)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DNAMESPACE=${namespace} -DSYMBOL=${symbol} "-DFILES=${files}"
            -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${ARGN} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()

# gf_service(NAME LIBRARY_SOURCES ... [LINK libs...]): library genofed::NAME_service with its migrations/*.sql and
# policy.json embedded, and the executable genofed-NAME from main.cc. Tests are declared separately with gf_test.
function(gf_service name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  gf_library(${name}_service SOURCES ${ARG_SOURCES}
    PUBLIC genofed::platform PRIVATE genofed::proto genofed::rpc genofed::sql ${ARG_LINK})
  file(GLOB migrations CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/migrations/*.sql)
  list(SORT migrations)
  gf_embed(genofed_${name}_service genofed::${name} kMigrations ${migrations})
  gf_embed(genofed_${name}_service genofed::${name} kPolicy ${CMAKE_CURRENT_SOURCE_DIR}/policy.json)
  gf_executable(genofed-${name} SOURCES main.cc LINK genofed::${name}_service)
endfunction()
