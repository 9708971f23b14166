// The LED sign, drawn from the hub's own glyphs by the hub's own rules (andgate.sign): the same LEDs as on every panel.
// A test compares both, LED by LED; whoever changes one changes the other.

const [DARK, AMBER, ORANGE, RED, GREEN, WHITE, DIM] = [0, 1, 2, 3, 4, 5, 6];
const TALL = 24;
const LEAST = 26;
const NO_LINK = "NO LINK";
const INKS = { unknown: WHITE, plain: AMBER, last: ORANGE, over: ORANGE, broken: DARK };

const type = (height, weight, gap, wide) => ({ height, weight, gap, wide });
const [WIDE26, NARROW26] = [type(26, 4, 3, 14), type(26, 4, 2, 12)];
const [WIDE18, NARROW18] = [type(18, 3, 2, 10), type(18, 3, 1, 9)];
const [WIDE15, NARROW15] = [type(15, 2, 2, 7), type(15, 2, 1, 6)];
const [WIDE13, NARROW13] = [type(13, 2, 2, 7), type(13, 2, 1, 6)];
const [WIDE11, NARROW11] = [type(11, 2, 2, 7), type(11, 2, 1, 6)];
const [SEVEN, FIVE] = [type(7, 1, 1, 4), type(5, 1, 1, 3)];
const STACKED = [WIDE26, NARROW26, WIDE18, NARROW18, WIDE15, NARROW15, WIDE11, NARROW11, SEVEN, FIVE];
const LABELS = [WIDE13, NARROW13, WIDE11, NARROW11, SEVEN, FIVE];
const LINES = [WIDE15, NARROW15, WIDE11, NARROW11, SEVEN];
const product = (larges, smalls) => larges.flatMap((large) => smalls.map((small) => [large, small]));
const BESIDE = [
  ...product([WIDE26, NARROW26], LABELS.slice(0, 4)),
  ...product([WIDE26, NARROW26], LABELS.slice(4)),
  ...product([WIDE18, NARROW18, WIDE15, NARROW15], LABELS),
];
const LARGE = product([WIDE15, NARROW15], [WIDE11, NARROW11])
  .map(([upper, lower]) => ({ upper, lower, pointer: 8, indent: 13, gap: 3, large: true }));
const SMALL = [[WIDE15, WIDE11], [NARROW15, NARROW11], [SEVEN, SEVEN], [FIVE, FIVE]]
  .map(([upper, lower]) => ({ upper, lower, pointer: 5, indent: 8, gap: 2, large: false }));

let glyphs = null; // {palette, glyphs: {"26,4,14": {"0": [width, row, row, ...]}}}
export function useGlyphs(tables) {
  glyphs = tables;
}
export const palette = () => glyphs.palette;

function glyph(letter, letters) {
  const table = glyphs.glyphs[`${letters.height},${letters.weight},${letters.wide}`];
  return table[letter] ?? table["?"];
}

function widthOf(letters, text) {
  let width = 0;
  for (const letter of text) width += glyph(letter, letters)[0] + letters.gap;
  return text ? width - letters.gap : 0;
}

// Sizes and places are chosen by the widest digits, or a sign would jump as it counts.
const steady = (time) => time.replace(/[0-9]/g, "0");
const roomOf = (letters, times) => Math.max(...times.map((time) => widthOf(letters, steady(time))));
const triangleOf = (letters) => Math.min(13, letters.height);
const markOf = (letters) => (letters.height > 7 ? triangleOf(letters) + 1 : widthOf(letters, "!"));

const floorDiv = (a, b) => Math.floor(a / b);

