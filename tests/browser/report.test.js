// The page of `vigil report --html` in a real browser: a night whose texts try to be more than texts.
//
//   VIGIL      the program under test; ./vigil of this checkout otherwise
//   CHROMIUM   the browser; Debian's otherwise. One that is missing fails every test.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const VIGIL = resolve(process.env.VIGIL || join(here, "../../vigil"));
const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";
const require = createRequire(execFileSync(join(here, "install"), { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim());
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// ---- a night -----------------------------------------------------------------------------------------------------

const folder = mkdtempSync(join(tmpdir(), "vigil-report-"));
const RANGE = ["--since", "2026-01-31T20:00:00Z", "--until", "2026-02-01T08:00:00Z"];

/** What each of these would do, were it more than text: set a global, or ask this server for something. */
const hostile = (server) => {
  const act = "globalThis.canary=(globalThis.canary||0)+1";
  return [
    `</script><script>${act}</script>`,
    `</style></title></textarea></noscript><script>${act}</script>`,
    `<img src=x onerror=${act}>`,
    `<svg onload="${act}"><animate onbegin="${act}" attributeName=x></svg>`,
    `<details open ontoggle="${act}">x</details>`,
    `<iframe srcdoc="<script>parent.canary=1</script>" src="${server}/frame"></iframe>`,
    `<style>@import "${server}/style"; * { display: none !important }</style>`,
    `<base href="${server}/base/"><meta http-equiv="refresh" content="0;url=${server}/refresh">`,
    `<link rel=stylesheet href="${server}/link"><form action="${server}/form"><button autofocus onfocus="${act}">x</button></form>`,
    `"><script>${act}</script><a x="`,
    `' onmouseover='${act}' x='`,
    `[plain](javascript:${act})`,
    `[cases](JaVaScRiPt:${act})`,
    `[entity](&#106;avascript:${act})`,
    `[named](javascript&colon;${act})`,
    `[tab](java&Tab;script:${act})`,
    `[space](<  javascript:${act}>)`,
    `[data](data:text/html,<script>${act}</script>)`,
    `[vb](vbscript:${act})`,
    `[relative](//${server.slice(7)}/relative)`,
    `<javascript:${act}>`,
    `[reference]\n\n[reference]: javascript:${act}\n`,
    `[quote](https://a.invalid/"onclick="${act})`,
    `[title](https://a.invalid "x\\" onclick=\\"${act}")`,
    `![image](${server}/pixel.png "title")`,
    `[![nested](${server}/nested.png) and [inner](https://b.invalid/)](javascript:${act})`,
    `![with [a link](javascript:${act}) in it](data:image/svg+xml,<svg/onload=${act}>)`,
    "```html\n</code></pre><script>" + act + "</script>\n```",
    "`</code><script>" + act + "</script>`",
    `| a | b |\n|---|--:|\n| <script>${act}</script> | [x](javascript:${act}) |\n`,
    "turned \u202E\u2066around\u2069, hidden \u200E\uFEFF\u{E0041}, by entity &#x202e; &rlm; &#8294;",
    "\u001b]0;title\u0007\u001b[2J a sequence \u009b31m",
    "https://a.invalid/%E2%80%AE<script>",
    "x".repeat(3000),
  ];
};

const quote = (text) => `CAST(x'${Buffer.from(text).toString("hex")}' AS TEXT)`;
const at = (minutes) => new Date(Date.UTC(2026, 0, 31, 20) + minutes * 60000).toISOString();

function sqlite(database, sql) {
  return execFileSync("sqlite3", ["-batch", "-bail", "-init", "/dev/null", database], { input: sql, encoding: "utf8", maxBuffer: 1 << 28 });
}

function vigil(database, ...args) {
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, VIGIL_DB: database, TZ: "UTC" };
  delete env.VIGIL_CONFIG;
  return execFileSync(VIGIL, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

let count = 0;

/** A database with those tasks ({text, outcome, from, to}); the text is everywhere where others write. */
function makeNight(tasks) {
  const database = join(folder, `${++count}.db`);
  vigil(database, "add", "first");
  const rows = tasks.map(({ text = "text", result = text, outcome = "completed", from = 60, to = 120 }, index) => {
    const id = index + 1;
    const said = quote(text);
    const ended = outcome === "failed" ? `${said}, 'agent'` : "NULL, NULL";
    return `
INSERT INTO importing VALUES (${id}, ${id});
INSERT INTO tasks (id, status, prompt, description, agent, model, directory, attempts, result, error, error_kind, created_at, started_at, completed_at)
VALUES (${id}, '${outcome}', 'P' || ${said}, 'D' || ${said}, 'A' || ${said}, 'm/' || ${said}, '/' || ${said}, 1,
  ${outcome === "completed" ? quote(result) : "NULL"}, ${ended}, '${at(0)}', '${at(from)}', '${at(to)}');
INSERT INTO attempts (task_id, number, nonce, sealed, agent, model, session_id, message_id, part_id, started_at, prompted_at, ended_at, outcome, error, error_kind, resumes, tokens_input, cost)
VALUES (${id}, 1, 'n', 1, ${said}, ${said}, ${said}, 'm', 'p', '${at(from)}', '${at(from + 2)}', '${at(to)}', '${outcome}', ${ended}, 1, ${id * 1000}, ${id} / 8.0);
INSERT INTO events (at, task_id, attempt_id, kind) SELECT '${at(from + 20)}', ${id}, max(id), 'resumed' FROM attempts;
INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, asked_at, request, reply, replied_at, replied_by)
SELECT ${id}, max(id), 's', 'per_${id}', 'permission', '${at(from + 5)}', ${said}, 'once', '${at(from + 15)}', 'person' FROM attempts
UNION ALL SELECT ${id}, max(id), 's', 'que_${id}', 'question', '${at(from + 6)}', 'R' || ${said}, 'reject', '${at(from + 7)}', 'vigil' FROM attempts;
INSERT INTO messages (task_id, attempt_id, message_id, role, text, reasoning, error, created_at)
SELECT ${id}, max(id), 'm', 'assistant', ${said}, ${said}, ${said}, ${said} FROM attempts;
DELETE FROM importing;`;
  });
  const held = tasks.slice(0, 40).map(({ text = "text" }) => `INSERT INTO tasks (prompt, status) VALUES ('H' || ${quote(text)}, 'held');`);
  sqlite(database, `BEGIN; DELETE FROM tasks; DELETE FROM sqlite_sequence WHERE name = 'tasks'; ${rows.join("")} ${held.join("\n")} COMMIT;`);
  assert.equal(sqlite(database, "SELECT count(*) FROM problems").trim(), "0");
  return database;
}

function makePage(tasks) {
  const database = makeNight(tasks);
  const page = `${database}.html`;
  vigil(database, "report", ...RANGE, "--html", page);
  return page;
}

/** Times and sums that differ, in no order of their own. */
const PLAIN = [
  { text: "one", from: 0, to: 60 },
  { text: "two", outcome: "failed", from: 30, to: 40 },
  { text: "three", from: 90, to: 700 },
  { text: "four", outcome: "cancelled", from: 100, to: 130 },
  { text: "five and the last", from: 300, to: 420 },
];

// ---- the browser -------------------------------------------------------------------------------------------------

let browser, server, hits, hostilePage, plainPage;

before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM });
  hits = [];
  server = createServer((request, response) => {
    hits.push(request.url);
    response.end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const texts = hostile(`http://127.0.0.1:${server.address().port}`);
  const outcomes = ["completed", "completed", "failed"];
  hostilePage = makePage(texts.map((text, i) => ({ text, outcome: outcomes[i % 3], from: i * 20, to: i * 20 + 60 }))
    .concat(texts.map((text) => ({ text: "plain", result: text }))));
  plainPage = makePage(PLAIN);
});

after(async () => {
  await browser?.close();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens the page, hands it on with what it asked for and said, and closes it. */
async function onPage(file, options, use) {
  const context = await browser.newContext({ viewport: { width: 1024, height: 768 }, ...options });
  const page = await context.newPage();
  const seen = { requests: [], said: [] };
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("console", (message) => seen.said.push(message.text()));
  page.on("pageerror", (error) => seen.said.push(String(error)));
  page.on("dialog", (dialog) => dialog.dismiss().then(() => seen.said.push("a dialog")));
  try {
    await page.goto(pathToFileURL(file).href);
    await use(page, seen);
  } finally {
    await context.close();
  }
}

const openAll = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));

const rowsShown = (page) =>
  page.evaluate(() => [...document.querySelectorAll("#table tbody tr")].filter((row) => !row.hidden).map((row) => Number(row.cells[0].textContent)));

// ---- texts that want to be more ----------------------------------------------------------------------------------

test("nothing that others wrote is executed, or loaded", async () => {
  await onPage(hostilePage, {}, async (page, seen) => {
    await openAll(page);
    await page.evaluate(() => document.querySelectorAll("main *").forEach((element) => element.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }))));
    await page.waitForLoadState("networkidle");
    assert.equal(await page.evaluate(() => globalThis.canary), undefined);
    assert.deepEqual(seen.requests, [pathToFileURL(hostilePage).href]);
    assert.deepEqual(seen.said, []);
    assert.deepEqual(hits, []);
    assert.equal(page.frames().length, 1);
  });
});

