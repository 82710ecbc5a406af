// The page: find, preview, snippets, verdict, chart; and the status view. What it shows stands in the
// fragment of its URL, so that a link leads to the same place.

import * as unpad from "./unpad.js";
import { announce, bytes, copyButton, count, day, fill, fragment, h, link, many, span, theirs, trouble, waiting } from "./dom.js";
import { bridged, look } from "./data.js";
import { grid, record } from "./grid.js";
import { safeName, snippets } from "./snippets.js";
import { verdict } from "./verdict.js";
import { tree } from "./tree.js";

const at = (id) => document.getElementById(id);
const [form, input, trail, found] = ["ask", "what", "trail", "found"].map(at);
const base = () => unpad.gateway();
const here = (id) => `${base()}/p/${encodeURIComponent(id)}`;
const AT_ONCE = 20;
/** Whose datasets unpad can search. */
const searchable = (portal) => portal.dialect === "ckan" || portal.dialect === "socrata";
const titleOf = (portal) => portal.title || portal.id;

let registry = null;
let work = new AbortController();
let shown = {};
const remembered = new Map();

/** What has been fetched, so that the way back needs nobody. */
function once(key, make) {
  if (!remembered.has(key)) {
    const made = make();
    remembered.set(key, made);
    made.catch(() => remembered.delete(key));
    if (remembered.size > 40) remembered.delete(remembered.keys().next().value);
  }
  return remembered.get(key);
}

// --- Where one is -----------------------------------------------------------------------------------

function read() {
  const text = location.hash.slice(1);
  if (text === "status") return { view: "status" };
  const state = { view: "data" };
  const members = new URLSearchParams(text);
  for (const name of ["portal", "q", "dataset", "resource", "path"]) if (members.get(name)) state[name] = members.get(name);
  return state;
}

function go(state, replace = false) {
  const to = new URL(fragment(state), location.href);
  if (to.href === location.href) return render();
  history[replace ? "replaceState" : "pushState"](null, "", to);
  return render();
}

addEventListener("popstate", () => render());

const isReference = (text) => /^(https?:)?\/\/\S+$/i.test(text) || /^www\.\S+\.\S+$/i.test(text) || /^\/?[\w.-]+\/\S+$/.test(text);

/** The state that shows what a reference stands for. */
async function stateOf(reference) {
  const { portal, dialect, kind, dataset, resource, url } = await unpad.resolve(reference);
  if (kind === "portal") return { portal };
  if (dialect === "ckan" && resource) return { portal, dataset, resource };
  if (dialect === "ckan" && kind === "dataset") return { portal, dataset };
  const prefix = here(portal);
  const path = url.startsWith(prefix) ? url.slice(prefix.length).replace(/^\/+/, "") : "";
  return path ? { portal, path } : { portal };
}

async function follow(reference) {
  announce("Finding what this link stands for.");
  try {
    const state = await stateOf(reference.trim());
    input.value = "";
    go(state);
  } catch (error) {
    hideAll();
    fill(trail);
    fill(found, trouble(error, [["All portals", "#"], ["Try again", () => follow(reference)]]));
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  const state = read();
  if (isReference(text)) return follow(text);
  if (state.portal) return go({ portal: state.portal, q: text });
  const fit = fitting(text);
  return fit.length === 1 ? go({ portal: fit[0].id }) : go({ q: text }, true);
});

input.addEventListener("paste", (event) => {
  const text = (event.clipboardData?.getData("text") ?? "").trim();
  if (input.value.trim() !== "" || !/^https?:\/\/\S+$/i.test(text)) return;
  event.preventDefault();
  input.value = text;
  follow(text);
});

let typing;
input.addEventListener("input", () => {
  const text = input.value.trim();
  const state = read();
  clearTimeout(typing);
  if (state.view === "status" || isReference(text) || /^https?:/i.test(text)) return;
  if (!state.portal) go({ q: text }, true);
  else if (!state.dataset && !state.path && searchable(one(state.portal) ?? {})) typing = setTimeout(() => go({ portal: state.portal, q: text }, true), 300);
});

