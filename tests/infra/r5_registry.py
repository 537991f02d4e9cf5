# SPDX-License-Identifier: Apache-2.0
"""A national registry of consents that speaks FHIR R5 (5.0.0): as much of it as those need who copy Consents.

Search by `_lastUpdated`, `status` and `category` with pages (hl7.org/fhir/R5/search.html, http.html), reading, its
CapabilityStatement, and topic-based Subscriptions over rest-hook (hl7.org/fhir/R5/subscriptions.html). Standard library only,
nothing of genofed. What a test puts here must have the members of R5: a Consent written as in R4 is refused.
"""

import datetime
import http.server
import json
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid

FHIR_JSON = "application/fhir+json"
TOPIC = "https://registry.example/SubscriptionTopic/consents-changed"
MAX_COUNT = 20  # of a page, however many are asked for

# Members of each resource, and codes where R5 binds them: hl7.org/fhir/R5/consent.html, patient.html.
RESOURCE = {"resourceType", "id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension"}
MEMBERS = {
    "Consent": RESOURCE | {"identifier", "status", "category", "subject", "date", "period", "grantor", "grantee", "manager",
                           "controller", "sourceAttachment", "sourceReference", "regulatoryBasis", "policyBasis", "policyText",
                           "verification", "decision", "provision"},
    "Patient": RESOURCE | {"identifier", "active", "name", "telecom", "gender", "birthDate", "deceasedBoolean", "deceasedDateTime",
                           "address", "maritalStatus", "multipleBirthBoolean", "multipleBirthInteger", "photo", "contact",
                           "communication", "generalPractitioner", "managingOrganization", "link"},
}
PROVISION = {"id", "extension", "modifierExtension", "period", "actor", "action", "securityLabel", "purpose", "documentType",
             "resourceType", "code", "dataPeriod", "data", "expression", "provision"}
STATES = {"draft", "active", "inactive", "not-done", "entered-in-error", "unknown"}


def check_provisions(provisions):
    assert isinstance(provisions, list), "provision is 0..*"
    for provision in provisions:
        assert not provision.keys() - PROVISION, provision
        check_provisions(provision.get("provision", []))


def check(resource):
    """What of R5's definitions a test is likely to get wrong."""
    unknown = resource.keys() - MEMBERS[resource["resourceType"]]
    assert not unknown, f"not in R5: {unknown}"
    if resource["resourceType"] == "Consent":
        assert resource["status"] in STATES, "status is 1..1 and its binding required"
        assert resource.get("decision") in (None, "permit", "deny"), resource
        for name in ("category", "grantor", "grantee", "manager", "controller", "regulatoryBasis"):
            assert isinstance(resource.get(name, []), list), f"{name} is 0..*"
        assert not resource.get("policyBasis", {}).keys() - {"reference", "url"}, resource
        check_provisions(resource.get("provision", []))


def interval(text):
    """The instants that a date of a search means, the last excluded: "2026-11" is a month, "…:05Z" a second."""
    for form, step in (("%Y", "year"), ("%Y-%m", "month"), ("%Y-%m-%d", datetime.timedelta(days=1))):
        try:
            begin = datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            continue
        if step == "year":
            return begin, begin.replace(year=begin.year + 1)
        if step == "month":
            return begin, (begin + datetime.timedelta(days=31)).replace(day=1)
        return begin, begin + step
    begin = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    assert begin.tzinfo, "a time has an offset"
    return begin, begin + (datetime.timedelta(milliseconds=1) if "." in text else datetime.timedelta(seconds=1))


def matches_date(instant, value):
    prefix, date = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    begin, end = interval(date)
    return {"eq": begin <= instant < end, "ne": not begin <= instant < end, "gt": instant >= end, "ge": instant >= begin,
            "lt": instant < begin, "le": instant < end}[prefix]


def matches_token(concepts, value):
    """`system|code`, `code`, `system|`, `|code`; several by comma."""
    codings = [coding for concept in concepts for coding in concept.get("coding", [])]
    def one(token):
        system, bar, code = token.rpartition("|")
        return any((not code or coding.get("code") == code) and (not bar or coding.get("system", "") == system) for coding in codings)
    return any(one(token) for token in value.split(","))


def outcome(code, severity="error"):
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}


