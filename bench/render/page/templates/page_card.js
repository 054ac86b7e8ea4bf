// The card of one variant, beside its rivals.

const RIVALS = 3;

function openCard(view, variant) {
  view.opener = document.activeElement;
  view.state.card = variant.name;
  fillCard(view, variant);
  const card = byId("card");
  if (!card.open) card.showModal();
  card.scrollTop = 0;
  refresh(view);
}

function watchCard(view) {
  const card = byId("card");
  card.addEventListener("close", () => {
    view.state.card = null;
    refresh(view);
    if (view.opener && !view.opener.isConnected) focusPoint(view, view.active);
  });
  card.addEventListener("click", (event) => {
    if (event.target === card) card.close(); // on the backdrop
  });
}

/** Open or close as the state has it: after a link. */
function syncCard(view) {
  const variant = view.data.byName.get(view.state.card);
  if (variant) openCard(view, variant);
  else if (byId("card").open) byId("card").close();
}

function fillCard(view, variant) {
  const rivals = rivalsOf(view, variant);
  const parts = [
    cardHead(view, variant), rivalTable(view, variant, rivals), frontWords(view, variant), doubtList(view, variant),
    section("The network", drawNetwork(view.data, variant), specList(view.data, variant)),
    section("Class IoU on the test split", classBars(view, variant, rivals[0])),
    exampleSection(view, variant, rivals),
    section("Where its cost lies", partBars(view.data, variant)),
    ...latencySections(view.data, variant),
  ];
  byId("card-body").replaceChildren(...parts.filter(Boolean));
}

function section(title, ...content) {
  const kept = content.filter(Boolean);
  return kept.length ? make("section", {}, make("h3", {}, title), ...kept) : null;
}

function cardHead(view, variant) {
  const copy = make("button", { type: "button", onclick: () => copyText(variant.name, copy) }, "Copy name");
  const field = make("input", { class: "copied", type: "text", readonly: "", hidden: "", "aria-label": "Name to copy" });
  return make("header", {},
    make("h2", { id: "card-title" }, `${variant.number} ${variant.label}`),
    make("p", { class: "copy" }, make("code", {}, variant.name), " ", copy, field));
}

/** The pick, the runner-up, and the neighbours on the front of the chosen axes. */
function rivalsOf(view, variant) {
  const front = view.model.front.map((point) => point.variant);
  const place = front.indexOf(variant);
  const near = place >= 0 ? [front[place - 1], front[place + 1]] : frontAround(view, front, variant);
  const all = [view.pick.best, view.pick.runnerUp, ...near].filter((other) => other && other !== variant);
  return [...new Set(all)].slice(0, RIVALS);
}

function frontAround(view, front, variant) {
  const cost = (one) => one.values[view.state.x];
  if (!(view.state.x in variant.values)) return [];
  return [[...front].reverse().find((one) => cost(one) <= cost(variant)), front.find((one) => cost(one) > cost(variant))];
}

function rivalTable(view, variant, rivals) {
  const { data } = view;
  const columns = [variant, ...rivals];
  const roles = (one) => roleWords(view, one, variant);
  const head = make("tr", {}, make("th", { scope: "col", class: "text" }, ""), ...columns.map((one) =>
    make("th", { scope: "col" }, one === variant ? "this" : nameButton(view, one), make("small", {}, roles(one)))));
  const keys = [...new Set([...data.y_axes, ...data.limited, view.state.x])].filter((key) => columns.some((one) => key in one.values));
  const rows = keys.map((key) => make("tr", {},
    make("th", { scope: "row", class: "text", title: data.metrics[key].setting }, headingWords(data.metrics[key])),
    ...columns.map((one) => make("td", {}, cellWords(data, one, key)))));
  return make("div", { class: "wide" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
}

function roleWords(view, one, variant) {
  const roles = [];
  if (one === view.pick.best) roles.push("the pick");
  if (one === view.pick.runnerUp) roles.push("runner-up");
  if (one !== variant && !roles.length) roles.push("near it on the front");
  return roles.join(", ");
}

function frontWords(view, variant) {
  const { data } = view;
  const on = Object.entries(data.fronts).filter(([, places]) => places.includes(variant.place));
  const words = on.map(([key]) => data.metrics[key].label).join(", ");
  const said = words ? `On the front of ${words}, among all variants of the sweep.` : "On no front: others are as accurate for less.";
  return make("p", {}, said);
}

function doubtList(view, variant) {
  const lines = view.data.doubts[variant.place] || [];
  if (!lines.length) return null;
  const items = lines.map((line) => make("li", {}, line.replaceAll(variant.name, "it")));
  return make("div", { class: "warning" }, make("strong", {}, "Doubtful"), make("ul", {}, ...items));
}

function specList(data, variant) {
  const said = Object.keys(data.axes)
    .map((axis) => [axis, specAt(data, variant, axis)])
    .filter(([, value]) => value !== null && !(Array.isArray(value) && !value.length));
  const words = said.map(([axis, value]) => `${axis.replaceAll("_", " ")}: ${Array.isArray(value) ? value.join(" ") : value}`);
  return make("p", { class: "small" }, words.join(" · "));
}