at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  at("main").focus();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(input|textarea|select)$/i.test(event.target.tagName) && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    input.focus();
  }
  if (event.key === "Escape" && event.target === input && input.value) {
    input.value = "";
    input.dispatchEvent(new Event("input"));
  }
});

// --- Drawing ----------------------------------------------------------------------------------------

const sections = ["preview", "snippets", "verdict", "chart"].map(at);
const one = (id) => registry?.find((portal) => portal.id === id);
const hideAll = () => sections.forEach((section) => (section.hidden = true));

async function render() {
  const state = read();
  const before = shown;
  shown = state;
  const status = state.view === "status";
  document.querySelectorAll("nav [data-view]").forEach((item) => (item.dataset.view === state.view ? item.setAttribute("aria-current", "page") : item.removeAttribute("aria-current")));
  at("find").hidden = status;
  at("status").hidden = !status;
  work.abort();
  work = new AbortController();
  const { signal } = work;
  if (status) {
    hideAll();
    document.title = "Status · unpad";
    const module = await import("./status.js");
    if (!signal.aborted) module.status(at("status"), signal);
    return;
  }
  try {
    if (!registry) fill(found, waiting("Asking the gateway for its portals…"));
    registry ??= await unpad.portals();
  } catch (error) {
    return fill(found, trouble(error, [["Try again", () => render()]]));
  }
  if (signal.aborted) return;
  // With a single portal there is nothing to choose.
  if (!state.portal && registry.length === 1) return go({ ...state, portal: registry[0].id }, true);
  await draw(state, before, signal);
}

async function draw(state, before, signal) {
  const portal = one(state.portal);
  const samePlace = before.portal === state.portal && before.dataset === state.dataset;
  if (!samePlace || before.resource !== state.resource || before.path !== state.path) hideAll();
  if (document.activeElement !== input) input.value = state.dataset || state.path ? "" : state.q ?? "";
  at("what-label").textContent = portal ? (searchable(portal) ? `Search the datasets of ${titleOf(portal)}, or paste a link` : "Paste a link") : `Search ${many(registry.length, "portal")}, or paste a link`;
  at("welcome").hidden = Boolean(state.portal);
  at("what-hint").hidden = Boolean(state.dataset || state.path);
  if (!state.portal) {
    document.title = "unpad: open data, ready to read";
    fill(trail);
    return drawPortals(state);
  }
  if (!portal) {
    fill(trail);
    return fill(found, trouble(new unpad.UnpadError(`There is no portal “${state.portal}” here`, "The link that led here may be of another gateway.", "Search for the portal, or paste a link of its."), [["All portals", "#"]]));
  }
  document.title = `${titleOf(portal)} · unpad`;
  drawTrail(state, portal);
  if (state.resource && !state.dataset) return findDataset(state, portal, signal);
  if (state.dataset) return drawDataset(state, before, portal, signal);
  if (state.path) return drawPath(state, portal, signal);
  return searchable(portal) ? drawSearch(state, before, portal, signal) : drawPathForm(portal, signal);
}

function drawTrail({ q, dataset, path }, portal, title = dataset) {
  const steps = [];
  if (registry.length > 1) steps.push(["All portals", "#"]);
  steps.push([titleOf(portal), fragment({ portal: portal.id })]);
  if (q && dataset) steps.push([`“${q}”`, fragment({ portal: portal.id, q })]);
  if (dataset) steps.push([title, null]);
  else if (path) steps.push(["A path", null]);
  if (steps.length < 2) return fill(trail);
  return fill(trail, h("ol", {}, steps.map(([text, to], index) => h("li", {}, to && index < steps.length - 1
    ? h("a", { href: to }, theirs(text)) : theirs(text, "bdi", { "aria-current": "page" })))));
}

// --- Portals ----------------------------------------------------------------------------------------