test("the page has no element, attribute or address that vigil does not write", async () => {
  await onPage(hostilePage, {}, async (page) => {
    const found = await page.evaluate(() => {
      const elements = new Set(), attributes = new Set(), addresses = new Set();
      for (const element of document.querySelectorAll("body *")) {
        elements.add(element.localName);
        for (const { name } of element.attributes) attributes.add(name);
        const href = element.getAttribute("href");
        if (href !== null) addresses.add(href.startsWith("#") ? "#" : element.protocol);
      }
      return { elements: [...elements], attributes: [...attributes], addresses: [...addresses].sort() };
    });
    const elements = `a b bdi blockquote br button caption circle code dd defs del details div dl dt em footer g h1 h2 h3 h4 h5 h6
      header hr input label li line main ol option p pattern pre rect script section select span strong summary svg table tbody td
      text th thead title tr ul wbr`.split(/\s+/);
    assert.deepEqual(found.elements.filter((name) => !elements.includes(name)), []);
    assert.deepEqual(found.attributes.filter((name) => name.startsWith("on") || ["style", "src", "srcset", "action", "formaction"].includes(name)), []);
    assert.deepEqual(found.addresses, ["#", "https:"]);
    assert.equal(await page.locator("script").count(), 1);
  });
});

test("it is shown as what it is", async () => {
  await onPage(hostilePage, {}, async (page) => {
    const text = await page.evaluate(() => document.body.textContent);
    for (const part of ["<img src=x onerror=", "<svg onload=", "(javascript:", "(data:text/html,", "</code></pre><script>", "/pixel.png", "<U+202E>", "<U+E0041>", "&rlm;", "^[[2J", "^[]0;title^G"])
      assert.ok(text.includes(part), part);
    assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|[\u{E0000}-\u{E007F}]/u);
  });
});

