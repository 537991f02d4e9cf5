// SPDX-License-Identifier: Apache-2.0
//
// Objects for readers outside the processing environment: smart layers that the node's operator
// permits. An access is opened by a passport, stands in the ledger before anybody hears of it, and
// is judged anew whenever it is used.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/auth/passport.h"
#include "libs/auth/trust_source.h"
#include "libs/core/mutex.h"
#include "libs/core/random.h"
#include "services/consent/app/cohorts.h"
#include "services/consent/app/dataset_keys.h"
#include "services/consent/app/denials.h"
#include "services/consent/domain/smart_layer.h"

namespace genofed::consent {

class ReaderAccess {
 public:
  // Accesses that are open at a time, over all clients.
  static constexpr std::size_t kMaxOpen = 2'000;
  static constexpr std::size_t kMaxEditList = 2'000;

  struct Site {
    std::string audience;            // "urn:genofed:site:fi"
    std::string dataset_url_prefix;  // before a dataset's identifier in the value of a visa
    std::vector<SmartLayer> layers;
  };
  struct Collaborators {
    Store& store;
    Ledger& ledger;
    Cohorts& cohorts;
    DatasetKeys& keys;
    const auth::TrustSource& trust;
    Rules rules;
    Random& random;
  };
  // Borrows the collaborators.
  ReaderAccess(Site site, const Collaborators& with);

  // What every question names. The user is that of the context.
  struct Question {
    std::string object;
    std::string peer;  // IP address of the client
  };
  struct Permitted {
    DatasetVersion dataset;
    Time until;
  };
  // Whether the client may read the object with this passport. Only a refusal is logged, as in all
  // that follows, unless nothing was shown that could be refused. PermissionDenied, saying which
  // condition is not met: those of FindLayer and CheckDataset, PASSPORT_MISSING, PASSPORT_REFUSED
  // (why stands in the log), COHORT_NOT_PERMITTED (somebody in the dataset version does not, or no
  // longer, permit secondary use: the file holds their data). NotFound OBJECT_UNKNOWN. Unavailable
  // REVOCATIONS_STALE.
  Result<Permitted> Judge(const Context& ctx, const Question& question,
                          const std::string& passport);

  struct Opened {
    std::string access;  // the name of the access: 32 hex digits, secret
    Time expires;        // with the passport
    std::int64_t ledger_index = 0;
  };
  // Opens an access, after its entry is durable: one entry for the same object, client, visa,
  // recipient and cohort. Errors: those of Judge and RecipientOf; RECIPIENT_INVALID;
  // ResourceExhausted TOO_MANY_ACCESSES.
  Result<Opened> Open(const Context& ctx, const Question& question, const std::string& passport,
                      const std::string& recipient);

  // Whether the access still holds: passport, person, client, key, network, cohort.
  // PermissionDenied ACCESS_UNKNOWN (also when it ended, is somebody else's, or this process was
  // restarted: open another one), COHORT_CHANGED once somebody withdrew, and those of Judge.
  Result<Permitted> Check(const Context& ctx, const Question& question, const std::string& access);

  // The object's header for the access's recipient. Logged before it returns, once for the same
  // edit list.
  Result<std::string> Release(const Context& ctx, const Question& question,
                              const std::string& access,
                              const std::vector<std::uint64_t>& edit_list);
  // The header of the index of the access's dataset version for `recipient`, a key of a service of
  // this site. PermissionDenied NOT_AN_INDEX for everything else.
  Result<std::string> ReleaseIndex(const Context& ctx, const Question& index,
                                   const std::string& access, const std::string& recipient);

 private:
  struct Access {
    std::string object;
    DatasetVersion dataset;
    std::string client;
    std::string token_key;
    std::string issuer;
    std::string subject;
    std::string passport;  // judged again each time; kept in memory only
    std::string recipient;
    std::string snapshot;
    std::int64_t ledger_index = 0;
    Time expires;
  };
  struct Grant {
    const SmartLayer* layer = nullptr;
    HeaderRow header;
    auth::Visa visa;
    Time until;
  };
  Result<Permitted> TryJudge(const Context& ctx, const Question& question,
                             const std::string& passport);
  Result<Opened> TryOpen(const Context& ctx, const Question& question, const std::string& passport,
                         const std::string& recipient);
  Result<Permitted> TryCheck(const Context& ctx, const Question& question,
                             const std::string& access);
  Result<std::string> TryRelease(const Context& ctx, const Question& question,
                                 const std::string& access,
                                 const std::vector<std::uint64_t>& edit_list);
  Result<std::string> TryReleaseIndex(const Context& ctx, const Question& index,
                                      const std::string& access, const std::string& recipient);
  // Passes an answer on; a refusal is in the ledger then.
  template <typename T>
  Result<T> Told(const Context& ctx, const Question& question, Result<T> answer) {
    if (!answer.ok()) LogRefusal(ctx, question, answer.status());
    return answer;
  }
  void LogRefusal(const Context& ctx, const Question& question, const Status& refused);
  Result<Grant> JudgeClient(const Context& ctx, const Question& question,
                            const std::string& passport);
  Result<auth::Passport> JudgePassport(const Context& ctx, const std::string& passport,
                                       const std::string& dataset) const;
  Result<HeaderRow> FindHeader(const Context& ctx, const std::string& object);
  Result<Access> Find(const Context& ctx, const std::string& name) const;
  // The access, if everything but the cohort is as it should be.
  Result<Access> Recheck(const Context& ctx, const std::string& name, const std::string& peer);
  Result<std::int64_t> Log(Transaction& tx, const User& user, const Grant& grant,
                           const SnapshotRow& snapshot, const std::string& recipient);
  Status Keep(const std::string& name, Access access);

  const Site site_;
  const Collaborators with_;
  Denials denials_;
  mutable Mutex mutex_;
  // By the digest of their names, so that looking one up tells nothing by its time.
  std::map<std::string, Access> open_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::consent
