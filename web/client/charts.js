// Draws the figures marked `data-chart`: what they show is data in that attribute, how they look is told by the style sheet.
import uPlot from './uplot.js';

const drawn = new Map();

// A canvas knows no tokens and no light-dark(): an element has them worked out.
const swatch = document.createElement('i');
swatch.hidden = true;

function colour(name) {
  if (!swatch.isConnected) document.body.append(swatch);
  swatch.style.color = `var(--${name})`;
  return getComputedStyle(swatch).color;
}

/** A colour with less of it. */
const faint = (name, share) => `color-mix(in srgb, ${colour(name)} ${share * 100}%, transparent)`;

const FORMATS = {
  percent: (value) => `${(100 * value).toFixed(1)} %`,
  number: (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2)),
};

/** Vertical lines and points on top of the lines: what was decided where. */
function marks({ marks: all = [] }) {
  return (u) => {
    const { ctx } = u;
    const unit = devicePixelRatio;
    ctx.save();
    for (const mark of all) {
      const x = u.valToPos(mark.x, 'x', true);
      if (mark.kind === 'reset') {
        ctx.strokeStyle = colour('warn');
        ctx.lineWidth = 1.25 * unit;
        ctx.setLineDash([4 * unit, 4 * unit]);
        ctx.beginPath();
        ctx.moveTo(x, u.bbox.top);
        ctx.lineTo(x, u.bbox.top + u.bbox.height);
        ctx.stroke();
        ctx.setLineDash([]);
        ctx.fillStyle = colour('warn');
        ctx.font = `600 ${11 * unit}px sans-serif`;
        ctx.textAlign = 'left';
        ctx.fillText(mark.text, x + 4 * unit, u.bbox.top + 12 * unit);
        continue;
      }
      const y = u.valToPos(mark.y, 'y', true);
      // The line that was drawn before may have been dashed.
      ctx.setLineDash([]);
      ctx.beginPath();
      ctx.arc(x, y, 4.5 * unit, 0, 2 * Math.PI);
      ctx.fillStyle = mark.kind === 'promote' ? colour('accent') : colour('card');
      ctx.fill();
      ctx.lineWidth = 2 * unit;
      ctx.strokeStyle = mark.kind === 'promote' ? colour('accent') : colour('muted');
      ctx.stroke();
    }
    ctx.restore();
  };
}

function optionsOf(chart, width, height) {
  const format = FORMATS[chart.format] ?? FORMATS.number;
  const axis = {
    stroke: colour('muted'),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
  };
  const series = [
    { label: 'iteration' },
    ...chart.series.map((one) => ({
      label: one.label,
      stroke: one.hidden ? 'transparent' : colour(one.colour),
      width: one.hidden ? 0 : one.dash ? 1.5 : 2,
      dash: one.dash ? [6, 5] : undefined,
      points: { show: one.points ?? false, size: 5 },
      spanGaps: true,
      value: (_, value) => (value === null || value === undefined ? '–' : format(value)),
    })),
  ];
  return {
    width,
    height,
    padding: [12, 12, 0, 0],
    series,
    bands: (chart.bands ?? []).map(({ upper, lower, colour: name }) => ({
      series: [upper, lower],
      fill: faint(name, 0.14),
    })),
    scales: {
      x: { time: false, range: chart.xRange ? () => chart.xRange : undefined },
      y: { range: chart.range ? () => chart.range : undefined },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 30,
        // Iterations are whole.
        splits: (u) => {
          const { min, max } = u.scales.x;
          const step = Math.max(1, Math.ceil((max - min) / Math.max(2, width / 60)));
          const splits = [];
          for (let x = Math.ceil(min); x <= max; x += step) splits.push(x);
          return splits;
        },
        values: (_, values) => values.map((value) => String(value)),
      },
      {
        ...axis,
        size: 52,
        values: (_, values) =>
          values.map((value) =>
            chart.format === 'percent' ? `${Math.round(100 * value)} %` : String(+value.toFixed(3)),
          ),
      },
    ],
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    hooks: { draw: [marks(chart)], setCursor: [readout(chart, format)] },
  };
}

/** The values under the cursor, in words above the chart. */
function readout(chart, format) {
  return (u) => {
    const line = u.root.closest('[data-chart]')?.querySelector('.readout');
    if (!line) return;
    const { idx } = u.cursor;
    if (idx === null || idx === undefined) {
      line.textContent = '';
      return;
    }
    const parts = chart.series.flatMap((one, i) => {
      const value = u.data[i + 1][idx];
      return one.hidden || value === null || value === undefined ? [] : [`${one.label} ${format(value)}`];
    });
    const x = u.data[0][idx];
    const where = Number.isInteger(x) ? `iteration ${x}` : 'reset';
    line.textContent = `${where}: ${parts.join(', ')}`;
  };
}

function draw(element) {
  const chart = JSON.parse(element.dataset.chart);
  const box = element.querySelector('.plot');
  const width = box.clientWidth;
  const height = box.clientHeight;
  if (width === 0 || height === 0) return;
  drawn.get(element)?.destroy();
  box.replaceChildren();
  drawn.set(element, new uPlot(optionsOf(chart, width, height), chart.data, box));
}

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const element = target.closest('[data-chart]');
    const plot = drawn.get(element);
    const box = target.getBoundingClientRect();
    if (plot && Math.abs(plot.width - box.width) > 1) plot.setSize({ width: box.width, height: box.height });
    else if (!plot && box.width > 0) draw(element);
  }
});

/** Draws the charts in `part`, also those that are drawn already, in the colours of now. */
export function drawCharts(part) {
  for (const [element, plot] of drawn) {
    if (element.isConnected) continue;
    plot.destroy();
    drawn.delete(element);
  }
  for (const element of part.querySelectorAll('[data-chart]')) {
    draw(element);
    sizes.observe(element.querySelector('.plot'));
  }
}
