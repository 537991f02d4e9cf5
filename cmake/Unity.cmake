# SPDX-License-Identifier: Apache-2.0
# With GENOFED_UNITY, sources of a target are compiled together, six at a time: half of a compiler's time here goes into
# headers. Names in anonymous namespaces then meet. These files stay apart, as names of theirs stand in a neighbour, too;
# a file that fails to compile only with GENOFED_UNITY gets other names, or a line here.
option(GENOFED_UNITY "Compile several sources of a target together" OFF)
set(CMAKE_UNITY_BUILD ${GENOFED_UNITY})
set(CMAKE_UNITY_BUILD_BATCH_SIZE 6)

set(GENOFED_APART
  libs/auth/account_token.cc
  libs/auth/approval.cc
  libs/auth/approval_test.cc
  libs/auth/conditions_test.cc
  libs/auth/decision.cc
  libs/auth/decision_test.cc
  libs/auth/live_trust.cc
  libs/auth/passport.cc
  libs/auth/trust.cc
  libs/auth/trust_lint.cc
  libs/auth/trust_lint_test.cc
  libs/auth/visa.cc
  libs/beacon/redact.cc
  libs/beacon/request.cc
  libs/clinical/parts_test.cc
  libs/clinical/phenopacket.cc
  libs/cohort/scan.cc
  libs/cohort/segment.cc
  libs/consent/registry_record.cc
  libs/crypt4gh/header.cc
  libs/crypt4gh/openssh_key.cc
  libs/crypt4gh/stream.cc
  libs/crypto/jws.cc
  libs/crypto/seal_test.cc
  libs/crypto/strict_json.cc  # mutation_test has its own, and no other of its library
  libs/disclosure/attack_test.cc
  libs/fhir/client.cc
  libs/fhir/export.cc
  libs/fhir/export_test.cc
  libs/genomics/bcf_source.cc
  libs/genomics/bgzf_writer.cc
  libs/genomics/build_segment_test.cc
  libs/genomics/cohort_index.cc
  libs/genomics/erase_rows.cc
  libs/genomics/erase_rows_test.cc
  libs/genomics/individuals.cc
  libs/genomics/norm_join.cc
  libs/http/router.cc
  libs/intake/recognise_test.cc
  libs/ledger/checkpoint.cc
  libs/ledger/entry.cc
  libs/ledger/note.cc
  libs/ledger/snapshot.cc
  libs/ledger/tlog_proof.cc
  libs/ledger/witness.cc
  libs/qc/evaluate_test.cc
  libs/qc/report_json.cc
  libs/sql/connection.cc
  libs/sql/lease_test.cc
  libs/sql/outbox_pump.cc
  libs/sql/outbox_test.cc
  libs/synth/population.cc
  services/access/adapters/peers.cc
  services/access/adapters/sql_application_store.cc
  services/access/adapters/sql_grant_store.cc
  services/access/app/agreement.cc
  services/access/app/passports.cc
  services/access/app/passports_test.cc
  services/access/domain/grant_test.cc
  services/access/domain/revocation.cc
  services/access/domain/revocation_test.cc
  services/cli/commands/onboard_check.cc
  services/consent/adapters/grpc_audit_service.cc
  services/consent/adapters/grpc_key_service.cc
  services/consent/app/ask_wishes_test.cc
  services/consent/app/audit.cc
  services/consent/app/citizen_test.cc
  services/consent/app/country_policy_test.cc
  services/consent/app/dataset_keys_test.cc
  services/consent/app/my_consent_test.cc
  services/consent/app/reader_access_test.cc
  services/consent/app/registry_test.cc
  services/discovery/adapters/foreign_beacon.cc
  services/discovery/adapters/grpc_shard_service.cc
  services/discovery/adapters/segment_store_test.cc
  services/discovery/adapters/shard_client.cc
  services/discovery/app/case_match_test.cc
  services/discovery/app/folder_counts_test.cc
  services/discovery/app/node_frequencies.cc
  services/discovery/app/shards_test.cc
  services/discovery/domain/case.cc
  services/gateway/adapters/beacon_routes.cc
  services/gateway/adapters/discovery_stream.cc
  services/gateway/adapters/drs_routes.cc
  services/gateway/adapters/htsget_routes.cc
  services/gateway/adapters/htsget_test.cc
  services/gateway/adapters/my_data_route.cc
  services/gateway/adapters/oidc_provider.cc
  services/gateway/adapters/tes_routes.cc
  services/gateway/adapters/token_exchange.cc
  services/gateway/adapters/transcoder.cc
  services/gateway/adapters/unary_call_test.cc
  services/gateway/adapters/variant_routes.cc
  services/onboarding/adapters/inbox_json.cc
  services/onboarding/app/erasure_test.cc
  services/onboarding/app/inbox_test.cc
  services/onboarding/app/intake.cc
  services/onboarding/app/variant_files.cc
  services/onboarding/domain/inclusion_test.cc
  services/spe/domain/identifier_dictionary_test.cc
)

# Of the sources of one target, in the folder of the caller.
function(gf_keep_apart)
  foreach(source IN LISTS ARGN)
    file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${source})
    if(path IN_LIST GENOFED_APART)
      set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()