test("what is put into the page all the same is stopped by its policy", async () => {
  await onPage(plainPage, {}, async (page) => {
    await page.evaluate(async (url) => {
      const seen = (globalThis.seen = []);
      document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
      const script = document.createElement("script");
      script.textContent = "globalThis.canary = 1";
      document.body.append(script);
      const remote = document.createElement("script");
      remote.src = `${url}/script`;
      document.body.append(remote);
      const holder = document.createElement("div");
      holder.innerHTML = `<img src="${url}/image" onerror="globalThis.canary = 1"><div style="color: red">x</div><iframe src="${url}/frame"></iframe>`;
      document.body.append(holder);
      const button = document.createElement("button");
      button.setAttribute("onclick", "globalThis.canary = 1");
      document.body.append(button);
      button.click();
      await fetch(`${url}/fetch`).catch(() => {});
      const style = document.createElement("style");
      style.textContent = `body { background: url(${url}/background) }`;
      document.head.append(style);
    }, `http://127.0.0.1:${server.address().port}`);
    const directives = ["script-src-elem", "script-src-attr", "img-src", "style-src-attr", "style-src-elem", "frame-src", "connect-src"];
    await page.waitForFunction((wanted) => wanted.every((directive) => globalThis.seen.includes(directive)), directives);
    assert.equal(await page.evaluate(() => globalThis.canary), undefined);
    assert.deepEqual(hits, []);
  });
});

// ---- Markdown ----------------------------------------------------------------------------------------------------

test("an answer's Markdown is rendered", async () => {
  const answer = "# Head\n\nA **bold** word, ~~gone~~, `code`, https://a.invalid/x?a=1&b=2 and <https://b.invalid>.\n\n- one\n- [two](https://c.invalid/?a=1&amp;b=2)\n\n"
    + "```c\nint a < b;\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n> quoted &mdash; &copy; &nosuch;\n";
  await onPage(makePage([{ text: "t", result: answer }]), {}, async (page) => {
    await openAll(page);
    const html = await page.locator(".answer").innerHTML();
    for (const part of ['<h5 class="level1">Head</h5>', "<strong>bold</strong>", "<del>gone</del>", "<code>code</code>", "<pre><code>int a &lt; b;\n</code></pre>", '<th scope="col" class="right">b</th>', '<td class="right">2</td>', "quoted — © &amp;nosuch;"])
      assert.ok(html.includes(part), `${part} in ${html}`);
    const links = await page.locator(".answer a").evaluateAll((all) => all.map((a) => [a.href, a.rel]));
    const rel = "noopener noreferrer nofollow";
    assert.deepEqual(links, [["https://a.invalid/x?a=1&b=2", rel], ["https://b.invalid/", rel], ["https://c.invalid/?a=1&b=2", rel]]);
  });
});

