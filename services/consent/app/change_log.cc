// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/change_log.h"

#include <algorithm>
#include <bit>
#include <span>

namespace genofed::consent {
namespace {

// Text of others cannot end where we would end it, and is kept as text by every store.
std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out += fmt::format("\\x{:02x}", byte);
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

struct Committed {
  const Told* told = nullptr;
  ledger::Commitment commitment;
};

// As many as a power of two, in the order of what is random: neither a place nor their number tells
// anything.
std::vector<ledger::Hash> Hidden(const std::vector<Committed>& people, Random& random) {
  std::vector<ledger::Hash> commitments;
  for (const Committed& one : people) commitments.push_back(one.commitment.value);
  while (!std::has_single_bit(commitments.size()))
    commitments.push_back(ledger::Hash::FromBytes(random.Bytes(32)).value());
  std::ranges::sort(commitments);
  return commitments;
}

Status LogGroup(Transaction& tx, Ledger& ledger, Random& random, Time now, const std::string& key,
                ledger::Entry entry, std::span<const Told> group,
                const std::map<std::int64_t, std::string>& blinded) {
  std::vector<Committed> people;
  for (const Told& one : group)
    people.push_back({&one, ledger::Commit(PayloadOf(blinded.at(one.subject), one.words), random)});
  const std::vector<ledger::Hash> commitments = Hidden(people, random);
  entry.commitments = {{ledger::kGroupCommitment, ledger::GroupRoot(commitments)}};
  GF_ASSIGN(const std::int64_t index, ledger.Add(tx, "consent", key, entry));
  GF_TRY(tx.ledger().KeepGroup(index, commitments));
  std::vector<Change> changes;
  for (Committed& one : people) {
    const auto place =
        std::ranges::lower_bound(commitments, one.commitment.value) - commitments.begin();
    changes.push_back({one.told->subject, one.told->permits, now, false, index, one.told->registry,
                       GroupPlace{static_cast<std::int32_t>(place), std::move(one.commitment.key),
                                  one.told->words}});
  }
  return tx.consent().AddChanges(changes);
}

}  // namespace

std::string WordsOf(const Statement& says) {
  std::string text = says.permits.Names();
  for (const std::string& purpose : says.purposes) text += " for " + purpose;
  for (const std::string& condition : says.conditions) text += " if " + condition;
  if (!says.denies.empty()) text += " refuses " + says.denies.Names();
  if (says.from) text += " from " + FormatRfc3339(*says.from);
  if (says.until) text += " until " + FormatRfc3339(*says.until);
  if (!says.form.empty()) text += " by form " + Quoted(says.form);
  if (!says.organisation.empty()) text += " of organisation " + Quoted(says.organisation);
  if (says.by_guardian) text += " by guardian";
  const auto wish = [&text](const char* what, const std::optional<bool>& wanted) {
    if (wanted) text += fmt::format(" {} {}", what, *wanted ? "yes" : "no");
  };
  wish("recontact", says.recontact);
  wish("incidental findings", says.incidental_findings);
  return text;
}

std::string PayloadOf(const std::string& blinded, const std::string& words) {
  return blinded + " " + words;
}

Status LogTold(Transaction& tx, Ledger& ledger, Random& random, Time now, std::int64_t epoch,
               const std::map<std::string, std::string>& fields, std::vector<Told> told) {
  if (told.empty()) return absl::OkStatus();
  std::vector<std::int64_t> subjects;
  for (const Told& one : told) subjects.push_back(one.subject);
  GF_ASSIGN(const auto blinded, tx.consent().BlindedOf(subjects));
  std::ranges::stable_sort(told, {}, &Told::refuses);
  int number = 0;
  for (auto begin = told.begin(); begin != told.end();) {
    const auto most = begin + std::min<std::ptrdiff_t>(ledger::kMaxGroup, told.end() - begin);
    const auto end =
        std::find_if(begin, most, [&](const Told& one) { return one.refuses != begin->refuses; });
    ledger::Entry entry;
    entry.kind =
        begin->refuses ? ledger::EntryKind::kConsentWithdraw : ledger::EntryKind::kConsentSet;
    entry.time = ledger.EntryTime();
    entry.fields = fields;
    entry.numbers = {{"epoch", epoch}};
    GF_TRY(LogGroup(tx, ledger, random, now, fmt::format("told:{}:{}", epoch, number++),
                    std::move(entry), {begin, end}, blinded));
    begin = end;
  }
  return absl::OkStatus();
}

}  // namespace genofed::consent
