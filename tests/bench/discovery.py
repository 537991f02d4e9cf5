# SPDX-License-Identifier: Apache-2.0
"""D1 to D5, D8 to D10: questions to the cohort of one node, beside databases and programs that answer the same from the same data.

Two generated populations: M, of a million people, for ourselves and DuckDB; P, of 100,000, for everybody. They are kept in the build
directory, because a million people take minutes. Databases get only what they need, in the layout that was fastest for them: carriers
of a site as one list, phenotypes closed over descendants and cut to the terms that are asked. Rounds take turns; medians of them all.
"""

import csv
import json
import pathlib
import re
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time

ROUNDS = 5
PAIRS, REGIONS, ALLELES = 24, 3, 100  # that peers are asked; we answer 200 pairs, 12 regions and 2,000 alleles
SEED = 20
LOF = ("splice_acceptor_variant", "splice_donor_variant", "stop_gained", "frameshift_variant")
DUCKDB = "@duckdb/node-api@1.5.6-r.1"


def note(text):
    print(f"  {text}", flush=True)


class Data:
    """A generated population and its questions."""

    def __init__(self, program, root, name, people, bases, segments, *extra):
        self.program, self.people, self.folder = program, people, root / f"{name}-{people}-{bases}-{SEED}"
        if not (self.folder / "complete.json").exists():
            note(f"generating {people:,} people x {bases:,} bases, once: minutes for a million")
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            made = self.call("generate", self.folder, people, bases, SEED, segments, *extra)
            (self.folder / "complete.json").write_text(made)
        self.report = json.loads((self.folder / "complete.json").read_text())
        self.questions = json.loads(self.call("queries", self.folder))
        for pair in self.questions["pairs"]:  # ours knows genes in any case, and tells them in lower case
            pair["gene"] = pair["gene"].upper()
        (self.folder / "questions.json").write_text(json.dumps(self.questions))

    def call(self, *words):
        return subprocess.run([self.program, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True).stdout

    def measure(self, how="measure"):
        """Times in ns."""
        return json.loads(self.call(how, self.folder))

    def persons(self):
        with open(self.folder / "persons.tsv") as file:
            for line in file:
                person, sex, _, purposes, live, _ = line.rstrip("\n").split("\t")
                yield int(person), sex, int(purposes), int(live)

    def closed(self):
        with open(self.folder / "closed.tsv") as file:
            for line in file:
                term, person = line.rstrip("\n").split("\t")
                yield term, int(person)


def duckdb_module(root):
    """The main file of DuckDB's npm package, which is installed beside the build when it is not there; or None."""
    module = root / "peers" / "node_modules" / "@duckdb" / "node-api" / "lib" / "index.js"
    if not module.exists():
        (root / "peers").mkdir(parents=True, exist_ok=True)
        note(f"installing {DUCKDB} with npm into {root / 'peers'}")
        done = subprocess.run(["npm", "install", "--silent", "--prefix", str(root / "peers"), DUCKDB], capture_output=True, text=True)
        if done.returncode != 0 or not module.exists():
            note(f"DuckDB is missing: npm install failed: {done.stderr.strip()[-200:]}")
            return None
    return module


class DuckDb:
    name = "DuckDB, carriers as lists"

    def __init__(self, module, data):
        note(f"loading {data.folder.name} into DuckDB")
        script = pathlib.Path(__file__).with_name("discovery_duckdb.mjs")
        regions = REGIONS if data.people <= 100_000 else 0
        self.process = subprocess.Popen(["node", "--max-old-space-size=8192", script, module, data.folder, data.folder / "questions.json",
                                         str(PAIRS), str(regions), str(ALLELES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline():
            raise RuntimeError("DuckDB did not load the data")

    def round(self):
        self.process.stdin.write("round\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def sites(data):
    with open(data.folder / "sites.tsv", newline="") as file:
        for position, ref, alt, af, gene, consequence, missing, carriers, hom in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            def members(text):
                return [int(x) for x in text[1:-1].split(",")] if len(text) > 2 else []
            yield int(position), ref, alt, float(af), gene, consequence, int(missing), members(carriers), members(hom)


class Sqlite:
    name = "SQLite, tuned"

    def __init__(self, data):
        note(f"loading {data.folder.name} into SQLite (carriers of alleles below 1 %)")
        csv.field_size_limit(1 << 30)
        self.data = data
        db = self.db = sqlite3.connect(":memory:")
        db.executescript("""CREATE TABLE sites (id INTEGER PRIMARY KEY, position INT, ref TEXT, alt TEXT, af REAL, gene TEXT, consequence TEXT, ac INT, missing INT);
            CREATE TABLE carriers (site INT, person INT, PRIMARY KEY (site, person)) WITHOUT ROWID;
            CREATE TABLE closed (term TEXT, person INT, PRIMARY KEY (term, person)) WITHOUT ROWID;
            CREATE TABLE persons (person INTEGER PRIMARY KEY, sex TEXT, purposes INT, live INT);""")
        for number, (position, ref, alt, af, gene, consequence, missing, carriers, hom) in enumerate(sites(data)):
            db.execute("INSERT INTO sites VALUES (?,?,?,?,?,?,?,?,?)", (number, position, ref, alt, af, gene, consequence, len(carriers) + len(hom), missing))
            if af < 0.01:
                db.executemany("INSERT INTO carriers VALUES (?,?)", ((number, person) for person in carriers))
        db.executemany("INSERT INTO closed VALUES (?,?)", data.closed())
        db.executemany("INSERT INTO persons VALUES (?,?,?,?)", data.persons())
        db.executescript("CREATE INDEX by_place ON sites (position, ref, alt, ac, missing); CREATE INDEX by_gene ON sites (gene, af, consequence); ANALYZE;")

    def ask(self, query, *values):
        began = time.perf_counter()
        answer = self.db.execute(query, values).fetchone()
        return (time.perf_counter() - began) * 1000, answer

    def round(self):
        out = {name: {"times": [], "answers": []} for name in ("D1", "D2", "D3")}

        def keep(name, took, answer):
            out[name]["times"].append(took)
            out[name]["answers"].append(answer)

        for q in self.data.questions["any"][:ALLELES]:
            took, answer = self.ask("SELECT ac, missing FROM sites WHERE position = ? AND ref = ? AND alt = ?", q["position"], q["ref"], q["alt"])
            keep("D1", took, list(answer))
        for name, extra in (("D2", f"AND s.consequence IN {LOF}"), ("D3", "")):
            for q in self.data.questions["pairs"][:PAIRS]:
                # The order of joins was tried: carriers first, then two lookups for each.
                keep(name, *(lambda took, answer: (took, answer[0]))(*self.ask(
                    f"""SELECT count(*) FROM (SELECT DISTINCT c.person FROM sites s CROSS JOIN carriers c ON c.site = s.id
                        WHERE s.gene = ? AND s.af < 0.001 {extra}) x
                        CROSS JOIN closed k ON k.term = ? AND k.person = x.person CROSS JOIN persons p ON p.person = x.person
                        WHERE p.sex = 'F' AND p.purposes & 1 = 1 AND p.live = 1""", q["gene"], q["term"])))
        return out

    def close(self):
        self.db.close()


class Postgres:
    name = "PostgreSQL, carriers as int[]"

    def __init__(self, data):
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))[-1]
        note(f"loading {data.folder.name} into a private PostgreSQL {programs.parent.name}")
        self.data, self.programs = data, programs
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="genofed-bench-pg-"))
        shutil.chown(self.folder, "postgres")
        self.as_postgres(programs / "initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "--no-sync")
        self.as_postgres(programs / "pg_ctl", "-D", self.folder / "data", "-w", "-l", self.folder / "log", "-o",
                         f"-k {self.folder} -h '' -c fsync=off -c shared_buffers=2GB -c work_mem=256MB -c max_wal_size=8GB", "start")
        self.psql("""CREATE TABLE sites (position int, ref text, alt text, af float8, gene text, consequence text, missing int, carriers int[], hom int[]);
            CREATE TABLE closed (term text, person int); CREATE TABLE persons (person int, sex text, age int, purposes int, live int, terms int[]);""")
        for table in ("sites", "closed", "persons"):
            self.psql(f"\\copy {table} FROM '{data.folder / f'{table}.tsv'}'")
        self.psql("""CREATE INDEX ON sites (position, ref, alt); CREATE INDEX ON sites (gene, af); ALTER TABLE closed ADD PRIMARY KEY (term, person);
            ALTER TABLE persons ADD PRIMARY KEY (person); VACUUM ANALYZE;""")

    def as_postgres(self, *words):
        subprocess.run(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *map(str, words)], check=True, cwd="/",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def psql(self, text):
        return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-U", "postgres"], input=text, check=True,
                              capture_output=True, text=True).stdout

    def round(self):
        cohort = "SELECT k.person FROM closed k JOIN persons p USING (person) WHERE k.term = $2 AND p.sex = 'F' AND p.purposes & 1 = 1 AND p.live = 1"
        count = "SELECT count(*) FROM (SELECT DISTINCT unnest(carriers) AS person FROM sites WHERE gene = $1 AND af < 0.001 {}) x JOIN ({}) c USING (person)"
        script = ["SET jit = off;",
                  "PREPARE d1 (int, text, text) AS SELECT cardinality(carriers) + cardinality(hom) || ' ' || missing FROM sites WHERE position = $1 AND ref = $2 AND alt = $3;",
                  f"PREPARE d2 (text, text) AS {count.format(f'AND consequence IN {LOF}', cohort)};", f"PREPARE d3 (text, text) AS {count.format('', cohort)};"]
        names = []
        for timed in (False, True):  # the first time to plan and fill caches
            script.append(f"\\timing {'on' if timed else 'off'}")
            for q in self.data.questions["any"][:ALLELES]:
                script.append(f"EXECUTE d1({q['position']}, '{q['ref']}', '{q['alt']}');")
                names.append("D1")
            for name in ("D2", "D3"):
                for q in self.data.questions["pairs"][:PAIRS]:
                    script.append(f"EXECUTE {name.lower()}('{q['gene']}', '{q['term']}');")
                    names.append(name)
        lines = [line for line in self.psql("\n".join(script)).splitlines() if line]
        values = [line for line in lines if not line.startswith("Time")]
        times = [float(re.match(r"Time: ([\d.]+) ms", line)[1]) for line in lines if line.startswith("Time")]
        half = len(names) // 2
        out = {name: {"times": [], "answers": []} for name in ("D1", "D2", "D3")}
        for name, answer, took in zip(names[half:], values[half:], times):
            out[name]["times"].append(took)
            out[name]["answers"].append([int(x) for x in answer.split()] if name == "D1" else int(answer))
        return out

    def close(self):
        self.as_postgres(self.programs / "pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


class Programs:
    """plink2 and bcftools: allele counts of a sub-cohort. Times without what starting the program takes."""

    def __init__(self, data):
        self.data, self.folder = data, pathlib.Path(tempfile.mkdtemp(prefix="genofed-bench-cli-"))
        terms = {}
        for term, person in data.closed():
            terms.setdefault(term, set()).add(person)
        permitted = {person for person, _, purposes, live in data.persons() if live and purposes & 1}
        self.regions = data.questions["pairs"][:1]  # bcftools takes seconds
        for i, q in enumerate(self.regions):
            names = sorted(terms[q["term"]] & permitted)
            (self.folder / f"keep.{i}").write_text("".join(f"P{n:07}\n" for n in names))
        bcf = data.folder / "cohort.bcf"
        if not (data.folder / "cohort.bcf.csi").exists():
            note("indexing the BCF")
            subprocess.run(["bcftools", "index", bcf], check=True)
        self.plink = shutil.which("plink2")
        if self.plink is None:
            note("plink2 is missing: apt-get install plink2")
        elif not (data.folder / "cohort.pgen").exists():
            note("converting the BCF for plink2")
            subprocess.run([self.plink, "--bcf", bcf, "--make-pgen", "--out", data.folder / "cohort", "--threads", "2"], check=True, stdout=subprocess.DEVNULL)

    def timed(self, command, shell=False):
        began = time.perf_counter()
        out = subprocess.run(command, check=True, capture_output=True, text=True, shell=shell).stdout
        return (time.perf_counter() - began) * 1000, out

    def round(self):
        out = {"bcftools": {"times": [], "answers": []}}
        if self.plink:
            out["plink2"] = {"times": [], "answers": []}
            spawn, _ = self.timed([self.plink, "--version"])
        for i, q in enumerate(self.regions):
            keep, start, end = self.folder / f"keep.{i}", q["start"] + 1, q["end"]
            took, text = self.timed(f"bcftools view --no-version -S {keep} -r chr20:{start}-{end} --regions-overlap 0 -Ou {self.data.folder}/cohort.bcf"
                                    " | bcftools query -f '%AC\\t%AN\\n'", shell=True)
            pairs = [line.split("\t") for line in text.splitlines()]
            out["bcftools"]["times"].append(took)
            out["bcftools"]["answers"].append([len(pairs), sum(int(a) for a, _ in pairs), sum(int(n) for _, n in pairs)])
            if self.plink:
                result = self.folder / "plink"
                took, _ = self.timed([self.plink, "--pfile", self.data.folder / "cohort", "--keep", keep, "--chr", "20", "--from-bp", str(start), "--to-bp", str(end),
                                      "--freq", "counts", "--out", result, "--threads", "1"])
                with open(f"{result}.acount") as file:
                    rows = [line.split() for line in file][1:]
                out["plink2"]["times"].append(max(took - spawn, 0.01))
                out["plink2"]["answers"].append([len(rows), sum(int(r[-2]) for r in rows), sum(int(r[-1]) for r in rows)])
        return out

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def median_of(rounds, *path):
    values = []
    for r in rounds:
        for key in path:
            r = r[key]
        values.append(r)
    return statistics.median(values)


def times_of(rounds, name):
    return statistics.median(t for r in rounds for t in r[name]["times"])


def answers_equal(ours, rounds, name, people, regions=None):
    if name == "D1":  # stored counts are of everybody; alleles that a peer did not load are left out
        expected = [[ac, (2 * people - an) // 2] for ac, an in ours["D1-any"]["everybody"][:ALLELES]]
        return all(got is None or got == want for r in rounds for got, want in zip(r["D1"]["answers"], expected))
    if name == "D4":
        return all(got == want["ac"] for r in rounds for got, want in zip(r["D4"]["answers"], ours["D4"]["answers"]))
    return all(r[name]["answers"] == ours[name]["answers"][:PAIRS] for r in rounds)


def bench(row, program, build, small=False):
    root = build / "bench"
    module = duckdb_module(root)
    million = Data(program, root, "M", *((100_000, 500_000) if small else (1_000_000, 2_500_000)), 10, "rare-lists")
    peers_data = Data(program, root, "P", 100_000, 250_000, 1, "bcf", "all-lists")
    n, rows = million.people, []

    # At a million people, beside DuckDB.
    duck = DuckDb(module, million) if module else None
    ours, many, peer = [], [], []
    for number in range(ROUNDS):
        note(f"round {number + 1} of {ROUNDS}, {n:,} people")
        ours.append(million.measure())
        if duck:
            peer.append(duck.round())
        many.append(million.measure("measure-many"))
    if duck:
        duck.close()
    first = ours[0]
    stream, of_cores, load = (median_of(ours, of) for of in ("stream", "stream_of_cores", "dependent_load"))

    def us(name, field="p50", rounds=ours):
        return median_of(rounds, name, field) / 1000

    def add(ident, what, value, unit, p99=None, peer_name=None, peer_value=None, limit=None, equal=None, people=n, share=None):
        rows.append(row(ident, what, value, unit, people, p99=p99, peer=peer_name, peer_value=peer_value, limit=limit,
                        share=share if share else limit / value if limit else None, equal=equal, seed=SEED))

    def duck_us(name):
        return times_of(peer, name) * 1000 if peer else None

    def duck_equal(name):
        return answers_equal(first, peer, name, n) if peer else None

    duck_name = DuckDb.name if peer else None
    what = f"{n:,} people, {first['n_sites']:,} sites"
    add("D1", f"exact allele under the mask of who permits, {what}; goal 1 µs", us("D1-any"), "µs", us("D1-any", "p99"), duck_name, duck_us("D1"), load / 1000, duck_equal("D1"))
    add("D1-common", "the same, alleles above 5 %; goal 15 µs", us("D1-common"), "µs", us("D1-common", "p99"), limit=n / 4 / stream * 1e6)
    for name, goal, label in (("D2", 50, "LoF below 0.1 % of a gene and phenotype and sex and consent"), ("D3", 600, "any variant below 0.1 % of a gene and the same cohort")):
        set_goal = 15 if name == "D2" else 20
        add(name, f"{label}, with the cohort; goal {goal} µs", us(name), "µs", us(name, "cpu_p99"), duck_name, duck_us(name),
            first[name]["id_bytes"] / stream * 1e6, duck_equal(name), share=first[name]["id_bytes"] / stream * 1e6 / us(name, "cpu"))
        same = all(o[f"{name}-set"]["answers"] == o[name]["answers"] for o in ours)
        add(f"{name}-set", f"the same from a stored gene set; goal {set_goal} µs", us(f"{name}-set"), "µs", us(f"{name}-set", "cpu_p99"), duck_name, duck_us(name), equal=same)
    sites = first["D4"]["answers"][0]["sites"]
    for name, cores, floor in (("D4", "all cores that are free; the floor is all cores' bandwidth", of_cores), ("D4-one", "one core; the floor is one core's bandwidth, the share is of its pace at each moment; goal 55 %", stream)):
        limit = first["D4"]["bytes"] / floor * 1e6
        add(name, f"allele counts of a sub-cohort with AN over {sites:,} sites by {cores}; goal 7,000 µs", us(name), "µs", us(name, "p99"), limit=limit, share=median_of(ours, name, "share") if name == "D4-one" else limit / us(name),
            equal=all(o[name]["answers"] == first["D4"]["answers"] for o in ours))
    add("D4-cpu", "D4 in processor time, of all its threads", us("D4", "cpu"), "µs", us("D4", "cpu_p99"))
    add("D8", "what the mask of who permits adds to selecting a cohort; goal 1.5 µs and 5 % of D2", us("D8", "mask"), "µs", peer_name="D2", peer_value=us("D2"))
    bytes_wgs = first["bytes"] / n / (2_500_000 if not small else 500_000) * 3.1e9 / 1e6
    add("D9", f"bytes a person, extrapolated to 3.1 Gb; metadata {first['metadata_bytes'] / first['bytes']:.1%} of them; goal 2.4 MB", bytes_wgs, "MB")
    for name, goal in (("D2", "1.5 times one"), ("D3", "twice one"), ("D4", "none")):
        # A segment knows who was not called at its own sites: AN of an allele that it does not list is of everybody there.
        told = (lambda answer: (answer["ac"], answer["hom"])) if name == "D4" else (lambda answer: answer)
        same = all(list(map(told, m[name]["answers"])) == list(map(told, o[name]["answers"])) for m, o in zip(many, ours))
        add(f"D10-{name}", f"{name} over {many[0]['segments']} segments, time of the thread; goal: {goal}", us(name, "cpu", many), "µs", us(name, "cpu_p99", many), "one segment", us(name, "cpu"), equal=same)
    cold = [million.measure("cold") for _ in range(3)]
    add("D5-exact", "exact allele, files dropped from the page cache, metadata in memory", us("D5-exact", rounds=cold) / 1000, "ms", us("D5-exact", "p99", cold) / 1000)
    add("D5-gene", "D2 the same way; goal 10 ms", us("D5-gene", rounds=cold) / 1000, "ms", us("D5-gene", "p99", cold) / 1000)
    add("D5-region", "D4 the same way; goal 1.3 times the disk alone", us("D5-region", rounds=cold) / 1000, "ms", us("D5-region", "p99", cold) / 1000,
        "the disk alone", cold[0]["bytes"] / median_of(cold, "disk") * 1000)

    # At 100,000 people, beside everybody.
    peers = [(kind, load) for kind, load in (("DuckDB", lambda: DuckDb(module, peers_data) if module else None), ("SQLite", lambda: Sqlite(peers_data)),
                                             ("PostgreSQL", lambda: Postgres(peers_data)))]
    opened = {kind: made for kind, load in peers if (made := load())}
    programs = Programs(peers_data)
    try:
        ours, theirs, cli = [], {kind: [] for kind in opened}, []
        for number in range(ROUNDS):
            note(f"round {number + 1} of {ROUNDS}, {peers_data.people:,} people")
            ours.append(peers_data.measure())
            for kind, database in opened.items():
                theirs[kind].append(database.round())
            cli.append(programs.round())
    finally:
        for database in (*opened.values(), programs):
            database.close()
    first, people = ours[0], peers_data.people
    for kind, database in opened.items():
        for name, key in (("D1", "D1-any"), ("D2", "D2"), ("D3", "D3"), ("D4", "D4")):
            if name in theirs[kind][0]:
                add(f"{name}-P", f"{name} at {people:,} people", us(key, rounds=ours), "µs", us(key, "p99", ours), database.name,
                    times_of(theirs[kind], name) * 1000, equal=answers_equal(first, theirs[kind], name, people), people=people)
    expected = [[a["sites"], a["ac"], a["an"]] for a in first["D4"]["answers"][:REGIONS]]
    for kind in cli[0]:
        add("D4-P", f"D4 at {people:,} people", us("D4", rounds=ours), "µs", us("D4", "p99", ours), f"{kind}, without its start" if kind == "plink2" else kind,
            times_of(cli, kind) * 1000, equal=all(r[kind]["answers"] == expected[:1] for r in cli), people=people)
    return rows
