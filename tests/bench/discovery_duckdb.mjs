// SPDX-License-Identifier: Apache-2.0
// DuckDB in its strongest layout found: carriers of a site as one list. Loads a folder of discovery_benchmark, then answers
// "round" on standard input with times (ms) and answers as one line of JSON.
// Usage: node discovery_duckdb.mjs MODULE FOLDER QUESTIONS.json PAIRS REGIONS ALLELES
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [module, folder, questionsFile, pairs, regions, alleles] = process.argv.slice(2);
const { DuckDBInstance } = await import(pathToFileURL(module).href);
const questions = JSON.parse(readFileSync(questionsFile, "utf8"));
const connection = await (await DuckDBInstance.create(":memory:", { threads: "2" })).connect();
const tsv = (columns) => `delim='\\t', header=false, quote='', columns=${columns}`;
const list = (column) => `CAST('[' || trim(${column}, '{}') || ']' AS INTEGER[])`;
await connection.run(`CREATE TABLE sites AS SELECT position, ref, alt, af, gene, consequence, missing, ${list("carriers")} AS carriers,
  ${list("hom")} AS hom, len(carriers) + len(hom) AS ac FROM read_csv('${folder}/sites.tsv', max_line_size=100000000, ${tsv(`{'position': 'INTEGER', 'ref': 'VARCHAR',
  'alt': 'VARCHAR', 'af': 'DOUBLE', 'gene': 'VARCHAR', 'consequence': 'VARCHAR', 'missing': 'INTEGER', 'carriers': 'VARCHAR',
  'hom': 'VARCHAR'}`)}) ORDER BY position`);
await connection.run(`CREATE TABLE closed AS SELECT * FROM read_csv('${folder}/closed.tsv', ${tsv("{'term': 'VARCHAR', 'person': 'INTEGER'}")})
  ORDER BY term, person`);
await connection.run(`CREATE TABLE persons AS SELECT person, sex, purposes, live FROM read_csv('${folder}/persons.tsv', ${tsv(`{'person': 'INTEGER',
  'sex': 'VARCHAR', 'age': 'INTEGER', 'purposes': 'INTEGER', 'live': 'INTEGER', 'terms': 'VARCHAR'}`)}) ORDER BY person`);

const cohort = (sex) => `SELECT k.person FROM closed k JOIN persons p USING (person) WHERE k.term = $term ${sex ? "AND p.sex = 'F'" : ""}
  AND p.purposes & 1 = 1 AND p.live = 1`;
const carriers = (extra) => `SELECT count(*) FROM (SELECT DISTINCT unnest(carriers) AS person FROM sites WHERE position > $start AND position <= $end
  AND gene = $gene AND af < 0.001 ${extra}) x SEMI JOIN (${cohort(true)}) c USING (person)`;
const lof = "AND consequence IN ('splice_acceptor_variant', 'splice_donor_variant', 'stop_gained', 'frameshift_variant')";
const statements = {
  D1: await connection.prepare("SELECT len(carriers) + len(hom), missing FROM sites WHERE position = $position AND ref = $ref AND alt = $alt"),
  D2: await connection.prepare(carriers(lof)),
  D3: await connection.prepare(carriers("")),
  D4: await connection.prepare(`WITH c AS (${cohort(false)}), e AS (SELECT position, ref, alt, unnest(carriers) AS person, 1 AS copies FROM sites
    WHERE position > $start AND position <= $end UNION ALL SELECT position, ref, alt, unnest(hom), 1 FROM sites WHERE position > $start AND position <= $end)
    SELECT position, ref, alt, sum(copies) AS ac FROM e SEMI JOIN c USING (person) GROUP BY ALL`),
};
async function ask(name, values) {
  const began = process.hrtime.bigint();
  statements[name].bind(values);
  const rows = (await statements[name].runAndReadAll()).getRows();
  return [Number(process.hrtime.bigint() - began) / 1e6, rows];
}
async function round() {
  const out = {};
  const take = async (name, items, values, answer) => {
    out[name] = { times: [], answers: [] };
    for (const item of items) {
      const [took, rows] = await ask(name, values(item));
      out[name].times.push(took);
      out[name].answers.push(answer(rows));
    }
  };
  const site = ({ position, ref, alt }) => ({ position, ref, alt });
  const pair = ({ start, end, gene, term }) => ({ start, end, gene, term });
  await take("D1", questions.any.slice(0, +alleles), site, (rows) => (rows.length ? [Number(rows[0][0]), Number(rows[0][1])] : null));
  await take("D2", questions.pairs.slice(0, +pairs), pair, (rows) => Number(rows[0][0]));
  await take("D3", questions.pairs.slice(0, +pairs), pair, (rows) => Number(rows[0][0]));
  await take("D4", questions.pairs.slice(0, +regions), ({ start, end, term }) => ({ start, end, term }),
    (rows) => rows.reduce((sum, r) => sum + Number(r[3]), 0));
  return out;
}
console.log(JSON.stringify({ ready: true }));
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "round") console.log(JSON.stringify(await round()));
}