class R5Registry:
    """`away`: answers 503 to everything; `searches`: the parameters of each search and how many resources it found."""

    def __init__(self, token):
        self.token = token
        self.away = False
        self.searches, self.reads, self.delivered = [], [], []
        self._resources, self._pages, self._subscriptions = {}, {}, []
        self._lock = threading.Lock()
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # pylint: disable=invalid-name
                status, resource, headers = registry.answer(self.path, self.headers)
                body = json.dumps(resource).encode()
                self.send_response(status)
                self.send_header("Content-Type", f"{FHIR_JSON}; fhirVersion=5.0; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/r5"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    # What the country's own systems do with it ---------------------------------------------------------------------

    def put(self, *resources):
        """Creates or replaces resources by their ids, and tells subscribers of the Consents among them."""
        for resource in resources:
            check(resource)
            key = resource["resourceType"], resource["id"]
            with self._lock:
                version = int(self._resources[key]["meta"]["versionId"]) + 1 if key in self._resources else 1
                now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                self._resources[key] = {**resource, "meta": {"versionId": str(version), "lastUpdated": now}}
        self._tell([resource for resource in resources if resource["resourceType"] == "Consent"])

    def delete(self, kind, ident):
        with self._lock:
            self._resources[kind, ident] = None

    def subscribe(self, endpoint, headers, ca_file, content="id-only"):
        """An active Subscription, once its endpoint has answered the handshake; returns the status of that answer."""
        subscription = {"id": str(uuid.uuid4()), "events": 0, "ca_file": ca_file, "resource": {
            "resourceType": "Subscription", "status": "requested", "topic": TOPIC, "endpoint": endpoint, "contentType": FHIR_JSON,
            "channelType": {"system": "http://terminology.hl7.org/CodeSystem/subscription-channel-type", "code": "rest-hook"},
            "content": content, "parameter": [{"name": name, "value": value} for name, value in headers.items()]}}
        status = self._deliver(subscription, "handshake")
        if status // 100 == 2:
            subscription["resource"]["status"] = "active"
            self._subscriptions.append(subscription)
        return status

    def heartbeat(self):
        return [self._deliver(subscription, "heartbeat") for subscription in self._subscriptions]

    # Notifications -------------------------------------------------------------------------------------------------

    def _tell(self, consents):
        for subscription in self._subscriptions if consents else []:
            events = []
            for consent in consents:
                subscription["events"] += 1
                events.append({"eventNumber": str(subscription["events"]), "focus": {"reference": self._url_of(consent)},
                               "timestamp": self._resources["Consent", consent["id"]]["meta"]["lastUpdated"]})
            self._deliver(subscription, "event-notification", events)

    def _url_of(self, resource):
        return f"{self.url}/{resource['resourceType']}/{resource['id']}"

    def _deliver(self, subscription, kind, events=()):
        """Posts a Bundle whose first entry is the SubscriptionStatus."""
        sent = subscription["resource"]
        status = {"resourceType": "SubscriptionStatus", "status": sent["status"], "type": kind, "topic": sent["topic"],
                  "eventsSinceSubscriptionStart": str(subscription["events"]),
                  "subscription": {"reference": f"{self.url}/Subscription/{subscription['id']}"}}
        entries = [{"fullUrl": f"urn:uuid:{uuid.uuid4()}", "resource": status,
                    "request": {"method": "GET", "url": f"{self.url}/Subscription/{subscription['id']}/$status"},
                    "response": {"status": "200"}}]
        if events:
            status["notificationEvent"] = list(events)
        for event in events if sent["content"] != "empty" else ():
            focus = event["focus"]["reference"]
            consent = self._resources["Consent", focus.rpartition("/")[2]]
            method = "POST" if consent["meta"]["versionId"] == "1" else "PUT"
            entry = {"fullUrl": focus, "response": {"status": "201" if method == "POST" else "200"},
                     "request": {"method": method, "url": "Consent" + ("" if method == "POST" else f"/{consent['id']}")}}
            if sent["content"] == "full-resource":
                entry["resource"] = consent
            entries.append(entry)
        bundle = {"resourceType": "Bundle", "id": str(uuid.uuid4()), "type": "subscription-notification", "entry": entries,
                  "timestamp": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")}
        request = urllib.request.Request(sent["endpoint"], data=json.dumps(bundle).encode(), method="POST", headers={
            "Content-Type": f"{FHIR_JSON}; fhirVersion=5.0", **{p["name"]: p["value"] for p in sent["parameter"]}})
        try:
            with urllib.request.urlopen(request, timeout=30, context=ssl.create_default_context(cafile=subscription["ca_file"])) as answer:
                code = answer.status
        except urllib.error.HTTPError as refused:
            code = refused.code
        self.delivered.append((kind, code))
        return code

    # What clients ask ----------------------------------------------------------------------------------------------

    def answer(self, path, headers):
        url = urllib.parse.urlsplit(path)
        below = url.path.removeprefix("/r5").strip("/")
        params = urllib.parse.parse_qsl(url.query, keep_blank_values=True)
        if self.away:
            return 503, outcome("transient"), {"Retry-After": "1"}
        accept = headers.get("Accept", "*/*")
        if "fhirVersion=" in accept and "fhirVersion=5.0" not in accept:
            return 406, outcome("not-supported"), {}
        if below == "metadata":
            return 200, self._capabilities(), {}
        if headers.get("Authorization") != f"Bearer {self.token}":
            return 401, outcome("login"), {"WWW-Authenticate": "Bearer"}
        with self._lock:
            if not below and dict(params).keys() == {"_getpages", "_page"}:
                return self._page(dict(params)["_getpages"], int(dict(params)["_page"]))
            if below in MEMBERS:
                return self._search(below, params, headers)
            kind, _, ident = below.partition("/")
            self.reads.append(below)
            if (kind, ident) not in self._resources:
                return 404, outcome("not-found"), {}
            resource = self._resources[kind, ident]
            return (200, resource, {"ETag": f'W/"{resource["meta"]["versionId"]}"'}) if resource else (410, outcome("deleted"), {})

    def _capabilities(self):
        def parameter(name, kind):
            return {"name": name, "type": kind}
        searched = [parameter("_lastUpdated", "date"), parameter("status", "token"), parameter("category", "token")]
        return {"resourceType": "CapabilityStatement", "status": "active", "date": "2026-01-01", "kind": "instance",
                "implementation": {"description": "Registry of consents", "url": self.url}, "fhirVersion": "5.0.0",
                "format": ["json"], "rest": [{"mode": "server", "resource": [
                    {"type": "Consent", "interaction": [{"code": "read"}, {"code": "search-type"}], "searchParam": searched},
                    {"type": "Patient", "interaction": [{"code": "read"}, {"code": "search-type"}], "searchParam": searched[:1]},
                    {"type": "Subscription", "interaction": [{"code": "create"}]}]}]}

    def _search(self, kind, params, headers):
        found = [resource for (one, _), resource in self._resources.items() if one == kind and resource]
        used, count = [], MAX_COUNT
        for name, value in params:
            if name == "_lastUpdated":
                found = [r for r in found if matches_date(datetime.datetime.fromisoformat(r["meta"]["lastUpdated"].replace("Z", "+00:00")), value)]
            elif name == "status" and kind == "Consent":
                found = [r for r in found if r["status"] in value.split(",")]
            elif name == "category" and kind == "Consent":
                found = [r for r in found if matches_token(r.get("category", []), value)]
            elif name == "_count":
                count = max(1, min(int(value), MAX_COUNT))
            elif "handling=strict" in headers.get("Prefer", ""):
                return 400, outcome("not-supported"), {}
            else:
                continue  # lenient: the self link tells what was used
            used.append((name, value))
        self.searches.append((kind, params, len(found)))
        pages = [found[at:at + count] for at in range(0, len(found), count)] or [[]]
        ident = str(uuid.uuid4())
        self._pages[ident] = (f"{self.url}/{kind}?{urllib.parse.urlencode(used)}", len(found), pages)
        return self._page(ident, 0)

    def _page(self, ident, number):
        if ident not in self._pages or number >= len(self._pages[ident][2]):
            return 410, outcome("expired"), {}
        asked, total, pages = self._pages[ident]
        def address(page):
            return f"{self.url}?_getpages={ident}&_page={page}"
        links = [{"relation": "self", "url": asked if number == 0 else address(number)}]
        if number > 0:
            links.append({"relation": "previous", "url": address(number - 1)})
        if number + 1 < len(pages):
            links.append({"relation": "next", "url": address(number + 1)})
        bundle = {"resourceType": "Bundle", "id": str(uuid.uuid4()), "type": "searchset", "total": total, "link": links}
        if pages[number]:  # an array is never empty
            bundle["entry"] = [{"fullUrl": self._url_of(r), "resource": r, "search": {"mode": "match"}} for r in pages[number]]
        return 200, bundle, {}
