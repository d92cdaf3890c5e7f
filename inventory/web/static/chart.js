// <line-chart>: lines over time, drawn by uPlot in the colours of the theme.

const HEIGHT = 220;
const SECONDS_MIN = 30;
const COLOURS = ["--line-1", "--line-2", "--line-3"];

/**
 * `data` is `{ times, lines: [{ label, values, steps, unit }] }`: seconds since 1970 and, for each line, as many
 * numbers, null where nothing is known. `label` says in words what is to be seen.
 */
class LineChart extends HTMLElement {
  #data = { times: [], lines: [] };
  #plot = null;
  #lines = "";
  #watch = new ResizeObserver(() => this.#fit());
  #theme = () => this.#draw(true);

  set data(data) {
    this.#data = data;
    if (this.isConnected) this.#draw(false);
  }

  connectedCallback() {
    this.setAttribute("role", "img");
    this.#watch.observe(this);
    addEventListener("theme", this.#theme);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.#theme);
    this.#draw(true);
  }

  disconnectedCallback() {
    this.#watch.disconnect();
    removeEventListener("theme", this.#theme);
    matchMedia("(prefers-color-scheme: dark)").removeEventListener("change", this.#theme);
    this.#plot?.destroy();
    this.#plot = null;
  }

  #draw(anew) {
    const { times, lines } = this.#data;
    const kinds = lines.map(({ label, steps }) => `${label}${steps}`).join();
    const values = [times, ...lines.map((line) => line.values)];
    if (this.#plot && !anew && kinds === this.#lines) return this.#plot.setData(values);
    this.#plot?.destroy();
    this.#lines = kinds;
    this.#plot = new uPlot(this.#options(lines), values, this);
  }

  #options(lines) {
    const { fontFamily } = getComputedStyle(this);
    const colour = (name) => this.#colour(name);
    const axis = { stroke: colour("--chart-text"), grid: { stroke: colour("--chart-grid"), width: 1 }, ticks: { show: false }, font: `12px ${fontFamily}` };
    const drawn = lines.map(({ label, steps, unit }, n) => ({
      label,
      stroke: colour(COLOURS[n]),
      width: 2,
      fill: lines.length === 1 ? colour(COLOURS[n]).replace("rgb(", "rgba(").replace(")", ", 0.12)") : undefined,
      dash: n === 0 ? undefined : [6 - n, 3],
      paths: steps ? uPlot.paths.stepped({ align: 1 }) : undefined,
      points: { show: false },
      value: (_, value) => (value == null ? "–" : `${(+value.toFixed(1)).toLocaleString()}${unit ?? ""}`),
    }));
    return {
      width: Math.max(this.clientWidth, 200),
      height: HEIGHT,
      series: [{ label: "Time" }, ...drawn],
      axes: [axis, { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => tick.toLocaleString()) }],
      // Not less than half a minute, so that the first moments do not fill it.
      scales: { x: { range: (_, from, to) => [Math.min(from, to - SECONDS_MIN), to] }, y: { range: (_, least, most) => [Math.min(0, least ?? 0), Math.max(1, (most ?? 1) * 1.1)] } },
      cursor: { y: false },
      legend: { live: true },
    };
  }

  /** Return a colour of the theme as a canvas understands it. */
  #colour(name) {
    this.style.color = `var(${name})`;
    const { color } = getComputedStyle(this);
    this.style.color = "";
    return color;
  }

  #fit() {
    if (this.#plot && this.clientWidth && this.clientWidth !== this.#plot.width) {
      this.#plot.setSize({ width: this.clientWidth, height: HEIGHT });
    }
  }
}

customElements.define("line-chart", LineChart);