// Halves go to the even neighbour, as the hub rounds.
function roundEven(value) {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

class Panel {
  constructor(width, height, ground = DARK) {
    this.width = width;
    this.height = height;
    this.leds = new Uint8Array(width * height).fill(ground);
  }

  dot(column, row, ink) {
    if (column >= 0 && column < this.width && row >= 0 && row < this.height) this.leds[row * this.width + column] = ink;
  }

  block(left, top, width, height, ink) {
    for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) this.dot(left + x, top + y, ink);
  }

  write(text, left, top, letters, ink) {
    for (const letter of text) {
      const drawn = glyph(letter, letters);
      this.set(drawn, left, top, ink);
      left += drawn[0] + letters.gap;
    }
  }

  count(text, right, top, letters, ink) {
    let left = right - widthOf(letters, steady(text));
    for (const letter of text) {
      const drawn = glyph(letter, letters);
      const room = /[0-9]/.test(letter) ? letters.wide : drawn[0];
      this.set(drawn, left + floorDiv(room - drawn[0], 2), top, ink);
      left += room + letters.gap;
    }
  }

  set([width, ...rows], left, top, ink) {
    rows.forEach((bits, y) => {
      for (let x = 0; x < width; x += 1) if ((bits >> (width - 1 - x)) & 1) this.dot(left + x, top + y, ink);
    });
  }

  dotted(left, right, row, ink) {
    for (let x = left; x < right; x += 3) this.dot(x, row, ink);
  }

  cross(left, top, ink) {
    for (const [x, y] of [[0, 0], [2, 0], [1, 1], [0, 2], [2, 2]]) this.dot(left + x, top + y, ink);
  }

  alarm(right, top, letters, ink) {
    if (markOf(letters) === widthOf(letters, "!")) {
      this.write("!", right - markOf(letters), top, letters, ink);
    } else {
      const triangle = triangleOf(letters);
      this.warning(right - markOf(letters), top + letters.height - triangle, triangle, ink);
    }
  }

  warning(left, top, height, ink) {
    const heart = floorDiv(height, 2);
    for (let row = 0; row < height; row += 1) {
      const half = floorDiv(row * heart, height - 1);
      this.block(left + heart - half, top + row, 2 * half + 2, 1, ink);
    }
    this.block(left + heart, top + floorDiv(height * 2, 5), 2, floorDiv(height, 4), DARK);
    this.block(left + heart, top + height - 3, 2, 2, DARK);
  }

  pointer(left, top, height, ink) {
    for (let row = 0; row < height; row += 1) {
      this.block(left, top + row, height - Math.abs(2 * row - height + 1), 1, ink);
    }
  }

  bar([left, top], width, height, share, ink) {
    const full = roundEven(Math.min(Math.max(share, 0), 1) * width);
    this.block(left, top, full, height, ink);
    for (let x = left + full + 3; x < left + width; x += 5) this.dot(x, top + height - 1, ink);
  }
}

export function phaseOf(flight) {
  if (flight.left_ms === null) return "unknown";
  if (flight.promise_left_ms < 0) return "broken";
  if (flight.left_ms <= 0) return "over";
  return 3 * flight.left_ms <= flight.span_ms ? "last" : "plain";
}

function read(leftMs) {
  const seconds = leftMs > 0 ? Math.ceil(leftMs / 1000) : Math.floor(-leftMs / 1000);
  const minutes = Math.floor(seconds / 60);
  const rest = String(seconds % 60).padStart(2, "0");
  return leftMs > 0 || !seconds ? `${String(minutes).padStart(2, "0")}:${rest}` : `+${minutes}:${rest}`;
}

export const timeOf = (flight) => (flight.left_ms === null ? "--:--" : read(flight.left_ms));

// The longest times that this look's count comes to: whatever fits them fits all the way.
function widestOf(flight) {
  const time = timeOf(flight);
  if (flight.left_ms === null) return ["00:00", time];
  if (phaseOf(flight) === "broken") return ["+00:00", time];
  return ["00:00", time, read(flight.span_ms), read(Math.min(-flight.grace_ms, -1000))];
}

export function wordsOf(state) {
  const marks = { unknown: "", plain: "", last: " !", over: " !", broken: " LATE" };
  const parts = state.flights.map((one) => `${one.label} ${timeOf(one)}${marks[phaseOf(one)]}`.trim());
  if (state.done) parts.push(`${state.done.label} DONE ${state.done.clock}`.trim());
  if (!state.link) parts.push("(no link)");
  return parts.join(" | ") || "-";
}

function counting(flight) {
  const phase = phaseOf(flight);
  const broken = phase === "broken";
  return {
    label: flight.label, text: timeOf(flight), widest: widestOf(flight), ink: INKS[phase], ground: broken ? RED : DARK,
    alarm: phase === "last" || phase === "over", marked: !broken,
  };
}

function finished(done, text) {
  const [ink, ground] = done.kept ? [GREEN, DARK] : [DARK, RED];
  return { label: done.label, text, widest: [text], ink, ground, alarm: false, marked: false };
}

const quiet = (entry) => (entry.ground === DARK ? WHITE : DARK);

