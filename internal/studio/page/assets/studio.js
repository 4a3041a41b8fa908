// Studio's own script: keys in the grid, and focus after a part of the page has
// changed. Without it every page works by links and forms.
"use strict";

(() => {
  const off = "studio-single-keys";
  const $ = (selector, from = document) => from.querySelector(selector);
  const singleKeys = () => localStorage.getItem(off) !== "off";
  const typing = (el) => el.matches("input, select, textarea, [contenteditable]") || Boolean(el.closest("form.editor"));

  // The grid is one stop of Tab; arrows move inside it. The mark survives a swap.
  let at = { row: 0, col: 0 };
  const rows = () => [...document.querySelectorAll("#grid tbody tr")];

  function setUp() {
    const grid = $("#grid");
    if (!grid || grid.dataset.ready) return;
    grid.dataset.ready = "1";
    grid.setAttribute("role", "grid");
    // Cells that are sure to fit are sure of it up to letters of 16 px.
    grid.classList.toggle("large", parseFloat(getComputedStyle(grid).fontSize) > 16.25);
    grid.parentElement.removeAttribute("tabindex");
    for (const el of grid.querySelectorAll("th")) el.setAttribute("role", "columnheader");
    for (const el of grid.querySelectorAll("tr")) el.setAttribute("role", "row");
    for (const el of grid.querySelectorAll("td")) { el.setAttribute("role", "gridcell"); el.tabIndex = -1; }
    for (const el of grid.querySelectorAll("td a")) el.tabIndex = -1;
    at = { row: Math.min(at.row, Math.max(rows().length - 1, 0)), col: at.col };
    const cell = cellAt();
    if (cell) cell.tabIndex = 0;
  }

  function cellAt() {
    const row = rows()[at.row];
    return row && row.cells[Math.min(at.col, row.cells.length - 1)];
  }

  function go(row, col) {
    const all = rows();
    if (!all.length) return;
    const old = cellAt();
    if (old) old.tabIndex = -1;
    at.row = Math.max(0, Math.min(row, all.length - 1));
    at.col = Math.max(0, Math.min(col, all[at.row].cells.length - 1));
    const cell = cellAt();
    cell.tabIndex = 0;
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    uncover(cell);
  }

  // What the sticky head and key column cover is not in view.
  function uncover(cell) {
    const sheet = cell.closest(".sheet"), head = $("#grid thead").offsetHeight, box = cell.getBoundingClientRect();
    const top = sheet.getBoundingClientRect().top + head;
    if (box.top < top) sheet.scrollTop -= top - box.top;
    const key = $("#grid th.sticky");
    if (!key || cell.classList.contains("sticky")) return;
    const left = key.getBoundingClientRect().right;
    if (box.left < left) sheet.scrollLeft -= left - box.left;
  }

  const follow = (link) => { if (link && !link.hasAttribute("aria-disabled")) link.click(); return Boolean(link); };

  // visit opens an address as a click on a link of the page would.
  function visit(href) {
    if (!href) return;
    const a = document.createElement("a");
    a.href = href;
    $("#view").append(a);
    if (window.htmx) window.htmx.process(a);
    a.click();
    a.remove();
  }

  // valueOf is a cell's value, null for NULL, undefined where it is not all there.
  function valueOf(cell) {
    const v = $(".v", cell);
    if (!v || v.matches(".masked, .closed, .cut, .bytes")) return undefined;
    return v.matches(".null") ? null : v.matches(".empty") ? "" : v.textContent;
  }

  function filterTo(cell, not) {
    const base = $("#grid thead tr").cells[cell.cellIndex].dataset.filter, value = valueOf(cell);
    if (!base || value === undefined) return "";
    if (value === null) return base + (not ? "notnull" : "null");
    return base + (not ? "not." : "is.") + encodeURIComponent(value);
  }

  // Editing in place: the form of the cell's own page, put into the cell. What it
  // sends is what the form on that page would send.
  const here = () => location.pathname.replace(/\/row\/[^/]*$/, "") + location.search.replace(/([?&])open=[^&]*&?/, "$1").replace(/[?&]$/, "");

  // formOf is null where the page has no such form, or does not come.
  async function formOf(href, selector) {
    try {
      const answer = await fetch(href, { credentials: "same-origin" });
      const doc = new DOMParser().parseFromString(await answer.text(), "text/html");
      return $(selector, doc);
    } catch {
      return null;
    }
  }

  // send hands a form to htmx, or to the browser, as a click on its button would.
  function send(form, name, value) {
    let button = form.querySelector(`button[name="${name}"][value="${value}"]`);
    if (!button) {
      button = document.createElement("button");
      button.name = name;
      button.value = value;
      button.hidden = true;
      form.append(button);
    }
    if (!button.disabled) button.click(); // a click, by which htmx knows the button
  }

  // adopt puts a form of another page into this one.
  function adopt(form, into) {
    const back = form.querySelector('input[name="back"]');
    if (back) back.value = here();
    into.append(form);
    if (window.htmx) window.htmx.process(form);
    return form;
  }

  async function edit(cell) {
    if (!cell.dataset.edit || $(".editing")) return;
    if (cell.dataset.edit.includes("open=insert")) { visit(cell.dataset.edit); return; }
    const form = await formOf(cell.dataset.edit, "#editor");
    if (!form) { visit(cell.dataset.edit); return; } // the page says why
    if ($(".editing")) return;
    cell.classList.add("editing");
    adopt(form, cell);
    const box = $("#editor-value", form) ?? $("button:not(:disabled)", form);
    box.focus();
    if (box.select) box.select();
    form.scrollIntoView({ block: "nearest", inline: "nearest" });
    $("#editor-x", form).addEventListener("click", (e) => { e.preventDefault(); e.stopPropagation(); leave(cell); }, true);
    form.addEventListener("keydown", (e) => editorKey(e, cell, form));
  }

  function leave(cell) {
    $("#editor", cell)?.remove();
    cell.classList.remove("editing");
    cell.focus();
  }

  function editorKey(e, cell, form) {
    const inValue = e.target.id === "editor-value";
    const keep = (row, col) => {
      e.preventDefault();
      at = { row: Math.max(0, row), col: Math.max(0, col) };
      send(form, "how", "text");
    };
    const row = rows().indexOf(cell.parentElement), col = cell.cellIndex;
    e.stopPropagation();
    if (e.key === "Escape") { e.preventDefault(); leave(cell); return; }
    if (!inValue) return;
    if (e.key === "Enter" && !e.shiftKey && !e.isComposing) keep(row + 1, col);
    if (e.key === "Tab") keep(row, col + (e.shiftKey ? -1 : 1));
  }

  // choose sends one of the editor's ways without opening it; the version is that
  // of the row as this page shows it.
  async function choose(cell, name, value) {
    if (!cell.dataset.edit || cell.dataset.edit.includes("open=insert")) return;
    const form = await formOf(cell.dataset.edit, "#editor");
    if (!form) { visit(cell.dataset.edit); return; }
    const button = form.querySelector(`button[name="${name}"][value="${value}"]`);
    if (!button || button.disabled) { $("#say").textContent = button?.title ?? "There is nothing to take back."; return; }
    form.hidden = true;
    form.querySelector('input[name="version"]').value = cell.parentElement.dataset.version;
    send(adopt(form, $("#view")), name, value);
  }

  // mark marks the row to be deleted, or takes that back; a new row is dropped.
  // What goes with it is said before it is saved.
  async function mark(row) {
    const form = await formOf(row.dataset.delete ?? row.dataset.row, row.dataset.delete ? ".deletion" : "#panel > form");
    if (!form) { $("#say").textContent = "This row cannot be deleted."; return; }
    form.hidden = true;
    const version = form.querySelector('input[name="version"]');
    if (version) version.value = row.dataset.version;
    adopt(form, $("#view")).querySelector("button").click();
  }

  function gridKey(e, cell) {
    const last = cell.parentElement.cells.length - 1, screen = Math.max(1, Math.floor(cell.closest(".sheet").clientHeight / cell.offsetHeight) - 2);
    at = { row: rows().indexOf(cell.parentElement), col: cell.cellIndex };
    switch (e.key) {
      case "ArrowUp": go(at.row - 1, at.col); return true;
      case "ArrowDown": go(at.row + 1, at.col); return true;
      case "ArrowLeft": go(at.row, at.col - 1); return true;
      case "ArrowRight": go(at.row, at.col + 1); return true;
      case "Home": go(e.ctrlKey ? 0 : at.row, 0); return true;
      case "End": go(e.ctrlKey ? rows().length - 1 : at.row, last); return true;
      case "PageUp": go(at.row - screen, at.col); return true;
      case "PageDown": go(at.row + screen, at.col); return true;
      case "Enter": case "F2": if (!cell.dataset.edit) return false; edit(cell); return true;
      case "Delete": if (!cell.parentElement.matches("[data-version], .new")) return false; mark(cell.parentElement); return true;
      case "Escape": if (!follow($("#panel-x"))) $("h1").focus(); return true;
      case "c":
        if (!(e.ctrlKey || e.metaKey) || String(getSelection())) return false;
        navigator.clipboard?.writeText(valueOf(cell) ?? "");
        return true;
    }
    if (!singleKeys() || e.ctrlKey || e.metaKey || e.altKey) return false;
    switch (e.key) {
      case "o": visit(cell.parentElement.dataset.row); return true;
      case "g": return follow($("a", cell));
      case "n": choose(cell, "how", "null"); return true;
      case "d": choose(cell, "how", "default"); return true;
      case "u": choose(cell, "how", "undo"); return true;
      case "f": visit(filterTo(cell, false)); return true;
      case "F": visit(filterTo(cell, true)); return true;
      case "s": return follow($("a", $("#grid thead tr").cells[cell.cellIndex]));
    }
    return false;
  }

  // A menu closes by Esc and by a click elsewhere.
  document.addEventListener("click", (e) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(e.target)) menu.open = false;
  });

  document.addEventListener("keydown", (e) => {
    if (e.defaultPrevented || $("dialog[open]")) return;
    const menu = e.key === "Escape" && e.target.closest?.("details.menu[open]");
    if (menu) { menu.open = false; $("summary", menu).focus(); e.preventDefault(); return; }
    if (typing(e.target)) {
      // Esc leaves a form as its Cancel does.
      if (e.key === "Escape" && follow(e.target.closest("form")?.querySelector("[data-cancel]"))) e.preventDefault();
      return;
    }
    if (e.key === "s" && (e.ctrlKey || e.metaKey) && $("#review")) { e.preventDefault(); follow($("#review")); return; }
    const cell = e.target.closest?.("#grid td");
    if (cell && gridKey(e, cell)) { e.preventDefault(); return; }
    if (e.key === "Escape" && follow($("#panel-x"))) { e.preventDefault(); return; }
    if (!singleKeys() || e.ctrlKey || e.metaKey || e.altKey) return;
    switch (e.key) {
      case "/": $("#search")?.focus(); break;
      case "?": keys(); break;
      case "i": if (!follow($("#insert"))) return; break;
      case "[": follow($("#newer")); break;
      case "]": follow($("#older")); break;
      default: return;
    }
    e.preventDefault();
  });

  function keys() {
    const dialog = $("#keys"), box = $("#single-keys");
    box.checked = singleKeys();
    box.onchange = () => localStorage.setItem(off, box.checked ? "on" : "off");
    dialog.showModal();
  }

  document.addEventListener("dblclick", (e) => {
    const cell = e.target.closest?.("#grid td");
    if (cell && !e.target.closest("form")) edit(cell);
  });

  document.addEventListener("focusin", (e) => {
    const cell = e.target.closest?.("#grid td");
    if (cell) at = { row: rows().indexOf(cell.parentElement), col: cell.cellIndex };
  });

  // htmx gives focus back to the element of the same id. Where that has gone, as
  // a removed filter has, the next thing to do gets it.
  let held = "", inGrid = false;
  document.addEventListener("htmx:beforeSwap", () => {
    held = document.activeElement?.id ?? "";
    inGrid = Boolean(document.activeElement?.closest?.("#grid td"));
  });
  document.addEventListener("htmx:afterSettle", () => {
    setUp();
    const fresh = $("[autofocus]") ?? (location.pathname.includes("/row/") ? $("#panel h2") : null);
    if (fresh) { fresh.focus(); return; }
    if (inGrid && cellAt()) { cellAt().focus(); return; }
    if (document.activeElement !== document.body) return;
    ((held.startsWith("chip-") && $("#add-filter")) || $("h1"))?.focus();
  });

  setUp();
  // What was refused is the next thing to do.
  const refused = $('#grid td[aria-invalid="true"]');
  if (refused && !location.pathname.includes("/row/")) { refused.focus({ preventScroll: true }); refused.scrollIntoView({ block: "nearest", inline: "nearest" }); uncover(refused); }
  // Review: Enter saves.
  if (location.pathname.endsWith("/review")) $("#save")?.focus();
})();
