// A quick chart of a numeric column: a line over time, or how its values are distributed.

import { announce, count, fill, h, many, trouble, waiting } from "./dom.js";
import { values } from "./data.js";
import { instant, isEmpty, isNumeric, isTime, numeric, shown } from "./values.js";

const MOST_ROWS = 10_000;
/** More times than this are put together, because a screen has no more places. */
const MOST_PLACES = 160;
const WIDTH = 1000;

/** Draws the section; false if there is nothing to draw. */
export function chart(section, place, looked, signal) {
  const { columns } = looked.rows;
  const numbers = columns.filter(({ type, id }) => isNumeric(type) && id !== "_id").slice(0, 500);
  if (numbers.length === 0) return false;
  const times = columns.filter(({ type }) => isTime(type)).slice(0, 100);
  const begun = Array.from({ length: Math.min(100, looked.rows.total) }, (_, at) => looked.rows.row(at)).filter(Boolean);
  const says = ({ id }) => begun.some((row) => !isEmpty(row[id]));
  const first = [...numbers].sort((a, b) => rank(a) - rank(b) || says(b) - says(a))[0];
  const choose = (options, chosen, label) => {
    const select = h("select", {}, options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
    return { select, element: h("label", {}, label, " ", select) };
  };
  const what = choose(numbers.map(({ id }) => [id, id.slice(0, 80)]), first.id, "Column");
  const over = choose([...times.map(({ id }) => [`over ${id}`, `over ${id}`.slice(0, 80)]), ["", "how often values occur"]], times.length > 0 ? `over ${times[0].id}` : "", "Shown");
  const plot = h("div");
  let work = null;
  const draw = async () => {
    work?.abort();
    work = new AbortController();
    const mine = AbortSignal.any([work.signal, signal]);
    const column = what.select.value;
    const time = over.select.value.slice(5) || null;
    fill(plot, waiting("Asking for the values…"));
    try {
      const { rows, total } = await values(looked, place, time ? [time, column] : [column], MOST_ROWS, { signal: mine });
      if (mine.aborted) return;
      fill(plot, figure(rows, total, column, time, looked.whole === false));
    } catch (error) {
      if (!mine.aborted) fill(plot, trouble(error, [["Try again", draw]]));
    }
  };
  what.select.addEventListener("change", draw);
  over.select.addEventListener("change", draw);
  fill(section, h("div", { class: "section-head" }, h("h2", { id: "chart-title" }, "Chart")), h("div", { class: "choices" }, what.element, over.element), plot);
  draw();
  return true;
}

/** Numbers that name things say little in a chart. */
const rank = ({ id, type }) => (/(^|[_ .-])(id|ids|code|codi|codigo|código|cp|nif|lat|lon|lng|latitude|longitude|x|y|year|any|año)([_ .-]|$)/i.test(id) ? 2 : 0) + (type === "integer" ? 1 : 0);

function figure(rows, total, column, time, beginning) {
  const points = [];
  let empty = 0;
  let strange = 0;
  let timeless = 0;
  for (const row of rows) {
    const value = row[column];
    const y = numeric(value);
    const x = time ? instant(row[time]) : 0;
    if (isEmpty(value)) empty += 1;
    else if (!Number.isFinite(y)) strange += 1;
    else if (Number.isNaN(x)) timeless += 1;
    else points.push({ x, y, text: shown(value), when: time ? shown(row[time]) : null });
  }
  const said = [rows.length < total ? `The first ${count(rows.length)} of ${many(total, "row")}` : beginning ? `${many(rows.length, "row")} at the beginning of the file` : `All ${many(total, "row")}`];
  const left = [empty && `${count(empty)} without a value`, strange && `${count(strange)} whose value is no number`, timeless && `${count(timeless)} without a time`].filter(Boolean);
  if (left.length > 0) said.push(`left out: ${left.join(", ")}`);
  if (points.length === 0) return h("p", { class: "soft" }, `${said.join("; ")}. There is nothing to draw.`);
  const sorted = [...points].sort((a, b) => a.y - b.y);
  const [low, middle, high] = [sorted[0], sorted[(sorted.length - 1) >> 1], sorted.at(-1)];
  const drawn = time ? line(points, column, time) : histogram(sorted, column);
  const summary = `${said.join("; ")}. Lowest ${low.text}, median ${middle.text}, highest ${high.text}.`;
  announce(`Chart of ${column}. ${summary}`);
  return h("figure", { "aria-label": `${column}, ${time ? `over ${time}` : "how often each value occurs"}. ${summary}` }, drawn.element,
    h("figcaption", { class: "say" }, summary, drawn.note && ` ${drawn.note}`), asTable(drawn.table));
}

// --- Axes -----------------------------------------------------------------------------------------

/** Round numbers between two, and how many decimals they need. */
function ticks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough * 0.999);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const from = Math.ceil(low / step - 1e-9);
  const list = [];
  for (let at = from; at * step <= high + step * 1e-9 && list.length < 50; at += 1) list.push(Number((at * step).toFixed(Math.min(20, decimals))));
  return { list, step, text: (value) => (Math.abs(value) >= 1e15 || (value !== 0 && Math.abs(value) < 1e-6) ? value.toExponential() : value.toLocaleString("en", { minimumFractionDigits: Math.min(20, decimals), maximumFractionDigits: Math.min(20, decimals) })) };
}