test("a long answer is cut, and the page says where the whole is", async () => {
  const file = makePage([{ text: "t", result: `begin ${"word ".repeat(1000000)}` }]);
  assert.ok(statSync(file).size < 1 << 20, `${statSync(file).size} bytes`);
  await onPage(file, {}, async (page) => {
    await openAll(page);
    assert.match(await page.locator(".task .note").innerText(), /first 50000 of 5\.0M characters: vigil result 1 has/);
  });
});

test("an answer that would swell comes as it is written, and depth has an end", async () => {
  const wide = `|${"a|".repeat(120)}\n|${"---|".repeat(120)}\n${"|x\n".repeat(15000)}`;
  const deep = `${">".repeat(5000)}x\n\n${"*a **b ".repeat(2000)}${"[".repeat(9000)}`;
  const file = makePage([{ text: "t", result: wide }, { text: "t", result: deep }]);
  assert.ok(statSync(file).size < 1 << 20, `${statSync(file).size} bytes`);
  await onPage(file, {}, async (page) => {
    assert.equal(await page.locator("#task-1 .answer td").count(), 0);
    assert.ok((await page.locator("#task-1 .answer > pre").textContent()).startsWith("|a|a|"));
    assert.ok((await page.locator("#task-2 .answer blockquote").count()) <= 40);
  });
});

// ---- the table and the tasks, by keyboard ------------------------------------------------------------------------

test("a head sorts by its column, and back", async () => {
  await onPage(plainPage, {}, async (page) => {
    const sorted = async (name, first, second) => {
      const head = page.locator("#table thead th", { hasText: name });
      await head.locator("button").focus();
      await page.keyboard.press("Enter");
      assert.deepEqual(await rowsShown(page), first, name);
      assert.equal(await head.getAttribute("aria-sort"), "ascending");
      await page.keyboard.press("Space");
      assert.deepEqual(await rowsShown(page), second, `${name}, back`);
      assert.equal(await head.getAttribute("aria-sort"), "descending");
      assert.equal(await page.locator("#table [aria-sort]").count(), 1);
    };
    await sorted("took", [2, 4, 1, 5, 3], [3, 5, 1, 4, 2]);
    await sorted("outcome", [4, 3, 5, 1, 2], [2, 3, 5, 1, 4]);
    await sorted("what", [5, 4, 1, 3, 2], [2, 3, 1, 4, 5]);
    await sorted("cost", [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]);
  });
});

test("words and an outcome filter", async () => {
  await onPage(plainPage, {}, async (page) => {
    await page.getByLabel("Find").focus();
    await page.keyboard.type("LAST fi");
    assert.deepEqual(await rowsShown(page), [5]);
    assert.equal(await page.getByRole("status").innerText(), "1 of 5 tasks");
    await page.getByLabel("Find").fill("");
    await page.getByLabel("Outcome").selectOption("failed");
    assert.deepEqual(await rowsShown(page), [2]);
    assert.deepEqual(await page.getByLabel("Outcome").locator("option").allInnerTexts(), ["all", "completed", "failed", "cancelled"]);
    await page.getByLabel("Outcome").selectOption("all");
    assert.equal(await page.getByRole("status").innerText(), "5 tasks");
  });
});

test("a link opens its task, and the keyboard goes on there", async () => {
  await onPage(plainPage, {}, async (page) => {
    const goes = async (link, id) => {
      await link.focus();
      await page.keyboard.press("Enter");
      await page.locator(`#task-${id}[open]`).waitFor();
      await page.waitForFunction((wanted) => document.activeElement.parentElement.id === wanted, `task-${id}`);
    };
    await goes(page.locator("#table a", { hasText: "three" }), 3);
    await goes(page.locator(".failures a"), 2);
    await goes(page.locator(".timeline a").nth(2), 3);
    await page.keyboard.press("Enter"); // the summary's own
    assert.equal(await page.locator("#task-3[open]").count(), 0);
    await goes(page.locator("#table a", { hasText: "three" }), 3);
    await page.getByRole("button", { name: "Open all" }).press("Enter");
    assert.equal(await page.locator(".task[open]").count(), 5);
    await page.getByRole("button", { name: "Close all" }).press("Enter");
    assert.equal(await page.locator(".task[open]").count(), 0);
  });
});

