// How numbers, money and moments are written, in the language of the browser.

const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const one = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const relatives = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
export const NOTHING = "–";

/** 12,345 */
export const count = (number) => (number == null ? NOTHING : whole.format(number));
/** 1 unit, 12,345 units */
export const units = (number) => `${count(number)} ${number === 1 ? "unit" : "units"}`;
/** 12.3K, where there is little room */
export const compact = (number) => (number == null ? NOTHING : Math.abs(number) < 10_000 ? whole.format(number) : short.format(number));
/** 12.3 */
export const rate = (number) => (number == null ? NOTHING : one.format(number));
/** 12.3% of a share between 0 and 1 */
export const percent = (share) => (share == null ? NOTHING : percents.format(share));
/** +5 or −5 */
export const signed = (number) => (number > 0 ? `+${whole.format(number)}` : whole.format(number).replace("-", "−"));

/** The amount with its currency; the service tells amounts as text, to the last digit. */
export function money(amount, currency) {
  if (amount == null) return NOTHING;
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(amount);
  } catch {
    return `${amount} ${currency ?? ""}`.trim();
  }
}

/** 7.3 ms, 1.2 s */
export function duration(seconds) {
  if (seconds == null) return NOTHING;
  return seconds < 1 ? `${one.format(1_000 * seconds)} ms` : `${one.format(seconds)} s`;
}

/** Jan 31, 2026, 12:00:00 */
export const moment = (text) => (text ? moments.format(new Date(text)) : NOTHING);

const STEPS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

/** 3 minutes ago, in 2 hours */
export function ago(text, now = Date.now()) {
  if (!text) return NOTHING;
  const seconds = (new Date(text) - now) / 1_000;
  const [unit, size] = STEPS.find(([, length]) => Math.abs(seconds) >= length) ?? STEPS.at(-1);
  return relatives.format(Math.round(seconds / size), unit);
}

/** 4:05, 1:04:05: how long until a moment; 0:00 once it is past */
export function countdown(text, now = Date.now()) {
  const left = Math.max(0, Math.round((new Date(text) - now) / 1_000));
  const [hours, minutes, seconds] = [Math.floor(left / 3_600), Math.floor(left / 60) % 60, left % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** insufficient_stock as words */
export const words = (name) => (name ?? NOTHING).replaceAll("_", " ");
