// SPDX-License-Identifier: Apache-2.0
//
// Crypt4GH files on disk. The header is kept apart from the body, unless the combined form that
// other tools read is asked for. Output files have mode 0600 and appear under their name only when
// they are complete and checked.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "libs/crypt4gh/stream.h"

namespace genofed::crypt4gh {

enum class Layout {
  kSeparate,  // the file is the body; the header is only in the manifest
  kCombined,  // the file is the header followed by the body
};

Result<Manifest> EncryptFile(const std::filesystem::path& in, const std::filesystem::path& out,
                             std::span<const PublicKey> recipients, Random& random,
                             Layout layout = Layout::kSeparate);

// Everything that is left in `fd` (borrowed; a file, pipe or socket) through an encryptor or a
// decryptor, which is finished then; or to a sink as it is.
Result<Manifest> EncryptFd(int fd, Encryptor& encryptor);
Result<Manifest> DecryptFd(int fd, Decryptor& decryptor);
Status CopyFd(int fd, const Sink& sink);

// Decrypts the rest of `body_fd` (borrowed; a file, pipe or socket) into the sink. See Decryptor
// for what an error means for bytes that the sink already has.
Status DecryptFd(int body_fd, std::string_view header, const SecretKey& key,
                 const Manifest& expected, const Sink& sink);

// Decrypts into a file, which is created or replaced only after everything was checked.
Status DecryptFile(const std::filesystem::path& body, std::string_view header, const SecretKey& key,
                   const Manifest& expected, const std::filesystem::path& out);

// Reads exactly the header of a combined file; `fd` (borrowed) then stands at the first byte of the
// body.
Result<std::string> ReadHeader(int fd);

// A sink that writes everything to `fd` (borrowed).
Sink FdSink(int fd);

}  // namespace genofed::crypt4gh
