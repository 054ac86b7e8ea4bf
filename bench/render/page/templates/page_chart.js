// The chart: mIoU against a cost. SVG throughout; of very many points all but the front go on a canvas below it.

const MANY = 1500; // points that are still SVG elements of their own
const FEW = 40; // points that all bear their number
const BARS = 120; // points that all show their spread
const EDGE = { left: 44, right: 14, top: 10, bottom: 26 };

/** What is drawn: points in the shown units with their places, scales, front. */
function chartModel(view) {
  const { data, state } = view;
  const [mx, my] = [data.metrics[state.x], data.metrics[state.y]];
  const shown = data.variants.filter((v) => isShown(state, v) && state.x in v.values && state.y in v.values);
  const front = frontOf(shown, state.x, state.y, data.metrics);
  const onFront = new Set(front);
  const limits = limitsOf(state, data);
  const points = shown.map((variant) => ({
    variant, onFront: onFront.has(variant), within: limits.every((limit) => isWithin(limit, variant)),
    x: variant.values[state.x] * mx.scale, y: variant.values[state.y] * my.scale,
    xs: scaled(spreadOf(data, variant, state.x), mx), ys: scaled(spreadOf(data, variant, state.y), my),
  }));
  const networks = publishedPoints(view);
  const log = state.log ?? spansWide(points.map((point) => point.x));
  const size = chartSize();
  const scales = chartScales(points, networks, size, log && points.every((point) => point.x > 0));
  for (const point of [...points, ...networks]) {
    point.left = scales.x.at(point.x);
    point.top = scales.y.at(point.y);
  }
  const ordered = front.map((variant) => points.find((point) => point.variant === variant));
  return { points, front: ordered, networks, size, scales, limits, log: scales.x.log };
}

function isWithin(limit, variant) {
  return limit.metric in variant.values && holds(limit, variant.values[limit.metric]);
}

function scaled(ends, metric) {
  return ends && ends.map((end) => end * metric.scale);
}

function chartSize() {
  const width = Math.max(280, Math.round(byId("chart").clientWidth) || 640);
  return { width, height: Math.round(Math.min(Math.max(width * 0.62, 280), 470)) };
}

/** Wide enough for all points, and for the spread of the front. */
function chartScales(points, networks, size, log) {
  const spread = points.filter((point) => point.onFront || points.length <= BARS);
  const ends = (key, of) => [
    ...[...points, ...networks].map((point) => point[key]), ...spread.flatMap((point) => point[of] || []),
  ];
  const [xs, ys] = [ends("x", "xs").filter((value) => !log || value > 0), ends("y", "ys")];
  return {
    x: makeScale(lowest(xs), highest(xs), EDGE.left, size.width - EDGE.right, log),
    y: makeScale(lowest(ys), highest(ys), size.height - EDGE.bottom, EDGE.top, false),
  };
}

function lowest(values) {
  return values.length ? values.reduce((a, b) => Math.min(a, b)) : 0;
}

function highest(values) {
  return values.length ? values.reduce((a, b) => Math.max(a, b)) : 1;
}

function drawChart(view) {
  const model = chartModel(view);
  view.model = model;
  const { width, height } = model.size;
  const many = model.points.length > MANY;
  const svg = draw("svg", {
    viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": chartLabel(view, model),
    "aria-describedby": "chart-keys",
  });
  svg.append(drawGrid(model), drawLimits(view, model), drawSteps(model));
  const own = many ? model.points.filter((point) => point.onFront || isMarked(view, point.variant)) : model.points;
  svg.append(drawSpreads(view, model, own), drawNetworks(model), drawPoints(view, own), drawNumbers(view, model, own));
  const focused = byId("chart").contains(document.activeElement);
  byId("chart").querySelector("svg")?.remove();
  byId("chart").append(svg);
  drawCloud(view, model, many ? model.points.filter((point) => !own.includes(point)) : []);
  if (focused) focusPoint(view, view.active);
}

function chartLabel(view, model) {
  const { data, state } = view;
  const axes = `${headingWords(data.metrics[state.y])} against ${headingWords(data.metrics[state.x])}`;
  return `Chart of ${axes}: ${many(model.points.length, "variant")}, ${model.front.length} of them on the front`;
}

function drawGrid(model) {
  const { size, scales } = model;
  const [bottom, right] = [size.height - EDGE.bottom, size.width - EDGE.right];
  const group = draw("g", { class: "grid", "aria-hidden": "true" });
  for (const tick of apart(ticksOf(scales.x, Math.max(3, size.width / 90)), scales.x)) {
    const x = scales.x.at(tick);
    group.append(draw("line", { x1: x, x2: x, y1: EDGE.top, y2: bottom }));
    group.append(draw("text", { x, y: bottom + 17, "text-anchor": "middle" }, String(tick)));
  }
  for (const tick of ticksOf(scales.y, 6)) {
    const y = scales.y.at(tick);
    group.append(draw("line", { x1: EDGE.left, x2: right, y1: y, y2: y }));
    group.append(draw("text", { x: EDGE.left - 6, y: y + 4, "text-anchor": "end" }, String(tick)));
  }
  return group;
}

/** Ticks whose numbers do not touch. */
function apart(ticks, scale) {
  let last = -Infinity;
  return ticks.filter((tick) => {
    if (scale.at(tick) - last < 34) return false;
    last = scale.at(tick);
    return true;
  });
}

