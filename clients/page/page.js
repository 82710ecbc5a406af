// The page: find, preview, snippets, verdict, chart; and the status view. What it shows stands in the
// fragment of its URL, so that a link leads to the same place.

import * as unpad from "./unpad.js";
import { announce, bytes, count, day, decoded, fill, fragment, h, lastOf, link, linkOut, many, part, span, theirs, trouble, waiting } from "./dom.js";

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

function read(hash = location.hash) {
  const text = hash.slice(1);
  if (text === "status") return { view: "status" };
  const state = { view: "data" };
  const members = new URLSearchParams(text);
  for (const name of ["portal", "q", "dataset", "resource", "path"]) if (members.get(name)) state[name] = members.get(name);
  return state;
}

function go(state, replace = false) {
  const to = new URL(fragment(state), location.href);
  if (to.href === location.href) return render();
  if (!replace) leave();
  history[replace ? "replaceState" : "pushState"](null, "", to);
  return render();
}

// What is shown comes later than the browser would scroll to it.
history.scrollRestoration = "manual";
let forward = false;

/** Keeps how far down one was, for the way back. */
function leave() {
  history.replaceState({ y: scrollY }, "");
  forward = true;
}

addEventListener("popstate", ({ state }) => render(state?.y));
addEventListener("click", ({ target, defaultPrevented, ctrlKey, metaKey, shiftKey }) => {
  const link = target.closest?.('a[href^="#"]');
  if (link && !defaultPrevented && !ctrlKey && !metaKey && !shiftKey && link.hash !== location.hash) leave();
});

/** A link, a path of this gateway, or a path behind a portal's id; words may have a slash, too. */
const isReference = (text) => /^(https?:)?\/\/\S+$/i.test(text) || /^www\.\S+\.\S+$/i.test(text) || /^\/p\/\S+$/.test(text) || registry?.some(({ id }) => text.startsWith(`${id}/`)) === true;

/** The state of an address of this page, or null if the text is none. */
function ownState(text) {
  if (!URL.canParse(text)) return null;
  const { origin, pathname, hash } = new URL(text);
  const page = `${origin}${pathname}`.replace(/\/+$/, "");
  return page === base() || page === `${base()}/client` ? read(hash) : null;
}

/** The state that shows what a reference stands for. */
async function stateOf(reference) {
  const own = ownState(reference);
  if (own) return own;
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
  const chosen = one(text.toLowerCase()) ?? (fit.length === 1 ? fit[0] : null);
  return chosen ? go({ portal: chosen.id }) : go({ q: text }, true);
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

async function render(y = null) {
  const state = read();
  const before = shown;
  const onward = forward;
  shown = state;
  forward = false;
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
    const module = await part("./status.js", at("status"));
    if (module && !signal.aborted) module.status(at("status"), signal);
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
  if (signal.aborted) return;
  if (y !== null) scrollTo(0, y);
  else if (onward && !["portal", "dataset", "path"].every((name) => state[name] === before[name])) {
    scrollTo(0, 0);
    // What had the focus is gone with the page that it was on.
    if (document.activeElement === document.body) found.querySelector("h1")?.focus({ preventScroll: true });
  }
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
const softwareOf = ({ software }) => (["plain", "generic"].includes(software) ? "" : /^[a-z]+$/.test(software ?? "") ? { ckan: "CKAN", socrata: "Socrata", erddap: "ERDDAP", udata: "udata" }[software] ?? software : software ?? "");
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
  const list = (portals, more = {}) => h("ul", { class: "portals" }, portals.map((portal) => h("li", {}, h("a", { href: fragment({ portal: portal.id, ...more }) },
    theirs(titleOf(portal), "b"), h("span", {}, [portal.title && portal.id, countryOf(portal), softwareOf(portal), !searchable(portal) && "no search"].filter(Boolean).join(" · ")),
    portal.health?.state && portal.health.state !== "ok" && h("span", {}, portal.health.state === "suspended" ? " · does not answer now" : " · failing")))));
  const none = () => [h("div", { class: "trouble none-found" }, h("p", { class: "trouble-title" }, theirs(`No portal here has “${q}” in its title, id or country`)),
    h("p", {}, "Datasets are searched inside a portal: choose one below to search it for these words. If the portal you look for is not here, whoever runs this gateway can add it."), h("p", { class: "ways" }, h("button", { type: "button", onclick: () => {
      input.value = "";
      go({}, true);
      input.focus();
    } }, "All portals"))),
  h("div", { class: "summary" }, h("h2", {}, theirs(`Search a portal’s datasets for “${q}”`))), list(registry.filter(searchable), { q })];
  fill(found,
    fit.length === 0 ? none() : [
      h("div", { class: "summary" }, h("h2", {}, q ? `${count(fit.length)} of ${many(registry.length, "portal")}` : many(fit.length, "portal"))),
      list(fit),
    ]);
}

const portalHead = (portal) => h("div", { class: "head" }, theirs(titleOf(portal), "h1", { tabindex: "-1" }),
  h("p", { class: "meta" }, h("span", { class: "mono" }, portal.id), [countryOf(portal), softwareOf(portal)].map((text) => text && h("span", {}, text)),
    portal.home && linkOut(portal.home, "Web site"), portal.licence && h("span", {}, "Licence ", /^https?:/.test(portal.licence) ? link(portal.licence) : theirs(portal.licence))),
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
      h("p", { class: "meta" }, [dataset.organization, dataset.formats.length > 0 && some(dataset.formats), dataset.modified && `changed ${day(dataset.modified)}`]
        .filter(Boolean).map((text, index) => [index > 0 && " · ", theirs(text)]))))));
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
    drawVerdict(portal, { read: true }, signal);
  } catch (error) {
    if (signal.aborted) return;
    fill(results, trouble(error, [["Try again", () => render()], ...(registry.length > 1 ? [["All portals", "#"]] : [])]));
    drawVerdict(portal, { read: false }, signal);
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
  found.querySelector(":scope > .trouble")?.remove();
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
        portal.home && linkOut(`${portal.home.replace(/\/+$/, "")}/dataset/${encodeURIComponent(dataset.name ?? state.dataset)}`, "At the portal")), notes);
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
  }
  if (state.resource && !chosen) {
    found.append(trouble(new unpad.UnpadError("This dataset does not have that resource", `${state.resource} may have been replaced since the link was made.`, "Choose one of those above.")));
    return;
  }
  if (!chosen) {
    announce(`${title}: ${many(ordered.length, "resource")}`);
    drawVerdict(portal, { read: true }, signal);
    return;
  }
  drawPreview({ portal: portal.id, resource: chosen, title: chosen.name, dataset }, portal, signal, same);
}

