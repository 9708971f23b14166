// The soft red button. A press is kept here before it is sent, and forgotten only when the hub says that it has it:
// the hub may be away, this page may be closed, the press goes out later with the time when it happened.

import { say, siteNow, wallText } from "./clock.js";
import { announce, fresh } from "./live.js";

const HOLD_MS = 2_000;
const TOO_LONG_MS = 5_000; // after this the button says that nobody was told
const main = document.getElementById("main");
const button = document.getElementById("mot");
const holdRing = document.getElementById("hold");
const local = document.getElementById("local");
const { touchpoint, press: pressName, reset: resetName } = main.dataset;
const STORE = `andgate-desk-${touchpoint}`;
const OURS = "urn:andgate:problem:"; // how the hub names what it refuses; a proxy or a portal in between does not

let waiting = load(); // [{id, signal, at, retracts?}], oldest first
let sending = false;
let online = true;
let down = null; // {id, since} while a finger is on it
let heldDone = false;
let seenAt = waiting.length ? Date.parse(waiting[0].at) : null; // site time of the press that the hub does not show yet
let refusal = "";

// Each press under a name of its own: another tab with this desk keeps its presses, too.
function load() {
  try {
    const old = JSON.parse(localStorage.getItem(STORE) ?? "[]"); // of a version that kept one list
    old.forEach(keep);
    localStorage.removeItem(STORE);
    const kept = Object.keys(localStorage).filter((name) => name.startsWith(`${STORE}/`));
    return kept.map((name) => JSON.parse(localStorage.getItem(name))).sort((a, b) => (a.at < b.at ? -1 : 1));
  } catch {
    return [];
  }
}

function keep(each) {
  try {
    localStorage.setItem(`${STORE}/${each.id}`, JSON.stringify(each));
  } catch {
    // A browser that keeps nothing still sends what it has in memory.
  }
}

function forget(each) {
  try {
    localStorage.removeItem(`${STORE}/${each.id}`);
  } catch {
    // It kept nothing.
  }
}

const newId = () => `desk-${touchpoint}-${[...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("")}`;

function push(signal, retracts) {
  const id = newId();
  const at = new Date(siteNow()).toISOString();
  const each = retracts ? { id, touchpoint, signal, at, retracts } : { id, touchpoint, signal, at };
  waiting.push(each);
  keep(each);
  send();
  return id;
}

async function send() {
  if (sending || !waiting.length) return;
  sending = true;
  const batch = waiting.slice(0, 100);
  try {
    const answer = await fetch("/api/v1/signals", {
      method: "POST", headers: { "content-type": "application/json", accept: "application/json" }, body: JSON.stringify(batch),
    });
    // Not every answer is the hub's: a hall's Wi-Fi says 200 to everything, a proxy 404. Only the hub's own word counts.
    const told = await answer.json().catch(() => ({}));
    online = answer.status === 202 || String(told.type).startsWith(OURS);
    if (answer.status === 202 && told.accepted + told.duplicates === batch.length) {
      done(batch);
    } else if (online && answer.status >= 400 && answer.status < 500 && ![401, 403, 408, 429].includes(answer.status)) {
      refusal = told.detail ?? say("desk.notthere");
      // Of a refused list nothing is stored: the bad member goes, the others are sent again.
      done(told.index === undefined ? batch : [batch[told.index]]);
    }
  } catch {
    online = false;
  } finally {
    sending = false;
    paint();
  }
  if (waiting.length && online) setTimeout(send, 300);
}

function done(batch) {
  const ids = new Set(batch.map((each) => each.id));
  batch.forEach(forget);
  waiting = waiting.filter((each) => !ids.has(each.id));
  fresh();
}

// ------------------------------------------------------------------------------------------------------ the finger

function begin() {
  if (down) return;
  refusal = "";
  heldDone = false;
  seenAt = siteNow();
  down = { since: performance.now(), id: push(pressName), open: document.getElementById("checks").dataset.moment !== "" };
  button.classList.add("down");
  paint();
  requestAnimationFrame(hold);
}

function hold() {
  if (!down) {
    holdRing.setAttribute("stroke-dasharray", "0 100");
    return;
  }
  const share = Math.min((performance.now() - down.since) / HOLD_MS, 1);
  // The first moments belong to the press; nobody should see a ring flash up at every touch.
  holdRing.setAttribute("stroke-dasharray", `${share > 0.12 ? (share * 100).toFixed(1) : 0} 100`);
  if (share >= 1 && !heldDone) {
    heldDone = true;
    push(resetName, down.id);
    seenAt = null;
    announce(say("desk.reset.sent"));
    navigator.vibrate?.(60);
  }
  requestAnimationFrame(hold);
}

function end() {
  down = null;
  button.classList.remove("down");
  paint();
}

button.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  button.setPointerCapture?.(event.pointerId);
  begin();
});
for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) button.addEventListener(kind, end);
button.addEventListener("contextmenu", (event) => event.preventDefault());
button.addEventListener("keydown", (event) => {
  if (event.key !== " " && event.key !== "Enter") return;
  event.preventDefault();
  if (!event.repeat) begin();
});
button.addEventListener("keyup", (event) => {
  if (event.key === " " || event.key === "Enter") end();
});
button.addEventListener("blur", end);
button.closest("form").addEventListener("submit", (event) => event.preventDefault());

// ------------------------------------------------------------------------------------------------------ what it says

function check(id, words) {
  const item = document.getElementById(id);
  item.classList.add("yes");
  item.querySelector("span").textContent = words;
}

function paint() {
  const state = document.getElementById("checks").dataset;
  const oldest = waiting.length ? Date.parse(waiting[0].at) : null;
  const late = oldest !== null && siteNow() - oldest > TOO_LONG_MS;
  const barred = state.refused === "yes" && !waiting.length;
  button.classList.toggle("undelivered", late);
  button.classList.toggle("seen", waiting.length > 0 && !late);
  button.classList.toggle("barred", barred);
  let text = "";
  if (late) text = say("desk.nobody");
  else if (waiting.length) text = say("desk.seen");
  else if (refusal) text = refusal;
  if (local.textContent !== text) local.textContent = text;
  local.hidden = !text;
  local.classList.toggle("bad", late);
  local.classList.toggle("no", Boolean(refusal) && !late);
  document.getElementById("head").hidden = Boolean(text);
  if (waiting.length && seenAt) check("check-seen", say("desk.check.seen", { time: wallText(seenAt) }));
  const link = document.getElementById("link");
  const words = waiting.length
    ? say(online ? "desk.waiting" : "desk.offline", { n: waiting.length })
    : say(document.documentElement.classList.contains("stale") || !online ? "desk.offline.calm" : "desk.online");
  if (link.textContent !== words) link.textContent = words;
  const now = siteNow();
  for (const arc of document.querySelectorAll("[data-arc-from]")) {
    const [from, to] = [Number(arc.dataset.arcFrom), Number(arc.dataset.arcTo)];
    const share = Math.min(Math.max((to - now) / Math.max(to - from, 1), 0), 1);
    arc.setAttribute("stroke-dasharray", `${(share * 100).toFixed(2)} 100`);
  }
  const ring = `ring-${state.ring}`;
  if (!button.classList.contains(ring)) {
    for (const name of [...button.classList]) if (name.startsWith("ring-")) button.classList.remove(name);
    button.classList.add(ring);
  }
}

document.addEventListener("andgate:fresh", paint);
document.addEventListener("andgate:live", () => {
  paint();
  send();
});
addEventListener("online", send);
setInterval(paint, 200);
setInterval(send, 1_000);
paint();
send();
