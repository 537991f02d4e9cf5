// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/connection.h"

#include <pqxx/pqxx>

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "libs/core/strings.h"
#include "libs/sql/database.h"
#include "libs/sql/error.h"
#include "libs/sql/result_data.h"

namespace genofed::sql {
namespace {

// libpq manual, "Keyword/Value Connection Strings": quoted by ', with \ before ' and \.
void Append(std::string& out, std::string_view key, std::string_view value) {
  out += fmt::format("{}{}='", out.empty() ? "" : " ", key);
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  out += '\'';
}

bool IsLocal(std::string_view host) {
  return host.starts_with('/') || host == "localhost" || host == "127.0.0.1" || host == "::1";
}

bool HasNul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

Status BadOptions(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, "SQL_BAD_OPTIONS", "database options: {}", what);
}

// The text form of a parameter; nullopt for null.
struct ToText {
  std::optional<std::string> operator()(std::nullptr_t) const { return std::nullopt; }
  std::optional<std::string> operator()(bool value) const { return value ? "t" : "f"; }
  std::optional<std::string> operator()(std::int64_t value) const { return std::to_string(value); }
  std::optional<std::string> operator()(double value) const { return fmt::format("{}", value); }
  std::optional<std::string> operator()(const std::string& value) const { return value; }
  std::optional<std::string> operator()(const Bytes& value) const { return "\\x" + HexEncode(value.data); }
};

std::string FirstLine(std::string_view text) { return std::string(Trim(text.substr(0, text.find('\n')))); }

}  // namespace

Result<std::string> ConnectionString(const DatabaseOptions& options) {
  if (options.host.empty()) return BadOptions("host is empty");
  if (options.dbname.empty()) return BadOptions("dbname is empty");
  if (options.user.empty()) return BadOptions("user is empty");
  if (options.port < 1 || options.port > 65535) return BadOptions("port is out of range");
  if (!IsIdentifier(options.schema)) return BadOptions("schema is no plain lower-case identifier");
  if (options.max_connections < 1 || options.min_connections > options.max_connections) {
    return BadOptions("min_connections and max_connections do not fit");
  }
  for (const std::string* text : {&options.host, &options.dbname, &options.user, &options.password,
                                  &options.application_name, &options.tls_mode, &options.tls_root_file}) {
    if (HasNul(*text)) return BadOptions("a NUL byte in a text");
  }
  std::string out;
  Append(out, "host", options.host);
  Append(out, "port", std::to_string(options.port));
  Append(out, "dbname", options.dbname);
  Append(out, "user", options.user);
  if (!options.password.empty()) Append(out, "password", options.password);
  Append(out, "application_name", options.application_name);
  Append(out, "sslmode",
         !options.tls_mode.empty() ? options.tls_mode : (IsLocal(options.host) ? "prefer" : "verify-full"));
  if (!options.tls_root_file.empty()) Append(out, "sslrootcert", options.tls_root_file);
  Append(out, "connect_timeout", "5");
  Append(out, "keepalives_idle", "30");
  Append(out, "keepalives_interval", "10");
  Append(out, "tcp_user_timeout", "30000");
  Append(out, "client_encoding", "UTF8");
  // Rows are parsed in these formats; an abandoned transaction must not hold its locks for ever.
  Append(out, "options",
         fmt::format("-c search_path={} -c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres "
                     "-c bytea_output=hex -c extra_float_digits=1 -c client_min_messages=warning "
                     "-c idle_in_transaction_session_timeout=60000",
                     options.schema));
  return out;
}

class Connection::Session {
 public:
  explicit Session(const std::string& connection_string) : connection(connection_string) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // the only way to switch it off in libpqxx 6
    connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
  }

  // The name under which `text` is prepared.
  const std::string& Prepare(const char* text) {
    auto [entry, is_new] = names.try_emplace(text);
    if (is_new) {
      entry->second = fmt::format("s{}", names.size());
      connection.prepare(entry->second, text);
    }
    return entry->second;
  }

  pqxx::connection connection;
  std::unordered_map<std::string, std::string> names;
};

