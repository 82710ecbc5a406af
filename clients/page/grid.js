// A table of very many rows and columns, of which only those in view are elements.

import { fill, h, count } from "./dom.js";
import { isEmpty, isNumeric, shown } from "./values.js";

/** Browsers do not place what is below some 17 million pixels. */
const TALLEST = 12_000_000;
const MOST_CHARACTERS = 300;

/** `rows` has columns, total, row(at), want(from, to) and onChange. */
export function grid(rows, { label, onOpen }) {
  const { columns } = rows;
  const head = h("thead");
  const body = h("tbody");
  const table = h("table", { role: "grid", "aria-label": label, "aria-rowcount": rows.total + 1, "aria-colcount": columns.length + 1, "aria-readonly": "true" }, head, body);
  const scroller = h("div", { class: "grid", tabindex: "-1" }, table);
  const rowHeight = matchMedia("(pointer: coarse)").matches ? 42 : 34;
  const first = Array.from({ length: Math.min(100, rows.total) }, (_, at) => rows.row(at)).filter(Boolean);
  const measure = ruler();
  const widths = columns.map((column) => {
    const longest = first.reduce((most, row) => {
      const text = shown(row[column.id]);
      return text.length > most.length ? text.slice(0, 60) : most;
    }, "");
    const name = Math.min(220, measure(column.id, 600));
    const type = measure(column.said ?? column.type, 400);
    // A number must be there to its last digit; a text may go on.
    const content = isNumeric(column.type) ? measure(longest.replace(/\d/g, "0"), 400) * 1.06 : Math.min(300, measure(longest, 400));
    return Math.ceil(Math.max(name, type, content, 40) + 28);
  });
  const numberWidth = Math.ceil(measure(count(rows.total), 400) + 26);
  const starts = [0];
  for (const width of widths) starts.push(starts.at(-1) + width);
  table.style.width = `${numberWidth + starts.at(-1)}px`;
  table.style.setProperty("--row", `${rowHeight}px`);

  let active = { row: 0, column: 0 };
  let window = null;
  let present = new Map();
  let idle;
  let frame = 0;

  const full = rows.total * rowHeight;
  const height = Math.min(full, TALLEST);
  const visible = () => Math.max(1, Math.ceil((scroller.clientHeight || 500) / rowHeight));

  /** The first row in view. */
  function top() {
    if (full <= TALLEST) return Math.floor(scroller.scrollTop / rowHeight);
    const range = height - scroller.clientHeight;
    return Math.round((scroller.scrollTop / Math.max(1, range)) * Math.max(0, rows.total - visible() + 2));
  }

  function show(force = false) {
    const at = Math.min(top(), Math.max(0, rows.total - 1));
    const from = Math.max(0, at - (full <= TALLEST ? 8 : 0));
    const to = Math.min(rows.total, at + visible() + 8);
    let left = 0;
    let right = columns.length;
    if (columns.length > 60) {
      const find = (x) => {
        let low = 0;
        let high = columns.length;
        while (low < high) {
          const middle = (low + high) >> 1;
          if (starts[middle + 1] <= x) low = middle + 1;
          else high = middle;
        }
        return low;
      };
      left = Math.max(0, find(scroller.scrollLeft) - 3);
      right = Math.min(columns.length, find(scroller.scrollLeft + (scroller.clientWidth || 1200)) + 4);
    }
    const scaled = full > TALLEST ? Math.max(0, scroller.scrollTop) : from * rowHeight;
    if (!force && window && window.from === from && window.to === to && window.left === left && window.right === right && window.scaled === scaled) return;
    if (!window || window.left !== left || window.right !== right) {
      present.clear();
      fill(head, heading(left, right));
    }
    window = { from, to, left, right, scaled };
    const kept = new Map();
    for (let row = from; row < to; row += 1) {
      const record = rows.row(row);
      const old = present.get(row);
      kept.set(row, old && old.record === record ? old : { record, element: line(row, record, left, right) });
    }
    const focused = body.contains(document.activeElement);
    const above = spacer(scaled);
    const below = spacer(Math.max(0, height - scaled - (to - from) * rowHeight));
    present = kept;
    fill(body, above, [...kept.values()].map(({ element }) => element), below);
    mark(focused && active.row >= from && active.row < to);
    clearTimeout(idle);
    // While one drags the scrollbar, what is passed by is not asked for.
    idle = setTimeout(() => rows.want(from, to), force || !scroller.dataset.moving ? 0 : 90);
  }

  const spacer = (pixels) => {
    const element = h("tr", { "aria-hidden": "true", class: "spacer" });
    element.style.height = `${pixels}px`;
    return element;
  };

  function pad(tag, columnsWide) {
    const cell = h(tag, { "aria-hidden": "true", class: "spacer" });
    cell.style.width = `${columnsWide}px`;
    return cell;
  }

  function heading(left, right) {
    const corner = h("th", { class: "number", scope: "col", "aria-colindex": 1 }, h("span", { class: "unseen" }, "Row"));
    corner.style.width = `${numberWidth}px`;
    const cells = columns.slice(left, right).map((column, at) => {
      const cell = h("th", { scope: "col", "aria-colindex": left + at + 2, class: isNumeric(column.type) ? "right" : null, title: [column.id, column.label, column.notes].filter(Boolean).join("\n") },
        h("span", { class: "name", dir: "auto" }, column.id), h("span", { class: "type" }, column.said ?? column.type));
      cell.style.width = `${widths[left + at]}px`;
      return cell;
    });
    return h("tr", { "aria-rowindex": 1 }, corner, left > 0 && pad("th", starts[left]), cells, right < columns.length && pad("th", starts.at(-1) - starts[right]));
  }

  function line(row, record, left, right) {
    const cells = columns.slice(left, right).map((column, at) => {
      const value = record?.[column.id];
      const empty = isEmpty(value);
      const text = record === undefined ? "" : empty ? "–" : shown(value);
      return h("td", { role: "gridcell", "aria-colindex": left + at + 2, "data-column": left + at, tabindex: "-1", dir: isNumeric(column.type) ? null : "auto",
        class: [isNumeric(column.type) && "right", record && empty && "none"].filter(Boolean).join(" ") || null,
        "aria-label": record && empty ? "no value" : null },
      text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text);
    });
    return h("tr", { "aria-rowindex": row + 2, "data-row": row, class: [row % 2 && "odd", record === undefined && "coming"].filter(Boolean).join(" ") || null, "aria-busy": record === undefined ? "true" : null },
      h("th", { class: "number", scope: "row", "aria-colindex": 1 }, count(row + 1)),
      left > 0 && pad("td", starts[left]), cells, right < columns.length && pad("td", starts.at(-1) - starts[right]));
  }

  const cellAt = ({ row, column }) => present.get(row)?.element.querySelector(`[data-column="${column}"]`);

  /** One cell is in the order of the Tab key; arrows move between cells. */
  function mark(focus) {
    for (const old of body.querySelectorAll('[tabindex="0"]')) old.tabIndex = -1;
    const cell = cellAt(active) ?? body.querySelector("[data-column]");
    if (!cell) return;
    cell.tabIndex = 0;
    if (focus) cell.focus({ preventScroll: true });
  }

  function move(row, column) {
    active = { row: Math.max(0, Math.min(rows.total - 1, row)), column: Math.max(0, Math.min(columns.length - 1, column)) };
    const headHeight = head.offsetHeight;
    if (full <= TALLEST) {
      const y = active.row * rowHeight;
      if (y < scroller.scrollTop) scroller.scrollTop = y;
      else if (y + rowHeight + headHeight > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = y + rowHeight + headHeight - scroller.clientHeight + 2;
    } else if (!present.has(active.row) || active.row < top() || active.row > top() + visible() - 4) {
      const range = height - scroller.clientHeight;
      scroller.scrollTop = (Math.max(0, active.row - Math.floor(visible() / 3)) / Math.max(1, rows.total - visible() + 2)) * range;
    }
    const x = starts[active.column];
    if (x < scroller.scrollLeft) scroller.scrollLeft = x;
    else if (starts[active.column + 1] + numberWidth > scroller.scrollLeft + scroller.clientWidth) scroller.scrollLeft = Math.min(x, starts[active.column + 1] + numberWidth - scroller.clientWidth + 2);
    show(true);
    mark(true);
  }

  table.addEventListener("keydown", (event) => {
    const { row, column } = active;
    const page = visible() - 3;
    const last = rows.total - 1;
    const end = columns.length - 1;
    const way = {
      ArrowDown: [row + 1, column], ArrowUp: [row - 1, column], ArrowRight: [row, column + 1], ArrowLeft: [row, column - 1],
      PageDown: [row + page, column], PageUp: [row - page, column],
      Home: event.ctrlKey ? [0, 0] : [row, 0], End: event.ctrlKey ? [last, end] : [row, end],
    }[event.key];
    if (event.altKey || event.metaKey) return;
    if (way) move(...way);
    else if (event.key === "Enter" || event.key === " ") onOpen(active.row);
    else return;
    event.preventDefault();
  });
  body.addEventListener("focusin", ({ target }) => {
    if (target.dataset.column) active = { row: Number(target.parentNode.dataset.row), column: Number(target.dataset.column) };
  });
  body.addEventListener("dblclick", ({ target }) => target.closest("[data-row]") && onOpen(Number(target.closest("[data-row]").dataset.row)));
  body.addEventListener("click", ({ target }) => target.matches("th.number") && onOpen(Number(target.parentNode.dataset.row)));
  scroller.addEventListener("scroll", () => {
    scroller.dataset.moving = "1";
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      show();
      delete scroller.dataset.moving;
    });
  }, { passive: true });
  new ResizeObserver(() => show()).observe(scroller);
  rows.onChange = () => show(true);
  show(true);
  return { element: scroller, focus: (row) => move(row, active.column) };
}