const regions = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" });
function countryOf({ country }) {
  if (country === "INT") return "International";
  if (country === "EU") return "European Union";
  try {
    return (country && regions.of(country)) ?? country ?? "";
  } catch {
    return country ?? "";
  }
}
const softwareOf = ({ software }) => (/^[a-z]+$/.test(software ?? "") ? { ckan: "CKAN", socrata: "Socrata", erddap: "ERDDAP", udata: "udata" }[software] ?? software : software ?? "");
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function fitting(text) {
  const words = plain(text).split(/\s+/).filter(Boolean);
  return registry.filter((portal) => {
    const all = plain([portal.id, portal.title, countryOf(portal), portal.country, portal.software, portal.home].filter(Boolean).join(" "));
    return words.every((word) => all.includes(word));
  });
}

function drawPortals({ q = "" }) {
  const fit = fitting(q);
  announce(q ? `${many(fit.length, "portal")} found.` : "");
  const none = () => h("div", { class: "trouble" }, h("p", { class: "trouble-title" }, theirs(`No portal here has “${q}” in its title, id or country`)),
    h("p", {}, "A link of a portal can be pasted as it is. If the portal is not here, whoever runs this gateway can add it."), h("p", { class: "ways" }, h("button", { type: "button", onclick: () => {
      input.value = "";
      go({}, true);
      input.focus();
    } }, "All portals")));
  fill(found,
    fit.length === 0 ? none() : [
      h("div", { class: "summary" }, h("h2", {}, q ? `${count(fit.length)} of ${many(registry.length, "portal")}` : many(fit.length, "portal"))),
      h("ul", { class: "portals" }, fit.map((portal) => h("li", {}, h("a", { href: fragment({ portal: portal.id }) },
        theirs(titleOf(portal), "b"), h("span", {}, [portal.title && portal.id, countryOf(portal), softwareOf(portal)].filter(Boolean).join(" · ")),
        portal.health?.state && portal.health.state !== "ok" && h("span", {}, portal.health.state === "suspended" ? " · does not answer now" : " · failing"))))),
    ]);
}

const portalHead = (portal) => h("div", { class: "head" }, theirs(titleOf(portal), "h1", { tabindex: "-1" }),
  h("p", { class: "meta" }, h("span", { class: "mono" }, portal.id), [countryOf(portal), ["plain", "generic"].includes(portal.software) ? "" : softwareOf(portal)].map((text) => text && h("span", {}, text)),
    portal.home && link(portal.home, "Web site"), portal.licence && h("span", {}, "Licence ", /^https?:/.test(portal.licence) ? link(portal.licence) : theirs(portal.licence))),
  portal.notes && theirs(portal.notes, "p", { class: "notes small" }),
  portal.health?.state !== "ok" && portal.health?.state && h("p", { class: "small stale-note" }, portal.health.state === "suspended"
    ? `The portal does not answer, and is left alone${portal.health.retry_after_s ? ` for ${span(portal.health.retry_after_s)}` : " for a while"}. What the gateway has of it is still served.` : "The portal's last answers failed."));

// --- Datasets ---------------------------------------------------------------------------------------

