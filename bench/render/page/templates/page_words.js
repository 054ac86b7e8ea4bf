// Numbers and limits in words, as the tables and `bench pick` say them.

/** A number in the shown unit, without the unit. */
function show(metric, value) {
  if (value === undefined || value === null) return "–";
  const shown = value * metric.scale;
  if (shown !== 0 && Math.abs(shown) < 10 ** (1 - metric.digits)) return String(Number(shown.toPrecision(2)));
  return fixed(shown, metric.digits);
}

/** "1 variant", "2 variants". */
function many(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Half way goes to the even digit, as in Python; toFixed sends it up. */
function fixed(number, digits) {
  const power = 10 ** digits;
  const scaled = number * power;
  const below = Math.floor(scaled);
  if (scaled - below === 0.5 && scaled / power === number && isExactHalf(number, digits)) {
    return ((below % 2 === 0 ? below : below + 1) / power).toFixed(digits);
  }
  return number.toFixed(digits);
}

function isExactHalf(number, digits) {
  return /^50*$/.test(number.toFixed(60).split(".")[1].slice(digits));
}

/** "MACs 1.70 G (1.6 to 1.8)". */
function valueWords(data, variant, key) {
  const metric = data.metrics[key];
  return `${metric.label} ${cellWords(data, variant, key)} ${metric.unit}`;
}

/** The number with its spread in brackets, or with the sign of a lower bound. */
function cellWords(data, variant, key) {
  const metric = data.metrics[key];
  const ends = spreadOf(data, variant, key);
  if (!ends) return `${boundSign(variant, key)}${show(metric, variant.values[key])}`;
  return `${show(metric, variant.values[key])} (${show(metric, ends[0])}–${show(metric, ends[1])})`;
}

const BOUNDED = new Set(["macs", "flops", "rest_operations", "activations", "activation_bytes"]);

function boundSign(variant, key) {
  return variant.isLowerBound && BOUNDED.has(key) && key in variant.values ? "≥" : "";
}

function limitWords(data, limit) {
  const metric = data.metrics[limit.metric];
  return `${metric.label} ${limit.least ? "≥" : "≤"} ${plain(limit.value * metric.scale)} ${metric.unit}`;
}

function plain(number) {
  return String(Number(number.toPrecision(6)));
}

/** A difference; of mIoU in points. */
function amountWords(data, key, amount) {
  const metric = data.metrics[key];
  return `${show(metric, amount)} ${metric.unit === "%" ? "points" : metric.unit}`;
}

function headingWords(metric) {
  return `${metric.label} (${metric.unit})`;
}

function goalWords(data, key) {
  const metric = data.metrics[key];
  return `${metric.higher ? "highest" : "lowest"} ${metric.label}`;
}

function direction(metric) {
  return metric.higher ? "higher is better" : "lower is better";
}

/** "0.25 G more buys +1.1 points mIoU val". */
function stepWords(data, step, goal) {
  const sign = data.metrics[goal].higher ? "+" : "−";
  const less = step.limit.least ? "less" : "more";
  const gain = `${sign}${amountWords(data, goal, step.gain)} ${data.metrics[goal].label}`;
  return `${amountWords(data, step.limit.metric, step.by)} ${less} buys ${gain}`;
}

function upgradeWords(data, step, goal) {
  const price = `${amountWords(data, goal, step.price)} more ${data.metrics[goal].label}`;
  return `${amountWords(data, "miou_val", step.more)} more for ${price}`;
}

function wayOutWords(data, way) {
  const less = way.limit.least ? "less" : "more";
  return `${limitWords(data, way.limit)}: ${amountWords(data, way.limit.metric, way.by)} ${less}`;
}

/** The same question to the command line; "" where it has no words for it. */
function commandWords(data, limits, goal, isFiltered) {
  const asked = [...limits.map((limit) => limit.metric), goal].map((key) => data.metrics[key]);
  const clocks = asked.filter((metric) => metric.device);
  const ways = new Set(clocks.map((metric) => `${metric.device} ${metric.runtime}`));
  if (isFiltered || ways.size > 1 || asked.some((metric) => !metric.option)) return "";
  const bounds = limits.map((limit) => {
    const metric = data.metrics[limit.metric];
    return `--${metric.option} "${limit.least ? ">" : "<"}=${limit.shown}${metric.option_unit}"`;
  });
  const clock = clocks.length ? [`--device ${clocks[0].device} --runtime ${clocks[0].runtime}`] : [];
  const metric = data.metrics[goal];
  const decides = `--${metric.higher ? "maximise" : "minimise"} ${metric.option}`;
  return ["bench pick", data.sweep, ...bounds, ...clock, decides].join(" ");
}
