// SPDX-License-Identifier: Apache-2.0
//
// What `genofed crypt4gh` reads and writes besides the data: key files, passphrase files, manifests; and its
// standard input and output.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/crypt4gh/key.h"
#include "libs/crypt4gh/stream.h"

namespace genofed::cli {

// `passphrase_file` may be empty: no passphrase. One newline at its end is not part of the passphrase.
Result<crypt4gh::SecretKey> LoadSecretKey(const std::string& file, const std::string& passphrase_file);
Result<std::vector<crypt4gh::PublicKey>> LoadPublicKeys(const std::vector<std::string>& files);
Result<std::string> LoadPassphrase(const std::string& file);

// A manifest as JSON: plain_size, body_size, plain_sha256, body_sha256 (hexadecimal). The header is not in it: it
// stands before the body, and may be another one by now.
Result<crypt4gh::Manifest> LoadManifest(const std::string& file);
Status SaveManifest(const crypt4gh::Manifest& manifest, const std::string& file);

// Creates a file that must not exist yet. Error: FILE_EXISTS (AlreadyExists).
Status CreateFile(const std::string& file, std::string_view content, unsigned mode);

// Standard input, of which nothing was read yet, or the header only.
class Input {
 public:
  // Refused when it is a terminal: nobody types an encrypted file. Error: INPUT_IS_TERMINAL.
  static Result<Input> Open();

  int fd() const;
  // Where in it the next byte is read, and how many are left; nothing unless it is a file.
  struct Place {
    std::uint64_t offset = 0;
    std::uint64_t left = 0;
  };
  std::optional<Place> place() const;
};

// Standard output. Once the reader has gone, writing fails like on a full disk instead of ending the process.
class Output {
 public:
  Output();
  // The sink must not outlive the output.
  crypt4gh::Sink sink();
  std::uint64_t written() const { return written_; }
  // Whether everything arrived can be known only after closing. Call once, at the end.
  Status Close();

 private:
  crypt4gh::Sink to_fd_;
  std::uint64_t written_ = 0;
};

}  // namespace genofed::cli
