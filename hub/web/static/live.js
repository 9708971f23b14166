// Keeps a server-rendered page true while it is open: counts every clock, takes fresh regions when something changed,
// and turns grey when the hub has not been heard for 5 seconds. Without this file the page is complete, only older.

import { askClock, clockText, hear, leftText, say, siteNow, wallText } from "./clock.js";

const root = document.documentElement;
const STALE_MS = 4_500; // told within 5 seconds: the last pulse may have come just before the end
const GAP_MS = 350; // least time between two looks at the page
const IDLE_MS = 15_000; // strokes and rulers move on by themselves

let lastPulse = null; // [performance time, site time]
let looking = false;
let again = false;
let lastLook = performance.now();
let timer = 0;

// ---------------------------------------------------------------------------------------------------------- counting

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function count(within = document) {
  const now = siteNow();
  for (const each of within.querySelectorAll("[data-down]")) {
    setText(each, leftText(Number(each.dataset.down) - now));
    if (each.dataset.n && each.dataset.n !== String(each.textContent.length)) each.dataset.n = each.textContent.length;
  }
  for (const each of within.querySelectorAll("[data-up]")) {
    setText(each, clockText(Math.max(0, (now - Number(each.dataset.up)) / 1000)));
  }
  for (const life of within.querySelectorAll("svg[data-from]")) {
    const from = Number(life.dataset.from);
    const share = Math.min(Math.max((now - from) / Math.max(Number(life.dataset.to) - from, 1), 0), 1);
    const at = `${(share * 100).toFixed(2)}%`;
    life.querySelector(".gone")?.setAttribute("x2", at);
    life.querySelector(".dot")?.setAttribute("cx", at);
  }
}

function tick() {
  count();
  const wall = document.getElementById("wall");
  if (wall) {
    const text = wallText(siteNow());
    if (wall.dataset.short !== undefined) setText(wall, text.slice(0, 5));
    else if (wall.dataset.plain !== undefined) setText(wall, text);
    else if (wall.textContent !== text) {
      const seconds = document.createElement("span");
      seconds.textContent = text.slice(5);
      wall.replaceChildren(text.slice(0, 5), seconds);
    }
  }
  showAge();
}

function showAge() {
  const place = document.getElementById("live");
  if (!place || place.hidden) return;
  const age = lastPulse === null ? Infinity : performance.now() - lastPulse[0];
  const stale = age > STALE_MS && (lastPulse !== null || performance.now() > STALE_MS);
  if (stale) {
    const since = lastPulse === null ? Number(root.dataset.now) : lastPulse[1];
    setText(place, say("live.stale", { time: wallText(since) }));
  } else if (lastPulse === null) {
    setText(place, say("live.waiting"));
  } else {
    const narrow = matchMedia("(max-width: 720px)").matches || document.body.classList.contains("board");
    setText(place, narrow ? say("live.short") : say("live.now", { age: Math.floor(age / 1000) }));
  }
  if (stale !== root.classList.contains("stale")) {
    root.classList.toggle("stale", stale);
    announce(place.textContent);
    document.dispatchEvent(new CustomEvent("andgate:live", { detail: { live: !stale } }));
  }
}

export function announce(text) {
  let said = document.getElementById("said");
  if (!said) {
    said = document.createElement("p");
    said.id = "said";
    said.className = "hidden";
    said.setAttribute("role", "status");
    document.body.append(said);
  }
  said.textContent = text;
}

// ---------------------------------------------------------------------------------------------------------- regions

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);

