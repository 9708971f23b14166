// The sign in a browser. It is told deadlines, never ticks: when the hub is away it goes on to the second, and says so.

import { frame, palette, useGlyphs, wordsOf } from "./led.js";
import { siteNow, wallText } from "./clock.js";
import "./live.js";

const DONE_MS = 30_000;
const canvas = document.getElementById("leds");
const { touchpoint, counts } = canvas.dataset;
const columns = Number(canvas.dataset.columns);
const rows = Number(canvas.dataset.rows);

canvas.style.aspectRatio = `${columns + 1} / ${rows + 1}`;

let moments = new Map();
let ended = null;
let link = true;
let drawn = "";
let ready = false; // the alphabet is here

function take(moment) {
  if (moment.touchpoint !== touchpoint) {
    moments.delete(moment.id); // moved away
    return;
  }
  const known = moments.get(moment.id);
  if (known && known.change > moment.change) return;
  if (moment.state === "open" && !moment.withdrawn) {
    moments.set(moment.id, moment);
    return;
  }
  moments.delete(moment.id);
  if (ended && ended.id === moment.id) ended = null;
  if (moment.withdrawn || moment.verdict === "void" || !moment.verdict) return;
  const at = Date.parse(moment.closed_at ?? moment.ends_at);
  if (!ended || ended.at <= at) ended = { id: moment.id, key: moment.key, at, kept: moment.verdict === "success" };
}

const labelOf = (key) => (key ?? "").split("/", 1)[0].toUpperCase();

function stateNow() {
  const now = siteNow();
  if (document.getElementById("suspended")) return { flights: [], done: null, link };
  const flights = [...moments.values()]
    .map((moment) => {
      const ends = Date.parse(moment.ends_at);
      const target = counts === "promise" ? ends : Date.parse(moment.counts_to);
      return {
        ends, id: moment.id, label: labelOf(moment.key), left_ms: target - now, span_ms: target - Date.parse(moment.opened_at),
        promise_left_ms: ends - now, grace_ms: ends - target,
      };
    })
    .sort((a, b) => a.ends - b.ends || (a.id < b.id ? -1 : 1));
  const fresh = ended && now - ended.at >= 0 && now - ended.at < DONE_MS;
  const done = fresh ? { label: labelOf(ended.key), clock: wallText(ended.at).slice(0, 5), kept: ended.kept } : null;
  return { flights, done, link };
}

function draw() {
  if (!ready) return;
  const state = stateNow();
  const leds = frame(state, columns, rows);
  const ratio = window.devicePixelRatio || 1;
  const step = Math.max(2, Math.floor(Math.min(canvas.clientWidth / (columns + 1), canvas.clientHeight / (rows + 1)) * ratio));
  const key = `${step}|${leds.join("")}`;
  if (key === drawn) return;
  drawn = key;
  const words = wordsOf(state);
  canvas.setAttribute("aria-label", `${canvas.dataset.label}: ${words}`);
  const width = step * (columns + 1);
  const height = step * (rows + 1);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const pen = canvas.getContext("2d");
  const colours = palette();
  pen.fillStyle = colours[0];
  pen.fillRect(0, 0, width, height);
  const each = (wanted, radius, style, alpha) => {
    pen.globalAlpha = alpha;
    pen.fillStyle = style;
    pen.beginPath();
    leds.forEach((led, index) => {
      if (led !== wanted) return;
      const x = ((index % columns) + 1) * step;
      const y = (Math.floor(index / columns) + 1) * step;
      pen.moveTo(x + radius, y);
      pen.arc(x, y, radius, 0, 7);
    });
    pen.fill();
    pen.globalAlpha = 1;
  };
  each(0, step * 0.3, "#1d1c19", 1);
  for (let ink = 1; ink < colours.length; ink += 1) {
    each(ink, step * 0.85, colours[ink], 0.1);
    each(ink, step * 0.6, colours[ink], 0.22);
  }
  for (let ink = 1; ink < colours.length; ink += 1) each(ink, step * 0.43, colours[ink], 1);
}

document.addEventListener("andgate:snapshot", ({ detail }) => {
  moments = new Map();
  detail.moments.forEach(take);
  draw();
});
document.addEventListener("andgate:moment", ({ detail }) => {
  take(detail);
  draw();
});
document.addEventListener("andgate:live", ({ detail }) => {
  link = detail.live;
  draw();
});
document.getElementById("full")?.addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen().catch(() => {});
});
addEventListener("resize", draw);

const first = JSON.parse(document.getElementById("moments").textContent);
useGlyphs(await (await fetch("/sign/glyphs.json")).json());
ready = true;
if (!moments.size) first.forEach(take);
draw();
setInterval(draw, 50);
