// SPDX-License-Identifier: Apache-2.0
//
// Moves one file to or from a bucket with libs/objects, for tests/bench/objects_bench.py to time
// beside other clients. Usage: objects_transfer put|get ENDPOINT BUCKET NAME FILE       keys:
// environment ACCESS_KEY, SECRET_KEY
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "libs/core/clock.h"
#include "libs/objects/s3_store.h"

namespace genofed::objects {
namespace {

Status Put(ObjectStore& store, std::string_view name, const char* path) {
  const Context ctx = Context::Background();
  std::ifstream file(path, std::ios::binary);
  GF_ASSIGN(auto writer, store.Create(ctx, name));
  std::string piece(1U << 20, '\0');
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())), file.gcount() > 0) {
    GF_TRY(writer->Append(
        ctx, std::string_view(piece).substr(0, static_cast<std::size_t>(file.gcount()))));
  }
  return writer->Commit(ctx).status();
}

Status Get(ObjectStore& store, std::string_view name, const char* path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  GF_TRY(store.Read(Context::Background(), name, 0, kToEnd, [&](std::string_view bytes) -> Status {
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return {};
  }));
  return file.flush() ? Status()
                      : Error(StatusCode::kInternal, "FILE_FAILED", "cannot write {}", path);
}

int Main(int argc, char** argv) {
  const char* access = std::getenv("ACCESS_KEY");
  const char* secret = std::getenv("SECRET_KEY");
  if (argc != 6 || access == nullptr || secret == nullptr) return 2;
  S3Options options;
  options.endpoint = argv[2];
  options.bucket = argv[3];
  options.credentials = {access, secret};
  options.path_style = true;
  const SystemClock clock;
  const auto store = S3Store::Open(options, clock);
  Status status = store.status();
  if (status.ok())
    status = std::string_view(argv[1]) == "put" ? Put(**store, argv[4], argv[5])
                                                : Get(**store, argv[4], argv[5]);
  if (!status.ok()) std::fprintf(stderr, "objects_transfer: %s\n", Describe(status).c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace genofed::objects

int main(int argc, char** argv) { return genofed::objects::Main(argc, argv); }