async function drawSearch(state, before, portal, signal) {
  const { q = "" } = state;
  const again = before.portal === state.portal && !before.dataset && !before.path && found.querySelector("#results");
  let results = found.querySelector("#results");
  if (!again) {
    results = h("div", { id: "results" });
    fill(found, portalHead(portal), results);
  }
  results.setAttribute("aria-busy", "true");
  if (!results.firstChild) fill(results, waiting("Asking the portal for its datasets…"));
  drawVerdict(portal, null, signal);
  const key = `datasets ${portal.id} ${q}`;
  try {
    const lists = await once(key, async () => [await unpad.datasets(portal.id, q, { limit: AT_ONCE })]);
    if (signal.aborted) return;
    const list = h("ul", { class: "datasets" });
    const more = h("p", { class: "more" });
    const { total } = lists[0];
    const add = (datasets) => list.append(...datasets.map((dataset) => h("li", {}, h("a", { href: hrefOf(portal, dataset, q) },
      theirs(dataset.title, "b"),
      dataset.notes && theirs(dataset.notes.slice(0, 400), "p"),
      h("p", { class: "meta" }, dataset.organization && theirs(dataset.organization), dataset.formats.length > 0 && h("span", {}, theirs(some(dataset.formats))), dataset.modified && h("span", {}, `changed ${day(dataset.modified)}`))))));
    lists.forEach(add);
    const got = () => lists.reduce((sum, part) => sum + part.length, 0);
    const offer = () => (got() < total && lists.at(-1).length > 0 ? fill(more, h("button", { type: "button", onclick: next }, `More (${count(got())} of ${count(total)})`)) : fill(more));
    async function next() {
      const from = got();
      fill(more, waiting("Asking for more…"));
      try {
        const datasets = await unpad.datasets(portal.id, q, { limit: AT_ONCE, offset: from, signal });
        lists.push(datasets);
        add(datasets);
        announce(`${many(got(), "dataset")} of ${count(total)} are listed.`);
        list.children[from]?.querySelector("a").focus();
        offer();
      } catch (error) {
        if (!signal.aborted) fill(more, trouble(error, [["Try again", next]]));
      }
    }
    offer();
    const words = total === 0 ? (q ? `No dataset has “${q}”` : "This portal lists no datasets") : `${many(total, "dataset")}${q ? ` with “${q}”` : ""}`;
    announce(words);
    fill(results, h("div", { class: "summary" }, h("h2", {}, theirs(words))),
      total === 0 && q && h("p", { class: "soft" }, "Fewer or other words may find more; most portals expect their own language."), list, more);
  } catch (error) {
    if (!signal.aborted) fill(results, trouble(error, [["Try again", () => render()], ...(registry.length > 1 ? [["All portals", "#"]] : [])]));
  } finally {
    results.removeAttribute("aria-busy");
  }
}

const some = (names) => (names.length > 6 ? `${names.slice(0, 6).join(", ")} and ${names.length - 6} more` : names.join(", ")).slice(0, 120);

/** Where a dataset that was found is shown: software without lists of resources says its path at once. */
function hrefOf(portal, dataset, q) {
  if (portal.dialect === "ckan") return fragment({ portal: portal.id, q, dataset: dataset.name });
  const prefix = `${portal.id}/`;
  return dataset.reference?.startsWith(prefix) ? fragment({ portal: portal.id, path: dataset.reference.slice(prefix.length) })
    : /^https?:/.test(dataset.reference ?? "") ? dataset.reference : fragment({ portal: portal.id });
}

async function findDataset({ portal: id, resource }, portal, signal) {
  fill(found, waiting("Asking which dataset this is of…"));
  try {
    const document = await unpad.readJSON(`${here(id)}/api/3/action/resource_show?id=${encodeURIComponent(resource)}`, { signal });
    const dataset = document?.result?.package_id;
    if (!dataset) throw new unpad.UnpadError("The portal does not say which dataset this is of", `It knows the resource ${resource}.`, "Search for the dataset by a word of its title.");
    if (!signal.aborted) go({ portal: id, dataset, resource }, true);
  } catch (error) {
    if (!signal.aborted) fill(found, trouble(error, [["Try again", () => render()], [`Search ${titleOf(portal)}`, fragment({ portal: id })]]));
  }
}

// --- A dataset --------------------------------------------------------------------------------------

