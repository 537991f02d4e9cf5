// SPDX-License-Identifier: Apache-2.0
//
// Stage-in: from encrypted objects to the files of a task.
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <thread>

#include "genofed/access/v1/access.grpc.pb.h"
#include "genofed/consent/v1/consent.grpc.pb.h"
#include "genofed/onboarding/v1/onboarding.grpc.pb.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/core/unique_fd.h"
#include "libs/crypt4gh/file.h"
#include "libs/genomics/merge_vcf.h"
#include "libs/genomics/subset.h"
#include "services/spe/adapters/site_peers.h"

namespace genofed::spe {
namespace {

namespace consent = genofed::consent::v1;
namespace onboarding = genofed::onboarding::v1;
namespace fs = std::filesystem;

// The permitted rows of a dataset version.
struct Cohort {
  std::vector<std::string> pseudonyms;  // of all rows, in order
  std::vector<std::size_t> permitted;   // rows, ascending
};

constexpr std::size_t kMaxPhenotypes = std::size_t{1} << 30;

struct EncryptedObject {
  std::string role;
  std::size_t first_row = 0;  // genotypes: the rows it holds
  std::size_t rows = 0;
  std::string body;    // in the object store
  std::string header;  // re-encrypted to the task's key
  crypt4gh::Manifest manifest;
};

Status DatasetShape(std::string_view what) {
  return Error(StatusCode::kFailedPrecondition, "DATASET_SHAPE", "the dataset version {}", what);
}

common::v1::DatasetVersion ToProto(const DatasetRef& dataset) {
  common::v1::DatasetVersion version;
  version.set_dataset(dataset.dataset);
  version.set_version(dataset.version);
  return version;
}

Status MakeReadable(const fs::path& path) {
  if (chmod(path.c_str(), 0444) == 0) return {};
  return Error(StatusCode::kUnavailable, "STAGE_FAILED", "cannot prepare an input");
}

// Where bodies lie, and what opens them during one task.
struct Source {
  objects::ObjectStore& bodies;
  const crypt4gh::SecretKey& key;
};

// What reached the sink is worth nothing unless this succeeds.
Status Decrypt(const Context& ctx, const Source& source, const EncryptedObject& object,
               const crypt4gh::Sink& sink) {
  GF_ASSIGN(auto decryptor,
            crypt4gh::Decryptor::Create(object.header, source.key, object.manifest, sink));
  GF_TRY(source.bodies.Read(ctx, object.body, 0, objects::kToEnd,
                            [&](std::string_view bytes) { return decryptor.Push(bytes); }));
  return decryptor.Finish().status();
}

// Alleles that nobody of them carries would tell the analysis, and whoever reads its keys, of those
// who do not permit it.
const genomics::SubsetOptions kOnlyTheirAlleles = {.region = std::nullopt,
                                                   .drop_unobserved = true};

// Decrypts into a pipe, whose other end drops the people who are not permitted.
Status SubsetGenotypes(const Context& ctx, const Source& source, const EncryptedObject& object,
                       const std::vector<genomics::SampleRename>& keep,
                       const genomics::SubsetOptions& options, const fs::path& output) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return Error(StatusCode::kUnavailable, "STAGE_FAILED", "cannot prepare an input");
  Status decrypted;
  bool reader_left = false;
  std::jthread decryptor([&, writer = UniqueFd(ends[1])]() mutable {
    // The reader may give up early; then writing fails with EPIPE instead of ending the process.
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
    decrypted = Decrypt(ctx, source, object,
                        [&, write = crypt4gh::FdSink(writer.get())](std::string_view bytes) {
                          Status written = write(bytes);
                          reader_left = !written.ok();
                          return written;
                        });
    writer.Reset();
  });
  const auto subset = genomics::SubsetVcf(genomics::VcfInput(ends[0]), keep, output, options);
  decryptor.join();
  if (!decrypted.ok()) {
    // Only the end of the decryption proves that the body was whole: a subset of its beginning is
    // worth nothing.
    std::error_code ignored;
    fs::remove(output, ignored);
    if (subset.ok() || !reader_left) return decrypted;
  }
  return subset.status();
}

// One file of everybody who is permitted, from the objects of all segments.
Status StageGenotypes(const Context& ctx, const std::vector<const EncryptedObject*>& objects,
                      const Source& source, const Cohort& cohort, const fs::path& output) {
  std::vector<fs::path> parts;
  std::vector<genomics::SampleRename> everybody;
  std::size_t rows = 0;
  for (const EncryptedObject* object : objects) {
    GF_TRY(ctx.Alive());
    if (object->first_row < rows) return DatasetShape("has rows twice");
    rows = object->first_row + object->rows;
    std::vector<genomics::SampleRename> keep;
    for (const std::size_t row : cohort.permitted) {
      if (row < object->first_row || row >= rows) continue;
      keep.push_back({cohort.pseudonyms[row], cohort.pseudonyms[row]});
    }
    if (keep.empty()) continue;
    everybody.insert(everybody.end(), keep.begin(), keep.end());
    parts.push_back(output.parent_path() / fmt::format(".segment-{}.vcf.gz", parts.size()));
    // What is left out of one of several would not be counted for people of the others.
    GF_TRY(SubsetGenotypes(ctx, source, *object, keep,
                           objects.size() == 1 ? kOnlyTheirAlleles : genomics::SubsetOptions(),
                           parts.back()));
  }
  // Rows of people who were forgotten may have no object any more.
  if (rows > cohort.pseudonyms.size()) return DatasetShape("has genotypes of other people");
  if (everybody.size() != cohort.permitted.size()) return DatasetShape("has gaps in its rows");
  std::error_code error;
  if (objects.size() == 1) {
    fs::rename(parts.front(), output, error);
    if (error) return Error(StatusCode::kUnavailable, "STAGE_FAILED", "cannot prepare an input");
    return MakeReadable(output);
  }
  const fs::path together = output.parent_path() / ".segments.vcf.gz";
  Status merged = genomics::MergeVcf(parts, together);
  for (const fs::path& part : parts) {
    fs::remove(part, error);
    fs::remove(part.string() + ".tbi", error);
  }
  GF_TRY(merged);
  merged = genomics::SubsetVcf(genomics::VcfInput(together), everybody, output, kOnlyTheirAlleles)
               .status();
  fs::remove(together, error);
  GF_TRY(merged);
  return MakeReadable(output);
}

// The table holds a header line and a line for each row, beginning with its pseudonym
// (genofed.onboarding.v1.Object.role); the lines of permitted rows are kept as they are.
Status SubsetPhenotypes(const Context& ctx, const Source& source, const EncryptedObject& object,
                        const Cohort& cohort, const fs::path& directory) {
  if (object.manifest.plain_size > kMaxPhenotypes) return DatasetShape("has too large phenotypes");
  std::string text;
  GF_TRY(Decrypt(ctx, source, object, [&text](std::string_view bytes) {
    text.append(bytes);
    return absl::OkStatus();
  }));
  std::vector<std::string_view> lines = Split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.size() != cohort.pseudonyms.size() + 1 || !lines[0].starts_with("pseudonym\t"))
    return DatasetShape("has phenotypes for other people");
  std::string table(lines[0]);
  table += '\n';
  for (const std::size_t row : cohort.permitted) {
    if (!lines[row + 1].starts_with(cohort.pseudonyms[row] + "\t"))
      return DatasetShape("has phenotypes for other people");
    table.append(lines[row + 1]).push_back('\n');
  }
  const fs::path path = directory / "phenotypes.tsv";
  GF_TRY(WriteFileAtomically(path, table, 0400));
  return MakeReadable(path);
}

