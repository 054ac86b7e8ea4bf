// The Pareto front of the variants that are shown, as the reports have it.

/** Those that no other matches in both metrics and beats in one, at the digits that are printed; by rising cost. */
function frontOf(variants, cost, score, metrics) {
  const points = variants
    .filter((variant) => cost in variant.values && score in variant.values)
    .map((variant) => ({
      variant,
      cost: asShown(metrics, cost, variant.values[cost]),
      score: asShown(metrics, score, variant.values[score]),
    }))
    .sort((a, b) => a.cost - b.cost || b.score - a.score);
  const front = [];
  let best = null;
  for (const point of points) {
    const ties = best && point.cost === best.cost && point.score === best.score;
    if (!best || point.score > best.score || ties) {
      front.push(point.variant);
      best = point;
    }
  }
  return front;
}

/** FLOPs are twice the MACs as these are printed: the front does not depend on how a multiply-add is said. */
function asShown(metrics, key, value) {
  return key === "flops" ? 2 * Number(show(metrics[key], value / 2)) : Number(show(metrics[key], value));
}
