// SPDX-License-Identifier: Apache-2.0
//
// Crypt4GH files from standard input to standard output: a standing entry point for auditors, whose options and exit
// codes are kept stable (docs/guides/crypt4gh.md).
#include <CLI/CLI.hpp>
#include <cinttypes>
#include <cstdio>
#include <limits>
#include <memory>

#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/crypt4gh/file.h"
#include "libs/crypt4gh/key_file.h"
#include "libs/crypt4gh/range_reader.h"
#include "services/cli/commands/crypt4gh_files.h"
#include "services/cli/commands/session.h"

namespace genofed::cli {
namespace {

struct Options {
  std::string secret_key, passphrase_file, public_key, manifest, range;
  std::vector<std::string> recipient_keys;
};

// The command line or a file that it names is wrong.
int Usage(const Status& status) {
  Fail(status);
  if (Reason(status) == "CRYPT4GH_PASSPHRASE_MISSING") std::fprintf(stderr, "  give a file with it: --passphrase-file FILE\n");
  return kUsage;
}

// The data are wrong, or could not be written.
int Failure(const Status& status, const Output& output) {
  Fail(status);
  if (output.written() > 0) {
    std::fprintf(stderr, "  before that, %" PRIu64 " bytes were written: do not take them for the whole\n", output.written());
  }
  return kFailed;
}

int Close(const Status& status, Output& output) {
  if (!status.ok()) return Failure(status, output);
  const Status closed = output.Close();
  return closed.ok() ? kOk : Failure(closed, output);
}

Status EncryptAll(const Input& input, crypt4gh::Encryptor& encryptor, const crypt4gh::Sink& sink, crypt4gh::Manifest& manifest) {
  GF_TRY(sink(encryptor.header()));
  GF_ASSIGN(manifest, crypt4gh::EncryptFd(input.fd(), encryptor));
  return absl::OkStatus();
}

int Encrypt(const Options& options) {
  if (options.recipient_keys.empty() && options.secret_key.empty()) {
    return Usage(Error(StatusCode::kInvalidArgument, "NO_RECIPIENT", "say for whom: --recipient-key FILE, or --secret-key FILE for yourself"));
  }
  const auto input = Input::Open();
  if (!input.ok()) return Usage(input.status());
  auto recipients = LoadPublicKeys(options.recipient_keys);
  if (!recipients.ok()) return Usage(recipients.status());
  std::optional<crypt4gh::SecretKey> writer;
  if (!options.secret_key.empty()) {
    auto key = LoadSecretKey(options.secret_key, options.passphrase_file);
    if (!key.ok()) return Usage(key.status());
    writer = *std::move(key);
    if (recipients->empty()) recipients->push_back(writer->public_key());
  }
  Output output;
  SystemRandom random;
  crypt4gh::EncryptOptions how;
  how.writer = writer ? &*writer : nullptr;
  how.checksums = options.manifest.empty() ? crypt4gh::Checksums::kNone : crypt4gh::Checksums::kBoth;
  auto encryptor = crypt4gh::Encryptor::Create(*recipients, random, output.sink(), how);
  if (!encryptor.ok()) return Usage(encryptor.status());
  crypt4gh::Manifest manifest;
  const int closed = Close(EncryptAll(*input, *encryptor, output.sink(), manifest), output);
  if (closed != kOk || options.manifest.empty()) return closed;
  const Status saved = SaveManifest(manifest, options.manifest);
  return saved.ok() ? kOk : Fail(saved);
}

// "START-END" or "START-": half open, as everywhere in genofed.
Result<crypt4gh::ByteRange> ParseRange(const std::string& text) {
  const auto dash = text.find('-');
  const auto begin = ParseInt(text.substr(0, dash));
  const std::string rest = dash == std::string::npos ? "" : text.substr(dash + 1);
  const auto end = rest.empty() ? std::numeric_limits<std::int64_t>::max() : ParseInt(rest);
  if (dash == std::string::npos || !begin.ok() || !end.ok() || *begin < 0 || *end < *begin) {
    return InvalidField("--range", "RANGE_INVALID", "must be START-END or START-, in bytes, END not included, such as 0-65536");
  }
  return crypt4gh::ByteRange{static_cast<std::uint64_t>(*begin), static_cast<std::uint64_t>(*end)};
}

Status StartsBehindTheEnd(std::uint64_t size) {
  return Error(StatusCode::kOutOfRange, "RANGE_INVALID", "the range starts behind the end: the file has {} bytes", size);
}

// Only the segments that are needed are read.
Status DecryptFileRange(const std::string& header, const crypt4gh::SecretKey& key, const Input& input, const Input::Place& body,
                        crypt4gh::ByteRange range, const crypt4gh::Sink& sink) {
  GF_ASSIGN(auto reader, crypt4gh::RangeReader::Create(header, key, body.left, crypt4gh::FileBody(input.fd(), body.offset)));
  if (range.begin > reader.size()) return StartsBehindTheEnd(reader.size());
  return reader.Read(range, sink);
}

// A pipe cannot skip: what comes before the range is read and authenticated, too.
Status DecryptPipeRange(const std::string& header, const crypt4gh::SecretKey& key, const Input& input, crypt4gh::ByteRange range,
                        const crypt4gh::Sink& sink) {
  std::uint64_t seen = 0;
  bool complete = range.size() == 0;
  const auto slice = [&](std::string_view bytes) -> Status {
    const std::uint64_t begin = std::max(range.begin, seen), end = std::min(range.end, seen + bytes.size());
    if (begin < end) GF_TRY(sink(bytes.substr(begin - seen, end - begin)));
    seen += bytes.size();
    complete = seen >= range.end;
    return complete ? absl::CancelledError() : absl::OkStatus();
  };
  GF_ASSIGN(auto decryptor, crypt4gh::Decryptor::CreateUnverified(header, key, slice));
  if (complete) return absl::OkStatus();
  const Status status = crypt4gh::DecryptFd(input.fd(), decryptor).status();
  if (complete && absl::IsCancelled(status)) return absl::OkStatus();
  GF_TRY(status);
  return range.begin > seen ? StartsBehindTheEnd(seen) : absl::OkStatus();
}

Status DecryptRange(const std::string& header, const crypt4gh::SecretKey& key, const Input& input, crypt4gh::ByteRange range,
                    const crypt4gh::Sink& sink) {
  const auto place = input.place();
  return place ? DecryptFileRange(header, key, input, *place, range, sink) : DecryptPipeRange(header, key, input, range, sink);
}

Status DecryptAll(const std::string& header, const crypt4gh::SecretKey& key, const Input& input,
                  const std::optional<crypt4gh::Manifest>& manifest, const crypt4gh::Sink& sink, bool& end_is_certain) {
  const auto place = input.place();
  if (manifest && place && place->left != manifest->body_size) {
    return Error(StatusCode::kDataLoss, "CRYPT4GH_MANIFEST_MISMATCH", "the body has {} bytes; the manifest says {}", place->left,
                 manifest->body_size);
  }
  GF_ASSIGN(auto decryptor, manifest ? crypt4gh::Decryptor::Create(header, key, *manifest, sink)
                                     : crypt4gh::Decryptor::CreateUnverified(header, key, sink));
  GF_ASSIGN(const auto measured, crypt4gh::DecryptFd(input.fd(), decryptor));
  end_is_certain = manifest || measured.body_size % crypt4gh::kSealedSegmentBytes != 0;
  return absl::OkStatus();
}

int Decrypt(const Options& options) {
  std::optional<crypt4gh::ByteRange> range;
  if (!options.range.empty()) {
    auto parsed = ParseRange(options.range);
    if (!parsed.ok()) return Usage(parsed.status());
    range = *parsed;
  }
  const auto input = Input::Open();
  if (!input.ok()) return Usage(input.status());
  const auto key = LoadSecretKey(options.secret_key, options.passphrase_file);
  if (!key.ok()) return Usage(key.status());
  std::optional<crypt4gh::Manifest> manifest;
  if (!options.manifest.empty()) {
    auto loaded = LoadManifest(options.manifest);
    if (!loaded.ok()) return Usage(loaded.status());
    manifest = *std::move(loaded);
  }
  Output output;
  const auto header = crypt4gh::ReadHeader(input->fd());
  if (!header.ok()) return Failure(header.status(), output);
  bool end_is_certain = true;
  const Status status = range ? DecryptRange(*header, *key, *input, *range, output.sink())
                              : DecryptAll(*header, *key, *input, manifest, output.sink(), end_is_certain);
  const int closed = Close(status, output);
  if (closed == kOk && !end_is_certain) {
    std::fprintf(stderr, "genofed: note: the body ends where another segment could have followed; whether it did, only --manifest can tell\n");
  }
  return closed;
}

// Everything that can be refused is refused before the first byte of output.
Result<std::string> ReadAndReencrypt(const Input& input, const crypt4gh::SecretKey& key, std::span<const crypt4gh::PublicKey> recipients) {
  GF_ASSIGN(const std::string header, crypt4gh::ReadHeader(input.fd()));
  GF_ASSIGN(const auto content, crypt4gh::OpenHeader(header, key));
  SystemRandom random;
  return crypt4gh::BuildHeader(content, recipients, random);
}

int Reencrypt(const Options& options) {
  const auto input = Input::Open();
  if (!input.ok()) return Usage(input.status());
  const auto recipients = LoadPublicKeys(options.recipient_keys);
  if (!recipients.ok()) return Usage(recipients.status());
  const auto key = LoadSecretKey(options.secret_key, options.passphrase_file);
  if (!key.ok()) return Usage(key.status());
  Output output;
  const auto header = ReadAndReencrypt(*input, *key, *recipients);
  if (!header.ok()) return Failure(header.status(), output);
  Status status = output.sink()(*header);
  if (status.ok()) status = crypt4gh::CopyFd(input->fd(), output.sink());
  return Close(status, output);
}

const char* KindName(crypt4gh::PacketSummary::Kind kind) {
  switch (kind) {
    case crypt4gh::PacketSummary::Kind::kNotReadable:
      return "not readable";
    case crypt4gh::PacketSummary::Kind::kDataKey:
      return "data key";
    case crypt4gh::PacketSummary::Kind::kEditList:
      return "edit list";
    case crypt4gh::PacketSummary::Kind::kUnknown:
      break;
  }
  return "unknown";
}

// Members that need a key are null without one; what keeps the header from being used is in "problem".
Json Summary(const std::string& header, const std::vector<crypt4gh::PacketSummary>& packets, const crypt4gh::SecretKey* key,
             const std::optional<Input::Place>& body) {
  Json shown = {{"version", 1}, {"header_bytes", header.size()}, {"packets", Json::array()}, {"readable_packets", nullptr},
                {"data_keys", nullptr}, {"edit_list", nullptr}, {"problem", nullptr}, {"body_bytes", nullptr}, {"plain_bytes", nullptr}};
  std::size_t readable = 0;
  for (const auto& packet : packets) {
    shown["packets"].push_back({{"bytes", packet.bytes}, {"method", packet.method}, {"content", key == nullptr ? Json(nullptr) : KindName(packet.kind)}});
    if (packet.kind != crypt4gh::PacketSummary::Kind::kNotReadable) ++readable;
  }
  if (body) {
    shown["body_bytes"] = body->left;
    const auto plain = crypt4gh::PlainSize(body->left);
    if (plain.ok()) shown["plain_bytes"] = *plain;
    if (!plain.ok()) shown["problem"] = Message(plain.status());
  }
  if (key == nullptr) return shown;
  shown["readable_packets"] = readable;
  const auto content = crypt4gh::OpenHeader(header, *key);
  if (!content.ok()) {
    shown["problem"] = Message(content.status());
    return shown;
  }
  shown["data_keys"] = content->data_keys.size();
  if (content->edit_list) shown["edit_list"] = *content->edit_list;
  return shown;
}

void PrintSummary(const Json& shown) {
  const auto line = [](const char* name, const Json& value) {
    if (!value.is_null()) std::printf("  %-18s %s\n", name, value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
  };
  std::printf("Crypt4GH version %s\n", shown["version"].dump().c_str());
  line("header, bytes", shown["header_bytes"]);
  line("packets", shown["packets"].size());
  line("readable with key", shown["readable_packets"]);
  line("data keys", shown["data_keys"]);
  line("edit list", shown["edit_list"]);
  line("body, bytes", shown["body_bytes"]);
  line("plaintext, bytes", shown["plain_bytes"]);
  line("problem", shown["problem"]);
}

int Inspect(const Options& options, bool json) {
  const auto input = Input::Open();
  if (!input.ok()) return Usage(input.status());
  std::optional<crypt4gh::SecretKey> key;
  if (!options.secret_key.empty()) {
    auto loaded = LoadSecretKey(options.secret_key, options.passphrase_file);
    if (!loaded.ok()) return Usage(loaded.status());
    key = *std::move(loaded);
  }
  const auto header = crypt4gh::ReadHeader(input->fd());
  if (!header.ok()) return Fail(header.status());
  const auto packets = crypt4gh::SummariseHeader(*header, key ? &*key : nullptr);
  if (!packets.ok()) return Fail(packets.status());
  const Json shown = Summary(*header, *packets, key ? &*key : nullptr, input->place());
  if (json)
    std::printf("%s\n", shown.dump(2).c_str());
  else
    PrintSummary(shown);
  return shown["problem"].is_null() ? kOk : kRejected;
}

int KeyGen(const Options& options) {
  auto passphrase = LoadPassphrase(options.passphrase_file);
  if (!passphrase.ok()) return Usage(passphrase.status());
  SystemRandom random;
  const auto key = crypt4gh::SecretKey::Generate(random);
  Status status = CreateFile(options.secret_key, crypt4gh::FormatSecretKeyFile(key, *passphrase, random), 0600);
  if (!status.ok()) return Usage(status);
  status = CreateFile(options.public_key, crypt4gh::FormatPublicKeyFile(key.public_key()), 0644);
  if (!status.ok()) {
    std::remove(options.secret_key.c_str());
    return Usage(status);
  }
  std::printf("%s: secret key, %s; keep it to yourself\n%s: public key; give it to whoever encrypts for you\n", options.secret_key.c_str(),
              passphrase->empty() ? "not protected by a passphrase" : "protected by the passphrase", options.public_key.c_str());
  return kOk;
}

constexpr char kHelp[] = R"(
Examples:
  genofed crypt4gh keygen --secret-key me.sec --public-key me.pub --passphrase-file pass.txt
  genofed crypt4gh encrypt --recipient-key them.pub --manifest file.json < file > file.c4gh
  genofed crypt4gh decrypt --secret-key me.sec --passphrase-file pass.txt --manifest file.json < file.c4gh > file
  genofed crypt4gh reencrypt --secret-key me.sec --recipient-key them.pub < mine.c4gh > theirs.c4gh
  genofed crypt4gh inspect --secret-key me.sec --json < file.c4gh

Key files: Crypt4GH (c4gh-v1), OpenSSH ed25519, OpenSSL ed25519 or X25519, or 64 hexadecimal digits.
Exit codes: 0 done; 1 the data are damaged, not for this key, or could not be written; 2 the command line or a key file
is wrong; 3 inspect found something that keeps the file from being read.)";

}  // namespace

void AddCrypt4ghCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto o = std::make_shared<Options>();
  auto* crypt4gh = commands.app.add_subcommand("crypt4gh", "Encrypt, decrypt, pass on and look into Crypt4GH files: < in > out")
                       ->require_subcommand(1)
                       ->footer(kHelp);
  const auto add = [&](const char* name, const char* help, int (*run)(const Options&)) {
    auto* command = crypt4gh->add_subcommand(name, help);
    command->callback([o, run, &action] { action = [o, run] { return run(*o); }; });
    return command;
  };
  const auto secret_key = [&](CLI::App* command, const char* help) {
    command->add_option("--passphrase-file", o->passphrase_file, "File with the passphrase of the secret key");
    return command->add_option("--secret-key", o->secret_key, help);
  };
  const auto recipient_key = [&](CLI::App* command, const char* help) {
    return command->add_option("--recipient-key", o->recipient_keys, help)->allow_extra_args(false);
  };