export function frame(state, width, height) {
  const entries = state.flights.map(counting);
  if (state.done && (!entries.length || height >= TALL)) {
    entries.splice(1, 0, finished(state.done, `DONE ${state.done.clock}`.trim()));
  }
  const shared = height >= TALL && entries.length > 1 && width >= LEAST;
  const panel = new Panel(width, height, entries.length && !shared ? entries[0].ground : DARK);
  if (!entries.length) {
    panel.dot(width - 1, height - 1, DIM);
    cutOff(panel, state, 1, width, WHITE);
  } else if (height < TALL) {
    line(entries, state.flights.length ? "" : "DONE", state, panel);
  } else if (shared) {
    two(entries, state.done ? finished(state.done, "DONE") : entries[1], state, panel);
  } else if (state.flights.length) {
    one(entries[0], state.flights[0], state, panel);
  } else {
    done(entries[0], state.done.clock, state, panel);
  }
  return panel.leds;
}

function cutOff(panel, state, left, room, ink) {
  if (state.link) return;
  if (panel.height >= TALL && left + widthOf(FIVE, NO_LINK) + 2 <= room) {
    panel.write(NO_LINK, left, panel.height - 6, FIVE, ink);
  } else {
    panel.cross(panel.height >= TALL ? left : 0, panel.height - 3, ink);
  }
}

function one(entry, flight, state, panel) {
  const found = beside(panel, entry);
  if (!found) {
    stacked(panel, entry, state);
    return;
  }
  const [room, free] = found;
  let left = 1;
  if (entry.alarm) {
    const triangle = free >= 14 ? 13 : 11;
    panel.warning(1, panel.height - 1 - triangle, triangle, entry.ink);
    left = 18;
  }
  cutOff(panel, state, left, room, quiet(entry));
  const place = [left, panel.height - (state.link ? 8 : 13)];
  const length = Math.min(room - 9, 47) - left;
  const phase = phaseOf(flight);
  if (phase === "plain" || phase === "last") {
    panel.bar(place, length, 4, flight.left_ms / Math.max(flight.span_ms, 1), entry.ink);
  } else if (phase === "over") {
    panel.bar(place, length, 4, flight.promise_left_ms / Math.max(flight.grace_ms, 1), entry.ink);
  }
}

function beside(panel, entry) {
  for (const [large, small] of BESIDE) {
    const room = panel.width - roomOf(large, entry.widest);
    const top = floorDiv(panel.height - large.height, 2);
    const free = panel.height - 1 - top - small.height;
    if (top < 2 || free < 12 || room < Math.max(widthOf(small, entry.label) + 4, 20)) continue;
    panel.write(entry.label, 1, top, small, entry.ink);
    panel.count(entry.text, panel.width - 1, top, large, entry.ink);
    return [room, free];
  }
  return null;
}

function shorter(label, letters, room) {
  const left = [...label];
  while (left.length && widthOf(letters, left.join("")) > room) left.shift();
  return left.join("");
}

function stacked(panel, entry, state) {
  const upper = LABELS.slice(2).find((each) => widthOf(each, entry.label) + 2 <= panel.width) ?? FIVE;
  const above = entry.label ? upper.height + 2 : 0;
  const fits = (letters) => letters.height + 2 <= panel.height - above
    && 7 + (entry.marked ? markOf(letters) : 0) + roomOf(letters, entry.widest) <= panel.width;
  const large = STACKED.find(fits) ?? FIVE;
  panel.write(shorter(entry.label, upper, panel.width - 2), 1, 1, upper, entry.ink);
  const top = panel.height - 1 - large.height;
  panel.count(entry.text, panel.width - 1, top, large, entry.ink);
  if (entry.alarm) panel.alarm(panel.width - 3 - roomOf(large, entry.widest), top, large, entry.ink);
  cutOff(panel, state, 0, 0, quiet(entry));
}

const moreOf = (others) => (others > 0 ? `+${Math.min(others, 9)}` : "");

