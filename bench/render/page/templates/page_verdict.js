// The pick in words, beside the limits.

const SAID_STEPS = 3; // of a limit

function showPick(view) {
  const { data, state, pick: found } = view;
  const lines = [make("p", {}, make("strong", {}, askedWords(view)))];
  lines.push(...(found.best ? pickLines(view) : noPickLines(view)));
  lines.push(...footLines(view));
  byId("pick").replaceChildren(...lines);
  byId("pick").dataset.pick = JSON.stringify(pickAsData(found));
  say(view, found.best ? `Pick: ${found.best.label}. ${withinWords(view)}.` : `No pick. ${withinWords(view)}.`);
  byId("chart-note").textContent = noteWords(data, state, view.model);
}

function askedWords(view) {
  const words = view.limits.map((limit) => limitWords(view.data, limit)).join(" and ") || "no limit";
  return `${goalWords(view.data, view.state.goal)} with ${words}: ${withinWords(view)}`;
}

function withinWords(view) {
  const within = view.pick.within;
  return `${within} of ${many(view.candidates.length, "variant")} ${within === 1 ? "is" : "are"} within`;
}

function pickLines(view) {
  const { pick: found } = view;
  const lines = [variantBlock(view, "pick", found.best)];
  lines.push(found.runnerUp ? variantBlock(view, "runner-up", found.runnerUp) : block("runner-up", "none: no other is within"));
  if (view.limits.length) {
    const items = view.limits.map((limit) => make("li", {}, `${limitWords(view.data, limit)}: `, ...costOfLimit(view, limit)));
    lines.push(make("p", { class: "what" }, "what the limits cost"), make("ul", {}, ...items));
  }
  if (found.upgrades.length) {
    const items = found.upgrades.slice(0, SAID_STEPS).map((step) =>
      make("li", {}, `${upgradeWords(view.data, step, view.state.goal)} (`, nameButton(view, step.variant), ")"));
    lines.push(make("p", { class: "what" }, "what more mIoU costs"), make("ul", {}, ...items));
  }
  return lines;
}

function costOfLimit(view, limit) {
  const reads = (step) => amountWords(view.data, limit.metric, step.by);
  const own = view.pick.steps.filter((step) => step.limit === limit);
  const steps = own.filter((step, i) => i + 1 === own.length || reads(step) !== reads(own[i + 1])).slice(0, SAID_STEPS);
  if (!steps.length) return ["does not bind, alone"];
  return steps.flatMap((step, i) => [
    i ? "; " : "", `${stepWords(view.data, step, view.state.goal)} (`, nameButton(view, step.variant), ")",
  ]);
}

function noPickLines(view) {
  const { data, pick: found } = view;
  const together = found.conflict.map((limit) => limitWords(data, limit)).join(" and ");
  const lines = [];
  if (found.conflict.length) {
    const end = found.conflict.length === 1 ? "" : " together";
    lines.push(block("no pick", `no variant has ${together}${end}`));
  } else lines.push(block("no pick", "no variant is left: choose a backbone and a block"));
  if (found.nearest) lines.push(variantBlock(view, "nearest", found.nearest), make("p", { class: "small" }, missWords(view)));
  if (found.waysOut.length) {
    const items = found.waysOut.map((way) => make("li", {}, `${wayOutWords(data, way)} (`, nameButton(view, way.variant), ")"));
    lines.push(make("p", { class: "what" }, "what would bring a pick"), make("ul", {}, ...items));
  }
  return lines;
}

function missWords(view) {
  const { data, pick: found } = view;
  return view.limits
    .filter((limit) => !holds(limit, found.nearest.values[limit.metric]))
    .map((limit) => {
      const by = amountWords(data, limit.metric, shortfall(limit, found.nearest.values[limit.metric]));
      return `${by} ${limit.least ? "below" : "above"} ${limitWords(data, limit)}`;
    })
    .join(", ");
}

function variantBlock(view, what, variant) {
  const { data, state } = view;
  const keys = new Set(["miou_val", "miou_test", ...view.limits.map((limit) => limit.metric), state.goal, state.x]);
  const words = [...keys].filter((key) => key in variant.values).map((key) => valueWords(data, variant, key));
  return make("div", { class: "chosen" },
    make("span", { class: "what" }, what), " ", nameButton(view, variant), make("div", { class: "small" }, words.join(", ")));
}

function block(what, words) {
  return make("div", { class: "chosen" }, make("span", { class: "what" }, what), " ", words);
}

function nameButton(view, variant) {
  const title = `Open the card of ${variant.name}`;
  const words = `${variant.number} ${variant.label}`;
  return make("button", { type: "button", class: "name", title, onclick: () => openCard(view, variant) }, words);
}

function footLines(view) {
  const left = view.shown.length - view.candidates.length;
  const lines = [];
  if (left) lines.push(make("p", { class: "small" }, `${many(left, "variant")} without one of these numbers, left out.`));
  const command = commandWords(view.data, view.limits, view.state.goal, isFiltered(view.state));
  if (command) {
    const best = view.pick.best ? "how sure the choice is and " : "";
    const also = `The same on the command line, with ${best}what other images and seeds would give:`;
    lines.push(make("p", { class: "small" }, also, " ", make("code", { id: "command" }, command)));
  }
  return lines;
}

function noteWords(data, state, model) {
  const words = [`${many(model.points.length, "variant")}, ${model.front.length} on the front.`];
  if (state.y === "miou_test") words.push("The test split is for reading: choose by the validation split.");
  if (model.points.length > FEW) words.push("Numbers stand at the front alone.");
  if (model.limits.length) words.push("Faint: outside the limits.");
  return words.join(" ");
}

/** For programs: names and stored numbers. */
function pickAsData(found) {
  const name = (variant) => variant && variant.name;
  return {
    best: name(found.best), runner_up: name(found.runnerUp), within: found.within,
    steps: found.steps.map((step) => [step.limit.metric, step.by, step.variant.name, step.gain]),
    conflict: found.conflict.map((limit) => limit.metric), nearest: name(found.nearest),
    upgrades: found.upgrades.map((step) => [step.variant.name, step.more, step.price]),
    ways_out: found.waysOut.map((way) => [way.limit.metric, way.by, way.variant.name]),
  };
}

/** To a screen reader, once the hand rests. */
function say(view, words) {
  clearTimeout(view.saying);
  view.saying = setTimeout(() => {
    if (byId("said").textContent !== words) byId("said").textContent = words;
  }, 400);
}