test("the timeline has a bar for each attempt, its waits and resumptions", async () => {
  await onPage(plainPage, {}, async (page) => {
    const names = await page.locator(".timeline a > title").allTextContents();
    assert.deepEqual(names.map((name) => name.split(".")[0]), [
      "Task 1, attempt 1, completed: 01-31 20:00 to 01-31 21:00, 1h",
      "Task 2, attempt 1, failed (agent): 01-31 20:30 to 01-31 20:40, 10m",
      "Task 3, attempt 1, completed: 01-31 21:30 to 02-01 07:40, 10h 10m",
      "Task 4, attempt 1, cancelled: 01-31 21:40 to 01-31 22:10, 30m",
      "Task 5, attempt 1, completed: 02-01 01:00 to 02-01 03:00, 2h",
    ]);
    const rects = await page.locator(".timeline a > rect:first-of-type").evaluateAll((all) => all.map((r) => [r.getAttribute("x"), r.getAttribute("width"), r.getAttribute("y")].join()));
    assert.deepEqual(rects, ["0.000%,8.571%,25", "4.286%,1.429%,51", "12.857%,87.143%,25", "14.286%,4.286%,51", "42.857%,17.143%,51"]);
    assert.equal(await page.locator(".timeline .wait").count(), 10);
    assert.equal(await page.locator(".timeline .resumed").count(), 5);
  });
});

test("what was refused is told with its task, and what to do about a failure", async () => {
  await onPage(plainPage, {}, async (page) => {
    assert.match(await page.locator(".failures li").innerText(), /Next: vigil retry 2 tries again/);
    assert.match(await page.locator(".needs").innerText(), /Task 2 was refused \(question\): Rtwo vigil show 2/);
    await openAll(page);
    assert.equal(await page.locator("#task-2 [aria-label=Refused] tbody").innerText(), "01-31 20:36\tquestion\tvigil\tRtwo");
    assert.match(await page.locator("#task-2 .fields").innerText(), /vigil retry 2 tries again/);
    assert.match(await page.locator("#task-1 .fields").innerText(), /\nset permissions\.on_ask .*vigil retry 1$/, "it did without");
  });
});

// ---- everybody, everywhere ---------------------------------------------------------------------------------------

for (const colorScheme of ["light", "dark"])
  test(`axe finds nothing in it, ${colorScheme}`, async () => {
    await onPage(plainPage, { colorScheme }, async (page) => {
      await openAll(page);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html)}`), []);
    });
  });

test("a night without tasks is a page, too", async () => {
  await onPage(makePage([]), {}, async (page, seen) => {
    assert.deepEqual(seen.said, []);
    await page.evaluate(axe);
    assert.deepEqual((await page.evaluate(() => globalThis.axe.run())).violations.map(({ id }) => id), []);
  });
});

test("nothing is wider than a phone", async () => {
  for (const width of [320, 360, 768]) {
    await onPage(hostilePage, { viewport: { width, height: 800 } }, async (page) => {
      await openAll(page);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    });
  }
});

test("without its script it is all there", async () => {
  await onPage(plainPage, { javaScriptEnabled: false }, async (page) => {
    assert.equal(await page.locator("#table tbody tr").count(), 5);
    assert.equal(await page.locator(".controls:visible").count(), 0);
    assert.equal(await page.locator("#table button").count(), 0);
    await page.locator("#task-1 > summary").press("Enter");
    assert.ok(await page.locator("#task-1 .answer").isVisible());
  });
});

test("on paper the tasks are open, and closed again", async () => {
  await onPage(plainPage, {}, async (page) => {
    await page.evaluate(() => window.addEventListener("beforeprint", () => (globalThis.opened = document.querySelectorAll(".task[open]").length)));
    const pdf = await page.pdf();
    assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
    assert.equal(await page.evaluate(() => globalThis.opened), 5);
    assert.equal(await page.locator(".task[open]").count(), 0);
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    assert.equal(await page.locator(".controls:visible").count(), 0);
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
  });
});
