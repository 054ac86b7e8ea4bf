// From state to page: everything on it follows from `view.state`.

function startPage() {
  const data = readData();
  const view = { data, state: stateFromHash(window.location.hash, data), active: -1 };
  document.documentElement.classList.add("js");
  byId("explore").hidden = false;
  makeControls(view);
  watchChart(view);
  watchCard(view);
  watchSharing(view);
  watchTables(view);
  watchSize(view);
  update(view);
  syncCard(view);
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

/** The pick at once, the chart with the next frame, however fast the hand is. */
function refresh(view) {
  choose(view);
  if (view.waiting) return;
  view.waiting = true;
  requestAnimationFrame(() => {
    view.waiting = false;
    showAll(view);
  });
}

function update(view) {
  choose(view);
  showAll(view);
}

function choose(view) {
  const { data, state } = view;
  view.limits = limitsOf(state, data);
  view.shown = data.variants.filter((variant) => isShown(state, variant));
  view.candidates = candidatesFor(view.shown, view.limits, state.goal);
  view.pick = pick(view.candidates, view.limits, state.goal, (metric) => data.metrics[metric].higher);
  byId("pick").dataset.pick = JSON.stringify(pickAsData(view.pick));
}

function showAll(view) {
  settleActive(view);
  drawChart(view);
  showAxes(view);
  showControls(view);
  showPick(view);
  writeAddress(view);
}

function showAxes(view) {
  const { data, state, model } = view;
  const [x, y] = [data.metrics[state.x], data.metrics[state.y]];
  byId("x-title").textContent = `← ${direction(x)} · ${x.axis}${model.log ? ", log scale" : ""}`;
  byId("y-title").textContent = `↑ ${headingWords(y)} · ${direction(y)}`;
  byId("x-setting").textContent = x.setting;
}

/** A click on a row of the result table opens the card. */
function watchTables(view) {
  document.addEventListener("click", (event) => {
    const row = event.target.closest("#results tbody tr"); // the table may still be on its way
    const chosen = window.getSelection()?.toString();
    if (row && !chosen) openCard(view, view.data.variants[row.sectionRowIndex]);
  });
}

function watchSize(view) {
  let width = byId("chart").clientWidth;
  const watch = () => {
    if (byId("chart").clientWidth === width) return;
    width = byId("chart").clientWidth;
    refresh(view);
  };
  window.addEventListener("resize", watch);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => refresh(view));
}

startPage();
