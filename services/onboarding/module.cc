// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/module.h"

#include <grpcpp/impl/codegen/service_type.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "libs/config/load.h"
#include "libs/core/file.h"
#include "libs/crypt4gh/key_file.h"
#include "libs/genomics/reference.h"
#include "libs/objects/open.h"
#include "libs/obs/log.h"
#include "libs/platform/platform.h"
#include "services/onboarding/adapters/connectors.h"
#include "services/onboarding/adapters/disk_upload_files.h"
#include "services/onboarding/adapters/grpc_object_service.h"
#include "services/onboarding/adapters/grpc_onboarding_service.h"
#include "services/onboarding/adapters/grpc_variant_service.h"
#include "services/onboarding/adapters/inbox_json.h"
#include "services/onboarding/adapters/peer_reader_gate.h"
#include "services/onboarding/adapters/site_peers.h"
#include "services/onboarding/adapters/sql_connector_store.h"
#include "services/onboarding/adapters/sql_erasure_store.h"
#include "services/onboarding/adapters/sql_object_checks.h"
#include "services/onboarding/adapters/sql_published_objects.h"
#include "services/onboarding/adapters/sql_submission_store.h"
#include "services/onboarding/adapters/submissions_intake.h"
#include "services/onboarding/app/erasure.h"
#include "services/onboarding/app/inbox.h"
#include "services/onboarding/app/pipeline.h"
#include "services/onboarding/app/submissions.h"
#include "services/onboarding/app/variant_files.h"

namespace genofed::onboarding {

extern const EmbeddedFile kMigrations[];
extern const EmbeddedFile kPolicy[];
extern const EmbeddedFile kInclusionPolicy[];

namespace {

constexpr std::size_t kMaxPolicyBytes = 1U << 20;
constexpr std::size_t kMaxTableBytes = std::size_t{1} << 30;
constexpr std::size_t kMaxKeyBytes = 64U << 10;
constexpr std::chrono::seconds kErasureInterval{10}, kErasurePause{60};

Submissions::Options UploadOptions(const Platform& platform) {
  Submissions::Options options;
  options.country = platform.country();
  const auto& config = platform.config().onboarding();
  if (config.max_file_bytes() > 0) options.max_file_bytes = config.max_file_bytes();
  return options;
}

std::chrono::seconds VerifyInterval(const Platform& platform) {
  const int days = platform.config().onboarding().verify_days();
  return std::chrono::hours(24) * (days > 0 ? days : 30);
}

class OnboardingModule final : public Module {
 public:
  OnboardingModule(Platform& platform, std::unique_ptr<sql::Database> database,
                   std::unique_ptr<objects::ObjectStore> bodies, const Layout& layout, Pipeline::Options options,
                   std::optional<crypt4gh::SecretKey> intake_key)
      : database_(std::move(database)),
        bodies_(std::move(bodies)),
        intake_key_(std::move(intake_key)),
        store_(*database_),
        files_(layout, IntakeKey()),
        consent_(MakeConsentClient(platform.SiteChannel("consent"), platform.clock())),
        publisher_(MakePublisher(platform.SiteChannel("discovery"), platform.SiteChannel("catalogue"),
                                 platform.country())),
        pipeline_(layout, files_, *bodies_, *consent_, *publisher_, platform.clock(), platform.random(), platform.metrics(),
                  std::move(options)),
        submissions_(store_, files_, platform.clock(), platform.random(), UploadOptions(platform),
                     [this] { Notify(); }),
        published_(*database_),
        intake_(submissions_),
        connector_store_(*database_),
        connectors_(platform.config().onboarding(),
                    {connector_store_, intake_,
                     [this](const Context& ctx, const std::string& dataset) {
                       return publisher_->ListedVersion(ctx, dataset);
                     },
                     layout, platform.clock(), platform.random(), platform.metrics()}),
        gate_(MakePeerReaderGate(platform.SiteChannel("consent"))),
        objects_(published_, *bodies_, *gate_,
                 [this](const Context& ctx, const std::string& dataset) {
                   return publisher_->ListedVersion(ctx, dataset);
                 },
                 platform.clock(), platform.random(), IntakeKey()),
        service_(MakeGrpcOnboardingService(platform.dispatcher(), submissions_, objects_, connectors_,
                                           intake_key_ ? crypt4gh::FormatPublicKeyFile(intake_key_->public_key()) : "",
                                           platform.metrics())),
        checks_(*database_),
        integrity_(checks_, *bodies_, *consent_, platform.clock(), platform.metrics(), VerifyInterval(platform)),
        erasure_store_(*database_),
        erasure_(layout, erasure_store_, *bodies_, *consent_, *publisher_, platform.clock(), platform.random(),
                 platform.metrics()),
        object_service_(
            MakeGrpcObjectService(platform.dispatcher(), objects_, integrity_, platform.metrics())),
        variant_files_({.directory = layout.Scratch(), .reference_fasta = platform.config().onboarding().reference_fasta()},
                       platform.clock(), platform.random()),
        variant_service_(MakeGrpcVariantService(platform.dispatcher(), variant_files_)),
        owner_(platform.site() + "/onboarding") {
    const auto& config = platform.config().onboarding();
    if (config.inbox_directory().empty()) return;
    inbox_ = std::make_unique<Inbox>(
        Inbox::Options{config.inbox_directory(), HolderOf(config.inbox_holder()), UploadOptions(platform).max_file_bytes},
        intake_, platform.clock(), &ParseInboxDescription, &FormatInboxResult);
    inbox_interval_ = config::DurationOr(config.has_inbox_interval(), config.inbox_interval(), inbox_interval_);
  }

