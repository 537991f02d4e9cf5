// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/ask_wishes.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::consent {

Result<std::vector<Wishes>> AskWishes::Run(const Context& ctx, const std::string& dataset,
                                           const std::vector<std::string>& people) {
  GF_TRY(Validate({dataset, 1}));
  if (people.empty() || people.size() > kMaxPeople ||
      !std::ranges::all_of(people, IsPersonIdentifier)) {
    return InvalidField("people", "PEOPLE_INVALID", "must be 1 to {} identifiers of people",
                        kMaxPeople);
  }
  GF_TRY(Log(ctx, dataset));
  std::vector<std::string> blinded;
  blinded.reserve(people.size());
  for (const std::string& person : people) blinded.push_back(pseudonyms_.Blinded(person));
  std::vector<Wishes> wishes;
  const Status read = store_.Read(ctx, [&](Transaction& tx) -> Status {
    wishes.clear();
    GF_ASSIGN(const EpochState epoch, tx.consent().EpochAt(rules_.clock.Now()));
    if (epoch.registry_stale)
      return Error(StatusCode::kUnavailable, "REGISTRY_STALE",
                   "a national registry of consents was not heard for too long");
    GF_ASSIGN(const auto subjects, tx.consent().FindSubjects(blinded));
    std::vector<std::int64_t> ids;
    for (const auto& [name, subject] : subjects) ids.push_back(subject.id);
    GF_ASSIGN(auto said, tx.consent().StatementsOf(ids));
    for (const std::string& one : blinded) {
      GF_TRY(ctx.Alive());
      const auto subject = subjects.find(one);
      Wishes of_one;
      if (subject != subjects.end()) {
        GF_ASSIGN(of_one,
                  WishesIn(tx, dataset, subject->second, said[subject->second.id], epoch.at));
      }
      wishes.push_back(of_one);
    }
    return absl::OkStatus();
  });
  GF_TRY(read);
  return wishes;
}

Result<Wishes> AskWishes::WishesIn(Transaction& tx, const std::string& dataset,
                                   const Subject& subject,
                                   const std::vector<SourcedStatement>& said, Time at) const {
  const Wishes wishes = WishesOf(VoicesIn(dataset, said, subject.who), at);
  if (wishes == Wishes()) return wishes;
  GF_ASSIGN(const auto places, tx.consent().SlotsOf(subject.id));
  const bool in_it = std::ranges::any_of(places, [&](const PersonSlot& place) {
    return place.slot.included && place.dataset.dataset == dataset;
  });
  return in_it ? wishes : Wishes();
}

Status AskWishes::Log(const Context& ctx, const std::string& dataset) {
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kContact;
  entry.time = ledger_.EntryTime();
  entry.fields = {{"dataset", dataset}, {"outcome", "wishes-asked"}};
  const auto& user = ctx.principal().user;
  if (user && !user->organisation.empty()) entry.fields["organisation"] = user->organisation;
  const std::string key = "wishes:" + HexEncode(random_.Bytes(16));
  return ledger_.Write(
      ctx, [&](Transaction& tx) { return ledger_.Add(tx, "consent", key, entry).status(); });
}

}  // namespace genofed::consent
