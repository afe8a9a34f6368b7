// The table sorts and filters, and a link to a task opens it. Without this script the page has all of it, too.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const table = document.getElementById("table");

  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
  };
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));

  const sort = (head) => {
    const column = head.cellIndex;
    const turn = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => turn * compare(value(a, column), value(b, column)));
    body.append(...rows);
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", turn > 0 ? "ascending" : "descending");
  };

  const filter = () => {
    const words = document.getElementById("find").value.toLowerCase().split(/\s+/).filter(Boolean);
    const status = document.getElementById("status").value;
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = (status !== "" && row.dataset.status !== status) || !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    const count = table.tBodies[0].rows.length;
    document.getElementById("shown").textContent = shown === count ? `${count} tasks` : `${shown} of ${count} tasks`;
  };

  const makeTable = () => {
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(head));
      head.append(button);
    }
    const present = new Set([...table.tBodies[0].rows].map((row) => row.dataset.status));
    for (const option of all("#status option")) if (option.value && !present.has(option.value)) option.remove();
    document.getElementById("find").addEventListener("input", filter);
    document.getElementById("status").addEventListener("input", filter);
  };

  // A link to a task: opened, and its first line is where the keyboard goes on.
  const openTarget = () => {
    const task = /^#task-\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (!task) return;
    task.open = true;
    task.scrollIntoView();
    task.querySelector("summary").focus();
  };

  const tasks = all(".task");
  const openAll = () => {
    const button = document.getElementById("open");
    const open = button.textContent === "Open all";
    for (const task of tasks) task.open = open;
    button.textContent = open ? "Close all" : "Open all";
  };

  if (table) {
    makeTable();
    document.getElementById("open").addEventListener("click", openAll);
  }
  for (const controls of all(".controls")) controls.hidden = false;
  window.addEventListener("hashchange", openTarget);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#task-"]');
    // The same address again changes nothing, and would open nothing.
    if (!link || link.getAttribute("href") !== location.hash) return;
    event.preventDefault();
    openTarget();
  });
  openTarget();

  // On paper everything is to be read.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = tasks.filter((task) => !task.open);
    for (const task of closed) task.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const task of closed) task.open = false;
  });
})();
