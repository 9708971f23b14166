// The LED sign, drawn from the hub's own glyphs by the hub's own rules (andgate.sign): the same LEDs as on every panel.
// A test compares both, LED by LED; whoever changes one changes the other.

const [DARK, AMBER, ORANGE, RED, GREEN, WHITE, DIM] = [0, 1, 2, 3, 4, 5, 6];
const TALL = 24;
const type = (height, weight, gap) => ({ height, weight, gap });
const TIMES = [type(26, 4, 3), type(18, 3, 2), type(15, 2, 2), type(11, 2, 2), type(7, 1, 1), type(5, 1, 1)];
const LABELS = [type(13, 2, 2), type(11, 2, 2), type(7, 1, 1), type(5, 1, 1)];
const SMALL = type(5, 1, 1);
const UPPER = type(15, 2, 2);
const LOWER = type(11, 2, 2);
const NO_LINK = "NO LINK";
const INKS = { unknown: WHITE, plain: AMBER, last: ORANGE, over: ORANGE, broken: DARK };

let glyphs = null; // {palette, glyphs: {"26,4": {"0": [width, row, row, ...]}}}
export function useGlyphs(tables) {
  glyphs = tables;
}
export const palette = () => glyphs.palette;

function glyph(letter, letters) {
  const table = glyphs.glyphs[`${letters.height},${letters.weight}`];
  return table[letter] ?? table["?"];
}

function widthOf(letters, text) {
  let width = 0;
  for (const letter of text) width += glyph(letter, letters)[0] + letters.gap;
  return text ? width - letters.gap : 0;
}

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
      const [width, ...rows] = glyph(letter, letters);
      rows.forEach((bits, y) => {
        for (let x = 0; x < width; x += 1) if ((bits >> (width - 1 - x)) & 1) this.dot(left + x, top + y, ink);
      });
      left += width + letters.gap;
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

