// The JSON island as objects. Numbers stay in their stored units.

function readData() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const bounds = new Set(data.lower_bounds);
  data.variants = data.names.map((name, place) => ({
    place,
    number: place + 1,
    name,
    label: data.labels[place],
    backbone: codedAt(data.backbone, place),
    module: codedAt(data.module, place),
    isLowerBound: bounds.has(place),
    values: knownValues(data, place),
  }));
  data.examples = readExamples();
  data.byName = new Map(data.variants.map((variant) => [variant.name, variant]));
  data.networks = data.published.map(([name, parameters, input, pretraining, miou, source]) => ({
    name, parameters, input, pretraining, miou, source,
  }));
  return data;
}

/** The place of a row's value among the distinct ones. */
function codedAt(column, place) {
  return column.index ? column.index[place] : 0;
}

function knownValues(data, place) {
  const values = {};
  for (const [metric, column] of Object.entries(data.values)) {
    const value = column.value[place];
    if (value !== null) values[metric] = value;
  }
  return values;
}

/** Both ends of the spread of a metric, or null. */
function spreadOf(data, variant, metric) {
  const column = data.values[metric];
  const low = column.low ? column.low[variant.place] : null;
  const high = column.high ? column.high[variant.place] : null;
  return low === null || high === null ? null : [low, high];
}

/** The value that a variant has on an axis of its spec; null where the axis does not apply. */
function specAt(data, variant, axis) {
  const column = data.axes[axis];
  return column ? column.values[codedAt(column, variant.place)] : null;
}
