// A second client of the AIS surface, in another language and from the contract alone.
// Usage: AIS_URL=http://127.0.0.1:PORT node client.mjs; prints one JSON object.
// Numbers are kept as the text that stood on the wire.

import http from "node:http";

const BASE = new URL(process.env.AIS_URL);
const DEVICE = "node-client-01";
const PAGES_MAX = 500;
const TIMEOUT_MS = 30_000;
let token = "";

// JSON.parse would round numbers, so every number outside of strings becomes text first.
function parseExactly(text) {
  const pattern = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  const quoted = text.replace(pattern, (part) => (part[0] === '"' ? part : `"#${part}"`));
  return JSON.parse(quoted);
}

function number(value) {
  if (typeof value !== "string" || value[0] !== "#") throw new Error(`no number: ${value}`);
  return value.slice(1);
}

function request(method, target, { body, headers = {} } = {}) {
  const url = new URL(target, BASE);
  url.host = BASE.host;
  return new Promise((resolve, reject) => {
    const sent = http.request(url, { method, headers, timeout: TIMEOUT_MS }, (reply) => {
      const parts = [];
      reply.on("data", (part) => parts.push(part));
      reply.on("error", reject);
      reply.on("end", () => {
        const text = Buffer.concat(parts).toString("utf8");
        const isJson = (reply.headers["content-type"] || "").includes("json");
        const answer = isJson && text ? parseExactly(text) : text;
        resolve({ status: reply.statusCode, answer });
      });
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer from ${url.pathname}`)));
    sent.on("error", reject);
    sent.end(body);
  });
}

function post(path, body, { signed = true } = {}) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  if (signed) {
    headers["jde-AIS-Auth"] = token;
    headers["jde-AIS-Auth-Device"] = DEVICE;
  }
  return request("POST", path, { body: JSON.stringify(body), headers });
}

async function query(body) {
  const { status, answer } = await post("/jderest/v2/dataservice", body);
  if (status !== 200) throw new Error(`data service answered ${status}`);
  if ((answer.sysErrors || []).length) throw new Error("data service told of errors");
  return answer;
}

function condition(controlId, operator, ...contents) {
  const value = contents.map((content) => ({ content, specialValueId: "LITERAL" }));
  return { controlId, operator, value };
}

const table = (targetName, dataServiceType) => ({ targetName, targetType: "table", dataServiceType });

function rowsOf(answer, name) {
  const form = answer[`fs_DATABROWSE_${name}`];
  if (form.errors.length) throw new Error("the form told of errors");
  const { rowset, summary } = form.data.gridData;
  if (Number(number(summary.records)) !== rowset.length) throw new Error("summary miscounts");
  return rowset;
}

async function readPages(follow) {
  let answer = await query({
    ...table("F0911", "BROWSE"),
    findOnEntry: "TRUE",
    outputType: "GRID_DATA",
    returnControlIDs: "F0911.KCO|F0911.DCT|F0911.DOC|F0911.JELN|F0911.LT|F0911.AA|F0911.DGJ|F0911.MCU",
    maxPageSize: "100",
    enableNextPageProcessing: true,
    aggregation: { orderBy: [{ column: "F0911.DOC", direction: "ASC" }] },
    query: {
      autoFind: true,
      matchType: "MATCH_ALL",
      condition: [condition("F0911.CO", "EQUAL", "00001"), condition("F0911.LT", "LIST", "AA", "CA")],
    },
  });
  const rows = [];
  const sizes = [];
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const found = rowsOf(answer, "F0911");
    rows.push(...found);
    sizes.push(found.length);
    const more = answer.fs_DATABROWSE_F0911.data.gridData.summary.moreRecords;
    const next = (answer.links || []).find((link) => link.rel === "next");
    if (more !== Boolean(next)) throw new Error("moreRecords and links disagree");
    if (!next) return { rows, sizes };
    const reply = await follow(next.href);
    if (reply.status !== 200) throw new Error(`next page answered ${reply.status}`);
    answer = reply.answer;
  }
  throw new Error("pages have no end");
}

const amount = (row) => number(row.F0911_AA);

// Sums in units of a ten-thousandth, which holds every currency of the company.
function sum(amounts) {
  let total = 0n;
  for (const one of amounts) {
    const [whole, decimals = ""] = one.replace("-", "").split(".");
    const units = BigInt(whole + decimals.padEnd(4, "0"));
    total += one.startsWith("-") ? -units : units;
  }
  return total.toString();
}

async function run() {
  const told = {};
  const config = await post("/jderest/v2/defaultconfig", null, { signed: false });
  told.config = { status: config.status, names: config.answer.capabilityList.map((one) => one.name) };

  const credentials = { username: "PLNSVC", password: "halden-password", deviceName: DEVICE };
  const entered = await post("/jderest/v2/tokenrequest", credentials, { signed: false });
  token = entered.answer.userInfo.token;
  told.login = { status: entered.status, dateFormat: entered.answer.userInfo.simpleDateFormat };
  const seen = await post("/jderest/v2/tokenrequest/validate", { token, deviceName: DEVICE, touch: true });
  told.validate = { status: seen.status, isValid: seen.answer.isValidSession };

  const byPost = await readPages((href) => post(href, null));
  const byGet = await readPages((href) => request("GET", href));
  told.pages = {
    sizes: byPost.sizes,
    isSame: JSON.stringify(byPost.rows.map(amount)) === JSON.stringify(byGet.rows.map(amount)),
    rows: byPost.rows.length,
    units: sum(byPost.rows.filter((row) => row.F0911_LT.trim() === "AA").map(amount)),
    dates: byPost.rows.every((row) => /^\d{8}$/.test(row.F0911_DGJ)),
    widths: [...new Set(byPost.rows.map((row) => row.F0911_MCU.length))],
  };

  const company = [condition("CO", "EQUAL", "00001"), condition("LT", "LIST", "AA", "CA")];
  const filter = { matchType: "MATCH_ALL", condition: company };
  const counted = await query({ ...table("F0911", "COUNT"), query: filter });
  told.count = number(counted.count ?? counted.ds_F0911.count);
  const summed = await query({
    ...table("F0911", "AGGREGATION"),
    maxPageSize: "No Max",
    query: filter,
    aggregation: {
      aggregations: [{ aggregation: "SUM", column: "AA" }, { aggregation: "COUNT", column: "*" }],
      groupBy: [{ column: "LT" }],
      orderBy: [{ column: "LT", direction: "ASC" }],
    },
  });
  told.groups = summed.ds_F0911.output.map((row) => ({
    ledger: row.groupBy.LT.trim(),
    units: sum([number(row.AA_SUM)]),
    count: number(row.COUNT),
  }));

  const batch = await query({
    batchDataRequest: true,
    outputType: "GRID_DATA",
    dataRequests: [
      { ...table("F0010", "BROWSE"), findOnEntry: "TRUE", returnControlIDs: "CO|CRCD", maxPageSize: "500" },
      { ...table("F0911", "AGGREGATION"), aggregation: { aggregations: [{ aggregation: "COUNT", column: "*" }] } },
    ],
  });
  const companies = batch.fs_0_DATABROWSE_F0010.data.gridData.rowset;
  told.batch = {
    companies: companies.map((row) => `${row.F0010_CO} ${row.F0010_CRCD.trim()}`).sort(),
    all: number(batch.ds_1_F0911.output[0].COUNT),
  };

  const name = "PLN_PostBudgetJournal";
  const found = await request("GET", `/jderest/v2/discover/${name}`, {
    headers: { "jde-AIS-Auth": token, "jde-AIS-Auth-Device": DEVICE },
  });
  const [declared] = found.answer.orchestrations;
  told.discover = { format: declared.inputFormat, inputs: declared.inputs.map((one) => one.name).sort() };

  const accounts = await query({
    ...table("F0901", "BROWSE"),
    findOnEntry: "TRUE",
    returnControlIDs: "F0901.AID|F0901.MCU|F0901.OBJ|F0901.SUB",
    maxPageSize: "2",
    query: {
      autoFind: true,
      matchType: "MATCH_ALL",
      condition: [
        condition("F0901.CO", "EQUAL", "00001"),
        condition("F0901.PEC", "EQUAL", ""),
        condition("F0901.OBJ", "BETWEEN", "5000", "8999"),
      ],
    },
  });
  const lines = rowsOf(accounts, "F0901").map((row, index) => ({
    LineNumber: index + 1,
    Account: [row.F0901_MCU, row.F0901_OBJ, row.F0901_SUB].map((part) => part.trim()).filter(Boolean).join("."),
    AccountId: row.F0901_AID,
    Subledger: "",
    SubledgerType: "",
    Amount: index ? -300.5 : 1250,
    Units: 0,
    Remark: "by node",
  }));
  const plan = {
    PlanBatchKey: "NODE0001", Company: "00001", LedgerType: "BA", DocumentType: "BX", GLDate: "2026-11-30",
    Explanation: "by node", CurrencyCode: "USD", Lines: lines,
    ExpectedLines: lines.length, ExpectedDebits: 1250, PostAfterCreate: false,
  };
  told.runs = [];
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const { status, answer } = await post(`/jderest/v3/orchestrator/${name}`, plan);
    told.runs.push({ status, result: answer.Result, batch: answer.BatchNumber, jde: answer.jde__status });
  }
  const written = await query({
    ...table("F0911", "BROWSE"),
    findOnEntry: "TRUE",
    returnControlIDs: "R2|AA|POST|JELN",
    maxPageSize: "No Max",
    query: { autoFind: true, matchType: "MATCH_ALL", condition: [condition("R2", "EQUAL", "NODE0001")] },
  });
  told.written = rowsOf(written, "F0911").map(amount).sort();

  const left = await post("/jderest/v2/tokenrequest/logout", { token });
  const late = await post("/jderest/v2/dataservice", table("F0010", "COUNT"));
  told.logout = { status: left.status, after: late.status };
  return told;
}

console.log(JSON.stringify(await run()));
