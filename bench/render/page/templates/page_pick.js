// Which variant to take: the same rules, to the last tie, as `bench pick`.
//
// A limit is {metric, value, least}: the value in the stored unit; least: the metric may not be below it.

function holds(limit, value) {
  return limit.least ? value >= limit.value : value <= limit.value;
}

/** By how much a value misses a limit; 0 or less: it is within. */
function shortfall(limit, value) {
  return limit.least ? limit.value - value : value - limit.value;
}

function meets(variant, limits) {
  return limits.every((limit) => holds(limit, variant.values[limit.metric]));
}

/** Those of whom all numbers are known that limits and objective ask for. */
function candidatesFor(variants, limits, objective) {
  const asked = ["miou_val", objective, ...limits.map((limit) => limit.metric)];
  return variants.filter((variant) => asked.every((metric) => metric in variant.values));
}

/** Choose among candidates; `higher` tells of a metric whether higher is better. */
function pick(candidates, limits, objective, higher) {
  const order = orderBy(objective, higher);
  const within = candidates.filter((variant) => meets(variant, limits)).sort(order);
  if (!within.length) {
    return {
      best: null, runnerUp: null, within: 0, steps: [], upgrades: [],
      conflict: conflictOf(candidates, limits), nearest: nearestTo(candidates, limits),
      waysOut: limits.flatMap((limit) => wayOut(candidates, limits, limit, order)),
    };
  }
  const steps = limits.flatMap((limit) => stepsOf(candidates, limits, limit, within[0], objective, higher));
  const upgrades = higher(objective) ? [] : upgradesOf(within, objective);
  return {
    best: within[0], runnerUp: within[1] || null, within: within.length, steps, upgrades,
    conflict: [], nearest: null, waysOut: [],
  };
}

/** The better by the objective first, then the higher mIoU, the fewer MACs, the name. */
function orderBy(objective, higher) {
  const known = (variant, metric) => variant.values[metric] ?? 0;
  return (a, b) =>
    goodness(b, objective, higher) - goodness(a, objective, higher) ||
    known(b, "miou_val") - known(a, "miou_val") ||
    known(a, "macs") - known(b, "macs") ||
    compareNames(a.name, b.name);
}

function goodness(variant, objective, higher) {
  const value = variant.values[objective];
  return higher(objective) ? value : -value;
}

/** By code points; `<` on strings goes by halves of them. */
function compareNames(a, b) {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    const difference = left[i].codePointAt(0) - right[i].codePointAt(0);
    if (difference) return difference;
  }
  return left.length - right.length;
}

/** How far a limit has to give, alone, for a better pick: each step buys more than the one before. */
function stepsOf(candidates, limits, limit, best, objective, higher) {
  const others = limits.filter((other) => other !== limit);
  const miss = (variant) => shortfall(limit, variant.values[limit.metric]);
  const order = orderBy(objective, higher);
  const keptOut = candidates
    .filter((variant) => meets(variant, others) && !holds(limit, variant.values[limit.metric]))
    .sort((a, b) => miss(a) - miss(b) || order(a, b));
  const steps = [];
  let gained = 0;
  for (const variant of keptOut) {
    const gain = goodness(variant, objective, higher) - goodness(best, objective, higher);
    if (gain > gained) {
      gained = gain;
      steps.push({ limit, by: miss(variant), variant, gain });
    }
  }
  return steps;
}

/** What more mIoU costs: from the pick on, each that the order has before all others of as much mIoU. */
function upgradesOf(within, objective) {
  const [best, ...rest] = within;
  const upgrades = [];
  let reached = best.values.miou_val;
  for (const variant of rest) {
    if (variant.values.miou_val > reached) {
      reached = variant.values.miou_val;
      const price = variant.values[objective] - best.values[objective];
      upgrades.push({ variant, more: reached - best.values.miou_val, price });
    }
  }
  return upgrades;
}

/** How far a limit has to give, alone, for there to be a pick; nothing where that brings none. */
function wayOut(candidates, limits, limit, order) {
  const miss = (variant) => shortfall(limit, variant.values[limit.metric]);
  const keptOut = candidates.filter((variant) => meets(variant, limits.filter((other) => other !== limit)));
  const [variant] = keptOut.sort((a, b) => miss(a) - miss(b) || order(a, b));
  return variant ? [{ limit, by: miss(variant), variant }] : [];
}

/** The fewest limits that nothing meets together; of several such sets the first in the limits' order. */
function conflictOf(candidates, limits) {
  for (let size = 1; size <= limits.length; size += 1) {
    for (const some of combinations(limits, size)) {
      if (!candidates.some((variant) => meets(variant, some))) return some;
    }
  }
  return [];
}

/** All choices of so many items, in the order of the items. */
function* combinations(items, size) {
  if (size === 0) {
    yield [];
    return;
  }
  for (let i = 0; i <= items.length - size; i += 1) {
    for (const rest of combinations(items.slice(i + 1), size - 1)) yield [items[i], ...rest];
  }
}

/** Whose worst miss, as a share of the limit, is smallest. */
function nearestTo(candidates, limits) {
  if (!candidates.length || !limits.length) return null;
  const share = (variant, limit) => shortfall(limit, variant.values[limit.metric]) / limit.value || 0;
  const worst = (variant) => Math.max(...limits.map((limit) => Math.max(0, share(variant, limit))));
  const misses = candidates.map((variant) => ({ variant, miss: worst(variant) }));
  return misses.reduce((best, other) => (isNearer(other, best) ? other : best)).variant;
}

function isNearer(a, b) {
  return a.miss < b.miss || (a.miss === b.miss && compareNames(a.variant.name, b.variant.name) < 0);
}
