// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/disclosure/mechanism.h"
#include "libs/phenotype/similarity.h"
#include "services/discovery/domain/answer.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {

inline constexpr std::size_t kMaxCaseTerms = 20;

// A patient's phenotype, to be compared.
struct CaseQuery {
  std::vector<std::string> terms;     // current ids, sorted, each once
  std::vector<std::string> datasets;  // empty: all
  std::string account;                // whose budget is charged
  std::vector<std::string> sites;     // at the hub: members to ask; empty: all
  std::shared_ptr<const AccountTokens> account_tokens = {};  // as Query's

  bool Wants(const std::string& dataset) const;
};

// Terms as the product's HPO release has them now. InvalidArgument TERM_UNKNOWN names the term.
Result<std::vector<std::string>> ValidateCase(const std::vector<std::string>& terms);
Result<CaseQuery> Validate(CaseQuery query);
phenotype::Profile ProfileOf(const std::vector<std::string>& terms);

// How similar people are, from the most similar down: [from, below).
struct Band {
  double from, below;
};
inline constexpr std::array<Band, 3> kBands = {{{0.8, 1.01}, {0.6, 0.8}, {0.4, 0.6}}};
// None: less similar than any band.
std::optional<std::size_t> BandOf(double similarity);
// One text for cases that ask the same.
std::string Canonical(const CaseQuery& query, std::size_t band);

struct DatasetCases {
  std::string dataset;
  std::int32_t version = 0;
  std::string country;
  std::array<std::int64_t, kBands.size()> counts{};
  disclosure::Precision precision = disclosure::Precision::kExact;

  bool operator==(const DatasetCases&) const = default;
};

struct CaseAnswer {
  std::vector<DatasetCases> datasets;
  std::vector<Member> members;  // at the hub
  std::int64_t epoch = 0;
  std::int32_t minimum_count = 0;
  std::vector<Withheld> withheld;
};

struct CaseReply {
  Member member;
  std::optional<CaseAnswer> answer;
};
// Puts the answers of nodes together as Merge does for queries: a node is believed about its own
// country only, an answer that cannot be true is dropped whole, the highest floor holds for all.
CaseAnswer MergeCases(const CaseQuery& query, std::vector<CaseReply> replies,
                      std::int32_t own_floor);

// A clinician asks to be put in touch with those who care for similar people.
struct ContactRequest {
  enum class State { kWaiting, kAccepted, kDeclined };
  std::string id;
  State state = State::kWaiting;
  Time created;
  std::string dataset;
  std::vector<std::string> terms;
  std::string message;
  std::string reply_to;
  // Who asks: their account (an organisation), and the person.
  std::string account;
  std::string issuer;
  std::string subject;
  std::string name;
  std::string organisation;
  std::string reply;
  std::optional<Time> answered;
};

const char* StateName(ContactRequest::State state);
ContactRequest::State ParseContactState(std::string_view name);
// InvalidArgument with the field.
Status Validate(const ContactRequest& contact);
Status ValidateReply(std::string_view reply);

}  // namespace genofed::discovery