export function timeOf(flight) {
  if (flight.left_ms === null) return "--:--";
  const seconds = flight.left_ms > 0 ? Math.ceil(flight.left_ms / 1000) : Math.floor(-flight.left_ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const rest = String(seconds % 60).padStart(2, "0");
  return flight.left_ms > 0 || !seconds ? `${String(minutes).padStart(2, "0")}:${rest}` : `+${minutes}:${rest}`;
}

export function wordsOf(state) {
  const marks = { unknown: "", plain: "", last: " !", over: " !", broken: " LATE" };
  const parts = state.flights.map((one) => `${one.label} ${timeOf(one)}${marks[phaseOf(one)]}`.trim());
  if (state.done) parts.push(`${state.done.label} DONE ${state.done.clock}`.trim());
  if (!state.link) parts.push("(no link)");
  return parts.join(" | ") || "-";
}

export function frame(state, width, height) {
  if (height >= TALL && (state.flights.length > 1 || (state.flights.length && state.done))) {
    const both = two(state, width, height);
    if (both) return both.leds;
  }
  if (state.flights.length) return one(state.flights[0], state, width, height).leds;
  if (state.done) return done(state.done, state, width, height).leds;
  const panel = new Panel(width, height);
  panel.dot(width - 1, height - 1, DIM);
  cutOff(panel, state, WHITE);
  return panel.leds;
}

function cutOff(panel, state, ink, left = 1) {
  if (state.link) return;
  if (panel.height >= TALL && left !== null) panel.write(NO_LINK, left, panel.height - 6, SMALL, ink);
  else for (const [x, y] of [[0, 0], [2, 0], [1, 1], [0, 2], [2, 2]]) panel.dot(x, panel.height - 3 + y, ink);
}

function one(flight, state, width, height) {
  const phase = phaseOf(flight);
  const time = timeOf(flight);
  const broken = phase === "broken";
  const panel = new Panel(width, height, broken ? RED : DARK);
  const ink = INKS[phase];
  const alarm = phase === "last" || phase === "over";
  if (height < TALL) {
    line(panel, flight.label, time, alarm ? "!" : "", state, ink);
    return panel;
  }
  const quiet = broken ? DARK : WHITE;
  if (alarm) panel.warning(1, height - 14, 13, ink);
  const reach = beside(panel, flight.label, time, ink);
  if (reach === null) {
    stacked(panel, flight.label, time, ink);
    cutOff(panel, state, quiet, null);
    return panel;
  }
  const left = alarm ? 18 : 1;
  cutOff(panel, state, quiet, left);
  const place = [left, height - (state.link ? 8 : 13)];
  if (phase === "plain" || phase === "last") {
    panel.bar(place, reach - left, 4, (flight.left_ms || 0) / Math.max(flight.span_ms, 1), ink);
  } else if (phase === "over") {
    panel.bar(place, reach - left, 4, flight.promise_left_ms / Math.max(flight.grace_ms, 1), ink);
  }
  return panel;
}

// Sizes are chosen by the widest digits, or a sign would jump as it counts past a 1.
const steady = (time) => time.replace(/[0-9]/g, "0");

function beside(panel, label, time, ink) {
  for (const large of TIMES.slice(0, 3)) {
    for (const small of LABELS) {
      const room = panel.width - widthOf(large, steady(time));
      if (large.height + 4 > panel.height || widthOf(small, label) + 4 > room) continue;
      const top = floorDiv(panel.height - large.height, 2);
      panel.write(label, 1, top, small, ink);
      panel.write(time, panel.width - 1 - widthOf(large, time), top, large, ink);
      return Math.max(Math.min(room - 9, 47), 19);
    }
  }
  return null;
}

function stacked(panel, label, time, ink) {
  const upper = LABELS.slice(1).find((each) => widthOf(each, label) + 2 <= panel.width);
  const room = panel.height - (upper ? upper.height + 2 : 0) - 1;
  const large = TIMES.find((each) => each.height <= room - 1 && widthOf(each, steady(time)) + 2 <= panel.width);
  if (upper) panel.write(label, 1, 1, upper, ink);
  if (large) panel.write(time, panel.width - 1 - widthOf(large, time), panel.height - 1 - large.height, large, ink);
}

function line(panel, label, time, mark, state, ink) {
  cutOff(panel, state, ink === DARK ? ink : WHITE);
  const start = state.link ? 0 : 4;
  const low = panel.height < TIMES[4].height ? SMALL : TIMES[4];
  const fits = (letters) => widthOf(letters, label) + widthOf(letters, steady(time)) + 10 <= panel.width;
  const letters = TIMES.slice(2, 4).find((each) => each.height <= panel.height && fits(each)) ?? low;
  const top = Math.max(floorDiv(panel.height - letters.height, 2), 0);
  let left = panel.width - widthOf(letters, time);
  panel.write(time, left, top, letters, ink);
  if (mark) {
    left -= widthOf(letters, mark) + 2;
    panel.write(mark, left, top, letters, ink);
  }
  while (label && widthOf(letters, label) + 2 > left - start) label = label.slice(1);
  panel.write(label, start, top, letters, ink);
}

function two(state, width, height) {
  const first = state.flights[0];
  const phase = phaseOf(first);
  let below;
  if (state.done) {
    below = [state.done.label, "DONE", state.done.kept ? GREEN : RED];
  } else {
    const second = state.flights[1];
    const how = phaseOf(second);
    below = [second.label, timeOf(second), how === "broken" ? RED : INKS[how]];
  }
  const indent = 16;
  const time = timeOf(first);
  const widest = Math.max(widthOf(UPPER, first.label + time), widthOf(LOWER, below[0] + below[1]));
  if (height < UPPER.height + LOWER.height + 4 || indent + widest + 24 > width) return null;
  const panel = new Panel(width, height);
  const middle = UPPER.height + floorDiv(height - UPPER.height - LOWER.height, 2);
  const ink = INKS[phase];
  if (phase === "broken") panel.block(0, 0, width, middle, RED);
  panel.pointer(1, 4, 8, ink);
  panel.write(first.label, indent, 1, UPPER, ink);
  const right = width - 1 - widthOf(UPPER, time);
  panel.write(time, right, 1, UPPER, ink);
  if (phase === "last" || phase === "over") panel.warning(right - 18, 1, 13, ink);
  for (let x = indent; x < width - 1; x += 3) panel.dot(x, middle, AMBER);
  const [label, text, colour] = below;
  const base = height - 1 - LOWER.height;
  panel.write(label, indent, base, LOWER, colour);
  panel.write(text, width - 1 - widthOf(LOWER, text), base, LOWER, colour);
  if (!state.link) {
    panel.write("NO", 0, base, SMALL, WHITE);
    panel.write("LINK", 0, base + 6, SMALL, WHITE);
  }
  return panel;
}

function done(ended, state, width, height) {
  const panel = new Panel(width, height);
  const ink = ended.kept ? GREEN : RED;
  if (height < TALL) {
    line(panel, ended.label, "DONE", "", state, ink);
    return panel;
  }
  if (beside(panel, ended.label, ended.clock, ink) !== null) {
    panel.write("DONE", 1, height - (state.link ? 13 : 19), LOWER, ink);
  } else {
    stacked(panel, ended.label, "DONE", ink);
    cutOff(panel, state, WHITE, null);
    return panel;
  }
  cutOff(panel, state, WHITE);
  return panel;
}