  auto* encrypt = add("encrypt", "Encrypt standard input", Encrypt);
  secret_key(encrypt, "Writer's secret key file; default: one that is forgotten");
  recipient_key(encrypt, "Public key file of a reader; repeatable; default: the owner of --secret-key");
  encrypt->add_option("--manifest", o->manifest, "Write sizes and SHA-256 of plaintext and body to this file");

  auto* decrypt = add("decrypt", "Decrypt standard input; each segment is authenticated before it is written", Decrypt);
  secret_key(decrypt, "Reader's secret key file")->required();
  auto* manifest = decrypt->add_option("--manifest", o->manifest, "Check against this file: notices lost, swapped and repeated segments");
  decrypt->add_option("--range", o->range, "START-END or START-: these bytes of the plaintext only, counted from 0, END not included")
      ->excludes(manifest);

  auto* reencrypt = add("reencrypt", "Write a header for other readers; the body is copied as it is", Reencrypt);
  secret_key(reencrypt, "Secret key file of a reader of the file")->required();
  recipient_key(reencrypt, "Public key file of a new reader; repeatable; nobody else can read the output")->required();

  auto* inspect = crypt4gh->add_subcommand("inspect", "Say what is in the header; no key is ever printed");
  secret_key(inspect, "Reader's secret key file; without it packets are only counted");
  inspect->callback([o, &target, &action] { action = [o, &target] { return Inspect(*o, target.json); }; });

  auto* keygen = add("keygen", "Make a pair of keys; existing files are not overwritten", KeyGen);
  secret_key(keygen, "File to write the secret key to")->required();
  keygen->add_option("--public-key", o->public_key, "File to write the public key to")->required();
}

}  // namespace genofed::cli