class GrpcCohortSource final : public CohortSource {
 public:
  GrpcCohortSource(rpc::ChannelSource consent_source, rpc::ChannelSource onboarding_source,
                   rpc::ChannelSource access_source, objects::ObjectStore& bodies, Random& random)
      : consent_(consent_source),
        keys_(consent_source),
        onboarding_(std::move(onboarding_source)),
        access_(std::move(access_source)),
        bodies_(bodies),
        random_(random) {}

  Result<StagedCohort> Stage(const Context& ctx, const TaskOrder& order, const Workflow& workflow,
                             const fs::path& directory) override;
  Result<std::vector<std::string>> Identifiers(const Context& ctx,
                                               const DatasetRef& dataset) override {
    GF_ASSIGN(Cohort cohort, AskCohort(ctx, dataset, std::nullopt));
    return std::move(cohort.pseudonyms);
  }

 private:
  // Who may be used for the run that is logged at `run`; without one, who permits secondary use.
  Result<Cohort> AskCohort(const Context& ctx, const DatasetRef& dataset, std::optional<std::int64_t> run);
  Result<onboarding::ListObjectsResponse> List(const Context& ctx, const TaskOrder& order);
  // `tried` gets the objects that are read.
  Result<StagedCohort> StageOnce(const Context& ctx, const TaskOrder& order,
                                 const Workflow& workflow, const fs::path& directory,
                                 std::set<std::string>& tried);
  // The objects of each role that the workflow reads, with headers for `key`.
  Result<std::vector<EncryptedObject>> AskObjects(const Context& ctx, const TaskOrder& order,
                                                  const std::vector<std::string>& roles,
                                                  const crypt4gh::SecretKey& key,
                                                  std::set<std::string>& tried);

