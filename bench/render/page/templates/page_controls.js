// Axes, limits, the objective and the filters.

const STEPS = 200; // places of a slider

function makeControls(view) {
  const { data } = view;
  const option = (key) => make("option", { value: key }, headingWords(data.metrics[key]));
  byId("axis-x").append(...data.x_axes.map(option));
  byId("axis-y").append(...data.y_axes.map(option));
  byId("goal").append(...data.limited.map((key) => make("option", { value: key }, goalWords(data, key))));
  byId("limits").append(...data.limited.map((key) => limitRow(view, key)));
  for (const kind of ["backbone", "module"]) byId(`only-${kind}`).append(...filterBoxes(view, kind));
  watchControls(view);
}

function watchControls(view) {
  const { data } = view;
  const onChange = (id, change) =>
    byId(id).addEventListener("change", (event) => {
      change(event.target);
      refresh(view);
    });
  onChange("axis-x", (field) => Object.assign(view.state, { x: field.value, log: null }));
  onChange("axis-y", (field) => Object.assign(view.state, { y: field.value }));
  onChange("axis-log", (field) => Object.assign(view.state, { log: field.checked }));
  onChange("goal", (field) => Object.assign(view.state, { goal: field.value }));
  onChange("published", (field) => Object.assign(view.state, { published: field.checked }));
  byId("published-axes").addEventListener("click", () => {
    Object.assign(view.state, { x: "parameters", y: "miou_test", log: null, published: true });
    refresh(view);
  });
  byId("reset").addEventListener("click", () => {
    view.state = startState(data);
    refresh(view);
  });
}

/** Slider and number; the far end of the slider is no limit. */
function limitRow(view, key) {
  const metric = view.data.metrics[key];
  const range = rangeOf(view.data, key);
  const label = `${metric.label}, ${metric.higher ? "at least" : "at most"} (${metric.unit})`;
  const slider = make("input", { type: "range", id: `slider-${key}`, min: 0, max: STEPS, step: 1, "aria-label": `${label}, slider` });
  const number = make("input", {
    type: "number", id: `limit-${key}`, min: 0, step: "any", placeholder: "no limit", inputmode: "decimal",
  });
  const change = (text) => {
    setLimit(view.state, key, text);
    refresh(view);
  };
  slider.addEventListener("input", () => change(atStep(range, Number(slider.value), metric)));
  number.addEventListener("input", () => change(number.value));
  return make("div", { class: "limit-row" }, make("label", { for: number.id }, label), slider, number);
}

/** Lowest and highest in the shown unit, how many decimals a step needs, whether steps grow. */
function rangeOf(data, key) {
  const { scale, digits } = data.metrics[key];
  const values = data.values[key].value.filter((value) => value !== null).map((value) => value * scale);
  const [low, high] = [lowest(values), highest(values)];
  const finer = Math.ceil(-Math.log10((high - low || high || 1) / STEPS));
  const decimals = clamp(Math.max(digits, finer), 0, 6);
  return { low: stepDown(low, decimals), high: stepUp(high, decimals), decimals, log: spansWide(values) };
}

function stepDown(value, decimals) {
  return Math.floor(value * 10 ** decimals) / 10 ** decimals;
}

function stepUp(value, decimals) {
  return Math.ceil(value * 10 ** decimals) / 10 ** decimals;
}

/** The limit at a place of the slider; "" at the end that leaves all in. */
function atStep(range, step, metric) {
  if (step === (metric.higher ? 0 : STEPS)) return "";
  const share = step / STEPS;
  const value = range.log && range.low > 0
    ? range.low * (range.high / range.low) ** share
    : range.low + (range.high - range.low) * share;
  return value.toFixed(range.decimals);
}

function stepAt(range, value, metric) {
  if (value === undefined) return metric.higher ? 0 : STEPS;
  const share = range.log && range.low > 0
    ? Math.log(value / range.low) / Math.log(range.high / range.low)
    : (value - range.low) / (range.high - range.low);
  return clamp(Math.round(share * STEPS) || 0, 0, STEPS);
}

/** Check boxes that are the legend as well. */
function filterBoxes(view, kind) {
  const { data } = view;
  return data[kind].values.map((name, place) => {
    const box = make("input", { type: "checkbox", "data-place": place });
    box.addEventListener("change", () => {
      if (box.checked) view.state.hidden[kind].delete(place);
      else view.state.hidden[kind].add(place);
      refresh(view);
    });
    return make("label", {}, box, legendMark(data, kind, place), make("span", {}, name));
  });
}

function legendMark(data, kind, place) {
  const svg = draw("svg", { class: "mark", viewBox: "-9 -9 18 18", width: 18, height: 18, "aria-hidden": "true" });
  if (kind === "module") {
    svg.append(draw("path", { d: shapePath(moduleShape(data, place), 6), class: "shape" }));
    return svg;
  }
  const { colour, letter } = backboneMark(data, place);
  svg.append(draw("path", { d: shapePath("o", 6.5), style: `fill:${colour}` }));
  if (letter) svg.append(draw("text", { class: "letter", y: 3, "text-anchor": "middle" }, letter));
  return svg;
}

/** Bring the controls to the state: after a link, a reset or a slider. */
function showControls(view) {
  const { data, state } = view;
  byId("axis-x").value = state.x;
  byId("axis-y").value = state.y;
  byId("goal").value = state.goal;
  byId("axis-log").checked = view.model.log;
  byId("published").checked = state.published;
  for (const key of data.limited) showLimit(view, key);
  for (const kind of ["backbone", "module"]) {
    for (const box of byId(`only-${kind}`).querySelectorAll("input")) {
      box.checked = !state.hidden[kind].has(Number(box.dataset.place));
    }
  }
  showPublished(view);
}

function showLimit(view, key) {
  const [metric, value] = [view.data.metrics[key], view.state.limits[key]];
  const [slider, number] = [byId(`slider-${key}`), byId(`limit-${key}`)];
  const words = value === undefined ? "no limit" : `${value} ${metric.unit}`;
  slider.setAttribute("aria-valuetext", words);
  if (document.activeElement !== slider) slider.value = stepAt(rangeOf(view.data, key), value, metric);
  if (document.activeElement !== number) number.value = value === undefined ? "" : value;
}

function showPublished(view) {
  const { data, state } = view;
  byId("published-box").hidden = !data.networks.length;
  const fits = state.x === "parameters" && state.y === "miou_test";
  byId("published-note").hidden = !state.published || fits;
}
