// Marker shapes by their matplotlib names: the still figures and the chart share them.

function shapePath(shape, r) {
  return PATHS[shape](r);
}

const PATHS = {
  o: (r) => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0Z`,
  s: (r) => polygon([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]], r),
  "^": (r) => polygon([[0, -1.1], [1.05, 0.85], [-1.05, 0.85]], r),
  v: (r) => polygon([[0, 1.1], [1.05, -0.85], [-1.05, -0.85]], r),
  "<": (r) => polygon([[-1.1, 0], [0.85, 1.05], [0.85, -1.05]], r),
  ">": (r) => polygon([[1.1, 0], [-0.85, 1.05], [-0.85, -1.05]], r),
  D: (r) => polygon([[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]], r),
  d: (r) => polygon([[0, -1.3], [0.8, 0], [0, 1.3], [-0.8, 0]], r),
  P: (r) => polygon(cross(), r),
  X: (r) => polygon(cross().map(([x, y]) => [(x - y) * 0.75, (x + y) * 0.75]), r),
  "*": (r) => polygon(star(5, 1.35, 0.55), r),
  p: (r) => polygon(regular(5), r),
  h: (r) => polygon(regular(6), r),
  8: (r) => polygon(regular(8), r),
};

function polygon(points, r) {
  return `M${points.map(([x, y]) => `${round(x * r)},${round(y * r)}`).join("L")}Z`;
}

function cross() {
  const [a, b] = [0.42, 1.15];
  return [[-a, -b], [a, -b], [a, -a], [b, -a], [b, a], [a, a], [a, b], [-a, b], [-a, a], [-b, a], [-b, -a], [-a, -a]];
}

function regular(corners) {
  return Array.from({ length: corners }, (_, i) => onCircle(i / corners, 1.1));
}

function star(corners, outer, inner) {
  return Array.from({ length: 2 * corners }, (_, i) => onCircle(i / (2 * corners), i % 2 ? inner : outer));
}

function onCircle(turn, r) {
  return [r * Math.sin(2 * Math.PI * turn), -r * Math.cos(2 * Math.PI * turn)];
}

function round(number) {
  return Math.round(number * 100) / 100;
}

/** Colour and, where colours have run out, a letter that tells which round of them it is. */
function backboneMark(data, place) {
  const turn = Math.floor(place / data.colours);
  return { colour: `var(--c${place % data.colours})`, letter: turn ? String.fromCharCode(96 + Math.min(turn, 26)) : "" };
}

function moduleShape(data, place) {
  return data.shapes[place % data.shapes.length];
}
