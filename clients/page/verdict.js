// Whether a portal lets pages read it, asked of the portal by the reader's own browser.

import * as unpad from "./unpad.js";
import { announce, h, fill, link } from "./dom.js";

const PATIENCE = 10_000;
const known = new Map();

const isLoopback = (host) => /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(host);
const isPrivate = (host) => /^(10|192\.168|172\.(1[6-9]|2\d|3[01])|169\.254)\./.test(host) || /\.local$/.test(host);

/**
 * What the browser asks for: what the gateway asked for, if it is on the host that the registry names, else
 * something small there. A portal's answers may name any address, one of the reader's own network too.
 */
function probeOf(portal, source) {
  const { host } = new URL(portal.base);
  const own = URL.canParse(source ?? "") && /^https?:$/.test(new URL(source).protocol) && new URL(source).host === host;
  return own ? source : portal.dialect === "ckan" ? `${portal.base.replace(/\/+$/, "")}/api/3/action/status_show` : portal.base;
}

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

/** `read` is whether the gateway could read it just now, or null where nothing was asked of it. */
function words({ state, why, status }, host, read) {
  const page = location.origin;
  const through = read === null ? "" : read ? " Through this gateway they can read it." : " The gateway could not read it just now either.";
  const kept = read === false ? "The gateway could not read it just now either." : "What the gateway has of it is still served.";
  if (state === "good")
    return { sign: "✓", word: "This portal lets pages read it.", lines: [`Your browser could read it directly (the answer was ${status}), so you do not need the bridge for this. ${read === false ? "The gateway could not read it just now." : "The gateway still serves it from its cache, and goes on when the portal does not answer."}`] };
  return {
    cors: { sign: "✕", word: "Pages cannot read this portal directly.", lines: [`Blocked by CORS: ${host} answers, but its answer has no Access-Control-Allow-Origin for pages of ${page}, so your browser keeps it from them.${through}`] },
    mixed: { sign: "✕", word: "Pages of https cannot read this portal directly.", lines: [`Blocked as mixed content: ${host} is asked over http, and this page came over https.${through}`] },
    permission: { sign: "✕", word: "Your browser keeps this page from asking the portal.", lines: [`${host} is on this machine or its network. Chrome lets a public page ask there only with the permission “Local network access”, which this page does not have. You can give it in the settings beside the address.`] },
    late: { sign: "?", word: "The portal did not answer your browser in time.", lines: [`${host} was asked from your browser, and said nothing for ${PATIENCE / 1000} seconds. ${kept}`] },
    offline: { sign: "?", word: "Your browser is offline.", lines: ["Whether the portal lets pages read it can be told when there is a network."] },
    silent: { sign: "?", word: "The portal cannot be reached from your browser.", lines: [`${host} does not answer here: it may be down, its name unknown to your network, or a filter may hold it back. ${kept}`] },
  }[why];
}

const offline = (() => {
  let asked = null;
  return () => (asked ??= fetch(`${unpad.gateway()}/status`).then((response) => response.json()).then((status) => status.offline === true).catch(() => false));
})();

/**
 * Draws the verdict into its section: of the `source` that the gateway asked for, if any, and of whether it
 * could `read` it. A gateway that is offline on purpose does not make the browser ask.
 */
export async function verdict(section, portal, { source = null, read = null }, signal, forced = false) {
  const heading = h("div", { class: "section-head" }, h("h2", { id: "verdict-title" }, "Does it need the bridge?"));
  if (!URL.canParse(portal.base)) {
    section.hidden = true;
    return;
  }
  const url = probeOf(portal, source);
  const { host } = new URL(url);
  const draw = (kind, sign, word, lines, ...more) => fill(section, heading, h("div", { class: `verdict ${kind}` }, h("span", { class: "sign", "aria-hidden": "true" }, sign),
    h("div", {}, h("p", { class: "word" }, word), lines.map((line) => h("p", { class: "small" }, line)), more)));
  const button = (text) => h("p", { class: "ways" }, h("button", { type: "button", class: "quiet", onclick: () => {
    known.delete(url);
    verdict(section, portal, { source, read }, signal, true);
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
  const { sign, word, lines } = words(found, host, read);
  draw(found.state, sign, word, lines, h("p", { class: "small" }, "Asked: ", link(url, url, { class: "break" })), button("Check again"));
  if (forced) announce(word);
}