const SPANS = [1, 5, 15, 30].map((n) => n * 1000).concat([1, 5, 15, 30].map((n) => n * 6e4), [1, 3, 6, 12].map((n) => n * 36e5), [1, 2, 7, 14].map((n) => n * 864e5));
const two = (number) => String(number).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Times at which a clock or calendar turns over. */
function timeTicks(low, high, most) {
  const step = SPANS.find((one) => (high - low) / one <= most);
  if (step) {
    // Days are counted from the first of the year, so that weeks do not jump.
    const origin = step >= 864e5 ? Date.UTC(new Date(low).getUTCFullYear(), 0, 1) : 0;
    const list = [];
    for (let at = origin + Math.ceil((low - origin) / step) * step; at <= high && list.length < 50; at += step) list.push(at);
    let day = null;
    return { list, text: (time) => {
      const date = new Date(time);
      const today = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
      const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}${step < 6e4 ? `:${two(date.getUTCSeconds())}` : ""}`;
      const text = step >= 864e5 ? today : clock === "00:00" || day === null ? `${today} ${clock}` : clock;
      day = today;
      return text;
    } };
  }
  const months = (high - low) / (30.44 * 864e5);
  const every = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200].find((one) => months / one <= most) ?? 12_000;
  const list = [];
  const start = new Date(low);
  const first = start.getUTCFullYear() * 12 + start.getUTCMonth();
  const utc = (month) => {
    const date = new Date(0);
    date.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
    return date.getTime();
  };
  for (let month = Math.ceil(first / every) * every; utc(month) <= high && list.length < 50; month += every) if (utc(month) >= low) list.push(utc(month));
  return { list, text: (time) => {
    const date = new Date(time);
    return every >= 12 ? String(date.getUTCFullYear()) : `${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  } };
}

const narrow = () => document.documentElement.clientWidth < 640;

/** The frame of a chart: where values are on it, its axes, and what follows the pointer and the arrow keys. */
function frame({ low, high, zero, counts = false, xs, xText, xTicks, unit, places, read, paint, label }) {
  const small = narrow();
  const width = small ? 340 : WIDTH;
  const height = small ? 230 : 320;
  // A tick of half a row says nothing.
  const y = ticks(low, high, Math.min(small ? 4 : 6, counts ? Math.max(1, high - low) : Infinity));
  const floor = zero ? Math.min(0, low) : Math.min(low, y.list[0] ?? low);
  const margin = { left: Math.max(28, ...y.list.map((value) => y.text(value).length * 7.4)) + 12, right: 12, top: 14, bottom: 28 };
  const range = high - floor || 1;
  const sy = (value) => height - margin.bottom - ((value - floor) / range) * (height - margin.top - margin.bottom);
  const sx = (value) => margin.left + ((value - xs[0]) / (xs[1] - xs[0] || 1)) * (width - margin.left - margin.right);
  const guide = h("g", { visibility: "hidden" });
  const svg = h("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" },
    y.list.map((value) => [h("line", { class: "axis", x1: margin.left, x2: width - margin.right, y1: sy(value), y2: sy(value) }),
      h("text", { x: margin.left - 8, y: sy(value) + 4, "text-anchor": "end" }, y.text(value))]),
    h("line", { class: "base", x1: margin.left, x2: width - margin.right, y1: height - margin.bottom, y2: height - margin.bottom }),
    xTicks.map((value) => {
      const at = sx(value);
      const text = xText(value);
      const anchor = at + text.length * 3.7 > width ? "end" : at - text.length * 3.7 < 0 ? "start" : "middle";
      return [h("line", { class: "base", x1: at, x2: at, y1: height - margin.bottom, y2: height - margin.bottom + 4 }), h("text", { x: anchor === "end" ? Math.min(at, width) : at, y: height - margin.bottom + 19, "text-anchor": anchor }, text)];
    }),
    paint(sx, sy, floor), guide);
  const readout = h("p", { class: "readout" }, h("span", { class: "soft" }, unit));
  const touch = h("div", { class: "touch", role: "slider", tabindex: "0", "aria-label": label, "aria-orientation": "horizontal", "aria-valuemin": 1, "aria-valuemax": places.length, "aria-valuenow": 1, "aria-valuetext": "Arrow keys read the values" });
  let now = -1;
  const at = (index) => {
    now = Math.max(0, Math.min(places.length - 1, index));
    const { text, parts } = read(places[now]);
    touch.setAttribute("aria-valuenow", String(now + 1));
    touch.setAttribute("aria-valuetext", text);
    fill(readout, parts);
    const x = sx(places[now].middle ?? places[now].x);
    fill(guide, h("line", { class: "guide", x1: x, x2: x, y1: margin.top, y2: height - margin.bottom }), h("circle", { class: "here", cx: x, cy: sy(places[now].y), r: 4 }));
    guide.setAttribute("visibility", "visible");
  };
  const follow = (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    let best = 0;
    let low = 0;
    let high = places.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sx(places[middle].middle ?? places[middle].x) < x) low = middle + 1;
      else high = middle;
    }
    best = low > 0 && Math.abs(sx(places[low - 1].middle ?? places[low - 1].x) - x) < Math.abs(sx(places[low].middle ?? places[low].x) - x) ? low - 1 : low;
    at(best);
  };
  touch.addEventListener("pointermove", follow);
  touch.addEventListener("pointerdown", follow);
  touch.addEventListener("pointerleave", ({ pointerType }) => {
    // A finger that is lifted leaves what it pointed at.
    if (pointerType === "touch" || document.activeElement === touch) return;
    guide.setAttribute("visibility", "hidden");
    fill(readout, h("span", { class: "soft" }, unit));
  });
  touch.addEventListener("keydown", (event) => {
    const leap = Math.max(1, Math.round(places.length / 10));
    const to = { ArrowRight: now + 1, ArrowUp: now + 1, ArrowLeft: now - 1, ArrowDown: now - 1, PageUp: now + leap, PageDown: now - leap, Home: 0, End: places.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    at(to);
  });
  return h("div", {}, h("div", { class: "plot" }, svg, touch), readout);
}