/** How wide a text is in the font of the table. */
function ruler() {
  const context = document.createElement("canvas").getContext("2d");
  const family = getComputedStyle(document.body).fontFamily;
  return (text, weight) => {
    context.font = `${weight} 14px ${family}`;
    return context.measureText(text).width;
  };
}

// --- One row, with all of its values in full --------------------------------------------------------

const MOST_MEMBERS = 500;

export function record(rows, at, { onClose }) {
  const list = h("dl", { class: "members" });
  const title = h("h2", { id: "record-title" });
  const step = (by, text) => h("button", { type: "button", onclick: () => show(place + by) }, text);
  const before = step(-1, "Previous");
  const after = step(1, "Next");
  const dialog = h("dialog", { class: "record", "aria-labelledby": "record-title" },
    h("header", {}, title, h("span", { class: "steps" }, before, after, h("button", { type: "button", onclick: () => dialog.close() }, "Close"))), list);
  let place = at;
  const render = () => {
    const row = rows.row(place);
    title.textContent = `Row ${count(place + 1)} of ${count(rows.total)}`;
    before.disabled = place === 0;
    after.disabled = place === rows.total - 1;
    if (!row) return fill(list, h("div", {}, h("dt", {}, "This row is on its way.")));
    return fill(list, rows.columns.slice(0, MOST_MEMBERS).map(({ id, said, type, label }) => h("div", {},
      h("dt", {}, h("bdi", {}, id), h("span", { class: "type" }, said ?? type), label && h("span", { class: "small" }, h("bdi", {}, label))),
      isEmpty(row[id]) ? h("dd", { class: "none" }, row[id] === "" ? "empty text" : "no value") : h("dd", { dir: "auto" }, shown(row[id]).slice(0, 20_000)))),
    rows.columns.length > MOST_MEMBERS && h("div", {}, h("dt", {}, `These are the first ${count(MOST_MEMBERS)} of ${count(rows.columns.length)} columns.`)));
  };
  function show(row) {
    place = Math.max(0, Math.min(rows.total - 1, row));
    rows.want(place, place + 1);
    render();
  }
  const changed = rows.onChange;
  rows.onChange = () => {
    changed();
    render();
  };
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    rows.onChange = changed;
    dialog.remove();
    onClose(place);
  });
  document.body.append(dialog);
  show(at);
  dialog.showModal();
}