// Make `from` equal to `to`, keeping every element that is still the same: focus, motion and open lists survive.
export function morph(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !(name === "open" && from.nodeName === "DETAILS")) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  const keyed = new Map();
  for (const child of from.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
  let place = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const key = keyOf(wanted);
    let found = key ? keyed.get(key) : place;
    if (!key) while (found && keyOf(found)) found = found.nextSibling;
    if (found && found.nodeName === wanted.nodeName && found.nodeType === wanted.nodeType) {
      if (found !== place) from.insertBefore(found, place);
      else place = place.nextSibling;
      if (found.nodeType === Node.ELEMENT_NODE) morph(found, wanted);
      else if (found.nodeValue !== wanted.nodeValue) found.nodeValue = wanted.nodeValue;
    } else {
      from.insertBefore(document.importNode(wanted, true), place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

async function look() {
  if (looking) {
    again = true;
    return;
  }
  const regions = [...document.querySelectorAll("[data-region]")];
  if (!regions.length || document.hidden) return;
  looking = true;
  lastLook = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const focused = document.activeElement;
      for (const region of regions) {
        const wanted = fresh.querySelector(`[data-region="${region.dataset.region}"]`);
        if (wanted) morph(region, wanted);
      }
      if (focused && !focused.isConnected) document.getElementById("main")?.focus({ preventScroll: true });
      count();
      document.dispatchEvent(new CustomEvent("andgate:fresh"));
    }
  } catch {
    // The hub is away: the page stays as it is, turns grey, and the stream tells when it is back.
  } finally {
    looking = false;
    if (again) {
      again = false;
      soon();
    }
  }
}

export function fresh() {
  return look();
}

export function soon() {
  if (timer) return;
  timer = setTimeout(() => {
    timer = 0;
    look();
  }, Math.max(0, GAP_MS - (performance.now() - lastLook)));
}

// ---------------------------------------------------------------------------------------------------------- stream

function listen() {
  const stream = new EventSource("/api/v1/stream");
  const told = (event) => JSON.parse(event.data);
  const pulse = ({ at, rate }) => {
    hear(Date.parse(at), rate);
    lastPulse = [performance.now(), Date.parse(at)];
    showAge();
  };
  stream.addEventListener("pulse", (event) => pulse(told(event)));
  stream.addEventListener("snapshot", (event) => {
    const all = told(event);
    pulse(all);
    document.dispatchEvent(new CustomEvent("andgate:snapshot", { detail: all }));
    soon();
  });
  for (const kind of ["moment", "remedy", "node", "quiet"]) {
    stream.addEventListener(kind, (event) => {
      document.dispatchEvent(new CustomEvent(`andgate:${kind}`, { detail: told(event) }));
      soon();
    });
  }
  stream.addEventListener("plan", () => location.reload());
  stream.addEventListener("resync", () => {
    stream.close();
    setTimeout(listen, 1_000);
  });
  stream.addEventListener("error", () => {
    // EventSource comes back by itself unless the answer was refused for good.
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 3_000);
  });
}

// ---------------------------------------------------------------------------------------------------------- claiming

export async function act(path, body, method = "POST") {
  const sent = { ...body };
  const who = document.getElementById("who")?.value.trim();
  if (who && root.dataset.open !== undefined) sent.by = who;
  const answer = await fetch(`/api/v1/${path}`, {
    method, headers: { "content-type": "application/json", accept: "application/json" }, body: JSON.stringify(sent),
  });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail || answer.statusText);
  }
  return answer.json();
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.action.endsWith("/identify")) {
    event.preventDefault();
    const button = form.querySelector("button");
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(), redirect: "manual" }).catch(() => null);
    const told = answer && (answer.ok || answer.type === "opaqueredirect");
    const plain = button.textContent;
    button.textContent = say(told ? "nodes.identify.done" : "nodes.identify.failed");
    announce(button.textContent);
    setTimeout(() => {
      button.textContent = plain;
    }, 4_000);
    return;
  }
  const moment = form.dataset.claim;
  if (!moment) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.setAttribute("aria-disabled", "true");
  try {
    const now = await act(`moments/${moment}/claim`, {});
    const last = now.claims?.at(-1)?.by ?? now.claimed_by;
    announce(say("card.claimed.full", { name: last }));
    await look();
    form.closest?.("[data-key]")?.querySelector("a")?.focus({ preventScroll: true });
    document.querySelector(`[data-key="card-${moment}"] a`)?.focus({ preventScroll: true });
  } catch (wrong) {
    announce(wrong.message);
    form.submit(); // the plain way tells what is wrong on a page of its own
  } finally {
    button.removeAttribute("aria-disabled");
  }
});

// ---------------------------------------------------------------------------------------------------------- start

askClock().catch(() => {});
tick();
setInterval(tick, 100);
setInterval(() => {
  const every = Number(document.querySelector("[data-every]")?.dataset.every ?? IDLE_MS); // what is waited for now
  if (performance.now() - lastLook >= every) soon();
}, 1_000);
document.addEventListener("visibilitychange", () => document.hidden || soon());
listen();