/** What the limits on the two axes leave out is shaded. */
function drawLimits(view, model) {
  const { data, state } = view;
  const { size, scales } = model;
  const [left, right, top, bottom] = [EDGE.left, size.width - EDGE.right, EDGE.top, size.height - EDGE.bottom];
  const group = draw("g", { class: "limit", "aria-hidden": "true" });
  for (const limit of model.limits) {
    const value = limit.value * data.metrics[limit.metric].scale;
    if (limit.metric === state.x) {
      const x = clamp(value > 0 || !scales.x.log ? scales.x.at(value) : left, left, right);
      group.append(draw("rect", { x, y: top, width: right - x, height: bottom - top }));
      group.append(draw("line", { x1: x, x2: x, y1: top, y2: bottom }));
    }
    if (limit.metric === state.y) {
      const y = clamp(scales.y.at(value), top, bottom);
      group.append(draw("rect", { x: left, y, width: right - left, height: bottom - y }));
      group.append(draw("line", { x1: left, x2: right, y1: y, y2: y }));
    }
  }
  return group;
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** Within a budget the best is the last point to its left: hence steps, not slopes. */
function drawSteps(model) {
  const [first, ...rest] = model.front;
  const d = first ? `M${first.left},${first.top}${rest.map((point) => `H${point.left}V${point.top}`).join("")}` : "";
  return draw("path", { class: "steps", d, "aria-hidden": "true" });
}

function drawSpreads(view, model, points) {
  const all = model.points.length <= BARS;
  const group = draw("g", { class: "spreads", "aria-hidden": "true" });
  for (const point of points.filter((one) => all || one.onFront || isMarked(view, one.variant))) {
    const d = spreadPath(model.scales, point);
    const { colour } = backboneMark(view.data, point.variant.backbone);
    const kind = point.onFront ? "front" : "";
    if (d) group.append(draw("path", { d, style: `stroke:${colour}`, class: point.within ? kind : "out" }));
  }
  return group;
}

function spreadPath(scales, point) {
  const across = point.xs ? `M${scales.x.at(point.xs[0])},${point.top}H${scales.x.at(point.xs[1])}` : "";
  const up = point.ys ? `M${point.left},${scales.y.at(point.ys[0])}V${scales.y.at(point.ys[1])}` : "";
  return across + up;
}

function drawPoints(view, points) {
  const group = draw("g", { class: "points" });
  const order = [...points].sort((a, b) => rank(view, a) - rank(view, b));
  for (const point of order) group.append(drawPoint(view, point));
  return group;
}

/** What is drawn later lies above. */
function rank(view, point) {
  return (isMarked(view, point.variant) ? 4 : 0) + (point.within ? 2 : 0) + (point.onFront ? 1 : 0);
}

function drawPoint(view, point) {
  const { variant } = point;
  const { colour, letter } = backboneMark(view.data, variant.backbone);
  const r = point.onFront ? 7 : 5.5;
  const group = draw("g", {
    class: `point${point.onFront ? " front" : ""}${point.within ? "" : " out"}`, role: "button",
    transform: `translate(${round(point.left)},${round(point.top)})`, "data-place": variant.place,
    tabindex: variant.place === view.active ? 0 : -1, "aria-label": pointLabel(view, point),
  });
  const ring = ringOf(view, variant);
  if (ring) group.append(draw("circle", { class: ring, r: 12 }));
  group.append(draw("circle", { class: "focus", r: 15 }));
  const d = shapePath(moduleShape(view.data, variant.module), r);
  group.append(draw("path", { d, style: `fill:${colour}` }));
  if (letter) group.append(draw("text", { class: "letter", y: 3, "text-anchor": "middle" }, letter));
  return group;
}

function ringOf(view, variant) {
  if (variant === view.pick.best) return "ring";
  return variant === view.pick.runnerUp || variant === view.pick.nearest ? "ring second" : "";
}

function isMarked(view, variant) {
  return Boolean(ringOf(view, variant)) || variant.name === view.state.card || variant.place === view.active;
}

function pointLabel(view, point) {
  const { data, state } = view;
  const { variant } = point;
  const parts = [`${variant.number}: ${variant.label}`, valueWords(data, variant, state.y), valueWords(data, variant, state.x)];
  if (point.onFront) parts.push("on the front");
  if (!point.within) parts.push("outside the limits");
  if (variant === view.pick.best) parts.push("the pick");
  if (variant === view.pick.runnerUp) parts.push("the runner-up");
  return parts.join(", ");
}

/** Hollow, with their names: of others, not measured here. */
function drawNetworks(model) {
  const group = draw("g", { class: "networks", "aria-hidden": "true" });
  for (const point of model.networks) {
    group.append(draw("path", { d: shapePath("D", 5), transform: `translate(${point.left},${point.top})` }));
    const flip = point.left > model.size.width - 90;
    const anchor = flip ? "end" : "start";
    group.append(draw("text", { x: point.left + (flip ? -9 : 9), y: point.top + 4, "text-anchor": anchor }, point.name));
  }
  return group;
}

/** Published networks have their place on these axes only. */
function publishedPoints(view) {
  const { data, state } = view;
  if (!state.published || state.x !== "parameters" || state.y !== "miou_test") return [];
  return data.networks
    .filter((network) => network.parameters)
    .map((network) => ({
      ...network, network, x: network.parameters * data.metrics.parameters.scale,
      y: network.miou * data.metrics.miou_test.scale,
    }));
}
