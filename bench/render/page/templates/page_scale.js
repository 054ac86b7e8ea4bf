// From numbers in the shown unit to places on the chart, and the ticks between.

const WIDE = 12; // costs that span more than this many times are squeezed on a linear axis

function makeScale(low, high, start, end, log) {
  const map = log ? Math.log : (value) => value;
  const [from, to] = padded(map(low), map(high));
  const at = (value) => start + ((map(value) - from) / (to - from)) * (end - start);
  const back = log ? Math.exp : (value) => value;
  return { at, low: back(from), high: back(to), log };
}

function padded(low, high) {
  const margin = (high - low || Math.abs(high) * 0.1 || 1) * 0.07;
  return [low - margin, high + margin];
}

function spansWide(values) {
  const low = Math.min(...values);
  return low > 0 && Math.max(...values) > WIDE * low;
}

/** Round numbers inside the scale; on a log one at 1, 2 and 5 times the powers of ten where it spans a decade. */
function ticksOf(scale, most) {
  if (scale.log && scale.high > 10 * scale.low) return decadeTicks(scale);
  const step = roundStep((scale.high - scale.low) / most);
  const first = Math.ceil(scale.low / step);
  const count = Math.floor(scale.high / step) - first + 1;
  return Array.from({ length: Math.max(count, 0) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function decadeTicks(scale) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(scale.low)); power <= Math.log10(scale.high); power += 1) {
    for (const digit of [1, 2, 5]) {
      const tick = Number((digit * 10 ** power).toPrecision(6));
      if (tick >= scale.low && tick <= scale.high) ticks.push(tick);
    }
  }
  return ticks;
}

function roundStep(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * [1, 2, 5, 10].find((digit) => digit * power >= step * (1 - 1e-9));
}
