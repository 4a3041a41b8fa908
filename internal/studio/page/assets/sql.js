// The SQL box: Ctrl+Enter runs, and this browser keeps what was run. Without it
// the box works by its buttons, and has no history.
"use strict";

(() => {
  const most = 50;
  const $ = (selector) => document.querySelector(selector);
  const place = () => "studio-sql:" + $("#view").dataset.history;

  function kept() {
    try { return JSON.parse(localStorage.getItem(place())) ?? []; } catch { return []; }
  }

  function keep(statement) {
    if (!statement.trim()) return;
    localStorage.setItem(place(), JSON.stringify([statement, ...kept().filter((s) => s !== statement)].slice(0, most)));
  }

  function show() {
    const section = $("#history"), all = kept();
    if (!section) return;
    section.hidden = !all.length;
    section.querySelector("ul").replaceChildren(...all.map((statement) => {
      const item = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.className = "button ghost";
      button.textContent = statement;
      button.addEventListener("click", () => { $("#statement").value = statement; $("#statement").focus(); });
      item.append(button);
      return item;
    }));
  }

  document.addEventListener("submit", (e) => {
    if (e.target.id === "sql-form") keep($("#statement").value);
  }, true);
  document.addEventListener("click", (e) => {
    if (!e.target.closest?.("#history-clear")) return;
    localStorage.removeItem(place());
    show();
    $("#statement").focus();
  });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || !(e.ctrlKey || e.metaKey) || !e.target.closest?.("#sql-form")) return;
    e.preventDefault();
    $("#run").click();
  });
  document.addEventListener("htmx:afterSettle", show);
  show();
})();