async function drawDataset(state, before, portal, signal) {
  const same = before.portal === state.portal && before.dataset === state.dataset && found.querySelector("#resources");
  if (!same) fill(found, waiting("Asking the portal for this dataset…"));
  let dataset;
  let list;
  try {
    [dataset, list] = await once(`dataset ${portal.id} ${state.dataset}`, () => Promise.all([
      unpad.readJSON(`${portal.id}/dataset/${encodeURIComponent(state.dataset)}`), unpad.resources(portal.id, state.dataset)]));
  } catch (error) {
    if (!signal.aborted) fill(found, trouble(error, [["Try again", () => render()], [`Search ${titleOf(portal)}`, fragment({ portal: portal.id })]]));
    return;
  }
  if (signal.aborted) return;
  const title = dataset.title || dataset.name || state.dataset;
  drawTrail(state, portal, title);
  document.title = `${title} · unpad`;
  const ordered = [...list].sort((a, b) => b.inDatastore - a.inDatastore);
  const chosen = ordered.find((resource) => resource.id === state.resource);
  const shownResources = chosen && ordered.length > 6 && !same ? [chosen] : ordered;
  const drawList = (some) => h("ul", { class: "resources", id: "resources" }, some.map((resource) => h("li", {}, h("a", {
    href: fragment({ portal: portal.id, q: state.q, dataset: state.dataset, resource: resource.id }), "aria-current": resource.id === state.resource ? "true" : null },
  h("span", { class: "format" }, theirs(resource.format || "—")),
  h("b", {}, theirs(resource.name), resource.inDatastore && h("span", { class: "tag" }, "table")),
  h("span", { class: "size" }, resource.bytes === null ? "" : bytes(resource.bytes)), h("span", { class: "when" }, resource.modified ? day(resource.modified) : "")))));
  if (same && found.querySelector("#resources").childElementCount === ordered.length) {
    found.querySelectorAll("#resources a").forEach((item, index) => (ordered[index] === chosen ? item.setAttribute("aria-current", "true") : item.removeAttribute("aria-current")));
  } else {
    const notes = dataset.notes && theirs(dataset.notes, "p", { class: "notes clamped" });
    const about = h("div", { class: "head" }, theirs(title, "h1", { tabindex: "-1", class: title.length > 80 ? "long" : null }),
      h("p", { class: "meta" }, (dataset.organization?.title || dataset.organization?.name) && theirs(dataset.organization.title || dataset.organization.name),
        dataset.metadata_modified && h("span", {}, `changed ${day(dataset.metadata_modified)}`),
        (dataset.license_title || dataset.license_id) && h("span", {}, "Licence ", dataset.license_url ? link(dataset.license_url, dataset.license_title || dataset.license_id) : theirs(dataset.license_title || dataset.license_id)),
        portal.home && link(`${portal.home.replace(/\/+$/, "")}/dataset/${encodeURIComponent(dataset.name ?? state.dataset)}`, "At the portal")), notes);
    const rest = shownResources.length < ordered.length && h("p", { class: "more" }, h("button", { type: "button", onclick: ({ target }) => {
      const whole = drawList(ordered);
      found.querySelector("#resources").replaceWith(whole);
      target.parentNode.remove();
      whole.querySelector("a").focus();
    } }, `All ${many(ordered.length, "resource")}`));
    fill(found, about, h("div", { class: "summary" }, h("h2", {}, ordered.length === 0 ? "This dataset has no resources" : many(ordered.length, "resource"))), drawList(shownResources), rest);
    if (notes && notes.scrollHeight > notes.clientHeight + 2)
      notes.after(h("button", { type: "button", class: "quiet link", "aria-expanded": "false", onclick: ({ target }) => {
        const clamped = notes.classList.toggle("clamped");
        target.setAttribute("aria-expanded", String(!clamped));
        target.textContent = clamped ? "More" : "Less";
      } }, "More"));
    if (!state.resource && before.view === "data") found.querySelector("h1").focus({ preventScroll: true });
  }
  if (state.resource && !chosen) {
    found.append(trouble(new unpad.UnpadError("This dataset does not have that resource", `${state.resource} may have been replaced since the link was made.`, "Choose one of those above.")));
    return;
  }
  if (!chosen) {
    announce(`${title}: ${many(ordered.length, "resource")}`);
    drawVerdict(portal, null, signal);
    return;
  }
  drawPreview({ portal: portal.id, resource: chosen, title: chosen.name, dataset }, portal, signal, same);
}