  rpc::Peer<consent::ConsentService> consent_;
  rpc::Peer<consent::KeyService> keys_;
  rpc::Peer<onboarding::OnboardingService> onboarding_;
  rpc::Peer<access::v1::DecisionService> access_;
  objects::ObjectStore& bodies_;
  Random& random_;
};

Result<Cohort> GrpcCohortSource::AskCohort(const Context& ctx, const DatasetRef& dataset,
                                           std::optional<std::int64_t> run) {
  consent::GetCohortRequest request;
  *request.mutable_dataset() = ToProto(dataset);
  request.set_permission(common::v1::PERMISSION_SECONDARY_USE);
  if (run) request.set_run_ledger_index(*run);
  GF_ASSIGN(const consent::GetCohortResponse answer,
            consent_.Call(ctx, &consent::ConsentService::Stub::GetCohort, request));
  Cohort cohort;
  cohort.pseudonyms = {answer.pseudonyms().begin(), answer.pseudonyms().end()};
  const auto rows = static_cast<std::size_t>(answer.rows());
  if (cohort.pseudonyms.size() != rows || answer.permitted().size() != (rows + 7) / 8) {
    return DatasetShape("is described inconsistently by the consent service");
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const auto byte = static_cast<unsigned char>(answer.permitted()[row / 8]);
    if ((byte >> (row % 8) & 1) != 0) cohort.permitted.push_back(row);
  }
  return cohort;
}

Result<EncryptedObject> FromProto(const onboarding::Object& listed) {
  EncryptedObject object;
  object.role = listed.role();
  object.first_row = static_cast<std::size_t>(std::max(listed.first_row(), 0));
  object.rows = static_cast<std::size_t>(std::max(listed.rows(), 0));
  object.body = listed.body();
  object.manifest.plain_size = static_cast<std::uint64_t>(listed.plain_size());
  object.manifest.body_size = static_cast<std::uint64_t>(listed.body_size());
  GF_ASSIGN(object.manifest.plain_sha256, HexDecode(listed.plain_sha256()));
  GF_ASSIGN(object.manifest.body_sha256, HexDecode(listed.body_sha256()));
  return object;
}

Result<onboarding::ListObjectsResponse> GrpcCohortSource::List(const Context& ctx,
                                                               const TaskOrder& order) {
  onboarding::ListObjectsRequest list;
  *list.mutable_dataset() = ToProto(order.dataset);
  return onboarding_.Call(ctx, &onboarding::OnboardingService::Stub::ListObjects, list);
}

