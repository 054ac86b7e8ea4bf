// Bars and strips of the card: class IoU, cost by part, samples of a latency.

function classBars(view, variant, rival) {
  const { data } = view;
  const own = data.class_iou?.[variant.place];
  if (!own) return null;
  const other = rival && data.class_iou[rival.place];
  const rows = data.classes.map((name, i) => barRow(name, own[i], other ? other[i] : null, percentWords(own[i], other?.[i])));
  const key = other ? `The line is ${rival.number} ${rival.label}.` : "";
  return make("div", {}, make("div", { class: "bars" }, ...rows), make("p", { class: "small" }, key));
}

function percentWords(own, other) {
  if (own === null) return "not in the split";
  const gap = other === null || other === undefined ? "" : ` (${signed(100 * (own - other))})`;
  return `${(100 * own).toFixed(1)} %${gap}`;
}

function signed(number) {
  return `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(1)}`;
}

/** A share from 0 to 1 as a bar, another as a line on it. */
function barRow(name, share, line, words) {
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("span", { class: "fill", style: `width:${(share ?? 0) * 100}%` }));
  if (line !== null && line !== undefined) bar.append(make("span", { class: "line", style: `left:${line * 100}%` }));
  return make("div", { class: "bar-row" }, make("span", {}, name), bar, make("span", { class: "number" }, words));
}

function partBars(data, variant) {
  const parts = data.parts;
  if (!parts?.macs[variant.place]) return null;
  return make("div", {},
    partTable(data, "MACs", "macs", parts.names, parts.macs[variant.place]),
    partTable(data, "parameters", "parameters", parts.names, parts.parameters[variant.place]));
}

function partTable(data, title, key, names, values) {
  const whole = values.reduce((sum, value) => sum + value, 0);
  const metric = data.metrics[key];
  const rows = names
    .map((name, i) => ({ name, value: values[i] }))
    .filter(({ value }) => value > 0)
    .map(({ name, value }) => {
      const share = whole ? value / whole : 0;
      return barRow(name, share, null, `${show(metric, value)} ${metric.unit} (${(100 * share).toFixed(1)} %)`);
    });
  return make("div", {}, make("p", { class: "what" }, title), make("div", { class: "bars" }, ...rows));
}

function latencySections(data, variant) {
  return Object.entries(data.samples || {})
    .filter(([, of]) => of[variant.place])
    .map(([key, of]) => section(`Samples of its ${data.metrics[key].label}`, latencyStrip(data, key, variant, of[variant.place])));
}

/** A row a process, a dot a pass; the line is the median that the tables show. */
function latencyStrip(data, key, variant, { passes, processes }) {
  const all = processes.flat();
  const drawn = all.length;
  const [width, row, left] = [320, 13, 12];
  const scale = makeScale(lowest(all), highest(all), left, width - left, false);
  const height = processes.length * row + 26;
  const median = scale.at(variant.values[key]);
  const unit = data.metrics[key].unit;
  const label = `${drawn} samples of ${processes.length} processes, from ${lowest(all)} to ${highest(all)} ${unit}`;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, class: "strip", role: "img", "aria-label": label });
  svg.append(draw("line", { class: "median", x1: median, x2: median, y1: 0, y2: height - 20 }));
  processes.forEach((samples, i) => {
    const y = i * row + row / 2 + 1;
    svg.append(draw("line", { class: "base", x1: left, x2: width - left, y1: y, y2: y }));
    for (const ms of samples) svg.append(draw("circle", { cx: round(scale.at(ms)), cy: y, r: 3 }));
  });
  for (const tick of ticksOf(scale, 4)) {
    svg.append(draw("text", { x: scale.at(tick), y: height - 6, "text-anchor": "middle" }, `${tick}`));
  }
  const some = drawn < passes ? `${drawn} of ${passes} passes are drawn` : `all ${passes} passes`;
  const words = `${unit}; a row a process, a dot a pass: ${some}. The line is the median over the processes. ${data.metrics[key].setting}`;
  return make("div", {}, svg, make("p", { class: "small" }, words));
}