// --- A line over time -----------------------------------------------------------------------------

const moment = (time, precise) => {
  const text = new Date(time).toISOString();
  return precise ? text.replace("T", " ").replace(/(:00)?\.000Z$/, "") : text.slice(0, 10);
};

function line(points, column, time) {
  points.sort((a, b) => a.x - b.x);
  const [from, to] = [points[0].x, points.at(-1).x];
  const precise = points.some(({ x }) => x % 864e5 !== 0);
  let groups = gather(points, ({ x }) => x);
  let step = 0;
  if (groups.length > MOST_PLACES) {
    step = [...SPANS, 2592e6, 7776e6, 31_557_600e3].find((one) => (to - from) / one <= MOST_PLACES) ?? (to - from) / MOST_PLACES;
    groups = gather(points, ({ x }) => Math.floor(x / step) * step);
  }
  const places = groups.map(({ key, members }) => {
    const sorted = [...members].sort((a, b) => a.y - b.y);
    const middle = sorted[(sorted.length - 1) >> 1];
    return { x: key, y: middle.y, text: middle.text, low: sorted[0], high: sorted.at(-1), count: members.length, when: step || members.length > 1 ? moment(key, precise && !(step >= 864e5)) : members[0].when };
  });
  const several = places.some((one) => one.count > 1);
  const low = Math.min(...places.map((one) => one.low.y));
  const high = Math.max(...places.map((one) => one.high.y));
  const [bottom, top] = low === high ? [low - 1, high + 1] : [low, high];
  const zero = bottom >= 0 && bottom < (top - bottom) * 0.6;
  const axis = timeTicks(from, to, narrow() ? 3 : 7);
  const read = (one) => ({
    text: `${one.when}: ${one.text}${one.count > 1 ? `, median of ${one.count} rows from ${one.low.text} to ${one.high.text}` : ""}`,
    parts: [h("span", { class: "soft" }, `${one.when}  `), h("b", {}, one.text), one.count > 1 && h("span", { class: "soft" }, `  median of ${many(one.count, "row")}, from ${one.low.text} to ${one.high.text}`)],
  });
  const d = (list) => list.map(([x, y], index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  const element = frame({
    low: zero ? 0 : bottom, high: top, zero, xs: from === to ? [from - 1, to + 1] : [from, to], xTicks: from === to ? [from] : axis.list, xText: from === to ? () => moment(from, precise) : axis.text,
    unit: "Point at the chart, or use the arrow keys, to read values.", places, read, label: `${column} over ${time}`,
    paint: (sx, sy) => [
      several && h("path", { class: "band", d: `${d([...places.map((one) => [sx(one.x), sy(one.high.y)]), ...[...places].reverse().map((one) => [sx(one.x), sy(one.low.y)])])}Z` }),
      h("path", { class: "line", d: d(places.map((one) => [sx(one.x), sy(one.y)])) }),
      places.length <= 60 && places.map((one) => h("circle", { class: "dot", cx: sx(one.x), cy: sy(one.y), r: 2.5 }))],
  });
  const note = several ? `Several rows share a ${step ? "span of time" : "time"}: the line is their median, the band goes from the lowest to the highest.` : "";
  return { element, note, table: { heads: [time, several ? `${column}, median` : column, ...(several ? ["lowest", "highest", "rows"] : [])],
    rows: places.map((one) => [one.when, one.text, ...(several ? [one.low.text, one.high.text, count(one.count)] : [])]) } };
}

function gather(points, keyOf) {
  const groups = [];
  for (const point of points) {
    const key = keyOf(point);
    if (groups.at(-1)?.key === key) groups.at(-1).members.push(point);
    else groups.push({ key, members: [point] });
  }
  return groups;
}

// --- How often each value occurs ----------------------------------------------------------------------

function histogram(sorted, column) {
  const [low, high] = [sorted[0].y, sorted.at(-1).y];
  // Edges are round numbers, so that a bar says exactly what it counts.
  const axis = low === high ? { list: [low, low + 1], step: 1, text: (value) => String(value) } : ticks(low, high, Math.min(40, Math.max(10, Math.ceil(1.5 * Math.sqrt(sorted.length)))));
  const { step } = axis;
  const whole = sorted.every(({ y }) => Number.isInteger(y));
  const width = whole ? Math.max(1, step) : step;
  const from = Math.floor(low / width + 1e-9);
  const bins = [];
  for (let at = from; at * width <= high + width * 1e-9 && bins.length < 200; at += 1) bins.push({ x: round(at * width), to: round((at + 1) * width), middle: round((at + 0.5) * width), y: 0 });
  for (const { y } of sorted) {
    const bin = bins.findLast((one) => one.x <= y) ?? bins[0];
    bin.y += 1;
  }
  const most = Math.max(...bins.map((bin) => bin.y));
  const edge = (value) => axis.text(value);
  const named = (bin) => (whole && width === 1 ? edge(bin.x) : `${edge(bin.x)} up to ${edge(bin.to)}`);
  const xs = [bins[0].x, bins.at(-1).to];
  const marks = ticks(xs[0], xs[1], narrow() ? 4 : 10);
  const element = frame({
    low: 0, high: most, zero: true, counts: true, xs, xTicks: marks.list, xText: marks.text, unit: "Each bar counts the rows whose value lies in its span. Point at one, or use the arrow keys.", places: bins, label: `How often each value of ${column} occurs`,
    read: (bin) => ({ text: `${named(bin)}: ${many(bin.y, "row")}`, parts: [h("span", { class: "soft" }, `${named(bin)}  `), h("b", {}, many(bin.y, "row"))] }),
    paint: (sx, sy) => bins.map((bin) => h("rect", { class: "bar", x: sx(bin.x) + 0.5, width: Math.max(1, sx(bin.to) - sx(bin.x) - 1), y: sy(bin.y), height: Math.max(0, sy(0) - sy(bin.y)) })),
  });
  return { element, note: whole && width === 1 ? "" : `A bar has the values from its left edge up to, but without, its right one; each is ${axis.text(width)} wide.`, table: { heads: [column, "rows"], rows: bins.map((bin) => [named(bin), count(bin.y)]) } };
}

const round = (value) => Number(value.toPrecision(12));

function asTable({ heads, rows }) {
  const holder = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The values of the chart" });
  const details = h("details", { class: "chart-table" }, h("summary", {}, "The same as a table"), holder);
  details.addEventListener("toggle", () => {
    if (details.open && !holder.firstChild) holder.append(h("table", { class: "plain" }, h("thead", {}, h("tr", {}, heads.map((text, at) => h("th", { scope: "col", class: at > 0 ? "right" : null }, text)))),
      h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((text, at) => h("td", { class: at > 0 ? "right" : null }, text)))))));
  });
  return details;
}
