// Mouse, touch and keys on the chart.

const REACH = 18; // pixels from a point that still mean it

function watchChart(view) {
  const chart = byId("chart");
  chart.addEventListener("pointermove", (event) => showTip(view, nearestPoint(view, event)));
  chart.addEventListener("pointerleave", () => showTip(view, null));
  chart.addEventListener("click", (event) => openNearest(view, event));
  chart.addEventListener("keydown", (event) => moveByKey(view, event));
  chart.addEventListener("focusin", (event) => {
    const point = pointOf(view, event.target);
    if (point) showTip(view, point);
  });
  chart.addEventListener("focusout", () => showTip(view, null));
}

function nearestPoint(view, event) {
  const { model } = view;
  const area = byId("chart").getBoundingClientRect();
  const scale = model.size.width / area.width;
  const [x, y] = [(event.clientX - area.left) * scale, (event.clientY - area.top) * scale];
  let best = null;
  let least = REACH ** 2;
  for (const point of [...model.points, ...model.networks]) {
    const away = (point.left - x) ** 2 + (point.top - y) ** 2;
    if (away < least) [best, least] = [point, away];
  }
  return best;
}

function openNearest(view, event) {
  const point = nearestPoint(view, event);
  showTip(view, point);
  if (point?.variant) {
    view.active = point.variant.place;
    openCard(view, point.variant);
  }
}

function pointOf(view, element) {
  const node = element.closest?.("[data-place]");
  return node ? view.model.points.find((point) => point.variant.place === Number(node.dataset.place)) : null;
}

/** Left and right go along the front, up and down through all points by cost, Enter opens the card. */
function moveByKey(view, event) {
  const here = pointOf(view, event.target);
  if (!here) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    openCard(view, here.variant);
    return;
  }
  const next = nextPoint(view, here, event.key);
  if (!next) return;
  event.preventDefault();
  view.active = next.variant.place;
  drawChart(view);
  focusPoint(view, view.active);
}

function nextPoint(view, here, key) {
  const { front, points } = view.model;
  const byCost = [...points].sort((a, b) => a.x - b.x || b.y - a.y);
  const moves = {
    ArrowRight: () => front.find((point) => isAfter(point, here)),
    ArrowLeft: () => [...front].reverse().find((point) => isAfter(here, point)),
    ArrowUp: () => byCost[byCost.indexOf(here) + 1],
    ArrowDown: () => byCost[byCost.indexOf(here) - 1],
    Home: () => front[0],
    End: () => front[front.length - 1],
  };
  return moves[key]?.() ?? null;
}

function isAfter(a, b) {
  return a.x > b.x || (a.x === b.x && a.y > b.y);
}

function focusPoint(view, place) {
  byId("chart").querySelector(`[data-place="${place}"]`)?.focus();
}

/** One point takes the focus: the one of before, the pick, or the first of the front. */
function settleActive(view) {
  const isThere = (variant) => variant && isShown(view.state, variant) && view.state.x in variant.values;
  if (isThere(view.data.variants[view.active])) return;
  const choice = [view.pick.best, view.pick.nearest, ...view.data.variants].find(isThere);
  view.active = choice ? choice.place : -1;
}

function showTip(view, point) {
  const tip = byId("tip");
  tip.hidden = !point;
  if (!point) return;
  tip.replaceChildren(...(point.network ? networkLines(point) : variantLines(view, point)));
  const { width } = view.model.size;
  const room = Math.min(260, width - 20);
  tip.style.maxWidth = `${room}px`;
  tip.style.left = `${clamp(point.left + 14, 4, width - room - 4)}px`;
  tip.style.top = `${point.top + 18}px`;
}

function variantLines(view, point) {
  const { data, state } = view;
  const { variant } = point;
  const limited = data.limited.filter((key) => key !== state.x && key !== state.y && key in variant.values);
  const lines = [state.y, state.x, ...limited].map((key) => make("div", {}, valueWords(data, variant, key)));
  const front = point.onFront ? [make("div", { class: "note" }, "on the front of these axes")] : [];
  return [make("strong", {}, `${variant.number}  ${variant.label}`), ...lines, ...front];
}

function networkLines(point) {
  const { network } = point;
  const numbers = `mIoU test ${(network.miou * 100).toFixed(1)} %, ${network.parameters / 1e6} M parameters`;
  const how = `input ${network.input}, pretraining: ${network.pretraining}`;
  const source = `published, not measured here; source: ${network.source}`;
  return [make("strong", {}, network.name), ...[numbers, how, source].map((line) => make("div", {}, line))];
}