Connection::Connection(std::unique_ptr<Session> session)
    : last_used(std::chrono::steady_clock::now()), session_(std::move(session)) {}
Connection::~Connection() = default;

Result<std::unique_ptr<Connection>> Connection::Connect(const std::string& connection_string) {
  try {
    return std::unique_ptr<Connection>(new Connection(std::make_unique<Session>(connection_string)));
  } catch (const std::exception& e) {
    return Error(StatusCode::kUnavailable, kUnavailable, "cannot connect to PostgreSQL: {}", FirstLine(e.what()));
  }
}

template <typename F>
Status Connection::Guard(F&& action) {
  const auto lost = [this] {
    broken_ = true;
    return Error(StatusCode::kUnavailable, kUnavailable, "the connection to PostgreSQL was lost");
  };
  if (broken_) return lost();
  try {
    action();
    return absl::OkStatus();
  } catch (const pqxx::serialization_failure&) {
    return FromSqlState("40001", "");
  } catch (const pqxx::deadlock_detected&) {
    return FromSqlState("40P01", "");
  } catch (const pqxx::broken_connection&) {
    return lost();
  } catch (const pqxx::sql_error& e) {
    if (!session_->connection.is_open()) return lost();
    // 0A000, 26000: a prepared statement that no longer fits or exists; a new session prepares it anew.
    if (EndsSession(e.sqlstate()) || e.sqlstate() == "0A000" || e.sqlstate() == "26000") broken_ = true;
    return FromSqlState(e.sqlstate(), e.what());
  } catch (const std::exception&) {  // the driver's own; its text could quote a value
    if (!session_->connection.is_open()) return lost();
    broken_ = true;
    return Error(StatusCode::kInternal, "SQL_ERROR", "the PostgreSQL driver failed");
  }
}

Result<Rows> Connection::Exec(const char* text, std::span<const Param> params) {
  std::vector<std::optional<std::string>> values;
  values.reserve(params.size());
  for (const Param& param : params) {
    values.push_back(std::visit(ToText(), param));
    if (values.back() && HasNul(*values.back())) {
      return Error(StatusCode::kInvalidArgument, "SQL_BAD_VALUE", "a text with a NUL byte cannot be stored");
    }
  }
  std::vector<const char*> pointers;
  pointers.reserve(values.size());
  for (const auto& value : values) pointers.push_back(value ? value->c_str() : nullptr);

  auto data = std::make_shared<ResultData>();
  GF_TRY(Guard([&] {
    pqxx::nontransaction tx(session_->connection);
    data->result = tx.exec_prepared(session_->Prepare(text), pqxx::prepare::make_dynamic_params(pointers));
  }));
  return Rows(std::move(data));
}

Status Connection::Script(const std::string& text) {
  return Guard([&] {
    pqxx::nontransaction tx(session_->connection);
    tx.exec(text);
  });
}

Status Connection::Begin(const char* begin_text, std::chrono::milliseconds timeout, const char* first) {
  timeout_ = std::max(timeout, std::chrono::milliseconds(1));  // 0 would mean no limit
  return Script(fmt::format("{}; SET LOCAL statement_timeout = {}{}{}", begin_text, timeout_.count(),
                            first == nullptr ? "" : "; ", first == nullptr ? "" : first));
}

Status Connection::LimitTimeout(std::chrono::milliseconds timeout) {
  timeout = std::max(timeout, std::chrono::milliseconds(1));
  // A round trip per statement would cost more than the few milliseconds it saves.
  if (timeout_ <= timeout + timeout / 4 + std::chrono::milliseconds(20)) return absl::OkStatus();
  timeout_ = timeout;
  return Script(fmt::format("SET LOCAL statement_timeout = {}", timeout_.count()));
}

Status Connection::Commit() { return Script("COMMIT"); }

void Connection::Rollback() {
  if (!broken_ && !Script("ROLLBACK").ok()) broken_ = true;
}

}  // namespace genofed::sql
