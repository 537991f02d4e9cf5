// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace genofed::http {

// Makes a self-signed P-256 certificate, good for a day, and writes it and its key as PEM.
// `subject_alternative_names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1". Aborts on failure: tests only.
void WriteTestCertificate(const std::string& subject_alternative_names, const std::filesystem::path& certificate_file,
                          const std::filesystem::path& private_key_file);

}  // namespace genofed::http
