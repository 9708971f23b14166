// Site time in the browser. The hub says what time it is and how fast its clock runs (1, but for a demo); between its
// words we count on the browser's own monotonic clock, so a wrong wall clock on this machine shows nowhere.

const root = document.documentElement;
const WINDOW_MS = 60_000;

let rate = Number(root.dataset.rate) || 1;
// Each word of the hub arrives late by what the network took, never early: the largest offset seen is the best one.
let heard = [[performance.now(), Number(root.dataset.now) - performance.now() * rate]];
// That clock stands still while a tablet sleeps, the wall clock goes on. Between two words of the hub their difference
// tells how long it slept: a press that wakes it must not count from when it fell asleep.
const SLEPT_MS = 2_000;
let awake = Date.now() - performance.now();

export function hear(at, newRate) {
  const now = performance.now();
  awake = Date.now() - now;
  if (newRate && newRate !== rate) {
    rate = newRate;
    heard = [];
  }
  heard = heard.filter(([when]) => now - when < WINDOW_MS);
  heard.push([now, at - now * rate]);
}

export function siteNow() {
  let best = -Infinity;
  for (const [, offset] of heard) best = Math.max(best, offset);
  const slept = Date.now() - performance.now() - awake;
  return best + (performance.now() + (slept > SLEPT_MS ? slept : 0)) * rate;
}

export function siteRate() {
  return rate;
}

export async function askClock() {
  const answer = await fetch("/api/v1/clock", { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const { at, rate: told } = await answer.json();
  // It was true when the hub said it; by now it is a little later, never earlier.
  hear(Date.parse(at), told);
}

const two = (n) => String(n).padStart(2, "0");

// Whole seconds as 0:47, 10:41, 1:02:03.
export function clockText(seconds) {
  const s = Math.abs(Math.trunc(seconds));
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor(s / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

// Time left, rounded up, so that it agrees with a wall clock that is rounded down; + once it has run out.
export function leftText(left) {
  return left > 0 ? clockText(Math.ceil(left / 1000)) : `+${clockText(-left / 1000)}`;
}

const wall = new Intl.DateTimeFormat("en-GB", {
  timeZone: root.dataset.zone || "UTC", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
export const wallText = (ms) => wall.format(ms);

const words = JSON.parse(document.getElementById("words")?.textContent || "{}");
export function say(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}
