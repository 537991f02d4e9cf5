# SPDX-License-Identifier: Apache-2.0
# prometheus-cpp-dev conflicts with libhts-dev over two curl flavours, so tools/install-deps unpacks its
# headers without installing it; this module looks for the core library alone.
find_path(PrometheusCore_INCLUDE_DIR prometheus/registry.h)
find_library(PrometheusCore_LIBRARY prometheus-cpp-core)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(PrometheusCore
  REASON_FAILURE_MESSAGE "run tools/install-deps, which unpacks prometheus-cpp-dev beside libhts-dev"
  REQUIRED_VARS PrometheusCore_LIBRARY PrometheusCore_INCLUDE_DIR)
if(PrometheusCore_FOUND AND NOT TARGET prometheus::core)
  add_library(prometheus::core UNKNOWN IMPORTED)
  set_target_properties(prometheus::core PROPERTIES
    IMPORTED_LOCATION ${PrometheusCore_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${PrometheusCore_INCLUDE_DIR})
endif()