Result<std::vector<EncryptedObject>> GrpcCohortSource::AskObjects(
    const Context& ctx, const TaskOrder& order, const std::vector<std::string>& roles,
    const crypt4gh::SecretKey& key, std::set<std::string>& tried) {
  GF_ASSIGN(const onboarding::ListObjectsResponse listed, List(ctx, order));
  std::vector<EncryptedObject> objects;
  consent::ReleaseHeadersRequest release;
  release.set_ledger_index(order.ledger_index);
  release.set_recipient(key.public_key().raw());
  release.set_application(order.application);
  release.set_researcher_subject(order.requester_subject);
  for (const std::string& role : roles) {
    const std::size_t before = objects.size();
    for (const onboarding::Object& listed_object : listed.objects()) {
      if (listed_object.role() != role) continue;
      GF_ASSIGN(EncryptedObject object, FromProto(listed_object));
      objects.push_back(std::move(object));
      release.add_objects(listed_object.id());
      tried.insert(listed_object.id());
    }
    if (objects.size() == before) return DatasetShape(fmt::format("has no {}", role));
  }
  // Bound to this service's certificate, and as fresh as can be.
  access::v1::GetApprovalRequest approval;
  approval.set_application(order.application);
  GF_ASSIGN(const access::v1::GetApprovalResponse approved,
            access_.Call(ctx, &access::v1::DecisionService::Stub::GetApproval, approval));
  release.set_approval(approved.token());
  GF_ASSIGN(const consent::ReleaseHeadersResponse released,
            keys_.Call(ctx, &consent::KeyService::Stub::ReleaseHeaders, release));
  if (released.headers_size() != static_cast<int>(objects.size()))
    return DatasetShape("has no keys");
  for (std::size_t i = 0; i < objects.size(); ++i)
    objects[i].header = released.headers(static_cast<int>(i));
  return objects;
}

// A version is written anew, without people who were forgotten, whether its objects are just being
// read or not: then they are read again.
Result<StagedCohort> GrpcCohortSource::Stage(const Context& ctx, const TaskOrder& order,
                                             const Workflow& workflow, const fs::path& directory) {
  std::set<std::string> tried;
  auto staged = StageOnce(ctx, order, workflow, directory, tried);
  if (staged.status().code() != StatusCode::kNotFound || tried.empty()) return staged;
  GF_ASSIGN(const onboarding::ListObjectsResponse listed, List(ctx, order));
  for (const onboarding::Object& object : listed.objects()) tried.erase(object.id());
  if (tried.empty()) return staged;
  return Error(StatusCode::kUnavailable, "OBJECTS_REPLACED",
               "the dataset's objects were written anew meanwhile");
}

Result<StagedCohort> GrpcCohortSource::StageOnce(const Context& ctx, const TaskOrder& order,
                                                 const Workflow& workflow,
                                                 const fs::path& directory,
                                                 std::set<std::string>& tried) {
  GF_ASSIGN(const Cohort cohort, AskCohort(ctx, order.dataset, order.ledger_index));
  StagedCohort staged;
  staged.individuals = static_cast<std::int32_t>(cohort.permitted.size());
  if (cohort.permitted.empty()) return staged;
  std::vector<std::string> roles;
  if (workflow.reads_genotypes) roles.emplace_back("genotypes");
  if (workflow.reads_phenotypes) roles.emplace_back("phenotypes");
  const crypt4gh::SecretKey key = crypt4gh::SecretKey::Generate(random_);
  GF_ASSIGN(const std::vector<EncryptedObject> objects, AskObjects(ctx, order, roles, key, tried));
  for (const std::string& role : roles) {
    GF_TRY(ctx.Alive());
    const std::string name = role == "genotypes" ? "cohort.vcf.gz" : "phenotypes.tsv";
    std::vector<const EncryptedObject*> of_role;
    for (const EncryptedObject& object : objects) {
      if (object.role == role) of_role.push_back(&object);
    }
    if (role == "genotypes") {
      GF_TRY(StageGenotypes(ctx, of_role, {bodies_, key}, cohort, directory / name));
    } else if (of_role.size() == 1) {
      GF_TRY(SubsetPhenotypes(ctx, {bodies_, key}, *of_role.front(), cohort, directory));
    } else {
      return DatasetShape(fmt::format("has several objects of {}", role));
    }
    staged.inputs.push_back({directory / name, name});
  }
  return staged;
}

}  // namespace

std::unique_ptr<CohortSource> MakeCohortSource(rpc::ChannelSource consent_source,
                                               rpc::ChannelSource onboarding_source,
                                               rpc::ChannelSource access_source,
                                               objects::ObjectStore& bodies, Random& random) {
  return std::make_unique<GrpcCohortSource>(std::move(consent_source), std::move(onboarding_source),
                                            std::move(access_source), bodies, random);
}

}  // namespace genofed::spe
