// What the reader has chosen, and the part of the address behind # that holds it.
//
// Limits are kept as typed, in the shown unit. log: null leaves the scale to the numbers.

function startState(data) {
  return {
    x: data.x_axes[0], y: data.y_axes[0], log: null, goal: "miou_val", limits: {},
    hidden: { backbone: new Set(), module: new Set() }, card: null, published: false,
  };
}

function stateToHash(state, data) {
  const start = startState(data);
  const parts = new URLSearchParams();
  for (const key of ["x", "y", "goal"]) if (state[key] !== start[key]) parts.set(key, state[key]);
  if (state.log !== null) parts.set("log", state.log ? "1" : "0");
  if (state.published) parts.set("published", "1");
  for (const key of data.limited) if (key in state.limits) parts.set(`limit.${key}`, String(state.limits[key]));
  for (const kind of ["backbone", "module"]) {
    for (const place of [...state.hidden[kind]].sort((a, b) => a - b)) {
      parts.append(`without.${kind}`, data[kind].values[place]);
    }
  }
  if (state.card) parts.set("card", state.card);
  return parts.toString();
}

/** What an address says that this page does not know is left out. */
function stateFromHash(hash, data) {
  const state = startState(data);
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const among = { x: data.x_axes, y: data.y_axes, goal: data.limited };
  for (const [key, known] of Object.entries(among)) if (known.includes(parts.get(key))) state[key] = parts.get(key);
  if (["0", "1"].includes(parts.get("log"))) state.log = parts.get("log") === "1";
  state.published = parts.get("published") === "1";
  for (const key of data.limited) setLimit(state, key, parts.get(`limit.${key}`));
  for (const kind of ["backbone", "module"]) {
    const places = parts.getAll(`without.${kind}`).map((name) => data[kind].values.indexOf(name));
    state.hidden[kind] = new Set(places.filter((place) => place >= 0));
  }
  if (data.byName.has(parts.get("card"))) state.card = parts.get("card");
  return state;
}

/** A limit from text; what is no number above 0 is no limit. */
function setLimit(state, key, text) {
  const number = Number(text);
  if (text === null || String(text).trim() === "" || !Number.isFinite(number) || number <= 0) delete state.limits[key];
  else state.limits[key] = number;
}

/** The limits in the order in which `bench pick` takes them; of parameters whole numbers, as there. */
function limitsOf(state, data) {
  return data.limited
    .filter((metric) => metric in state.limits)
    .map((metric) => {
      const { stored, higher } = data.metrics[metric];
      const value = state.limits[metric] * stored;
      if (metric !== "parameters") return { metric, shown: state.limits[metric], least: higher, value };
      const whole = Math.max(1, Math.round(value));
      return { metric, shown: whole / stored, least: higher, value: whole };
    });
}

function isShown(state, variant) {
  return !state.hidden.backbone.has(variant.backbone) && !state.hidden.module.has(variant.module);
}

function isFiltered(state) {
  return state.hidden.backbone.size + state.hidden.module.size > 0;
}