// --- A path -----------------------------------------------------------------------------------------

async function drawPathForm(portal, signal) {
  const field = h("input", { id: "path", type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", class: "mono" });
  const open = (text) => {
    const path = text.trim().replace(/^\/+/, "");
    if (/^https?:/i.test(path)) follow(path);
    else if (path) go({ portal: portal.id, path });
  };
  const prefix = `/p/${portal.id}/`;
  const tries = h("div", { class: "tries" });
  fill(found, portalHead(portal), h("div", { class: "remark" }, h("h2", {}, "No search for this software"),
    h("p", {}, `${softwareOf(portal) ? `This portal runs ${softwareOf(portal)}, whose catalogue unpad cannot search` : "unpad knows no catalogue of this portal"}. Look for data on its web site, and paste the link of a download or an API call above; or write its path here.`)),
  h("form", { onsubmit: (event) => {
    event.preventDefault();
    open(field.value);
  } }, h("label", { for: "path", class: "small" }, `Path below ${prefix}`), h("div", { class: "field" }, field, h("button", { type: "submit" }, "Open"))), tries);
  drawVerdict(portal, {}, signal);
  // Without examples there is still the field.
  const { examples } = await once(`portal ${portal.id}`, () => unpad.readJSON(here(portal.id), { signal })).catch(() => portal);
  if (!signal.aborted && examples?.length > 0)
    fill(tries, h("h3", {}, "To try"), h("ul", {}, examples.map((example) => h("li", { class: "break" }, h("a", { class: "mono", href: fragment({ portal: portal.id, path: example.replace(/^.*?\/p\/[^/]+\//, "") }) }, decoded(example.replace(/^.*?\/p\/[^/]+\//, "")))))));
}

function drawPath(state, portal, signal) {
  fill(found, h("div", { class: "head" }, h("h1", { class: "break", tabindex: "-1" }, decoded(state.path).slice(0, 300)), h("p", { class: "meta" }, h("span", {}, titleOf(portal)), h("span", { class: "mono" }, portal.id))));
  drawPreview({ portal: portal.id, resource: null, path: state.path, title: lastOf(state.path) }, portal, signal, false);
}

// --- What is chosen -----------------------------------------------------------------------------------

async function drawPreview(place, portal, signal, focus) {
  const module = await part("./preview.js", at("preview"));
  if (module && !signal.aborted) module.preview(place, portal, { signal, focus, verdict: (what) => drawVerdict(portal, what, signal) });
}

async function drawVerdict(portal, what, signal) {
  const section = at("verdict");
  section.hidden = !portal.base;
  if (!portal.base) return;
  const module = await part("./verdict.js", section);
  if (module && !signal.aborted) module.verdict(section, portal, what, signal);
}

// On the way to rows, what shows them is fetched meanwhile.
if (/[#&](resource|path)=/.test(location.hash)) import("./preview.js").catch(() => {});
render();
