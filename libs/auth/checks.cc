// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/checks.h"

#include <algorithm>
#include <array>

namespace genofed::auth {
namespace {

constexpr std::array<std::string_view, kCheckCount> kTitles = {
    "size", "form: three parts, base64url, strict JSON", "kind, headers and algorithm", "issuer",
    "address of the keys (jku)", "key", "signature", "times", "revocation", "what the issuer may say",
    "audience, person and links", "conditions", "permit, digest and certificate", "consent and ledger (at run time)"};

constexpr char kAskIssuer[] = "Ask the issuer for a new token; it made this one wrongly, or somebody changed it.";
constexpr char kNewToken[] = "Get a new token.";
constexpr char kWrongPlace[] = "Present the kind of token that this call takes.";

constexpr CheckReason kReasons[] = {
    {"TOKEN_TOO_LARGE", 1, "Ask for a token with less in it, or raise max_*_bytes under limits in the trust file."},
    {"TOKEN_MALFORMED", 2, "Copy the whole token: three parts with two dots, without spaces or line breaks."},
    {"JSON_TOO_LARGE", 2, kAskIssuer},
    {"JSON_TOO_DEEP", 2, kAskIssuer},
    {"JSON_DUPLICATE_NAME", 2, kAskIssuer},
    {"JSON_INVALID", 2, kAskIssuer},
    {"TYPE_MISMATCH", 3, kWrongPlace},
    {"HEADER_REFUSED", 3, kAskIssuer},
    {"ALGORITHM_REFUSED", 3, "The issuer must sign with ES256 or RS256."},
    {"KEY_ID_MISSING", 3, "The issuer must name its key (kid) in the header."},
    {"KIND_MIXED", 3, "The issuer must not put claims of visas, passports or approvals into another kind of token."},
    {"SCOPE_REFUSED", 3, "Present the visa document, not an access token with the scope openid."},
    {"ISSUER_UNKNOWN", 4, "Add the issuer to the trust file, spelt exactly as in iss, if this site is to believe it."},
    {"JKU_MISSING", 5, "The issuer must put the registered jku into the protected header."},
    {"JKU_MISMATCH", 5, "Compare jku with the trust file, to the last slash; if the issuer moved, change the file."},
    {"KEY_UNKNOWN", 6, "Pin the issuer's new key in the trust file, or let it be fetched (refresh)."},
    {"ALGORITHM_MISMATCH", 6, "The token must use the algorithm of the pinned key."},
    {"SIGNATURE_INVALID", 7, "The token was changed, or signed by another key with the same kid: compare the pinned key."},
    {"CLAIM_INVALID", 8, kAskIssuer},
    {"TIMES_CONTRADICT", 8, kAskIssuer},
    {"LIFETIME_TOO_LONG", 8, "The issuer must give shorter lives; the limits are in the trust file."},
    {"EXPIRED", 8, kNewToken},
    {"NOT_YET_VALID", 8, "Compare the clocks of issuer and site; both should use NTP."},
    {"ASSERTED_IN_FUTURE", 8, "Compare the clocks of issuer and site; both should use NTP."},
    {"ASSERTED_TOO_LONG_AGO", 8, "The source must confirm the assertion anew (max_assertion_age_s)."},
    {"OUTLIVES_PERMIT", 8, kAskIssuer},
    {"TOKEN_REVOKED", 9, "The token was revoked; `genofed revocations` says by whom and why."},
    {"USER_REVOKED", 9, "The person was revoked; `genofed revocations` says by whom and why."},
    {"APPLICATION_REVOKED", 9, "The country revoked its decision; apply anew."},
    {"DATASET_REVOKED", 9, "The dataset is closed to everybody; ask its holder."},
    {"ROLE_MISMATCH", 10, "Give the issuer the role in the trust file, if it is to be believed about this."},
    {"COUNTRY_MISMATCH", 10, "Only the authority of the dataset's own country can approve."},
    {"DATASET_NOT_PERMITTED", 10, "The issuer's datasets expression in the trust file must match the dataset."},
    {"SOURCE_NOT_PERMITTED", 10, "List the source under sources of the issuer in the trust file."},
    {"SOURCE_INVALID", 10, kAskIssuer},
    {"VALUE_INVALID", 10, kAskIssuer},
    {"AUTHORITY_INVALID", 10, "A grant must be by a \"dac\"; terms need a \"by\"."},
    {"AUDIENCE_MISMATCH", 11, "Get a token for this site: its audience is in /api/v1/site."},
    {"AUDIENCE_NOT_SINGLE", 11, "An approval, or an account token, names exactly one node."},
    {"SUBJECT_MISMATCH", 11, "The token is about somebody else, and no LinkedIdentities visa says both are one person."},
    {"SUBJECT_NAMESPACE_MISMATCH", 11, "Both issuers need the same sub_namespace in the trust file, if they share names."},
    {"TOO_MANY_VISAS", 11, "Ask the broker for fewer visas, or raise max_visas under limits in the trust file."},
    {"GRANT_MISSING", 11, "No visa in the passport grants the dataset: apply for it."},
    {"DATASET_MISMATCH", 11, "The token is for other datasets: apply for this one."},
    {"CONDITIONS_INVALID", 12, kAskIssuer},
    {"CONDITIONS_UNMET", 12, "Get the visas that the conditions ask for, and present them in one passport."},
    {"DECISION_NOT_APPROVE", 13, "The country did not approve."},
    {"APPLICATION_MISMATCH", 13, "The approval is for another application."},
    {"DIGEST_MISMATCH", 13, "The application was changed after the decision: it needs a new one."},
    {"DUA_MISMATCH", 13, "Sign the data use agreement that was decided on."},
    {"PURPOSE_NOT_PERMITTED", 13, "The approval is for other purposes."},
    {"CERTIFICATE_UNBOUND", 13, "The authority must bind the approval to the caller's certificate (cnf x5t#S256)."},
    {"CERTIFICATE_MISMATCH", 13, "Ask for a new approval: the caller's certificate was renewed, or is another's."},
    {"CONFIRMATION_UNKNOWN", 13, "cnf may hold x5t#S256 (approvals) or jkt (access tokens), and nothing besides."},
    {"PERMIT_NOT_STARTED", 13, "Wait until the permit begins."},
    {"PERMIT_EXPIRED", 13, "Ask for an extension: the permit has ended."},
};

}  // namespace

std::string_view CheckTitle(int step) { return kTitles.at(static_cast<std::size_t>(step - 1)); }

std::span<const CheckReason> CheckReasons() { return kReasons; }

const CheckReason* FindCheckReason(std::string_view reason) {
  const auto* found =
      std::find_if(std::begin(kReasons), std::end(kReasons), [&](const auto& known) { return known.reason == reason; });
  return found == std::end(kReasons) ? nullptr : found;
}

}  // namespace genofed::auth