  std::vector<grpc::Service*> Services() override {
    return {service_.get(), object_service_.get(), variant_service_.get()};
  }

  Status Start() override {
    GF_TRY(pipeline_.EmptyScratch());
    sql::LeaseLoop::Options options;
    options.owner = owner_;
    options.on_error = [](const sql::Lease* lease, const Status& error) {
      GF_LOG(Context::Background(), warn, "submission.delayed", {"submission", lease == nullptr ? "" : lease->id},
             {"reason", Reason(error)});
    };
    MutexLock lock(mutex_);
    loop_ = std::make_unique<sql::LeaseLoop>(*database_, leases_, std::move(options),
                                             [this](const Context& ctx, const sql::Lease& lease) {
                                               const std::lock_guard writing(writing_);
                                               SqlRunStore run(*database_, leases_, lease);
                                               return pipeline_.Run(ctx, run);
                                             });
    expiry_ = std::jthread([this](const std::stop_token& stop) { Expire(stop); });
    verifier_ = std::jthread([this](const std::stop_token& stop) { VerifyBodies(stop); });
    eraser_ = std::jthread([this](const std::stop_token& stop) { EraseForgotten(stop); });
    tidy_ = std::jthread([this](const std::stop_token& stop) { DiscardIdleFiles(stop); });
    connectors_.Start();
    if (inbox_) inbox_poll_ = std::jthread([this](const std::stop_token& stop) { PollInbox(stop); });
    return absl::OkStatus();
  }

  void Stop() override {
    expiry_ = {};
    verifier_ = {};
    eraser_ = {};
    tidy_ = {};
    inbox_poll_ = {};
    connectors_.Stop();
    std::unique_ptr<sql::LeaseLoop> loop;
    {
      MutexLock lock(mutex_);
      loop = std::move(loop_);
    }
    if (loop) loop->Stop();
  }

  Status Ready() override { return database_->Ping(Context::Background().WithTimeout(std::chrono::seconds(2))); }

 private:
  const crypt4gh::SecretKey* IntakeKey() const { return intake_key_ ? &*intake_key_ : nullptr; }

  void Notify() {
    MutexLock lock(mutex_);
    if (loop_) loop_->Notify();
  }

  // Returns early when stopping.
  static void Wait(const std::stop_token& stop, std::chrono::steady_clock::duration time) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, time, [] { return false; });
  }

