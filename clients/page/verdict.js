// Whether a portal lets pages read it, asked of the portal by the reader's own browser.

import * as unpad from "./unpad.js";
import { announce, h, fill, link } from "./dom.js";

const PATIENCE = 10_000;
const known = new Map();

const isLoopback = (host) => /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(host);
const isPrivate = (host) => /^(10|192\.168|172\.(1[6-9]|2\d|3[01])|169\.254)\./.test(host) || /\.local$/.test(host);

/** Something small of the portal's that it is asked for. */
const probeOf = (portal, source) => source ?? (portal.dialect === "ckan" ? `${portal.base.replace(/\/+$/, "")}/api/3/action/status_show` : portal.base);

async function ask(url) {
  const target = new URL(url);
  const cors = await attempt(target, "cors");
  if (cors.answered) return { state: "good", status: cors.status };
  if (!navigator.onLine && !isLoopback(target.hostname)) return { state: "unsure", why: "offline" };
  if (location.protocol === "https:" && target.protocol === "http:" && !isLoopback(target.hostname)) return { state: "bad", why: "mixed" };
  const near = isLoopback(target.hostname) || isPrivate(target.hostname);
  if (near && !isLoopback(location.hostname) && (await denied())) return { state: "bad", why: "permission" };
  const opaque = await attempt(target, "no-cors");
  if (opaque.answered) return { state: "bad", why: "cors" };
  return { state: "unsure", why: cors.late || opaque.late ? "late" : near && !isLoopback(location.hostname) ? "permission" : "silent" };
}

async function attempt(url, mode) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE);
  try {
    const response = await fetch(url, { mode, credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store", signal: stop.signal });
    // What it says is enough; a long file stays where it is.
    response.body?.cancel().catch(() => {});
    return { answered: true, status: response.status };
  } catch {
    return { answered: false, late: stop.signal.aborted };
  } finally {
    clearTimeout(timer);
  }
}

/** Whether Chrome's permission for this machine and its network is not given. */
async function denied() {
  for (const name of ["loopback-network", "local-network", "local-network-access"]) {
    try {
      if ((await navigator.permissions.query({ name })).state !== "granted") return true;
    } catch { /* this browser knows no such permission */ }
  }
  return false;
}

function words({ state, why, status }, host) {
  const page = location.origin;
  if (state === "good")
    return { sign: "✓", word: "This portal lets pages read it.", lines: [`Your browser could read it directly (the answer was ${status}), so you do not need the bridge for this. The gateway still serves it from its cache, and goes on when the portal does not answer.`] };
  return {
    cors: { sign: "✕", word: "Pages cannot read this portal directly.", lines: [`Blocked by CORS: ${host} answers, but its answer has no Access-Control-Allow-Origin for pages of ${page}, so your browser keeps it from them. Through this gateway they can read it.`] },
    mixed: { sign: "✕", word: "Pages of https cannot read this portal directly.", lines: [`Blocked as mixed content: ${host} is asked over http, and this page came over https. Through this gateway pages can read it.`] },
    permission: { sign: "✕", word: "Your browser keeps this page from asking the portal.", lines: [`${host} is on this machine or its network. Chrome lets a public page ask there only with the permission “Local network access”, which this page does not have. You can give it in the settings beside the address.`] },
    late: { sign: "?", word: "The portal did not answer your browser in time.", lines: [`${host} was asked from your browser, and said nothing for ${PATIENCE / 1000} seconds. What the gateway has of it is still served.`] },
    offline: { sign: "?", word: "Your browser is offline.", lines: ["Whether the portal lets pages read it can be told when there is a network."] },
    silent: { sign: "?", word: "The portal cannot be reached from your browser.", lines: [`${host} does not answer here: it may be down, its name unknown to your network, or a filter may hold it back. The gateway may reach it all the same, and serves what it has.`] },
  }[why];
}

const offline = (() => {
  let asked = null;
  return () => (asked ??= fetch(`${unpad.gateway()}/status`).then((response) => response.json()).then((status) => status.offline === true).catch(() => false));
})();

/** Draws the verdict into its section. A gateway that is offline on purpose does not make the browser ask. */
export async function verdict(section, portal, source, signal, forced = false) {
  const heading = h("div", { class: "section-head" }, h("h2", { id: "verdict-title" }, "Does it need the bridge?"));
  const url = probeOf(portal, source);
  let host;
  try {
    host = new URL(url).host;
  } catch {
    section.hidden = true;
    return;
  }
  const draw = (kind, sign, word, lines, ...more) => fill(section, heading, h("div", { class: `verdict ${kind}` }, h("span", { class: "sign", "aria-hidden": "true" }, sign),
    h("div", {}, h("p", { class: "word" }, word), lines.map((line) => h("p", { class: "small" }, line)), more)));
  const button = (text) => h("p", { class: "ways" }, h("button", { type: "button", class: "quiet", onclick: () => {
    known.delete(url);
    verdict(section, portal, source, signal, true);
  } }, text));
  if (!known.has(url) && !forced && (await offline())) {
    if (!signal.aborted) draw("", "?", "Not checked.", [`This gateway works offline. The check asks ${host} from your browser.`], button("Check now"));
    return;
  }
  if (signal.aborted) return;
  draw("", "…", "Checking from your browser…", [`${host} is asked directly, past this gateway.`]);
  if (!known.has(url)) known.set(url, ask(url));
  const found = await known.get(url);
  if (signal.aborted) return;
  const { sign, word, lines } = words(found, host);
  draw(found.state, sign, word, lines, h("p", { class: "small" }, "Asked: ", link(url, url, { class: "break" })), button("Check again"));
  if (forced) announce(word);
}