function line(entries, short, state, panel) {
  const entry = entries[0];
  const edge = entry.ground === DARK ? 0 : 1;
  cutOff(panel, state, 0, 0, quiet(entry));
  const start = state.link ? edge : 4;
  const more = moreOf(entries.length - 1);
  const used = (letters, times) => edge + roomOf(letters, times) + (entry.marked ? markOf(letters) + 2 : 0)
    + (more ? widthOf(FIVE, more) + 1 : 0) + 2;
  const fits = (letters, times, begins) => letters.height + 2 * edge <= panel.height
    && begins + widthOf(letters, entry.label) + used(letters, times) <= panel.width;
  const low = panel.height >= SEVEN.height + 2 * edge ? SEVEN : FIVE;
  const letters = LINES.find((each) => fits(each, entry.widest, 4)) ?? low;
  let [text, times] = [entry.text, entry.widest];
  if (short && !fits(letters, times, start)) [text, times] = [short, [short]];
  const top = Math.max(floorDiv(panel.height - letters.height, 2), 0);
  panel.count(text, panel.width - edge, top, letters, entry.ink);
  if (entry.alarm) panel.alarm(panel.width - 2 - roomOf(letters, times), top, letters, entry.ink);
  const free = panel.width - used(letters, times) - start;
  const label = shorter(entry.label, letters, Math.max(free, 0));
  panel.write(label, start, top, letters, entry.ink);
  if (free >= 0) {
    panel.write(more, start + widthOf(letters, label) + (label ? 1 : 0), Math.min(top, edge), FIVE, quiet(entry));
  }
}

const indentOf = (pair, state) => pair.indent + (pair.large && !state.link ? 4 : 0);
const markIn = (pair, letters) => (pair.large ? triangleOf(letters) + 1 : widthOf(letters, "!"));
const kept = (pair, entry, letters) => pair.gap + (entry.marked ? markIn(pair, letters) + pair.gap : 0)
  + roomOf(letters, entry.widest) + 1;

function two(entries, short, state, panel) {
  const first = entries[0];
  const more = moreOf(entries.length - 2);
  const share = ([pair, second]) => pair.upper.height + pair.lower.height + 4 <= panel.height
    && [[first, pair.upper], [second, pair.lower]].every(([entry, letters]) =>
      indentOf(pair, state) + widthOf(letters, entry.label) + kept(pair, entry, letters) <= panel.width);
  const pairs = [...LARGE.map((pair) => [pair, entries[1]]), ...[...LARGE, ...SMALL].map((pair) => [pair, short])];
  const [pair, second] = pairs.find(share) ?? [SMALL.at(-1), short];
  const indent = indentOf(pair, state);
  const base = panel.height - 1 - pair.lower.height;
  const middle = pair.upper.height + floorDiv(panel.height - pair.upper.height - pair.lower.height, 2);
  panel.block(0, 0, panel.width, middle, first.ground);
  panel.block(indent - 1, middle + 1, panel.width - indent + 1, panel.height - middle - 1, second.ground);
  panel.pointer(pair.large ? 1 : 0, 1 + floorDiv(pair.upper.height - pair.pointer, 2), pair.pointer, first.ink);
  panel.dotted(indent, panel.width - 1, middle, AMBER);
  row(panel, first, pair, [indent, 1], pair.upper);
  row(panel, second, pair, [indent, base], pair.lower);
  if (!pair.large) {
    panel.write(more, 0, middle + 1, FIVE, WHITE);
    cutOff(panel, state, 0, 0, WHITE);
  } else if (state.link) {
    panel.write(more, 1, base + 2, SEVEN, WHITE);
  } else {
    panel.write(more, 1, middle - 5, FIVE, quiet(first));
    panel.write("NO", 0, base, FIVE, WHITE);
    panel.write("LINK", 0, base + 6, FIVE, WHITE);
  }
}

function row(panel, entry, pair, [left, top], letters) {
  const label = shorter(entry.label, letters, Math.max(panel.width - left - kept(pair, entry, letters), 0));
  panel.write(label, left, top, letters, entry.ink);
  panel.count(entry.text, panel.width - 1, top, letters, entry.ink);
  if (!entry.alarm) return;
  const right = panel.width - 1 - roomOf(letters, entry.widest) - pair.gap;
  if (pair.large) panel.warning(right - markIn(pair, letters), top, triangleOf(letters), entry.ink);
  else panel.write("!", right - markIn(pair, letters), top, letters, entry.ink);
}

function done(entry, clock, state, panel) {
  const found = beside(panel, { ...entry, text: clock, widest: ["00:00"] });
  if (!found) {
    stacked(panel, entry, state);
    return;
  }
  const sizes = state.link ? [WIDE11, NARROW11, SEVEN] : [SEVEN];
  const letters = sizes.find((each) => widthOf(each, "DONE") + 3 <= found[0]) ?? FIVE;
  panel.write("DONE", 1, panel.height - (state.link ? 13 : 14), letters, entry.ink);
  cutOff(panel, state, 1, found[0], quiet(entry));
}