  // Calls `work` until it is stopped, with pauses in between.
  static void Repeat(const std::stop_token& stop, std::chrono::milliseconds pause, std::string_view failure,
                     const std::function<Status(const Context& ctx)>& work) {
    while (!stop.stop_requested()) {
      const Status done = work(Context::Background().WithStop(stop));
      if (!done.ok() && !stop.stop_requested()) {
        GF_LOG(Context::Background(), warn, failure, {"reason", Reason(done)});
      }
      Wait(stop, pause);
    }
  }

  // Rests as long as it reads, so that work on data comes first.
  void VerifyBodies(const std::stop_token& stop) {
    Repeat(stop, std::chrono::minutes(1), "object.verification_delayed", [&](const Context& ctx) -> Status {
      while (true) {
        const auto begun = std::chrono::steady_clock::now();
        GF_ASSIGN(const bool more, integrity_.VerifyNext(ctx));
        if (!more || stop.stop_requested()) return absl::OkStatus();
        Wait(stop, std::chrono::steady_clock::now() - begun);
      }
    });
  }

  // Submissions come first: they are short, and another look is taken soon. What failed was much work in vain, and waits.
  void EraseForgotten(const std::stop_token& stop) {
    Repeat(stop, kErasureInterval, "dataset.erasures_delayed", [&](const Context& ctx) -> Status {
      Status erased;
      {
        const std::unique_lock writing(writing_, std::try_to_lock);
        if (writing.owns_lock()) erased = erasure_.Run(ctx);
      }
      if (!erased.ok()) Wait(stop, kErasurePause);
      return erased;
    });
  }

  void Expire(const std::stop_token& stop) {
    Repeat(stop, std::chrono::hours(1), "submission.expiry_delayed",
           [this](const Context& ctx) { return submissions_.ExpireOpen(ctx); });
  }

  void DiscardIdleFiles(const std::stop_token& stop) {
    Repeat(stop, std::chrono::minutes(1), "variant_file.discard_delayed", [this](const Context&) -> Status {
      variant_files_.DiscardIdle();
      return absl::OkStatus();
    });
  }

  void PollInbox(const std::stop_token& stop) {
    Repeat(stop, inbox_interval_, "inbox.unreadable", [this](const Context& ctx) { return inbox_->Poll(ctx); });
  }

  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<objects::ObjectStore> bodies_;
  const std::optional<crypt4gh::SecretKey> intake_key_;
  SqlSubmissionStore store_;
  DiskUploadFiles files_;
  std::unique_ptr<ConsentClient> consent_;
  std::unique_ptr<Publisher> publisher_;
  Pipeline pipeline_;
  Submissions submissions_;
  SqlPublishedObjects published_;
  SubmissionsIntake intake_;
  SqlConnectorStore connector_store_;
  Connectors connectors_;
  std::unique_ptr<Inbox> inbox_;
  std::chrono::milliseconds inbox_interval_{5000};
  std::unique_ptr<ReaderGate> gate_;
  Objects objects_;
  std::unique_ptr<grpc::Service> service_;
  SqlObjectChecks checks_;
  Integrity integrity_;
  SqlErasureStore erasure_store_;
  Erasure erasure_;
  std::unique_ptr<grpc::Service> object_service_;
  VariantFiles variant_files_;
  std::unique_ptr<grpc::Service> variant_service_;
  const std::string owner_;
  // A killed process's work goes on elsewhere, or after its restart, when the lease has run out.
  const sql::LeaseTable leases_{kJobs, {.duration = std::chrono::seconds(20),
                                        .backoff = std::chrono::seconds(1),
                                        .max_backoff = std::chrono::seconds(30)}};
  Mutex mutex_;
  std::unique_ptr<sql::LeaseLoop> loop_ ABSL_GUARDED_BY(mutex_);
  std::jthread expiry_;
  std::mutex writing_;  // what publishes versions and what erases from them: one at a time
  std::jthread verifier_, eraser_, tidy_;
  std::jthread inbox_poll_;
};