// --- A path -----------------------------------------------------------------------------------------

function drawPathForm(portal, signal) {
  const field = h("input", { id: "path", type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", class: "mono" });
  const open = (text) => {
    const path = text.trim().replace(/^\/+/, "");
    if (/^https?:/i.test(path)) follow(path);
    else if (path) go({ portal: portal.id, path });
  };
  const prefix = `/p/${portal.id}/`;
  fill(found, portalHead(portal), h("div", { class: "remark" }, h("h2", {}, "No search for this software"),
    h("p", {}, `${["plain", "generic"].includes(portal.software) ? "unpad knows no catalogue of this portal" : `This portal runs ${softwareOf(portal)}, whose catalogue unpad cannot search`}. What you know the path or link of can be opened.`)),
  h("form", { onsubmit: (event) => {
    event.preventDefault();
    open(field.value);
  } }, h("label", { for: "path", class: "small" }, `Path below ${prefix}`), h("div", { class: "field" }, field, h("button", { type: "submit" }, "Open"))),
  portal.examples?.length > 0 && [h("h3", {}, "To try"), h("ul", {}, portal.examples.map((example) => h("li", { class: "break" }, h("a", { class: "mono", href: fragment({ portal: portal.id, path: example.replace(/^.*?\/p\/[^/]+\//, "") }) }, example.replace(/^.*?\/p\/[^/]+/, "")))))]);
  drawVerdict(portal, null, signal);
}

function drawPath(state, portal, signal) {
  fill(found, h("div", { class: "head" }, h("h1", { class: "break" }, decoded(state.path).slice(0, 300)), h("p", { class: "meta" }, h("span", {}, titleOf(portal)), h("span", { class: "mono" }, portal.id))));
  drawPreview({ portal: portal.id, resource: null, path: state.path, title: lastOf(state.path) }, portal, signal, false);
}

function decoded(text) {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}
const lastOf = (path) => decoded(path.split(/[?#]/)[0].split("/").filter(Boolean).pop() ?? "data");

// --- Preview ----------------------------------------------------------------------------------------

async function drawPreview(place, portal, signal, focus, refresh = false) {
  const section = at("preview");
  const heading = h("h2", { id: "preview-title", tabindex: "-1" }, "Preview");
  section.hidden = false;
  fill(section, h("div", { class: "section-head" }, heading), waiting(refresh ? "Asking the portal again…" : "Asking for the first rows…"));
  section.setAttribute("aria-busy", "true");
  if (focus) {
    heading.focus({ preventScroll: true });
    section.scrollIntoView({ block: "nearest" });
  }
  const target = { portal: place.portal, resource: place.resource, path: place.path };
  let looked;
  try {
    looked = await look(target, { signal, refresh });
  } catch (error) {
    if (signal.aborted) return;
    const url = place.resource?.url;
    fill(section, h("div", { class: "section-head" }, heading), trouble(error, [["Try again", () => drawPreview(place, portal, signal, true, true)]]),
      url && h("p", { class: "say" }, "The portal's own link, past this gateway: ", link(url, url, { class: "break" })));
    const opaque = { kind: kindBySaid(place), url: bridged({ portal: place.portal, resource: place.resource?.id, path: place.path }), told: null };
    drawSnippets(place, { ...opaque, file: opaque.url });
    drawVerdict(portal, url ?? null, signal);
    at("chart").hidden = true;
    return;
  } finally {
    section.removeAttribute("aria-busy");
  }
  if (signal.aborted) return;
  const { rows, told } = looked;
  const again = h("button", { type: "button", class: "quiet", onclick: () => drawPreview(place, portal, signal, true, true) }, "Ask the portal again");
  const size = looked.length === null || looked.length === undefined ? null : bytes(looked.length);
  const words = rows ? `${many(rows.total, "row")}${looked.whole === false ? " at its beginning" : ""}, ${many(rows.columns.length, "column")}` : size ?? "";
  const slow = h("div");
  const shownRows = rows && grid(rows, { label: `Rows of ${place.title}`, onOpen: (row) => record(rows, row, { onClose: (last) => shownRows.focus(last) }) });
  if (shownRows) {
    const drawn = rows.onChange;
    rows.onChange = () => {
      drawn();
      fill(slow, rows.failure && trouble(rows.failure, [["Try again", () => rows.retry()]]));
    };
  }
  fill(section, h("div", { class: "section-head" }, heading, h("p", { class: "small" }, words)),
    looked.notes.map((text) => h("p", { class: "remark soft" }, text)),
    rows && rows.total > 0 && shownRows.element,
    rows && rows.total === 0 && h("p", { class: "soft" }, "It has columns, but no rows."),
    slow,
    looked.tree !== undefined && looked.tree !== null ? tree(looked.tree) : looked.tree === null && !rows && !looked.text ? h("p", {}, "null") : null,
    looked.text && h("pre", { class: "raw", tabindex: "0", role: "region", "aria-label": `The beginning of ${place.title}` }, looked.text),
    rows && rows.total > 0 && h("p", { class: "under" }, h("span", {}, "A click on a row's number, or Enter, opens the row in full. – stands for no value."), again),
    !rows && h("p", { class: "under" }, h("span"), again),
    facts(portal, looked));
  announce(`Preview: ${words}`);
  drawSnippets(place, looked);
  drawVerdict(portal, told?.source ?? null, signal);
  drawChart(place, looked, signal);
}

const kindBySaid = ({ resource, path }) => {
  const said = resource?.format || path || "";
  return resource?.inDatastore ? "table" : /csv|tsv/i.test(said) ? "csv" : /json/i.test(said) ? "json" : "file";
};

/** What the cache knows and which policy applies, in words. */
function facts(portal, { told, length }) {
  const age = Math.max(0, (Date.now() - told.retrieved) / 1000);
  const { cache } = told;
  const left = cache.ttl !== null && cache.ttl > 0 ? `; fresh for ${cache.hit ? "another " : ""}${span(Math.max(1, cache.ttl))}` : "";
  const known = cache.stale && !cache.hit ? `The portal does not answer now. This is what it gave ${span(age)} ago.`
    : cache.stale ? `From the cache, from ${span(age)} ago: no longer fresh, and being checked with the portal.`
      : cache.hit ? `From the cache: the portal gave it ${span(age)} ago${left}.`
        : cache.text === null ? `The gateway does not say. The portal gave it ${span(age)} ago.`
          : `Asked of the portal ${age < 5 ? "just now" : `${span(age)} ago`}, and ${cache.stored ? `kept${left}` : "not kept"}.`;
  const { freshness } = portal.policy ?? {};
  const policy = !freshness ? null : freshness.decided_by === "portal"
    ? `The portal decides how long its answers are fresh${freshness.default_s ? `; where it does not, ${span(freshness.default_s)}` : ""}.`
    : `Answers are fresh for ${span(freshness.default_s ?? 0)} unless a kind of answer has its own time.`;
  const after = freshness && ` After that, a stale one is used for ${span(freshness.stale_while_revalidate_s)} while the portal is asked, and for ${span(freshness.stale_if_error_s)} while the portal fails.`;
  const row = (name, ...value) => [h("dt", {}, name), h("dd", {}, ...value)];
  const licence = told.licence ?? portal.licence;
  return h("dl", { class: "facts" }, row("Cache", known), policy && row("Policy", policy + after), told.source && row("Source", link(told.source)),
    licence && row("Licence", /^https?:/.test(licence) ? link(licence) : theirs(licence)),
    (told.attribution ?? portal.attribution) && row("Attribution", theirs(told.attribution ?? portal.attribution)),
    length !== null && length !== undefined && row("File", bytes(length)));
}

// --- Snippets ---------------------------------------------------------------------------------------

let language = "jupyterlite";
const wheel = () => once("wheel", async () => {
  const response = await fetch(`${base()}/simple/unpad/`, { headers: { Accept: "application/vnd.pypi.simple.v1+json" } });
  const { files } = await response.json();
  return new URL(files.at(-1).url, response.url).href;
}).catch(() => `${base()}/client/unpad-0.1.0-py3-none-any.whl`);

async function drawSnippets(place, looked) {
  const section = at("snippets");
  const { kind, url, file } = looked;
  const { resource, portal } = place;
  const said = kind === "table" || kind === "csv" ? "csv" : kind === "json" ? (looked.geo ? "geojson" : "json") : /^[a-z0-9]{1,8}$/i.test(resource?.format ?? "") ? resource.format.toLowerCase() : "";
  const filename = safeName(looked.name || (place.resource?.url && kind !== "table" && lastOf(place.resource.url.split("://").pop())) || place.title, said);
  const list = snippets({ gateway: base(), wheel: await wheel(), url, kind, portal, dataset: place.dataset?.name, resource: resource?.id, format: resource?.format, filename, delimiter: looked.delimiter, encoding: looked.encoding });
  const urls = kind === "table" ? [["All rows as CSV", url], ["Rows as JSON", `${here(portal)}/api/3/action/datastore_search?resource_id=${encodeURIComponent(resource.id)}&limit=1000`], ["The file itself", file]] : [["The bridged URL", url]];
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Language" });
  const code = h("code");
  const pre = h("pre", { tabindex: "0", role: "tabpanel", id: "snippet" }, code);
  const panel = h("div", { class: "code" }, pre, copyButton(() => code.textContent, "these lines"));
  const say = h("p", { class: "say" });
  const choose = (id, focus) => {
    language = id;
    for (const tab of tabs.children) {
      const on = tab.id === `tab-${id}`;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      if (on && focus) tab.focus();
    }
    pre.setAttribute("aria-labelledby", `tab-${id}`);
    code.textContent = list.find((one) => one.id === id).code;
    say.textContent = { jupyterlite: "For a cell of JupyterLite, or of any notebook with Python. The last line saves the file next to the notebook, byte for byte.", observable: "Two cells. In a page, take the lines for JavaScript.", r: kind === "json" ? "Numbers that R would round stay text. It needs the package jsonlite." : kind === "file" ? "" : "Numbers that R would round stay text.", julia: kind === "json" ? "It needs the package JSON3." : kind === "file" ? "" : "It needs the packages CSV and DataFrames." }[id] ?? "";
  };
  tabs.append(...list.map(({ id, title }) => h("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": "snippet", onclick: () => choose(id) }, title)));
  tabs.addEventListener("keydown", (event) => {
    const now = list.findIndex((one) => one.id === language);
    const next = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: list.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    choose(list[(next + list.length) % list.length].id, true);
  });
  choose(list.some((one) => one.id === language) ? language : list[0].id);
  section.hidden = false;
  fill(section, h("div", { class: "section-head" }, h("h2", { id: "snippets-title" }, "Use it")),
    h("ul", { class: "urls" }, urls.map(([name, to]) => h("li", {}, h("span", {}, name), link(to), copyButton(() => to, `the URL: ${name}`)))), tabs, panel, say);
}

// --- Verdict and chart ------------------------------------------------------------------------------

function drawVerdict(portal, source, signal) {
  const section = at("verdict");
  section.hidden = !portal.base;
  if (portal.base) verdict(section, portal, source, signal);
}

async function drawChart(place, looked, signal) {
  const section = at("chart");
  section.hidden = true;
  if (!looked.rows || looked.rows.total === 0) return;
  const module = await import("./chart.js");
  if (!signal.aborted) section.hidden = !module.chart(section, place, looked, signal);
}

render();
