// SPDX-License-Identifier: Apache-2.0
//
// Workload certificates for tests, by the openssl command. Aborts on failure.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "libs/core/status.h"
#include "libs/rpc/tls.h"

namespace genofed::rpc {

// The authority of one site, with all its files in `directory`.
class TestAuthority {
 public:
  TestAuthority(std::filesystem::path directory, std::string site,
                std::string domain = "1mg.example")
      : directory_(std::move(directory)), site_(std::move(site)), domain_(std::move(domain)) {
    Configure("ca", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n");
    Request("ca", "");
  }

  std::filesystem::path bundle() const { return Path("ca.pem"); }

  // A new certificate and key in <directory>/<site>.<name>.{pem,key}; `name` is the service's
  // unless given.
  TlsFiles Issue(const std::string& service, std::string name = "") const {
    if (name.empty()) name = service;
    Configure(name,
              "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
              "extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1,"
              "URI:spiffe://" +
                  site_ + "." + domain_ + "/sa/" + service + "\n");
    Request(name, " -CA " + bundle().string() + " -CAkey " + Path("ca.key").string());
    return {Path(name + ".pem"), Path(name + ".key"), bundle()};
  }

  // What `files` names becomes links that lead to a pair, and from now on to another, in one step.
  static void Switch(const TlsFiles& files, const TlsFiles& pair) {
    namespace fs = std::filesystem;
    const fs::path base = files.certificate_file + ".pairs";
    const fs::path fresh = base / fs::path(pair.certificate_file).filename();
    fs::create_directories(fresh);
    fs::copy_file(pair.certificate_file, fresh / "pem");
    fs::copy_file(pair.private_key_file, fresh / "key");
    fs::create_directory_symlink(fresh, base / "next");
    fs::rename(base / "next", base / "current");
    if (fs::exists(files.certificate_file)) return;
    fs::create_symlink(base / "current" / "pem", files.certificate_file);
    fs::create_symlink(base / "current" / "key", files.private_key_file);
  }

 private:
  std::filesystem::path Path(const std::string& name) const {
    return directory_ / (site_ + "." + name);
  }

  void Configure(const std::string& name, const std::string& extensions) const {
    std::ofstream(Path(name + ".cnf"))
        << "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=ext\n[dn]\nCN=" << site_ << " "
        << name << "\n[ext]\nsubjectKeyIdentifier=hash\n"
        << extensions;
  }

  void Request(const std::string& name, const std::string& more) const {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -config " +
        Path(name + ".cnf").string() + " -keyout " + Path(name + ".key").string() + " -out " +
        Path(name + ".pem").string() + more + " >/dev/null 2>&1";
    GF_CHECK(std::system(command.c_str()) == 0);
  }

  const std::filesystem::path directory_;
  const std::string site_;
  const std::string domain_;
};

}  // namespace genofed::rpc