Result<InclusionPolicy> ReadInclusionPolicy(const Platform& platform) {
  const std::string& file = platform.config().onboarding().inclusion_policy_file();
  std::string text = kInclusionPolicy[0].content;
  if (!file.empty()) {
    GF_ASSIGN(text, ReadFile(file, kMaxPolicyBytes));
  }
  return ParseInclusionPolicy(text);
}

Result<qc::Policy> ReadQualityPolicy(const Platform& platform) {
  const std::string& file = platform.config().onboarding().quality_policy_file();
  if (file.empty()) return qc::Policy();
  GF_ASSIGN(const std::string text, ReadFile(file, kMaxPolicyBytes));
  return qc::ParsePolicy(text);
}

Result<std::shared_ptr<const clinical::Terminology>> ReadTerminology(const Platform& platform) {
  const auto& files = platform.config().onboarding().terminology_files();
  if (files.empty()) return std::shared_ptr<const clinical::Terminology>();
  auto terminology = std::make_shared<clinical::Terminology>(clinical::Terminology::Embedded());
  for (const std::string& file : files) {
    GF_ASSIGN(const std::string table, ReadFile(file, kMaxTableBytes));
    if (Status added = terminology->AddTable(table); !added.ok()) {
      return WithField(added, "onboarding.terminology_files", "is not a table of codes");
    }
  }
  return std::shared_ptr<const clinical::Terminology>(std::move(terminology));
}

Result<crypto::SigningKey> ReadReportKey(const Platform& platform) {
  auto pem = ReadFile(platform.config().onboarding().report_key_file(), kMaxKeyBytes);
  auto key = pem.ok() ? crypto::SigningKey::FromPem(*pem) : pem.status();
  if (key.ok()) return key;
  return InvalidField("onboarding.report_key_file", "CONFIG_INVALID", "must be an ES256 key (PEM)");
}

Result<std::optional<crypt4gh::SecretKey>> ReadIntakeKey(const Platform& platform) {
  const std::string& file = platform.config().onboarding().intake_key_file();
  if (file.empty()) return std::optional<crypt4gh::SecretKey>();
  auto text = ReadFile(file, kMaxKeyBytes);
  auto key = text.ok() ? crypt4gh::ParseSecretKeyFile(*text) : text.status();
  if (key.ok()) return std::optional(*std::move(key));
  return InvalidField("onboarding.intake_key_file", "CONFIG_INVALID", "must be an X25519 key without a passphrase");
}

Result<std::unique_ptr<Module>> Make(Platform& platform) {
  if (const std::string& fasta = platform.config().onboarding().reference_fasta(); !fasta.empty()) {
    if (!genomics::Reference::Open(fasta).ok()) {
      return InvalidField("onboarding.reference_fasta", "CONFIG_INVALID", "the FASTA file or its index cannot be read");
    }
  }
  GF_TRY(CheckConnectorConfig(platform.config().onboarding()));
  GF_ASSIGN(auto dir, platform.DataDir());
  GF_ASSIGN(auto database, platform.OpenDatabase(kMigrations));
  GF_ASSIGN(InclusionPolicy inclusion, ReadInclusionPolicy(platform));
  GF_ASSIGN(qc::Policy quality, ReadQualityPolicy(platform));
  GF_ASSIGN(auto report_key, ReadReportKey(platform));
  const Layout layout(dir);
  GF_ASSIGN(auto bodies,
            objects::OpenStore(platform.config().onboarding().object_store(), layout.Objects(), platform.clock(),
                               "onboarding.object_store"));
  Pipeline::Options options{platform.config().onboarding().reference_fasta(), std::move(inclusion), std::move(quality),
                            std::move(report_key)};
  GF_ASSIGN(options.terminology, ReadTerminology(platform));
  GF_ASSIGN(auto intake_key, ReadIntakeKey(platform));
  if (intake_key) options.intake_key = intake_key->public_key();
  return std::unique_ptr<Module>(
      std::make_unique<OnboardingModule>(platform, std::move(database), std::move(bodies), layout, std::move(options),
                                         std::move(intake_key)));
}

}  // namespace

ServiceEntry Entry() { return {"onboarding", kPolicy, &Make, false, true}; }

}  // namespace genofed::onboarding
