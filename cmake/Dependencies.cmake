# SPDX-License-Identifier: Apache-2.0
# Every third-party dependency, all from Debian 12 packages (third_party/README.md says which and why).
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(EXPAT REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(Boost 1.74 REQUIRED)  # header-only: Beast and Asio
find_package(GTest CONFIG REQUIRED)
find_package(benchmark CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(PrometheusCore REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(pqxx REQUIRED IMPORTED_TARGET libpqxx)
pkg_check_modules(htslib REQUIRED IMPORTED_TARGET htslib)
pkg_check_modules(libdeflate REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(botan REQUIRED IMPORTED_TARGET botan-2)
pkg_check_modules(p11kit REQUIRED IMPORTED_TARGET p11-kit-1)
find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)
add_library(rapidcheck INTERFACE IMPORTED)
target_link_libraries(rapidcheck INTERFACE ${RAPIDCHECK_LIBRARY})
# google/rpc and google/api protos, as Debian ships them.
find_path(GOOGLEAPIS_PROTO_DIR google/rpc/error_details.proto REQUIRED PATHS
  /usr/share/gocode/src/github.com/grpc-ecosystem/grpc-gateway/third_party/googleapis)
